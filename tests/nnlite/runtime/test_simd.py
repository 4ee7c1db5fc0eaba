"""Vectors against NumPy, lane by lane."""

from decimal import Decimal

import numpy as np
import pytest

from nnlite.runtime import simd, simd_math
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty
from tests import naive

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ARITHMETIC = ("add", "sub", "mul", "div", "maximum", "minimum", "fma", "neg", "sqrt", "select_positive")


def arithmetic_kernel(L):
    @kernel
    def arithmetic(a, b, c, out):
        n = a.size
        for i in range(0, n, L):
            x, y, z = simd.load(a, i, L), simd.load(b, i, L), simd.load(c, i, L)
            simd.store(out, i, simd_math.add(x, y))
            simd.store(out, n + i, simd_math.sub(x, y))
            simd.store(out, 2 * n + i, simd_math.mul(x, y))
            simd.store(out, 3 * n + i, simd_math.div(x, y))
            simd.store(out, 4 * n + i, simd_math.maximum(x, y))
            simd.store(out, 5 * n + i, simd_math.minimum(x, y))
            simd.store(out, 6 * n + i, simd_math.fma(x, y, z))
            simd.store(out, 7 * n + i, simd_math.neg(x))
            simd.store(out, 8 * n + i, simd_math.sqrt(x))
            simd.store(out, 9 * n + i, simd_math.select_positive(x, y))

    return arithmetic


def exponential_kernel(L):
    @kernel
    def exponential(x, powers, powers_minus_one):
        for i in range(0, x.size, L):
            simd.store(powers, i, simd_math.exp(simd.load(x, i, L)))
            simd.store(powers_minus_one, i, simd_math.expm1(simd.load(x, i, L)))

    return exponential


def move_kernel(L):
    @kernel
    def move(a, i, n, out):
        simd.store_first(out, 0, simd.load_first(a, i, L, n), L)
        simd.store_first(out, 2 * L, simd.load(a, i, L), n)
        simd.store(out, 4 * L, simd.broadcast(a, i, L))
        simd.store(out, 6 * L, simd.splat(a, n, L))
        simd.prefetch(a, i)
        simd.prefetch(a, 1000 * i)
        simd.store_streaming(out, 8 * L, simd.load(a, i, L))
        simd.fence()

    return move


def transpose_kernel(L):
    @kernel
    def transpose(a, i, stride, out, j):
        simd_math.transpose(a, i, stride, out, j, L)

    return transpose


@kernel
def add_integers(a, b, out):
    simd.store(
        out,
        0,
        simd_math.mul(
            simd_math.sub(simd_math.add(simd.load(a, 0, 4), simd.load(b, 0, 4)), simd.load(b, 4, 4)), simd.load(a, 4, 4)
        ),
    )


def special_values(rng, n, dtype):
    """Return pairs of numbers of all sizes and of everything that is not a number."""
    chosen = np.array([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, np.finfo(dtype).max, np.finfo(dtype).tiny], dtype)
    scaled = (rng.standard_normal(n) * 10.0 ** rng.integers(-8, 9, n)).astype(dtype)
    return np.where(rng.random(n) < 0.4, rng.choice(chosen, n), scaled)


@DTYPES
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of overflow and NaN
def test_arithmetic(dtype):
    rng, n = np.random.default_rng(0), 64 * simd.lanes_of(dtype)
    x, y, z = (special_values(rng, n, dtype) for _ in range(3))
    out = np.empty((len(ARITHMETIC), n), dtype)
    arithmetic_kernel(simd.lanes_of(dtype))(x, y, z, out)
    expected = {
        "add": x + y,
        "sub": x - y,
        "mul": x * y,
        "maximum": np.maximum(x, y),
        "minimum": np.where(y < x, y, x),
        "neg": -x,
        "select_positive": np.where(x > 0, y, dtype(0)),
    }
    for name, actual in zip(ARITHMETIC, out, strict=True):
        if name in expected:
            np.testing.assert_array_equal(actual, expected[name], err_msg=name)
    # The flags of the kernels allow a division to become a product with a reciprocal.
    np.testing.assert_allclose(
        out[ARITHMETIC.index("div")], x / y, rtol=2 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny
    )
    np.testing.assert_allclose(out[ARITHMETIC.index("sqrt")], np.sqrt(x), rtol=2 * np.finfo(dtype).eps)


@DTYPES
def test_fma_rounds_once(dtype):
    lanes, epsilon = simd.lanes_of(dtype), np.finfo(dtype).eps
    x = np.full(lanes, 1 + epsilon, dtype)
    out = np.empty((len(ARITHMETIC), lanes), dtype)
    arithmetic_kernel(lanes)(x, x, np.full(lanes, -(1 + 2 * epsilon), dtype), out)
    assert set(out[ARITHMETIC.index("fma")]) == {epsilon * epsilon}  # rounding the product first would leave 0


def powers(x):
    out = np.empty_like(x), np.empty_like(x)
    exponential_kernel(simd.lanes_of(x.dtype))(x, *out)
    return out


@DTYPES
def test_exp_is_precise(dtype):
    limit, rng = {np.float32: 87.0, np.float64: 708.0}[dtype], np.random.default_rng(0)
    halves = np.arange(-limit, limit, 5.5 * np.log(2))  # where the reduced argument changes its sign or jumps
    tiny = 10.0 ** rng.uniform(-30, 0, 200) * rng.choice([-1, 1], 200)
    x = np.concatenate(
        [
            rng.uniform(-limit, limit, 400),
            np.repeat(halves, 3) * (1 + 1e-7 * rng.standard_normal(3 * halves.size)),
            tiny,
        ]
    )
    x = np.append(x, [0.0, limit, -limit])
    x = np.clip(np.resize(x, -(-x.size // 64) * 64), -limit, limit).astype(dtype)
    actual, actual_minus_one = powers(x)
    assert max(naive.ulps(a, naive.exp(v)) for a, v in zip(actual, x, strict=True)) <= 2
    error = [naive.ulps(a, naive.expm1(v)) for a, v in zip(actual_minus_one, x, strict=True) if v != 0]
    assert max(error) <= 2
    assert not actual_minus_one[x == 0].any()


def test_exp_is_precise_on_many_floats():
    x = np.linspace(-87, 87, 1 << 18, dtype=np.float32)
    actual, actual_minus_one = powers(x)
    for value, expected in ((actual, np.exp(x.astype(float))), (actual_minus_one, np.expm1(x.astype(float)))):
        assert np.max(np.abs(value - expected) / np.spacing(np.abs(expected).astype(np.float32))) <= 2


@DTYPES
def test_exp_far_out(dtype):
    limit, huge = {np.float32: 87.0, np.float64: 708.0}[dtype], np.finfo(dtype).max
    x = np.resize(np.array([np.nan, np.inf, huge, 2 * limit, -2 * limit, -huge, -np.inf], dtype), 16)
    actual, actual_minus_one = powers(x)
    expected = np.exp(np.clip(x.astype(float), -limit, limit))
    np.testing.assert_allclose(actual, expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(actual_minus_one, expected - 1, rtol=4 * np.finfo(dtype).eps)


@DTYPES
def test_loads_and_stores(dtype):
    lanes = simd.lanes_of(dtype)
    a, untouched = np.arange(1, 4 * lanes + 1, dtype=dtype), dtype(-7)
    move = move_kernel(lanes)
    for i, n in [(0, 0), (1, 1), (lanes - 1, lanes - 1), (3, lanes), (2, lanes + 3)]:
        out = aligned_empty((5, 2 * lanes), dtype)
        out[:] = untouched
        move(a, i, n, out)
        valid = min(n, lanes)
        masked_load, masked_store, broadcast, splat, streamed = out
        np.testing.assert_array_equal(masked_load[:lanes], [*a[i : i + valid], *[0] * (lanes - valid)])
        np.testing.assert_array_equal(masked_store[:lanes], [*a[i : i + valid], *[untouched] * (lanes - valid)])
        np.testing.assert_array_equal(broadcast[:lanes], [a[i]] * lanes)
        np.testing.assert_array_equal(splat[:lanes], [n] * lanes)
        np.testing.assert_array_equal(streamed[:lanes], a[i : i + lanes])
        assert (out[:, lanes:] == untouched).all()


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_transpose(lanes):
    rng, stride = np.random.default_rng(0), lanes + 3
    a, out = rng.standard_normal((lanes, stride)).astype(np.float32), np.full(lanes * lanes + 2, -7, np.float32)
    transpose_kernel(lanes)(a, 2, stride, out, 1)
    square = a.ravel()[2 + np.arange(lanes)[:, None] * stride + np.arange(lanes)]
    np.testing.assert_array_equal(out, [-7, *square.T.ravel(), -7])


def test_transpose_float64():
    a, out = np.arange(64.0).reshape(8, 8), np.zeros((8, 8))
    transpose_kernel(8)(a, 0, 8, out, 0)
    np.testing.assert_array_equal(out, a.T)


def test_transpose_refuses_other_sizes():
    with pytest.raises(Exception, match=r"transpose: lanes: expected a power of two, got 3"):
        transpose_kernel(3)(np.zeros((3, 3)), 0, 3, np.zeros((3, 3)), 0)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_integer_vectors(dtype):
    a, b, out = np.arange(8, dtype=dtype), 10 * np.arange(8, dtype=dtype), np.zeros(4, dtype)
    add_integers(a, b, out)
    np.testing.assert_array_equal(out, (a[:4] + b[:4] - b[4:]) * a[4:])


def test_vector_width_is_that_of_the_machine():
    assert simd.VECTOR_BYTES in (16, 32, 64)
    assert simd.lanes_of(np.float32) * 4 == simd.lanes_of("float64") * 8 == simd.VECTOR_BYTES


def test_naive_exp_is_exact_enough():
    assert abs(naive.exp(1.0) - Decimal("2.71828182845904523536028747135266249775724709369995")) < Decimal("1e-49")
    assert float(naive.expm1(1e-20)) == 1e-20
