"""One case: make every mode of every contender, hold their results against the reference, time them in turns."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from speed import figures
from speed.case import OURS, PEER, RATE, REFERENCE, Case, Contender, Options, Task
from speed.processes import ContenderFailed, Worker

REST_S = 0.25
"""Pause before each turn: threads of the one before go on spinning for up to 0.2 s."""

HOPELESS = 3.0
"""A mode that takes so many times as long as another of its contender in the first round has no turn in the others."""

Say = Callable[[str], None]


def run_case(case: Case, options: Options, scratch: Path | None, say: Say) -> dict[str, Any]:
    """Measure a case; what becomes of each mode is in the result, whatever fails."""
    threads = options.threads if case.threads is None else min(case.threads, options.threads)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="speed-") as folder:
        task = Task(Path(folder), threads, options.quick, case.settings)
        case.prepare(task)
        entrants = [_Entrant(contender, case, task) for contender in case.contenders]
        try:
            for entrant in entrants:
                entrant.make(say)
            _check(entrants, say)
            rounds = options.rounds if case.rounds is None else min(case.rounds, options.rounds)
            racing = list(_timed(entrants))
            for number in range(rounds):
                for mode in racing:
                    time.sleep(0 if options.quick else REST_S)
                    mode.turn(say)
                racing = [mode for mode in racing if not mode.error]
                if number == 0:
                    racing = [mode for mode in racing if not mode.is_hopeless]
            for mode in _timed(entrants):
                mode.finish(say)
        finally:
            for entrant in entrants:
                entrant.close()
    return _record(case, threads, entrants)


class _Mode:
    """A mode of a contender: what it computed, and its samples, one list a round."""

    def __init__(self, name: str, entrant: _Entrant) -> None:
        self.name, self.entrant = name, entrant
        self.full_name = entrant.contender.name + (f", {name}" if name else "")
        self.error = ""
        self.made: dict[str, Any] = {}
        self.result: dict[str, np.ndarray] | None = None
        self.difference: float | None = None
        self.samples: list[list[float]] = []
        self.report: dict[str, float] = {}

    @property
    def tolerance(self) -> float:
        return self.made.get("tolerance") or self.entrant.case.tolerance

    @property
    def work(self) -> float:
        return self.made.get("work") or self.entrant.case.work

    @property
    def seconds_per_work(self) -> float:
        return figures.summary(self.samples)["median_s"] / self.work

    @property
    def is_hopeless(self) -> bool:
        fastest = min(mode.seconds_per_work for mode in self.entrant.modes if mode.samples and not mode.error)
        return self.seconds_per_work > HOPELESS * fastest

    def make(self, path: Path, say: Say) -> None:
        def build() -> None:
            self.made = self.entrant.ask("make", self.name, str(path))
            if self.made["has_result"]:
                with np.load(path) as file:
                    self.result = dict(file)

        self._try(build, say)
        if self.made:
            say(f"    {self.full_name}: ready after {self.made['make_s']:.1f} s")
        path.unlink(missing_ok=True)

    def turn(self, say: Say) -> None:
        self._try(lambda: self.samples.append(self.entrant.ask("sample", self.name)), say)

    def finish(self, say: Say) -> None:
        self._try(lambda: self.report.update(self.entrant.ask("report", self.name)), say)

    def fail(self, why: str, say: Say) -> None:
        self.error = why
        say(f"    {self.full_name}: {why}")

    def _try(self, action: Callable[[], Any], say: Say) -> None:
        try:
            action()
        except ContenderFailed as error:
            self.fail(str(error), say)

    def record(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": self.name, "error": self.error, "tolerance": self.tolerance}
        if self.difference is not None:
            entry["difference"] = _rounded(self.difference, 3)
        if self.error or not self.samples:
            return entry
        entry |= {name: _rounded(value) for name, value in figures.summary(self.samples).items()}
        entry |= {"work": self.work, "make_s": _rounded(self.made["make_s"], 3), "report": self.report}
        return entry | {"samples_s": [[_rounded(sample) for sample in turn] for turn in self.samples]}


class _Entrant:
    """A contender, its process and its modes."""

    def __init__(self, contender: Contender, case: Case, task: Task) -> None:
        self.contender, self.case = contender, case
        self.task = Task(task.folder, task.threads, task.quick, {**case.settings, **contender.settings})
        self.missing = [name for name in contender.needs if importlib.util.find_spec(name) is None]
        self.error = ""
        self.modes: list[_Mode] = []
        self._worker: Worker | None = None

    def make(self, say: Say) -> None:
        """Start the process and make its modes."""
        if self.missing:
            say(f"    {self.contender.name}: not installed ({', '.join(self.missing)})")
            return
        number = self.case.contenders.index(self.contender)
        self._worker = Worker(self.contender, self.task, self.task.folder / f"{number}.log")
        try:
            self.modes = [_Mode(name, self) for name in self.ask("modes")]
        except ContenderFailed as error:
            self.error = str(error)
            say(f"    {self.contender.name}: {self.error}")
        for mode in self.modes:
            mode.make(self.task.folder / "result.npz", say)
        if self.contender.role == REFERENCE:
            self.close()

    def ask(self, order: str, *arguments: Any) -> Any:
        assert self._worker is not None
        return self._worker.ask(order, *arguments)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def record(self) -> dict[str, Any]:
        entry = {"name": self.contender.name, "role": self.contender.role, "missing": self.missing}
        return {**entry, "error": self.error, "modes": [mode.record() for mode in self.modes]}


def _timed(entrants: list[_Entrant]) -> Iterator[_Mode]:
    """Modes that take turns: those that work, are right, and are no reference."""
    for entrant in entrants:
        if entrant.contender.role != REFERENCE:
            yield from (mode for mode in entrant.modes if not mode.error)


def _check(entrants: list[_Entrant], say: Say) -> None:
    """Hold results against those of the reference, or where there is none, of the first that has some."""
    with_results = [mode for entrant in entrants for mode in entrant.modes if mode.result is not None]
    references = [mode for mode in with_results if mode.entrant.contender.role == REFERENCE]
    if any(entrant.contender.role == REFERENCE for entrant in entrants) and not references:
        for mode in with_results:
            mode.fail("could not be checked: the reference failed", say)
        return
    reference = next(iter(references or with_results), None)
    for mode in with_results:
        if mode is reference:
            continue
        try:
            mode.difference = figures.difference(mode.result, reference.result, mode.entrant.case.norm)  # type: ignore[arg-type]
        except ValueError as error:
            mode.fail(f"computes something else: {error}", say)
            continue
        if mode.difference > mode.tolerance:
            wrong = f"differs by {mode.difference:.2g} from {reference.full_name}, where {mode.tolerance:g} is allowed"
            mode.fail(f"computes something else: {wrong}", say)


def _record(case: Case, threads: int, entrants: list[_Entrant]) -> dict[str, Any]:
    modes = list(_timed(entrants))
    ours, peers = _best(modes, OURS), _best(modes, PEER)
    record: dict[str, Any] = {
        "name": case.name,
        "title": case.title,
        "threads": threads,
        "work": case.work,
        "unit": case.unit,
        "at_least": case.at_least,
        "aim": case.aim,
        "limits": dict(case.limits),
        "contenders": [entrant.record() for entrant in entrants],
    }
    if ours is None:
        return record
    record["ours"] = ours.full_name
    if peers is not None:
        record["ratio"] = _ratio(ours, peers)
        same = _best([mode for mode in modes if not mode.made["tolerance"]], PEER)
        if same not in (None, peers):
            record["ratio_in_float32"] = _ratio(ours, same)
    rate = _best(modes, RATE)
    if rate is not None and case.flops:
        sgemm = 1 / rate.seconds_per_work
        record["sgemm_gflops"] = _rounded(sgemm / 1e9, 4)
        record["share_of_sgemm"] = {
            mode.full_name: _rounded(case.flops / case.work / mode.seconds_per_work / sgemm, 4)
            for mode in modes
            if mode.entrant.contender.role in (OURS, PEER)
        }
    return record


def _ratio(ours: _Mode, peer: _Mode) -> dict[str, Any]:
    times = figures.ratio(peer.samples, ours.samples, ours.work / peer.work)
    return {"against": peer.full_name, **{name: _rounded(value, 4) for name, value in times.items()}}


def _best(modes: list[_Mode], role: str) -> _Mode | None:
    """The fastest mode of a role."""
    candidates = [mode for mode in modes if mode.entrant.contender.role == role]
    return min(candidates, key=lambda mode: mode.seconds_per_work, default=None)


def _rounded(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
