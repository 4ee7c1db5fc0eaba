"""A step of another optimizer after several batches, with the mean of their gradients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nnlite.checks import check_integer
from nnlite.optimizers import steps as pieces
from nnlite.optimizers.around import _Around
from nnlite.optimizers.base import Array, Gradients, State, check_counter, check_step, zeros_like

__all__ = ["GradientAccumulation"]


@dataclass(frozen=True)
class GradientAccumulation(_Around):
    """An optimizer that does a step after every so many batches, with the mean of their gradients.

    Most networks don't need it: a batch is computed in shards, and one of any size takes the memory of some shards. It
    is for layers that hold the whole batch, and for batches that come from elsewhere one by one.

    Clipping is of the mean, and the learning rate is that of the last batch. Each batch counts the same, also the last
    of an epoch, which may be smaller. Batches that are left at the end of an epoch count for the step in the next one.

    The state holds that of the inner optimizer, ``sum/NAME`` for each parameter, and ``accumulated``, the number of
    batches in the sums.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer that does the steps.
    steps : int
        Batches of a step, 1 or more.

    Raises
    ------
    ValueError, TypeError
        If there are no batches, the inner optimizer is none, or there is another `GradientAccumulation` in it.

    Examples
    --------
    >>> from nnlite import SGD
    >>> optimizer = GradientAccumulation(SGD(learning_rate=1.0), steps=2)
    >>> params = {"bias": np.array([10.0])}
    >>> state = optimizer.init(params)
    >>> for gradient in (1.0, 3.0):
    ...     optimizer.update(params, {"bias": np.array([gradient])}, state)
    ...     print(params["bias"])
    [10.]
    [8.]
    """

    checks_gradients: ClassVar[bool] = True
    steps: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("GradientAccumulation", "steps", self.steps, expected="a positive integer (batches)")

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state: that of the inner optimizer, a sum for each parameter, and the number of batches in it."""
        return {**self.optimizer.init(params), **zeros_like(params, "sum"), "accumulated": np.zeros((), np.int64)}

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Add a batch, and do a step if it is the last one; see `Optimizer.update`."""
        who = "GradientAccumulation"
        check_step(who, params, grads, state, ("sum",), learning_rate_factor)
        check_counter(who, "accumulated", state)
        is_last = int(state["accumulated"]) + 1 >= self.steps
        sums = {name: state[f"sum/{name}"] for name in params}
        if is_last:
            with np.errstate(all="ignore"):
                means = {name: (sums[name] + grads[name]) / sums[name].dtype.type(self.steps) for name in params}
            self.optimizer.update(params, means, state, learning_rate_factor)
        with np.errstate(all="ignore"):
            for name, total in sums.items():
                if is_last:
                    total[...] = 0
                else:
                    for block, gradient in pieces.blocks(total, np.asarray(grads[name])):
                        block += gradient
        state["accumulated"][...] = 0 if is_last else state["accumulated"] + 1

    def averaged(self, params: dict[str, Array], state: State) -> dict[str, Array]:
        """Return what the inner optimizer returns; see `Optimizer.averaged`."""
        return self.optimizer.averaged(params, state)
