"""Layers with branches: what they compute, and that networks, estimators and files take them as any other."""

import dataclasses
import re

import numpy as np
import pytest

import nnlite as nn
from nnlite.layers.chain import parameters_by_layer

SAME = {"padding": "same"}
BLOCKS = [
    nn.Conv2D(4, 3, **SAME),
    nn.Residual([nn.ReLU(), nn.Conv2D(4, 3, **SAME), nn.ReLU(), nn.Dropout(0.2), nn.Conv2D(4, 3, **SAME)]),
    nn.Residual([nn.Conv2D(6, 3, 2, **SAME), nn.ReLU(), nn.Conv2D(6, 3, **SAME)], shortcut=nn.Conv2D(6, 1, 2)),
    nn.Parallel([[nn.Conv2D(3, (3, 1), **SAME), nn.ReLU(), nn.MaxPool2D(2)], nn.AveragePool2D(2)]),
    nn.GlobalAveragePooling(),
    nn.Dense(3),
    nn.Softmax(),
]
NETWORK = nn.Sequential(BLOCKS, (12, 10, 1))
RNG = np.random.default_rng(0)
X = RNG.standard_normal((90, 12, 10, 1)).astype(np.float32)
Y = np.arange(90) % 3
X += 2 * np.eye(3, dtype=np.float32)[Y][:, np.repeat(np.arange(3), 4), np.newaxis, np.newaxis]


def test_a_residual_is_the_sum_of_its_layers_and_its_shortcut():
    dense, around = nn.Dense(4), nn.Dense(4)
    block = nn.Residual([dense, nn.Tanh()], around)
    params = block.init((3,), np.random.default_rng(0), np.float64)
    assert list(params) == ["layers.0.weight", "layers.0.bias", "shortcut.0.weight", "shortcut.0.bias"]
    x = RNG.standard_normal((5, 3))
    expected = np.tanh(x @ params["layers.0.weight"]) + x @ params["shortcut.0.weight"]
    np.testing.assert_allclose(block.apply(params, x), expected, rtol=1e-12)
    plain = nn.Residual([nn.ReLU()])
    np.testing.assert_array_equal(plain.apply({}, x), np.maximum(x, 0) + x)


def test_parallel_branches_stand_side_by_side_or_are_added():
    x = RNG.standard_normal((5, 3))
    both = nn.Parallel([[], nn.ReLU()])
    np.testing.assert_array_equal(both.apply({}, x), np.concatenate([x, np.maximum(x, 0)], axis=1))
    np.testing.assert_array_equal(nn.Parallel([[], nn.ReLU(), []], "sum").apply({}, x), x + np.maximum(x, 0) + x)


def test_layers_inside_are_fused_unless_the_network_is_not():
    fused, plain = NETWORK, nn.Sequential(BLOCKS, NETWORK.input_shape, fuse=False)
    assert "ReLU, Conv2D, ActivationDropout, Conv2D" in fused.summary() and "ConvMaxPool2D" in fused.summary()
    assert "ActivationDropout" not in plain.summary() and "ConvMaxPool2D" not in plain.summary()
    assert plain.layers == fused.layers
    params = fused.init(np.random.default_rng(0), np.float64)
    x = X[:5].astype(np.float64)
    results = []
    for net in (fused, plain):
        y, cache = net.forward(params, x, np.random.default_rng(1))
        dx, grads = net.backward(params, cache, np.cos(np.arange(15.0)).reshape(5, 3))
        results.append({"y": y, "apply": net.apply(params, x), "dx": dx, **grads})
    for name, expected in results[1].items():
        np.testing.assert_allclose(results[0][name], expected, rtol=1e-9, atol=1e-12, err_msg=name)
    assert nn.check_gradients(fused, np.random.default_rng(2)) < 1e-6


def test_the_summary_shows_what_is_inside():
    lines = NETWORK.summary().splitlines()
    names = [line.split()[0] for line in lines[2:18]]
    assert names[:7] == ["0", "1", "1.layers.0", "1.layers.1", "1.layers.2", "1.layers.3", "1.layers.4"]
    assert re.search(
        r"2.shortcut.0 +Conv2D\(filters=6, kernel_size=\(1, 1\), stride=\(2, 2\)\) +6 x 5 x 6 +30 ", lines[13]
    )
    assert f"{sum(p.size for p in NETWORK.init(np.random.default_rng(0)).values()):,} parameters" in lines[-2]


def test_weights_before_the_end_of_a_branch_get_the_gain_of_what_follows():
    block = nn.Residual([nn.Dense(4), nn.Tanh(), nn.Dense(4)])
    alone = block.init((4,), np.random.default_rng(0), np.float64)
    net = nn.Sequential([block, nn.ReLU(), nn.Dense(2)], (4,)).init(np.random.default_rng(0), np.float64)
    np.testing.assert_array_equal(net["0.layers.0.weight"], alone["layers.0.weight"])
    np.testing.assert_allclose(net["0.layers.2.weight"], 2**0.5 * alone["layers.2.weight"])


def test_lsuv_scales_what_is_inside():
    params = nn.lsuv(NETWORK, NETWORK.init(np.random.default_rng(0)), X)
    block = parameters_by_layer(params)[1]
    before = NETWORK.until(1).apply(NETWORK.until(1).own(params), X)
    sums = (
        nn.Conv2D(4, 3, **SAME)
        .apply({name: block[f"layers.1.{name}"] for name in ("weight", "bias")}, np.maximum(before, 0))
        .reshape(-1, 4)
    )
    assert abs(sums.mean(0)).max() < 0.02 and abs((sums - sums.mean(0)).std() - 1) < 0.02


@pytest.mark.parametrize("init", ["layers", "lsuv"])
def test_an_estimator_trains_saves_and_goes_on_with_it(tmp_path, init):
    """One seed gives the same bits at any number of threads, and after an interruption."""
    settings = {"optimizer": nn.Adam(0.01), "init": init, "batch_size": 32, "random_state": 0}
    models = [nn.NetworkClassifier(NETWORK, max_epochs=15, n_threads=n, **settings).fit(X, Y) for n in (1, 2)]
    for epochs in (4, 15):
        models.append(
            nn.NetworkClassifier(NETWORK, max_epochs=epochs, checkpoint=tmp_path / "fit", **settings).fit(X, Y)
        )
    for name, value in models[0].params_.items():
        np.testing.assert_array_equal(models[1].params_[name], value)
        np.testing.assert_array_equal(models[3].params_[name], value)
    assert models[0].score(X, Y) > 0.8
    nn.save(tmp_path / "model.npz", models[0])
    loaded = nn.load(tmp_path / "model.npz")
    assert loaded.network_ == NETWORK and loaded.network_.plan == NETWORK.plan
    np.testing.assert_array_equal(loaded.predict_proba(X), models[0].predict_proba(X))


def test_attribution_passes_branches():
    params = NETWORK.init(np.random.default_rng(0), np.float64)
    x = X[:3].astype(np.float64)
    values, gradient = nn.input_gradient(NETWORK, params, x, 1)
    direction = RNG.standard_normal(x.shape)
    above, below = (NETWORK.apply(params, x + step * direction)[:, 1] for step in (1e-6, -1e-6))
    np.testing.assert_allclose((gradient * direction).sum((1, 2, 3)), (above - below) / 2e-6, rtol=1e-5)
    np.testing.assert_allclose(values, NETWORK.apply(params, x)[:, 1])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Residual([]), ValueError, "Residual: layers: expected one or more, got none."),
        (lambda: nn.Residual([3]), TypeError, r"Residual: layers\[0\]: expected a layer, got 3."),
        (lambda: nn.Residual(nn.ReLU(), fuse=1), ValueError, "Residual: fuse: expected"),
        (lambda: nn.Parallel([]), ValueError, "Parallel: branches: expected one or more, got none."),
        (
            lambda: nn.Parallel([[nn.ReLU(), "x"]]),
            TypeError,
            r"Parallel: branches\[0\]\[1\]: expected a layer, got 'x'.",
        ),
        (
            lambda: nn.Parallel([[]], merge="mean"),
            ValueError,
            'Parallel: merge: expected "concat" or "sum", got \'mean\'',
        ),
        (
            lambda: nn.Sequential([nn.Residual([nn.Dense(4)])], (3,)),
            ValueError,
            r"Residual: layers: expected an output of shape \(3,\), .* got \(4,\)\. .* shortcut=Dense\(units\)",
        ),
        (
            lambda: nn.Sequential([nn.Residual([nn.Conv2D(4, 3)])], (2, 9, 1)),
            ValueError,
            r"Residual: layers: layers\[0\] = Conv2D.* height at least 3",
        ),
        (
            lambda: nn.Sequential([nn.Parallel([[], nn.Conv2D(4, 3)])], (9, 9, 1)),
            ValueError,
            r"Parallel: expected branches with outputs of shapes that differ in the last axis alone, got .*\(9, 9, 1\)",
        ),
        (
            lambda: nn.Sequential([nn.Parallel([[], nn.Dense(4)], "sum")], (3,)),
            ValueError,
            r"Parallel: expected branches with outputs of one shape, got .*\(3,\)",
        ),
    ],
)
def test_branches_that_make_no_sense(make, error, message):
    with pytest.raises(error, match=message):
        make()


NORMED = nn.Sequential(
    [
        nn.Conv2D(4, 3, **SAME),
        nn.Residual([nn.BatchNorm(), nn.ReLU(), nn.Conv2D(4, 3, **SAME), nn.BatchNorm()]),
        nn.ReLU(),
        nn.Residual([nn.Conv2D(6, 3, 2, **SAME), nn.BatchNorm()], shortcut=[nn.Conv2D(6, 1, 2), nn.BatchNorm()]),
        nn.GlobalAveragePooling(),
        nn.Dense(3),
    ],
    X.shape[1:],
)


def test_normalisation_over_the_batch_inside_of_branches():
    """Shards exchange their means inside of branches too; running statistics are saved, and leave for ONNX."""
    settings = {"optimizer": nn.Adam(0.01), "max_epochs": 25, "batch_size": 45, "random_state": 0}
    one, two = (nn.NetworkClassifier(NORMED, n_threads=n, **settings).fit(X, Y) for n in (1, 2))
    for name, value in one.params_.items():
        np.testing.assert_array_equal(two.params_[name], value)
    assert one.score(X, Y) > 0.8
    first = NORMED.init(np.random.default_rng(0))
    for name in ("1.layers.0.mean", "1.layers.3.variance", "3.shortcut.1.mean"):
        assert name in NORMED.untrained and (one.params_[name] != first[name]).any()
    state = nn.to_torch_state_dict(NORMED, one.params_)
    assert "1.layers.3.running_var" in state and "3.shortcut.1.running_mean" in state
    back = nn.from_torch_state_dict(NORMED, state)
    assert all(np.array_equal(back[name], value) for name, value in one.params_.items())


def test_normalisation_inside_of_branches_leaves_for_onnx_runtime(tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: nothing to compare with")
    pytest.importorskip("onnx", reason="onnx is not installed: no files to write")
    model = nn.NetworkClassifier(NORMED, max_epochs=2, standardize_axes=(0,), random_state=0).fit(X, Y)
    nn.save(tmp_path / "model.npz", model)
    nn.to_onnx(tmp_path / "model.onnx", nn.load(tmp_path / "model.npz"))
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(None, {"input": X})
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)


class Gate(nn.Residual):
    """A block of a user's that joins its branches otherwise."""

    def joined(self, outputs):
        return outputs[0] * outputs[1]


def test_a_subclass_that_may_join_otherwise_does_not_leave_for_onnx(tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed: no files to write")
    net = nn.Sequential([Gate([nn.Dense(3)])], (3,))
    with pytest.raises(TypeError, match=r"to_onnx: .*Gate"):
        nn.to_onnx(tmp_path / "net.onnx", (net, net.init(np.random.default_rng(0))))


def test_nothing_is_fused_inside_of_time_distributed_branches():
    layers = [nn.TimeDistributed(nn.Residual([nn.Dense(3), nn.ReLU()]))]
    for fuse, steps in ((True, 1), (False, 2)):
        (step,) = nn.Sequential(layers, (4, 3), fuse=fuse).plan
        assert len(step.layer.layer.chains["layers"].plan) == steps


@dataclasses.dataclass(frozen=True)
class Welded(nn.Layer):
    """A layer of a user's whose setting has the name of ours."""

    fuse: str = "hot"

    def __post_init__(self):
        assert isinstance(self.fuse, str)


def test_a_setting_of_another_layer_called_fuse_is_its_own():
    (step,) = nn.Sequential([Welded()], (3,), fuse=False).plan
    assert step.layer == Welded()
