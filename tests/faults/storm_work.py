"""What the processes of `storms.py` do; each says in words what happened, and fails with an AssertionError."""

import errno
import hashlib
import multiprocessing
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from nnlite.model_selection import search

SMALL = (nn.Dense(16), nn.Tanh(), nn.Dropout(0.3), nn.Dense(2), nn.Softmax())
LARGE = (
    nn.Conv2D(8, 3), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(0.2), nn.Conv2D(16, 2), nn.ReLU(), nn.MaxPool2D(2),
    nn.Flatten(), nn.Dense(12), nn.Tanh(), nn.Dropout(0.3), nn.Dense(2), nn.Softmax(),
)  # fmt: skip


def model(size: str = "small", seed: int = 0, **settings: Any) -> nn.NetworkClassifier:
    network = nn.Sequential(SMALL, (6,)) if size == "small" else nn.Sequential(LARGE, (12, 10, 1))
    given: dict[str, Any] = {
        "optimizer": nn.Adam(0.01),
        "max_epochs": 4,
        "batch_size": 32,
        "random_state": seed,
        "n_threads": 2,
    }
    return nn.NetworkClassifier(network, **given | settings)


def samples(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(9).standard_normal((160, *shape)).astype(np.float32)
    return x, (x.reshape(160, -1)[:, 0] > 0).astype(int)


def digest(size: str = "small", seed: int = 0, **settings: Any) -> str:
    """A hash of the bits of parameters and probabilities after training."""
    estimator = model(size, int(seed), **settings)
    x, y = samples(estimator.network.input_shape)
    return digest_of(estimator.fit(x, y))


def digest_of(fitted: nn.NetworkClassifier) -> str:
    content = b"".join(value.tobytes() for value in fitted.params_.values())
    return hashlib.sha256(content + fitted.predict_proba(samples(fitted.network_.input_shape)[0]).tobytes()).hexdigest()


# --- Threads and processes --------------------------------------------------------------------------------------------


def two_threads() -> str:
    alone = [digest("large", 0), digest("small", 1)]
    for _ in range(3):
        both = threading.Barrier(2)

        def at_once(size: str, seed: int, both: threading.Barrier = both) -> str:
            both.wait()
            return digest(size, seed)

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(at_once, ("large", "small"), (0, 1))) == alone
    return "the bits that each has alone, three times"


def forked() -> str:
    expected = digest("large")
    warnings.simplefilter("ignore", DeprecationWarning)  # Python says that a process with threads is forked: so it is
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if digest("large") == expected else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child has other bits, or died"
    assert digest("large") == expected
    return "three children, one after the other, and the parent afterwards: the same bits"


def forked_while_training() -> str:
    expected = digest("large")
    warnings.simplefilter("ignore", DeprecationWarning)
    training = threading.Thread(target=digest, args=("large", 5), kwargs={"max_epochs": 400})
    training.start()
    children = []
    for _ in range(5):
        child = os.fork()
        if child == 0:
            os._exit(0 if digest("large") == expected else 3)
        children.append(child)
    assert training.is_alive()
    assert {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children} == {0}
    training.join()
    return "five children of a process that trains in another thread: the same bits"


def spawned() -> str:
    expected = digest("large")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert set(pool.map(digest, ["large"] * 4)) == {expected}
    return "four tasks in two processes: the same bits"


# --- Disks that fill up -----------------------------------------------------------------------------------------------


def fill(folder: Path, leave: int) -> None:
    """Take the room of a disk, but for some bytes."""
    with open(folder / "ballast", "ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(max(0, file.tell() - leave))


class Filler:
    """An augmentation that changes nothing, and fills a disk when it is called for the n-th time."""

    def __init__(self, folder: Path, calls: int | None) -> None:
        self.folder, self.calls = folder, calls

    def __repr__(self) -> str:
        return "Filler()"

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.calls is not None:
            self.calls -= 1
            if self.calls == 0:
                fill(self.folder, 4096)
        return x


def full_disk_checkpoint(place: str) -> str:
    folder = Path(place)
    x, y = samples((6,))
    hidden = nn.Sequential([nn.Dense(1000), nn.Tanh(), nn.Dropout(0.3), nn.Dense(2), nn.Softmax()], (6,))

    def estimator(calls: int | None, path: Path | None) -> nn.NetworkClassifier:
        settings: dict[str, Any] = {
            "optimizer": nn.Adam(0.01),
            "max_epochs": 8,
            "batch_size": 32,
            "random_state": 0,
            "n_threads": 1,
        }
        return nn.NetworkClassifier(hidden, augment=Filler(folder, calls), checkpoint=path, **settings)

    expected = digest_of(estimator(None, None).fit(x, y))
    try:
        estimator(25, folder / "run").fit(x, y)
        raise AssertionError("the disk was full, and no error came")
    except OSError as error:
        assert error.errno == errno.ENOSPC and "nothing was written" in str(error), error
        said = str(error).replace(place, "DISK")
    left = sorted(path.name for path in (folder / "run").iterdir())
    assert left == ["checkpoint.npz", "checkpoint.npz.1"], left
    (folder / "ballast").unlink()
    assert digest_of(estimator(None, folder / "run").fit(x, y)) == expected
    return f"`{said}`; with room again the same command ends with the bits of a run in peace"


def full_disk_model(place: str) -> str:
    folder = Path(place)
    x, y = samples((6,))
    fitted = model().fit(x, y)
    nn.save(folder / "model.npz", fitted)
    before = (folder / "model.npz").read_bytes()
    fill(folder, 4096)
    try:
        nn.save(folder / "model.npz", fitted, note="x" * 10_000)
        raise AssertionError("the disk was full, and no error came")
    except OSError as error:
        assert error.errno == errno.ENOSPC and "nothing was written" in str(error), error
    assert (folder / "model.npz").read_bytes() == before and not list(folder.glob(".*"))
    return "the stated error, and the older model as it was"


def score(candidate: dict[str, Any], seed: int) -> dict[str, Any]:
    if candidate["x"] == 5 and "room" not in os.environ:
        fill(Path(os.environ["disk"]), 100)
    return {"score": candidate["x"] ** 0.5, "text": "y" * 300}


def full_disk_journal(place: str) -> str:
    folder = Path(place)
    os.environ["disk"] = place
    candidates = [{"x": x} for x in range(9)]
    try:
        search(candidates, score, journal=folder / "journal.jsonl")
        raise AssertionError("the disk was full, and no error came")
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
    (folder / "ballast").unlink()
    os.environ["room"] = "yes"
    again = search(candidates, score, journal=folder / "journal.jsonl")
    assert [trial.score for trial in again] == [x**0.5 for x in range(9)]
    assert len({trial.key for trial in again}) == 9
    return "the stated error; with room again the search goes on after the trials that were there"


def full_disk_kernels(place: str) -> str:
    folder = Path(place)
    expected = digest()
    fill(folder, 4096)
    before = set(folder.rglob("*"))
    os.environ["NNLITE_CACHE_DIR"] = str(folder / "cache")
    child = [sys.executable, str(Path(__file__).with_name("storms.py")), "--work", "digest"]
    done = subprocess.run(child, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
    left = {path for path in set(folder.rglob("*")) - before if path.is_file()}
    assert not left, left
    return "the same bits; no half of a kernel is left"


WORK: dict[str, Callable[..., Any]] = {
    work.__name__: work
    for work in (
        digest, two_threads, forked, forked_while_training, spawned, full_disk_checkpoint, full_disk_model,
        full_disk_journal, full_disk_kernels,
    )
}  # fmt: skip
