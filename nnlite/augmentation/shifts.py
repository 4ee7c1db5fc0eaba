"""Shifts in time, in level and in pitch."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.augmentation.samples import as_float_samples, check_axis, over_axis
from nnlite.checks import check_integer, check_number, check_rng, is_one_of, shown

__all__ = ["gain", "pitch_shift", "time_shift"]


def time_shift(
    x: NDArray, rng: np.random.Generator, *, most: int, time_axis: int = 2, fill: float | None = None
) -> NDArray:
    """Return samples that begin earlier or later.

    Parameters
    ----------
    x : ndarray (n_samples, ...)
        Floats: by default (n, bands, frames, channels). Of one length: the padding of shorter ones would move too.
    rng : numpy.random.Generator
    most : int
        Each sample moves by a number of places from ``-most`` to ``most``, each as likely.
    time_axis : int
        Axis of `x`: 1 for sound (n, samples).
    fill : float, optional
        Value of what was not there before. By default the end comes before the beginning.

    Returns
    -------
    ndarray
        A new array like `x`.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.

    Examples
    --------
    >>> x = np.arange(5.0)[None]
    >>> time_shift(x, np.random.default_rng(2), most=2, time_axis=1)
    array([[3., 4., 0., 1., 2.]])
    >>> time_shift(x, np.random.default_rng(2), most=2, time_axis=1, fill=9)
    array([[9., 9., 0., 1., 2.]])
    """
    who = "time_shift"
    x = as_float_samples(who, x)
    check_rng(who, rng)
    axis = check_axis(who, "time_axis", time_axis, x)
    length = x.shape[axis]
    check_integer(who, "most", most, low=0, high=length, expected=f"an integer from 0 to the length {length}")
    if fill is not None:
        check_number(who, "fill", fill)
    sources = np.arange(length) - rng.integers(-most, most + 1, len(x))[:, None]
    moved = np.take_along_axis(x, over_axis(sources % length, axis, x.ndim), axis)
    if fill is None:
        return moved
    inside = over_axis((sources >= 0) & (sources < length), axis, x.ndim)
    return np.where(inside, moved, x.dtype.type(fill))


_UNITS = {"amplitude": None, "decibel": 1.0, "log": math.log(10.0) / 10.0}


def gain(x: NDArray, rng: np.random.Generator, *, decibels: float = 6.0, unit: str = "amplitude") -> NDArray:
    """Return samples that are louder or softer.

    Parameters
    ----------
    x : ndarray (n_samples, ...)
        Floats.
    rng : numpy.random.Generator
    decibels : float
        Each sample is amplified by a number of decibels from ``-decibels`` to ``decibels``.
    unit : {"amplitude", "decibel", "log"}
        What the values of `x` are: samples of sound, which are multiplied by ``10 ** (d / 20)``; levels of power in
        decibels, to which d is added; or natural logarithms of power, to which ``d log(10) / 10`` is added.

    Returns
    -------
    ndarray
        A new array like `x`.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.

    Examples
    --------
    >>> gain(np.ones((3, 2)), np.random.default_rng(0), decibels=6).round(3)
    array([[1.208, 1.208],
           [0.728, 0.728],
           [0.53 , 0.53 ]])
    """
    who = "gain"
    x = as_float_samples(who, x)
    check_rng(who, rng)
    check_number(who, "decibels", decibels, low=0, expected="a finite number of 0 or more")
    if not is_one_of(unit, _UNITS):
        raise ValueError(f"{who}: unit: expected one of {list(_UNITS)}, got {shown(unit)}.")
    levels = (float(decibels) * (2.0 * rng.random(len(x)) - 1.0)).reshape(-1, *[1] * (x.ndim - 1))
    of_one = _UNITS[unit]
    if of_one is None:
        return x * (10.0 ** (levels / 20.0)).astype(x.dtype)
    return x + (of_one * levels).astype(x.dtype)


def pitch_shift(x: NDArray, rng: np.random.Generator, *, semitones: float = 2.0, time_axis: int = 1) -> NDArray:
    """Return sound that is played faster and higher, or slower and deeper, by resampling (soxr).

    Sound that becomes longer gives a part of it, sound that becomes shorter lies somewhere in silence; both places are
    drawn. Tempo and timbre move with the pitch, as on a record player.

    Parameters
    ----------
    x : ndarray (n_samples, length) or with further axes
        Sound, floats.
    rng : numpy.random.Generator
    semitones : float
        Each sample moves by a number of semitones from ``-semitones`` to ``semitones``, at most 24.
    time_axis : int
        Axis of `x`.

    Returns
    -------
    ndarray
        A new array like `x`.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.

    Examples
    --------
    >>> x = np.sin(np.arange(4000) / 10)[None]
    >>> moved = pitch_shift(x, np.random.default_rng(1), semitones=12)
    >>> count = lambda wave: int((np.diff(np.signbit(wave)) != 0).sum())  # changes of sign
    >>> count(x[0]), count(moved[0])
    (127, 128)
    """
    who = "pitch_shift"
    x = as_float_samples(who, x)
    check_rng(who, rng)
    check_number(who, "semitones", semitones, low=0, high=24, expected="a number from 0 to 24")
    axis = check_axis(who, "time_axis", time_axis, x)
    speeds = 2.0 ** (float(semitones) * (2.0 * rng.random(len(x)) - 1.0) / 12.0)
    places = rng.random(len(x))
    moved = np.zeros(x.shape, x.dtype)
    for sample, out, speed, place in zip(x, moved, speeds, places, strict=True):
        played = _played(np.moveaxis(sample, axis - 1, 0), float(speed))
        _place(played, np.moveaxis(out, axis - 1, 0), float(place))
    return moved


def _played(sound: np.ndarray, speed: float) -> np.ndarray:
    """Return sound (length, ...) at another speed."""
    import soxr

    columns = sound.reshape(len(sound), -1).astype(np.result_type(sound.dtype, np.float32))
    played: Any = soxr.resample(np.ascontiguousarray(columns), speed, 1.0)
    return played.reshape(-1, *sound.shape[1:])


def _place(sound: np.ndarray, out: np.ndarray, place: float) -> None:
    """Write sound into `out`, which has another length: cut out of it, or put between zeros, at a share of the way."""
    start = math.floor(place * (abs(len(sound) - len(out)) + 1))
    if len(sound) >= len(out):
        out[...] = sound[start : start + len(out)]
    else:
        out[start : start + len(sound)] = sound
