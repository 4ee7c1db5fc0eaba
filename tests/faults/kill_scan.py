"""Kill a scan of the agent with SIGKILL at random moments, start it again, and compare its library with one in peace.

python tests/faults/kill_scan.py --kills 50
python tests/faults/kill_scan.py --kills 50 --processes 2

After each kill the library must open, hold no less than before, and hold only what the scan in peace held.
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

from filmscore.agent.library import Library
from filmscore.agent.schema import FILE
from tests.examples.agent.libraries import model_file, write_noise

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Report:
    """What came of it: tracks after each kill, scans that got to the end, and what was not as in peace."""

    left: list[int] = field(default_factory=list)
    runs: int = 0
    faults: list[str] = field(default_factory=list)


def contents(folder: Path) -> dict[str, tuple]:
    """All that a library says of its tracks, by path."""
    with Library.open(folder) as library:
        found = {}
        for track in library.tracks():
            windows, row = library.windows(track), track.id - 1
            arrays = (*vars(windows).values(), library.track_values[row], library.track_directions[row])
            found[track.path] = (track.duration_s, *(array.tobytes() for array in arrays))
        return found


def command(music: Path, folder: Path, processes: int) -> list[str]:
    program = ROOT / "examples" / "filmscore_agent.py"
    options = ["--library", folder, "--model", model_file(), "--processes", processes]
    return [sys.executable, *map(str, (program, "scan", music, *options))]


def attempt(call: list[str], seconds: float | None) -> float | None:
    """Run a scan, killed after some seconds; how long it took, or None if it was killed."""
    began = time.perf_counter()
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            return None
    if process.returncode:
        raise RuntimeError(f"a scan ended with status {process.returncode}: {said.decode(errors='replace')}")
    return time.perf_counter() - began


def kill(kills: int, seed: int, processes: int = 1, files: int = 80) -> Report:
    """Kill scans until there are so many kills."""
    rng, report = np.random.default_rng(seed), Report()
    with tempfile.TemporaryDirectory() as temporary:
        music = Path(temporary, "music")
        for k in range(files):
            write_noise(music / f"album {k % 3}" / f"{k}.flac", k, seconds=10 + k % 5)
        for name in ("first", "peaceful"):  # once more, with the kernels compiled, to see how long it takes
            peaceful = Path(temporary, name)
            whole = attempt(command(music, peaceful, processes), None) or 0.0
        expected = contents(peaceful)
        while len(report.left) < kills:
            folder, before = Path(temporary, f"run{report.runs}"), {}
            while True:
                seconds = float(rng.uniform(0.2, 1.0)) * whole if len(report.left) < kills else None
                ended = attempt(command(music, folder, processes), seconds) is not None
                now = contents(folder) if (folder / FILE).exists() else {}
                report.faults += [f"lost: {path}" for path in before.keys() - now.keys()]
                report.faults += [f"differs: {path}" for path in now if now[path] != expected[path]]
                before = now
                if ended:
                    break
                report.left.append(len(now))
            report.runs += 1
            report.faults += [f"never came: {path}" for path in expected.keys() - before.keys()]
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--files", type=int, default=80)
    options = parser.parse_args()
    report = kill(options.kills, options.seed, options.processes, options.files)
    print(f"{len(report.left)} kills; tracks in the library after each: {report.left}")
    print(f"{report.runs} scans got to the end; {len(report.faults)} faults", *report.faults, sep="\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
