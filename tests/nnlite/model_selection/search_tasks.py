"""Functions that the tests of search evaluate: at the top level of a module that is quick to import, for other
processes.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import nnlite as nn


def parabola(candidate, seed):
    return -((candidate["x"] - 3) ** 2)


def slower_first(candidate, seed):
    """Take longest for the first candidates, so that they finish last."""
    time.sleep(0.02 * (5 - candidate["x"]))
    return {"score": candidate["x"], "seed": seed, "process": os.getpid(), "curve": (1, 2)}


started = []


def patient(candidate, seed):
    """Take some time, and tell threads of the same process about the start."""
    started.append(candidate["x"])
    time.sleep(0.02)
    return 1.0


def troubled(candidate, seed):
    """Go wrong in a way that the candidate names."""
    match candidate["x"]:
        case 0:
            raise ValueError("no such luck")
        case 1:
            return float("nan")
        case 2:
            return float("inf")
        case 3:
            return "three"
        case 4:
            return {"loss": 1.0}
        case 5:
            return {"score": 1.0, "object": object()}
    return candidate["x"]


def counted(candidate, seed, folder):
    """Leave a file for each call."""
    calls = len(list(Path(folder).iterdir()))
    (Path(folder) / f"{calls}-{candidate['x']}").touch()
    return candidate["x"] + seed % 7


def flaky(candidate, seed, folder):
    """Fail while the folder has no file named "healed"."""
    if candidate["x"] == 1 and not (Path(folder) / "healed").exists():
        raise RuntimeError("not yet")
    return candidate["x"]


def deadly(candidate, seed, folder):
    """Kill this process, as the system does when memory is short, unless the folder has a file named "healed"."""
    if candidate["x"] == 2 and not (Path(folder) / "healed").exists():
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    return candidate["x"]


def mixed(task):
    """Return a value, or fail in a way that the task names; leave a file for each call in a folder that it may name."""
    if "folder" in task:
        calls = len(list(Path(task["folder"]).iterdir()))
        (Path(task["folder"]) / f"{calls}-{task['name']}").touch()
    match task["name"]:
        case "raises":
            try:
                {}["cause"]
            except KeyError as error:
                raise ValueError("no such luck") from error
        case "nan":
            return {"loss": float("nan")}
        case "array":
            return {"values": np.zeros(3)}
        case "changes":
            task["name"] = "changed"
        case "none":
            return None
    return {"name": task["name"], "pair": (1, 2), "number": np.float32(0.5)}


def mortal(task):
    """Kill this process always, or the first time, or never; count the calls in files."""
    lives = len(list(Path(task["folder"]).glob(f"{task['x']}-*")))
    (Path(task["folder"]) / f"{task['x']}-{lives}").touch()
    time.sleep(0.1)
    if task["dies"] == "always" or (task["dies"] == "once" and lives == 0):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return task["x"]


def trained(candidate, seed):
    """Train a network that can diverge, on folds that can lack a class in training."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 4)).astype(np.float32), np.arange(60) % 3
    Y = (y[:, None] == np.arange(3)).astype(np.float32)
    rows = y != candidate["absent"]
    model = nn.NetworkClassifier(
        optimizer=nn.SGD(candidate["learning_rate"]), max_epochs=3, random_state=0, n_threads=1
    )
    return model.fit(X[rows], Y[rows]).history_[-1]["val_accuracy"]


def leaving(task):
    """End this process as a script does that has nothing to do."""
    if task["leaves"]:
        sys.exit("no features")
    return 1


def learning_curve(candidate, seed, budget):
    """Return a score that saturates at `height` with `speed`."""
    return candidate["height"] * (1 - 2 ** (-budget * candidate["speed"]))


def slow_square(task):
    """Write to a file which process works, and take a while."""
    (Path(task["folder"]) / f"{task['x']}-{os.getpid()}").touch()
    time.sleep(0.3)
    return task["x"] ** 2
