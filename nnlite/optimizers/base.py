"""The base of all optimizers, and the checks that they share."""

import math
import numbers
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Gradients", "NonFiniteGradient", "Optimizer", "State"]

Array = NDArray[np.floating]
State = dict[str, np.ndarray]
Gradients = Mapping[str, Any]  # arrays, or WeightGradient


class NonFiniteGradient(ValueError):
    """A gradient has NaN or infinity in it.

    Attributes
    ----------
    name : str
        The parameter that it belongs to.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class Optimizer:
    """Base of all optimizers; one of your own derives from it and defines the two methods that raise here."""

    learning_rate: float
    """Size of a step, before the schedule's factor."""

    checks_gradients: ClassVar[bool] = False
    """True if `update` raises `NonFiniteGradient` for gradients that are not finite. If not, `train_step` does it."""

    takes_deferred: ClassVar[bool] = False
    """True if `update` takes gradients that are not computed yet, see :mod:`nnlite.layers.weight_gradients`."""

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state for these parameters: a flat dict of arrays, empty if nothing is remembered."""
        raise NotImplementedError

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Do one step, in place.

        Parameters
        ----------
        params : dict of ndarray
            Parameters by name; changed.
        grads : dict of ndarray
            Gradients with the same names, shapes and dtypes; see also `takes_deferred`.
        state : dict of ndarray
            What `init` made for these parameters; changed.
        learning_rate_factor : float
            The schedule's factor on the learning rate.

        Raises
        ------
        ValueError
            If the three don't belong together, or a gradient is not finite (`NonFiniteGradient`). Nothing has been
            changed then.
        """
        raise NotImplementedError

    def averaged(self, params: dict[str, Array], state: State) -> dict[str, Array]:
        """Return the parameters to predict with: `params` themselves, unless the optimizer keeps an average of them.

        Parameters
        ----------
        params : dict of ndarray
        state : dict of ndarray

        Returns
        -------
        dict of ndarray
            The arrays that are changed by `update`, not copies.
        """
        return params


def zeros_like(params: Mapping[str, Array], kind: str) -> State:
    """Return zeros for each parameter, under ``KIND/NAME``."""
    return {f"{kind}/{name}": np.zeros_like(p, order="C") for name, p in params.items()}


def check_step(
    who: str, params: Mapping, grads: Mapping, state: Mapping, kinds: tuple[str, ...], factor: float
) -> None:
    """Raise ValueError unless parameters, gradients, state and the schedule's factor fit each other."""
    from nnlite.layers.weight_gradients import is_finite  # loads the threads

    if not 0 <= factor < math.inf:
        raise ValueError(f"{who}: learning_rate_factor: expected a finite number of 0 or more, got {factor!r}.")
    if params.keys() != grads.keys():
        odd = sorted(params.keys() ^ grads.keys())
        raise ValueError(f"{who}: grads: expected the names of params, but {', '.join(odd)} is in one of them only.")
    for name, p in params.items():
        if grads[name].shape != p.shape or grads[name].dtype != p.dtype:
            expected, got = f"{p.shape} {p.dtype}", f"{grads[name].shape} {grads[name].dtype}"
            raise ValueError(f"{who}: grads: {name}: expected shape and dtype {expected}, got {got}.")
    check_state(who, params, state, kinds)
    for name in params:
        if not is_finite(grads[name]):
            raise NonFiniteGradient(
                f"{who}: grads: {name}: expected finite numbers, got NaN or infinity. Lower the learning rate, scale "
                "the inputs to unit variance, or clip the gradient's norm.",
                name,
            )


def check_state(who: str, params: Mapping, state: Mapping, kinds: tuple[str, ...]) -> None:
    """Raise ValueError unless the state has an array of each kind for each parameter, and the step where it counts."""
    for name, p in params.items():
        for kind in kinds:
            remembered = state.get(f"{kind}/{name}")
            if remembered is None or remembered.shape != p.shape or remembered.dtype != p.dtype:
                got = "none" if remembered is None else f"{remembered.shape} {remembered.dtype}"
                raise ValueError(
                    f"{who}: state: {kind}/{name}: expected shape and dtype {p.shape} {p.dtype}, got {got}. "
                    "Make the state with init(params) of the same optimizer and parameters."
                )


def check_counter(who: str, name: str, state: Mapping) -> None:
    """Raise ValueError unless the state has a step counter."""
    if name not in state:
        raise ValueError(f"{who}: state: expected a step counter, got none. Make the state with init(params).")


def check_common(who: str, learning_rate: float, weight_decay: float, clip_norm: float | None) -> None:
    """Raise ValueError unless the settings that all optimizers have are in their ranges."""
    check_positive(who, "learning_rate", learning_rate)
    check_number(who, "weight_decay", weight_decay, 0.0, math.inf, "a finite number of 0 or more")
    if clip_norm is not None:
        check_positive(who, "clip_norm", clip_norm)


def check_positive(who: str, name: str, value: float) -> None:
    """Raise ValueError unless a setting is positive and finite."""
    check_number(who, name, value, math.ulp(0.0), math.inf, "a positive finite number")


def check_number(who: str, name: str, value: float, low: float, end: float, what: str) -> None:
    """Raise ValueError unless a setting is a number in [low, end)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not low <= float(value) < end:
        raise ValueError(f"{who}: {name}: expected {what}, got {value!r}.")
