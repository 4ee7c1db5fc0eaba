"""Sequential: shapes, parameters, the summary's figures by hand, and its errors."""

import os
import re
import signal
import threading

import numpy as np
import pytest

import nnlite as nn
from nnlite.network.summary import describe

NET = nn.Sequential(
    [nn.Conv2D(4, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Dropout(0.2), nn.Flatten(), nn.Dense(5), nn.Tanh(), nn.Dense(2)],
    input_shape=(8, 10, 1),
)


def rng(seed=0):
    return np.random.default_rng(seed)


def batch(n=3, dtype=np.float32):
    return rng(1).standard_normal((n, *NET.input_shape)).astype(dtype)


def test_shapes():
    assert NET.shapes == ((8, 10, 1), (6, 8, 4), (6, 8, 4), (3, 4, 4), (3, 4, 4), (48,), (5,), (5,), (2,))
    assert NET.output_shape == (2,)


def test_parameter_names_and_shapes():
    expected = {
        "0.weight": (3, 3, 1, 4),
        "0.bias": (4,),
        "5.weight": (48, 5),
        "5.bias": (5,),
        "7.weight": (5, 2),
        "7.bias": (2,),
    }
    for dtype in (np.float32, np.float64):
        params = NET.init(rng(), dtype)
        assert {name: value.shape for name, value in params.items()} == expected
        assert {value.dtype for value in params.values()} == {np.dtype(dtype)}
    assert NET.parameter_shapes == expected


def test_init_is_a_function_of_the_generator():
    for name, value in NET.init(rng()).items():
        np.testing.assert_array_equal(value, NET.init(rng())[name])
    assert not np.array_equal(NET.init(rng())["0.weight"], NET.init(rng(1))["0.weight"])


@pytest.mark.parametrize(
    ("following", "gain"),
    [
        ([nn.Sigmoid()], 4.0),
        ([nn.ReLU()], 2**0.5),
        ([nn.Tanh()], 1.0),
        ([nn.Dropout(0.5), nn.Flatten(), nn.Sigmoid()], 4.0),
        ([nn.Dense(3), nn.Sigmoid()], 1.0),
        ([nn.Softmax()], 1.0),
        ([], 1.0),
    ],
)
def test_gain_of_the_activation_that_follows(following, gain):
    for layer, shape in [(nn.Dense(30, nn.Glorot()), (20,)), (nn.Conv2D(30, 1, initializer=nn.Glorot()), (4, 4, 20))]:
        weight = nn.Sequential([layer, *following], shape).init(rng())["0.weight"]
        expected = nn.Glorot(gain=gain)(weight.shape, rng(), np.float32)
        np.testing.assert_array_equal(weight, expected)


def test_gain_that_is_given_stays_and_merged_layers_get_theirs():
    given = nn.Sequential([nn.Dense(3, nn.Glorot(gain=1.0)), nn.Sigmoid()], (2,)).init(rng())["0.weight"]
    np.testing.assert_array_equal(given, nn.Glorot(gain=1.0)((2, 3), rng(), np.float32))
    written, merged = (
        [nn.Conv2D(4, 3), nn.MaxPool2D(2), nn.Sigmoid()],
        [nn.ConvMaxPool2D(nn.Conv2D(4, 3)), nn.Sigmoid()],
    )
    weights = [nn.Sequential(layers, (6, 6, 1)).init(rng())["0.weight"] for layers in (written, merged)]
    np.testing.assert_array_equal(*weights)
    for layers in (
        [nn.Dense(3), nn.Sigmoid()],
        [nn.Dense(3), nn.ActivationDropout(nn.Sigmoid(), nn.Dropout(0.1))],
        [nn.DenseActivation(nn.Dense(3), nn.Sigmoid()), nn.ReLU()],
    ):
        weight = nn.Sequential(layers, (4,)).init(rng())["0.weight"]
        np.testing.assert_array_equal(weight, nn.Glorot(gain=4.0)((4, 3), rng(), np.float32))


def test_prepared_parameters_give_the_same_bits():
    for net in (NET, nn.Sequential(NET.layers, NET.input_shape, fuse=False)):
        params = net.init(rng())
        prepared = net.prepare(params)
        assert set(prepared) > set(params)
        assert all("._" in name for name in set(prepared) - set(params))
        results = []
        for p in (params, prepared, net.prepare(prepared)):
            y, cache = net.forward(p, batch(), rng())
            dx, grads = net.backward(p, cache, np.ones_like(y))
            results.append({"y": y, "dx": dx, "apply": net.apply(p, batch()), **grads})
        for result in results[1:]:
            assert result.keys() == results[0].keys()
            for name, value in result.items():
                np.testing.assert_array_equal(value, results[0][name], err_msg=name)


def test_parameters_prepared_for_another_plan_do_no_harm():
    layers = [nn.Conv2D(33, 2), nn.MaxPool2D((3, 5))]  # the window leaves no registers for a second vector
    fused, plain = (nn.Sequential(layers, (4, 6, 1), fuse=fuse) for fuse in (True, False))
    params, x = fused.init(rng()), batch()[:, :4, :6]
    expected = plain.apply(params, x)
    np.testing.assert_array_equal(plain.apply(fused.prepare(params), x), expected)
    np.testing.assert_array_equal(plain.apply(plain.prepare(fused.prepare(params)), x), expected)


def test_any_numbers_become_those_of_the_parameters():
    params = NET.init(rng())
    x = rng().integers(-3, 4, (2, 8, 10, 1))
    expected = NET.apply(params, x.astype(np.float32))
    assert expected.dtype == np.float32
    for other in (x, x.astype(np.int8), x.astype(np.float64), x.tolist(), np.asfortranarray(x)):
        np.testing.assert_array_equal(NET.apply(params, other), expected)


@pytest.mark.parametrize("n", [0, 1])
def test_small_batches(n):
    params = NET.init(rng())
    y, cache = NET.forward(params, batch(n), rng())
    dx, grads = NET.backward(params, cache, y)
    assert (y.shape, dx.shape) == ((n, 2), (n, 8, 10, 1))
    assert {name: value.shape for name, value in grads.items()} == NET.parameter_shapes
    assert NET.apply(params, batch(n)).shape == (n, 2)


def test_networks_without_weights():
    net = nn.Sequential([nn.ReLU(), nn.Flatten()], (2, 2, 1))
    x = batch(3)[:, :2, :2]
    y, cache = net.forward({}, x, rng())
    np.testing.assert_array_equal(net.backward({}, cache, y)[0], np.maximum(x, 0))
    assert net.backward({}, cache, y, input_grad=False) == (None, {})
    assert nn.Sequential([], (3,)).apply({}, np.ones((2, 3))).shape == (2, 3)


def test_equality_and_repr():
    assert nn.Sequential(NET.layers, NET.input_shape) == NET
    assert hash(nn.Sequential(NET.layers, NET.input_shape)) == hash(NET)
    assert nn.Sequential(NET.layers, NET.input_shape, fuse=False) != NET
    assert nn.Sequential(NET.layers[:5], NET.input_shape) != NET
    assert NET != "network"
    names = {type(layer).__name__: type(layer) for layer in NET.layers}
    assert eval(repr(NET), {"Sequential": nn.Sequential, "Glorot": nn.Glorot, **names}) == NET


class TestSummary:
    def test_figures_of_the_published_network(self):
        """Worked out by hand."""
        layers = []
        for filters, kernel in [(32, 5), (64, 3), (128, 2), (256, 2)]:
            layers += [nn.Conv2D(filters, kernel), nn.Sigmoid(), nn.MaxPool2D(2)]
        net = nn.Sequential([*layers, nn.Flatten(), nn.Dense(50), nn.Dense(10), nn.Softmax()], (40, 100, 1))
        rows = [re.split(r"\s{2,}", line.strip()) for line in net.summary().splitlines()]
        figures = {int(row[0]): row[2:] for row in rows if row[0].isdecimal()}
        # height x width x channels, parameters, multiply-adds, receptive field
        assert figures[0] == ["36 x 96 x 32", f"{25 * 32 + 32}", f"{36 * 96 * 32 * 25:,}", "5 x 5"]
        assert figures[2] == ["18 x 48 x 32", "6 x 6"]
        assert figures[3] == ["16 x 46 x 64", f"{9 * 32 * 64 + 64:,}", f"{16 * 46 * 64 * 9 * 32:,}", "10 x 10"]
        assert figures[5] == ["8 x 23 x 64", "12 x 12"]
        assert figures[6] == ["7 x 22 x 128", f"{4 * 64 * 128 + 128:,}", f"{7 * 22 * 128 * 4 * 64:,}", "16 x 16"]
        assert figures[8] == ["3 x 11 x 128", "20 x 20"]
        assert figures[9] == ["2 x 10 x 256", f"{4 * 128 * 256 + 256:,}", f"{2 * 10 * 256 * 4 * 128:,}", "28 x 28"]
        assert figures[11] == ["1 x 5 x 256", "36 x 36"]
        assert figures[12] == ["1280"]
        assert figures[13] == ["50", f"{1280 * 50 + 50:,}", f"{1280 * 50:,}"]
        assert figures[14] == ["10", "510", "500"]
        total = 832 + 18_496 + 32_896 + 131_328 + 64_050 + 510
        adds = 2_764_800 + 13_565_952 + 5_046_272 + 2_621_440 + 64_000 + 500
        assert f"input 40 x 100 x 1; {total:,} parameters; {adds:,} multiply-adds a sample" in net.summary()
        assert net.multiply_adds() == adds
        assert net.summary().endswith(
            "runs as: ConvMaxPool2D, Sigmoid, ConvMaxPool2D, Sigmoid, ConvMaxPool2D, Sigmoid, ConvMaxPool2D, Sigmoid, "
            "Flatten, Dense, Dense, Softmax"
        )

    def test_receptive_field_with_strides(self):
        layers = [nn.Conv2D(2, (3, 5), stride=(2, 1)), nn.MaxPool2D(3, stride=(1, 2)), nn.Conv2D(2, 2, padding="same")]
        rows = nn.Sequential(layers, (20, 30, 1)).summary().splitlines()[2:5]
        assert [re.split(r"\s{2,}", row)[-1] for row in rows] == ["3 x 5", "7 x 7", "9 x 9"]

    def test_a_merged_layer_counts_as_its_parts(self):
        written = nn.Sequential([nn.Conv2D(2, 3), nn.MaxPool2D(2), nn.Conv2D(2, 2)], (9, 9, 1)).summary().splitlines()
        merged = nn.Sequential([nn.ConvMaxPool2D(nn.Conv2D(2, 3)), nn.Conv2D(2, 2)], (9, 9, 1)).summary().splitlines()
        assert written[4].split()[-3:] == merged[3].split()[-3:] == ["6", "x", "6"]

    def test_only_settings_that_differ_from_their_default_are_shown(self):
        assert describe(nn.Conv2D(4, 3)) == "Conv2D(filters=4, kernel_size=(3, 3))"
        assert (
            describe(nn.Conv2D(4, 3, 2, "same"))
            == "Conv2D(filters=4, kernel_size=(3, 3), stride=(2, 2), padding='same')"
        )
        assert describe(nn.MaxPool2D(3, stride=1)) == "MaxPool2D(pool_size=(3, 3), stride=(1, 1))"
        assert describe(nn.MaxPool2D(3)) == "MaxPool2D(pool_size=(3, 3))"
        assert describe(nn.Dense(3, nn.Zeros())) == "Dense(units=3, initializer=Zeros())"


class TestErrors:
    def test_a_layer_that_cannot_take_its_input(self):
        with pytest.raises(ValueError, match="Conv2D: expected input of shape") as raised:
            nn.Sequential([nn.Conv2D(4, 3), nn.Flatten(), nn.Conv2D(8, 3)], (8, 8, 1))
        message = str(raised.value)
        assert message.startswith("Sequential: layers[2] = Conv2D(filters=8, kernel_size=(3, 3)")
        assert "after output of shape (144,)" in message
        assert message.endswith("got (144,). Flatten belongs after the last pooling layer.")

    def test_too_much_pooling(self):
        with pytest.raises(ValueError, match=r"layers\[2\] = MaxPool2D\(.*Leave out a pooling layer"):
            nn.Sequential([nn.MaxPool2D(2)] * 3, (4, 8, 1))

    @pytest.mark.parametrize("layer", [nn.Dense, "Dense", None, 50])
    def test_what_is_no_layer(self, layer):
        with pytest.raises(TypeError, match=r"Sequential: layers\[1\]: expected a layer, got"):
            nn.Sequential([nn.Flatten(), layer], (4,))

    @pytest.mark.parametrize("shape", [(), (0,), (4, -1), (4.0,), "44", (None, 4)])
    def test_input_shapes(self, shape):
        with pytest.raises(ValueError, match="Sequential: input_shape: expected positive integers, channels last"):
            nn.Sequential([], shape)

    def test_an_integer_is_a_shape(self):
        assert nn.Sequential([nn.Dense(2)], 4).input_shape == (4,)

    def test_generators(self):
        for call in (NET.init, lambda r: NET.forward(NET.init(rng()), batch(), r)):
            for wrong in (0, None, np.random):
                with pytest.raises(
                    TypeError, match=r"rng: expected a numpy.random.Generator, got .*default_rng\(seed\)"
                ):
                    call(wrong)

    def test_batches(self):
        params = NET.init(rng())
        with pytest.raises(
            ValueError, match=r"x: expected shape \(n_samples, 8, 10, 1\), got \(8, 10, 1\). Add the batch"
        ):
            NET.apply(params, batch()[0])
        with pytest.raises(ValueError, match=r"x: expected shape \(n_samples, 8, 10, 1\), got \(3, 10, 8, 1\)"):
            NET.forward(params, batch().swapaxes(1, 2), rng())
        with pytest.raises(ValueError, match=r"got \(\)"):
            NET.apply(params, 3.0)

    def test_parameters(self):
        params = NET.init(rng())
        wrong = [
            (
                {**params, "5.weight": params["5.weight"][:-1]},
                r"'5.weight': expected shape \(48, 5\).*got shape \(47, 5\)",
            ),
            ({k: v for k, v in params.items() if k != "7.bias"}, r"'7.bias': expected shape \(2,\).*got none"),
            ({**params, "7.bias": params["7.bias"].astype(float)}, r"'7.bias': expected .* float32, got .* float64"),
            ({**params, "8.weight": params["7.bias"]}, "'8.weight': expected none of this name"),
            ({**params, "weight": params["7.bias"]}, "'weight': expected none of this name"),
        ]
        for changed, message in wrong:
            for call in (lambda p: NET.apply(p, batch()), lambda p: NET.forward(p, batch(), rng()), NET.prepare):
                with pytest.raises(ValueError, match=message):
                    call(changed)

    def test_output_gradient_of_another_batch(self):
        params = NET.init(rng())
        _, cache = NET.forward(params, batch(3), rng())
        with pytest.raises(ValueError, match=r"Dense: dy: expected the shape of the output, \(3, 2\), got \(2, 2\)"):
            NET.backward(params, cache, np.ones((2, 2)))


def test_the_network_before_a_layer():
    net = nn.Sequential([nn.Conv2D(3, 3), nn.Tanh(), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(2)], (6, 6, 1))
    rng = np.random.default_rng(0)
    params, x = net.init(rng), rng.standard_normal((4, 6, 6, 1)).astype(np.float32)
    inner = net.until(-1)
    assert inner == nn.Sequential(net.layers[:4], (6, 6, 1)) and net.until(5) == net and not net.until(0).layers
    own = {name: params[name] for name in inner.parameter_shapes}
    expected = inner.apply(own, x) @ params["4.weight"] + params["4.bias"]
    np.testing.assert_allclose(net.apply(params, x), expected, rtol=1e-5, atol=1e-6)
    for stop in (6, -6):
        with pytest.raises(IndexError, match=r"Sequential\.until: stop: expected an index of the 5 layers"):
            net.until(stop)


@pytest.mark.parametrize("before", [[], [nn.Flatten()], [nn.Reshape((2, 3))], [nn.Dropout(0.5)], [nn.Dense(5)]])
def test_inference_never_writes_over_the_input(before):
    """Activations work in place, but not in the caller's array, nor in a view of it."""
    net = nn.Sequential([*before, nn.Sigmoid(), nn.Tanh(), nn.Flatten(), nn.ReLU(), nn.Dense(2), nn.Tanh()], (6,))
    params = net.init(np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((3, 6)).astype(np.float32)
    kept, expected = x.copy(), x
    for layer, own in zip(net.layers, range(len(net.layers)), strict=True):
        part = {name.partition(".")[2]: value for name, value in params.items() if name.startswith(f"{own}.")}
        expected = layer.apply(part, expected)
    np.testing.assert_array_equal(net.apply(params, x), expected)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_a_thread_works_out_shapes_does_not_wait_for_it():
    begun, go_on = threading.Event(), threading.Event()

    def slow(shape, rng, dtype):
        begun.set()
        go_on.wait(30)
        return np.zeros(shape, dtype)

    thread = threading.Thread(
        target=lambda: nn.Sequential([nn.Dense(3, initializer=slow)], input_shape=(4,)).n_parameters
    )
    thread.start()
    begun.wait(30)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if nn.Sequential([nn.Dense(3)], input_shape=(4,)).n_parameters == 15 else 1)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_part_of_a_network_predicts_with_the_parameters_of_the_whole():
    net = nn.Sequential([nn.Dense(5), nn.Tanh(), nn.Dense(2), nn.Dense(3)], (4,))
    params, x = net.init(np.random.default_rng(0)), np.random.default_rng(1).standard_normal((7, 4)).astype(np.float32)
    for stop in (1, 2, 3, -1):
        inner = net.until(stop)
        np.testing.assert_array_equal(nn.predict(inner, params, x), nn.predict(inner, inner.own(params), x))
    np.testing.assert_array_equal(nn.predict(net.until(2), net.prepare(params), x), nn.predict(net.until(2), params, x))
    with pytest.raises(ValueError, match=r"params: '0.scale': expected none of this name"):
        nn.predict(net.until(2), params | {"0.scale": params["0.bias"]}, x)
    with pytest.raises(ValueError, match=r"params: '0.weight': expected shape"):
        nn.predict(net.until(2), {name: value for name, value in params.items() if name != "0.weight"}, x)
