"""Numbers at the limits and arrays of every kind, through `nnlite.train`, `predict` and `loss_and_gradients`.

There is more about the estimator in estimators/test_classifier_inputs.py and about the metrics in
metrics/test_inputs.py. pytest turns warnings into errors: each test also checks that there is none.
"""

import numpy as np
import pytest

import nnlite as nn
from nnlite.serialization import read_archive
from tests.nnlite.array_kinds import KINDS, ROWS

RNG = np.random.default_rng(0)
X = RNG.integers(-20, 20, (40, 6))
Y = (X[:, 0] > X[:, 1]).astype(np.int64)
NET = nn.Sequential([nn.Dense(8), nn.Tanh(), nn.Dropout(0.2), nn.Dense(2)], input_shape=(6,))
LOSS = nn.SoftmaxCrossEntropy()
IMAGES = nn.Sequential(
    [nn.Conv2D(3, 2), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(0.1), nn.Flatten(), nn.Dense(2)], input_shape=(4, 5, 1)
)


def fresh(network=NET, dtype=np.float32):
    return network.init(np.random.default_rng(1), dtype)


def trained(x, y=Y, network=NET, optimizer=None, epochs=2, dtype=np.float32, **settings):
    """Return (parameters, losses) after some epochs."""
    params = fresh(network, dtype)
    given = {"loss": LOSS, "optimizer": optimizer or nn.SGD(0.01), "max_epochs": epochs, "batch_size": 16, "seed": 3}
    losses = [epoch.loss for epoch in nn.train(network, params, x, y, **given | settings)]
    return params, losses


def gradients(x, network=NET, dtype=np.float32):
    targets = LOSS.targets(Y[: len(x)], 2, dtype)
    weights = np.full(len(x), 1 / len(x))
    return nn.loss_and_gradients(network, fresh(network, dtype), x, targets, weights, LOSS)


def assert_same(a, b):
    for name, value in b.items():
        np.testing.assert_array_equal(a[name], value, strict=True)


# --- Kinds of arrays --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*KINDS, *ROWS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_every_kind_are_the_same_numbers(tmp_path, kind, dtype):
    x = (KINDS | ROWS)[kind](X, tmp_path)
    before = np.array(x, np.float64)
    params, losses = trained(x, dtype=dtype)
    expected, expected_losses = trained(X.astype(dtype), dtype=dtype)
    assert losses == expected_losses
    assert_same(params, expected)
    np.testing.assert_array_equal(nn.predict(NET, params, x), nn.predict(NET, params, X.astype(dtype)), strict=True)
    np.testing.assert_array_equal(np.array(x, np.float64), before)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_arrays_of_every_kind(tmp_path, kind):
    value, grads = gradients(KINDS[kind](X, tmp_path))
    expected_value, expected = gradients(X.astype(np.float32))
    assert value == expected_value
    assert_same(grads, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_every_kind(tmp_path, kind):
    """Convolutions take what numba has no code for: read-only, swapped and scattered arrays."""
    images = RNG.integers(-5, 5, (24, 4, 5, 1))
    flat = KINDS[kind](images.reshape(24, 20), tmp_path)
    x = flat.reshape(24, 4, 5, 1)
    before = np.array(x, np.float64)
    params, _ = trained(x, Y[:24], IMAGES, epochs=1)
    assert_same(params, trained(images.astype(np.float32), Y[:24], IMAGES, epochs=1)[0])
    value, grads = gradients(x, IMAGES)
    assert value == gradients(images.astype(np.float32), IMAGES)[0] and grads
    np.testing.assert_array_equal(nn.predict(IMAGES, params, x), nn.predict(IMAGES, params, images.astype(np.float32)))
    np.testing.assert_array_equal(np.array(x, np.float64), before)


@pytest.mark.parametrize(
    "labels",
    [Y.astype(">i4"), Y.astype(np.uint8), np.repeat(Y, 2)[::2], np.eye(2)[Y], np.eye(2, dtype=">f4")[Y], Y.tolist()],
    ids=["swapped", "uint8", "strided", "one-hot", "swapped one-hot", "list"],
)
def test_labels_of_every_kind(labels):
    before = np.array(labels)
    if isinstance(labels, np.ndarray):
        labels.flags.writeable = False
    assert_same(trained(X, labels)[0], trained(X)[0])
    np.testing.assert_array_equal(labels, before)


def test_what_is_passed_is_not_changed():
    x, y, weight = X.astype(np.float32), Y.copy(), np.linspace(0, 1, 40)
    copies = [value.copy() for value in (x, y, weight)]
    trained(x, y, sample_weight=weight)
    gradients(x)
    nn.predict(NET, fresh(), x)
    for value, copy in zip((x, y, weight), copies, strict=True):
        np.testing.assert_array_equal(value, copy)
    params = fresh()
    for value in params.values():
        value.flags.writeable = False
    nn.predict(NET, params, x)  # nor are parameters, by inference and gradients
    nn.loss_and_gradients(NET, params, x, LOSS.targets(y, 2, np.float32), np.full(40, 0.025), LOSS)


# --- Numbers at the limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [NET, IMAGES], ids=["dense", "convolutional"])
@pytest.mark.parametrize("scale", [1e300, 1e38, 1e30, 1e-30, 1e-38, 1e-42, 5e-324, 0.0], ids="{:g}".format)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_numbers_and_denormal_ones(network, scale, dtype):
    x = RNG.integers(-20, 20, (40, *network.input_shape)) * scale
    try:
        params, losses = trained(x, network=network, dtype=dtype)
    except nn.TrainingDiverged as error:
        assert scale >= 1e30 and "in epoch" in str(error) and "step" in str(error)
    else:
        assert np.isfinite(losses).all()
        assert np.isfinite(nn.predict(network, params, x)).all() or scale == 1e300
    gradients(x, network, dtype)
    network.apply(fresh(network, dtype), x)
    network.backward(fresh(network, dtype), *_forward(network, x, dtype))


def _forward(network, x, dtype):
    y, cache = network.forward(fresh(network, dtype), x, np.random.default_rng(0))
    return cache, y


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_shows(value):
    x = X.astype(np.float32)
    x[7, 2] = value
    what = "the loss became nan" if np.isnan(value) else r"the gradient of 0\.weight was no longer finite"
    with pytest.raises(nn.TrainingDiverged, match=rf"{what} in epoch 0, step \d of 3"):
        trained(x)
    out = nn.predict(NET, fresh(), x)
    assert (~np.isfinite(out)).any(axis=1).tolist() == [k == 7 and np.isnan(value) for k in range(40)]
    assert np.isnan(gradients(x)[0]) == np.isnan(value)


def test_what_are_no_real_numbers():
    for x in (X * 1j, X.astype(str), X.astype("M8[s]"), X.astype(object)):
        with pytest.raises(ValueError, match=r"predict: x: expected real numbers, got dtype"):
            nn.predict(NET, fresh(), x)
        with pytest.raises(ValueError, match="expected real numbers"):
            trained(x)


def test_constant_columns_and_constant_images():
    for x, network in ((np.ones((40, 6)), NET), (np.full((40, 4, 5, 1), 7.0), IMAGES)):
        params, losses = trained(x, network=network)
        assert np.isfinite(losses).all() and np.isfinite(nn.predict(network, params, x)).all()


@pytest.mark.parametrize("network", [NET, IMAGES], ids=["dense", "convolutional"])
def test_batches_of_one_and_one_sample(network):
    x = RNG.standard_normal((3, *network.input_shape))
    params, losses = trained(x, Y[:3], network, batch_size=1)
    assert np.isfinite(losses).all()
    params, losses = trained(x[:1], Y[:1], network, batch_size=10**9)
    assert np.isfinite(losses).all() and nn.predict(network, params, x[:1]).shape == (1, 2)
    assert nn.predict(network, params, x[:0]).shape == (0, 2)


def test_a_class_with_one_example():
    y = np.zeros(40, int)
    y[17] = 1
    params, losses = trained(X / 20, y, optimizer=nn.SGD(0.5, momentum=0.9), epochs=120)
    assert losses[-1] < losses[0] and nn.predict(NET, params, X / 20).argmax(axis=1)[17] == 1


@pytest.mark.parametrize("weight", [1e308, 1e300, 1e-300, 5e-324])
def test_weights_at_the_limits(weight):
    """Only their ratios count."""
    params, losses = trained(X / 20, sample_weight=np.full(40, weight))
    expected, expected_losses = trained(X / 20)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-6)
    for name, value in expected.items():
        np.testing.assert_allclose(params[name], value, rtol=1e-5, atol=1e-7)


# --- Learning rates that blow up --------------------------------------------------------------------------------------

WILD = [
    nn.SGD(1e30),
    nn.SGD(1e38, momentum=0.9),
    nn.SGD(1e30, momentum=0.9, nesterov=True),
    nn.Adam(1e30),
    nn.Adam(1e38),
    nn.SGD(1e308),
]


@pytest.mark.parametrize("optimizer", WILD, ids=repr)
@pytest.mark.parametrize("network", [NET, IMAGES], ids=["dense", "convolutional"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_learning_rate_that_blows_up_stops_at_a_step_or_not_at_all(optimizer, network, dtype):
    x = RNG.standard_normal((40, *network.input_shape)) * 10
    try:
        params, losses = trained(x, network=network, optimizer=optimizer, epochs=20, dtype=dtype)
    except nn.TrainingDiverged as error:
        assert "in epoch" in str(error) and "Lower the learning rate" in str(error)
    else:
        assert np.isfinite(losses).all() and np.isfinite(nn.predict(network, params, x)).all()


def test_the_parameters_are_those_from_before_the_step():
    x, params = X.astype(np.float32), fresh()
    state = nn.SGD(0.01).init(params)
    steps = []

    def keep(done, of):
        steps.append((done, {name: value.copy() for name, value in params.items()}))

    poisoned = nn.Rows(np.concatenate([x, np.full((1, 6), np.nan, np.float32)]), np.r_[:39, 40])
    with pytest.raises(nn.TrainingDiverged, match=r"epoch 0, step (\d+) of 10") as caught:
        for _ in nn.train(
            NET, params, poisoned, Y, loss=LOSS, optimizer=nn.SGD(0.01), optimizer_state=state, max_epochs=1,
            batch_size=4, seed=8, on_step=keep,
        ):  # fmt: skip
            pass
    step = int(str(caught.value).split("step ")[1].split()[0])
    assert step > 0 and steps[-1][0] == step
    assert_same(params, steps[-1][1])
    assert all(np.isfinite(value).all() for value in params.values())


@pytest.mark.parametrize("optimizer", WILD, ids=repr)
def test_the_estimator_keeps_what_was_good(tmp_path, optimizer):
    """It may diverge at once, later or never: its parameters are finite, and so is its file."""
    model = nn.NetworkClassifier(
        optimizer=optimizer, max_epochs=6, random_state=0, checkpoint=tmp_path / "run", batch_size=16
    )
    try:
        model.fit(X * 10.0, Y)
    except nn.TrainingDiverged as error:
        assert "epoch" in str(error) and "step" in str(error)
    if hasattr(model, "params_"):
        assert np.isfinite(model.predict_proba(X)).all()
    if (tmp_path / "run").exists():
        arrays = read_archive(tmp_path / "run" / "checkpoint.npz")[1]
        assert all(np.isfinite(value).all() for name, value in arrays.items() if not name.startswith("history/val"))


@pytest.mark.parametrize("weight", [1e308, 1e300, 1e-300, 5e-324])
def test_the_estimator_looks_at_ratios_of_weights(weight):
    def fitted(**weights):
        return nn.NetworkClassifier(max_epochs=3, random_state=0).fit(X, Y, **weights)

    model, expected = fitted(sample_weight=np.full(40, weight)), fitted()
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-5)


def test_the_estimator_takes_arrays_that_are_not_aligned(tmp_path):
    x = KINDS["not aligned"](X, tmp_path)
    assert not x.flags.aligned

    def fitted(x):
        return nn.NetworkClassifier(max_epochs=2, random_state=0).fit(x, Y).predict_proba(x)

    np.testing.assert_array_equal(fitted(x), fitted(X.astype(np.float32)))
