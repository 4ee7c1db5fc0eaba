"""Programs that are killed and started again, and what they end with.

A command of these begins anew in an empty folder and goes on in one that an attempt was killed in.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from filmscore.corpus import GENRES, Track
from filmscore.features.folder import write_tables
from filmscore.recording import Settings
from mfcc import MFCC
from nnlite.model_selection import search
from nnlite.serialization import read_archive

ROOT = Path(__file__).resolve().parents[2]


class Program(NamedTuple):
    """A program that is killed.

    Attributes
    ----------
    prepare : function
        Makes the data in a folder, once for all runs.
    command : function
        (folder of the data, folder of the run, number of threads) -> command.
    begins : str
        In the line by which it says that it begins.
    end : function
        What it ended with, to the bit: name -> value.
    done : function
        How much a killed attempt has left, in epochs or trials.
    """

    prepare: Callable[[Path], None]
    command: Callable[[Path, Path, int], list[str]]
    begins: str
    end: Callable[[Path], dict[str, Any]]
    done: Callable[[Path], int]


def this_program(name: str) -> Callable[[Path, Path, int], list[str]]:
    program = Path(__file__).with_name("kills.py")
    return lambda data, folder, n_threads: [
        sys.executable, str(program), "--attempt", name, "--folder", str(folder), "--threads", str(n_threads)
    ]  # fmt: skip


# --- A fit of the estimator -------------------------------------------------------------------------------------------


def fit(folder: Path, n_threads: int) -> None:
    """Dropout, a schedule, an optimizer with a state, patience, scaling, and a checkpoint every other epoch."""
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
    nn.save(folder / "model.npz", model)


def end_of_fit(folder: Path) -> dict[str, Any]:
    """The model, and all that the last checkpoint has: the optimizer's state, the best value and parameters."""
    return contents(folder / "model.npz") | contents(folder / "run" / "checkpoint.npz")


def contents(path: Path) -> dict[str, Any]:
    """Header and arrays of an archive, without what the clock says and what is not to matter."""
    header, arrays = read_archive(path)
    values = {name: (str(array.dtype), array.shape, array.tobytes().hex()) for name, array in arrays.items()}
    values.pop("history/seconds")
    return {f"{path.name}/{name}": value for name, value in ({"header": json.dumps(header)} | values).items()}


def epochs_done(path: Path) -> int:
    """Epochs in the newest checkpoint, or in the one before while the newest has no name."""
    for place in (path, path.with_name(f"{path.name}.1")):
        if place.exists():
            return len(read_archive(place)[1]["history/epoch"])
    return 0


# --- A search with a journal ------------------------------------------------------------------------------------------


def slow_square(candidate: dict[str, Any], seed: int) -> dict[str, Any]:
    time.sleep(0.05)
    return {"score": -((candidate["x"] - 3.3) ** 2), "drawn": float(np.random.default_rng(seed).random())}


def search_on(folder: Path, n_threads: int) -> None:
    print("begins", flush=True)
    candidates = [{"x": x / 2} for x in range(30)]
    result = search(candidates, slow_square, seed=n_threads - n_threads, journal=folder / "journal.jsonl")
    rows = [(trial.key, trial.score, trial.details) for trial in result]
    (folder / "end.json").write_text(json.dumps(rows))


def trials_done(path: Path) -> int:
    return max(0, path.read_bytes().count(b"\n") - 1) if path.exists() else 0


# --- The example script -----------------------------------------------------------------------------------------------


def write_tiles(folder: Path, class_names: tuple[str, ...] = GENRES) -> None:
    """Features of twelve made-up games with two tracks each."""
    rng = np.random.default_rng(0)
    tracks = []
    for game in range(12):
        tags = tuple(name for k, name in enumerate(class_names) if (game + k) % 3 == 0)
        tracks += [Track(f"g{game}/{k}.ogg", (), f"g{game}", f"g{game}", tags, None) for k in range(2)]
    rows = [(track, 9.3 * k, -20.0) for track in tracks for k in range(4)]
    folder.mkdir(exist_ok=True)
    np.save(folder / "tiles.npy", rng.standard_normal((len(rows), 40, 100, 1)).astype(np.float32))
    options = Settings(MFCC()).to_dict()
    about = {"recipe": options.pop("recipe"), "options": options, "class_names": class_names, "coding": None}
    write_tables(folder, tracks, rows, about)


def script(data: Path, folder: Path, n_threads: int) -> list[str]:
    """What a user types: the published network on features, the results in a folder."""
    command = [sys.executable, str(ROOT / "examples" / "filmscore_cnn.py"), "--features", str(data), "--tag"]
    command += ["--out", str(folder / "out"), "--split", "game", "--epochs", "8", "--batch-size", "16"]
    return [*command, "--threads", str(n_threads)]


def end_of_script(folder: Path) -> dict[str, Any]:
    out = folder / "out"
    results = json.loads((out / "results.json").read_text())
    results.pop("seconds")
    history = [line.split(",") for line in (out / "history.csv").read_text().splitlines()]
    clock = history[0].index("seconds")
    return contents(out / "model.npz") | {
        "results": json.dumps(results),
        "history.csv": [row[:clock] + row[clock + 1 :] for row in history],
        "files": sorted(path.name for path in out.iterdir()),
    }


PROGRAMS = {
    "fit": Program(
        lambda data: None,
        this_program("fit"),
        "begins",
        end_of_fit,
        lambda folder: epochs_done(folder / "run" / "checkpoint.npz"),
    ),
    "search": Program(
        lambda data: None,
        this_program("search"),
        "begins",
        lambda folder: {"trials": (folder / "end.json").read_text()},
        lambda folder: trials_done(folder / "journal.jsonl"),
    ),
    "script": Program(
        write_tiles,
        script,
        "parameters",
        end_of_script,
        lambda folder: epochs_done(folder / "out" / "checkpoint.npz"),
    ),
}
ATTEMPTS = {"fit": fit, "search": search_on}
"""Programs that are functions of this module."""
