"""Kill a training with SIGKILL at random moments, let it go on, and compare its end with that of one left in peace.

python tests/nnlite/kill_training.py --kills 100

Each attempt is a process of its own, with one thread or two. A process is killed some time after it says that it
begins to train, or before; when one gets to the end its bits are compared, and the next begins from nothing.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def train(folder: Path, n_threads: int) -> None:
    """One attempt; writes down what it ended with."""
    import nnlite as nn

    rng = np.random.default_rng(5)
    X = rng.standard_normal((1200, 6)) * [1, 2, 3, 4, 5, 6]
    y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    layers = [nn.Dense(24), nn.Sigmoid(), nn.Dropout(0.2), nn.Dense(2), nn.Softmax()]
    model = nn.NetworkClassifier(
        nn.Sequential(layers, input_shape=(6,)),
        optimizer=nn.Adam(0.01),
        schedule=nn.LinearDecay(),
        max_epochs=40,
        patience=20,
        batch_size=64,
        standardize_axes=(0,),
        random_state=3,
        n_threads=n_threads,
        checkpoint=folder / "run",
        checkpoint_every=2,
    )
    print("begins", flush=True)
    model.fit(X, y)
    history = [
        {name: value.hex() for name, value in row.items() if name not in ("epoch", "seconds")} for row in model.history_
    ]
    end = {
        "history": history,
        "best_epoch": model.best_epoch_,
        "stopped_by": model.stopped_by_,
        "params": {name: value.tobytes().hex() for name, value in model.params_.items()},
    }
    (folder / "end.json").write_text(json.dumps(end))


def attempt(folder: Path, n_threads: int, seconds: float | None = None, early: bool = False) -> float | None:
    """Run a process, killed some seconds after it began to train (early: to exist); how long it trained, or None."""
    command = [sys.executable, __file__, "--attempt", str(folder), "--threads", str(n_threads)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        if not early:
            process.stdout.readline()
        began = time.perf_counter()
        if seconds is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        process.communicate()
        trained = time.perf_counter() - began
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"an attempt failed with status {process.returncode}")
    return trained if process.returncode == 0 else None


def epochs_done(folder: Path) -> int:
    """Epochs in the newest checkpoint, or in the one before while the newest has no name."""
    from nnlite.serialization import read_archive

    for path in (folder / "run" / "checkpoint.npz", folder / "run" / "checkpoint.npz.1"):
        if path.exists():
            return len(read_archive(path)[1]["history/epoch"])
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--attempt", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attempt:
        train(options.attempt, options.threads)
        return 0
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        peaceful = Path(temporary, "peaceful")
        peaceful.mkdir()
        attempt(peaceful, 1)  # and once more in another folder, with the kernels compiled, to see how long it takes
        again = Path(temporary, "again")
        again.mkdir()
        whole = attempt(again, 1) or 0.0
        expected = (peaceful / "end.json").read_text()
        print(f"in peace: {len(json.loads(expected)['history'])} epochs in {whole:.1f} s")
        kills, runs, stopped_at = 0, 0, []
        while kills < options.kills:
            folder = Path(temporary, f"run{runs}")
            folder.mkdir()
            while True:
                last = kills >= options.kills
                early = not last and rng.random() < 0.1
                seconds = None if last else float(rng.uniform(0, 0.7 * whole))
                if attempt(folder, int(rng.integers(1, 3)), seconds, early) is not None:
                    break
                kills += 1
                stopped_at.append(epochs_done(folder))
            runs += 1
            if (folder / "end.json").read_text() != expected:
                print(f"run {runs}: DIFFERS from the one in peace, after {kills} kills")
                return 1
    print(f"{kills} kills, with these numbers of epochs on the disk: {stopped_at}")
    print(f"{runs} runs got to the end, all with the bits of the one in peace")
    return 0


if __name__ == "__main__":
    sys.exit(main())
