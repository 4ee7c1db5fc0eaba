"""Adapters: how each library does what a subject asks, in every mode that a good user of it would try.

An adapter is a function of a `speed.case.Task` that returns modes by name; it runs in a process of its own. What a good
user does once (loading, planning, compiling, moving data) is done when a mode is made, and is not timed.
"""
