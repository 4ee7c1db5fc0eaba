"""GRU and LSTM: against loops, against PyTorch, with sequences of different length, at any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite as nn
from nnlite.layers.sequences import pack_sequences, step_counts
from nnlite.testing import check_gradients, check_layer
from nnlite.testing.comparison import same_bits
from tests import naive

LAYERS = {nn.GRU: naive.gru, nn.LSTM: naive.lstm}
EACH = pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
NAMES = ("weight", "recurrent_weight", "bias", "recurrent_bias")


def draw_params(layer, input_shape, seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    fresh = layer.init(input_shape, rng, dtype)
    return {name: 0.7 * rng.standard_normal(value.shape).astype(dtype) for name, value in fresh.items()}


def draw_sequences(lengths, steps, features, seed, dtype=np.float64):
    x = np.random.default_rng(seed).standard_normal((len(lengths), steps, features)).astype(dtype)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = np.nan
    return x


def expected_states(layer, params, x, length):
    """Return the states (length, units or 2 * units) of one sequence, by loops."""
    loop = LAYERS[type(layer)]
    states = loop(x[:length], *(params[name] for name in NAMES))
    if not layer.bidirectional:
        return states
    reverse = loop(x[:length][::-1], *(params[f"reverse_{name}"] for name in NAMES))
    return np.concatenate([states, reverse[::-1]], axis=1)


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(list(LAYERS)),
    units=st.sampled_from([1, 3, 8, 17]),
    bidirectional=st.booleans(),
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=11),
    features=st.integers(1, 5),
    seed=st.integers(0, 2**32),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_states_are_those_of_loops(kind, units, bidirectional, lengths, features, seed, dtype):
    x = draw_sequences(lengths, 6, features, seed, dtype)
    sequences = kind(units, return_sequences=True, bidirectional=bidirectional)
    last = kind(units, bidirectional=bidirectional)
    params = draw_params(sequences, x.shape[1:], seed, dtype)
    y, end = sequences.apply(params, x), last.apply(params, x)
    tolerance = 100 * np.finfo(dtype).eps
    for n, length in enumerate(lengths):
        assert np.isnan(y[n, length:]).all()
        if not length:
            assert np.isnan(end[n]).all()
            continue
        expected = expected_states(sequences, params, x[n], length)
        np.testing.assert_allclose(y[n, :length], expected, rtol=0, atol=tolerance)
        np.testing.assert_allclose(end[n, :units], expected[-1, :units], rtol=0, atol=tolerance)
        np.testing.assert_allclose(end[n, units:], expected[0, units:], rtol=0, atol=tolerance)


@settings(max_examples=10, deadline=None)
@given(
    kind=st.sampled_from(list(LAYERS)),
    units=st.integers(1, 17),
    return_sequences=st.booleans(),
    bidirectional=st.booleans(),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 4)),
    seed=st.integers(0, 2**32),
)
def test_contract(kind, units, return_sequences, bidirectional, shape, seed):
    check_layer(kind(units, return_sequences, bidirectional), shape, np.random.default_rng(seed))


@EACH
@pytest.mark.parametrize("return_sequences", [False, True])
def test_padding_has_no_part_in_gradients(kind, return_sequences):
    """They are those of the shorter sequences by themselves, whatever the gradient of padded outputs says."""
    lengths, steps, features = [3, 6, 1, 6, 0, 4], 6, 3
    layer, rng = kind(5, return_sequences, bidirectional=True), np.random.default_rng(0)
    params, x = draw_params(layer, (steps, features), 0), draw_sequences(lengths, steps, features, 1)
    y, cache = layer.forward(params, x, rng)
    dy = np.where(np.isnan(y), np.nan, rng.standard_normal(y.shape))
    dx, grads = layer.backward(params, cache, dy)
    total = {name: np.zeros(value.shape) for name, value in params.items()}
    for n, length in enumerate(lengths):
        assert not dx[n, length:].any()
        if length:
            _, alone = layer.forward(params, x[n : n + 1, :length], rng)
            dx_alone, part = layer.backward(
                params, alone, dy[n : n + 1, :length] if return_sequences else dy[n : n + 1]
            )
            np.testing.assert_allclose(dx[n, :length], dx_alone[0], rtol=0, atol=1e-12)
            total = {name: total[name] + part[name] for name in total}
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, total[name], rtol=0, atol=1e-12)


@EACH
def test_layers_on_top_of_each_other(kind):
    layers = [kind(6, return_sequences=True, bidirectional=True), nn.Dropout(0.3), kind(5), nn.Dense(2)]
    network = nn.Sequential(layers, input_shape=(5, 3))
    assert check_gradients(network, np.random.default_rng(0)) < 1e-6


@EACH
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_equals_pytorch(kind, bidirectional, return_sequences):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
    lengths, steps, features, units = [7, 3, 1, 7, 5, 2], 7, 4, 6
    layer = kind(units, return_sequences, bidirectional)
    params = draw_params(layer, (steps, features), 0)
    x = draw_sequences(lengths, steps, features, 1)
    module = getattr(torch.nn, kind.__name__)(features, units, batch_first=True, bidirectional=bidirectional).double()
    theirs = {}
    for direction, suffix in (("", ""), ("reverse_", "_reverse"))[: 1 + bidirectional]:
        names = (f"{name}_l0{suffix}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        theirs |= {f"{direction}{name}": their for name, their in zip(NAMES, names, strict=True)}
    state = {theirs[name]: torch.from_numpy(np.ascontiguousarray(value.T)) for name, value in params.items()}
    module.load_state_dict(state)
    tensor = torch.from_numpy(np.nan_to_num(x)).requires_grad_()
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        tensor, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    outputs, end = module(packed)
    if return_sequences:
        expected, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, padding_value=np.nan)
    else:
        expected = (end[0] if kind is nn.LSTM else end).transpose(0, 1).reshape(len(x), -1)
    y, cache = layer.forward(params, x, np.random.default_rng(0))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=0, atol=1e-14)
    dy = np.where(np.isnan(y), 0.0, np.random.default_rng(2).standard_normal(y.shape))
    expected.backward(torch.from_numpy(dy))
    dx, grads = layer.backward(params, cache, dy)
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=0, atol=1e-13)
    gradients = {name: parameter.grad.numpy() for name, parameter in module.named_parameters()}
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, gradients[theirs[name]].T, rtol=0, atol=1e-13)


@EACH
def test_same_bits_at_any_number_of_threads(kind):
    layers = [kind(9, return_sequences=True, bidirectional=True), nn.Dropout(0.2), kind(20), nn.Dense(3)]
    network = nn.Sequential(layers, input_shape=(7, 5))
    rng = np.random.default_rng(0)
    params = network.init(rng)
    x = draw_sequences(rng.integers(1, 8, 75), 7, 5, 1, np.float32)
    loss = nn.SoftmaxCrossEntropy()
    targets, weights = np.eye(3, dtype=np.float32)[rng.integers(3, size=75)], np.ones(75, np.float32)
    results = [nn.loss_and_gradients(network, params, x, targets, weights, loss, n_threads=n) for n in (1, 2, 4)]
    for value, grads in results[1:]:
        assert value == results[0][0]
        assert all(same_bits(gradient, results[0][1][name]) for name, gradient in grads.items())
    outputs = [nn.predict(network, params, x, n_threads=n) for n in (1, 2, 4)]
    assert same_bits(outputs[0], outputs[1]) and same_bits(outputs[0], outputs[2])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,), (3, 4, 5)])
def test_what_is_no_sequence(shape):
    with pytest.raises(ValueError, match=r"GRU: expected input of shape \(steps, features\) with one step or more"):
        nn.GRU(3).output_shape(shape)


def test_sequence_of_one_step():
    layer, x = nn.LSTM(3), np.ones((2, 1, 2))
    params = draw_params(layer, (1, 2), 0)
    expected = naive.lstm(x[0], *(params[name] for name in NAMES))
    np.testing.assert_allclose(layer.apply(params, x), np.repeat(expected, 2, axis=0), atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"units": 0}, "GRU: units: expected a positive integer, got 0"),
        ({"units": 2.5}, "GRU: units: expected a positive integer, got 2.5"),
        ({"units": 2, "bidirectional": 1}, "GRU: bidirectional: expected True or False, got 1"),
        ({"units": 2, "return_sequences": "no"}, "GRU: return_sequences: expected True or False, got 'no'"),
    ],
)
def test_wrong_arguments(arguments, match):
    with pytest.raises(ValueError, match=match):
        nn.GRU(**arguments)


def test_parameters_of_another_layer():
    layer = nn.GRU(3)
    params = layer.init((4, 2), np.random.default_rng(0), np.float32)
    with pytest.raises(ValueError, match=r"GRU: params: weight: expected shape \(5, 9\) and float32"):
        layer.apply(params, np.zeros((1, 4, 5), np.float32))


def test_forget_gate_starts_open():
    params = nn.LSTM(2).init((4, 3), np.random.default_rng(0), np.float32)
    np.testing.assert_array_equal(params["bias"], [0, 0, 1, 1, 0, 0, 0, 0])
    for gate in np.split(params["recurrent_weight"], 4, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(2), atol=1e-6)


def test_shapes_of_parameters_take_no_memory():
    """A file may say anything of a network; its parameters are held against it before they are drawn."""
    network = nn.Sequential([nn.GRU(30_000, bidirectional=True)], input_shape=(2, 1_000_000))
    shapes = network.parameter_shapes
    assert shapes["0.reverse_weight"] == (1_000_000, 90_000) and shapes["0.recurrent_weight"] == (30_000, 90_000)


# --- Padding ----------------------------------------------------------------------------------------------------------


def test_padded_sequences_and_their_lengths():
    sequences = [np.ones((2, 3)), np.ones((4, 3)), np.ones((1, 3))]
    padded = nn.pad_sequences(sequences)
    assert padded.shape == (3, 4, 3) and padded.dtype == np.float32
    np.testing.assert_array_equal(step_counts(padded), [2, 4, 1])
    assert nn.pad_sequences(sequences, steps=9).shape == (3, 9, 3)


@pytest.mark.parametrize(
    ("sequences", "steps", "match"),
    [
        ([], None, "expected one or more, got none"),
        ([np.ones((2, 3)), np.ones((0, 3))], None, r"sequences\[1\]: expected shape .* with one step or more"),
        ([np.ones(3)], None, r"sequences\[0\]: expected shape \(steps, features\)"),
        ([np.ones((2, 3)), np.ones((2, 4))], None, r"sequences\[1\]: expected steps of shape \(3,\)"),
        ([np.ones((5, 3))], 4, "expected at most 4 steps, got 5"),
        ([np.full((2, 3), np.nan)], None, "NaN throughout, which marks padding"),
    ],
)
def test_what_can_not_be_padded(sequences, steps, match):
    with pytest.raises(ValueError, match=match):
        nn.pad_sequences(sequences, steps)


def test_numbers_that_are_missing_inside_a_sequence_are_no_padding():
    """A feature that is NaN, or a step before others, is not left out in silence: it shows in the output."""
    layer, x = nn.GRU(2), np.zeros((3, 4, 2), np.float32)
    x[0, 3, 0] = x[1, 1] = np.nan
    y = layer.apply(layer.init((4, 2), np.random.default_rng(0), np.float32), x)
    assert np.isnan(y[:2]).all() and np.isfinite(y[2]).all()


@settings(deadline=None)
@given(lengths=st.lists(st.integers(0, 5), min_size=0, max_size=8))
def test_packing(lengths):
    x = np.arange(len(lengths) * 5.0).reshape(-1, 5, 1)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = np.nan
    packing = pack_sequences(x)
    order = sorted((n for n in range(len(lengths)) if lengths[n]), key=lambda n: -lengths[n])
    steps = [(n, t) for t in range(5) for n in order if lengths[n] > t]
    np.testing.assert_array_equal(packing.order, order)
    np.testing.assert_array_equal(packing.rows, [n * 5 + t for n, t in steps])
    np.testing.assert_array_equal(packing.reverse_rows, [n * 5 + lengths[n] - 1 - t for n, t in steps])
    np.testing.assert_array_equal(packing.last, [steps.index((n, lengths[n] - 1)) for n in order])
    np.testing.assert_array_equal(packing.previous(), [steps.index((n, t - 1)) for n, t in steps if t])
    assert packing.is_full == all(length == 5 for length in lengths)
