"""Parameters against the network that they belong to.

Kernels don't check what they index, so parameters that come from a file are held against the network first.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlite.layers.base import Layer, Shape
from nnlite.network import Sequential


def parameter_shapes(network: Sequential) -> dict[str, Shape]:
    """Name -> shape of each parameter, worked out without drawing or holding them.

    Parameters
    ----------
    network : Sequential

    Examples
    --------
    >>> from nnlite.layers.dense import Dense
    >>> parameter_shapes(Sequential([Dense(3)], input_shape=(4,)))
    {'0.weight': (4, 3), '0.bias': (3,)}
    """
    rng = np.random.default_rng(0)
    shapes: dict[str, Shape] = {}
    for index, layer in enumerate(network.layers):
        fresh = _undrawn(layer).init(network.shapes[index], rng, np.float32)
        shapes |= {f"{index}.{name}": value.shape for name, value in fresh.items()}
    return shapes


def check_params(who: str, network: Sequential, params: Mapping[str, np.ndarray]) -> None:
    """Raise unless `params` are those of `network`: names, shapes, and float32 or float64 throughout.

    Parameters
    ----------
    who : str
        What the error begins with.
    network : Sequential
    params : dict

    Raises
    ------
    ValueError
    """
    try:
        shapes = parameter_shapes(network)
    except (MemoryError, OverflowError) as error:
        raise ValueError(f"{who}: network: expected layers whose parameters fit into memory, got {error}.") from error
    if missing := sorted(shapes.keys() - params.keys()):
        raise ValueError(f"{who}: params: expected {missing[0]!r}, a parameter of the network, got none.")
    if unknown := sorted(params.keys() - shapes.keys()):
        raise ValueError(f"{who}: params: expected the parameters of the network, got also {unknown[0]!r}.")
    if others := sorted(name for name, array in params.items() if not isinstance(array, np.ndarray)):
        raise ValueError(f"{who}: params: {others[0]}: expected an ndarray, got {type(params[others[0]]).__name__}.")
    dtypes = {array.dtype for array in params.values()}
    if not dtypes <= {np.dtype(np.float32)} and not dtypes <= {np.dtype(np.float64)}:
        names = ", ".join(sorted(map(str, dtypes)))
        raise ValueError(f"{who}: params: expected float32 for all, or float64 for all, got {names}.")
    for name, shape in shapes.items():
        if params[name].shape != shape:
            raise ValueError(f"{who}: params: {name}: expected shape {shape}, got {params[name].shape}.")


class _Undrawn:
    """An initializer whose array takes no memory."""

    gain = 1.0

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> np.ndarray:
        return np.broadcast_to(np.zeros((), dtype), shape)


def _undrawn(layer: Layer) -> Layer:
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if field.name in ("initializer", "recurrent_initializer"):
            changes[field.name] = _Undrawn()
        elif isinstance(value, Layer):
            changes[field.name] = _undrawn(value)
    return dataclasses.replace(layer, **changes) if changes else layer
