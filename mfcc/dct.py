"""The discrete cosine transform, types 2 and 3, of any length.

K. R. Rao and P. Yip, "Discrete Cosine Transform" (1990); by FFT after J. Makhoul, "A fast cosine transform in one and
two dimensions", IEEE Trans. ASSP 28 (1980). Conventions are those of scipy.fft.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from mfcc.checks import check_choice, check_flag, check_integer

TYPES = (2, 3)


def dct(x: ArrayLike, type: int = 2, n: int | None = None, axis: int = -1, ortho: bool = False) -> np.ndarray:
    """Return the discrete cosine transform along an axis.

    With N = n, type 2 is  y[k] = 2 sum_i x[i] cos(pi k (2 i + 1) / (2 N)),
    type 3 is  y[k] = x[0] + 2 sum_{i>0} x[i] cos(pi i (2 k + 1) / (2 N)).
    With ortho, both become orthogonal (type 2 times sqrt(1 / (2 N)), for k = 0 sqrt(1 / (4 N))) and each is the inverse
    of the other.

    Parameters
    ----------
    x : array of numbers, any shape
        float32 gives float32; anything else is computed in float64.
    type : 2 or 3
    n : int, optional
        Length along the axis; x is cut or filled up with zeros. Default: x.shape[axis].
    axis : int
    ortho : bool

    Raises
    ------
    ValueError
        For another type, a length below 1, complex numbers.

    Examples
    --------
    >>> dct([1.0, 2.0, 4.0]).round(3).tolist()
    [14.0, -5.196, 1.0]
    >>> dct(dct([1.0, 2.0, 3.0], ortho=True), 3, ortho=True).round(3).tolist()
    [1.0, 2.0, 3.0]
    """
    check_choice("dct", "type", type, TYPES)
    check_flag("dct", "ortho", ortho)
    x = _prepare("dct", x, n, axis)
    y = _type2(x, ortho) if type == 2 else _type3(x, ortho)
    return np.ascontiguousarray(np.moveaxis(y, -1, axis))


def idct(x: ArrayLike, type: int = 2, n: int | None = None, axis: int = -1, ortho: bool = False) -> np.ndarray:
    """Return the inverse of `dct` with the same arguments: type 2 is undone by type 3 (over 2 N unless ortho).

    Examples
    --------
    >>> idct(dct([1.0, 2.0, 3.0])).round(3).tolist()
    [1.0, 2.0, 3.0]
    """
    check_choice("idct", "type", type, TYPES)
    check_flag("idct", "ortho", ortho)
    x = _prepare("idct", x, n, axis)
    y = _type3(x, ortho) if type == 2 else _type2(x, ortho)
    if not ortho:
        y /= 2 * y.shape[-1]
    return np.ascontiguousarray(np.moveaxis(y, -1, axis))


def dct_matrix(n_out: int, n_in: int, *, type: int = 2, norm: str | None = "ortho", dtype: DTypeLike = np.float64):
    """Return the first n_out rows of the transform of length n_in as a matrix, shape (n_out, n_in).

    norm is "ortho", None, or "htk": type 2 with all rows times sqrt(1 / (2 N)), which leaves C0 larger by sqrt(2).
    """
    k, i = np.arange(n_out)[:, None], np.arange(n_in)[None, :]
    if type == 2:
        matrix = 2.0 * _cosine(k * (2 * i + 1), n_in)
    else:
        matrix = 2.0 * _cosine(i * (2 * k + 1), n_in)
    if norm is not None:
        matrix *= np.sqrt(0.5 / n_in)
        if norm == "ortho":
            matrix[(0, slice(None)) if type == 2 else (slice(None), 0)] *= np.sqrt(0.5)
    elif type == 3:
        matrix[:, 0] = 1.0
    return matrix.astype(dtype)


def _cosine(numerator: np.ndarray, n: int) -> np.ndarray:
    # cos(pi * numerator / (2 n)) with the multiples of 2 pi taken off as integers, so that long ones stay exact
    return np.cos(np.pi / (2 * n) * (numerator % (4 * n)))


def _prepare(who: str, x: ArrayLike, n: int | None, axis: int) -> np.ndarray:
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise ValueError(f"{who}: x: expected real numbers, got an array of {x.dtype}.")
    if x.ndim == 0:
        raise ValueError(f"{who}: x: expected an array of at least one axis, got a scalar.")
    if x.dtype != np.float32:
        x = x.astype(np.float64)
    x = np.moveaxis(x, axis, -1)
    n = check_integer(who, "n", x.shape[-1] if n is None else n)
    if n <= x.shape[-1]:
        return x[..., :n]
    return np.concatenate([x, np.zeros((*x.shape[:-1], n - x.shape[-1]), x.dtype)], axis=-1)


# Below this length a product with the matrix is as fast as an FFT and takes any length.
_MATRIX_UP_TO = 256


def _type2(x: np.ndarray, ortho: bool) -> np.ndarray:
    from mfcc.fft import fft, next_good_length

    n = x.shape[-1]
    if n <= _MATRIX_UP_TO or next_good_length(n) != n:
        return _by_matrix(x, 2, ortho)
    # even samples forwards, then odd ones backwards: a type 2 becomes one Fourier transform of length n
    v = np.concatenate([x[..., ::2], x[..., 1::2][..., ::-1]], axis=-1)
    phase = np.exp(-0.5j * np.pi / n * np.arange(n))
    y = 2.0 * (fft(v) * phase.astype(np.result_type(x, np.complex64))).real
    if ortho:
        y *= x.dtype.type(np.sqrt(0.5 / n))
        y[..., 0] *= x.dtype.type(np.sqrt(0.5))
    return y


def _type3(x: np.ndarray, ortho: bool) -> np.ndarray:
    from mfcc.fft import ifft, next_good_length

    n = x.shape[-1]
    if n <= _MATRIX_UP_TO or next_good_length(n) != n:
        return _by_matrix(x, 3, ortho)
    x = x.copy()
    if ortho:
        x *= x.dtype.type(np.sqrt(0.5 * n))
        x[..., 0] *= x.dtype.type(np.sqrt(2.0))
    else:
        x *= x.dtype.type(n)
    # the type 2 above run backwards: spectrum of the reordered sequence from its cosine transform
    mirrored = np.concatenate([np.zeros_like(x[..., :1]), x[..., :0:-1]], axis=-1)
    phase = np.exp(0.5j * np.pi / n * np.arange(n)).astype(np.result_type(x, np.complex64))
    v = ifft((x - 1j * mirrored).astype(phase.dtype) * phase)
    y = np.empty_like(x)
    half = (n + 1) // 2
    y[..., ::2] = v.real[..., :half]
    y[..., 1::2] = v.real[..., half:][..., ::-1]
    return y


def _by_matrix(x: np.ndarray, type: int, ortho: bool) -> np.ndarray:
    n = x.shape[-1]
    norm = "ortho" if ortho else None
    if n <= 4096:
        return x @ dct_matrix(n, n, type=type, norm=norm, dtype=x.dtype).T
    y = np.empty_like(x)
    for i in range(n):  # a long length that no FFT here takes: row by row, so that memory stays small
        numerator = i * (2 * np.arange(n) + 1) if type == 2 else np.arange(n) * (2 * i + 1)
        row = 2.0 * _cosine(numerator, n)
        if type == 3:
            row[0] = np.sqrt(2.0) if ortho else 1.0
        if ortho:
            row *= np.sqrt(0.5 / n) * (np.sqrt(0.5) if type == 2 and i == 0 else 1.0)
        y[..., i] = x @ row.astype(x.dtype)
    return y
