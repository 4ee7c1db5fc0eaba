"""Layer-sequential unit variance: weights scaled by the variance of data in each layer (Mishkin and Matas 2016).

Formulas for initial weights assume inputs of mean zero and activations near their linear part. Sigmoid units and
max-pooling break both: in a deep stack of them the part of a signal that differs between samples shrinks in every
layer, until nothing is left to learn from. Here each layer's sums are measured on real samples, and its weights and
biases set so that they have mean 0 and deviation 1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlite.checks import as_numbers
from nnlite.layers.base import Params
from nnlite.layers.branches import Branching
from nnlite.layers.chain import parameters_by_layer
from nnlite.layers.fusion import Step
from nnlite.network.parameters import check_params
from nnlite.network.sequential import Sequential
from nnlite.runtime.threads import single_threaded_blas

_ROUNDS = 3
_CLOSE = 0.01


def lsuv(network: Sequential, params: Params, x: Any) -> dict[str, np.ndarray]:
    """Scale initial parameters so that the output of each layer with weights has mean 0 and deviation 1 over the
    samples `x`.

    Parameters
    ----------
    network : Sequential
    params : dict
        From ``network.init``; not changed.
    x : ndarray (n_samples, *input_shape)
        Some training samples; 100 to 500 are enough.

    Returns
    -------
    dict
        Biases shift each channel to mean 0; weights are scaled by one factor a layer. Layers in branches are scaled
        too, but not those in branches inside of a `TimeDistributed`.

    References
    ----------
    D. Mishkin and J. Matas, "All you need is a good init", ICLR 2016. There weights start orthonormal and biases stay
    0; here they start as the layers' initializers say and channels are centred, which sigmoid units need.
    """
    check_params("lsuv", network, params)
    scaled = {name: value.copy() for name, value in params.items()}
    parts = parameters_by_layer(scaled)
    dtype = next((value.dtype for value in scaled.values()), np.dtype(np.float32))
    x = np.ascontiguousarray(as_numbers("lsuv", "x", x), dtype)
    if x.shape[1:] != network.input_shape:
        raise ValueError(
            f"lsuv: x: expected shape (n_samples, {', '.join(map(str, network.input_shape))}), got {x.shape}."
        )
    with single_threaded_blas():
        _scale(network.plan, parts, x)
    return scaled


def _scale(plan: Sequence[Step], parts: dict[int, dict[str, np.ndarray]], x: np.ndarray) -> np.ndarray:
    """Scale the parameters of some layers in place, those inside of branches too. Return the output of the last."""
    for layer, index in plan:
        part = parts[index]
        if isinstance(layer, Branching):
            inside = layer.parts(part)
            x = layer.joined([_scale(chain.plan, inside[name], x) for name, chain in layer.chains.items()])
            continue
        if set(part) == {"weight", "bias"}:
            summing = layer.without_activation()
            for _ in range(_ROUNDS):
                if _normalize(part, summing.apply(part, x)):
                    break
        x = layer.apply(part, x)
    return x


def _normalize(part: dict[str, np.ndarray], y: np.ndarray) -> bool:
    """Take one step towards mean 0 and deviation 1 of the sums `y`. Return True if they were there."""
    sums = y.reshape(-1, y.shape[-1]).astype(np.float64)
    sums = sums[~np.isnan(sums).all(axis=1)]  # padding of sequences
    if not sums.size:
        return True
    mean, deviation = sums.mean(axis=0), (sums - sums.mean(axis=0)).std()
    if deviation == 0 or (abs(deviation - 1) < _CLOSE and abs(mean).max() < _CLOSE):
        return True
    part["weight"] /= deviation
    part["bias"][...] = (part["bias"] - mean) / deviation
    return False
