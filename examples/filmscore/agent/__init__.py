"""The recommendation agent: a library of recordings that is scanned once and searched by genre and by likeness.

`library` reads what `scan` wrote; `search`, `explain`, `surprise` and `export` answer from it without a model.
docs/agent-developers.md has the layout of a library and where it can be extended.
"""
