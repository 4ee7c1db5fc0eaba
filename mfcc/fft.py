"""Fast Fourier transforms of lengths 2^a 3^b 5^c, for many transforms at once.

The algorithm is Stockham's (self-sorting, mixed radix): C. Van Loan, "Computational Frameworks for the Fast Fourier
Transform" (1992), chapter 1.7. Conventions are those of numpy.fft.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mfcc.checks import check_integer


def is_good_length(n: int) -> bool:
    """Return whether n is a product of twos, threes and fives, the lengths that the transforms here take."""
    if n < 1:
        return False
    for prime in (2, 3, 5):
        while n % prime == 0:
            n //= prime
    return n == 1


def next_good_length(n: int) -> int:
    """Return the smallest length of at least n that the transforms here take.

    Examples
    --------
    >>> next_good_length(2048), next_good_length(2049), next_good_length(7)
    (2048, 2160, 8)
    """
    n = check_integer("next_good_length", "n", n)
    while not is_good_length(n):
        n += 1
    return n


def check_length(who: str, name: str, n: int) -> int:
    """Return n; ValueError that names the next good length if n is not a product of twos, threes and fives."""
    n = check_integer(who, name, n)
    if not is_good_length(n):
        raise ValueError(
            f"{who}: {name}: expected a length 2^a 3^b 5^c, got {n}. The next good length is {next_good_length(n)}; "
            f"zeros appended to the signal only sample the spectrum more finely."
        )
    return n


def _stockham(x):
    n = x.shape[-1]
    y = x.reshape(-1, n)
    length, stride = n, 1
    y = y.T.copy()  # n, batch
    while length > 1:
        radix = next(r for r in (4, 2, 3, 5) if length % r == 0)
        m = length // radix
        a = y.reshape(radix, m, stride, -1)
        j = np.arange(radix)
        W = np.exp(-2j * np.pi / radix * np.outer(j, j)).astype(y.dtype)
        T = np.exp(-2j * np.pi / length * np.outer(j, np.arange(m))).astype(y.dtype)
        b = np.einsum("jk,kpsb->pjsb", W, a) * T.T[:, :, None, None]
        y = b.reshape(n, -1)
        length, stride = m, stride * radix
    return y.T.reshape(x.shape)


def _prepare(who, x, n, axis, dtype):
    x = np.moveaxis(np.asarray(x), axis, -1)
    n = check_length(who, "n", x.shape[-1] if n is None else n)
    if n > x.shape[-1]:
        x = np.concatenate([x, np.zeros((*x.shape[:-1], n - x.shape[-1]), x.dtype)], axis=-1)
    x = x[..., :n]
    return x.astype(np.complex64 if x.dtype in (np.float32, np.complex64) else np.complex128)


def fft(x: ArrayLike, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Return the discrete Fourier transform along an axis."""
    return np.moveaxis(_stockham(_prepare("fft", x, n, axis, complex)), -1, axis)


def ifft(x: ArrayLike, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Return the inverse of `fft`."""
    x = _prepare("ifft", x, n, axis, complex)
    return np.moveaxis(_stockham(x.conj()).conj() / x.real.dtype.type(x.shape[-1]), -1, axis)


def rfft(x: ArrayLike, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Return the non-negative half of the transform of real numbers."""
    x = _prepare("rfft", x, n, axis, complex)
    return np.moveaxis(_stockham(x)[..., : x.shape[-1] // 2 + 1], -1, axis)
