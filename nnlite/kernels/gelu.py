"""x times the normal distribution function, and its derivative."""

import math

from nnlite.runtime.jit import kernel

# Beyond this the distribution function is 0 or 1, in float64 too. An infinity times 0 would be NaN.
_FAR = 40.0


@kernel
def gelu(x, out):
    """Store out = x * P, with P = erfc(-x / sqrt(2)) / 2 the normal distribution function; x (n,), out (n,)."""
    real = x.dtype.type
    half, root = real(0.5), real(math.sqrt(0.5))
    for i in range(x.size):
        value = x[i]
        if value < -real(_FAR):
            value = -real(_FAR)
        out[i] = value * (half * math.erfc(-value * root))


@kernel
def gelu_grad(x, dy, out):
    """Store out = dy * (P + x * p), with p the normal density, the derivative of P; x, dy and out (n,)."""
    real = x.dtype.type
    half, root, top = real(0.5), real(math.sqrt(0.5)), real(1 / math.sqrt(2 * math.pi))
    for i in range(x.size):
        value = x[i]
        if value < -real(_FAR):
            value = -real(_FAR)
        if value > real(_FAR):
            value = real(_FAR)
        density = top * math.exp(-half * value * value)
        out[i] = dy[i] * (half * math.erfc(-value * root) + value * density)
