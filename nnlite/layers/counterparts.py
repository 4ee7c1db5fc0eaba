"""Names of layers and parameters in other libraries, as data: neither onnx nor PyTorch is needed to describe them."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

__all__ = ["OnnxNode", "TorchParameter"]


class OnnxNode(NamedTuple):
    """An operation of ONNX on the output of the one before.

    Attributes
    ----------
    operator : str
        Its name in ONNX.
    constants : dict of ndarray
        Further inputs in ONNX's order: name of a parameter -> the parameter, its axes arranged as ONNX has them.
    attributes : dict
        Settings of the operator.
    channels : {"last", "first", "any"}
        The order in which the operation takes images: channels last, as layers do; channels first, as most operators of
        ONNX on images do; or either way, because it works on each value alone.
    beside : int
        k to take also, as last input, what the operation k places before it takes; 0 to take nothing more. The
        operations between the two have the same `channels`.
    """

    operator: str
    constants: Mapping[str, np.ndarray] = {}
    attributes: Mapping[str, Any] = {}
    channels: Literal["last", "first", "any"] = "last"
    beside: int = 0


class TorchParameter(NamedTuple):
    """A parameter in a state dictionary of PyTorch.

    Attributes
    ----------
    name : str
        Its name there.
    axes : tuple of int
        Axis `k` there is axis ``axes[k]`` here.
    features : int or None
        Axis here that has a place for each feature of a sample, if there is one. `Flatten` puts the values of an image
        in another order than PyTorch does, and such a parameter has to follow.
    images : bool
        Whether PyTorch's module works on the channels of images too, and not on their width.
    """

    name: str
    axes: tuple[int, ...]
    features: int | None = None
    images: bool = False
