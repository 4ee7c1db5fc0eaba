"""A signal from the magnitudes of its spectrum, by a search for phases that fit them.

D. W. Griffin and J. S. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Trans. ASSP 32 (1984);
with momentum: N. Perraudin, P. Balazs and P. L. Sondergaard, "A fast Griffin-Lim algorithm", WASPAA 2013.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mfcc import framing
from mfcc.checks import check_integer, check_is, check_number, check_rng, check_rows
from mfcc.fft import irfft, rfft
from mfcc.recipe import MFCC
from mfcc.windows import get_window

# Lower bound of the response of a pre-emphasis that is taken off: with a = 1, nothing is left of 0 Hz.
_LOWEST_RESPONSE = 0.01


def griffin_lim(
    spectrum: ArrayLike,
    recipe: MFCC,
    *,
    n_iter: int = 32,
    momentum: float = 0.99,
    rng: np.random.Generator,
    hop_length: int | None = None,
) -> np.ndarray:
    """Return samples with a spectrum near the one given, from random phases: fast Griffin-Lim.

    Parameters
    ----------
    spectrum : array, shape (n_fft // 2 + 1, n_frames)
        Power, or magnitude if the recipe has power=1, as `recipe.power_spectrogram` gives it. float32 gives float32;
        anything else is computed in float64.
    recipe : MFCC
        Its frames, window, scale and pre-emphasis (divided out of the spectrum) are undone. A mean that it takes off
        frames stays off.
    n_iter : int
        Number of iterations, at least 0: more bring the spectrum nearer, each less than the one before.
    momentum : float
        From 0 (Griffin and Lim) to 1: how far each step goes beyond its aim. 0.99 is from the paper.
    rng : numpy.random.Generator
        Draws the first phases.
    hop_length : int, optional
        Distance in samples of the frames that the signal is made of, at most win_length. Phases can only be found where
        frames share samples. Default: the recipe's hop if that is at most half a window; else (FILMSCORE: frames
        without overlap) a quarter of a window. Frames that the spectrum doesn't have are interpolated linearly in time
        between its own, in magnitude: notes fade into each other, and what was short becomes a hop long.

    Returns
    -------
    array, shape (n_samples,)
        From the beginning of the recording to the end of its last frame (centred: its middle); full scale is 1.0, and
        nothing is cut off beyond. Pitch and loudness are those of the spectrum; the waveform is another one.

    Raises
    ------
    ValueError
        For a spectrum of another shape, negative or not finite; n_iter, momentum or hop_length out of range.
    TypeError
        For an rng that is no numpy.random.Generator.

    Notes
    -----
    Takes the memory of about four complex spectra.

    Examples
    --------
    >>> import mfcc
    >>> recipe = mfcc.MFCC(n_fft=512, hop_length=128)
    >>> y = np.sin(0.1 * np.arange(8192))
    >>> griffin_lim(recipe.power_spectrogram(y), recipe, rng=np.random.default_rng(0)).shape
    (8192,)
    """
    who = "griffin_lim"
    check_is(who, "recipe", recipe, MFCC)
    spectrum = check_rows(who, "spectrum", spectrum, recipe.n_fft // 2 + 1, "n_fft // 2 + 1")
    if (spectrum < 0).any():
        raise ValueError(f"{who}: spectrum: expected at least 0, got {spectrum.min():g}. Decibels are no power.")
    n_iter = check_integer(who, "n_iter", n_iter, minimum=0, maximum=10**6)
    momentum = check_number(who, "momentum", momentum, minimum=0, maximum=1)
    check_rng(who, rng)
    hop = _hop(who, recipe, hop_length)
    frames = _Frames(recipe.n_fft, hop, _window(recipe).astype(spectrum.dtype))

    # Beyond the ends there are more frames, so that every sample is in as many as any other. They are as they come out.
    length, count, n_samples = recipe.frame_length, spectrum.shape[1], _n_samples(recipe, spectrum.shape[1])
    origin = framing.first_start(length, recipe.hop_length, center=recipe.center)
    end = max(n_samples, origin + (count - 1) * recipe.hop_length + length)
    start = min(origin, 0) - (-(-length // hop) - 1) * hop
    n_frames = -(-(end - start) // hop)
    end = start + (n_frames - 1) * hop + length
    times = (start - origin + hop * np.arange(n_frames)) / recipe.hop_length
    free = (times < 0) | (times > count - 1)
    target = _magnitude_at(times, np.ascontiguousarray(spectrum.T), recipe)

    phase = rng.random(target.shape, target.dtype) * target.dtype.type(2 * np.pi)
    y = frames.overlap_add(target * np.exp(1j * phase))[-start : -start + n_samples]
    before: np.ndarray | None = None
    for _ in range(n_iter):
        padded = framing.samples_between(
            y, start, end, center=recipe.center, pad_mode=recipe.pad_mode, frame_length=length
        )
        found = frames.analyse(padded)
        ahead = found if before is None else found + target.dtype.type(momentum) * (found - before)
        target[free] = np.abs(found[free])
        y = frames.overlap_add(target * (ahead / np.maximum(np.abs(ahead), np.finfo(target.dtype).tiny)))
        y, before = y[-start : -start + n_samples], found
    return y / y.dtype.type(recipe.full_scale)


class _Frames(NamedTuple):
    """The short-time Fourier transform, and the signal that is nearest to a spectrum in the sense of least squares."""

    n_fft: int
    hop: int
    window: np.ndarray

    def analyse(self, y: np.ndarray) -> np.ndarray:
        frames = np.lib.stride_tricks.sliding_window_view(y, len(self.window))[:: self.hop]
        return rfft(frames * self.window, self.n_fft)

    def overlap_add(self, spectrum: np.ndarray) -> np.ndarray:
        frames = irfft(spectrum, self.n_fft)[:, : len(self.window)] * self.window
        squares = _added(np.broadcast_to(self.window**2, frames.shape), self.hop)
        return _added(frames, self.hop) / np.maximum(squares, 1e-6 * squares.max())


def _added(frames: np.ndarray, hop: int) -> np.ndarray:
    count, length = frames.shape
    pieces = -(-length // hop)
    out = np.zeros((count + pieces - 1, hop), frames.dtype)
    for i in range(pieces):
        piece = frames[:, i * hop : (i + 1) * hop]
        out[i : i + count, : piece.shape[1]] += piece
    return out.reshape(-1)[: (count - 1) * hop + length]


def _hop(who: str, recipe: MFCC, hop_length: int | None) -> int:
    if hop_length is None:
        fine = max(1, recipe.win_length // 4)
        return recipe.hop_length if recipe.hop_length <= recipe.win_length // 2 else fine
    hop_length = check_integer(who, "hop_length", hop_length, maximum=1 << 31)
    if hop_length > recipe.win_length:
        raise ValueError(
            f"{who}: hop_length: expected at most win_length = {recipe.win_length}, got {hop_length}. There would be "
            f"gaps between frames; a quarter of win_length is usual."
        )
    return hop_length


def _window(recipe: MFCC) -> np.ndarray:
    window = get_window(recipe.window, recipe.win_length, periodic=recipe.window_periodic)
    if not window.any():
        raise ValueError(
            f"griffin_lim: recipe: expected a window that lets something through, got {recipe.window!r} of "
            f"{recipe.win_length} samples, all of which are 0. Lengthen it."
        )
    before = (recipe.frame_length - recipe.win_length) // 2
    return np.pad(window, (before, recipe.frame_length - recipe.win_length - before))


def _magnitude_at(times: np.ndarray, spectrum: np.ndarray, recipe: MFCC) -> np.ndarray:
    """Magnitude of the frames at times in units of the recipe's hop, without the recipe's scale and pre-emphasis."""
    magnitude = spectrum if recipe.power == 1 else np.sqrt(spectrum)
    gain = np.ones(recipe.n_fft // 2 + 1)
    if recipe.spectrum_scale is not None:
        gain *= np.sqrt(recipe.n_fft if recipe.spectrum_scale == "length" else np.sum(_window(recipe) ** 2))
    if recipe.preemphasis:
        gain /= emphasis(recipe)
    magnitude = magnitude * gain.astype(magnitude.dtype)
    times = np.clip(times, 0, len(magnitude) - 1)
    first = times.astype(int)
    after = (times - first).astype(magnitude.dtype)[:, np.newaxis]
    second = np.minimum(first + 1, len(magnitude) - 1)
    return magnitude[first] if not after.any() else magnitude[first] * (1 - after) + magnitude[second] * after


def emphasis(recipe: MFCC) -> np.ndarray:
    """Return the factor of pre-emphasis on the magnitude of each bin, shape (n_fft // 2 + 1,), bounded below."""
    turn = np.exp(-2j * np.pi / recipe.n_fft * np.arange(recipe.n_fft // 2 + 1))
    return np.maximum(np.abs(1 - recipe.preemphasis * turn), _LOWEST_RESPONSE)


def _n_samples(recipe: MFCC, count: int) -> int:
    if recipe.center == "hop":
        return count * recipe.hop_length
    between = (count - 1) * recipe.hop_length
    return max(1, between + recipe.frame_length - 2 * (recipe.frame_length // 2 if recipe.center else 0))
