"""The words in which subjects are written: a subject has cases, a case has contenders, a contender has modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes
    ----------
    rounds : int
        How often each mode has its turn.
    threads : int
        That each contender may use.
    quick : bool
        Tiny sizes, to see that everything runs; the figures are worthless.
    folder : Path or None
        Recordings for the subject that extracts a folder.
    folder_minutes : float
        How much of them to use.
    """

    rounds: int
    threads: int
    quick: bool
    folder: Path | None = None
    folder_minutes: float = 60.0


@dataclass(frozen=True)
class Task:
    """What an adapter gets: where the inputs of its case lie, and how it may run."""

    folder: Path
    threads: int
    quick: bool
    settings: Mapping[str, Any] = field(default_factory=dict)

    def arrays(self, name: str = "inputs") -> dict[str, np.ndarray]:
        """The arrays that the case's `prepare` has saved under a name."""
        with np.load(self.folder / f"{name}.npz") as file:
            return dict(file)

    def save(self, name: str = "inputs", **arrays: np.ndarray) -> None:
        """Save arrays for all contenders."""
        np.savez(self.folder / f"{name}.npz", **arrays)


@dataclass
class Ready:
    """A mode that can be timed.

    Attributes
    ----------
    run : callable
        What is timed.
    result : callable, optional
        Returns by name the arrays that are held against the reference, computed by the code that `run` times.
    before : callable, optional
        Called before each timed call, untimed.
    tolerance : float, optional
        Where it is not the case's: numbers in bfloat16 have 8 bits.
    work : float, optional
        Units of work of one call, where modes differ; by default the case's.
    slow : bool
        A call takes so long that one a round, without a warm-up before it, has to do.
    report : callable, optional
        Returns further figures by name, after all rounds.
    """

    run: Callable[[], Any]
    result: Callable[[], dict[str, np.ndarray]] | None = None
    before: Callable[[], Any] | None = None
    tolerance: float | None = None
    work: float | None = None
    slow: bool = False
    report: Callable[[], dict[str, float]] | None = None


Modes = dict[str, Callable[[], Ready]]

OURS, PEER, REFERENCE, RATE = "ours", "peer", "reference", "rate"


@dataclass(frozen=True)
class Contender:
    """A library in a case.

    Attributes
    ----------
    name : str
    adapter : str
        ``"module:function"``, of a function ``Task -> Modes``.
    role : "ours", "peer", "reference" or "rate"
        A reference only says what is right and is not timed. A rate is timed for comparison, as sgemm is, and competes
        with nobody.
    needs : tuple of str
        Modules without which it is named as missing.
    settings : dict
        Further settings for the adapter's task.
    """

    name: str
    adapter: str
    role: str = PEER
    needs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One row of the table: something to do, and who does it.

    Attributes
    ----------
    name : str
    title : str
    contenders : tuple of Contender
    prepare : callable
        Saves the inputs; called once, in the process that leads the run.
    work, unit : float and str
        Units of work of one call, and their name: 128 "samples".
    tolerance : float
        Largest difference from the reference, relative to it.
    norm : "largest" or "square"
        How the two are compared, see `speed.figures.difference`.
    flops : float
        Of one call if done densely, for the share of sgemm's rate; 0 where that says nothing.
    threads : int, optional
        Instead of those of the command line.
    settings : dict
        For the adapters.
    rounds : int, optional
        At most so many.
    at_least, aim : float, optional
        Goals of the ratio to the best peer.
    limits : dict
        Figure -> most that it may be: "seconds" of a call, or one of a mode's report.
    """

    name: str
    title: str
    contenders: tuple[Contender, ...]
    prepare: Callable[[Task], None]
    work: float = 1.0
    unit: str = "calls"
    tolerance: float = 1e-3
    norm: str = "largest"
    flops: float = 0.0
    threads: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    rounds: int | None = None
    at_least: float | None = None
    aim: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """Cases that belong together; `cases` makes them from the options."""

    name: str
    title: str
    cases: Callable[[Options], list[Case]]


def nothing_to_prepare(task: Task) -> None:
    """For cases without inputs."""
