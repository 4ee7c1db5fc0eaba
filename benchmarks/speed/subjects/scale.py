"""An epoch over 130,000 tiles, 2 GB that are mapped from a file: its memory, and its cost beside that of few tiles."""

from __future__ import annotations

import os
import shutil

import numpy as np

from speed.case import OURS, RATE, Case, Contender, Options, Subject, Task
from speed.peers.nnlite_epochs import MEMORY

ADAPTER = "speed.peers.nnlite_epochs:epoch"
SHAPE = (40, 100, 1)


def prepare(task: Task) -> None:
    """Write the tiles, a few at a time, and make sure that they are on the disk."""
    n_tiles = task.settings["most"]
    needed, free = 4 * n_tiles * int(np.prod(SHAPE)), shutil.disk_usage(task.folder).free
    if needed > 0.9 * free:
        raise OSError(f"expected {needed / 1e9:.1f} GB of disk, found {free / 1e9:.1f} GB. Choose --scratch.")
    rng = np.random.default_rng(0)
    tiles = np.lib.format.open_memmap(task.folder / "tiles.npy", "w+", np.float32, (n_tiles, *SHAPE))
    for first in range(0, n_tiles, 1000):
        part = tiles[first : first + 1000]
        part[...] = rng.standard_normal(part.shape, dtype=np.float32)
    tiles.flush()
    del tiles, part
    with open(task.folder / "tiles.npy", "rb+") as file:
        os.fsync(file.fileno())
    np.save(task.folder / "labels.npy", rng.integers(10, size=n_tiles))


def cases(options: Options) -> list[Case]:
    """One case, whose ratio is that of the cost of a tile: among few, to among many."""
    few, many = (128, 512) if options.quick else (1000, 130_000)
    return [
        Case(
            "epoch",
            f"an epoch over {many:,} memory-mapped tiles, against one over {few:,}",
            (
                Contender(f"{many:,} tiles", ADAPTER, OURS, settings={"n_tiles": many}),
                Contender(f"{few:,} tiles", ADAPTER, settings={"n_tiles": few}),
                Contender(f"{many:,} tiles, from disk", ADAPTER, RATE, settings={"n_tiles": many, "fresh": True}),
            ),
            prepare,
            unit="tiles",
            settings={"most": many},
            rounds=3,
            at_least=0.9,
            limits={MEMORY: 700.0},
        )
    ]


SUBJECT = Subject("scale", "An epoch over more than fits into memory", cases)
