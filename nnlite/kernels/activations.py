"""Activation functions on flat arrays, and their gradients from the output.

Each function is written once, on vectors; a factory wraps it into a loop for a dtype's number of lanes.
"""

import functools

from nnlite.jit import kernel
from nnlite.kernels.dropout import drop
from nnlite.simd import (
    add,
    div,
    exp,
    expm1,
    fma,
    lanes_of,
    load,
    load_first,
    maximum,
    mul,
    neg,
    select_positive,
    splat,
    store,
    store_first,
    sub,
)


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


def run(function, x, y):
    """y = function(x), element by element; flat arrays."""
    _forward_kernel(function, lanes_of(x.dtype))(x, y)


def run_slope(slope, y, dy, dx):
    """dx = dy times the derivative, which `slope` takes from the output y; flat arrays."""
    _backward_kernel(slope, lanes_of(y.dtype))(y, dy, dx)


def run_dropout(function, x, key, threshold, scale, rest, y):
    """y = dropout of function(x) in one pass; see :mod:`nnlite.kernels.dropout`."""
    _forward_dropout_kernel(function, lanes_of(x.dtype))(x, key, threshold, scale, rest, y)


def run_slope_dropout(slope, y, dy, key, threshold, scale, rest, dx):
    """dx from the dropped output y: what was kept tells the activation's output, what was dropped has no gradient."""
    _backward_dropout_kernel(slope, lanes_of(y.dtype))(y, dy, key, threshold, scale, rest, dx)


@functools.cache
def _forward_kernel(function, L):
    @kernel
    def activation_forward(x, y):
        whole = x.size // L * L
        for i in range(0, whole, L):
            store(y, i, function(x, load(x, i, L), L))
        if whole < x.size:
            rest = x.size - whole
            store_first(y, whole, function(x, load_first(x, whole, L, rest), L), rest)

    return activation_forward


@functools.cache
def _backward_kernel(slope, L):
    @kernel
    def activation_backward(y, dy, dx):
        whole = y.size // L * L
        for i in range(0, whole, L):
            store(dx, i, slope(y, load(y, i, L), load(dy, i, L), L))
        if whole < y.size:
            rest = y.size - whole
            value = slope(y, load_first(y, whole, L, rest), load_first(dy, whole, L, rest), L)
            store_first(dx, whole, value, rest)

    return activation_backward


@functools.cache
def _forward_dropout_kernel(function, L):
    @kernel
    def activation_dropout_forward(x, key, threshold, scale, rest, y):
        whole = x.size // L * L
        for i in range(0, whole, L):
            store(y, i, drop(function(x, load(x, i, L), L), i, key, threshold, scale, rest))
        if whole < x.size:
            n = x.size - whole
            value = function(x, load_first(x, whole, L, n), L)
            store_first(y, whole, drop(value, whole, key, threshold, scale, rest), n)

    return activation_dropout_forward


@functools.cache
def _backward_dropout_kernel(slope, L):
    @kernel
    def activation_dropout_backward(y, dy, key, threshold, scale, rest, dx):
        zero = y.dtype.type(0)
        middle = splat(y, rest, L)
        shrink = splat(y, 1 / scale, L)
        whole = y.size // L * L
        for i in range(0, whole, L):
            active = fma(sub(load(y, i, L), middle), shrink, middle)
            store(dx, i, drop(slope(y, active, load(dy, i, L), L), i, key, threshold, scale, zero))
        if whole < y.size:
            n = y.size - whole
            active = fma(sub(load_first(y, whole, L, n), middle), shrink, middle)
            value = slope(y, active, load_first(dy, whole, L, n), L)
            store_first(dx, whole, drop(value, whole, key, threshold, scale, zero), n)

    return activation_dropout_backward
