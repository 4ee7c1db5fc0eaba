"""What users run, in a process that refuses every socket: python offline_program.py RECORDING FOLDER [--connect].

With --connect it tries one at the end, which must fail.
"""

import runpy
import socket
import sys
from pathlib import Path
from typing import Any


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(("socket.", "urllib.", "http.")):
        raise RuntimeError(f"{event}{arguments}: this program must not speak to anyone")


def main(recording: str, folder: Path) -> None:
    import numpy as np

    import mfcc
    import nnlite as nn

    tiles = mfcc.tiles(recording)
    y, sr = mfcc.load(recording, sr=22050)
    assert mfcc.MFCC(sr=sr)(y).shape[0] == 40

    x = np.concatenate([tiles.values] * 5)[:40]
    labels = np.arange(len(x)) % 2
    network = nn.Sequential(
        [nn.Conv2D(4, 5), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(0.1), nn.Flatten(), nn.Dense(2)], x.shape[1:]
    )
    model = nn.NetworkClassifier(network, max_epochs=2, init="lsuv", standardize_axes=(0, 2), random_state=0)
    model.fit(x, labels)
    nn.save(folder / "model.npz", model, recipe=mfcc.MFCC().to_dict())
    np.testing.assert_array_equal(nn.load(folder / "model.npz").predict_proba(x), model.predict_proba(x))
    assert nn.metrics.evaluate(labels, model.predict_proba(x))

    sys.argv = ["mfcc", recording, "--out", str(folder / "features")]
    try:
        runpy.run_module("mfcc", run_name="__main__", alter_sys=True)
    except SystemExit as done:
        assert not done.code, done.code
    assert any((folder / "features").iterdir())


if __name__ == "__main__":
    connects = "--connect" in sys.argv
    sys.addaudithook(refuse)
    main(sys.argv[1], Path(sys.argv[2]))
    if connects:
        socket.socket()
    print("offline: done")
