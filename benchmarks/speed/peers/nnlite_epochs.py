"""Epochs of this project over tiles that are mapped into memory from a file."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import numpy as np

import nnlite as nn
from filmscore.networks import convolutional
from speed.case import Modes, Ready, Task

BATCH = 128
MEMORY = "MB of memory besides the page cache"
STATUS = Path("/proc/self/status")


def epoch(task: Task) -> Modes:
    """One epoch over the first tiles of the file; `fresh` ones are not in memory when it begins."""

    def make() -> Ready:
        n_tiles = task.settings["n_tiles"]
        path = task.folder / "tiles.npy"
        y = np.load(task.folder / "labels.npy")[:n_tiles]
        net = convolutional(10)
        params = net.init(np.random.default_rng(0))
        settings = {"loss": nn.SoftmaxCrossEntropy(), "optimizer": nn.SGD(0.01, momentum=0.9), "batch_size": BATCH}
        peaks: list[float] = []

        def run() -> None:
            # Mapped for as long as an epoch takes: what is mapped can't be dropped from memory.
            x = np.load(path, mmap_mode="r")[:n_tiles]
            with _Watch() as watch:
                for _ in nn.train(net, params, x, y, **settings, max_epochs=1, n_threads=task.threads):
                    pass
            peaks.append(watch.peak_mb)

        def before() -> None:
            if task.settings.get("fresh"):
                _forget(path)

        def report() -> dict[str, float]:
            return {MEMORY: max(peaks)} if STATUS.exists() else {}

        first = np.load(path, mmap_mode="r")[:BATCH]
        list(nn.train(net, params, first, y[:BATCH], **settings, max_epochs=1))  # compiles
        del first
        return Ready(run, before=before, work=n_tiles, slow=n_tiles > 5000, report=report)

    return {"": make}


def _forget(path: Path) -> None:
    """Ask the system to drop its copy of a file's pages."""
    if not hasattr(os, "posix_fadvise"):
        raise RuntimeError("this system can't be asked to drop pages of a file from memory")
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class _Watch:
    """The largest anonymous memory of this process meanwhile, looked up every 20 ms."""

    peak_mb = 0.0

    def __enter__(self) -> _Watch:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while STATUS.exists():
            found = re.search(r"RssAnon:\s*(\d+) kB", STATUS.read_text())
            self.peak_mb = max(self.peak_mb, int(found.group(1)) / 1000 if found else 0.0)
            if self._done.wait(0.02):
                return
