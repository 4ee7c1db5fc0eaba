"""Early stopping: the best parameters are kept, and training stops when no better ones have come for a while.

It is given a value and the parameters after each epoch, and knows nothing of the training that they come from.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlite.checks import check_integer, check_mapping, check_number, is_integer, is_one_of, shown

__all__ = ["EarlyStopping"]

_PARAMS = "best_params/"


class EarlyStopping:
    """A memory of the best parameters of a run, and a judge of when it has not got better for a number of epochs.

    A value is better than the best so far if it is lower (or higher) by more than ``min_delta``; an equal value is not,
    so the earliest of equals is kept. NaN is never better. The kept parameters are at most ``min_delta`` worse than the
    best ones seen.

    Parameters
    ----------
    patience : int, optional
        Epochs without a better value after which to stop, 1 or more. None: never stop, but keep the best.
    mode : {"min", "max"}
        "min" if lower values are better (an error, a loss), "max" if higher ones are (a score).
    min_delta : float
        Least difference that counts, 0 or more.

    Attributes
    ----------
    best_value : float or None
        The best value so far; None before the first that is a number. This and the following are for reading.
    best_epoch : int or None
        Its epoch.
    best_params : dict of ndarray or None
        A copy of its parameters. The arrays are written again when a better epoch comes: copy them to keep them.
    epochs_since_best : int
        Epochs between the best and the last; all epochs as long as there is no best.
    last_epoch : int or None
        Epoch of the last update.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    L. Prechelt, "Early stopping - but when?", in Neural Networks: Tricks of the Trade, 1998 (the criterion UP, counted
    from the best epoch).

    Examples
    --------
    >>> stopping = EarlyStopping(patience=2)
    >>> for error in (0.9, 0.5, float("nan"), 0.6, 0.4):
    ...     if stopping.update(error, {"weight": np.array([error])}):
    ...         break
    >>> stopping.best_value, stopping.best_epoch, stopping.last_epoch, stopping.best_params
    (0.5, 1, 3, {'weight': array([0.5])})
    """

    def __init__(self, patience: int | None = None, mode: str = "min", min_delta: float = 0.0) -> None:
        who = "EarlyStopping"
        if patience is not None:
            check_integer(who, "patience", patience, expected="a positive integer or None")
        if not is_one_of(mode, ("min", "max")):
            raise ValueError(f"{who}: mode: expected 'min' or 'max', got {mode!r}.")
        check_number(who, "min_delta", min_delta, low=0, expected="a finite number of 0 or more")
        self.patience = patience
        self.mode = mode
        self.min_delta = float(min_delta)
        self.best_value: float | None = None
        self.best_epoch: int | None = None
        self.best_params: dict[str, np.ndarray] | None = None
        self.epochs_since_best = 0
        self.last_epoch: int | None = None

    def __repr__(self) -> str:
        return f"EarlyStopping(patience={self.patience!r}, mode={self.mode!r}, min_delta={self.min_delta!r})"

    def update(self, value: float, params: Mapping[str, np.ndarray], epoch: int | None = None) -> bool:
        """Take in an epoch.

        Parameters
        ----------
        value : float
            The epoch's error or score.
        params : dict of ndarray
            The parameters that it belongs to; copied if it is the best so far.
        epoch : int, optional
            Number of the epoch, more than the last one's; None is the one after it, and 0 at first. -1 are the
            parameters before the first epoch. Where only some epochs are evaluated, patience still counts epochs.

        Returns
        -------
        bool
            True if it is time to stop.

        Raises
        ------
        ValueError
            If the epoch is not after the last, or the parameters changed their names, shapes or dtypes.
        """
        previous = -1 if self.last_epoch is None else self.last_epoch
        if epoch is None:
            epoch = previous + 1
        elif not is_integer(epoch) or (self.last_epoch is not None and epoch <= previous):
            raise ValueError(f"EarlyStopping: epoch: expected an integer after {self.last_epoch}, got {epoch!r}.")
        check_mapping("EarlyStopping", "params", params, "a dict of arrays")
        try:
            epoch, value = int(epoch), float(value)
        except (TypeError, ValueError):
            raise ValueError(f"EarlyStopping: value: expected a number, got {shown(value)}.") from None
        if self._is_better(value):
            self._keep(params)
            self.best_value, self.best_epoch, self.epochs_since_best = value, epoch, 0
        else:
            self.epochs_since_best += 1 if self.last_epoch is None else epoch - previous
        self.last_epoch = epoch
        return self.patience is not None and self.epochs_since_best >= self.patience

    def state(self) -> dict[str, Any]:
        """Copy what has been remembered into a flat dict, for a checkpoint.

        Returns
        -------
        dict
            Numbers, and an array under ``best_params/NAME`` for each parameter. What is None is left out.
        """
        numbers_ = {
            "best_value": self.best_value,
            "best_epoch": self.best_epoch,
            "epochs_since_best": self.epochs_since_best,
            "last_epoch": self.last_epoch,
        }
        arrays = {_PARAMS + name: array.copy() for name, array in (self.best_params or {}).items()}
        return {name: number for name, number in numbers_.items() if number is not None} | arrays

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state, whatever was remembered before.

        Parameters
        ----------
        state : dict
            The result of `state`; numbers may have become arrays without axes.

        Raises
        ------
        ValueError
            If something is missing in it.
        """
        check_mapping("EarlyStopping.restore", "state", state, "what state() returned")
        best_params = {
            name.removeprefix(_PARAMS): np.array(array) for name, array in state.items() if name.startswith(_PARAMS)
        }
        parts_of_best = {"best_value" in state, "best_epoch" in state, bool(best_params)}
        complete = len(parts_of_best) == 1 and ("last_epoch" in state or "best_epoch" not in state)
        if "epochs_since_best" not in state or not complete:
            raise ValueError(
                "EarlyStopping.restore: state: expected what state() returned, got a dict with "
                f"{', '.join(sorted(state)) or 'nothing in it'}."
            )
        counts = {name: int(state[name]) for name in ("best_epoch", "epochs_since_best", "last_epoch") if name in state}
        in_order = counts.get("best_epoch", -1) <= counts.get("last_epoch", -1)
        if min(counts.values()) < -1 or counts["epochs_since_best"] < 0 or not in_order:
            raise ValueError(
                f"EarlyStopping.restore: state: expected epochs of -1 or more, the best not after the last, "
                f"got {counts}."
            )
        self.best_value = float(state["best_value"]) if "best_value" in state else None
        self.best_epoch = int(state["best_epoch"]) if "best_epoch" in state else None
        self.best_params = best_params or None
        self.epochs_since_best = int(state["epochs_since_best"])
        self.last_epoch = int(state["last_epoch"]) if "last_epoch" in state else None

    def _is_better(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if self.best_value is None:
            return True
        if self.mode == "min":
            return value < self.best_value - self.min_delta
        return value > self.best_value + self.min_delta

    def _keep(self, params: Mapping[str, np.ndarray]) -> None:
        if self.best_params is None:
            self.best_params = {name: np.array(array) for name, array in params.items()}
            return
        kept = self.best_params
        if kept.keys() != params.keys():
            odd = ", ".join(sorted(kept.keys() ^ params.keys()))
            raise ValueError(f"EarlyStopping: params: expected the same names every epoch, but {odd} came or went.")
        for name, array in params.items():
            if array.shape != kept[name].shape or array.dtype != kept[name].dtype:
                expected, got = f"{kept[name].shape} {kept[name].dtype}", f"{array.shape} {array.dtype}"
                raise ValueError(f"EarlyStopping: params: {name}: expected shape and dtype {expected}, got {got}.")
        for name, array in params.items():
            np.copyto(kept[name], array)
