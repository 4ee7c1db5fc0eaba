"""Steps of optimizers on flat arrays: each number is read and written once.

Multiplications and additions are rounded one by one and in the order in which NumPy would do them: the same bits.
"""

import functools

from nnlite.runtime.jit import kernel, kernel_input
from nnlite.runtime.simd import lanes_of, load, load_first, splat, store, store_first
from nnlite.runtime.simd_math import add, mul, sub


def momentum_step(dtype, rate, momentum, scale, decay, ahead):
    """Return a function of gradient, parameters p and velocity v that changes the last two.

    All are arrays of `dtype` in one piece.

    v = momentum v + g; p -= rate v, or rate (g + momentum v) when looking `ahead`; g is scale gradient + decay p.
    """
    run = _momentum_kernel(lanes_of(dtype), bool(decay), ahead)
    factors = [dtype.type(factor) for factor in (rate, momentum, scale, decay)]
    return lambda gradient, p, v: run(p.reshape(-1), kernel_input(gradient).reshape(-1), v.reshape(-1), *factors)


@kernel(inline="always", exact=True)
def _step(velocity, gradient, momentum, ahead):
    return add(gradient, mul(momentum, velocity)) if ahead else velocity


@functools.cache
def _momentum_kernel(L, decays, ahead):
    @kernel(exact=True)
    def sgd_momentum(p, g, v, rate, momentum, scale, decay):
        rates, momenta = splat(p, rate, L), splat(p, momentum, L)
        scales, shares = splat(p, scale, L), splat(p, decay, L)
        whole = p.size // L * L
        for i in range(0, whole, L):
            value, gradient = load(p, i, L), mul(scales, load(g, i, L))
            if decays:
                gradient = add(gradient, mul(shares, value))
            velocity = add(mul(momenta, load(v, i, L)), gradient)
            store(v, i, velocity)
            store(p, i, sub(value, mul(rates, _step(velocity, gradient, momenta, ahead))))
        if whole < p.size:
            n = p.size - whole
            value, gradient = load_first(p, whole, L, n), mul(scales, load_first(g, whole, L, n))
            if decays:
                gradient = add(gradient, mul(shares, value))
            velocity = add(mul(momenta, load_first(v, whole, L, n)), gradient)
            store_first(v, whole, velocity, n)
            store_first(p, whole, sub(value, mul(rates, _step(velocity, gradient, momenta, ahead))), n)

    return sgd_momentum
