"""Fits that are interrupted, killed, and set up anew: they end with the bits of those that were left in peace."""

import signal
import threading

import numpy as np
import pytest

import nnlite as nn
from nnlite.estimators.interrupts import interrupts_held_back
from nnlite.serialization import FileFormatError, read_archive, write_archive
from nnlite.serialization.checkpoints import DamagedCheckpointWarning

RNG = np.random.default_rng(0)
X = (RNG.standard_normal((90, 4)) * [1, 5, 0.1, 1]).astype(np.float32)
Y = np.where(X[:, 0] * X[:, 3] > 0, "same", "other")
NET = nn.Sequential([nn.Dense(8), nn.Tanh(), nn.Dropout(0.2), nn.Dense(2), nn.Softmax()], input_shape=(4,))


class After:
    """Augmentation that does nothing but raise an interrupt when it is called for the n-th time."""

    def __init__(self, n=None):
        self.left = n

    def __repr__(self):
        return "After()"

    def __call__(self, x, rng):
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return x


def model(folder=None, interrupt_after=None, **settings):
    return nn.NetworkClassifier(
        **{
            "network": NET,
            "optimizer": nn.Adam(0.02),
            "schedule": nn.LinearDecay(),
            "max_epochs": 9,
            "batch_size": 24,
            "random_state": 0,
            "standardize_axes": (0,),
            "augment": After(interrupt_after),
            "n_threads": 1,
            "checkpoint": folder,
        }
        | settings
    )


def assert_same(a, b):
    assert [{**row, "seconds": 0} for row in a.history_] == [{**row, "seconds": 0} for row in b.history_]
    assert (a.best_epoch_, a.stopped_by_) == (b.best_epoch_, b.stopped_by_)
    for name, value in b.params_.items():
        np.testing.assert_array_equal(a.params_[name], value, strict=True)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"checkpoint_every": 4},
        {"validation_fraction": 0.0},
        {"patience": 4, "optimizer": nn.Adam(0.5)},
        {"monitor": "accuracy", "init": "lsuv", "class_weight": "balanced"},
    ],
    ids=["plain", "every 4", "no validation", "patience", "score"],
)
def test_interrupted_often(folder, settings):
    peaceful = model(**settings).fit(X, Y)
    assert not folder.exists()
    interrupts, rng = 0, np.random.default_rng(0)
    while True:
        again = model(folder, int(rng.integers(1, 20)), n_threads=int(rng.integers(1, 3)), **settings).fit(X, Y)
        if again.stopped_by_ != "interrupt":
            break
        interrupts += 1
    assert_same(again, peaceful)
    assert interrupts


def test_a_run_that_is_complete_is_read_and_not_repeated(folder):
    first = model(folder).fit(X, Y)
    again = model(folder, interrupt_after=1).fit(X, Y)
    assert_same(again, first)
    assert again.history_ == first.history_  # seconds too


def test_a_seed_of_chance_is_that_of_the_run_that_is_there(folder):
    first = model(folder, random_state=None).fit(X, Y)
    assert_same(model(folder, random_state=None).fit(X, Y), first)
    assert_same(model(random_state=first._seed).fit(X, Y), first)


def test_the_log_says_where_it_goes_on(folder, capsys):
    model(folder, interrupt_after=10).fit(X, Y)
    model(folder, verbose=1).fit(X, Y)
    lines = capsys.readouterr().err.splitlines()
    done = int(lines[1].split()[4])
    assert lines[1].endswith(f"going on after epoch {done} of {folder / 'checkpoint.npz'}") and done > 0
    assert lines[2].split()[0] == f"{done + 1}/9"


OTHER_NET = nn.Sequential([nn.Dense(2), nn.Softmax()], input_shape=(4,))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"batch_size": 25},
            r"with another batch_size \(24 there, 25 here\)\. Go on with those, take another path, or",
        ),
        ({"max_epochs": 10}, r"another max_epochs \(9 there, 10 here\)"),
        ({"optimizer": nn.Adam(0.01)}, r"another optimizer \('Adam\("),
        ({"schedule": None}, r"another schedule \('LinearDecay\(final=0.0\)' there, None here\)"),
        ({"network": OTHER_NET}, "another network"),
        ({"loss": nn.SoftmaxCrossEntropy(0.1)}, "another loss"),
        ({"init": "lsuv", "patience": 3}, r"another init .*, patience \(None there, 3 here\)"),
        ({"monitor": "accuracy"}, "another monitor"),
        ({"standardize_axes": None}, r"another standardize_axes"),
        ({"augment": None}, r"another augment \('After\(\)' there, None here\)"),
        ({"random_state": 1}, r"another random_state \(0 there, 1 here\)\. Go"),
        ({"validation_fraction": 0.3}, "another validation_fraction"),
        ({"class_weight": {"same": 2.0}}, "another sample_weight and class_weight"),
        ({"X": X[::-1]}, "another X"),
        ({"X": X.astype(np.float64)}, "another X"),
        ({"X": X[:-1], "y": Y[:-1]}, "another X"),
        ({"y": np.where(X[:, 0] > 0, "same", "other")}, "another y"),
        ({"y": np.where(Y == "same", "same", "different")}, "another classes"),
        ({"sample_weight": np.linspace(1, 2, 90)}, "another sample_weight"),
        ({"validation_data": (X, Y)}, "another validation_data"),
        ({"validation_data": (X, Y, np.arange(len(X)))}, "another validation_data"),
    ],
)
def test_another_configuration(folder, settings, message):
    model(folder, interrupt_after=20).fit(X, Y)
    before = (folder / "checkpoint.npz").read_bytes()
    data = {name: settings.pop(name) for name in ("X", "y", "sample_weight", "validation_data") if name in settings}
    with pytest.raises(ValueError, match=message) as caught:
        model(folder, **settings).fit(**({"X": X, "y": Y} | data))
    assert str(folder / "checkpoint.npz") in str(caught.value)
    assert (folder / "checkpoint.npz").read_bytes() == before


def test_what_does_not_matter_may_change(folder):
    peaceful = model().fit(X, Y)
    model(folder, interrupt_after=20).fit(X, Y)
    assert_same(model(folder, n_threads=2, verbose=0, checkpoint_every=3).fit(X, Y), peaceful)


def test_a_damaged_newest_state_costs_an_epoch(folder):
    peaceful = model().fit(X, Y)
    model(folder, interrupt_after=20).fit(X, Y)
    newest = folder / "checkpoint.npz"
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    again = model(folder)
    with pytest.warns(DamagedCheckpointWarning, match=r"Going on from .*checkpoint\.npz\.1"):
        again.fit(X, Y)
    assert_same(again, peaceful)


def changed(**changes):
    return lambda header, arrays: ({**header, **changes}, arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(kind="NetworkClassifier"), "expected a checkpoint of a fit, got 'NetworkClassifier'"),
        (changed(seed="0"), "seed: expected an integer"),
        (changed(fingerprint=[1]), "fit|list"),
        (changed(stopped_by="os"), "stopped_by: expected"),
        (lambda header, arrays: (header, arrays | {"other/x": np.zeros(1)}), "KeyError: 'other'"),
        (lambda header, arrays: (header, arrays | {"params/0.bias": np.zeros(3, np.float32)}), r"params: .*'0\.bias'"),
        (
            lambda header, arrays: (header, arrays | {"params/0.bias": arrays["params/0.bias"] + np.inf}),
            r"0\.bias: expected finite",
        ),
        (lambda header, arrays: (header, arrays | {"optimizer/step": np.zeros(3)}), "optimizer: .*'step'"),
        (
            lambda header, arrays: (header, arrays | {"stopping/best_params/0.bias": np.zeros(8)}),
            r"best_params: .*'0\.bias'",
        ),
        (lambda header, arrays: (header, arrays | {"history/loss": np.zeros(0)}), "history: expected columns"),
        (lambda header, arrays: (header, arrays | {"history/epoch": arrays["history/epoch"] + 1}), "the epochs 0"),
        (lambda header, arrays: (header, arrays | {"stopping/last_epoch": np.array(2**62)}), "last_epoch: expected"),
        (lambda header, arrays: (header, arrays | {"stopping/best_epoch": np.array(2**62)}), "best not after the last"),
        (lambda header, arrays: (header, arrays | {"stopping/epochs_since_best": np.array(-1)}), "of -1 or more"),
        (
            lambda header, arrays: (header, {name: arrays[name] for name in arrays if name != "stopping/best_value"}),
            "EarlyStopping.restore",
        ),
    ],
)  # fmt: skip
def test_a_checkpoint_of_a_hostile_hand(folder, change, message):
    model(folder, interrupt_after=20).fit(X, Y)
    newest = folder / "checkpoint.npz"
    write_archive(newest, *change(*read_archive(newest)))
    with pytest.raises(FileFormatError, match=message) as caught:
        model(folder).fit(X, Y)
    assert str(newest) in str(caught.value)


@pytest.mark.parametrize("stopped_by", [None, "max_epochs"])
def test_a_checkpoint_of_more_epochs_than_are_left_to_do(folder, stopped_by):
    """All epochs done, and no word of the end: there would be nothing to do, and no model."""
    model(folder, patience=None).fit(X, Y)
    newest = folder / "checkpoint.npz"
    header, arrays = read_archive(newest)
    history = {name: values for name, values in arrays.items() if name.startswith("history/")}
    if stopped_by is not None:  # one epoch too many
        arrays |= {name: np.append(values, values[-1:] + (name == "history/epoch")) for name, values in history.items()}
        arrays["stopping/last_epoch"] = np.asarray(len(arrays["history/epoch"]) - 1)
    write_archive(newest, header | {"stopped_by": stopped_by}, arrays)
    with pytest.raises(FileFormatError, match=r"history: expected less than .* epochs"):
        model(folder, patience=None).fit(X, Y)


def test_a_run_that_diverges_leaves_the_last_good_state(folder):
    wild = model(folder, optimizer=nn.SGD(1e-9), schedule=lambda epoch, end: 1e60 if epoch >= 3 else 1.0)
    with pytest.raises(nn.TrainingDiverged, match=r"epoch \d+, step \d+"):
        wild.fit(X * 1e3, Y)
    arrays = read_archive(folder / "checkpoint.npz")[1]
    assert len(arrays["history/loss"]) >= 3
    assert all(np.isfinite(value).all() for value in arrays.values())
    assert wild.stopped_by_ == "divergence" and np.isfinite(wild.predict_proba(X)).all()


def test_a_network_that_diverges_in_its_first_epoch_is_no_model():
    wild = model(optimizer=nn.SGD(1e30), standardize_axes=None, validation_fraction=0.0)
    with pytest.raises(nn.TrainingDiverged):
        wild.fit(X * 1e3, Y)
    with pytest.raises(nn.NotFittedError):
        wild.predict(X)


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------


def test_an_interrupt_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_held_back():
        signal.raise_signal(signal.SIGINT)
        done.append("all of it")
    assert done and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_comes_before_an_interrupt():
    with pytest.raises(ZeroDivisionError), interrupts_held_back():
        signal.raise_signal(signal.SIGINT)
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_handlers_and_threads_are_left_alone():
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append("mine"))
    try:
        with interrupts_held_back():
            signal.raise_signal(signal.SIGINT)
            assert came == ["mine"]
    finally:
        signal.signal(signal.SIGINT, before)
    thread = threading.Thread(target=lambda: came.extend(interrupts_held_back().__enter__() or ["entered"]))
    thread.start()
    thread.join()
    assert came == ["mine", "entered"]
