"""Fits that go on: nothing better is forgotten, nothing is validated on what was trained on, more epochs may follow."""

import numpy as np
import pytest

import nnlite as nn
from nnlite.estimators import network_estimator
from nnlite.estimators.held_out import split
from tests.nnlite.estimators.test_resume import After, X, Y, assert_same, model


@pytest.fixture
def held_out(monkeypatch):
    """Rows that each fit holds out, as they come."""
    rows = []

    def watch(who, samples, fraction, seed):
        parts = split(who, samples, fraction, seed)
        rows.append(set(parts[1].rows.tolist()))
        return parts

    monkeypatch.setattr(network_estimator, "split", watch)
    return rows


def validation_loss(fitted, X, y):
    found = fitted.predict_proba(X)[np.arange(len(y)), np.searchsorted(fitted.classes_, y)]
    return -np.log(found).mean()


@pytest.mark.parametrize("start", ["as it is", "from a file", "from a checkpoint"])
def test_what_a_warm_start_begins_with_is_kept_if_nothing_better_comes(start, tmp_path):
    fitted = model(warm_start=True).fit(X, Y, validation_data=(X, Y))
    before, params = validation_loss(fitted, X, Y), {name: value.copy() for name, value in fitted.params_.items()}
    if start == "from a file":
        nn.save(tmp_path / "model.npz", fitted)
        fitted = nn.load(tmp_path / "model.npz")
    fitted.set_params(optimizer=nn.SGD(3.0), schedule=None, max_epochs=5, patience=3)
    if start == "from a checkpoint":
        fitted.set_params(checkpoint=tmp_path, augment=After(8))
        fitted.fit(X, Y, validation_data=(X, Y))
        assert fitted.stopped_by_ == "interrupt" and fitted.best_epoch_ == -1
        fitted.set_params(augment=After())
    fitted.fit(X, Y, validation_data=(X, Y))
    assert min(row["val_loss"] for row in fitted.history_) > before
    assert fitted.best_epoch_ == -1 and fitted.stopped_by_ == "patience" and len(fitted.history_) == 3
    assert all(np.array_equal(fitted.params_[name], params[name]) for name in params)
    nn.save(tmp_path / "again.npz", fitted)
    assert nn.load(tmp_path / "again.npz").best_epoch_ == -1


def test_what_is_better_takes_the_place_of_the_start():
    fitted = model(warm_start=True, max_epochs=2).fit(X, Y)
    before = fitted.history_[fitted.best_epoch_]["val_loss"]
    fitted.set_params(max_epochs=20).fit(X, Y)
    assert fitted.history_[fitted.best_epoch_]["val_loss"] < before


@pytest.mark.parametrize("random_state", [None, 0, np.random.default_rng(0)], ids=["None", "0", "a generator"])
@pytest.mark.parametrize("way", ["as it is", "from a file"])
def test_a_warm_fit_holds_out_what_was_held_out_before(random_state, way, held_out, tmp_path):
    fitted = model(warm_start=True, random_state=random_state, max_epochs=1).fit(X, Y)
    fitted.fit(X, Y)
    if way == "from a file":
        nn.save(tmp_path / "model.npz", fitted)
        fitted = nn.load(tmp_path / "model.npz")
    fitted.set_params(validation_fraction=0.5, random_state=7).fit(X, Y)
    assert held_out[0] == held_out[1] == held_out[2] and len(held_out[0]) == 18
    fitted.set_params(warm_start=False).fit(X, Y)
    assert held_out[3] != held_out[0] and len(held_out[3]) == 45


@pytest.mark.parametrize("before", ["validation_data", "no validation", "partial_fit"])
def test_a_warm_fit_warns_where_all_samples_may_have_been_trained_on(before, held_out):
    fitted = model(warm_start=True, max_epochs=1)
    if before == "partial_fit":
        fitted.fit(X, Y).partial_fit(X, Y)
    elif before == "no validation":
        fitted.set_params(validation_fraction=0.0).fit(X, Y).set_params(validation_fraction=0.2)
    else:
        fitted.fit(X, Y, validation_data=(X, Y))
    with pytest.warns(UserWarning, match=r"^NetworkClassifier\.fit: validation_fraction: the model has been trained w"):
        fitted.fit(X, Y)
    fitted.fit(X, Y)  # from here on they are the same
    assert held_out[-1] == held_out[-2]


@pytest.mark.parametrize("schedule", [None, nn.schedules.Constant(), nn.StepDecay(every=2, factor=0.5)])
@pytest.mark.parametrize("interrupted", [False, True], ids=["complete", "unfinished"])
def test_a_checkpoint_goes_on_to_more_epochs(schedule, interrupted, tmp_path):
    peaceful = model(schedule=schedule, max_epochs=12).fit(X, Y)
    short = model(tmp_path, 10 if interrupted else None, schedule=schedule, max_epochs=5).fit(X, Y)
    assert short.stopped_by_ == ("interrupt" if interrupted else "max_epochs")
    longer = model(tmp_path, schedule=schedule, max_epochs=12).fit(X, Y)
    assert_same(longer, peaceful)
    again = model(tmp_path, interrupt_after=1, schedule=schedule, max_epochs=12).fit(X, Y)
    assert again.history_ == longer.history_
    with pytest.raises(ValueError, match=r"another max_epochs \(12 there, 6 here\)\. Go on"):
        model(tmp_path, schedule=schedule, max_epochs=6).fit(X, Y)


def test_a_checkpoint_that_patience_ended_has_ended(tmp_path):
    settings = {"schedule": None, "patience": 1, "optimizer": nn.SGD(5.0)}
    short = model(tmp_path, max_epochs=30, **settings).fit(X, Y)
    assert short.stopped_by_ == "patience"
    assert_same(model(tmp_path, max_epochs=40, **settings).fit(X, Y), short)


def test_a_checkpoint_does_not_go_on_where_the_schedule_would_have_been_another(tmp_path):
    model(tmp_path, max_epochs=5).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"another max_epochs \(5 there, 6 here\)\. The schedule has other learning rates"
    ):
        model(tmp_path, max_epochs=6).fit(X, Y)
