"""The published run of the study: its course, its table, and the state that a long training keeps."""

import dataclasses

import numpy as np
import pytest

from filmscore.study import fitting, published_run, trials
from filmscore.study.models import BASE, LASTING, MODELS
from nnlite.model_selection import candidate_key
from tests.examples.made_up import made_up_features


def history(losses):
    return [{"epoch": k, "loss": 1.0, "val_loss": loss, "val_roc_auc": 0.5 + k / 100} for k, loss in enumerate(losses)]


def test_the_best_epoch_counts_and_the_first_end_by_patience_is_reported():
    losses = [3.0, 2.0, *[2.5] * published_run.PATIENCE, 1.0, 1.5]
    found = published_run.course(history(losses))
    assert found.best == len(losses) - 1  # early stopping would have missed it
    assert found.stopped == 2 + published_run.PATIENCE
    assert found.losses == (1.0, 1.5)
    assert found.scores == (0.5 + (len(losses) - 2) / 100, 0.5 + (len(losses) - 1) / 100)
    assert published_run.course(history([3.0, 2.0, 2.5])).stopped is None


def test_a_course_without_losses_is_refused():
    with pytest.raises(ValueError, match="expected validation losses that are numbers, got none"):
        published_run.course(history([float("nan")] * 3))


def test_the_three_lengths_differ_in_nothing_but_their_epochs():
    assert [*LASTING] == [12, 24, 655]
    assert LASTING[BASE.epochs].settings == BASE.settings
    for epochs, model in LASTING.items():
        assert model.settings == BASE.settings | {"epochs": epochs}
    assert [task["fold"] for task in published_run.tasks()] == [0, 0, 0]


def test_a_long_training_keeps_its_own_state_and_gives_the_same_bits_from_it(monkeypatch, tmp_path):
    data = made_up_features()
    monkeypatch.setattr(trials, "read_seen", lambda *_: (data, data.tiles))
    monkeypatch.setattr(fitting, "LONG_RUN", 2)
    task = trials.task(dataclasses.replace(BASE, epochs=2), "game", 0)
    first = trials.run(task, features={"11025.0": ""}, out=str(tmp_path))
    assert [path.name for path in (tmp_path / "networks").glob("*.npz")] == [f"{candidate_key(task)}.npz"]
    path = trials.values_path(tmp_path, task)
    kept = trials.read_values(path)
    path.unlink()
    assert trials.run(task, features={"11025.0": ""}, out=str(tmp_path)) == first
    again = trials.read_values(path)
    np.testing.assert_array_equal(again.test, kept.test)
    assert again.history == kept.history  # seconds too: it was read and not trained again


def test_the_table_and_the_picture_come_from_what_was_trained(monkeypatch, tmp_path):
    data = made_up_features()
    monkeypatch.setattr(trials, "read_seen", lambda *_: (data, data.tiles))
    models = {epochs: dataclasses.replace(MODELS["mlp"], epochs=k) for epochs, k in ((24, 1), (655, 2))}
    monkeypatch.setattr(published_run, "LASTING", models)
    monkeypatch.setattr(published_run, "RUNS", (("game", 1),))
    for task in published_run.tasks():
        trials.run(task, features={"11025.0": ""}, out=str(tmp_path))
    blocks = published_run.blocks(data, tmp_path, tmp_path)
    rows = [line for line in blocks["published-run"].splitlines() if line.startswith("| by game, 1")]
    assert len(rows) == 2
    assert "of 20 epochs would not have ended it" in blocks["published-run"]
    assert (tmp_path / "published_run.png").stat().st_size > 1000
