"""Do the damage: kill, damage files, crowd, fork, fill disks; write down what was survived.

python tests/faults/run.py                                # a few of each, in minutes
python tests/faults/run.py --full --report docs/faults.md # 190 kills, 80 minutes of CPU time of files; takes hours
"""

import argparse
import datetime
import functools
import itertools
import os
import platform
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import numba
import numpy as np

import nnlite
from tests.faults import fuzz_files, kill_scan, kills, storms
from tests.faults.killed_programs import PROGRAMS
from tests.mfcc import fuzz_audio

WHAT = {
    "fit": "`NetworkClassifier.fit` with a checkpoint every other epoch",
    "script": "`examples/filmscore_cnn.py`, as a user types it",
    "search": "`model_selection.search` with a journal",
}
SCAN = "`examples/filmscore_agent.py scan`, into a library"
KILLS = {"fit": (6, 100), "script": (2, 30), "search": (3, 30), SCAN: (3, 30)}
MINUTES = {"files": (0.1, 60.0), "sounds": (0.1, 20.0)}
"""Of CPU time."""


class Part(NamedTuple):
    """A part of the report.

    Attributes
    ----------
    text : str
        In Markdown.
    good : bool
        Whether there was nothing to find.
    """

    text: str
    good: bool


def killing(full: bool, seed: int, jobs: int) -> Part:
    rows, good = [], True
    for name, program in PROGRAMS.items():
        report = kills.kill(program, KILLS[name][full], seed)
        early = sum(left == 0 for left in report.left)
        rows.append(f"| {WHAT[name]} | {report.kills} | {early} | {report.runs} | {len(report.differences)} |")
        good &= not report.differences
        print(rows[-1], *report.differences, sep="\n", file=sys.stderr)
    scans = kill_scan.kill(KILLS[SCAN][full], seed)
    early = sum(left == 0 for left in scans.left)
    rows.append(f"| {SCAN} | {len(scans.left)} | {early} | {scans.runs} | {len(scans.faults)} |")
    good &= not scans.faults
    print(rows[-1], *scans.faults, sep="\n", file=sys.stderr)
    head = ["| program | kills | of these before anything was written | runs that got to the end | differences |"]
    return Part("\n".join([*head, "|---|---|---|---|---|", *rows]), good)


def reading(name: str, fuzzer: ModuleType, full: bool, seed: int, jobs: int) -> Part:
    bounds = itertools.pairwise(2**40 * job for job in range(jobs + 1))  # far apart: each has cases of its own
    seconds = 60 * MINUTES[name][full] / jobs
    with ThreadPoolExecutor(jobs) as pool:
        report = sum(pool.map(lambda cases: fuzzer.fuzz(seconds, seed, *cases), bounds), fuzzer.Report())
    found = [f"- case {f['case']}, {f['kind']}: {f['what']} ({f['where']})" for f in report.findings]
    spent = f"{report.cpu_seconds / 60:.3g} minutes of CPU time (seed {seed}), {len(report.findings)} findings."
    return Part("\n".join([fuzzer.table(report), "", spent, *found]), not report.findings)


def storming(full: bool, seed: int, jobs: int) -> Part:
    results = storms.results(list(storms.SCENARIOS), full)
    rows = [f"| {what} | {said} |" for what, said, _ in results]
    return Part("\n".join(["| what was done | what happened |", "|---|---|", *rows]), all(good for *_, good in results))


PARTS: dict[str, Callable[[bool, int, int], Part]] = {
    "kills": killing,
    "files": functools.partial(reading, "files", fuzz_files),
    "sounds": functools.partial(reading, "sounds", fuzz_audio),
    "storms": storming,
}


def machine() -> str:
    """Processor, system and versions."""
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        processor = found[1] if found else processor
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, numba {numba.__version__}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"nnlite {nnlite.__version__}, {versions}; {platform.system()}, {cores} cores of {processor}"


def write(path: Path, parts: dict[str, Part], full: bool) -> None:
    """Put the parts between their marks on a page that explains them."""
    page = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, mark, rest = page.partition(begin)
        if not mark or end not in rest:
            raise SystemExit(f"run: {path}: expected the marks {begin.strip()} and {end.strip()}, found none.")
        made = f"{datetime.date.today():%-d %B %Y}, {'full' if full else 'small'} size. {machine()}."
        page = f"{before}{begin}\n{made}\n\n{part.text}\n\n{end}{rest.partition(end)[2]}"
    path.write_text(page, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="at full size")
    parser.add_argument("--report", type=Path, metavar="PAGE", help="a page with marks, where the report goes")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes that read files")
    options = parser.parse_args()
    parts = {}
    for name in options.only:
        parts[name] = PARTS[name](options.full, options.seed, options.jobs)
        print(f"\n## {name}\n\n{parts[name].text}", flush=True)
    if options.report is not None:
        write(options.report, parts, options.full)
    return 0 if all(part.good for part in parts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
