"""Optimizers against loops over single numbers, against scikit-learn's, after a checkpoint, and in place."""

import dataclasses
import io
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.optimizers import SGD, Adam, AdamW, GradientAccumulation, MovingAverage, steps
from tests.nnlite.optimizer_cases import EACH_KIND, SHAPES, random_arrays

sgds = st.builds(
    SGD,
    learning_rate=st.floats(1e-3, 1.0),
    momentum=st.floats(0.1, 0.99),
    nesterov=st.booleans(),
    weight_decay=st.sampled_from([0.0, 0.01, 0.5]),
    clip_norm=st.sampled_from([None, 0.5, 100.0]),
) | st.builds(SGD, learning_rate=st.floats(1e-3, 1.0), weight_decay=st.sampled_from([0.0, 0.1]))
adams = st.builds(
    lambda decoupled, **settings: (AdamW if decoupled else Adam)(**settings),
    st.booleans(),
    learning_rate=st.floats(1e-4, 0.1),
    beta1=st.floats(0.0, 0.99),
    beta2=st.floats(0.0, 0.999),
    epsilon=st.sampled_from([1e-8, 1e-3]),
    weight_decay=st.sampled_from([0.0, 0.01, 0.5]),
    clip_norm=st.sampled_from([None, 0.5, 100.0]),
)


def naive_steps(optimizer, params, many_grads, factors):
    """Follow the published formulas, one Python float at a time."""
    params = {name: p.astype(np.float64).copy() for name, p in params.items()}
    memory = {(name, index): (0.0, 0.0) for name, p in params.items() for index in np.ndindex(p.shape)}
    for step, (grads, factor) in enumerate(zip(many_grads, factors, strict=True), start=1):
        lr = optimizer.learning_rate * factor
        norm = math.sqrt(math.fsum(float(g) ** 2 for array in grads.values() for g in array.ravel()))
        scale = 1.0 if optimizer.clip_norm is None or norm <= optimizer.clip_norm else optimizer.clip_norm / norm
        for name, p in params.items():
            for index in np.ndindex(p.shape):
                value, g = float(p[index]), float(grads[name][index]) * scale
                if p.ndim >= 2 and isinstance(optimizer, AdamW):
                    value -= lr * optimizer.weight_decay * value
                elif p.ndim >= 2:
                    g += optimizer.weight_decay * value
                first, second = memory[name, index]
                if isinstance(optimizer, SGD):
                    first = optimizer.momentum * first + g
                    value -= lr * (g + optimizer.momentum * first if optimizer.nesterov else first)
                else:
                    first = optimizer.beta1 * first + (1 - optimizer.beta1) * g
                    second = optimizer.beta2 * second + (1 - optimizer.beta2) * g**2
                    mean, mean_square = first / (1 - optimizer.beta1**step), second / (1 - optimizer.beta2**step)
                    value -= lr * mean / (math.sqrt(mean_square) + optimizer.epsilon)
                memory[name, index] = first, second
                p[index] = value
    return params


@settings(max_examples=60)
@given(sgds | adams, st.integers(0, 10**6), st.lists(st.floats(0, 2), min_size=1, max_size=5))
def test_steps_are_the_published_formulas(optimizer, seed, factors):
    params = random_arrays(seed)
    many_grads = [random_arrays([seed, step]) for step in range(len(factors))]
    expected = naive_steps(optimizer, params, many_grads, factors)
    state = optimizer.init(params)
    for grads, factor in zip(many_grads, factors, strict=True):
        optimizer.update(params, grads, state, factor)
    for name, array in expected.items():
        np.testing.assert_allclose(params[name], array, rtol=1e-9, atol=1e-9)


@settings(max_examples=20)
@given(sgds | adams, st.floats(0, 0.999), st.integers(1, 20))
def test_an_average_follows_the_steps_of_its_optimizer(optimizer, decay, n_steps):
    params, plain = random_arrays(30), random_arrays(30)
    averaging = MovingAverage(optimizer, decay)
    state, plain_state = averaging.init(params), optimizer.init(plain)
    expected = {name: p.tolist() for name, p in params.items()}
    for step in range(1, n_steps + 1):
        grads = random_arrays([31, step])
        averaging.update(params, grads, state, 0.5)
        optimizer.update(plain, grads, plain_state, 0.5)
        d = min(decay, (1 + step) / (10 + step))
        expected = {name: d * np.array(a) + (1 - d) * plain[name] for name, a in expected.items()}
    average = averaging.averaged(params, state)
    for name in params:
        np.testing.assert_array_equal(params[name], plain[name])
        np.testing.assert_allclose(average[name], expected[name], rtol=1e-9, atol=1e-12)
        assert average[name] is state[f"average/{name}"]
    assert optimizer.averaged(plain, plain_state) is plain


@settings(max_examples=20)
@given(sgds | adams | st.builds(MovingAverage, sgds), st.integers(1, 4), st.integers(1, 9))
def test_accumulation_is_a_step_with_the_mean(optimizer, steps_, n_batches):
    params, plain = random_arrays(40), random_arrays(40)
    accumulating = GradientAccumulation(optimizer, steps_)
    state, plain_state, waiting = accumulating.init(params), optimizer.init(plain), []
    for batch in range(n_batches):
        waiting.append(random_arrays([41, batch]))
        accumulating.update(params, waiting[-1], state, 1 / (batch + 1))
        if len(waiting) == steps_:
            means = {name: sum(grads[name] for grads in waiting) / steps_ for name in plain}
            optimizer.update(plain, means, plain_state, 1 / (batch + 1))
            waiting = []
        assert state["accumulated"] == len(waiting)
        for ours, theirs in (
            (params, plain),
            (accumulating.averaged(params, state), optimizer.averaged(plain, plain_state)),
        ):
            for name in plain:
                np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), SGD(0.1, 0.9, True, 0.1, clip_norm=1), Adam()])
def test_float32_follows_float64(optimizer):
    wide = random_arrays(0)
    narrow = {name: p.astype(np.float32) for name, p in wide.items()}
    states = optimizer.init(wide), optimizer.init(narrow)
    assert all(array.dtype in (np.float32, np.int64) for array in states[1].values())
    for step in range(20):
        grads = random_arrays([1, step], np.float32)
        optimizer.update(wide, {name: g.astype(np.float64) for name, g in grads.items()}, states[0], 0.5)
        optimizer.update(narrow, grads, states[1], 0.5)
    for name, p in narrow.items():
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, wide[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.1, 0.9), SGD(0.1, 0.9, True, 0.1), SGD(0.1, 0.5, clip_norm=1)],
    ids=["plain", "ahead", "clipped"],
)
def test_large_arrays_take_the_same_steps(optimizer, dtype, monkeypatch):
    """In a compiled kernel, which small ones don't need."""
    shapes = {"weight": (3, 41), "bias": (123,)}
    many = [random_arrays([3, step], dtype, shapes) for step in range(5)]
    results = []
    for block in (steps.BLOCK, 100):
        monkeypatch.setattr(steps, "BLOCK", block)
        params = random_arrays(2, dtype, shapes)
        state = optimizer.init(params)
        for grads in many:
            optimizer.update(params, grads, state, 0.7)
        results.append({**params, **state})
    for name, array in results[0].items():
        np.testing.assert_array_equal(results[1][name], array)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_agrees_with_scikit_learn(momentum, nesterov):
    theirs = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    params = random_arrays(2)
    copies = [p.copy() for p in params.values()]
    reference = theirs.SGDOptimizer(copies, learning_rate_init=0.05, momentum=momentum, nesterov=nesterov)
    optimizer = SGD(0.05, momentum, nesterov)
    run_both(optimizer, params, reference, copies)


def test_adam_agrees_with_scikit_learn():
    theirs = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    params = random_arrays(3)
    copies = [p.copy() for p in params.values()]
    # scikit-learn adds epsilon before the correction of the mean square; with a tiny one that makes no difference
    reference = theirs.AdamOptimizer(copies, learning_rate_init=0.01, epsilon=1e-30)
    run_both(Adam(0.01, epsilon=1e-30), params, reference, copies)


def run_both(optimizer, params, reference, copies):
    state = optimizer.init(params)
    for step in range(10):
        grads = random_arrays([4, step])
        optimizer.update(params, grads, state)
        reference.update_params(copies, list(grads.values()))
    for p, copy in zip(params.values(), copies, strict=True):
        np.testing.assert_allclose(p, copy, rtol=1e-10)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, 0.9), SGD(0.05, 0.9, nesterov=True), Adam(0.1)])
def test_a_bowl_is_descended(optimizer):
    centre = random_arrays(5)
    params = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    state = optimizer.init(params)
    for step in range(400):
        optimizer.update(params, {name: p - centre[name] for name, p in params.items()}, state, 1 - step / 400)
    for name, p in params.items():
        np.testing.assert_allclose(p, centre[name], atol=1e-3)


@settings(max_examples=25)
@given(sgds | adams | st.builds(MovingAverage, sgds | adams) | st.builds(GradientAccumulation, sgds), st.integers(0, 6))
def test_a_checkpoint_changes_no_bit(optimizer, cut):
    straight, resumed = random_arrays(6, np.float32), random_arrays(6, np.float32)
    states = [optimizer.init(straight), optimizer.init(resumed)]
    for step in range(6):
        if step == cut:
            resumed, states[1] = through_a_file(resumed), through_a_file(states[1])
        grads = random_arrays([7, step], np.float32)
        optimizer.update(straight, grads, states[0], 0.7)
        optimizer.update(resumed, dict(reversed(grads.items())), states[1], 0.7)  # the order of names doesn't matter
    for ours, theirs in ((straight, resumed), states):
        assert ours.keys() == theirs.keys()
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name], strict=True)


def through_a_file(arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        return dict(loaded)


@pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9, weight_decay=0.1, clip_norm=0.1), Adam(clip_norm=0.1)])
def test_update_is_in_place_and_leaves_the_gradients(optimizer):
    params, grads = random_arrays(8), random_arrays(9)
    state = optimizer.init(params)
    ids = {name: id(array) for name, array in (params | state).items()}
    addresses = {name: array.ctypes.data for name, array in (params | state).items()}
    before = {name: p.copy() for name, p in params.items()}
    for g in grads.values():
        g.flags.writeable = False
    optimizer.update(params, grads, state)
    assert {name: id(array) for name, array in (params | state).items()} == ids
    assert {name: array.ctypes.data for name, array in (params | state).items()} == addresses
    assert all((params[name] != before[name]).any() for name in params)


def test_what_the_state_holds():
    params = random_arrays(10)
    assert SGD().init(params) == {}
    assert SGD(momentum=0.9).init(params).keys() == {f"velocity/{name}" for name in params}
    state = Adam().init(params)
    assert state.keys() == {"step"} | {f"{kind}/{name}" for name in params for kind in ("mean", "mean_square")}
    for _ in range(3):
        Adam().update(params, params, state)
    assert state["step"] == 3 and state["step"].dtype == np.int64 and state["step"].shape == ()


@pytest.mark.parametrize(
    "optimizer", [SGD(0.1, 0.9, True, 0.01), Adam(weight_decay=0.01), AdamW(), MovingAverage(AdamW())]
)  # a norm is a sum: no clipping
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_blocks_and_layouts_change_no_bit(optimizer, layout, monkeypatch):
    results = []
    for block in (7, 10**9):
        monkeypatch.setattr(steps, "BLOCK", block)
        params = {"weight": arranged(np.random.default_rng(11).normal(size=(9, 8)), layout)}
        grads = {"weight": arranged(np.random.default_rng(12).normal(size=(9, 8)), "C")}
        state = optimizer.init(params)
        for _ in range(3):
            optimizer.update(params, grads, state)
        results.append(params["weight"].copy(order="C"))
    np.testing.assert_array_equal(*results)
    assert (results[0] != np.random.default_rng(11).normal(size=(9, 8))).all()


def arranged(array, layout):
    if layout == "strided":
        wide = np.zeros((array.shape[0], 2 * array.shape[1]))
        wide[:, ::2] = array
        return wide[:, ::2]
    return np.array(array, order=layout)


@pytest.mark.parametrize(
    "optimizer", [SGD(0.1, 0.9, True, 0.01, 1.0), Adam(weight_decay=0.01, clip_norm=1.0), MovingAverage(AdamW())]
)
def test_no_temporary_of_an_arrays_size(optimizer):
    params = {"weight": np.ones((1000, 1000), np.float32)}
    grads, state = {"weight": np.ones((1000, 1000), np.float32)}, optimizer.init(params)
    optimizer.update(params, grads, state)  # compiles
    tracemalloc.start()
    optimizer.update(params, grads, state)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < params["weight"].nbytes / 4


def test_weight_decay_is_for_weights():
    params = {"weight": np.ones((2, 2)), "bias": np.ones(2)}
    SGD(0.1, weight_decay=0.5).update(params, {name: np.zeros_like(p) for name, p in params.items()}, {})
    np.testing.assert_allclose(params["weight"], 0.95)
    np.testing.assert_array_equal(params["bias"], 1.0)


@given(st.floats(0.01, 100), st.integers(0, 10**6))
def test_clipping_bounds_the_step_and_keeps_its_direction(clip_norm, seed):
    params, grads = {name: np.zeros(shape) for name, shape in SHAPES.items()}, random_arrays(seed)
    SGD(1.0, clip_norm=clip_norm).update(params, grads, {})
    step, gradient = (np.concatenate([arrays[name].ravel() for name in SHAPES]) for arrays in (params, grads))
    norm = np.linalg.norm(gradient)
    assert np.linalg.norm(step) == pytest.approx(min(norm, clip_norm))
    np.testing.assert_allclose(-step * norm, gradient * min(norm, clip_norm), atol=1e-9)


def test_clipping_counts_in_float64():
    grads = {"a": np.full((2, 2), 1e30, np.float32)}  # the square is beyond float32
    params = {"a": np.zeros((2, 2), np.float32)}
    SGD(1.0, clip_norm=1.0).update(params, grads, {})
    np.testing.assert_allclose(params["a"], -0.5)


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9, clip_norm=1.0), SGD(), Adam(clip_norm=1.0), Adam()])
def test_large_gradients_go_through_without_a_warning(optimizer):
    params, grads = random_arrays(13, np.float32), random_arrays(14, np.float32)
    grads["weight"][1, 2] = 3e38
    state = optimizer.init(params)
    for _ in range(3):
        optimizer.update(params, grads, state)


def test_descriptions_are_values():
    assert len({SGD(), SGD(0.01), SGD(momentum=0.9), Adam(), Adam(0.001)}) == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        SGD().learning_rate = 1.0


@EACH_KIND
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_kind_goes_down_in_place_and_goes_on_from_a_copy_of_its_state(optimizer, dtype):
    target = random_arrays(0, dtype)
    params = random_arrays(1, dtype)
    before, kept, state = {name: p.copy() for name, p in params.items()}, dict(params), optimizer.init(params)
    assert all(isinstance(name, str) and isinstance(array, np.ndarray) for name, array in state.items())
    for step in range(20):
        grads = {name: p - target[name] for name, p in params.items()}
        given_grads = {name: gradient.copy() for name, gradient in grads.items()}
        if step == 10:  # as from a checkpoint
            other, other_state = ({key: a.copy() for key, a in arrays.items()} for arrays in (params, state))
            optimizer.update(other, grads, other_state, 0.5)
        optimizer.update(params, grads, state, 0.5)
        if step == 10:
            assert all(np.array_equal(other[name], p) for name, p in params.items())
            assert all(np.array_equal(other_state[key], array) for key, array in state.items())
        assert all(np.array_equal(grads[name], given_grads[name]) for name in grads)
    for name, p in params.items():
        assert p is kept[name] and p.dtype == dtype
        assert np.abs(p - target[name]).sum() < np.abs(before[name] - target[name]).sum()
