"""Activation functions, and their gradients from the output, with the bias of the layer before if it has one.

Each function is written once, on vectors; a factory wraps it into a loop for a dtype's number of lanes.
"""

import functools

import numpy as np

from nnlite.jit import kernel
from nnlite.kernels.dropout import drop
from nnlite.simd import (
    lanes_of,
    load,
    load_first,
    splat,
    store,
    store_first,
)
from nnlite.simd_math import (
    add,
    div,
    exp,
    expm1,
    fma,
    maximum,
    mul,
    neg,
    select_positive,
    sub,
)

_NONE = {np.dtype(dtype): np.zeros(0, dtype) for dtype in (np.float32, np.float64)}
"""No bias and no sums, of the type that kernels are compiled for anyway."""


@kernel(inline="always")
def logistic(a, x, L):
    """1 / (1 + exp(-x))."""
    one = splat(a, 1, L)
    return div(one, add(one, exp(neg(x))))


@kernel(inline="always")
def logistic_slope(a, y, dy, L):
    """dy * y * (1 - y)."""
    return mul(mul(dy, y), sub(splat(a, 1, L), y))


@kernel(inline="always")
def tanh(a, x, L):
    """e / (e + 2) with e = exp(2 x) - 1: precise near zero."""
    e = expm1(add(x, x))
    return div(e, add(e, splat(a, 2, L)))


@kernel(inline="always")
def tanh_slope(a, y, dy, L):
    """dy * (1 - y ** 2)."""
    return mul(dy, sub(splat(a, 1, L), mul(y, y)))


@kernel(inline="always")
def relu(a, x, L):
    """max(x, 0); NaN stays."""
    return maximum(splat(a, 0, L), x)


@kernel(inline="always")
def relu_slope(a, y, dy, L):
    """dy where y > 0, else 0."""
    return select_positive(y, dy)


def run(function, x, y, bias=None):
    """y = function(x); with a bias (units,), y = function(x + bias) for sums x (rows, units). y may be x."""
    run_kernel = _forward_kernel(function, lanes_of(x.dtype))
    if bias is None:
        run_kernel(_NONE[x.dtype], x.reshape(1, -1), y.reshape(1, -1))
    else:
        run_kernel(bias, x, y)


def run_slope(slope, y, dy, dx, sums=None):
    """dx = dy times the derivative, which `slope` takes from the output y; with `sums` (units,), also added to them."""
    run_kernel = _backward_kernel(slope, lanes_of(y.dtype))
    if sums is None:
        run_kernel(_NONE[y.dtype], y.reshape(1, -1), dy.reshape(1, -1), dx.reshape(1, -1))
    else:
        run_kernel(sums, y, dy, dx)


def run_dropout(function, x, key, threshold, scale, rest, y, bias=None):
    """y = dropout of function(x + bias) in one pass; see :func:`run` and :mod:`nnlite.kernels.dropout`."""
    run_kernel = _forward_dropout_kernel(function, lanes_of(x.dtype))
    if bias is None:
        run_kernel(_NONE[x.dtype], x.reshape(1, -1), y.reshape(1, -1), key, threshold, scale, rest)
    else:
        run_kernel(bias, x, y, key, threshold, scale, rest)


def run_slope_dropout(slope, y, dy, key, threshold, scale, rest, dx, sums=None):
    """dx from the dropped output y: what was kept tells the activation's output, what was dropped has no gradient."""
    run_kernel = _backward_dropout_kernel(slope, lanes_of(y.dtype))
    if sums is None:
        arrays = (y.reshape(1, -1), dy.reshape(1, -1), dx.reshape(1, -1))
        run_kernel(_NONE[y.dtype], *arrays, key, threshold, scale, rest)
    else:
        run_kernel(sums, y, dy, dx, key, threshold, scale, rest)


@functools.cache
def _forward_kernel(function, L):
    @kernel
    def activation_forward(bias, x, y):
        rows, units = x.shape
        whole = units // L * L
        rest = units - whole
        for r in range(rows):
            i = r * units
            for u in range(0, whole, L):
                value = load(x, i + u, L)
                if bias.size > 0:
                    value = add(value, load(bias, u, L))
                store(y, i + u, function(x, value, L))
            if rest > 0:
                value = load_first(x, i + whole, L, rest)
                if bias.size > 0:
                    value = add(value, load_first(bias, whole, L, rest))
                store_first(y, i + whole, function(x, value, L), rest)

    return activation_forward


@functools.cache
def _backward_kernel(slope, L):
    @kernel
    def activation_backward(sums, y, dy, dx):
        rows, units = y.shape
        whole = units // L * L
        rest = units - whole
        for r in range(rows):
            i = r * units
            for u in range(0, whole, L):
                value = slope(y, load(y, i + u, L), load(dy, i + u, L), L)
                store(dx, i + u, value)
                if sums.size > 0:
                    store(sums, u, add(load(sums, u, L), value))
            if rest > 0:
                j = i + whole
                value = slope(y, load_first(y, j, L, rest), load_first(dy, j, L, rest), L)
                store_first(dx, j, value, rest)
                if sums.size > 0:
                    store_first(sums, whole, add(load_first(sums, whole, L, rest), value), rest)

    return activation_backward


@functools.cache
def _forward_dropout_kernel(function, L):
    @kernel
    def activation_dropout_forward(bias, x, y, key, threshold, scale, rest):
        rows, units = x.shape
        whole = units // L * L
        n = units - whole
        for r in range(rows):
            i = r * units
            for u in range(0, whole, L):
                value = load(x, i + u, L)
                if bias.size > 0:
                    value = add(value, load(bias, u, L))
                store(y, i + u, drop(function(x, value, L), i + u, key, threshold, scale, rest))
            if n > 0:
                value = load_first(x, i + whole, L, n)
                if bias.size > 0:
                    value = add(value, load_first(bias, whole, L, n))
                store_first(y, i + whole, drop(function(x, value, L), i + whole, key, threshold, scale, rest), n)

    return activation_dropout_forward


@functools.cache
def _backward_dropout_kernel(slope, L):
    @kernel
    def activation_dropout_backward(sums, y, dy, dx, key, threshold, scale, rest):
        zero = y.dtype.type(0)
        middle = splat(y, rest, L)
        shrink = splat(y, 1 / scale, L)
        rows, units = y.shape
        whole = units // L * L
        n = units - whole
        for r in range(rows):
            i = r * units
            for u in range(0, whole, L):
                active = fma(sub(load(y, i + u, L), middle), shrink, middle)
                value = drop(slope(y, active, load(dy, i + u, L), L), i + u, key, threshold, scale, zero)
                store(dx, i + u, value)
                if sums.size > 0:
                    store(sums, u, add(load(sums, u, L), value))
            if n > 0:
                j = i + whole
                active = fma(sub(load_first(y, j, L, n), middle), shrink, middle)
                value = drop(slope(y, active, load_first(dy, j, L, n), L), j, key, threshold, scale, zero)
                store_first(dx, j, value, n)
                if sums.size > 0:
                    store_first(sums, whole, add(load_first(sums, whole, L, n), value), n)

    return activation_dropout_backward
