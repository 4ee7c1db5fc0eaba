"""Kill a program with SIGKILL at random moments, start it again, and compare its end with that of one left in peace.

python tests/faults/kills.py --kills 100                 # a fit of the estimator
python tests/faults/kills.py --kills 30 --program script # examples/filmscore_cnn.py
python tests/faults/kills.py --kills 30 --program search # a search with a journal

Each attempt is a process of its own, with 1, 2 or 4 threads. It is killed some time after it says that it begins, or
before; when one gets to the end its bits are compared, and the next begins from nothing.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import numpy as np

from tests.faults.killed_programs import ATTEMPTS, PROGRAMS, ROOT, Program

THREADS = (1, 2, 4)


@dataclass
class Report:
    """What came of it.

    Attributes
    ----------
    kills : int
    left : list of int
        What each killed attempt had left: epochs, trials.
    runs : int
        That got to the end.
    differences : list of str
        What they ended with that was not as in peace.
    """

    kills: int = 0
    left: list[int] = field(default_factory=list)
    runs: int = 0
    differences: list[str] = field(default_factory=list)


def attempt(
    program: Program, data: Path, folder: Path, n_threads: int, seconds: float | None = None, early: bool = False
) -> float | None:
    """Run a process, killed some seconds after it began (early: to exist); how long it took, or None.

    Raises
    ------
    RuntimeError
        If it ended otherwise, with what it said.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::UserWarning", "MPLBACKEND": "Agg"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    command = program.command(data, folder, n_threads)
    said = []
    with subprocess.Popen(command, env={**environment, "PYTHONUNBUFFERED": "1"}, **streams) as process:  # type: ignore
        if not early:
            for line in process.stdout:  # type: ignore[union-attr]
                said.append(line)
                if program.begins in line:
                    break
        began = time.perf_counter()
        if seconds is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        said.append(process.communicate()[0])
        took = time.perf_counter() - began
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"an attempt ended with status {process.returncode}: {''.join(said)}")
    return took if process.returncode == 0 else None


def kill(program: Program, kills: int, seed: int) -> Report:
    """Kill a program, in one run or several, until there are so many kills."""
    rng, report = np.random.default_rng(seed), Report()
    with tempfile.TemporaryDirectory() as temporary:
        data, peaceful, again = (Path(temporary, name) for name in ("data", "peaceful", "again"))
        program.prepare(data)
        for folder in (peaceful, again):  # once more, with the kernels compiled, to see how long it takes
            folder.mkdir()
            whole = attempt(program, data, folder, 1) or 0.0
        expected = program.end(peaceful)
        while report.kills < kills:
            folder = Path(temporary, f"run{report.runs}")
            folder.mkdir()
            while True:
                last = report.kills >= kills
                early = not last and rng.random() < 0.1
                seconds = None if last else float(rng.uniform(0, 0.7 * whole))
                if attempt(program, data, folder, int(rng.choice(THREADS)), seconds, early) is not None:
                    break
                report.kills += 1
                report.left.append(program.done(folder))
            report.runs += 1
            end = program.end(folder)
            odd = sorted(name for name in expected.keys() | end.keys() if expected.get(name) != end.get(name))
            report.differences += [f"run {report.runs}, after {report.kills} kills: {name}" for name in odd]
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", choices=list(PROGRAMS), default="fit")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--attempt", choices=list(ATTEMPTS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attempt:
        ATTEMPTS[options.attempt](options.folder, options.threads)
        return 0
    report = kill(PROGRAMS[options.program], options.kills, options.seed)
    print(f"{options.program}: {report.kills} kills; what was on the disk after each: {report.left}")
    print(f"{report.runs} runs got to the end; {len(report.differences)} differences from the one in peace")
    print(*report.differences, sep="\n")
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
