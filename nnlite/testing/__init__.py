"""Checks for layers and networks, this library's and your own."""

from nnlite.testing.contract import check_layer
from nnlite.testing.gradients import check_gradients

__all__ = ["check_gradients", "check_layer"]
