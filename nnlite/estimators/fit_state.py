"""The state of a fit, and its checkpoints: all that changes, under a description of all that must not change."""

import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlite.early_stopping import EarlyStopping
from nnlite.optimizers import Optimizer
from nnlite.serialization import FileFormatError
from nnlite.serialization.checkpoints import Checkpointer
from nnlite.serialization.errors import reading, shown
from nnlite.serialization.history import history_from_arrays, history_to_arrays

KIND = "checkpoint of a fit"
LOOKED_AT = 64
"""Samples whose values are compared when a fit is resumed: reading all of them could take as long as an epoch."""

HELD_OUT = "held-out samples"
"""The entry of a fingerprint for the rows of `validation_fraction`; they follow from the seed and the data."""


@dataclass
class FitState:
    """The state of a fit: all that changes in it.

    Attributes
    ----------
    params, optimizer_state : dict of ndarray
        Changed in place.
    stopping : EarlyStopping
    history : list of dict
        One an epoch that is complete.
    stopped_by : str or None
        None while there is more to do.
    optimizer : Optimizer
        The one that the state belongs to.
    """

    params: dict[str, np.ndarray]
    optimizer_state: dict[str, np.ndarray]
    stopping: EarlyStopping
    history: list[dict[str, Any]] = field(default_factory=list)
    stopped_by: str | None = None
    optimizer: Optimizer = field(default_factory=Optimizer)

    @classmethod
    def begin(cls, params: dict[str, np.ndarray], optimizer: Optimizer, stopping: EarlyStopping) -> "FitState":
        """Return the state before the first epoch."""
        return cls(params, optimizer.init(params), stopping, optimizer=optimizer)

    @property
    def averaged(self) -> dict[str, np.ndarray]:
        """The parameters to predict with: those of the last step, or their average if the optimizer keeps one."""
        return self.optimizer.averaged(self.params, self.optimizer_state)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return everything but `stopped_by` as arrays."""
        groups = {
            "params": self.params,
            "optimizer": self.optimizer_state,
            "stopping": {name: np.asarray(value) for name, value in self.stopping.state().items()},
            "history": history_to_arrays(self.history),
        }
        return {f"{group}/{name}": value for group, arrays in groups.items() for name, value in arrays.items()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Replace everything by arrays that `to_arrays` returned."""
        groups: dict[str, dict[str, np.ndarray]] = {"params": {}, "optimizer": {}, "stopping": {}, "history": {}}
        for path, value in arrays.items():
            group, _, name = path.partition("/")
            groups[group][name] = value
        best = {name.removeprefix("best_params/"): value for name, value in groups["stopping"].items() if "/" in name}
        _check_same("params", groups["params"], self.params)
        _check_same("optimizer", groups["optimizer"], self.optimizer_state)
        if best:
            _check_same("best_params", best, self.params)
        for name, value in (groups["params"] | {f"best {name}": value for name, value in best.items()}).items():
            if not np.isfinite(value).all():
                raise FileFormatError(f"{name}: expected finite numbers, got NaN or infinity.")
        history = history_from_arrays(groups["history"])
        if [row.get("epoch") for row in history] != list(range(len(history))):
            raise FileFormatError(f"history: expected the epochs 0 to {len(history) - 1}, got others.")
        self.stopping.restore(groups["stopping"])
        if self.stopping.last_epoch not in (None, len(history) - 1):
            raise FileFormatError(
                f"stopping: last_epoch: expected {len(history) - 1}, the last of the history, got "
                f"{self.stopping.last_epoch}."
            )
        self.history = history
        for own, saved in ((self.params, groups["params"]), (self.optimizer_state, groups["optimizer"])):
            for name, value in saved.items():
                np.copyto(own[name], value)


class FitCheckpoint:
    """The newest state of a fit on the disk.

    Parameters
    ----------
    path : path-like
        See `nnlite.serialization.checkpoints.Checkpointer`; read at once.

    Raises
    ------
    FileFormatError
        If there is something else, or nothing that is whole.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._checkpointer = Checkpointer(path)
        self.path = self._checkpointer.path
        self._saved = self._checkpointer.load()
        if self._saved is not None and self._saved[0].get("kind") != KIND:
            raise FileFormatError(f"{self.path}: expected a {KIND}, got {shown(self._saved[0].get('kind'))}.")

    @property
    def seed(self) -> int | None:
        """Seed of the run that is there, if one is."""
        if self._saved is None:
            return None
        seed = self._saved[0].get("seed")
        if type(seed) is not int or seed < 0:
            raise FileFormatError(f"{self.path}: seed: expected an integer of 0 or more, got {shown(seed)}.")
        return seed

    @property
    def complete(self) -> bool:
        """True if the state is the last one of a run that came to its end."""
        return self._saved is not None and self._saved[0].get("stopped_by") is not None

    def save(self, state: FitState, seed: int, fingerprint: dict[str, Any]) -> None:
        """Write a state; a newer one takes its place only when it is on the disk."""
        header = {"kind": KIND, "seed": seed, "stopped_by": state.stopped_by, "fingerprint": fingerprint}
        self._checkpointer.save(header, state.to_arrays())

    def restore(
        self,
        who: str,
        state: FitState,
        fingerprint: dict[str, Any],
        same_rates: Callable[[int, list[dict[str, Any]]], bool],
    ) -> None:
        """Bring `state` to the one on the disk; without one leave it as it is.

        Parameters
        ----------
        who : str
            The public function that was called: errors begin with it.
        state : FitState
        fingerprint : dict
        same_rates : callable
            ``same_rates(max_epochs, history)``: whether the epochs of the history have the same learning rates if there
            are to be `max_epochs`. A run that was to have fewer epochs is continued then.

        Raises
        ------
        ValueError
            If the state is one of another configuration; the message says what differs.
        FileFormatError
            If it does not fit together.
        """
        if self._saved is None:
            return
        header, arrays = self._saved
        with reading(self.path):
            theirs, stopped_by = header["fingerprint"], header["stopped_by"]
            if not isinstance(theirs, dict):
                raise FileFormatError(f"fingerprint: expected that of a fit, got {shown(theirs)}.")
            planned, last = theirs.get("max_epochs"), fingerprint["max_epochs"]
            if type(planned) is not int:
                raise FileFormatError(f"fingerprint: max_epochs: expected an integer, got {shown(planned)}.")
            fewer = 0 < planned < last
            if fewer and same_rates(planned, _history_in(arrays)[:planned]):
                theirs, fewer = theirs | {"max_epochs": last}, False
                stopped_by = None if stopped_by == "max_epochs" else stopped_by
            names = sorted(
                name for name in theirs.keys() | fingerprint.keys() if theirs.get(name) != fingerprint.get(name)
            )
            names = [name for name in names if name != HELD_OUT] or names  # what it follows from says more
        if names:
            differ = ", ".join(
                f"{name} ({shown(theirs.get(name))} there, {shown(fingerprint.get(name))} here)" for name in names
            )
            rates = ". The schedule has other learning rates with more max_epochs" if fewer else ""
            others = " and ".join(str(path) for path in self._checkpointer.paths() if path.exists())
            raise ValueError(
                f"{who}: checkpoint: expected a run with these settings and data at {self.path}, got one "
                f"with another {differ}{rates}. Go on with those, take another path, or remove {others} to start over."
            )
        with reading(self.path):
            state.restore(arrays)
            state.stopped_by = stopped_by
            if state.stopped_by not in (None, "max_epochs", "patience", "callback"):
                raise FileFormatError(
                    f"stopped_by: expected max_epochs, patience, callback or null, got {shown(header['stopped_by'])}."
                )
            done = len(state.history)
            if done > last or (done == last and state.stopped_by is None):
                raise FileFormatError(
                    f"history: expected less than {last} epochs of a run that goes on, or a run that says by what it "
                    f"was stopped, got {done} epochs, stopped by {shown(state.stopped_by)}."
                )
        self._saved = None


def described(setting: Any) -> Any:
    """Return a setting as JSON can hold it, in words that are the same in every process."""
    if isinstance(setting, np.generic):
        setting = setting.item()
    if setting is None or isinstance(setting, (bool, int, str)):
        return setting
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(setting))


def checksum(array: np.ndarray) -> str:
    """Return shape, dtype and a checksum of the values."""
    array = np.ascontiguousarray(array)
    return f"{array.dtype} {array.shape} {zlib.crc32(array.reshape(-1).view(np.uint8).data):08x}"


def described_samples(X: Any) -> str:
    """Return the shape of samples and a checksum of some of them."""
    rows = np.unique(np.linspace(0, len(X) - 1, LOOKED_AT).astype(int))
    return f"{tuple(map(int, X.shape))} {checksum(np.asarray(X[rows]))}"


def _history_in(arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return the history in the arrays of a state."""
    head = "history/"
    return history_from_arrays({name.removeprefix(head): a for name, a in arrays.items() if name.startswith(head)})


def _check_same(what: str, saved: dict[str, np.ndarray], own: dict[str, np.ndarray]) -> None:
    shapes = [{name: (value.shape, value.dtype) for name, value in arrays.items()} for arrays in (saved, own)]
    if shapes[0] != shapes[1]:
        odd = sorted(name for name in saved.keys() | own.keys() if shapes[0].get(name) != shapes[1].get(name))
        raise FileFormatError(f"{what}: expected the arrays of this network and optimizer, got another {odd[0]!r}.")
