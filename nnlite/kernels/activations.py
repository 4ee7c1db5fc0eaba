"""Activation functions, and their gradients from the output, with the bias of the layer before if it has one.

Each function is written once, on vectors; a factory wraps it into a loop for a dtype's number of lanes.
"""

import functools

import numpy as np

from nnlite.kernels.dropout import drop
from nnlite.runtime.jit import kernel
from nnlite.runtime.simd import lanes_of, load, load_first, splat, store, store_first
from nnlite.runtime.simd_math import add, div, exp, expm1, fma, maximum, mul, neg, select_positive, sub

# A kernel gets these in place of a missing bias, sums or noise: they have the types that it is compiled for anyway.
_NONE = {np.dtype(dtype): np.zeros(0, dtype) for dtype in (np.float32, np.float64)}
_QUIET = {dtype: (np.zeros(2, np.uint32), np.uint32(0), dtype.type(1), dtype.type(0)) for dtype in _NONE}


@kernel(inline="always")
def logistic(a, x, L):
    """Return 1 / (1 + exp(-x))."""
    one = splat(a, 1, L)
    return div(one, add(one, exp(neg(x))))


@kernel(inline="always")
def logistic_slope(a, y, dy, L):
    """Return dy * y * (1 - y)."""
    return mul(mul(dy, y), sub(splat(a, 1, L), y))


@kernel(inline="always")
def tanh(a, x, L):
    """Return e / (e + 2) with e = exp(2 x) - 1: precise near zero."""
    e = expm1(add(x, x))
    return div(e, add(e, splat(a, 2, L)))


@kernel(inline="always")
def tanh_slope(a, y, dy, L):
    """Return dy * (1 - y ** 2)."""
    return mul(dy, sub(splat(a, 1, L), mul(y, y)))


@kernel(inline="always")
def relu(a, x, L):
    """Return max(x, 0); NaN stays."""
    return maximum(splat(a, 0, L), x)


@kernel(inline="always")
def relu_slope(a, y, dy, L):
    """Return dy where y > 0, else 0."""
    return select_positive(y, dy)


def run(function, x, y, bias=None, noise=None):
    """Compute y = function(x); with a bias (units,), y = function(x + bias) for sums x (rows, units). y may be x.

    With `noise`, the (key, threshold, scale, rest) of :mod:`nnlite.kernels.dropout`, y is the output after dropout.
    """
    if bias is None:
        bias, x, y = _NONE[x.dtype], x.reshape(1, -1), y.reshape(1, -1)
    _forward_kernel(function, noise is not None, lanes_of(x.dtype))(bias, x, y, *(noise or _QUIET[x.dtype]))


def run_slope(slope, y, dy, dx, sums=None, noise=None):
    """Compute dx = dy times the derivative, which `slope` takes from the output y.

    With `sums` (units,), add dx to them too.

    With `noise`, y is the output after dropout. The activation's output follows from kept values; dropped ones have no
    gradient.
    """
    if sums is None:
        sums, y, dy, dx = _NONE[y.dtype], y.reshape(1, -1), dy.reshape(1, -1), dx.reshape(1, -1)
    _backward_kernel(slope, noise is not None, lanes_of(y.dtype))(sums, y, dy, dx, *(noise or _QUIET[y.dtype]))


@functools.cache
def _forward_kernel(function, noisy, L):
    @kernel
    def activation_forward(bias, x, y, key, threshold, scale, rest):
        rows, units = x.shape
        whole = units // L * L
        n = units - whole
        for r in range(rows):
            i = r * units
            for u in range(0, whole, L):
                value = load(x, i + u, L)
                if bias.size > 0:
                    value = add(value, load(bias, u, L))
                value = function(x, value, L)
                if noisy:
                    value = drop(value, i + u, key, threshold, scale, rest)
                store(y, i + u, value)
            if n > 0:
                value = load_first(x, i + whole, L, n)
                if bias.size > 0:
                    value = add(value, load_first(bias, whole, L, n))
                value = function(x, value, L)
                if noisy:
                    value = drop(value, i + whole, key, threshold, scale, rest)
                store_first(y, i + whole, value, n)

    return activation_forward


@functools.cache
def _backward_kernel(slope, noisy, L):
    @kernel
    def activation_backward(sums, y, dy, dx, key, threshold, scale, rest):
        zero = y.dtype.type(0)
        middle, shrink = splat(y, rest, L), splat(y, 1 / scale, L)
        rows, units = y.shape
        whole = units // L * L
        n = units - whole
        for r in range(rows):
            i = r * units
            for u in range(0, whole, L):
                active = load(y, i + u, L)
                if noisy:
                    active = fma(sub(active, middle), shrink, middle)
                value = slope(y, active, load(dy, i + u, L), L)
                if noisy:
                    value = drop(value, i + u, key, threshold, scale, zero)
                store(dx, i + u, value)
                if sums.size > 0:
                    store(sums, u, add(load(sums, u, L), value))
            if n > 0:
                active = load_first(y, i + whole, L, n)
                if noisy:
                    active = fma(sub(active, middle), shrink, middle)
                value = slope(y, active, load_first(dy, i + whole, L, n), L)
                if noisy:
                    value = drop(value, i + whole, key, threshold, scale, zero)
                store_first(dx, i + whole, value, n)
                if sums.size > 0:
                    store_first(sums, whole, add(load_first(sums, whole, L, n), value), n)

    return activation_backward
