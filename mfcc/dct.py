"""The discrete cosine transform, types 1 to 3, of any length.

K. R. Rao and P. Yip, "Discrete Cosine Transform" (1990); by FFT after J. Makhoul, "A fast cosine transform in one and
two dimensions", IEEE Trans. ASSP 28 (1980). Conventions are those of scipy.fft.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from mfcc.checks import check_array, check_axis, check_choice, check_flag, check_float_type, check_integer

TYPES = (1, 2, 3)
_LARGEST = 2**20  # rows and columns of a matrix


def dct(x: ArrayLike, type: int = 2, n: int | None = None, axis: int = -1, ortho: bool = False) -> np.ndarray:
    """Return the discrete cosine transform along an axis.

    With N = n, type 1 is  y[k] = x[0] + (-1)^k x[N - 1] + 2 sum_{0<i<N-1} x[i] cos(pi k i / (N - 1)),
    type 2 is  y[k] = 2 sum_i x[i] cos(pi k (2 i + 1) / (2 N)),
    type 3 is  y[k] = x[0] + 2 sum_{i>0} x[i] cos(pi i (2 k + 1) / (2 N)).
    With ortho, all become orthogonal (type 2 times sqrt(1 / (2 N)), for k = 0 sqrt(1 / (4 N))): types 2 and 3 are the
    inverse of each other, type 1 of itself.

    Parameters
    ----------
    x : array of numbers, any shape
        float32 gives float32; anything else is computed in float64.
    type : 1, 2 or 3
    n : int, optional
        Length along the axis; x is cut or filled up with zeros. Default: x.shape[axis].
    axis : int
    ortho : bool

    Raises
    ------
    ValueError
        For another type, a length below 1 (below 2 for type 1), complex numbers.

    Examples
    --------
    >>> dct([1.0, 2.0, 4.0]).round(3).tolist()
    [14.0, -5.196, 1.0]
    >>> dct(dct([1.0, 2.0, 3.0], ortho=True), 3, ortho=True).round(3).tolist()
    [1.0, 2.0, 3.0]
    """
    type = check_choice("dct", "type", type, TYPES)
    check_flag("dct", "ortho", ortho)
    x, axis = _prepare("dct", x, type, n, axis)
    y = {1: _type1, 2: _type2, 3: _type3}[type](x, ortho)
    return np.ascontiguousarray(np.moveaxis(y, -1, axis))


def idct(x: ArrayLike, type: int = 2, n: int | None = None, axis: int = -1, ortho: bool = False) -> np.ndarray:
    """Return the inverse of `dct` with the same arguments.

    Type 2 is undone by type 3 and type 3 by type 2, over 2 N unless ortho; type 1 by itself, over 2 (N - 1).

    Examples
    --------
    >>> idct(dct([1.0, 2.0, 3.0])).round(3).tolist()
    [1.0, 2.0, 3.0]
    """
    type = check_choice("idct", "type", type, TYPES)
    check_flag("idct", "ortho", ortho)
    x, axis = _prepare("idct", x, type, n, axis)
    y = {1: _type1, 2: _type3, 3: _type2}[type](x, ortho)
    if not ortho:
        y /= 2 * (y.shape[-1] - (type == 1))
    return np.ascontiguousarray(np.moveaxis(y, -1, axis))


def dct_matrix(n_out: int, n_in: int, *, type: int = 2, norm: str | None = "ortho", dtype: DTypeLike = np.float64):
    """Return the first n_out rows of the transform of length n_in as a matrix, shape (n_out, n_in).

    norm is "ortho", None, or "htk": type 2 with all rows times sqrt(1 / (2 N)), which leaves C0 larger by sqrt(2), and
    with angles that are multiples of pi / N in 32 bits, as HTK has them; that alone moves liftered coefficients by up
    to 0.0003. (The others likewise: type 1 with its first row, type 3 with its first column larger by sqrt(2).)
    n_out and n_in are at least 1 (n_in 2 for type 1), dtype is float32 or float64.

    Raises
    ------
    ValueError, TypeError
        For another type, norm or dtype, and for lengths that are none.
    """
    type = check_choice("dct_matrix", "type", type, TYPES)
    norm = check_choice("dct_matrix", "norm", norm, ("ortho", "htk", None))
    dtype = check_float_type("dct_matrix", dtype)
    n_out = check_integer("dct_matrix", "n_out", n_out, maximum=_LARGEST)
    n_in = check_integer("dct_matrix", "n_in", n_in, minimum=2 if type == 1 else 1, maximum=_LARGEST)
    return _rows(np.arange(n_out), n_in, type, norm).astype(dtype)


def _rows(k: np.ndarray, n: int, type: int, norm: str | None) -> np.ndarray:
    """Rows k of the matrix of length n."""
    k, i = k[:, None], np.arange(n)[None, :]
    angle = {1: 2 * k * i, 2: k * (2 * i + 1), 3: i * (2 * k + 1)}[type]
    period = n - 1 if type == 1 else n
    if type == 2 and norm == "htk":
        rows = 2.0 * np.cos((k.astype(np.float32) * np.float32(np.pi / n)).astype(np.float64) * (i + 0.5))
    else:
        rows = 2.0 * _cosine(angle, period)
    if norm is None:
        if type != 2:
            rows[:, 0] *= 0.5
        if type == 1:
            rows[:, -1] *= 0.5
        return rows
    rows *= np.sqrt(0.5 / period)
    if type == 1:
        rows[:, [0, -1]] *= np.sqrt(0.5)
        rows[k[:, 0] == n - 1] *= np.sqrt(0.5)
    if norm == "ortho":
        rows[(slice(None), 0) if type == 3 else k[:, 0] == 0] *= np.sqrt(0.5)
    return rows


def _cosine(numerator: np.ndarray, n: int) -> np.ndarray:
    # cos(pi * numerator / (2 n)) with the multiples of 2 pi taken off as integers, so that long ones stay exact
    return np.cos(np.pi / (2 * n) * (numerator % (4 * n)))


def _prepare(who: str, x: ArrayLike, type: int, n: int | None, axis: int) -> tuple[np.ndarray, int]:
    """Return an array with its axis of n numbers last, and where that axis was."""
    x = check_array(who, "x", x)
    if np.iscomplexobj(x):
        raise ValueError(f"{who}: x: expected real numbers, got an array of {x.dtype}.")
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{who}: x: expected real numbers, got an array of {x.dtype}.")
    if x.ndim == 0:
        raise ValueError(f"{who}: x: expected an array of at least one axis, got a scalar.")
    x = x.astype(np.float32 if x.dtype.newbyteorder("=") == np.float32 else np.float64, copy=False)
    axis = check_axis(who, axis, x.ndim)
    x = np.moveaxis(x, axis, -1)
    n = x.shape[-1] if n is None else n
    n = check_integer(who, "n", n, minimum=2 if type == 1 else 1, maximum=2**31)
    if n <= x.shape[-1]:
        return x[..., :n], axis
    return np.concatenate([x, np.zeros((*x.shape[:-1], n - x.shape[-1]), x.dtype)], axis=-1), axis


# Up to this length a product with the matrix, which is kept, is as fast as an FFT.
_MATRIX_UP_TO = 256


def _type1(x: np.ndarray, ortho: bool) -> np.ndarray:
    from mfcc.fft import rfft

    n = x.shape[-1]
    period = 2 * (n - 1)
    if n <= _MATRIX_UP_TO:
        return _by_matrix(x, 1, ortho)
    x = x.copy()
    if ortho:
        x[..., [0, -1]] *= x.dtype.type(np.sqrt(2.0))
    y = np.ascontiguousarray(rfft(np.concatenate([x, x[..., -2:0:-1]], axis=-1)).real)
    if ortho:
        y *= x.dtype.type(np.sqrt(1.0 / period))
        y[..., [0, -1]] *= x.dtype.type(np.sqrt(0.5))
    return y


def _type2(x: np.ndarray, ortho: bool) -> np.ndarray:
    from mfcc.fft import rfft

    n = x.shape[-1]
    if n <= _MATRIX_UP_TO:
        return _by_matrix(x, 2, ortho)
    # even samples forwards, then odd ones backwards: a type 2 becomes one Fourier transform of length n
    v = np.concatenate([x[..., ::2], x[..., 1::2][..., ::-1]], axis=-1)
    turned = rfft(v)
    turned *= _phase(n, -1, turned.dtype.name)
    y = np.empty_like(x)
    half = n // 2 + 1
    np.multiply(turned.real, 2, out=y[..., :half])
    np.multiply(turned.imag[..., (n - 1) // 2 : 0 : -1], -2, out=y[..., half:])  # of the frequencies above
    if ortho:
        y *= x.dtype.type(np.sqrt(0.5 / n))
        y[..., 0] *= x.dtype.type(np.sqrt(0.5))
    return y


def _type3(x: np.ndarray, ortho: bool) -> np.ndarray:
    from mfcc.fft import irfft

    n = x.shape[-1]
    if n <= _MATRIX_UP_TO:
        return _by_matrix(x, 3, ortho)
    x = x.copy()
    if ortho:
        x *= x.dtype.type(np.sqrt(0.5 * n))
        x[..., 0] *= x.dtype.type(np.sqrt(2.0))
    else:
        x *= x.dtype.type(n)
    # the type 2 above run backwards: spectrum of the reordered sequence from its cosine transform
    spectrum = np.empty((*x.shape[:-1], n // 2 + 1), np.result_type(x, np.complex64))
    spectrum.real = x[..., : n // 2 + 1]
    spectrum.imag[..., :1] = 0
    np.negative(x[..., : n - n // 2 - 1 : -1], out=spectrum.imag[..., 1:])
    spectrum *= _phase(n, 1, spectrum.dtype.name)
    v = irfft(spectrum, n)
    y = np.empty_like(x)
    half = (n + 1) // 2
    y[..., ::2] = v[..., :half]
    y[..., 1::2] = v[..., half:][..., ::-1]
    return y


def _by_matrix(x: np.ndarray, type: int, ortho: bool) -> np.ndarray:
    return x @ _transposed(x.shape[-1], type, ortho, x.dtype.name)


@functools.lru_cache(maxsize=64)  # of half a megabyte at most
def _transposed(n: int, type: int, ortho: bool, dtype: str) -> np.ndarray:
    return np.ascontiguousarray(_rows(np.arange(n), n, type, "ortho" if ortho else None).astype(dtype).T)


@functools.lru_cache(maxsize=16)
def _phase(n: int, sign: int, dtype: str) -> np.ndarray:
    return np.exp(sign * 0.5j * np.pi / n * np.arange(n // 2 + 1)).astype(dtype)
