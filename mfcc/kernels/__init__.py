"""The inner loops, compiled with numba: the only place of this package that knows it."""
