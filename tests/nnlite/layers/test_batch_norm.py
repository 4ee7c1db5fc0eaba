"""Normalisation over the batch: against naive means, PyTorch and ONNX Runtime, over shards, and in files."""

import numpy as np
import pytest

import nnlite as nn
from nnlite.kernels import batch_norm as kernels
from nnlite.layers.whole_batch import alone
from nnlite.network.shards import in_step, loss_and_gradients

RNG = np.random.default_rng(0)
MEAN = nn.SoftmaxCrossEntropy()


def network(fuse=True):
    """Return a network with a normalisation behind each kind of layer, and dropout between."""
    layers = [
        nn.Conv2D(6, 3), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(2), nn.BatchNorm(), nn.Conv2D(5, 2), nn.BatchNorm(),
        nn.Tanh(), nn.Dropout(0.2), nn.Flatten(), nn.Dense(7), nn.BatchNorm(), nn.ReLU(), nn.Dense(3),
    ]  # fmt: skip
    return nn.Sequential(layers, (9, 8, 2), fuse=fuse)


def data(n=75, dtype=np.float32):
    rng = np.random.default_rng(1)
    return (3 * rng.standard_normal((n, 9, 8, 2)) + 5).astype(dtype), rng.integers(0, 3, n)


def trained(n_threads=None, epochs=2):
    net, (x, y) = network(), data()
    params = net.init(np.random.default_rng(2))
    options = {"loss": MEAN, "optimizer": nn.Adam(0.01, weight_decay=0.01), "batch_size": 70, "n_threads": n_threads}
    for _ in nn.train(net, params, x, y, max_epochs=epochs, **options):
        pass
    return net, params


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 3), (50, 1), (37, 21)])
def test_moments(shape, dtype):
    x = (RNG.standard_normal(shape) + 1e4).astype(dtype)
    x[0] = 1e7  # an outlier, at the place that sums are taken from
    mean, squares = np.empty(shape[1]), np.empty(shape[1])
    kernels.moments(x, mean, squares)
    wide = x.astype(np.longdouble)
    np.testing.assert_allclose(mean, wide.mean(axis=0).astype(float), rtol=1e-12)
    expected = np.square(wide - wide.mean(axis=0)).sum(axis=0).astype(float)
    np.testing.assert_allclose(squares, expected, rtol=1e-12)


def test_numbers_near_the_end_of_their_range_are_normalised():
    x = (RNG.standard_normal((40, 3)) * 1e30).astype(np.float32)
    layer = nn.BatchNorm()
    params = layer.init((3,), RNG, np.float32)
    y, _ = layer.forward(params, x, RNG)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-5)
    with np.errstate(over="ignore"):
        wide = params | {"variance": np.array([1, 1e38, np.inf], np.float32)}
    assert np.isnan(layer.apply(wide, x)).any(axis=0).tolist() == [False, False, True]  # it shows


def test_training_has_the_same_bits_at_any_number_of_threads():
    """A batch of 70 is four shards, the last one of an epoch a single one."""
    _, first = trained(1)
    for n_threads in (2, 3):
        _, other = trained(n_threads)
        assert all(other[name].tobytes() == value.tobytes() for name, value in first.items())


def test_shards_give_what_the_whole_batch_gives():
    with_dropout, (x, y) = network(), data(70, np.float64)
    quiet = [layer for layer in with_dropout.layers if not isinstance(layer, nn.Dropout)]
    net = nn.Sequential(quiet, with_dropout.input_shape)
    params, weights = net.init(RNG, np.float64), np.full(70, 1 / 70)
    running = {}
    value, grads = loss_and_gradients(net, params, x, y, weights, MEAN, running=running)
    output, cache = net.forward(params, x, RNG)
    expected, gradient = MEAN.value_and_gradient(output, y, weights)
    assert value == pytest.approx(expected, rel=1e-12)
    for name, wanted in net.backward(params, cache, gradient)[1].items():
        np.testing.assert_allclose(grads[name], wanted, rtol=1e-8, atol=1e-12)
    assert set(running) == set(net.untrained) and len(running) == 8
    np.testing.assert_allclose(running["4.mean"], net.follow(params, cache)["4.mean"], rtol=1e-10)


def test_gradients_of_a_network():
    net = nn.Sequential(
        [nn.Conv2D(3, 2), nn.BatchNorm(), nn.Tanh(), nn.Flatten(), nn.Dense(4), nn.BatchNorm(), nn.Tanh()], (4, 3, 2)
    )
    assert nn.check_gradients(net, np.random.default_rng(3), n_samples=5) < 1e-6
    assert nn.check_gradients(net.noiseless(), np.random.default_rng(3)) < 1e-6


def test_an_error_in_a_shard_reaches_the_caller():
    def shard(k):
        every = yield k
        if k == 2:
            raise ValueError("shard 2")
        return sum(every)

    assert list(in_step([shard(k) for k in (0, 1)], 2)) == [1, 1]
    with pytest.raises(ValueError, match="shard 2"):
        list(in_step([shard(k) for k in range(4)], 2))
    assert alone(shard(5)) == 5


def test_running_means_travel(tmp_path):
    net, params = trained()
    assert params["1.mean"].any() and (params["1.variance"] != 1).all()
    nn.save(tmp_path / "net.npz", (net, params))
    again, loaded = nn.load(tmp_path / "net.npz")
    assert again == net and all(np.array_equal(loaded[name], value) for name, value in params.items())
    assert "48 of them running statistics" in net.summary()
    x, _ = data(5)
    quiet = net.noiseless()
    expected, _ = quiet.forward(params, x, RNG)
    np.testing.assert_allclose(net.apply(params, x), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(nn.predict(net, params, x), expected, rtol=1e-4, atol=1e-5)


def test_a_step_that_diverges_leaves_running_means_alone():
    net, (x, y) = network(), data(20)
    params = net.init(RNG)
    before = {name: value.copy() for name, value in params.items()}
    x[3] = np.inf
    with pytest.raises(nn.TrainingDiverged):
        next(nn.train(net, params, x, y, loss=MEAN, optimizer=nn.SGD(0.1), max_epochs=1))
    assert all(np.array_equal(before[name], value) for name, value in params.items())


def test_an_estimator_trains_saves_and_loads(tmp_path):
    x, y = data()
    x[np.arange(len(y)), 0, y, 0] += 20
    model = nn.NetworkClassifier(network(), optimizer=nn.Adam(0.01), max_epochs=30, batch_size=25, random_state=0)
    model.fit(x, y)
    assert model.score(x, y) > 0.9
    nn.save(tmp_path / "model.npz", model)
    np.testing.assert_array_equal(nn.load(tmp_path / "model.npz").predict_proba(x), model.predict_proba(x))


def test_padding_does_not_count():
    layer = nn.TimeDistributed(nn.BatchNorm())
    short, long = RNG.standard_normal((2, 3)), RNG.standard_normal((5, 3))
    x = nn.pad_sequences([short, long], dtype=np.float64)
    params = layer.init(x.shape[1:], RNG, np.float64)
    y, _ = layer.forward(params, x, RNG)
    real = np.concatenate([short, long])
    np.testing.assert_allclose(y[1], (long - real.mean(0)) / np.sqrt(real.var(0) + 1e-5), rtol=1e-9)
    assert np.isnan(y[0, 2:]).all()


def test_a_step_of_training_is_the_one_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
    layers = [nn.Conv2D(4, 3), nn.BatchNorm(), nn.ReLU(), nn.Flatten(), nn.Dense(5), nn.BatchNorm(), nn.Dense(3)]
    net, (x, y) = nn.Sequential(layers, (9, 8, 2)), data(40, np.float64)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(168, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 3),
    ).double()  # fmt: skip
    params = nn.from_torch_state_dict(net, module.state_dict())
    optimizer, ours = torch.optim.SGD(module.parameters(), 0.1), nn.SGD(0.1)
    first = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    state = ours.init(params)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(first), torch.from_numpy(y)).backward()
        optimizer.step()
        nn.train_step(net, params, x, y, np.full(40, 1 / 40), loss=MEAN, optimizer=ours, optimizer_state=state)
    wanted = nn.from_torch_state_dict(net, module.state_dict())
    for name, value in params.items():
        np.testing.assert_allclose(value, wanted[name], rtol=1e-8, atol=1e-10)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in nn.to_torch_state_dict(net, params).items()})
    with torch.no_grad():
        np.testing.assert_allclose(module.eval()(first).numpy(), net.apply(params, x), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("layers", [None, [nn.Dense(4), nn.BatchNorm(), nn.ReLU(), nn.Flatten(), nn.Dense(2)]])
def test_onnx_runtime_gives_the_same(layers, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed: nothing is written")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: nothing to compare with")
    if layers is None:
        net, params = trained()
    else:
        net = nn.Sequential(layers, (5, 3))
        params = net.init(RNG) | {"1.mean": RNG.random(4, np.float32), "1.variance": RNG.random(4, np.float32)}
    nn.to_onnx(tmp_path / "net.onnx", (net, params))
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    x = RNG.standard_normal((6, *net.input_shape)).astype(np.float32)
    (got,) = session.run(None, {"input": x})
    np.testing.assert_allclose(got, net.apply(params, x), rtol=1e-4, atol=1e-5)


def test_samples_of_four_axes_leave_for_onnx(tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed: nothing is written")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: nothing to compare with")
    net = nn.Sequential([nn.BatchNorm(), nn.Flatten(), nn.Dense(2)], (3, 4, 5, 3))
    params = net.init(RNG) | {"0.mean": np.arange(3, dtype=np.float32)}
    nn.to_onnx(tmp_path / "net.onnx", (net, params))
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    x = RNG.standard_normal((6, *net.input_shape)).astype(np.float32)
    np.testing.assert_allclose(session.run(None, {"input": x})[0], net.apply(params, x), rtol=1e-4, atol=1e-5)


def test_an_average_of_parameters_is_of_the_running_statistics_after_the_step():
    net = nn.Sequential([nn.BatchNorm(), nn.Dense(2)], (3,))
    params, optimizer = net.init(RNG), nn.MovingAverage(nn.SGD(0.01), decay=0.0)
    state = optimizer.init(params)
    x, y = (50 + RNG.standard_normal((20, 3))).astype(np.float32), np.arange(20) % 2
    nn.train_step(net, params, x, y, np.full(20, 1 / 20), loss=MEAN, optimizer=optimizer, optimizer_state=state)
    assert (params["0.mean"] > 4).all()
    for name, value in optimizer.averaged(params, state).items():
        np.testing.assert_array_equal(value, params[name])


def test_shards_that_exchange_another_number_of_times_are_refused():
    def shard(n):
        yield from range(n)

    with pytest.raises(RuntimeError, match="expected as many exchanges in each shard"):
        list(in_step([shard(0), shard(1)], 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 0}, "BatchNorm: epsilon: expected a positive number, got 0"),
        ({"momentum": 1}, r"BatchNorm: momentum: expected a number in \[0, 1\), got 1"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        nn.BatchNorm(**settings)
