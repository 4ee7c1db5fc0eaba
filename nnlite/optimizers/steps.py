"""Pieces of a step that optimizers share: blocks of arrays, clipping, and decay of weights."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnlite.optimizers.base import Array, Gradients

BLOCK = 32768
"""Elements that are updated at a time: an optimizer's arrays are read from memory once and stay in the cache between
its operations, and what is allocated is a block and not an array."""


def apply_step(step: Callable[..., None], gradient: Any, *arrays: Array) -> None:
    """``step(gradient, *arrays)``, for the blocks of a `WeightGradient` in threads."""
    if hasattr(gradient, "for_each_block"):
        gradient.for_each_block(step, *arrays)
    else:
        step(gradient, *arrays)


def computed(grads: Gradients, clip_norm: float | None) -> Gradients:
    """Return gradients, computed if their norm is asked for."""
    return grads if clip_norm is None else {name: np.asarray(gradient) for name, gradient in grads.items()}


def blocks(*arrays: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yield views of some elements of each array at a time; all elements at once where an array isn't contiguous."""
    if arrays[0].size <= BLOCK or not all(array.flags.c_contiguous for array in arrays):
        yield list(arrays)
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield [array[start : start + BLOCK] for array in flat]


def prepared(gradient: Array, p: Array, scale: float, decay: float) -> Array:
    """Return the gradient after clipping and weight decay; itself, not a copy, if there is neither."""
    if scale != 1.0:
        gradient = gradient * scale
    return gradient + decay * p if decay else gradient


def decay_of(p: Array, weight_decay: float) -> float:
    """Return the decay of a parameter: weights have two axes or more, biases and scales don't decay."""
    return float(weight_decay) if p.ndim >= 2 else 0.0


@np.errstate(all="ignore")
def clip_scale(grads: Gradients, clip_norm: float | None) -> float:
    """Return the factor that brings the norm of all gradients together to at most `clip_norm`."""
    if clip_norm is None:
        return 1.0
    total = 0.0
    for name in sorted(grads):  # an order that doesn't depend on how the dict was filled
        for (block,) in blocks(grads[name]):
            total += float(np.square(block, dtype=np.float64).sum())
    norm = math.sqrt(total)
    return 1.0 if norm <= clip_norm else float(clip_norm) / norm
