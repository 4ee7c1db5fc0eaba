"""The checks find what they are there to find: each layer below breaks one clause of the contract."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import nnlite as nn
from nnlite.layers.counterparts import OnnxNode, TorchParameter
from nnlite.testing import check_gradients, check_layer


@dataclass(frozen=True)
class Scale(nn.Layer):
    """A sound layer to be broken: a factor for each channel."""

    def init(self, input_shape, rng, dtype):
        return {"factor": 1 + rng.random(input_shape[-1]).astype(dtype)}

    def forward(self, params, x, rng):
        return self.apply(params, x), x

    def backward(self, params, cache, dy, input_grad=True):
        axes = tuple(range(dy.ndim - 1))
        return (dy * params["factor"] if input_grad else None), {"factor": (dy * cache).sum(axes)}

    def apply(self, params, x):
        return x * params["factor"]


class Counter:
    calls = 0


class NotALayer:
    pass


class NotADataclass(Scale):
    def __init__(self):
        pass


@dataclass(frozen=True)
class NotHashable(Scale):
    sizes: list = field(default_factory=list)


@dataclass(frozen=True, repr=False)
class NoRepr(Scale):
    def __repr__(self):
        return "a layer"


@dataclass(frozen=True)
class ShapeOfAList(Scale):
    def output_shape(self, input_shape):
        return list(input_shape)


@dataclass(frozen=True)
class WrongShape(Scale):
    def output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def backward(self, params, cache, dy, input_grad=True):
        return super().backward(params, cache, dy[..., :-1], input_grad)


@dataclass(frozen=True)
class DottedName(Scale):
    def init(self, input_shape, rng, dtype):
        return {"the.factor": np.ones(input_shape[-1], dtype)}


@dataclass(frozen=True)
class AlwaysDouble(Scale):
    def init(self, input_shape, rng, dtype):
        return super().init(input_shape, rng, np.float64)


@dataclass(frozen=True)
class RandomInit(Scale):
    def init(self, input_shape, rng, dtype):
        return super().init(input_shape, np.random.default_rng(), dtype)


@dataclass(frozen=True)
class DoubleOutput(Scale):
    def apply(self, params, x):
        return super().apply(params, x).astype(np.float64)


@dataclass(frozen=True)
class MissingGradient(Scale):
    def backward(self, params, cache, dy, input_grad=True):
        return super().backward(params, cache, dy, input_grad)[0], {}


@dataclass(frozen=True)
class ScalarGradient(Scale):
    def backward(self, params, cache, dy, input_grad=True):
        dx, grads = super().backward(params, cache, dy, input_grad)
        return dx, {"factor": grads["factor"].sum(keepdims=True)}


@dataclass(frozen=True)
class NoInputGradient(Scale):
    def backward(self, params, cache, dy, input_grad=True):
        return None, super().backward(params, cache, dy, input_grad)[1]


@dataclass(frozen=True)
class UnwantedInputGradient(Scale):
    def backward(self, params, cache, dy, input_grad=True):
        return super().backward(params, cache, dy, True)


@dataclass(frozen=True)
class InPlace(Scale):
    def forward(self, params, x, rng):
        cache = x.copy()
        return np.multiply(x, params["factor"], out=x) + 0, cache


@dataclass(frozen=True)
class InPlaceBackward(Scale):
    def backward(self, params, cache, dy, input_grad=True):
        results = super().backward(params, cache, dy, input_grad)
        dy *= 2
        return results


@dataclass(frozen=True)
class InPlaceParams(Scale):
    def prepare(self, params):
        params["factor"][0] = 7
        return params


@dataclass(frozen=True)
class Counting(Scale):
    def apply(self, params, x):
        Counter.calls += 1
        return super().apply(params, x) + x.dtype.type(Counter.calls)


@dataclass(frozen=True)
class BadPreparation(Scale):
    def prepare(self, params):
        return {**params, "_twice": 2 * params["factor"]}

    def apply(self, params, x):
        return x * params.get("_twice", params["factor"])


@dataclass(frozen=True)
class PreparesPublicly(Scale):
    def prepare(self, params):
        return {**params, "twice": 2 * params["factor"]}


@dataclass(frozen=True)
class OtherApply(Scale):
    def forward(self, params, x, rng):
        return self.apply(params, x) * 2, x


@dataclass(frozen=True)
class ReadsMemory(Scale):
    def apply(self, params, x):
        return np.lib.stride_tricks.as_strided(x, x.shape, np.empty_like(x, order="C").strides) * params["factor"]


@dataclass(frozen=True)
class NeedsOneSample(Scale):
    def apply(self, params, x):
        return super().apply(params, x) + x.max()


@dataclass(frozen=True)
class MixesTheBatch(Scale):
    def apply(self, params, x):
        return super().apply(params, x) + x.sum(axis=0)


@dataclass(frozen=True)
class HalfPrecision(Scale):
    def apply(self, params, x):
        y = super().apply(params, x)
        return y.astype(np.float16).astype(y.dtype) if x.dtype == np.float32 else y


@dataclass(frozen=True)
class WrongGradient(Scale):
    def backward(self, params, cache, dy, input_grad=True):
        dx, grads = super().backward(params, cache, dy, input_grad)
        return dx, {"factor": grads["factor"] * dy.dtype.type(1.001)}


@dataclass(frozen=True)
class WrongInputGradient(Scale):
    def backward(self, params, cache, dy, input_grad=True):
        dx, grads = super().backward(params, cache, dy, input_grad)
        if dx is not None and dx.size:
            dx.flat[0] = 0
        return dx, grads


@dataclass(frozen=True)
class OtherParameterShapes(Scale):
    def parameter_shapes(self, input_shape):
        return {"factor": input_shape}


@dataclass(frozen=True)
class HidesAMethod(Scale):
    unfused: int = 3


@dataclass(frozen=True)
class NoGain(Scale):
    def gain_before(self):
        return 0.0


@dataclass(frozen=True)
class FlatWindow(Scale):
    def receptive_window(self):
        return (3, 3)


@dataclass(frozen=True)
class NotNonnegative(Scale):
    nonnegative = True


@dataclass(frozen=True)
class OtherParts(Scale):
    def unfused(self):
        return Scale(), nn.Tanh()


@dataclass(frozen=True)
class OtherNamesInTorch(Scale):
    def torch_parameters(self):
        return {"scale": TorchParameter("weight", (0,))}


@dataclass(frozen=True)
class OtherAxesInTorch(Scale):
    def torch_parameters(self):
        return {"factor": TorchParameter("weight", (1, 0))}


@dataclass(frozen=True)
class OtherLayoutInOnnx(Scale):
    def onnx(self, input_shape, params):
        return [OnnxNode("Mul", {"factor": params["factor"]}, channels="middle")]


BROKEN = {
    NotALayer: "expected an instance of a subclass of nnlite.Layer, got <",
    NotADataclass: r"expected an instance of a dataclass, got NotADataclass, .* __init__ .* Write @dataclass",
    NotHashable: "expected a hashable description, got unhashable type: 'list'",
    NoRepr: "repr: expected it to start with the class",
    ShapeOfAList: r"output_shape: expected a tuple of int, got \[4, 3\]",
    WrongShape: r"output of forward: expected shape \(3, 4, 4\) of float32, got \(3, 4, 3\) of float32",
    DottedName: "init: expected a name without '.', which joins .* got 'the.factor'",
    AlwaysDouble: "init: 'factor': expected float32, got float64",
    RandomInit: "init: expected equal parameters from equal generators",
    DoubleOutput: r"output of forward: expected shape \(3, 4, 3\) of float32, got \(3, 4, 3\) of float64",
    MissingGradient: "backward: expected .*\"gradient of 'factor'\".*, got",
    ScalarGradient: r"gradient of 'factor': expected shape \(3,\) of float32, got \(1,\)",
    NoInputGradient: "backward: expected the gradient of the input, got None",
    UnwantedInputGradient: "backward: expected None with input_grad=False, got an array",
    InPlace: "expected `x` to be left as it is; it was modified",
    InPlaceBackward: "expected `dy` to be left as it is; it was modified",
    InPlaceParams: "expected `params` to be left as they are; they were modified",
    Counting: "output of forward: expected the same bits from equal arguments and generators, got others",
    BadPreparation: "output of forward: expected the same bits from prepared parameters, got others",
    PreparesPublicly: r"prepare: expected names that start with '_', got \['twice'\]",
    OtherApply: "apply: expected the output of forward, which is without noise, to the bit",
    ReadsMemory: "output of forward: expected the same bits from strided arrays, got others",
    MixesTheBatch: "apply: expected a sample's output not to depend on the rest of the batch",
    HalfPrecision: "output of forward: expected float32 close to float64, got a relative distance of",
    OtherParameterShapes: r"parameter_shapes: expected those of `init`, .*\(3,\).*, got .*\(4, 3\)",
    HidesAMethod: r"expected fields of other names than those of nnlite.Layer's own, got \['unfused'\]",
    NoGain: "gain_before: expected a positive number or None, got 0.0",
    FlatWindow: r"receptive_window: expected two pairs of positive integers, got \(3, 3\)",
    NotNonnegative: "nonnegative: expected no output below 0, got one",
    OtherParts: "unfused: expected layers that do the same one after the other, got others",
    OtherNamesInTorch: r"torch_parameters: expected the names \['factor'\] or none, got \['scale'\]",
    OtherAxesInTorch: r"torch_parameters: 'factor': expected each axis once, got \(1, 0\)",
    OtherLayoutInOnnx: 'onnx: channels: expected "last", "first" or "any", got \'middle\'',
    WrongGradient: "gradient with respect to the parameters: expected .* 'factor' alone: ",
    WrongInputGradient: "gradient with respect to the input: expected .* by central differences, got",
}


def test_a_sound_layer_passes():
    check_layer(Scale(), (4, 3), np.random.default_rng(0))


@pytest.mark.parametrize("layer", BROKEN, ids=lambda layer: layer.__name__)
def test_a_broken_layer_fails(layer):
    with pytest.raises(AssertionError, match=BROKEN[layer]) as raised:
        check_layer(layer(), (4, 3), np.random.default_rng(0))
    assert "check_layer: " in str(raised.value) or "check_gradients: " in str(raised.value)


def test_a_layer_that_cannot_take_an_empty_batch():
    with pytest.raises(ValueError, match="zero-size array"):
        check_layer(NeedsOneSample(), (4, 3), np.random.default_rng(0))


class TestCheckGradients:
    def test_networks(self):
        layers = [nn.Dense(6), nn.ReLU(), nn.Dropout(0.3), nn.Dense(5), nn.Sigmoid(), nn.Dense(3), nn.Softmax()]
        error = check_gradients(nn.Sequential(layers, (4,)), np.random.default_rng(0))
        assert 0 < error < 1e-6

    def test_a_wrong_layer_in_a_network_is_named(self):
        net = nn.Sequential([nn.Dense(6), WrongGradient(), nn.Dense(5)], (4,))
        with pytest.raises(AssertionError, match=r"'1.factor' alone: .* backward does not fit forward"):
            check_gradients(net, np.random.default_rng(0))

    @pytest.mark.parametrize("seed", range(20))
    def test_kinks_are_stepped_over(self, seed):
        """A thousand values, some closer to zero than the first step."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((1, 1000)) * rng.choice([1, 1e-5], (1, 1000), p=[0.99, 0.01])
        assert check_gradients(nn.ReLU(), rng, x=x, input_shape=(1000,)) < 1e-6
        assert check_gradients(nn.MaxPool2D(2), rng, input_shape=(20, 20, 5)) < 1e-6

    def test_a_point_on_a_kink_fails(self):
        with pytest.raises(AssertionError, match="expected a function that is smooth at most points, found none"):
            check_gradients(nn.ReLU(), np.random.default_rng(0), x=np.zeros((1, 4)), input_shape=(4,))

    def test_parameters_that_are_given_are_used(self):
        rng = np.random.default_rng(0)
        with pytest.raises(AssertionError, match="forward: expected finite numbers, got NaN or infinity"):
            check_gradients(nn.Dense(2), rng, input_shape=(1,), params={"weight": [[1, np.nan]], "bias": [0, 0]})
        assert check_gradients(nn.Dense(2), rng, input_shape=(1,), params={"weight": [[1, 2]], "bias": [0, 0]}) < 1e-6

    def test_small_gradients_are_not_lost_in_rounding(self):
        net = nn.Sequential(
            [layer for _ in range(8) for layer in (nn.Dense(5, nn.Glorot(gain=1.0)), nn.Sigmoid())], (5,)
        )
        assert check_gradients(net, np.random.default_rng(0)) < 1e-6
        net = nn.Sequential([WrongGradient(), *[nn.Sigmoid()] * 6], (5,))
        with pytest.raises(AssertionError, match="gradient with respect to the parameters"):
            check_gradients(net, np.random.default_rng(0))

    def test_noise_that_does_not_come_from_the_generator(self):
        with pytest.raises(AssertionError, match="forward: expected equal outputs of equal arguments and generators"):
            check_gradients(Counting(), np.random.default_rng(0), input_shape=(3,))

    def test_float32_inside(self):
        @dataclass(frozen=True)
        class Single(Scale):
            def apply(self, params, x):
                return super().apply(params, x).astype(np.float32)

        with pytest.raises(AssertionError, match="forward: expected float64 for input of float64, got float32"):
            check_gradients(Single(), np.random.default_rng(0), input_shape=(3,))

    def test_a_layer_needs_a_shape(self):
        with pytest.raises(TypeError, match="check_gradients: input_shape: expected the shape of one sample for ReLU"):
            check_gradients(nn.ReLU(), np.random.default_rng(0))

    def test_missing_gradients(self):
        with pytest.raises(AssertionError, match=r"backward: expected gradients of shapes .*'factor'.*, got"):
            check_gradients(MissingGradient(), np.random.default_rng(0), input_shape=(3,))
