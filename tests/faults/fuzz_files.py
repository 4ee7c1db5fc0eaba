"""Read files that were damaged or forged, for as long as you like: only the documented errors may come.

python tests/faults/fuzz_files.py --minutes 60 --seed 1     # CPU time
python tests/faults/fuzz_files.py --seed 1 --case 1234      # one case again, with its traceback

Every kind of file that nnlite, mfcc and the examples read is written once and read thousands of times, each time with
other bytes: bits flipped, cut off, spliced, or forged by someone who knows the format. The process that reads has
little memory and is watched: it may write in its own folder only, run and unpickle nothing, leave no warning, and be
done in seconds. The mutations of a case follow from its number and the seed. Linux only.
"""

import argparse
import itertools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import numpy as np

import nnlite as nn
from tests.faults import feature_files, network_files
from tests.faults.file_kinds import Kind
from tests.faults.mutate import mutated, pick
from tests.faults.watch import RUNS, Watch, limit

ROOT = Path(__file__).resolve().parents[2]
KINDS: dict[str, Kind] = network_files.KINDS | feature_files.KINDS
MAY_TAKE = 2**30
"""Bytes of addresses that the reading process may take besides those that it has."""
CPU_SECONDS, SECONDS = 60, 3600
"""That a case may last; the latter by the clock, during which the whole process may be paused."""


@dataclass
class Report:
    """What came of the cases that were tried.

    Attributes
    ----------
    tried, refused : Counter
        By kind; what was not refused was taken for good, and used.
    findings : list of dict
        case, kind, what, where.
    cpu_seconds : float
    """

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def add(self, kind: str, refused: bool, finding: dict[str, Any] | None) -> None:
        self.tried[kind] += 1
        self.refused[kind] += refused
        if finding is not None and not any(self.same(finding, other) for other in self.findings):
            self.findings.append(finding)

    def __add__(self, other: "Report") -> "Report":
        found = [f for f in other.findings if not any(self.same(f, mine) for mine in self.findings)]
        spent = self.cpu_seconds + other.cpu_seconds
        return Report(self.tried + other.tried, self.refused + other.refused, self.findings + found, spent)

    @staticmethod
    def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
        return all(a[name] == b[name] for name in ("kind", "where")) and a["what"][:30] == b["what"][:30]


class Reader:
    """The process that reads: good files of each kind, and what happens when they are made worse."""

    def __init__(self, folder: Path, seed: int, kinds: list[str]) -> None:
        self.folder, self.seed, self.kinds = folder / "case", seed, kinds
        self.good: dict[str, dict[str, bytes]] = {}
        for name in kinds:  # reading once here loads kernels and modules
            self._fresh()
            KINDS[name].write(self.folder)
            self.good[name] = {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}
            use = KINDS[name].read(self.folder)
            if use is not None:
                use()
        self.all = [data for files in self.good.values() for data in files.values()]
        self.watch = Watch([self.folder, folder / "tmp", Path(os.environ["NNLITE_CACHE_DIR"])])

    def _fresh(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    def prepare(self, number: int) -> str:
        """Write the files of a case; its kind."""
        rng = np.random.default_rng((self.seed, number))
        name = pick(rng, self.kinds)
        files = dict(self.good[name])
        for path in {pick(rng, sorted(files)) for _ in range(int(pick(rng, (1, 1, 1, 2))))}:
            files[path] = mutated(files[path], self.all, rng)
        self._fresh()
        for path, data in files.items():
            (self.folder / path).write_bytes(data)
        return name

    def read(self, number: int, name: str, show: bool = False) -> tuple[bool, dict[str, Any] | None]:
        """(whether a documented error came, what else was found)."""
        kind, caught = KINDS[name], None
        began = time.process_time()
        with self.watch.block(kind.may_run, kind.warnings) as seen:
            try:
                use = kind.read(self.folder)
            except BaseException as error:
                caught, use = error, None
        if use is not None:
            with self.watch.block(tuple(RUNS), kind.warnings) as also:
                try:
                    use()
                except BaseException as error:
                    caught = error
            seen += also
        if time.process_time() - began > CPU_SECONDS / 4:
            seen.append(f"took {time.process_time() - began:.0f} s")
        where = ""
        if caught is not None:
            if show:
                traceback.print_exception(caught)
            frame = traceback.extract_tb(caught.__traceback__)[-1]
            where = f"{os.path.relpath(frame.filename, ROOT)}:{frame.lineno}"
            if not documented(caught, kind, self.folder):
                seen.insert(0, f"{type(caught).__name__}: {str(caught)[:300]}")
        if not seen:
            return caught is not None, None
        return caught is not None, {"case": number, "kind": name, "what": "; ".join(seen), "where": where}


def documented(error: BaseException, kind: Kind, folder: Path) -> bool:
    """Whether a reader may raise this: it is of a documented type, and says which file or whose argument is wrong."""
    names = str(folder) in str(error) or str(error).startswith("NetworkClassifier")
    return isinstance(error, kind.errors) and (names or isinstance(error, nn.TrainingDiverged))


def read_on(options: argparse.Namespace) -> None:
    """The work of the child: case after case, a line on standard output for each hundred."""
    folder = Path(options.folder)
    reader = Reader(folder, options.seed, options.kinds)
    progress = os.open(folder / "progress", os.O_RDWR | os.O_CREAT)
    limit(MAY_TAKE)
    os.fsync = lambda descriptor: None  # the disk is not what is tested
    for first in itertools.count(options.first, 100):
        report = Report()
        for number in range(first, min(first + 100, options.last)):
            os.pwrite(progress, struct.pack("<q", number), 0)
            name = reader.prepare(number)
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # both kill the process when they ring
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            refused, finding = reader.read(number, name)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            report.add(name, refused, finding)
        report.cpu_seconds = time.process_time()
        print(json.dumps(vars(report)), flush=True)
        if first + 100 >= options.last or report.cpu_seconds > options.seconds:
            return


def fuzz(seconds: float, seed: int, first: int = 0, last: int = 2**60, kinds: list[str] | None = None) -> Report:
    """Read worse files in a process of its own, and in another one when that dies.

    Parameters
    ----------
    seconds : float
        CPU time to spend.
    seed, first, last : int
        Cases `first` up to, not with, `last`.
    kinds : list of str, optional
    """
    kinds = list(KINDS) if kinds is None else kinds
    total = Report()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tmp").mkdir()
        cache = os.environ.get("NNLITE_CACHE_DIR") or f"{folder}/kernels"
        environment = {**os.environ, "TMPDIR": f"{folder}/tmp", "NNLITE_CACHE_DIR": cache}
        while first < last and total.cpu_seconds < seconds:
            command = [
                sys.executable,
                __file__,
                "--read",
                "--folder",
                folder,
                "--seed",
                str(seed),
                "--first",
                str(first),
            ]
            command += ["--last", str(last), "--seconds", str(seconds - total.cpu_seconds), "--kinds", *kinds]
            before, spent = sum(total.tried.values()), 0.0
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    part = json.loads(line)
                    total.tried.update(part["tried"])
                    total.refused.update(part["refused"])
                    for finding in part["findings"]:
                        if not any(Report.same(finding, other) for other in total.findings):
                            total.findings.append(finding)
                            print(json.dumps(finding), file=sys.stderr, flush=True)
                    spent = part["cpu_seconds"]
            total.cpu_seconds += spent
            if process.returncode == 0:
                break
            if process.returncode > 0:
                raise SystemExit(f"fuzz_files: the reading process ended with status {process.returncode}")
            (number,) = struct.unpack("<q", Path(folder, "progress").read_bytes())
            what = f"killed by {signal.Signals(-process.returncode).name}"
            total.findings.append({"case": number, "kind": "?", "what": what, "where": ""})
            print(json.dumps(total.findings[-1]), file=sys.stderr, flush=True)
            first = number + 1 if number >= first else first + sum(total.tried.values()) - before
    return total


def replay(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("NNLITE_CACHE_DIR", f"{folder}/kernels")
        tempfile.tempdir = f"{folder}/tmp"
        Path(folder, "tmp").mkdir()
        reader = Reader(Path(folder), options.seed, options.kinds)
        name = reader.prepare(options.case)
        for path in sorted(reader.folder.iterdir()):
            changed = path.read_bytes() != reader.good[name].get(path.name)
            print(f"{name}: {path.name}{', changed' if changed else ''}: {path.stat().st_size} bytes")
            if changed and options.keep:
                shutil.copy(path, options.keep)
        limit(MAY_TAKE)
        print(reader.read(options.case, name, show=True))


def table(report: Report) -> str:
    """The report in Markdown."""
    lines = ["| kind of file | read | refused | taken for good and used |", "|---|---|---|---|"]
    for name in [*sorted(report.tried), "all"]:
        tried = sum(report.tried.values()) if name == "all" else report.tried[name]
        refused = sum(report.refused.values()) if name == "all" else report.refused[name]
        lines.append(f"| {name} | {tried:,} | {refused:,} | {tried - refused:,} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--minutes", type=float, default=1.0, help="CPU time (default: %(default)s)")
    add("--cases", type=int, default=2**60, help="at most so many files, or folders of files that belong together")
    add("--seed", type=int, default=0)
    add("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    add("--case", type=int, help="read this one again and show what is raised")
    add("--keep", type=Path, metavar="DIR", help="with --case: copy its files there")
    for name, kind in (("first", int), ("last", int), ("seconds", float), ("folder", str)):
        add(f"--{name}", type=kind, help=argparse.SUPPRESS)
    add("--read", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read_on(options)
        return 0
    if options.case is not None:
        replay(options)
        return 0
    report = fuzz(60 * options.minutes, options.seed, last=options.cases, kinds=options.kinds)
    print(f"{table(report)}\n\n{report.cpu_seconds / 60:.1f} minutes of CPU time, {len(report.findings)} findings")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
