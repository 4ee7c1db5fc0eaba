"""Settings of the estimator, checked when they are used and not when they are set, as scikit-learn wants it."""

import math
import numbers
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.checks import is_number
from nnlite.losses import Loss
from nnlite.network.sequential import Sequential
from nnlite.optimizers import Optimizer


def is_integer(value: Any) -> bool:
    """Return whether `value` is an integer, Python's or NumPy's, and no truth value.

    >>> [is_integer(value) for value in (3, np.int64(-3), 2.0, True)]
    [True, True, False, False]
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Return whether `value` is an integer of 1 or more that fits into 64 bits."""
    return is_integer(value) and 1 <= int(value) < 2**63


def is_share(value: Any) -> bool:
    """Return whether `value` is a number in [0, 1)."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 <= float(value) < 1


def is_seed(value: Any) -> bool:
    """Return whether `draw_seed` takes `value`."""
    if is_integer(value):
        return 0 <= int(value) < 2**64
    return value is None or isinstance(value, (np.random.Generator, np.random.RandomState))


def _are_axes(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, (tuple, list)) and all(map(is_integer, value))


def _are_class_weights(value: Any) -> bool:
    if isinstance(value, dict):
        weights = value.values()
        return all(isinstance(weight, numbers.Real) and 0 <= float(weight) < math.inf for weight in weights)
    return value is None or (isinstance(value, str) and value == "balanced")


Expected = dict[str, tuple[Callable[[Any], bool], str]]

COMMON: Expected = {
    "checkpoint": (lambda v: v is None or isinstance(v, (str, os.PathLike)), "a path or None"),
    "random_state": (is_seed, "an integer of at least 0, a Generator or None"),
    "verbose": (lambda v: isinstance(v, (int, np.integer, np.bool_)) and int(v) >= 0, "0 or 1"),
}
"""Settings that each estimator has."""

_EXPECTED: Expected = COMMON | {
    "network": (lambda v: v is None or isinstance(v, Sequential), "a Sequential or None"),
    "loss": (lambda v: v is None or isinstance(v, Loss), "a loss such as SoftmaxCrossEntropy() or None"),
    "optimizer": (lambda v: v is None or isinstance(v, Optimizer), "an optimizer such as SGD(0.01) or None"),
    "schedule": (lambda v: v is None or callable(v), "a schedule such as LinearDecay() or None"),
    "init": (lambda v: isinstance(v, str) and v in ("layers", "lsuv"), '"layers" or "lsuv"'),
    "batch_size": (is_count, "a positive integer"),
    "max_epochs": (is_count, "a positive integer"),
    "validation_fraction": (is_share, "a number in [0, 1)"),
    "patience": (lambda v: v is None or is_count(v), "a positive integer or None"),
    "monitor": (
        lambda v: callable(v) or (isinstance(v, str) and v in ("loss", "accuracy", "roc_auc")),
        '"loss", "accuracy", "roc_auc" or a callable',
    ),
    "standardize_axes": (_are_axes, "a tuple of axes of X or None"),
    "class_weight": (_are_class_weights, '"balanced", a dict with finite weights of 0 or more, or None'),
    "augment": (lambda v: v is None or callable(v), "a callable or None"),
    "callback": (lambda v: v is None or callable(v), "a function or None"),
    "mixup": (lambda v: is_number(v) and 0 <= float(v) < math.inf, "a finite number of 0 or more"),
    "warm_start": (lambda v: isinstance(v, (bool, np.bool_)), "True or False"),
    "checkpoint_every": (is_count, "a positive integer"),
    "n_threads": (lambda v: v is None or is_count(v), "a positive integer or None"),
}


REGRESSION: Expected = {name: check for name, check in _EXPECTED.items() if name != "class_weight"} | {
    "monitor": (lambda v: callable(v) or (isinstance(v, str) and v in ("loss", "r2")), '"loss", "r2" or a callable'),
    "standardize_targets": (lambda v: isinstance(v, (bool, np.bool_)), "True or False"),
}
"""Settings of a regressor."""


def check_settings(who: str, model: Any, expected: Expected = _EXPECTED) -> None:
    """Raise unless each setting of an estimator has a value that it can work with.

    Parameters
    ----------
    who : str
        What the error begins with.
    model : NetworkClassifier or another estimator
    expected : dict
        Name of a setting -> (whether a value is fine, what is expected in words).

    Raises
    ------
    ValueError
        It names the setting.
    """
    for name, (is_fine, words) in expected.items():
        value = getattr(model, name)
        if not is_fine(value):
            raise ValueError(f"{who}: {name}: expected {words}, got {value!r}.")


def draw_seed(random_state: Any) -> int:
    """Return the seed of a training: `random_state` itself, or a number drawn from it.

    Parameters
    ----------
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None
    """
    if random_state is None:
        random_state = np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return int(random_state)
