"""Schedules: factors on the learning rate that change while training.

A schedule is a frozen description. Called with an epoch and the number of epochs, it returns the factor on the
optimizer's learning rate. Epochs are fractional, so that the rate changes with every step: step 3 of 10 in epoch 4 is
4.3. Epoch 0 is the beginning, ``max_epochs`` the end.

A schedule that watches how the training goes says ``watches_history = True`` in its class and takes the history as a
third argument: a row for each epoch that is done. It remembers nothing itself, so that an interrupted training goes on
with the same rates.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from nnlite.checks import check_integer, check_number, is_number, shown

__all__ = [
    "Constant",
    "CosineDecay",
    "LinearDecay",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
    "Warmup",
]

History = Sequence[Mapping[str, Any]]


class Schedule(Protocol):
    """A schedule: any callable of this form."""

    def __call__(self, epoch: float, max_epochs: float) -> float: ...


@dataclass(frozen=True)
class Constant:
    """A schedule that keeps the learning rate: the factor is 1.

    Examples
    --------
    >>> Constant()(7.5, 10)
    1.0
    """

    def __call__(self, epoch: float, max_epochs: float) -> float:
        """Return the factor on the learning rate at a (fractional) epoch in [0, max_epochs]."""
        _check_time("Constant", epoch, max_epochs)
        return 1.0


@dataclass(frozen=True)
class LinearDecay:
    """A straight line from 1 at epoch 0 to ``final`` at the end.

    The factor is ``1 + (final - 1) * epoch / max_epochs``.

    Parameters
    ----------
    final : float
        Factor at the end, 0 or more.

    Raises
    ------
    ValueError
        If ``final`` is negative or not finite.

    Examples
    --------
    >>> [LinearDecay()(epoch, 4) for epoch in (0, 1, 2.5, 4)]
    [1.0, 0.75, 0.375, 0.0]
    >>> LinearDecay(final=0.5)(4, 4)
    0.5
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _check_number("LinearDecay", "final", self.final)

    def __call__(self, epoch: float, max_epochs: float) -> float:
        """Return the factor on the learning rate at a (fractional) epoch in [0, max_epochs]."""
        _check_time("LinearDecay", epoch, max_epochs)
        done = float(epoch) / float(max_epochs)
        return (1.0 - done) + float(self.final) * done


@dataclass(frozen=True)
class CosineDecay:
    """Half a wave of a cosine from 1 at epoch 0 to ``final`` at the end (Loshchilov and Hutter, ICLR 2017).

    The factor is ``final + (1 - final) * (1 + cos(pi * epoch / max_epochs)) / 2``. ``Warmup(5, CosineDecay())`` rises
    first.

    Parameters
    ----------
    final : float
        Factor at the end, 0 or more.

    Raises
    ------
    ValueError
        If ``final`` is negative or not finite.

    Examples
    --------
    >>> [round(CosineDecay()(epoch, 4), 4) for epoch in (0, 1, 2, 4)]
    [1.0, 0.8536, 0.5, 0.0]
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _check_number("CosineDecay", "final", self.final)

    def __call__(self, epoch: float, max_epochs: float) -> float:
        """Return the factor on the learning rate at a (fractional) epoch in [0, max_epochs]."""
        _check_time("CosineDecay", epoch, max_epochs)
        return _half_wave(1.0, float(self.final), float(epoch) / float(max_epochs))


@dataclass(frozen=True)
class OneCycle:
    """Half a wave up from ``start`` to 1 and a longer one down to ``final`` (Smith and Topin 2018).

    The optimizer's learning rate is the largest one. The defaults are those of PyTorch's ``OneCycleLR``, which also
    lowers the momentum while the rate rises; here the momentum stays.

    Parameters
    ----------
    rise : float
        Share of the training in which the rate rises, above 0 and below 1.
    start : float
        Factor at epoch 0, from 0 to 1.
    final : float
        Factor at the end, from 0 to 1.

    Raises
    ------
    ValueError
        If a value is out of its range.

    Examples
    --------
    >>> [round(OneCycle(rise=0.25)(epoch, 8), 4) for epoch in (0, 1, 2, 5, 8)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    rise: float = 0.3
    start: float = 0.04
    final: float = 4e-6

    def __post_init__(self) -> None:
        for name in ("rise", "start", "final"):
            check_number("OneCycle", name, getattr(self, name), low=0, high=1, expected="a number from 0 to 1")
        if self.rise in (0, 1):
            raise ValueError(
                f"OneCycle: rise: expected a share above 0 and below 1, got {self.rise!r}. Without a rise take "
                "CosineDecay()."
            )

    def __call__(self, epoch: float, max_epochs: float) -> float:
        """Return the factor on the learning rate at a (fractional) epoch in [0, max_epochs]."""
        _check_time("OneCycle", epoch, max_epochs)
        done, rise = float(epoch) / float(max_epochs), float(self.rise)
        if done < rise:
            return _half_wave(float(self.start), 1.0, done / rise)
        return _half_wave(1.0, float(self.final), (done - rise) / (1.0 - rise))


@dataclass(frozen=True)
class StepDecay:
    """A staircase: the learning rate is multiplied by ``factor`` after every so many epochs.

    The factor is ``factor ** floor(epoch / every)``.

    Parameters
    ----------
    every : int
        Epochs between two steps, 1 or more.
    factor : float
        Height of a step, more than 0.

    Raises
    ------
    ValueError
        If ``every`` is no positive integer or ``factor`` not positive and finite.

    Examples
    --------
    >>> [StepDecay(every=2, factor=0.5)(epoch, 10) for epoch in (0, 1.9, 2, 5)]
    [1.0, 1.0, 0.5, 0.25]
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_integer("StepDecay", "every", self.every, expected="a positive integer (epochs)")
        _check_number("StepDecay", "factor", self.factor)
        if self.factor == 0:
            raise ValueError("StepDecay: factor: expected a positive number, got 0. Lower max_epochs to end sooner.")

    def __call__(self, epoch: float, max_epochs: float) -> float:
        """Return the factor on the learning rate at a (fractional) epoch in [0, max_epochs]."""
        _check_time("StepDecay", epoch, max_epochs)
        return float(self.factor) ** math.floor(epoch / self.every)


@dataclass(frozen=True)
class Warmup:
    """A straight line up from ``start`` to 1 over the first epochs, multiplied with another schedule.

    The factor is ``(start + (1 - start) * min(1, epoch / epochs)) * schedule(epoch, max_epochs)``.

    Parameters
    ----------
    epochs : float
        Length of the rise, more than 0; may be a fraction of an epoch.
    schedule : Schedule
        The schedule that is multiplied; it counts its epochs from the beginning, not from the end of the rise.
    start : float
        Factor at epoch 0, from 0 to 1.

    Raises
    ------
    ValueError
        If ``epochs`` is not positive and finite, ``schedule`` not callable or ``start`` outside [0, 1].

    Examples
    --------
    >>> [Warmup(2, LinearDecay())(epoch, 8) for epoch in (0, 1, 2, 4)]
    [0.0, 0.4375, 0.75, 0.5]
    """

    epochs: float
    schedule: Schedule = field(default_factory=Constant)
    start: float = 0.0

    def __post_init__(self) -> None:
        _check_number("Warmup", "epochs", self.epochs)
        if self.epochs == 0:
            raise ValueError("Warmup: epochs: expected a positive number, got 0. Without a rise leave it out.")
        if not callable(self.schedule):
            raise ValueError(f"Warmup: schedule: expected a schedule such as LinearDecay(), got {self.schedule!r}.")
        _check_inner("Warmup", self.schedule, f"ReduceOnPlateau(schedule=Warmup({self.epochs!r}))")
        _check_number("Warmup", "start", self.start)
        if self.start > 1:
            raise ValueError(f"Warmup: start: expected a factor from 0 to 1, got {self.start!r}.")

    def __call__(self, epoch: float, max_epochs: float) -> float:
        """Return the factor on the learning rate at a (fractional) epoch in [0, max_epochs]."""
        _check_time("Warmup", epoch, max_epochs)
        done = min(1.0, float(epoch) / float(self.epochs))
        return (float(self.start) * (1.0 - done) + done) * self.schedule(epoch, max_epochs)


@dataclass(frozen=True)
class ReduceOnPlateau:
    """A learning rate that falls when the training has not got better for some epochs.

    What has happened is read from the history: no epoch counts that is not in it, and the same history gives the same
    factor. An estimator has a history; for a loop of one's own see the argument `history` of :func:`nnlite.train`.

    Parameters
    ----------
    factor : float
        Factor of a reduction, above 0 and below 1.
    patience : int
        Epochs without a better value after which the rate is reduced; then they are counted anew. (Keras's count.
        PyTorch's ``ReduceLROnPlateau`` waits for one epoch more.)
    column : str, optional
        Column of the history that is watched. Lower is better for names with "loss" in them, higher for others. By
        default "val_loss" if there is one, else "loss".
    min_delta : float
        Least difference that counts, 0 or more.
    lowest : float
        Factor below which the rate does not fall, from 0 to 1.
    schedule : Schedule
        Another schedule that it is multiplied with, such as `Warmup`.

    Raises
    ------
    ValueError
        If a value is out of its range, or the history lacks rows or the column.

    Examples
    --------
    >>> history = [{"loss": loss} for loss in (0.9, 0.5, 0.6, 0.7, 0.4)]
    >>> schedule = ReduceOnPlateau(factor=0.5, patience=2)
    >>> [schedule(epoch, 10, history) for epoch in (0, 3, 3.9, 4, 5)]
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    watches_history: ClassVar[bool] = True
    factor: float = 0.1
    patience: int = 10
    column: str | None = None
    min_delta: float = 0.0
    lowest: float = 0.0
    schedule: Schedule = field(default_factory=Constant)

    def __post_init__(self) -> None:
        who = "ReduceOnPlateau"
        check_number(who, "factor", self.factor, low=0, high=1, expected="a number above 0 and below 1")
        if self.factor in (0, 1):
            raise ValueError(f"{who}: factor: expected a number above 0 and below 1, got {self.factor!r}.")
        check_integer(who, "patience", self.patience, expected="a positive integer (epochs)")
        if self.column is not None and not isinstance(self.column, str):
            raise ValueError(f"{who}: column: expected a column such as 'val_loss' or None, got {shown(self.column)}.")
        _check_number(who, "min_delta", self.min_delta)
        check_number(who, "lowest", self.lowest, low=0, high=1, expected="a number from 0 to 1")
        if not callable(self.schedule):
            raise ValueError(f"{who}: schedule: expected a schedule such as Warmup(5), got {self.schedule!r}.")
        _check_inner(who, self.schedule, "one of the two")

    def __call__(self, epoch: float, max_epochs: float, history: History) -> float:
        """Return the factor on the learning rate at a (fractional) epoch, given a row for each epoch before it."""
        _check_time("ReduceOnPlateau", epoch, max_epochs)
        done = math.floor(epoch)
        if len(history) < done:
            raise ValueError(
                f"ReduceOnPlateau: history: expected a row for each of the {done} epochs that are done, got "
                f"{len(history)}. Give train(history=...) a list, and add a row to it after each epoch."
            )
        return self._reduction(history[:done]) * self.schedule(epoch, max_epochs)

    def _reduction(self, history: History) -> float:
        """Return the factor after the epochs of a history."""
        column, reduced, waited, best = self.column, 1.0, 0, math.nan
        for row in history:
            name = column or ("val_loss" if "val_loss" in row else "loss")
            if name not in row:
                raise ValueError(f"ReduceOnPlateau: column: expected one of the history, {sorted(row)}, got {name!r}.")
            value = -float(row[name]) if "loss" in name else float(row[name])
            if value > best + self.min_delta or (math.isnan(best) and not math.isnan(value)):
                best, waited = value, 0
                continue
            waited += 1
            if waited == self.patience:
                reduced, waited = max(reduced * self.factor, min(reduced, float(self.lowest))), 0
        return reduced


def factor_at(schedule: Any, epoch: float, max_epochs: float, history: History) -> float:
    """Return the factor of any schedule: one that watches the history is given it."""
    if getattr(schedule, "watches_history", False):
        return schedule(epoch, max_epochs, history)
    return schedule(epoch, max_epochs)


def _check_inner(who: str, schedule: Any, instead: str) -> None:
    if getattr(schedule, "watches_history", False):
        raise ValueError(
            f"{who}: schedule: expected one that does not watch the history, got {schedule!r}. Take {instead}."
        )


def _half_wave(first: float, last: float, done: float) -> float:
    """Return the value between two that a cosine has when a share of its way is done; the ends are exact."""
    left = (1.0 + math.cos(math.pi * done)) / 2.0
    return first * left + last * (1.0 - left)


def _check_number(who: str, name: str, value: float) -> None:
    check_number(who, name, value, low=0, expected="a finite number of 0 or more")


def _check_time(who: str, epoch: float, max_epochs: float) -> None:
    if not is_number(max_epochs) or not 0 < max_epochs < math.inf:
        raise ValueError(f"{who}: max_epochs: expected a positive number, got {max_epochs!r}.")
    if not is_number(epoch) or not 0 <= epoch <= max_epochs:
        raise ValueError(f"{who}: epoch: expected a number from 0 to max_epochs = {max_epochs!r}, got {epoch!r}.")
