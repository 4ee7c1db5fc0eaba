"""Stochastic gradient descent."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nnlite.checks import check_flag
from nnlite.optimizers import steps
from nnlite.optimizers.base import (
    Array,
    Gradients,
    Optimizer,
    State,
    check_common,
    check_number,
    check_step,
    zeros_like,
)

__all__ = ["SGD"]


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    The state holds a velocity for each parameter, or nothing without momentum.

    Parameters
    ----------
    learning_rate : float
        Step size, more than 0.
    momentum : float
        Share of the velocity that is kept, in [0, 1). The velocity sums gradients up to ``1 / (1 - momentum)`` of one.
    nesterov : bool
        Look ahead by one velocity (Sutskever et al. 2013); needs momentum.
    weight_decay : float
        Factor of the weights that is added to their gradients, 0 or more.
    clip_norm : float, optional
        Largest norm of all gradients together.

    Raises
    ------
    ValueError
        If a value is out of its range.

    Examples
    --------
    >>> optimizer = SGD(learning_rate=0.5, momentum=0.5)
    >>> params = {"weight": np.array([[1.0, 2.0]])}
    >>> state = optimizer.init(params)
    >>> for _ in range(2):
    ...     optimizer.update(params, {"weight": np.array([[1.0, 0.0]])}, state)
    >>> params, state
    ({'weight': array([[-0.25,  2.  ]])}, {'velocity/weight': array([[1.5, 0. ]])})
    """

    checks_gradients: ClassVar[bool] = True
    takes_deferred: ClassVar[bool] = True
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        check_common("SGD", self.learning_rate, self.weight_decay, self.clip_norm)
        check_number("SGD", "momentum", self.momentum, 0.0, 1.0, "a number in [0, 1)")
        check_flag("SGD", "nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            raise ValueError("SGD: nesterov: needs momentum, got momentum 0. Take 0.9, or leave nesterov out.")

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state: ``velocity/NAME`` for each parameter, or an empty dict without momentum."""
        return zeros_like(params, "velocity") if self.momentum else {}

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Do one step, in place; see `Optimizer.update`."""
        check_step("SGD", params, grads, state, ("velocity",) if self.momentum else (), learning_rate_factor)
        rate, momentum = float(self.learning_rate) * float(learning_rate_factor), float(self.momentum)
        large = any(p.size > steps.BLOCK for p in params.values())  # there is enough to do for a kernel
        grads = steps.computed(grads, self.clip_norm)
        scale = steps.clip_scale(grads, self.clip_norm)
        for name, p in params.items():
            velocity = (state[f"velocity/{name}"],) if momentum else ()
            factors = rate, momentum, scale, steps.decay_of(p, self.weight_decay), self.nesterov
            if momentum and large and all(array.flags.carray for array in (p, *velocity)):
                from nnlite.kernels import updates  # numba, which small networks do without

                step = updates.momentum_step(p.dtype, *factors)
            else:
                step = functools.partial(_descend, *factors)
            steps.apply_step(step, grads[name], p, *velocity)


@np.errstate(all="ignore")
def _descend(
    rate: float, momentum: float, scale: float, decay: float, ahead: bool, gradient: Array, *arrays: Array
) -> None:
    """Do a step of SGD on parameters and, with momentum, their velocity."""
    for unprepared, p, *velocity in steps.blocks(gradient, *arrays):
        g = steps.prepared(unprepared, p, scale, decay)
        if velocity:
            (v,) = velocity
            v *= momentum
            v += g
            g = g + momentum * v if ahead else v
        p -= rate * g
