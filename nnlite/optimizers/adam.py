"""Adaptive moments: Adam, and AdamW with decay of the weights apart from the gradient."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nnlite.optimizers import steps
from nnlite.optimizers.base import (
    Array,
    Gradients,
    Optimizer,
    State,
    check_common,
    check_counter,
    check_number,
    check_positive,
    check_step,
    zeros_like,
)

__all__ = ["Adam", "AdamW"]


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps that are scaled by running means of the gradient and of its square (Kingma and Ba, ICLR 2015).

    The state holds two arrays for each parameter, and ``step``, the number of steps done (int64, no axes).

    Parameters
    ----------
    learning_rate : float
        About the size of a step in each parameter, more than 0.
    beta1, beta2 : float
        Share that the running mean of the gradient, and of its square, keep in a step; in [0, 1).
    epsilon : float
        Added to the root of the mean square, more than 0.
    weight_decay : float
        Factor of the weights that is added to their gradients, 0 or more, and so scaled like them. In `AdamW` it is
        not.
    clip_norm : float, optional
        Largest norm of all gradients together.

    Raises
    ------
    ValueError
        If a value is out of its range.

    Examples
    --------
    >>> optimizer = Adam(learning_rate=0.1)
    >>> params = {"bias": np.array([1.0, 1.0])}
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, {"bias": np.array([100.0, -0.01])}, state)
    >>> params["bias"].round(4), int(state["step"])
    (array([0.9, 1.1]), 1)
    """

    checks_gradients: ClassVar[bool] = True
    takes_deferred: ClassVar[bool] = True
    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        who = type(self).__name__
        check_common(who, self.learning_rate, self.weight_decay, self.clip_norm)
        check_number(who, "beta1", self.beta1, 0.0, 1.0, "a number in [0, 1)")
        check_number(who, "beta2", self.beta2, 0.0, 1.0, "a number in [0, 1)")
        check_positive(who, "epsilon", self.epsilon)

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state: ``mean/NAME`` and ``mean_square/NAME`` for each parameter, and ``step``."""
        return {
            "step": np.zeros((), np.int64),
            **zeros_like(params, "mean"),
            **zeros_like(params, "mean_square"),
        }

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Do one step, in place; see `Optimizer.update`."""
        who = type(self).__name__
        check_step(who, params, grads, state, ("mean", "mean_square"), learning_rate_factor)
        check_counter(who, "step", state)
        state["step"][...] += 1
        step = int(state["step"])
        plain_rate = float(self.learning_rate) * float(learning_rate_factor)
        rate = plain_rate / (1.0 - float(self.beta1) ** step)
        root_correction = math.sqrt(1.0 - float(self.beta2) ** step)
        grads = steps.computed(grads, self.clip_norm)
        scale = steps.clip_scale(grads, self.clip_norm)
        for name, p in params.items():
            added, kept = self._decay(steps.decay_of(p, self.weight_decay), plain_rate)
            adapt = functools.partial(self._adapt, rate, root_correction, scale, added, kept)
            steps.apply_step(adapt, grads[name], p, state[f"mean/{name}"], state[f"mean_square/{name}"])

    def _decay(self, decay: float, rate: float) -> tuple[float, float]:
        """Return the factor of a parameter that is added to its gradient, and the one that it is multiplied with."""
        return decay, 1.0

    @np.errstate(all="ignore")
    def _adapt(
        self,
        rate: float,
        root_correction: float,
        scale: float,
        added: float,
        kept: float,
        gradient: Array,
        parameters: Array,
        *means: Array,
    ) -> None:
        beta1, beta2, epsilon = float(self.beta1), float(self.beta2), float(self.epsilon)
        for unprepared, p, m, v in steps.blocks(gradient, parameters, *means):
            g = steps.prepared(unprepared, p, scale, added)
            m += (1.0 - beta1) * (g - m)
            v *= beta2
            v += (1.0 - beta2) * np.square(g)
            if kept != 1.0:
                p *= kept
            p -= rate * m / (np.sqrt(v) / root_correction + epsilon)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weights that decay by themselves (Loshchilov and Hutter, ICLR 2019).

    In `Adam` the decay is a part of the gradient, and where gradients were large it is divided by a large root. Here
    each step first multiplies the weights by ``1 - learning_rate * weight_decay``, with the learning rate that the
    schedule gives, and then does the step of `Adam`. Biases and scales, with one axis, don't decay.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon
        As for `Adam`.
    weight_decay : float
        Share of the weights that a step takes away, divided by the learning rate; 0 or more.
    clip_norm : float, optional
        Largest norm of all gradients together.

    Raises
    ------
    ValueError
        If a value is out of its range.

    Examples
    --------
    >>> optimizer = AdamW(learning_rate=0.1, weight_decay=0.5)
    >>> params = {"weight": np.array([[1.0]]), "bias": np.array([1.0])}
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, {"weight": np.array([[0.0]]), "bias": np.array([0.0])}, state)
    >>> params
    {'weight': array([[0.95]]), 'bias': array([1.])}
    """

    weight_decay: float = 0.01

    def _decay(self, decay: float, rate: float) -> tuple[float, float]:
        """Return the factor of a parameter that is added to its gradient, and the one that it is multiplied with."""
        return 0.0, 1.0 - rate * decay
