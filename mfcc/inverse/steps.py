"""The steps back from coefficients: to the log-mel spectrum, the mel spectrum and the spectrum.

Cosines beyond n_mfcc, which are the fine shape of the spectrum, and bins within a mel filter, which are the pitch,
can't come back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mfcc import knobs
from mfcc.checks import check_integer, check_is, check_reals, check_rows, shown
from mfcc.dct import dct_matrix
from mfcc.inverse.least_squares import nonnegative_least_squares
from mfcc.inverse.phase_retrieval import emphasis
from mfcc.mel import filter_weights
from mfcc.recipe import MFCC
from mfcc.windows import get_window

# The level of a recording if its coefficients do not tell it: 20 dB below full scale.
_USUAL_AMPLITUDE = 0.1

# Frames that are solved for at a time, so that they stay in the cache.
_BLOCK = 64


def to_log_mel(coefficients: ArrayLike, recipe: MFCC, *, c0: ArrayLike | None = None) -> np.ndarray:
    """Return the log-mel spectrum of coefficients, shape (n_mels, n_frames): lifter and cosine transform undone.

    Parameters
    ----------
    coefficients : array, shape (n_coefficients, n_frames)
        As the recipe gives them; it is not written to. float32 gives float32; anything else is computed in float64.
    recipe : MFCC
        With n_mfcc = n_mels and C0 this is `recipe.log_mel`, but for rounding. With fewer cosines it is that smoothed
        over the bands.
    c0 : number or array, shape (n_frames,), optional
        The first coefficient, which is the loudness, where the recipe drops it or puts the energy in its place: as it
        would give it with c0="first" and no energy. Default: an estimate. If the recipe keeps the energy, that of each
        frame; else one value, with which the recording as a whole is 20 dB below full scale.

    Raises
    ------
    ValueError
        For another shape, numbers that are not finite, and a c0 where the coefficients have one.

    Examples
    --------
    >>> from mfcc import MFCC
    >>> recipe = MFCC(n_mels=20, n_mfcc=20, c0="first")
    >>> y = np.sin(0.1 * np.arange(8192))
    >>> bool(np.allclose(to_log_mel(recipe(y), recipe), recipe.log_mel(y)))
    True
    """
    return log_mel_of("to_log_mel", "coefficients", coefficients, recipe, c0)


def log_mel_of(who: str, name: str, coefficients: ArrayLike, recipe: MFCC, c0: ArrayLike | None) -> np.ndarray:
    """Return what `to_log_mel` does; errors begin with `who`."""
    check_is(who, "recipe", recipe, MFCC)
    given = check_rows(who, name, coefficients, recipe.n_coefficients, "n_coefficients")
    rows = given.astype(np.float64)
    n = np.arange(recipe.n_mfcc)
    weight = np.ones(recipe.n_mfcc)
    if recipe.lifter:
        weight += recipe.lifter / 2 * np.sin(np.pi * (n + recipe.lifter_start) / recipe.lifter)
    weight[np.abs(weight) < 1e-8] = np.inf  # what the lifter made 0 stays 0
    row = {"first": n, "last": np.roll(n, 1), "drop": n - 1}[recipe.c0]  # where the cosines are; the last: none
    energy = None
    if recipe.energy is not None:
        energy = rows[row[0] if recipe.energy_place == "c0" else -1]
    has_c0 = recipe.c0 != "drop" and not (recipe.energy is not None and recipe.energy_place == "c0")
    cosines = rows[row] / weight[:, np.newaxis]
    if not has_c0:
        cosines[0] = 0.0
    back = np.linalg.inv(dct_matrix(recipe.n_mels, recipe.n_mels, type=recipe.dct_type, norm=recipe.dct_norm))
    log_mel = back[:, : recipe.n_mfcc] @ cosines
    if has_c0 and c0 is not None:
        raise ValueError(f"{who}: c0: expected None for a recipe with c0={recipe.c0!r}, got {shown(c0)}.")
    if not has_c0:
        given_c0 = None if c0 is None else _check_c0(who, c0, rows.shape[1]) / weight[0]
        first = _loudness(log_mel, back[:, 0], energy, recipe) if given_c0 is None else given_c0
        log_mel += np.outer(back[:, 0], first)
    return log_mel.astype(given.dtype)


def to_mel(log_mel: ArrayLike, recipe: MFCC) -> np.ndarray:
    """Return the mel spectrum, shape (n_mels, n_frames), of its logarithm; what a floor hid stays at the floor.

    Raises
    ------
    ValueError
        For another shape, and numbers that are not finite or the exponential of which is beyond the type.

    Examples
    --------
    >>> from mfcc import MFCC
    >>> to_mel(np.zeros((41, 1)), MFCC(log="decibel"))[:2].tolist()
    [[1.0], [1.0]]
    """
    check_is("to_mel", "recipe", recipe, MFCC)
    return undo_logarithm("to_mel", "log_mel", log_mel, recipe, recipe.n_mels, "n_mels")


def to_spectrum(mel: ArrayLike, recipe: MFCC, *, n_iter: int = 200) -> np.ndarray:
    """Return a spectrum that gives the mel spectrum, by non-negative least squares, shape (n_fft // 2 + 1, n_frames).

    There are more bins than filters: of the spectra that fit, one near the smooth curve through the filters' mean
    levels is found. Harmonics that are narrower than a filter do not come back, nor does what lies outside all filters.

    Parameters
    ----------
    mel : array, shape (n_mels, n_frames)
        As `recipe.mel_spectrogram` gives it, at least 0. float32 gives float32; all is computed in float64.
    recipe : MFCC
        Its filters, and power or magnitude.
    n_iter : int
        Bound of the number of iterations; they end when nothing changes by more than a millionth.

    Raises
    ------
    ValueError
        For another shape, and numbers that are negative or not finite.

    Examples
    --------
    >>> from mfcc import MFCC
    >>> recipe = MFCC()
    >>> mel = recipe.mel_spectrogram(np.sin(0.1 * np.arange(8192)))
    >>> to_spectrum(mel, recipe).shape
    (1025, 4)
    """
    who = "to_spectrum"
    check_is(who, "recipe", recipe, MFCC)
    given = check_rows(who, "mel", mel, recipe.n_mels, "n_mels")
    if (given < 0).any():
        raise ValueError(f"{who}: mel: expected at least 0, got {given.min():g}. Is it a logarithm? Take to_mel first.")
    n_iter = check_integer(who, "n_iter", n_iter, minimum=0, maximum=10**6)
    weights = recipe.filter_bank
    out = np.empty((weights.shape[1], given.shape[1]), given.dtype)
    for begin in range(0, given.shape[1], _BLOCK):
        part = slice(begin, begin + _BLOCK)
        out[:, part] = nonnegative_least_squares(weights, given[:, part].astype(np.float64), n_iter)
    return out


def undo_logarithm(who: str, name: str, logs: ArrayLike, recipe: MFCC, rows: int, called: str) -> np.ndarray:
    """Undo the logarithm of a recipe; what its floor hid stays at the floor."""
    x = check_rows(who, name, logs, rows, called)
    x = x * x.dtype.type(_natural(recipe))
    largest = 80 if x.dtype == np.float32 else 350  # with room for sums, and in float64 for squares
    if x.max() > largest:
        raise ValueError(
            f"{who}: {name}: expected logarithms of at most {largest / _natural(recipe):.0f}, got "
            f"{x.max() / _natural(recipe):.4g}. Are they logarithms, and by this recipe?"
        )
    values = np.exp(x)
    return np.maximum(values - x.dtype.type(recipe.log_floor), 0) if recipe.log_floor_mode == "add" else values


def _natural(recipe: MFCC) -> float:
    """Return the factor that turns logarithms of the recipe into natural ones."""
    return 1.0 if recipe.log == "natural" else np.log(10.0) * recipe.power / 20


def _check_c0(who: str, c0: ArrayLike, n_frames: int) -> np.ndarray:
    values = check_reals(who, "c0", c0)
    if values.shape not in ((), (n_frames,)) or not np.isfinite(values).all():
        raise ValueError(
            f"{who}: c0: expected a finite number, or one for each of {n_frames} frames, got an array of shape "
            f"{values.shape}."
        )
    return np.broadcast_to(values, n_frames)


def _loudness(log_mel: np.ndarray, cosine: np.ndarray, energy: np.ndarray | None, recipe: MFCC) -> np.ndarray:
    """Return C0 of each frame such that log_mel + C0 * cosine has the energy of the frames, or a usual one if unknown.

    The power of a frame is the sum over filters of (mean power within) x (bins that a filter stands for).
    """
    area = recipe.filter_bank.sum(axis=1)
    filled = area > 0
    if not filled.any():
        return np.zeros(log_mel.shape[1])
    triangles = filter_weights(knobs.bank_arguments(vars(recipe))._replace(norm=None))[filled]
    before = recipe.energy == "raw" and recipe.preemphasis_scope == "frame"  # the energy is that before pre-emphasis
    bins = np.sum(triangles / emphasis(recipe) ** 2 if before else triangles, axis=1)
    squared = 1 if recipe.energy == "spectrum" else 2 / recipe.power  # from the spectrum to what the energy sums up
    scale = squared * _natural(recipe)
    logs = scale * log_mel[filled] + (np.log(bins) - squared * np.log(area[filled]))[:, np.newaxis]
    slope = np.broadcast_to(scale * cosine[filled, np.newaxis], logs.shape)
    window = get_window(recipe.window, recipe.win_length, periodic=recipe.window_periodic)
    per_energy = recipe.n_fft / 2  # Parseval
    if recipe.spectrum_scale is not None:
        per_energy /= recipe.n_fft if recipe.spectrum_scale == "length" else float(np.sum(window**2))
    if energy is None:
        wanted = np.array([np.log((_USUAL_AMPLITUDE * recipe.full_scale) ** 2 * np.sum(window**2) * per_energy)])
        logs = logs.reshape(-1, 1) - np.log(logs.shape[1])
        slope = slope.reshape(-1, 1)
    elif recipe.energy == "spectrum":
        wanted = energy
    else:
        through = np.mean(window**2) if recipe.energy == "raw" else 1.0
        wanted = energy + np.log(through * per_energy)
    c0 = np.zeros(logs.shape[1])
    for _ in range(30):  # Newton's: the logarithm of a sum of exponentials is convex; one step if the slope is constant
        values = logs + slope * c0
        top = values.max(axis=0)
        parts = np.exp(values - top)
        total = parts.sum(axis=0)
        c0 += (wanted - top - np.log(total)) * total / (parts * slope).sum(axis=0)
    return np.broadcast_to(c0, log_mel.shape[1])
