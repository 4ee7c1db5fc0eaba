"""The training scripts on a small part of the sample, as a user runs them."""

import csv
import json
from pathlib import Path

import filmscore_cnn
import filmscore_ensemble
import filmscore_mlp
import filmscore_search
import filmscore_tables
import numpy as np
import pytest

import nnlite as nn
from filmscore import options, searching
from filmscore.features import load_features
from filmscore.features.folder import write_tables
from filmscore.runs import Data
from nnlite import metrics

SAMPLE = options.DATA / "sample"
RECORDING = options.DATA / "return_to_home.ogg"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return the first window of each track of the sample."""
    folder = tmp_path_factory.mktemp("features")
    features = load_features(SAMPLE)
    rows = np.unique(features.track_of_tile, return_index=True)[1]
    np.save(folder / "tiles.npy", features.tiles[rows])
    about = [(features.tracks[features.track_of_tile[r]], features.start_s[r], features.level_dbfs[r]) for r in rows]
    write_tables(folder, features.tracks, about, features.description | {"coding": None})
    return folder


def arguments(small, out, *more):
    return ["--features", str(small), "--out", str(out), *more]


def test_the_baseline_learns(small, tmp_path, capsys):
    asked = arguments(
        small,
        tmp_path,
        "--epochs",
        "9",
        "--hidden",
        "30",
        "20",
        "--dropout",
        "0",
        "--batch-size",
        "16",
        "--tag",
        str(RECORDING),
    )
    assert filmscore_mlp.main(asked) == 0
    said = capsys.readouterr().out
    assert "Dense(units=30)" in said and "Dense(units=20)" in said and "return_to_home.ogg: " in said
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.npz", "history.csv", "results.json", "learning_curve.png", "f1.png", "return_to_home.png"
    }  # fmt: skip
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["options"]["hidden"] == [30, 20] and results["windows"]["train"] == 253
    losses = [float(line.split(",")[1]) for line in (tmp_path / "history.csv").read_text().splitlines()[1:]]
    assert len(losses) == 9 and losses[-1] < 0.9 * losses[0]
    assert filmscore_tables.main([f"fully connected={tmp_path}"]) == 0


def test_the_ensemble_writes_everything(small, tmp_path, capsys):
    asked = arguments(small, tmp_path, "--epochs", "1", "--activation", "tanh", "--tag", str(RECORDING))
    assert filmscore_ensemble.main(asked) == 0
    said = capsys.readouterr()
    assert "BaggedEnsemble: 10 of 10" in said.err and "published LRAP, on other data: 0.59 of windows" in said.out
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.npz", "history.csv", "results.json", "learning_curves.png", "f1.png", "return_to_home.png"
    }  # fmt: skip
    model = nn.load(tmp_path / "model.npz")
    assert [len(bags) for bags in model.members_] == [1] * 10 and model.metadata_["class_names"][0] == "Action"
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["genre"], row["bag"], row["epoch"]) for row in rows] == [(str(k), "0", "0") for k in range(10)]
    results = json.loads((tmp_path / "results.json").read_text())
    data = Data.load(options.training_parser(None, "x", epochs=1).parse_args(arguments(small, tmp_path)))
    values = model.predict_proba(data.part("test")[0])
    expected = metrics.label_ranking_average_precision(data.part("test")[1], values)
    np.testing.assert_allclose(results["window"]["label_ranking_average_precision"], expected)
    assert filmscore_tables.main([f"ensemble={tmp_path}"]) == 0


def test_an_ensemble_that_was_interrupted_goes_on(small, tmp_path, monkeypatch, capsys):
    asked = arguments(small, tmp_path, "--epochs", "1", "--activation", "relu", "--init", "layers", "--tag")
    whole, calls = nn.NetworkClassifier.fit, []

    def third_time(self, *data):
        calls.append(self)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, *data)

    monkeypatch.setattr(nn.NetworkClassifier, "fit", third_time)
    assert filmscore_ensemble.main(asked) == 130
    assert "interrupted; the same command goes on" in capsys.readouterr().err
    assert len(list((tmp_path / "checkpoints").glob("*.npz"))) == 2
    assert filmscore_ensemble.main([*asked, "--batch-size", "64"]) == 2
    assert "checkpoint: expected a run with these settings" in capsys.readouterr().err
    assert filmscore_ensemble.main(asked) == 0
    assert not (tmp_path / "checkpoints").exists()
    other = tmp_path / "other"
    assert filmscore_ensemble.main(arguments(small, other, *asked[4:])) == 0
    resumed, straight = (nn.load(out / "model.npz") for out in (tmp_path, other))
    for a, b in zip(resumed.members_, straight.members_, strict=True):
        for name, value in a[0].params_.items():
            np.testing.assert_array_equal(value, b[0].params_[name])


def test_three_ways_to_search(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(filmscore_search, "GRID", {"learning_rate": (0.1, 0.01), "n_hidden": (5,), "batch_size": (50,)})
    asked = arguments(small, tmp_path, "--epochs", "9", "--draws", "3")
    assert filmscore_search.main(asked) == 0
    said = capsys.readouterr()
    assert "search: 2 of 2" in said.err and "successive_halving: round 3 of 3, budget 9: 1 of 1" in said.err
    files = {path.name for path in tmp_path.iterdir()}
    journals = {"exhaustive.jsonl", "random.jsonl", "halving.jsonl"}
    assert files == {"trials.csv", "results.json", "model.npz", "search.png", *journals}
    with open(tmp_path / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["exhaustive"] * 2 + ["random"] * 3 + ["halving"] * 13
    spent = {name: sum(int(row["epochs"]) for row in rows if row["method"] == name) for name in ("random", "halving")}
    assert spent == {"random": 27, "halving": 27}
    results = json.loads((tmp_path / "results.json").read_text())
    best = max(float(row["roc_auc"]) for row in rows if row["method"] == "random")
    assert results["random"]["validation"] == pytest.approx(best) and 0 < results["random"]["test"]["lrap"] <= 1
    assert f"random             3      27  {best:>19.3f}" in said.out

    before = {name: (tmp_path / name).read_bytes() for name in journals}
    assert filmscore_search.main(asked) == 0
    assert "search: 2 of 2 from the journal" in capsys.readouterr().err
    assert before == {name: (tmp_path / name).read_bytes() for name in journals}
    assert json.loads((tmp_path / "results.json").read_text()) == results
    assert filmscore_search.main([*asked, "--epochs", "3"]) == 2
    assert "was written with other arguments" in capsys.readouterr().err


def test_a_search_in_processes_finds_the_same(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(filmscore_search, "GRID", {"learning_rate": (0.1, 0.01), "n_hidden": (5,), "batch_size": (50,)})
    monkeypatch.setenv("NNLITE_NUM_THREADS", "1")
    for name, more in (("here", []), ("there", ["--processes", "2"])):
        assert filmscore_search.main(arguments(small, tmp_path / name, "--epochs", "1", "--draws", "1", *more)) == 0
    here, there = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("here", "there"))
    assert here == there


def test_ctrl_c_is_meant_for_the_search(small, tmp_path, capsys, monkeypatch):
    def interrupted(self, *data, **more):
        self.stopped_by_ = "interrupt"

    monkeypatch.setattr(nn.NetworkClassifier, "fit", interrupted)
    assert filmscore_search.main(arguments(small, tmp_path)) == 130
    assert "interrupted; the same command goes on" in capsys.readouterr().err
    assert len((tmp_path / "exhaustive.jsonl").read_text().splitlines()) == 1


def test_trials_that_fail_are_counted(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(filmscore_search, "GRID", {"learning_rate": (0.1, -1.0), "n_hidden": (5,), "batch_size": (50,)})
    assert filmscore_search.main(arguments(small, tmp_path, "--epochs", "1", "--draws", "1")) == 0
    assert "1 failed, such as: ValueError: " in capsys.readouterr().out
    monkeypatch.setattr(filmscore_search, "GRID", {"learning_rate": (-1.0,), "n_hidden": (5,), "batch_size": (50,)})
    assert filmscore_search.main(arguments(small, tmp_path / "all", "--epochs", "1", "--draws", "1")) == 2
    assert "expected a trial with a score, but all 1 failed" in capsys.readouterr().err


def test_the_score_of_a_trial_is_that_of_whole_tracks(small):
    data = searching.load(str(small), "track", 0, 0.2)

    class Knows:
        def predict_proba(self, rows):
            return data.part("validation")[1]

    assert searching.track_scores(Knows(), data, "validation") == (1.0, 1.0)


@pytest.mark.parametrize("script", [filmscore_cnn, filmscore_mlp, filmscore_ensemble, filmscore_search])
def test_missing_features_are_named(script, tmp_path, capsys):
    assert script.main(arguments(tmp_path / "nowhere", tmp_path / "out")) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{Path(script.__file__).stem}: ") and "nowhere" in said
