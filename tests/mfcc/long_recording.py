"""Measure the memory that a long recording takes: python tests/mfcc/long_recording.py --hours 3.

A recording of noise in Ogg Vorbis (44.1 kHz, stereo) is written and read in a process of its own. Memory is what that
process has for itself, without the libraries that it maps from files, at its highest. Linux only.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import soundfile

import mfcc


def write(path: Path, hours: float) -> None:
    """Half a minute of noise that changes in loudness, again and again."""
    rng = np.random.default_rng(0)
    part = (rng.standard_normal((30 * 44100, 2)) * np.linspace(0.001, 0.3, 30 * 44100)[:, None]).astype(np.float32)
    with soundfile.SoundFile(path, "w", 44100, 2, "VORBIS", format="OGG") as sound:
        for _ in range(round(hours * 120)):
            for block in np.split(part, 30):  # libsndfile 1.2.2 dies of larger ones
                sound.write(block)


def peak(work: Callable[[], object]) -> float:
    """Return the most anonymous memory during the work [MB], measured every 5 ms."""
    highest, over = 0, threading.Event()

    def look() -> None:
        nonlocal highest
        while not over.wait(0.005):
            status = Path("/proc/self/status").read_text()
            highest = max(highest, int(re.search(r"RssAnon:\s*(\d+) kB", status)[1]))  # type: ignore[index]

    thread = threading.Thread(target=look)
    thread.start()
    work()
    over.set()
    thread.join()
    return highest / 1024


def measure(path: str, way: str) -> str:
    """Read the recording in a way; what that took."""
    sizes: list[int] = []

    def stream() -> None:
        sizes.extend(block.nbytes for block in mfcc.stream(path))

    def tiles() -> None:
        sizes.append(mfcc.tiles(path).values.nbytes)

    began = time.process_time()
    highest = peak({"stream": stream, "tiles": tiles}[way])
    seconds = time.process_time() - began
    return f"mfcc.{way}: {highest:.0f} MB at most, {sum(sizes) / 2**20:.0f} MB of features, {seconds:.0f} s of CPU time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(measure(*options.measure))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "long.ogg")
        write(path, options.hours)
        sound = soundfile.info(path)
        print(f"{sound.duration / 3600:.2f} h, {path.stat().st_size / 2**20:.0f} MB, {sound.samplerate} Hz", flush=True)
        for way in ("stream", "tiles"):
            subprocess.run([sys.executable, __file__, "--measure", str(path), way], check=True)


if __name__ == "__main__":
    main()
