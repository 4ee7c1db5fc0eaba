"""Neural networks on NumPy and numba."""

__version__ = "0.1.0"
