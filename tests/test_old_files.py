"""Files that commit 8a98062 wrote, one of each kind, are read by today's code: see data/files_of_8a98062/write.py."""

import json
import os
import shutil
from pathlib import Path

import build_features
import filmscore_agent
import filmscore_tables
import numpy as np
import pytest

import mfcc
import nnlite as nn
from filmscore import searching
from filmscore.agent.library import Library
from filmscore.features import load_features
from filmscore.fetching import read_sums
from filmscore.study import trials
from filmscore.study.models import Model
from filmscore.tagging import Tagger
from mfcc.__main__ import main as mfcc_command
from nnlite.model_selection import ParameterGrid, fold_hash, read_folds, search, successive_halving
from nnlite.serialization.checkpoints import Checkpointer

OLD = Path(__file__).parent / "data/files_of_8a98062"
FACTS = json.loads((OLD / "facts.json").read_text())
CLASSES = ("Action", "Comedy")
FOLDS = {"asc": 0, "wesnoth": 1, "café, bar": 0}


def samples(*shape):
    """The numbers from -1 to 1 that the files were made with."""
    return ((np.arange(np.prod(shape)) * 37 % 101) / 50 - 1).reshape(shape).astype(np.float32)


X = samples(24, 3)
Y = np.where(X[:, 0] > X[:, 1], "more", "less")
TAGS = np.column_stack([X[:, 0] > X[:, 1], X[:, 2] > 0]).astype(np.float32)


@pytest.fixture(scope="module")
def outputs():
    """Recorded values of networks and features, by the names of their files."""
    with np.load(OLD / "outputs.npz") as arrays:
        return {name.replace("-", "/"): arrays[name] for name in arrays}


@pytest.fixture
def old(tmp_path):
    """A copy of the files, to work in; times of recordings are as they were."""
    shutil.copytree(OLD, tmp_path / "old")
    for path in (tmp_path / "old/music").rglob("*.ogg"):
        os.utime(path, ns=(1_700_000_000_000_000_000,) * 2)
    return tmp_path / "old"


def assert_same(actual, expected):
    """Equal but for rounding, which differs between processors."""
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["convolutional", "fused", "recurrent", "reshaped"])
def test_networks(name, outputs, tmp_path):
    network, params = nn.load(OLD / f"networks/{name}.npz")
    expected = outputs[f"networks/{name}"]
    assert_same(nn.predict(network, params, samples(3, *network.input_shape), n_threads=1), expected)
    nn.save(tmp_path / "again.npz", (network, params))
    assert nn.load(tmp_path / "again.npz")[0] == network


@pytest.mark.parametrize("name", ["names", "tags", "shares", "squared"])
def test_classifiers(name, outputs):
    model, facts = nn.load(OLD / f"classifiers/{name}.npz"), FACTS[f"classifiers/{name}"]
    assert_same(model.predict_proba(X), outputs[f"classifiers/{name}"])
    name = "val_roc_auc" if TAGS.shape[1:] == np.shape(model.predict(X))[1:] else "val_accuracy"
    history = [{name if key == "val_score" else key: value for key, value in row.items()} for row in facts["history"]]
    assert np.asarray(model.classes_).tolist() == facts["classes"] and model.history_ == history
    assert (model.best_epoch_, model.stopped_by_) == (facts["best_epoch"], facts["stopped_by"])
    parameters = {key: {"'score'": "'accuracy'"}.get(value, value) for key, value in facts["parameters"].items()}
    assert {key: repr(value) for key, value in model.get_params().items()}.items() >= parameters.items()
    assert set(model.metadata_) == {"recipe", "class_names"} and model.metadata_["class_names"] == ["a", "b"]
    recipe = mfcc.MFCC.from_dict(model.metadata_["recipe"])  # HTK as it was then
    assert recipe == mfcc.HTK.replace(integer_full_scale=32768)


def test_a_classifier_of_two_bytes_a_number(outputs):
    model = nn.load(OLD / "classifiers/half.npz")
    assert_same(model.predict_proba(X), outputs["classifiers/half"])
    assert set(model.predict(X)) <= {"more", "less"}


@pytest.mark.parametrize("name", ["probability", "logit"])
def test_ensembles(name, outputs):
    model = nn.load(OLD / f"ensembles/{name}.npz")
    assert_same(model.predict_proba(X), outputs[f"ensembles/{name}"])
    assert model.average == name and model.n_bags == 2 and model.metadata_ == {"source": "tests"}


def fit(checkpoint):
    network = nn.Sequential([nn.Dense(4), nn.Tanh(), nn.Dropout(0.5), nn.Dense(2), nn.Softmax()], (3,))
    settings = {"optimizer": nn.Adam(0.01), "schedule": nn.LinearDecay(), "standardize_axes": (0,), "batch_size": 8}
    settings |= {"max_epochs": 5, "random_state": 0, "n_threads": 1, "checkpoint": checkpoint}
    return nn.NetworkClassifier(network, **settings).fit(X, Y)


@pytest.mark.parametrize("name", ["unfinished.npz", "complete"])
def test_a_fit_that_held_other_samples_out_is_not_mixed_with_this_one(name, old):
    """Samples that are held out are drawn in another way since then."""
    before = {path: path.read_bytes() for path in (old / "checkpoints").rglob("*.npz")}
    with pytest.raises(ValueError, match=r"got one with another held-out samples \(None there, 'int64 \(5,\) "):
        fit(old / "checkpoints" / name)
    assert {path: path.read_bytes() for path in (old / "checkpoints").rglob("*.npz")} == before


def test_checkpoints_of_an_ensemble(old):
    before = {path: path.read_bytes() for path in (old / "checkpoints/ensemble").iterdir()}
    network = nn.Sequential([nn.Dense(3), nn.Tanh(), nn.Dense(1), nn.Sigmoid()], (3,))
    member = nn.NetworkClassifier(network, max_epochs=2, n_threads=1)
    model = nn.BaggedEnsemble(member, n_bags=2, random_state=0, checkpoint=old / "checkpoints/ensemble")
    with pytest.raises(ValueError, match="got one with another held-out samples"):
        model.fit(X, TAGS)
    assert {path: path.read_bytes() for path in (old / "checkpoints/ensemble").iterdir()} == before


def test_a_checkpoint_of_a_users_own(old):
    header, arrays = Checkpointer(old / "checkpoints/own").load()
    assert header == {"epoch": 1, "words": ["a", None]} and arrays["n"] == 7
    assert np.array_equal(arrays["weight"], samples(2, 3))


@pytest.mark.parametrize("kind", ["search", "halving"])
def test_journals_of_searches(kind, old, monkeypatch):
    monkeypatch.syspath_prepend(OLD)
    from users_evaluate import evaluate

    candidates = list(ParameterGrid({"x": [0, 1.5, 2], "kind": ["a", "bb"]}))
    journal = old / f"searches/{kind}.jsonl"
    if kind == "search":
        result = search(candidates, evaluate, journal=journal, seed=3, context={"data": "abc"})
    else:
        budgets = {"min_budget": 1, "max_budget": 4, "factor": 2}
        result = successive_halving(candidates, evaluate, journal=journal, seed=3, **budgets)
    assert [[t.candidate, t.score, t.seed, bool(t.error)] for t in result] == FACTS[f"searches/{kind}"]
    assert journal.read_bytes() == (OLD / f"searches/{kind}.jsonl").read_bytes()  # nothing was done again


def test_what_journals_call_the_functions_of_the_examples():
    names = [f"{function.__module__}.{function.__qualname__}" for function in (searching.evaluate, trials.run)]
    assert names == ["filmscore.searching.evaluate", "filmscore.study.trials.run"]


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_folds(ending):
    found = read_folds(OLD / f"searches/folds.{ending}")
    assert found == FOLDS and fold_hash(found) == FACTS["searches/folds"]


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_features(dtype, outputs):
    features = load_features(OLD / "features" / dtype)
    assert features.tiles.shape == (12, 5, 10, 1) and features.class_names == CLASSES
    assert_same(np.asarray(features.tiles[np.arange(4)]), outputs[f"features/{dtype}"])
    assert features.recipe == mfcc.FILMSCORE.replace(n_mfcc=6, n_mels=8)
    assert [(t.id, t.tags, t.game) for t in features.tracks] == [
        ("a/low.ogg", ("Action",), "one"),
        ("b/high.ogg", ("Comedy", "Action"), "two"),
    ]
    np.testing.assert_allclose(features.start_s[:3], np.arange(3) * 20 * 2048 / 22050, atol=1e-3)


def test_features_that_are_there_are_not_made_again(old):
    parts = {path: path.read_bytes() for path in (old / "features/float32/parts").iterdir()}
    music, out = old / "music", old / "features/float32"
    arguments = [str(music), "--tags", str(music / "tags.csv"), "--out", str(out), "--classes", ",".join(CLASSES)]
    small = ("--set", "n_mfcc=6", "--set", "n_mels=8", "--frames", "10", "--hop-frames", "20", "--processes", "1")
    assert build_features.main([*arguments, *small]) == 0
    assert np.array_equal(load_features(out).tiles, load_features(OLD / "features/float32").tiles)
    if nn.__version__ == "0.1.0":  # another version makes them again
        assert {path: path.read_bytes() for path in (out / "parts").iterdir()} == parts


COMMAND = ("a/low.ogg", "--offset", "1", "--duration", "0.5", "--deltas", "1", "--normalize", "mean")
TILES = ("b", "--set", "n_mfcc=5", "--set", "n_mels=8", "--tiles", "20", "--hop", "10", "--duration", "5")


def command(old, kind, *more):
    """The command line that wrote the files of a kind."""
    arguments = TILES if kind == "tiles" else [*COMMAND, "--recipe", str(old / "command/recipe.json"), "--format", kind]
    return mfcc_command([*arguments, "--out", str(old / "command" / kind), *more])


@pytest.mark.parametrize("kind", ["npz", "npy", "csv", "htk", "tiles"])
def test_files_of_the_command_are_up_to_date_and_would_be_the_same(kind, old, monkeypatch, capsys):
    monkeypatch.chdir(old / "music")
    assert command(old, kind) == 0
    assert "0 done, 1 up to date, 0 failed" in capsys.readouterr().out
    assert command(old, kind, "--force") == 0
    (path,) = (path for path in (old / "command" / kind).iterdir() if path.name != "mfcc.jsonl")
    before = OLD / "command" / kind / path.name
    if path.suffix == ".npz":
        with np.load(path) as actual, np.load(before) as expected:
            assert actual.files == expected.files
            for name in actual.files:
                if actual[name].dtype.kind == "f":
                    np.testing.assert_allclose(actual[name], expected[name], rtol=1e-4, atol=1e-4)
                else:
                    assert np.array_equal(actual[name], expected[name])
    elif kind == "npy":
        np.testing.assert_allclose(np.load(path), np.load(before), rtol=1e-4, atol=1e-4)
    elif kind == "csv":
        assert path.read_text().split("\n")[0] == before.read_text().split("\n")[0]
        actual, expected = (np.loadtxt(file, delimiter=",", skiprows=1) for file in (path, before))
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
    else:
        assert path.read_bytes()[:12] == before.read_bytes()[:12]
        actual, expected = (np.fromfile(file, ">f4", offset=12) for file in (path, before))
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_a_recipe(tmp_path, capsys):
    recipe = OLD / "command/recipe.json"
    written = mfcc.KALDI.replace(  # as it was then
        sr=8000, n_fft=512, win_length=400, hop_length=160, n_mfcc=5, n_mels=8, integer_full_scale=32768
    )
    assert mfcc.MFCC.from_dict(json.loads(recipe.read_text())) == written
    assert mfcc_command(["--recipe", str(recipe), "--describe"]) == 0 and "8 " in capsys.readouterr().out


def agent(old, *arguments):
    return filmscore_agent.main([*map(str, arguments), "--library", str(old / "agent/library")])


def test_a_library(old, capsys):
    with Library.open(old / "agent/library") as library:
        assert library.class_names == CLASSES and (library.n_tracks, library.n_windows) == (2, 2)
        assert library.labels() == {1: ("Comedy",), 2: ()} and library.folders() == ["/tmp/old_files/music"]
        tracks = json.loads((OLD / "agent/tracks.json").read_text())
        for record in tracks:
            values = library.track_values[record["track"] - 1]
            assert values == pytest.approx([record["values"][name] for name in CLASSES], abs=1e-5)
            assert library.track(record["track"]).path == record["path"]
    assert agent(old, "find", "--want", "comedy:1") == 0
    out = capsys.readouterr().out
    assert out.index("high.ogg") < out.index("low.ogg")


def test_a_library_knows_recordings_that_were_moved_and_learns_new_ones(old, capsys):
    assert agent(old, "scan", old / "music", "--processes", "1") == 0
    assert "2 moved" in capsys.readouterr().out
    shutil.copy(Path(__file__).parents[1] / "examples/data/return_to_home.ogg", old / "music/new.ogg")
    assert agent(old, "scan", old / "music", "--processes", "1") == 0
    assert "1 new, 2 as before" in capsys.readouterr().out
    assert agent(old, "correct", "--from-csv", OLD / "agent/tracks.csv") == 0
    for ending in ("csv", "json", "m3u8"):
        assert agent(old, "export", old / f"again.{ending}") == 0
    before, after = (json.loads(path.read_text())[0] for path in (OLD / "agent/tracks.json", old / "again.json"))
    assert list(before) == list(after) and before["labels"] == ["Comedy"]
    before, after = (path.read_text().split("\n")[0] for path in (OLD / "agent/tracks.csv", old / "again.csv"))
    assert before == after and (old / "again.m3u8").read_text().startswith("#EXTM3U\n#EXTINF:")


def test_a_model_for_the_agent(old):
    tagger = Tagger.load(OLD / "agent/genres.npz")
    assert tagger.class_names == CLASSES and tagger.inputs == "modulation" and tagger.settings.recipe == mfcc.FILMSCORE
    assert tagger.model.metadata_["heard"] == ["0" * 64]
    assert filmscore_agent.main(["tag", str(old / "music/a/low.ogg"), "--model", str(OLD / "agent/genres.npz")]) == 0


def test_results_of_a_run(capsys):
    assert filmscore_tables.main([f"old={OLD / 'runs'}"]) == 0
    assert "0.746" in capsys.readouterr().out


def test_what_the_study_keeps():
    task = trials.task(Model("prior", "prior"), "window", 0)
    path = trials.values_path(OLD / "runs/study", task)
    assert path.name == FACTS["runs/values"]
    values = trials.read_values(path)
    assert values.test.shape == (len(values.test_rows), 2) and values.history == []
    assert len(read_folds(OLD / "runs/study/folds-window.json")) == 12


def test_checksums():
    assert read_sums(OLD / "SHA256SUMS") == {"a/b.ogg": "0" * 64, "a/café.ogg": "1" * 64}
