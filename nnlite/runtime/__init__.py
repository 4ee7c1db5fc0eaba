"""This machine: compiled kernels and their cache, vectors, memory, threads."""
