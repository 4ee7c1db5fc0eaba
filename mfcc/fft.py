"""Fast Fourier transforms of any length, for many transforms at once.

The algorithm is Gentleman and Sande's (decimation in frequency, mixed radix, in place), with a transform of its own in
each lane of a vector: C. Van Loan, "Computational Frameworks for the Fast Fourier Transform" (1992). A length with
other prime factors than 2, 3 and 5 is a convolution by two such transforms, of which each is about twice as long: L.
Bluestein, "A linear filtering approach to the computation of discrete Fourier transform", IEEE Trans. AU-18 (1970).
Conventions are those of numpy.fft.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mfcc.checks import check_array, check_axis, check_integer
from mfcc.threads import for_each, thread_count

_MOST = 1 << 31  # values of a transform


def is_good_length(n: int) -> bool:
    """Return whether n is a product of twos, threes and fives: other lengths take several times as long."""
    n = check_integer("is_good_length", "n", n, minimum=-_MOST, maximum=_MOST)
    return n >= 1 and next_good_length(n) == n


def next_good_length(n: int) -> int:
    """Return the smallest length of at least n that is a product of twos, threes and fives.

    Examples
    --------
    >>> next_good_length(2048), next_good_length(2049), next_good_length(7)
    (2048, 2160, 8)
    """
    n = check_integer("next_good_length", "n", n, maximum=_MOST)
    best, five = 1 << (n - 1).bit_length(), 1
    while five < best:
        odd = five
        while odd < best:
            best = min(best, odd << (-(-n // odd) - 1).bit_length())
            odd *= 3
        five *= 5
    return best


def fft(x: ArrayLike, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Return the discrete Fourier transform, y[k] = sum_j x[j] exp(-2 pi i j k / n), along an axis.

    Parameters
    ----------
    x : array of real or complex numbers, any shape
        float32 and complex64 give complex64; everything else is computed in and gives complex128.
    n : int, optional
        Length of the transform; x is cut or filled up with zeros. Default: x.shape[axis]. Products of twos, threes and
        fives take least time: see `next_good_length`.
    axis : int
        The axis along which to transform.

    Raises
    ------
    ValueError, TypeError
        For a length that is no positive integer, a scalar, and for what is no numbers of single or double precision.

    Examples
    --------
    >>> fft([4.0, 3.0, 2.0, 1.0]).tolist()
    [(10+0j), (2-2j), (2+0j), (2+2j)]
    """
    rows, restore = _rows("fft", x, n, axis)
    if np.isrealobj(rows) and rows.shape[1] % 2 == 0:
        n = rows.shape[1]
        y = np.empty((len(rows), n), np.result_type(rows, np.complex64))
        y[:, : n // 2 + 1] = rfft(rows)
        y[:, n // 2 + 1 :] = y[:, n // 2 - 1 : 0 : -1].conj()
        return restore(y)
    return restore(_complex(_as_complex(rows), inverse=False))


def ifft(x: ArrayLike, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Return the inverse of `fft`, x[j] = 1/n sum_k y[k] exp(2 pi i j k / n); arguments as there.

    Examples
    --------
    >>> ifft([4.0, 0.0, 0.0, 0.0]).tolist()
    [(1+0j), (1+0j), (1+0j), (1+0j)]
    """
    rows, restore = _rows("ifft", x, n, axis)
    y = _complex(_as_complex(rows), inverse=True)
    y *= y.real.dtype.type(1 / y.shape[1])
    return restore(y)


def rfft(
    x: ArrayLike, n: int | None = None, axis: int = -1, *, out: np.ndarray | None = None, threads: int | None = None
) -> np.ndarray:
    """Return frequencies 0 to n // 2 of the transform of real numbers.

    Parameters
    ----------
    x, n, axis
        As for `fft`.
    out : array, optional
        Where the result goes, which it must fit in shape and type. Memory that is used again and again saves more time
        than threads do: new memory has to be cleared first.
    threads : int, optional
        How many to compute with; the result is the same to the bit. Default: as many as there are CPUs, if there is
        enough to do.

    Raises
    ------
    ValueError, TypeError
        As `fft`, and for an `out` that does not fit.

    Examples
    --------
    >>> rfft([1.0, 1.0, 1.0, 1.0]).tolist()
    [(4+0j), 0j, 0j]
    """
    rows, restore = _rows("rfft", x, n, axis)
    if np.iscomplexobj(rows):
        raise TypeError("rfft: x: expected real numbers, got complex ones. Use fft.")
    if threads is not None:
        threads = check_integer("rfft", "threads", threads)
    half = rows.shape[1] // 2 + 1
    dtype = np.result_type(rows, np.complex64)
    if out is None:
        y = np.empty((len(rows), half), dtype)
    else:
        shape = np.shape(x)
        if axis not in (-1, len(shape) - 1):
            raise ValueError(f"rfft: out: expected a transform along the last axis with it, got axis {axis}.")
        y = _rows_of("rfft", out, (*shape[:-1], half), dtype)
    if rows.shape[1] % 2 == 0:
        _real_forward(rows, y, threads)
    else:
        _odd_forward(rows, y, threads)
    return restore(y) if out is None else out


def irfft(x: ArrayLike, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Return the inverse of `rfft`: n real numbers from frequencies 0 to n // 2.

    The imaginary parts of frequency 0 and, if n is even, n / 2 do not count. n is by default even, 2 (x.shape[axis] -
    1); x is cut or filled up with zeros to n // 2 + 1 frequencies. Otherwise as `fft`.

    Examples
    --------
    >>> irfft([4.0, 0.0, 0.0]).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    x = check_array("irfft", "x", x)
    if x.ndim == 0:
        raise ValueError("irfft: x: expected an array of at least one axis, got a scalar.")
    axis = check_axis("irfft", axis, x.ndim)
    if n is None:
        n = 2 * (x.shape[axis] - 1)
        if n < 1:
            raise ValueError(
                f"irfft: x: expected at least 2 frequencies, got {x.shape[axis]}. State n, which may be 1."
            )
    n = check_integer("irfft", "n", n, maximum=_MOST)
    rows, restore = _rows("irfft", x, n // 2 + 1, axis)
    rows = _as_complex(rows)
    if n % 2 == 0:
        return restore(_real_backward(rows))
    rows = rows.copy()
    rows[:, 0].imag = 0
    full = np.concatenate([rows, rows[:, :0:-1].conj()], axis=1)
    return restore(np.ascontiguousarray(_complex(full, inverse=True).real) / rows.real.dtype.type(n))


def _rows(who: str, x: ArrayLike, n: int | None, axis: int) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return the input as rows of a type that the kernels take, and a function that gives rows the shape of x again."""
    x = check_array(who, "x", x)
    if x.ndim == 0:
        raise ValueError(f"{who}: x: expected an array of at least one axis, got a scalar.")
    if x.dtype == np.float16 or not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
        raise TypeError(f"{who}: x: expected numbers of single or double precision, got an array of {x.dtype}.")
    axis = check_axis(who, axis, x.ndim)
    x = np.moveaxis(x, axis, -1)
    n = x.shape[-1] if n is None else n
    n = check_integer(who, "n", n, maximum=_MOST)
    native = x.dtype.newbyteorder("=")
    dtype = native if native in (np.float32, np.complex64) else np.complex128 if np.iscomplexobj(x) else np.float64
    if n == x.shape[-1]:
        rows = np.require(x, dtype, ["C", "A"]).reshape(math.prod(x.shape[:-1]), n)
    else:
        rows = np.zeros((math.prod(x.shape[:-1]), n), dtype)
        cut = min(n, x.shape[-1])
        rows.reshape(*x.shape[:-1], n)[..., :cut] = x[..., :cut]
    return rows, lambda y: np.moveaxis(y.reshape(*x.shape[:-1], y.shape[1]), -1, axis)


def _rows_of(who: str, out: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return the caller's memory for a result of some shape and type, as rows."""
    fits = isinstance(out, np.ndarray) and out.shape == shape and out.dtype == dtype and out.flags.carray
    if not fits:
        got = f"shape {out.shape} of {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"{who}: out: expected a C-contiguous array of shape {shape} of {dtype}, got {got}.")
    return out.reshape(math.prod(shape[:-1]), shape[-1])


def _as_complex(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.result_type(rows, np.complex64), copy=False)


# Fewer transforms than a vector has lanes leave lanes empty. From this length on, where they leave the caches too, each
# is then cut into short ones.
_LONG = 4096

# Bytes of a result that is written past the caches, and elements that such a transform has at least.
_PAST_CACHES, _FEWEST = 1 << 24, 64


def _few(rows: int, n: int, real: np.dtype) -> bool:
    """Return whether rows leave so many lanes empty that they are cut into short ones."""
    from mfcc.kernels.fft import lanes_of

    return 0 < 2 * rows <= lanes_of(real) and n >= _LONG


def _complex(x: np.ndarray, inverse: bool, threads: int | None = None) -> np.ndarray:
    """Transform the rows of a complex array; the inverse is not divided by n."""
    rows, n = x.shape
    real = x.real.dtype
    if _few(rows, n, real):
        return _long(x, inverse)
    kernels, plan = _prepare(n, real)
    out = np.empty_like(x)
    position = plan.inverse if inverse else plan.position

    def run(a: np.ndarray, b: np.ndarray, count: int, z: np.ndarray) -> None:
        kernels.fft_rows(a, b, count, plan, position, z)

    _in_groups(x.view(real), out.view(real), run, n, threads)
    return out


def _long(x: np.ndarray, inverse: bool) -> np.ndarray:
    """Transform a few long rows by columns and rows: D. H. Bailey, "FFTs in external or hierarchical memory" (1990)."""
    rows, n = x.shape
    if not is_good_length(n):
        return _long_by_chirp(x, inverse)
    n1 = next(d for d in range(math.isqrt(n), 0, -1) if n % d == 0)
    n2 = n // n1
    columns = _complex(_turned(x, n1, n2).reshape(rows * n2, n1), inverse).reshape(rows, n2, n1)
    columns *= _turns(n1, n2, inverse, x.dtype.name)
    y = _complex(_turned(columns, n2, n1).reshape(rows * n1, n2), inverse)
    return _turned(y, n1, n2).reshape(rows, n)


def _turned(x: np.ndarray, n1: int, n2: int) -> np.ndarray:
    """Return rows of n1 x n2 numbers as those of n2 x n1."""
    return np.ascontiguousarray(x.reshape(-1, n1, n2).transpose(0, 2, 1))


@functools.lru_cache(maxsize=8)
def _turns(n1: int, n2: int, inverse: bool, dtype: str) -> np.ndarray:
    turn = np.outer(np.arange(n2), np.arange(n1)) * ((2 if inverse else -2) * np.pi / (n1 * n2))
    return np.exp(1j * turn).astype(dtype)


@functools.lru_cache(maxsize=2)  # those of a million values take 25 MB
def _chirp_tables(n: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    from mfcc.kernels.fft import chirp_of, passes_length

    m = passes_length(n)
    chirp, both = chirp_of(n, m)
    return chirp.astype(dtype), (fft(both) / m).astype(dtype)


def _long_by_chirp(x: np.ndarray, inverse: bool) -> np.ndarray:
    """Do what the kernels do for a length with other prime factors, on rows of length m that are cut in turn."""
    rows, n = x.shape
    chirp, response = _chirp_tables(n, x.dtype.name)
    z = np.zeros((rows, len(response)), x.dtype)
    np.multiply(x.conj() if inverse else x, chirp, out=z[:, :n])
    z = _complex(z, inverse=False)
    z *= response
    y = _complex(z, inverse=True)[:, :n] * chirp
    return y.conj() if inverse else y


# Numbers of real rows of odd length that are made complex at a time: they stay in the caches.
_AT_A_TIME = 1 << 15


def _odd_forward(x: np.ndarray, out: np.ndarray, threads: int | None) -> None:
    rows, n = x.shape
    step = 64 * max(1, _AT_A_TIME // 64 // n) if n < _LONG else max(1, rows)  # whole vectors

    def compute(part: slice) -> None:
        out[part] = _complex(_as_complex(x[part]), inverse=False, threads=1)[:, : out.shape[1]]

    for_each(compute, [slice(i, i + step) for i in range(0, rows, step)], thread_count(threads, x.size))


def _real_forward(x: np.ndarray, out: np.ndarray, threads: int | None) -> None:
    rows, n = x.shape
    if _few(rows, n // 2, x.dtype):
        out[...] = _split(_long(x.view(out.dtype), inverse=False))
        return
    from mfcc.kernels.fft import workspace

    kernels, plan = _prepare(n // 2, x.dtype)

    def run(a: np.ndarray, b: np.ndarray, count: int, z: np.ndarray) -> None:
        past_caches = out.nbytes >= _PAST_CACHES and n // 2 >= _FEWEST
        kernels.rfft_rows(a, b, count, plan, z, workspace(n // 2, x.dtype.name) if past_caches else z[:0])

    _in_groups(x, out.view(x.dtype), run, n // 2, threads)


def _split(z: np.ndarray) -> np.ndarray:
    """Return the transform of real rows from that of their even (real) and odd (imaginary) samples."""
    n = z.shape[1]
    mirrored = np.concatenate([z[:, :1], z[:, :0:-1]], axis=1).conj()
    even, odd = z + mirrored, z - mirrored
    odd *= _half_turns(n, z.dtype.name)
    y = np.empty((len(z), n + 1), z.dtype)
    np.add(even, odd, out=y[:, :n])
    y[:, n] = even[:, 0] - odd[:, 0]
    y *= z.real.dtype.type(0.5)
    return y


@functools.lru_cache(maxsize=8)
def _half_turns(n: int, dtype: str) -> np.ndarray:
    return (-1j * np.exp(-1j * np.pi / n * np.arange(n))).astype(dtype)


def _real_backward(x: np.ndarray) -> np.ndarray:
    rows, n = x.shape[0], 2 * (x.shape[1] - 1)
    real = x.real.dtype
    kernels, plan = _prepare(n // 2, real)
    out = np.empty((rows, n), real)

    def run(a: np.ndarray, b: np.ndarray, count: int, z: np.ndarray) -> None:
        kernels.irfft_rows(a, b, count, plan, z)

    _in_groups(x.view(real), out, run, n // 2)
    return out


def _prepare(n: int, real: np.dtype) -> tuple[Any, Any]:
    from mfcc.kernels.fft import fft_kernels, plan

    return fft_kernels(real.name), plan(n, real.name)


def _in_groups(
    x: np.ndarray,
    out: np.ndarray,
    run: Callable[[np.ndarray, np.ndarray, int, np.ndarray], None],
    n: int,
    threads: int | None = None,
) -> None:
    """Run a kernel over rows in whole vectors, in a piece for each thread: what remains is filled up with zeros."""
    from mfcc.kernels.fft import lanes_of, workspace

    real = x.dtype
    lanes = lanes_of(real)
    x = x.view()
    x.flags.writeable = False  # so that one compiled version serves arrays that can be written and those that can't
    whole = len(x) - len(x) % lanes

    def compute(rows: slice) -> None:
        run(x[rows].reshape(-1), out[rows].reshape(-1), rows.stop - rows.start, workspace(n, real.name))

    n_threads = thread_count(threads, x.size)
    length = max(1, -(-whole // lanes // n_threads)) * lanes
    for_each(compute, [slice(first, min(first + length, whole)) for first in range(0, whole, length)], n_threads)
    if whole < len(x):
        rest = np.zeros((lanes, x.shape[1]), real)
        rest[: len(x) - whole] = x[whole:]
        rest.flags.writeable = False
        rest_out = np.empty((lanes, out.shape[1]), real)
        run(rest.reshape(-1), rest_out.reshape(-1), lanes, workspace(n, real.name))
        out[whole:] = rest_out[: len(x) - whole]
