"""Write a small file of each kind that this project writes, as its commit 8a98062 wrote them.

In a checkout of that commit: PYTHONPATH=.:examples python tests/data/files_of_8a98062/write.py

`tests/test_old_files.py` reads the files that are here. They were written once (Python 3.11.7, NumPy 2.4.6) and stay as
they are, since users have such files. Kinds of files that come later get a folder of their own. Paths inside of the
files begin with `PLACE`, where this script works.
"""

import json
import os
import shutil
from pathlib import Path

import build_features
import fetch_corpus
import filmscore_agent
import filmscore_mlp
import numpy as np
import soundfile
from users_evaluate import evaluate

import mfcc
import nnlite as nn
from filmscore.extract import Settings
from filmscore.features import load_features
from filmscore.study import trials
from filmscore.study.models import Model
from mfcc.__main__ import main as mfcc_main
from nnlite import initializers, schedules
from nnlite.checkpoints import Checkpointer
from nnlite.model_selection import ParameterGrid, search, successive_halving, write_folds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PLACE = Path("/tmp/old_files")
TIME_NS = 1_700_000_000_000_000_000
"""When the recordings were changed last, as journals have it."""
GENRES = "Action,Comedy"
OUTPUTS: dict[str, np.ndarray] = {}
FACTS: dict[str, object] = {}


def samples(*shape: int) -> np.ndarray:
    """Numbers from -1 to 1 that are the same everywhere."""
    return ((np.arange(np.prod(shape)) * 37 % 101) / 50 - 1).reshape(shape).astype(np.float32)


X = samples(24, 3)
NAMES = np.where(X[:, 0] > X[:, 1], "more", "less")
TAGS = np.column_stack([X[:, 0] > X[:, 1], X[:, 2] > 0]).astype(np.float32)
SHARES = np.where(TAGS.any(axis=1, keepdims=True), TAGS, 1)


def write_networks(folder: Path) -> None:
    """Networks with their parameters: every layer and every initializer."""
    glorot, he, lecun = initializers.Glorot(2.0, "normal"), initializers.He(1.5, "uniform"), initializers.LeCun(None)
    orthogonal, constant, zeros = initializers.Orthogonal(0.5), initializers.Constant(0.25), initializers.Zeros()
    convolution = nn.Conv2D(3, (2, 3), stride=(1, 2), padding="same", initializer=he)
    networks = {
        "convolutional": nn.Sequential(
            [convolution, nn.Tanh(), nn.AveragePool2D((1, 2)), nn.Conv2D(4, 2, initializer=lecun), nn.ReLU(),
             nn.MaxPool2D(2, 1), nn.LayerNorm(1e-4), nn.GlobalAveragePooling(), nn.Dense(2, glorot), nn.Softmax()],
            (6, 12, 2),
        ),
        "fused": nn.Sequential(
            [nn.ConvMaxPool2D(nn.Conv2D(3, 3, initializer=he), nn.MaxPool2D(2)),
             nn.ActivationDropout(nn.Sigmoid(), nn.Dropout(0.25, 0.5)), nn.Flatten(),
             nn.DenseActivation(nn.Dense(4, orthogonal), nn.ReLU()), nn.Dense(3, constant), nn.Sigmoid()],
            (6, 8, 1),
            fuse=False,
        ),
        "recurrent": nn.Sequential(
            [nn.TimeDistributed(nn.Dense(4)), nn.GRU(3, True, True, lecun, orthogonal), nn.LSTM(5, True), nn.Layer(),
             nn.GlobalMaxPooling(), nn.Dense(2, zeros)],
            (7, 3),
        ),
        "reshaped": nn.Sequential(
            [nn.Permute((1, 0)), nn.Reshape((6, 4)), nn.LSTM(3, bidirectional=True), nn.Dropout(0.5), nn.Dense(2)],
            (4, 6),
        ),
    }  # fmt: skip
    for name, network in networks.items():
        params = network.init(np.random.default_rng(len(name)))
        nn.save(folder / f"{name}.npz", (network, params), about={"name": name, "numbers": [1, 2.5, None, True]})
        OUTPUTS[f"networks/{name}"] = nn.predict(network, params, samples(3, *network.input_shape), n_threads=1)


def write_classifiers(folder: Path) -> None:
    """Fitted classifiers: every loss, optimizer and schedule, and settings of each kind."""
    layers = [nn.Dense(4), nn.Tanh(), nn.Dropout(0.5), nn.Dense(2)]
    network = nn.Sequential(layers, (3,))
    models = {
        "names": nn.NetworkClassifier(
            nn.Sequential([*layers, nn.Softmax()], (3,)), optimizer=nn.Adam(0.01, 0.8, 0.99, 1e-7, 0.01, 1.0),
            schedule=nn.Warmup(1.5, nn.LinearDecay(0.1), 0.2), standardize_axes=(0,), class_weight={"more": 2.0},
            max_epochs=4, patience=2, batch_size=8, monitor="score", random_state=0, n_threads=1,
        ).fit(X, NAMES),
        "tags": nn.NetworkClassifier(
            network, loss=nn.SigmoidCrossEntropy(0.1, (1.0, 2.0)), optimizer=nn.SGD(0.1, 0.9, True, 0.01, 2.0),
            schedule=nn.StepDecay(2, 0.5), init="lsuv", max_epochs=3, random_state=1, n_threads=1,
        ).fit(X, TAGS),
        "shares": nn.NetworkClassifier(
            network, loss=nn.SoftmaxCrossEntropy(0.05), schedule=schedules.Constant(), max_epochs=2,
            validation_fraction=0, random_state=2, n_threads=1,
        ).fit(X, SHARES),
        "squared": nn.NetworkClassifier(
            network, loss=nn.SquaredError(), max_epochs=2, class_weight="balanced", random_state=3, n_threads=1
        ).fit(X, np.where(NAMES == "more", 7, 3)),
    }  # fmt: skip
    for name, model in models.items():
        nn.save(folder / f"{name}.npz", model, recipe=mfcc.HTK.to_dict(), class_names=["a", "b"])
        OUTPUTS[f"classifiers/{name}"] = model.predict_proba(X)
        FACTS[f"classifiers/{name}"] = {
            "classes": np.asarray(model.classes_).tolist(), "history": model.history_, "best_epoch": model.best_epoch_,
            "stopped_by": model.stopped_by_,
            "parameters": {k: repr(v) for k, v in model.get_params().items() if k != "n_threads"},
        }  # fmt: skip
    nn.save(folder / "half.npz", models["names"], dtype="float16")
    OUTPUTS["classifiers/half"] = nn.load(folder / "half.npz").predict_proba(X)


def write_ensembles(folder: Path) -> None:
    """Ensembles of each kind of vote; one has a label that is in no sample."""
    member = nn.NetworkClassifier(
        nn.Sequential([nn.Dense(3), nn.Tanh(), nn.Dense(1), nn.Sigmoid()], (3,)), max_epochs=2, n_threads=1
    )
    models = {
        "probability": nn.BaggedEnsemble(member, n_bags=2, random_state=0).fit(X, TAGS),
        "logit": nn.BaggedEnsemble(
            member, n_bags=2, average="logit", prior="training", negatives_per_positive=2.0, random_state=1
        ).fit(X, TAGS),
    }
    for name, model in models.items():
        nn.save(folder / f"{name}.npz", model, source="tests")
        OUTPUTS[f"ensembles/{name}"] = model.predict_proba(X)


def write_checkpoints(folder: Path) -> None:
    """States of a fit that has epochs to go and of one that has none, of an ensemble, and a user's own."""
    network = nn.Sequential([nn.Dense(4), nn.Tanh(), nn.Dropout(0.5), nn.Dense(2), nn.Softmax()], (3,))
    settings = {"optimizer": nn.Adam(0.01), "schedule": nn.LinearDecay(), "standardize_axes": (0,), "batch_size": 8}
    model = nn.NetworkClassifier(
        network, **settings, max_epochs=5, random_state=0, n_threads=1, checkpoint=folder / "complete"
    ).fit(X, NAMES)
    os.replace(folder / "complete/checkpoint.npz.1", folder / "unfinished.npz")
    OUTPUTS["checkpoints/complete"] = model.predict_proba(X)
    FACTS["checkpoints/complete"] = model.history_
    member = nn.NetworkClassifier(
        nn.Sequential([nn.Dense(3), nn.Tanh(), nn.Dense(1), nn.Sigmoid()], (3,)), max_epochs=2, n_threads=1
    )
    ensemble = nn.BaggedEnsemble(member, n_bags=2, random_state=0, checkpoint=folder / "ensemble").fit(X, TAGS)
    OUTPUTS["checkpoints/ensemble"] = ensemble.predict_proba(X)
    checkpoints = Checkpointer(folder / "own")
    for epoch in range(2):
        checkpoints.save({"epoch": epoch, "words": ["a", None]}, {"weight": samples(2, 3) * epoch, "n": np.array(7)})


def write_searches(folder: Path) -> None:
    """Journals of searches, and folds."""
    candidates = list(ParameterGrid({"x": [0, 1.5, 2], "kind": ["a", "bb"]}))
    found = search(candidates, evaluate, journal=folder / "search.jsonl", seed=3, context={"data": "abc"})
    halved = successive_halving(
        candidates, evaluate, journal=folder / "halving.jsonl", min_budget=1, max_budget=4, factor=2, seed=3
    )
    for name, result in (("search", found), ("halving", halved)):
        FACTS[f"searches/{name}"] = [[t.candidate, t.score, t.seed, bool(t.error)] for t in result]
    folds = {"asc": 0, "wesnoth": 1, "café, bar": 0}
    for ending in ("json", "csv"):
        FACTS["searches/folds"] = write_folds(folder / f"folds.{ending}", folds)


def write_music(folder: Path) -> None:
    """Two recordings of tones that take little room, and their tags."""
    t = np.arange(8000 * 11) / 8000
    for name, tone in (("a/low.ogg", 220.0), ("b/high.ogg", 700.0)):
        (folder / name).parent.mkdir(parents=True)
        y = 0.2 * np.sin(2 * np.pi * tone * t) * (1 + 0.5 * np.sin(2 * np.pi * (0.2 + tone / 1000) * t))
        soundfile.write(folder / name, y, 8000, format="OGG", subtype="VORBIS")
        os.utime(folder / name, ns=(TIME_NS, TIME_NS))
    (folder / "tags.csv").write_text("path,tags,game\na/low.ogg,Action,one\nb/high.ogg,Comedy;Action,two\n")


def write_features(folder: Path, music: Path) -> None:
    """Folders of build_features.py, plain and coded."""
    small = ("--set", "n_mfcc=6", "--set", "n_mels=8", "--frames", "10", "--hop-frames", "20", "--classes", GENRES)
    for dtype in ("float32", "int16"):
        arguments = [str(music), "--tags", str(music / "tags.csv"), "--out", str(folder / dtype), *small]
        assert build_features.main([*arguments, "--dtype", dtype, "--processes", "1"]) == 0
        OUTPUTS[f"features/{dtype}"] = np.asarray(load_features(folder / dtype).tiles[np.arange(4)])


def write_command(folder: Path, music: Path) -> None:
    """What `python -m mfcc` writes: every format, tiles, and its journals."""
    recipe = folder / "recipe.json"
    recipe.write_text(json.dumps(mfcc.KALDI.replace(sr=8000, n_mfcc=5, n_mels=8).to_dict()))
    os.chdir(music)
    for form in ("npz", "npy", "csv", "htk"):
        arguments = ["a/low.ogg", "--recipe", str(recipe), "--offset", "1", "--duration", "0.5", "--deltas", "1"]
        assert mfcc_main([*arguments, "--normalize", "mean", "--format", form, "--out", str(folder / form)]) == 0
    arguments = ["b", "--set", "n_mfcc=5", "--set", "n_mels=8", "--tiles", "20", "--hop", "10"]
    assert mfcc_main([*arguments, "--duration", "5", "--out", str(folder / "tiles")]) == 0


def write_agent(folder: Path, music: Path) -> None:
    """A model for tagging, a library that was scanned with it, its labels, and its lists."""
    x = samples(24, 40, 7, 1)
    network = nn.Sequential([nn.Flatten(), nn.Dense(3), nn.Tanh(), nn.Dense(1)], (40, 7, 1))
    member = nn.NetworkClassifier(network, max_epochs=2, validation_fraction=0, n_threads=1)
    model = nn.BaggedEnsemble(member, random_state=0).fit(x, np.tile([[0, 1], [1, 1], [1, 0]], (8, 1)))
    options = Settings(mfcc.FILMSCORE, 100, 100, -60.0, -20.0).to_dict()
    about = {"recipe": options.pop("recipe"), "class_names": GENRES.split(","), "options": options}
    folder.mkdir(exist_ok=True)
    nn.save(folder / "genres.npz", model, **about, inputs="modulation", heard=["0" * 64])
    library = ["--library", str(folder / "library")]

    def agent(*arguments: str) -> None:
        assert filmscore_agent.main([*arguments, *library]) == 0

    agent("scan", str(music), "--model", str(folder / "genres.npz"), "--processes", "1")
    agent("correct", "low.ogg", "--tags", "comedy")
    agent("correct", "high.ogg", "--tags", "none")
    for ending in ("csv", "json", "m3u8"):
        agent("export", str(folder / f"tracks.{ending}"))


def write_runs(folder: Path, features: Path) -> None:
    """Results of a training script, and what the study keeps of a model on a fold."""
    sample = ROOT / "examples/data/sample"
    arguments = ["--features", str(sample), "--out", str(folder), "--epochs", "1", "--tag"]
    assert filmscore_mlp.main(arguments) == 0
    for path in folder.iterdir():
        if path.is_file() and path.name not in ("results.json", "history.csv"):
            path.unlink()
    settings = trials.task(Model("prior", "prior"), "window", 0)
    trials.run(settings, features={"11025.0": str(features)}, out=str(folder / "study"))
    FACTS["runs/values"] = trials.values_path(Path(), settings).name


def main() -> None:
    shutil.rmtree(PLACE, ignore_errors=True)
    folders = ("networks", "classifiers", "ensembles", "checkpoints", "searches", "command", "agent", "runs/study")
    for name in folders:
        (PLACE / name).mkdir(parents=True)
    write_music(PLACE / "music")
    write_networks(PLACE / "networks")
    write_classifiers(PLACE / "classifiers")
    write_ensembles(PLACE / "ensembles")
    write_checkpoints(PLACE / "checkpoints")
    write_searches(PLACE / "searches")
    write_features(PLACE / "features", PLACE / "music")
    write_command(PLACE / "command", PLACE / "music")
    write_agent(PLACE / "agent", PLACE / "music")
    write_runs(PLACE / "runs", PLACE / "features/float32")
    fetch_corpus.write_sums(PLACE / "SHA256SUMS", {"a/b.ogg": "0" * 64, "a/café.ogg": "1" * 64})
    np.savez_compressed(PLACE / "outputs.npz", **{name.replace("/", "-"): value for name, value in OUTPUTS.items()})
    (PLACE / "facts.json").write_text(json.dumps(FACTS, indent=1) + "\n")
    shutil.copytree(PLACE, HERE, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
