"""Arrays for the tests of optimizers, and an optimizer of each kind."""

import numpy as np
import pytest

from nnlite.optimizers import MovingAverage
from nnlite.registry import REGISTRY

SHAPES = {"weight": (3, 4), "bias": (4,), "filters": (2, 2, 1, 3), "scale": ()}


def random_arrays(seed, dtype=np.float64, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return {name: np.asarray(rng.normal(size=shape), dtype) for name, shape in shapes.items()}


KNOWN = {name: cls() for name, cls in REGISTRY.items() if name.startswith("optimizers.")}
EACH_KIND = pytest.mark.parametrize("optimizer", KNOWN.values(), ids=KNOWN)


def speaker(optimizer):
    """Return the name with which errors of an optimizer begin: that of the one that does the steps."""
    while isinstance(optimizer, MovingAverage):
        optimizer = optimizer.optimizer
    return type(optimizer).__name__
