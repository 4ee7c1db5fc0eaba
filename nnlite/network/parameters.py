"""A check of parameters against the network that they belong to.

Kernels don't check what they index, so parameters that come from a file are held against the network first.
"""

from collections.abc import Mapping

import numpy as np

from nnlite.checks import check_mapping
from nnlite.network.sequential import Sequential, check_network


def check_params(who: str, network: Sequential, params: Mapping[str, np.ndarray]) -> None:
    """Raise unless `params` are those of `network`: names, shapes, and float32 or float64 throughout.

    Parameters
    ----------
    who : str
        Name of the caller, with which the error begins.
    network : Sequential
    params : dict

    Raises
    ------
    ValueError
    """
    check_network(who, network)
    check_mapping(who, "params", params, "a dict of arrays")
    try:
        shapes = network.parameter_shapes
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
