"""Early stopping against a twin that looks at the whole history, and against itself after a checkpoint."""

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.early_stopping import EarlyStopping

values = st.lists(
    st.one_of(st.sampled_from([0.0, 0.5, 1.0, math.nan, math.inf, -math.inf]), st.floats(-2, 2)), max_size=30
)
settings = st.tuples(
    st.one_of(st.none(), st.integers(1, 6)), st.sampled_from(["min", "max"]), st.sampled_from([0.0, 0.0, 0.1, 0.75])
)


def params_of(epoch, value):
    return {"weight": np.array([[epoch, value]]), "bias": np.array([float(epoch)], np.float32)}


def naive_best(history, mode, min_delta):
    """Return the index of the best value.

    From the first number on, it is each one that beats the best before it by more than min_delta.
    """
    best = None
    for epoch, value in enumerate(history):
        if math.isnan(value):
            continue
        if best is None:
            best = epoch
        elif mode == "min" and value < history[best] - min_delta:
            best = epoch
        elif mode == "max" and value > history[best] + min_delta:
            best = epoch
    return best


@given(values, settings)
def test_matches_the_naive_twin(history, setting):
    patience, mode, min_delta = setting
    stopping = EarlyStopping(patience, mode, min_delta)
    for epoch, value in enumerate(history):
        stop = stopping.update(value, params_of(epoch, value))
        best = naive_best(history[: epoch + 1], mode, min_delta)
        waited = epoch + 1 if best is None else epoch - best
        assert stopping.best_epoch == best
        assert stopping.epochs_since_best == waited
        assert stopping.last_epoch == epoch
        assert stop == (patience is not None and waited >= patience)
        if best is None:
            assert stopping.best_value is None and stopping.best_params is None
        else:
            assert stopping.best_value == history[best]
            for name, array in params_of(best, history[best]).items():
                np.testing.assert_array_equal(stopping.best_params[name], array)
                assert stopping.best_params[name].dtype == array.dtype


@given(values, settings, st.integers(0, 30))
def test_a_checkpoint_changes_nothing(history, setting, cut):
    straight, resumed = EarlyStopping(*setting), EarlyStopping(*setting)
    for epoch, value in enumerate(history):
        if epoch == cut:
            again = EarlyStopping(*setting)
            again.restore(through_a_file(resumed.state()))
            resumed = again
        assert straight.update(value, params_of(epoch, value)) == resumed.update(value, params_of(epoch, value))
    assert_same_state(straight.state(), resumed.state())


def test_none_waits_for_ever_and_keeps_the_best():
    stopping = EarlyStopping()
    assert not any(stopping.update(value, params_of(0, value)) for value in [3.0, 1.0, *[2.0] * 500])
    assert (stopping.best_epoch, stopping.epochs_since_best) == (1, 500)


def test_best_params_are_a_copy_that_is_written_again():
    stopping, params = EarlyStopping(), params_of(0, 1.0)
    stopping.update(1.0, params)
    kept = stopping.best_params["weight"]
    params["weight"][:] = 7.0
    np.testing.assert_array_equal(kept, [[0.0, 1.0]])
    stopping.update(0.5, params)
    assert stopping.best_params["weight"] is kept
    np.testing.assert_array_equal(kept, [[7.0, 7.0]])
    assert not np.shares_memory(kept, params["weight"])


def test_patience_counts_epochs_where_only_some_are_evaluated():
    stopping = EarlyStopping(patience=10)
    assert not stopping.update(1.0, {}, epoch=5)
    assert not stopping.update(2.0, {}, epoch=14)
    assert stopping.update(2.0, {}, epoch=15)
    assert (stopping.best_epoch, stopping.epochs_since_best, stopping.last_epoch) == (5, 10, 15)
    assert not stopping.update(0.5, {})
    assert stopping.best_epoch == 16


def test_state_is_flat_and_owns_its_arrays():
    stopping = EarlyStopping()
    assert stopping.state() == {"epochs_since_best": 0}
    stopping.update(1.0, params_of(0, 1.0))
    state = stopping.state()
    assert set(state) == {
        "best_value", "best_epoch", "epochs_since_best", "last_epoch", "best_params/weight", "best_params/bias"
    }  # fmt: skip
    stopping.update(0.5, params_of(1, 0.5))
    np.testing.assert_array_equal(state["best_params/weight"], [[0.0, 1.0]])
    other = EarlyStopping()
    other.restore(state)
    other.update(0.25, params_of(2, 0.25))
    np.testing.assert_array_equal(state["best_params/weight"], [[0.0, 1.0]])


def test_restore_forgets_what_was_before():
    stopping = EarlyStopping()
    stopping.update(1.0, params_of(0, 1.0))
    stopping.restore(EarlyStopping().state())
    assert stopping.best_params is None and stopping.best_value is None and stopping.last_epoch is None


def test_repr_names_the_settings():
    assert repr(EarlyStopping(5, "max")) == "EarlyStopping(patience=5, mode='max', min_delta=0.0)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EarlyStopping(0), "patience: expected a positive integer or None, got 0"),
        (lambda: EarlyStopping(2.5), "patience: expected a positive integer or None, got 2.5"),
        (lambda: EarlyStopping(mode="lowest"), "mode: expected 'min' or 'max', got 'lowest'"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta: expected a finite number of 0 or more, got -1"),
        (lambda: EarlyStopping(min_delta=math.nan), "min_delta: expected a finite number of 0 or more, got nan"),
        (lambda: started().update(1.0, {}, epoch=0), "epoch: expected an integer after 0, got 0"),
        (lambda: started().update(1.0, {}, epoch=1.5), "epoch: expected an integer after 0, got 1.5"),
        (
            lambda: started().update(0.0, {}),
            "params: expected the same names every epoch, but bias, weight came or went",
        ),
        (
            lambda: started().update(0.0, {"weight": np.zeros((2, 2)), "bias": np.zeros(1, np.float32)}),
            r"params: weight: expected shape and dtype \(1, 2\) float64, got \(2, 2\) float64",
        ),
        (
            lambda: started().update(0.0, {"weight": np.zeros((1, 2)), "bias": np.zeros(1)}),
            r"params: bias: expected shape and dtype \(1,\) float32, got \(1,\) float64",
        ),
        (
            lambda: EarlyStopping().restore({}),
            "restore: state: expected what state.. returned, got a dict with nothing in it",
        ),
        (
            lambda: EarlyStopping().restore(started_state_without("best_value")),
            "got a dict with best_epoch, best_params/bias",
        ),
        (lambda: EarlyStopping().restore(started_state_without("last_epoch")), "restore: state: expected"),
        (lambda: EarlyStopping().restore(started_state_without("epochs_since_best")), "restore: state: expected"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_refused_update_changes_nothing():
    stopping = started()
    before = stopping.state()
    with pytest.raises(ValueError, match="bias"):
        stopping.update(0.0, {"weight": np.ones((1, 2)), "bias": np.zeros(2, np.float32)})
    assert_same_state(stopping.state(), before)


def started():
    stopping = EarlyStopping()
    stopping.update(1.0, params_of(0, 1.0))
    return stopping


def started_state_without(name):
    state = started().state()
    del state[name]
    return state


def through_a_file(state):
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def assert_same_state(actual, expected):
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name])
