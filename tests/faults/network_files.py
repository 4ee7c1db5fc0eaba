"""The files that nnlite reads: models, checkpoints, journals, folds."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nnlite as nn
from mfcc import MFCC
from nnlite.model_selection import read_folds, search, write_folds
from nnlite.serialization.checkpoints import DamagedCheckpointWarning
from tests.faults.file_kinds import Kind
from tests.faults.watch import RUNS

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 3)).astype(np.float32)
Y = np.where(X[:, 0] > X[:, 1], "more", "less")
LAYERS = (nn.Dense(4), nn.Tanh(), nn.Dropout(0.5), nn.Dense(2), nn.Softmax())
FOLDS = {"asc": 0, "wesnoth": 1, "caf\u00e9, bar": 0}
CANDIDATES = [{"x": 0}, {"x": 1.5}, {"x": 2}, {"x": 3}]


def small_model(folder: Path | None = None, **settings: Any) -> nn.NetworkClassifier:
    given: dict[str, Any] = {"max_epochs": 3, "random_state": 0, "standardize_axes": (0,), "n_threads": 1}
    given |= {"optimizer": nn.Adam(0.01), "schedule": nn.LinearDecay(), "checkpoint": folder}
    return nn.NetworkClassifier(nn.Sequential(LAYERS, input_shape=(3,)), **given | settings)


def write_classifier(folder: Path) -> None:
    model = small_model(class_weight={"more": 2.0}).fit(X, Y)
    nn.save(folder / "model.npz", model, recipe=MFCC().to_dict(), n=[1, 2])


def write_tagger(folder: Path) -> None:
    layers = [nn.Conv2D(3, 2), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(2), nn.Sigmoid()]
    model = nn.NetworkClassifier(nn.Sequential(layers, (4, 5, 1)), max_epochs=1, random_state=0, init="lsuv")
    x = np.random.default_rng(1).standard_normal((16, 4, 5, 1))
    nn.save(folder / "model.npz", model.fit(x, np.tile([[0, 1], [1, 1]], (8, 1))))


def write_pair(folder: Path) -> None:
    network = nn.Sequential(LAYERS, input_shape=(3,))
    params = network.init(np.random.default_rng(0), np.float64)
    nn.save(folder / "model.npz", (network, params), about={"a": [1, "b"]})


def write_ensemble(folder: Path) -> None:
    nn.save(folder / "model.npz", small_ensemble().fit(X, np.column_stack([Y == "more", X[:, 2] > 0])))


def small_ensemble(folder: Path | None = None) -> nn.BaggedEnsemble:
    layers = (nn.Dense(3), nn.Tanh(), nn.Dense(1), nn.Sigmoid())
    estimator = nn.NetworkClassifier(nn.Sequential(layers, input_shape=(3,)), max_epochs=2, n_threads=1)
    return nn.BaggedEnsemble(estimator, n_bags=2, random_state=0, checkpoint=folder)


def read_ensemble(folder: Path) -> Callable[[], None]:
    loaded = nn.load(folder / "model.npz")
    nn.save(folder / "again.npz", loaded)

    def use() -> None:
        loaded.predict(X[:2]), loaded.predict_proba(X[:2])

    return use


def write_members(folder: Path) -> None:
    small_ensemble(folder).fit(X, np.column_stack([Y == "more", X[:, 2] > 0]))


def read_members(folder: Path) -> None:
    small_ensemble(folder).fit(X, np.column_stack([Y == "more", X[:, 2] > 0])).predict(X)


def read_model(folder: Path) -> Callable[[], None]:
    loaded = nn.load(folder / "model.npz")
    network, params = loaded if isinstance(loaded, tuple) else (loaded.network_, {})
    assert repr(loaded) and network.summary()
    nn.save(folder / "again.npz", loaded)

    def use() -> None:
        if network.multiply_adds() + np.prod(network.input_shape, dtype=float) > 1e6:
            return
        x = np.ones((2, *network.input_shape), np.float32)
        if params:
            nn.predict(network, params, x, n_threads=1)
        else:
            loaded.n_threads = 1
            loaded.predict(x)

    return use


def write_checkpoint(folder: Path) -> None:
    small_model(folder).fit(X, Y)


def write_unfinished_checkpoint(folder: Path) -> None:
    write_checkpoint(folder)
    os.replace(folder / "checkpoint.npz.1", folder / "checkpoint.npz")


def read_checkpoint(folder: Path) -> None:
    small_model(folder).fit(X, Y).predict(X)


def evaluate(candidate: dict[str, Any], seed: int) -> dict[str, Any]:
    if candidate["x"] == 2:
        raise ValueError("no such candidate")
    return {"score": float(candidate["x"]), "epochs": 3, "seed": seed % 7}


def write_journal(folder: Path) -> None:
    search(CANDIDATES[:3], evaluate, journal=folder / "journal.jsonl", context={"data": "abc"})


def read_journal(folder: Path) -> None:
    result = search(CANDIDATES, evaluate, journal=folder / "journal.jsonl", context={"data": "abc"})
    assert len(result) == 4 and result.best.score is not None
    assert len(result.ranked) + len(result.failed) == 4 and repr(result.means_over("x"))


def write_folds_json(folder: Path) -> None:
    write_folds(folder / "folds.json", FOLDS)


def write_folds_csv(folder: Path) -> None:
    write_folds(folder / "folds.csv", FOLDS)


def read_folds_file(folder: Path) -> None:
    (path,) = folder.iterdir()
    write_folds(path, read_folds(path))


MODEL_ERRORS = (nn.FileFormatError, ValueError)  # the second when samples don't fit, or are no samples for it
CHECKPOINT_ERRORS = (nn.FileFormatError, ValueError, nn.TrainingDiverged)
KINDS = {
    "classifier": Kind(write_classifier, read_model, MODEL_ERRORS),
    "multi-label classifier": Kind(write_tagger, read_model, MODEL_ERRORS),
    "ensemble": Kind(write_ensemble, read_ensemble, MODEL_ERRORS),
    "checkpoints of an ensemble": Kind(
        write_members,
        read_members,
        CHECKPOINT_ERRORS,
        (
            DamagedCheckpointWarning,
            nn.BaggedEnsembleWarning,
        ),  # the second for a bag whose numbers are forged to diverge
        tuple(RUNS),
    ),
    "network and parameters": Kind(write_pair, read_model, MODEL_ERRORS),
    "checkpoint of a complete fit": Kind(
        write_checkpoint, read_checkpoint, CHECKPOINT_ERRORS, (DamagedCheckpointWarning,)
    ),
    "checkpoint of a fit": Kind(
        write_unfinished_checkpoint, read_checkpoint, CHECKPOINT_ERRORS, (DamagedCheckpointWarning,)
    ),
    "journal": Kind(write_journal, read_journal, (ValueError,)),
    "folds (JSON)": Kind(write_folds_json, read_folds_file, (ValueError,)),
    "folds (CSV)": Kind(write_folds_csv, read_folds_file, (ValueError,)),
}
