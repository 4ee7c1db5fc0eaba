"""The version of nnlite."""

__version__ = "0.1.0"
