"""Losses by their definition in 60 decimal digits, gradients by finite differences, and weights."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.layers.activations import Sigmoid, Softmax
from nnlite.losses import AbsoluteError, Huber, Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError

LOSSES = (
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(label_smoothing=0.1),
    SigmoidCrossEntropy(),
    SigmoidCrossEntropy(label_smoothing=0.2, pos_weight=(1.0, 4.0, 0.25)),
    SquaredError(),
    AbsoluteError(),
    Huber(),
    Huber(0.3),
)
EXTREMES = [0.0, 1.0, -1.0, 40.0, -40.0, 800.0, -800.0, 1e4, -1e4]


def naive_softmax_loss(z, t, smoothing):
    """Return -sum_k t_k log(exp z_k / sum_j exp z_j), term by term as it is written."""
    z, t = [Decimal(float(v)) for v in z], [Decimal(float(v)) for v in t]
    s, k = Decimal(smoothing), len(z)
    total = sum(v.exp() for v in z)
    return -sum(((1 - s) * tk + s / k) * (zk.exp() / total).ln() for zk, tk in zip(z, t, strict=True))


def naive_sigmoid_loss(z, t, smoothing, pos_weight):
    """Return -sum_k (w_k t_k log(y_k) + (1 - t_k) log(1 - y_k)).

    There y = 1 / (1 + exp(-z)) and 1 - y = 1 / (1 + exp(z)).
    """
    loss, s = Decimal(0), Decimal(smoothing)
    for zk, tk, wk in zip(z, t, pos_weight or [1] * len(z), strict=True):
        zk, tk = Decimal(float(zk)), (1 - s) * Decimal(float(tk)) + s / 2
        loss -= Decimal(wk) * tk * (1 / (1 + (-zk).exp())).ln() + (1 - tk) * (1 / (1 + zk.exp())).ln()
    return loss


def naive_error(loss, d):
    """Return the loss of a difference d of 0 or more."""
    if isinstance(loss, AbsoluteError):
        return d
    if isinstance(loss, Huber) and d > Decimal(loss.delta):
        return Decimal(loss.delta) * (d - Decimal(loss.delta) / 2)
    return d**2 / 2


def naive_value(loss, logits, targets, weights):
    with localcontext() as context:
        context.prec = 60
        total = Decimal(0)
        for z, t, w in zip(logits, targets, weights, strict=True):
            if isinstance(loss, SoftmaxCrossEntropy):
                t = np.eye(len(z))[t] if np.ndim(t) == 0 else t
                value = naive_softmax_loss(z, t, loss.label_smoothing)
            elif isinstance(loss, SigmoidCrossEntropy):
                value = naive_sigmoid_loss(z, t, loss.label_smoothing, loss.pos_weight)
            else:
                differences = [abs(Decimal(float(zk)) - Decimal(float(tk))) for zk, tk in zip(z, t, strict=True)]
                value = sum(naive_error(loss, d) for d in differences)
            total += Decimal(float(w)) * value
        return float(total)


def random_batch(loss, rng, n=4, k=3, scale=2.0, indices=False, dtype=np.float64):
    """Return logits, targets as `loss.targets` gives them, and weights."""
    logits = (scale * rng.normal(size=(n, k))).astype(dtype)
    if isinstance(loss, SoftmaxCrossEntropy):
        y = rng.integers(k, size=n) if indices else rng.dirichlet(np.ones(k), size=n)
    else:
        y = rng.uniform(size=(n, k))
    return logits, loss.targets(y, k, dtype), rng.uniform(0.1, 1.0, size=n)


def difference_quotient(loss, logits, targets, weights, step=1e-6):
    gradient = np.empty_like(logits)
    for index in np.ndindex(*logits.shape):
        up, down = logits.copy(), logits.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (loss.value(up, targets, weights) - loss.value(down, targets, weights)) / (2 * step)
    return gradient


@settings(max_examples=40)
@given(st.sampled_from(LOSSES), st.integers(0, 10**6), st.booleans(), st.integers(1, 5), st.data())
def test_value_is_the_definition(loss, seed, indices, n, data):
    rng = np.random.default_rng(seed)
    logits, targets, weights = random_batch(loss, rng, n=n, indices=indices)
    extreme = st.lists(st.sampled_from(EXTREMES), min_size=3, max_size=3)
    logits[0] = data.draw(st.one_of(st.just(logits[0]), extreme))
    assert loss.value(logits, targets, weights) == pytest.approx(naive_value(loss, logits, targets, weights), rel=1e-12)


@settings(max_examples=40)
@given(st.sampled_from(LOSSES), st.integers(0, 10**6), st.booleans(), st.sampled_from([0.1, 2.0, 20.0]))
def test_gradient_is_the_difference_quotient(loss, seed, indices, scale):
    logits, targets, weights = random_batch(loss, np.random.default_rng(seed), scale=scale, indices=indices)
    value, gradient = loss.value_and_gradient(logits, targets, weights)
    assert value == loss.value(logits, targets, weights)
    np.testing.assert_allclose(gradient, difference_quotient(loss, logits, targets, weights), atol=1e-7, rtol=1e-5)


def test_gradient_where_rows_add_up_only_nearly():
    loss = SoftmaxCrossEntropy(label_smoothing=0.3)
    rng = np.random.default_rng(0)
    logits, targets, weights = random_batch(loss, rng)
    targets = loss.targets(targets * 1.0009, 3, np.float64)
    gradient = loss.value_and_gradient(logits, targets, weights)[1]
    np.testing.assert_allclose(gradient, difference_quotient(loss, logits, targets, weights), atol=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("indices", [False, True])
def test_float32_is_float64_rounded(loss, indices):
    logits, targets, weights = random_batch(loss, np.random.default_rng(1), n=20, indices=indices, dtype=np.float32)
    wide_targets = targets if targets.dtype == np.int64 else targets.astype(np.float64)
    narrow = loss.value_and_gradient(logits, targets, weights.astype(np.float32))
    wide_weights = weights.astype(np.float32).astype(np.float64)
    wide = loss.value_and_gradient(logits.astype(np.float64), wide_targets, wide_weights)
    assert type(narrow[0]) is float and narrow[0] == pytest.approx(wide[0], rel=1e-14)
    assert narrow[1].dtype == np.float32 and wide[1].dtype == np.float64
    np.testing.assert_allclose(narrow[1], wide[1], rtol=1e-7, atol=1e-12)
    assert loss.predict(logits).dtype == np.float32


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_stay_finite(loss, dtype):
    logits = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4]], dtype)
    y = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    targets, weights = loss.targets(y, 3, dtype), np.ones(3)
    value, gradient = loss.value_and_gradient(logits, targets, weights)
    assert value == pytest.approx(naive_value(loss, logits, targets, weights), rel=1e-12)
    assert np.isfinite(gradient).all() and np.isfinite(loss.predict(logits)).all()
    if isinstance(loss, SoftmaxCrossEntropy):  # sure and wrong: the gradient is all there
        assert gradient[0, 1] < -0.8


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("indices", [False, True])
def test_nan_goes_through_without_a_warning(loss, bad, indices):
    logits, targets, weights = random_batch(loss, np.random.default_rng(2), indices=indices)
    clean = loss.value_and_gradient(logits, targets, weights)[1]
    logits[1, 2] = bad
    value, gradient = loss.value_and_gradient(logits, targets, weights)
    loss.predict(logits)
    if np.isnan(bad):
        assert math.isnan(value) and np.isnan(gradient[1]).any() and np.isnan(loss.predict(logits)[1]).any()
    else:
        assert not (math.isfinite(value) and abs(value) > 1e300)
    np.testing.assert_array_equal(np.delete(gradient, 1, axis=0), np.delete(clean, 1, axis=0))


@pytest.mark.parametrize("loss", LOSSES)
def test_overflow_goes_through_without_a_warning(loss):
    logits = np.full((1, 3), 3e38, np.float32)
    logits[0, 0] = -3e38
    targets = loss.targets([[1, 0, 0]], 3, np.float32)
    loss.value_and_gradient(logits, targets, np.array([1e10]))


@settings(max_examples=25)
@given(st.sampled_from(LOSSES), st.integers(0, 10**6), st.booleans())
def test_weights_are_factors_and_nothing_else(loss, seed, indices):
    rng = np.random.default_rng(seed)
    logits, targets, weights = random_batch(loss, rng, n=5, indices=indices)
    value, gradient = loss.value_and_gradient(logits, targets, weights)
    alone = [loss.value_and_gradient(logits[i : i + 1], targets[i : i + 1], np.ones(1)) for i in range(5)]
    assert value == pytest.approx(sum(w * v for w, (v, _) in zip(weights, alone, strict=True)))
    np.testing.assert_allclose(gradient, np.concatenate([w * g for w, (_, g) in zip(weights, alone, strict=True)]))
    weights[2] = 0.0
    assert not loss.value_and_gradient(logits, targets, weights)[1][2].any()


@pytest.mark.parametrize("loss", LOSSES)
def test_no_samples(loss):
    for y in ([], np.empty((0, 3))):
        if isinstance(loss, SoftmaxCrossEntropy) or np.ndim(y) == 2:
            targets = loss.targets(y, 3, np.float32)
            value, gradient = loss.value_and_gradient(np.empty((0, 3), np.float32), targets, np.empty(0))
            assert value == 0.0 and gradient.shape == (0, 3) and loss.predict(gradient).shape == (0, 3)


@pytest.mark.parametrize("loss", LOSSES)
def test_arguments_are_left_as_they_are(loss):
    logits, targets, weights = random_batch(loss, np.random.default_rng(3))
    before = logits.copy(), targets.copy(), weights.copy()
    for array in (logits, targets, weights):
        array.flags.writeable = False
    loss.value_and_gradient(logits, targets, weights)
    loss.predict(logits)
    for array, copy in zip((logits, targets, weights), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_softmax_agrees_with_scikit_learn():
    rng = np.random.default_rng(4)
    logits, y, weights = rng.normal(size=(30, 5)), rng.integers(5, size=30), rng.uniform(size=30)
    loss = SoftmaxCrossEntropy()
    probabilities = scipy.special.softmax(logits, axis=1)
    expected = sklearn.metrics.log_loss(y, probabilities, sample_weight=weights, labels=range(5))
    assert loss.value(logits, loss.targets(y, 5, np.float64), weights / weights.sum()) == pytest.approx(expected)
    np.testing.assert_allclose(loss.predict(logits), probabilities, rtol=1e-14)


def test_sigmoid_agrees_with_scipy_and_scikit_learn():
    rng = np.random.default_rng(5)
    logits, y = 5 * rng.normal(size=(30, 4)), rng.integers(2, size=(30, 4))
    loss = SigmoidCrossEntropy()
    expected = sum(sklearn.metrics.log_loss(y[:, k], scipy.special.expit(logits[:, k])) for k in range(4))
    assert loss.value(logits, loss.targets(y, 4, np.float64), np.full(30, 1 / 30)) == pytest.approx(expected)
    extreme = np.array([[0.0, 1e4, -1e4, -700.0, 40.0, np.inf, -np.inf]])
    np.testing.assert_allclose(loss.predict(extreme), scipy.special.expit(extreme), rtol=1e-14)
    np.testing.assert_allclose(loss.predict(logits), scipy.special.expit(logits), rtol=1e-14)


def test_softmax_indices_one_hot_and_distributions_are_one():
    loss, rng = SoftmaxCrossEntropy(label_smoothing=0.1), np.random.default_rng(6)
    logits, y, weights = rng.normal(size=(6, 4)), np.array([0, 3, 1, 1, 2, 0], np.uint8), rng.uniform(size=6)
    by_index = loss.targets(y, 4, np.float32)
    assert by_index.dtype == np.int64 and by_index.shape == (6,)
    one_hot = loss.targets(np.eye(4, dtype=bool)[y], 4, np.float64)
    assert one_hot.dtype == np.float64
    first, second = (loss.value_and_gradient(logits, targets, weights) for targets in (by_index, one_hot))
    assert first[0] == pytest.approx(second[0], rel=1e-14)
    np.testing.assert_allclose(first[1], second[1], atol=1e-15)
    half = loss.targets(np.full((1, 4), 0.25), 4, np.float64)
    whole = [loss.value(logits[:1], loss.targets([k], 4, np.float64), np.ones(1)) for k in range(4)]
    assert loss.value(logits[:1], half, np.ones(1)) == pytest.approx(np.mean(whole))


@given(st.integers(0, 10**6), st.floats(-1e3, 1e3), st.booleans())
def test_softmax_invariances(seed, shift, indices):
    rng = np.random.default_rng(seed)
    loss = SoftmaxCrossEntropy(label_smoothing=0.05)
    logits, targets, weights = random_batch(loss, rng, indices=indices)
    value, gradient = loss.value_and_gradient(logits, targets, weights)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-14)
    assert loss.value(logits + shift, targets, weights) == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(loss.predict(logits).sum(axis=1), 1, rtol=1e-14)
    order = rng.permutation(3)
    renamed = np.argsort(order)[targets] if indices else targets[:, order]
    assert loss.value(logits[:, order], renamed, weights) == pytest.approx(value, rel=1e-12)


def test_sigmoid_outputs_are_independent_questions():
    rng = np.random.default_rng(7)
    together = SigmoidCrossEntropy(label_smoothing=0.1, pos_weight=(2.0, 1.0, 0.5))
    logits, targets, weights = random_batch(together, rng)
    value, gradient = together.value_and_gradient(logits, targets, weights)
    total = 0.0
    for k, factor in enumerate(together.pos_weight):
        alone = SigmoidCrossEntropy(label_smoothing=0.1, pos_weight=(factor,))
        part, column = alone.value_and_gradient(logits[:, [k]], alone.targets(targets[:, k], 1, np.float64), weights)
        total += part
        np.testing.assert_allclose(gradient[:, [k]], column, rtol=1e-14)
    assert value == pytest.approx(total)


def test_sigmoid_of_one_output_is_the_softmax_of_two():
    z, y = np.array([[0.3], [-2.0], [30.0]]), np.array([1, 0, 0])
    sigmoid, softmax = SigmoidCrossEntropy(), SoftmaxCrossEntropy()
    expected = softmax.value(np.hstack([np.zeros_like(z), z]), softmax.targets(y, 2, np.float64), np.ones(3))
    assert sigmoid.value(z, sigmoid.targets(y, 1, np.float64), np.ones(3)) == pytest.approx(expected)


def test_pos_weight_counts_positives_that_often():
    loss, tripled = SigmoidCrossEntropy(), SigmoidCrossEntropy(pos_weight=[3])
    z, t, weights = np.array([[0.7], [-0.2]]), np.array([[1.0], [0.0]]), np.array([1.0, 1.0])
    assert tripled.value(z, t, weights) == pytest.approx(loss.value(z, t, np.array([3.0, 1.0])))
    assert tripled == SigmoidCrossEntropy(pos_weight=(3.0,)) and hash(tripled) == hash(SigmoidCrossEntropy(0.0, (3.0,)))


def test_squared_error_is_the_delta_rule():
    loss = SquaredError()
    z, targets = np.array([[0.25, 2.0]]), loss.targets([[1, 0]], 2, np.float64)
    assert loss.value_and_gradient(z, targets, np.ones(1))[1].tolist() == [[-0.75, 2.0]]  # output - target
    assert loss.predict(z) is z


def test_a_loss_knows_the_layer_that_it_absorbs():
    losses = (SoftmaxCrossEntropy(), SigmoidCrossEntropy(), SquaredError())
    assert [loss.output_activation for loss in losses] == [Softmax, Sigmoid, None]
    assert len(set(LOSSES) | set(LOSSES)) == len(LOSSES)  # frozen, comparable, hashable
    assert repr(SoftmaxCrossEntropy()) == "SoftmaxCrossEntropy(label_smoothing=0.0)"
    assert all(isinstance(loss, Loss) for loss in LOSSES)


def test_labels_of_classes_become_targets():
    one, many = np.array([2, 0]), np.array([[0, 1, 1], [1, 0, 0]])
    assert SoftmaxCrossEntropy().class_targets(one, 3) is one
    assert SoftmaxCrossEntropy().class_targets(many, 3).tolist() == [[0, 0.5, 0.5], [1, 0, 0]]
    assert SigmoidCrossEntropy().class_targets(many, 3) is many
    assert SquaredError().class_targets(one, 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert SquaredError().class_targets(many, 3) is many
    for who in (None, "fit"):
        message = (
            f"{who or 'SoftmaxCrossEntropy'}: y: expected a label for each sample under a softmax, got none in row 1"
        )
        with pytest.raises(ValueError, match=message):
            SoftmaxCrossEntropy().class_targets(np.array([[1, 0], [0, 0]]), 2, who)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinite_logits_are_probabilities_of_nought_and_one(dtype):
    """Right and sure costs nothing, wrong and sure costs infinity; the gradient is what it is just before."""
    loss = SigmoidCrossEntropy()
    logits = np.array([[np.inf], [-np.inf], [np.inf], [-np.inf], [np.nan]], dtype)
    targets = np.array([[1], [0], [0], [1], [1]], dtype)
    for i, (value, slope) in enumerate([(0, 0), (0, 0), (np.inf, 1), (np.inf, -1), (np.nan, np.nan)]):
        found = loss.value_and_gradient(logits[i : i + 1], targets[i : i + 1], np.ones(1))
        np.testing.assert_array_equal([found[0], found[1][0, 0]], [value, slope])
    softmax, shares = SoftmaxCrossEntropy(), np.array([[0.5, 0.5, 0.0]], dtype)
    value, gradient = softmax.value_and_gradient(np.array([[0, 0, -np.inf]], dtype), shares, np.ones(1))
    assert value == pytest.approx(np.log(2)) and not gradient.any()
    assert softmax.value(np.array([[0, 0, -np.inf]], dtype), np.array([2]), np.ones(1)) == np.inf
    assert np.isnan(softmax.value(np.array([[0, 0, np.nan]], dtype), shares, np.ones(1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_softmax_of_plus_infinity_is_its_limit(dtype):
    inf, loss = np.inf, SoftmaxCrossEntropy()
    logits = np.array([[inf, 0, -inf], [inf, 5, inf], [1, 2, 3], [inf, np.nan, 0], [-inf] * 3], dtype)
    expected = np.array([[1, 0, 0], [0.5, 0, 0.5], loss.predict(logits[2:3])[0], [np.nan] * 3, [np.nan] * 3])
    np.testing.assert_allclose(loss.predict(logits), expected, rtol=1e-6)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(Softmax().apply({}, logits), expected, rtol=1e-6)
    one = np.ones(1)
    for row, target, value in [(0, 0, 0), (0, 1, inf), (1, 0, np.log(2)), (1, 1, inf), (3, 0, np.nan)]:
        for form in (np.array([target]), np.eye(3, dtype=dtype)[[target]]):
            found, gradient = loss.value_and_gradient(logits[row : row + 1], form, one)
            np.testing.assert_allclose(found, value)
            np.testing.assert_allclose(gradient[0], expected[row] - np.eye(3)[target])
    odds = [[inf, -inf, -inf], [0, -inf, 0]]
    np.testing.assert_array_equal(loss.log_odds(logits[:2]), odds)
    for k in range(3):
        values, gradient = loss.log_odds_and_gradient(logits[:2], k)
        np.testing.assert_array_equal(values, np.array(odds)[:, k])
        others = np.array([[1, 0, 0], [1, 0, 1]])[:, [j for j in range(3) if j != k]]
        if others.any(axis=1).all():
            np.testing.assert_allclose(np.delete(gradient, k, axis=1), -others / others.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("kind", ["squared", "absolute", "Huber", "soft labels", "smoothed labels", "soft indicators"])
def test_values_and_gradients_are_those_of_pytorch(kind):
    """Theirs are means over samples, and those of differences also over outputs."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    z, t = 2 * rng.standard_normal((6, 4)), rng.dirichlet(np.ones(4), 6)
    z[0] = t[0] + [0.5, -0.5, 3.0, 0.0]
    ours, theirs, factor = {
        "squared": (SquaredError(), torch.nn.MSELoss(), 2 / 4),
        "absolute": (AbsoluteError(), torch.nn.L1Loss(), 1 / 4),
        "Huber": (Huber(0.5), torch.nn.HuberLoss(delta=0.5), 1 / 4),
        "soft labels": (SoftmaxCrossEntropy(), torch.nn.CrossEntropyLoss(), 1),
        "smoothed labels": (SoftmaxCrossEntropy(0.2), torch.nn.CrossEntropyLoss(label_smoothing=0.2), 1),
        "soft indicators": (SigmoidCrossEntropy(), torch.nn.BCEWithLogitsLoss(), 1 / 4),
    }[kind]
    value, gradient = ours.value_and_gradient(z, ours.targets(t, 4, np.float64), np.full(6, 1 / 6))
    logits = torch.tensor(z, requires_grad=True)
    reference = theirs(logits, torch.tensor(t))
    reference.backward()
    assert factor * value == pytest.approx(reference.item(), rel=1e-12)
    np.testing.assert_allclose(factor * gradient, logits.grad.numpy(), rtol=1e-9, atol=1e-15)
