"""An average of the parameters along the way of another optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nnlite.optimizers import steps
from nnlite.optimizers.around import _Around
from nnlite.optimizers.base import Array, Gradients, State, check_counter, check_number, check_state

__all__ = ["MovingAverage"]


@dataclass(frozen=True)
class MovingAverage(_Around):
    """An optimizer that also keeps an exponential moving average of the parameters (Polyak and Juditsky 1992).

    Steps are those of the inner optimizer. After step t the average ``a`` moves to the parameters ``p``:
    ``a += (1 - d) (p - a)`` with ``d = min(decay, (1 + t) / (10 + t))``. The bound lets it leave the initial parameters
    at once (as in TensorFlow's ``ExponentialMovingAverage`` with ``num_updates``).

    The average is what ``averaged(params, state)`` returns, and what an estimator validates, keeps and predicts with.
    Training goes on from the parameters of the last step.

    The state holds that of the inner optimizer, ``average/NAME`` for each parameter, and ``averaged_steps``.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer that does the steps.
    decay : float
        Share of the average that is kept in a step, in [0, 1): about ``1 / (1 - decay)`` steps are averaged.

    Raises
    ------
    ValueError, TypeError
        If the decay is out of its range, the inner optimizer is none, or there is another `MovingAverage` in it.

    Examples
    --------
    >>> from nnlite import SGD
    >>> optimizer = MovingAverage(SGD(learning_rate=1.0), decay=0.5)
    >>> params = {"bias": np.array([0.0])}
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, {"bias": np.array([-11.0])}, state)
    >>> params, optimizer.averaged(params, state)
    ({'bias': array([11.])}, {'bias': array([9.])})
    """

    decay: float = 0.999

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("MovingAverage", "decay", self.decay, 0.0, 1.0, "a number in [0, 1)")

    @property
    def checks_gradients(self) -> bool:  # type: ignore[override]
        """True if the inner optimizer refuses gradients that are not finite."""
        return self.optimizer.checks_gradients

    @property
    def takes_deferred(self) -> bool:  # type: ignore[override]
        """True if the inner optimizer takes gradients that are not computed yet."""
        return self.optimizer.takes_deferred

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state: that of the inner optimizer, a copy of each parameter, and the number of steps."""
        copies = {f"average/{name}": np.array(p, order="C") for name, p in params.items()}
        return {**self.optimizer.init(params), **copies, "averaged_steps": np.zeros((), np.int64)}

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Do one step, in place; see `Optimizer.update`."""
        check_state("MovingAverage", params, state, ("average",))
        check_counter("MovingAverage", "averaged_steps", state)
        self.optimizer.update(params, grads, state, learning_rate_factor)
        state["averaged_steps"][...] += 1
        done = int(state["averaged_steps"])
        moved = 1.0 - min(float(self.decay), (1.0 + done) / (10.0 + done))
        with np.errstate(all="ignore"):
            for name, p in params.items():
                for average, block in steps.blocks(state[f"average/{name}"], p):
                    average += moved * (block - average)

    def averaged(self, params: dict[str, Array], state: State) -> dict[str, Array]:
        """Return the average; see `Optimizer.averaged`."""
        check_state("MovingAverage", params, state, ("average",))
        return {name: state[f"average/{name}"] for name in params}
