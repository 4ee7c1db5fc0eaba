"""Gradients that are computed where they are used: their numbers, and steps of optimizers with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
from nnlite.kernels import weight_gradients as kernels
from nnlite.layers.weight_gradients import WeightGradient, is_deferred, is_finite, weight_gradient
from nnlite.runtime import products
from nnlite.runtime.threads import at_most
from tests.nnlite.kernels.test_kernels import Guarded

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def factors(samples, m, n, dtype, seed=0):
    rng = np.random.default_rng((seed, samples, m, n))
    return tuple(rng.standard_normal((samples, units)).astype(dtype) for units in (m, n))


def twin(x, dz):
    """Compute the gradient sample by sample, in float64."""
    total = np.zeros((x.shape[1], dz.shape[1]))
    for inputs, gradients in zip(x.astype(np.float64), dz.astype(np.float64), strict=True):
        total += inputs[:, np.newaxis] * gradients
    return total


@settings(deadline=None)
@given(
    samples=st.integers(1, 40),
    n=st.integers(1, 70),
    first=st.integers(0, 9),
    count=st.integers(1, 30),
    after=st.integers(0, 9),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_blocks_of_rows(samples, n, first, count, after, dtype):
    rng = np.random.default_rng((samples, n, first, count, after))
    m = first + count + after
    x, dz = (rng.integers(-3, 4, (samples, units)).astype(dtype) for units in (m, n))
    fetched = tuple(np.full((count, n), k, dtype) for k in range(2))
    guarded = [Guarded(array, dtype) for array in (x, dz, np.full((count, n), np.nan))]
    kernels.multiply(*(g.array for g in guarded[:2]), slice(first, first + count), fetched, guarded[2].array)
    np.testing.assert_array_equal(guarded[2].array, twin(x, dz)[first : first + count])
    for g in guarded:
        g.check()
    assert all((array == k).all() for k, array in enumerate(fetched))


@DTYPES
def test_blocks_of_rows_keep_nan_where_it_is(dtype):
    x, dz = factors(6, 20, 50, dtype)
    x[2, 7], dz[4, 33] = np.nan, np.inf
    out = np.empty((20, 50), dtype)
    kernels.multiply(x, dz, slice(0, 20), (out,), out)
    wrong = ~np.isfinite(out)
    assert wrong[7].all() and wrong[:, 33].all() and wrong.sum() == 50 + 20 - 1


def test_what_pays_is_told_by_the_processor(monkeypatch):
    monkeypatch.setattr(kernels, "VECTOR_BYTES", 32)
    assert kernels.pays(200, 200) and not kernels.pays(200, 10) and not kernels.pays(5000, 200)
    monkeypatch.setattr(kernels, "VECTOR_BYTES", 64)
    assert not kernels.pays(200, 200)


@pytest.fixture(params=[True, False], ids=["kernel", "BLAS"])
def compiled(request, monkeypatch):
    monkeypatch.setattr(kernels, "pays", lambda samples, n: request.param)


@pytest.fixture
def _small(monkeypatch):
    """Make blocks small, so that small gradients are deferred and cut."""
    monkeypatch.setattr(products, "BLOCK", 2000)


@DTYPES
@pytest.mark.usefixtures("_small", "compiled")
@pytest.mark.parametrize("shape", [(9, 50, 40), (30, 70, 33), (2, 400, 9), (64, 64, 64)])
def test_an_array_of_it(shape, dtype):
    x, dz = factors(*shape, dtype)
    gradient = weight_gradient(x, dz)
    assert isinstance(gradient, WeightGradient) and (gradient.shape, gradient.dtype) == (shape[1:], dtype)
    arrays = []
    for n_threads in (1, 3):
        with at_most(n_threads):
            arrays.append(np.asarray(gradient))
    assert np.array_equal(*arrays) and arrays[0].dtype == dtype
    rounding = len(x) * np.finfo(dtype).eps * twin(np.abs(x), np.abs(dz))
    assert (np.abs(arrays[0] - twin(x, dz)) <= rounding).all()
    assert np.array_equal(np.asarray(gradient, np.float16), arrays[0].astype(np.float16))


@pytest.mark.usefixtures("_small")
def test_factors_that_are_not_as_kernels_want_them():
    x, dz = factors(20, 60, 40, np.float32)
    expected = np.asarray(weight_gradient(x, dz))
    read_only = x.copy()
    read_only.flags.writeable = False
    assert np.array_equal(expected, np.asarray(weight_gradient(read_only, np.asfortranarray(dz))))


@pytest.mark.usefixtures("_small")
def test_small_and_wide_gradients_are_arrays():
    assert isinstance(weight_gradient(*factors(3, 20, 10, np.float32)), np.ndarray)
    assert isinstance(weight_gradient(*factors(20, 40, 60, np.float32)), np.ndarray)
    assert not is_deferred(40, 4000, 20)  # it is cut along the samples


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("x_is_finite", [False, True])
@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 1e38), (np.float64, 1e308)])
def test_finite_or_not(dtype, large, x_is_finite):
    x, dz = factors(9, 50, 40, dtype)
    for scale in (1.0, 1e-30, 1e30, large):
        for values in (x, dz):
            values[3, 3] = scale
            with np.errstate(all="ignore"):
                gradient = weight_gradient(x, dz, x_is_finite)
                assert is_finite(gradient) == np.isfinite(np.asarray(gradient)).all()
        dz[3, 3] = x[3, 3] = 1
    for place in ("dz", "both") if x_is_finite else ("x", "dz", "both"):
        for value in (np.nan, np.inf, -np.inf):
            x, dz = factors(9, 50, 40, dtype)
            if place != "dz":
                x[2, 20] = value
            if place != "x":
                dz[1, 30] = value
            assert not is_finite(weight_gradient(x, dz, x_is_finite))


def test_arrays_that_are_finite_or_not():
    values = np.full((3, 1000), 1e30, np.float32)  # whose squares overflow
    assert is_finite(values) and is_finite(values.T) and is_finite(np.zeros(0))
    values[1, 7] = np.nan
    assert not is_finite(values) and not is_finite(np.array([1.0, -np.inf]))


def network(dropout=0.5):
    return nn.Sequential([nn.Dense(60), nn.Sigmoid(), nn.Dropout(dropout), nn.Dense(3)], input_shape=(90,))


OPTIMIZERS = [
    nn.SGD(0.1),
    nn.SGD(0.1, momentum=0.9),
    nn.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    nn.SGD(0.1, momentum=0.9, clip_norm=0.01),
    nn.Adam(0.01, weight_decay=0.01),
]


@DTYPES
@pytest.mark.usefixtures("_small", "compiled")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("block", [100, 32768])
def test_a_step_has_the_bits_of_gradients_and_update(optimizer, dtype, block, monkeypatch):
    monkeypatch.setattr("nnlite.optimizers.steps.BLOCK", block)
    net, loss = network(), nn.SoftmaxCrossEntropy()
    x, _ = factors(30, 90, 1, dtype)
    y, weights = np.arange(30) % 3, np.full(30, 1 / 30)
    results = []
    for n_threads in (1, 3, None):
        params = net.init(np.random.default_rng(0), dtype)
        state = optimizer.init(params)
        for step in range(3):
            seed = (0, step)
            if n_threads is None:
                value, grads = nn.loss_and_gradients(net, params, x, y, weights, loss, seed=seed)
                assert all(type(gradient) is np.ndarray for gradient in grads.values())
                optimizer.update(params, grads, state, 0.5)
            else:
                value = nn.train_step(
                    net, params, x, y, weights, loss=loss, optimizer=optimizer, optimizer_state=state,
                    learning_rate_factor=0.5, seed=seed, n_threads=n_threads,
                )  # fmt: skip
        results.append([value, *params.values(), *state.values()])
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.usefixtures("_small")
def test_a_gradient_is_never_whole_where_the_optimizer_takes_blocks(monkeypatch):
    net, loss, optimizer = network(), nn.SoftmaxCrossEntropy(), nn.SGD(0.1, momentum=0.9)
    params = net.init(np.random.default_rng(0))
    monkeypatch.setattr(WeightGradient, "__array__", None)
    x, _ = factors(30, 90, 1, np.float32)
    nn.train_step(
        net, params, x, np.arange(30) % 3, np.full(30, 1 / 30), loss=loss, optimizer=optimizer,
        optimizer_state=optimizer.init(params),
    )  # fmt: skip


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("activation", [nn.Sigmoid(), nn.Tanh(), nn.ReLU()], ids=repr)
def test_nothing_is_changed_where_a_gradient_is_not_finite(value, activation):
    """Infinity in an input hides behind an activation that is flat there, and behind the loss."""
    layers = [nn.Dense(60), activation, nn.Dense(50), nn.Sigmoid(), nn.Dense(3)]
    net, optimizer = nn.Sequential(layers, input_shape=(90,)), nn.SGD(0.1, momentum=0.9)
    x, _ = factors(30, 90, 1, np.float32)
    x[3, 17] = value
    y, weights = np.arange(30) % 3, np.full(30, 1 / 30)
    params = net.init(np.random.default_rng(0))
    params["2.weight"][...] *= 1e3  # so that the gradient of 3e38 is too large, or nothing
    state = optimizer.init(params)
    before = {name: array.copy() for name, array in {**params, **state}.items()}
    _, grads = nn.loss_and_gradients(net, params, x, y, weights, nn.SoftmaxCrossEntropy())
    finite = all(np.isfinite(gradient).all() for gradient in grads.values())
    assert not (finite and not np.isfinite(value))
    try:
        nn.train_step(
            net, params, x, y, weights, loss=nn.SoftmaxCrossEntropy(), optimizer=optimizer, optimizer_state=state
        )
    except nn.TrainingDiverged as error:
        assert not finite and str(error).startswith("train_step: the ")
        assert all(np.array_equal(before[name], array) for name, array in {**params, **state}.items())
    else:
        assert finite


def test_an_optimizer_of_ones_own_gets_arrays():
    class Plain(nn.optimizers.Optimizer):
        learning_rate = 0.1

        def init(self, params):
            return {}

        def update(self, params, grads, state, learning_rate_factor=1.0):
            for name, gradient in grads.items():
                assert type(gradient) is np.ndarray
                params[name] -= self.learning_rate * gradient

    x, _ = factors(200, 4000, 1, np.float32)
    net = nn.Sequential([nn.Dense(200), nn.Tanh(), nn.Dense(3)], input_shape=(4000,))
    params = net.init(np.random.default_rng(0))
    training = nn.train(
        net, params, x, np.arange(200) % 3, loss=nn.SoftmaxCrossEntropy(), optimizer=Plain(), max_epochs=2,
        batch_size=200,
    )  # fmt: skip
    first, second = training
    assert second.loss < first.loss
