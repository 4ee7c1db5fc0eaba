"""Masks over bands and frames."""

import numpy as np
from numpy.typing import NDArray

from nnlite.augmentation.samples import as_float_samples, check_axis, over_axis
from nnlite.checks import check_integer, check_number, check_rng

__all__ = ["spec_augment"]


def spec_augment(
    x: NDArray,
    rng: np.random.Generator,
    *,
    max_frames: int = 20,
    max_bands: int = 8,
    n_time_masks: int = 1,
    n_band_masks: int = 1,
    time_axis: int = 2,
    band_axis: int = 1,
    fill: float | None = None,
) -> NDArray:
    """Return samples with some frames and some bands masked (SpecAugment, Park et al., Interspeech 2019).

    The width of each mask is drawn from 0 to its largest, each as likely, then its place among those where it fits.
    Masks may overlap. Time is not warped, which the paper found to matter least.

    Parameters
    ----------
    x : ndarray (n_samples, ...)
        Floats: by default (n, bands, frames, channels), as `mfcc.tiles` has them.
    rng : numpy.random.Generator
    max_frames, max_bands : int
        Largest width of a mask over time and over bands; 0: no such mask.
    n_time_masks, n_band_masks : int
        Masks of each sample.
    time_axis, band_axis : int
        Axes of `x`. Sequences (n, steps, features) have 1 and 2.
    fill : float, optional
        Value in the masks. By default each sample's mean; 0 is that of samples that are standardized. NaN, with which
        short sequences are padded, stays and does not count.

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
    >>> x = np.ones((1, 6, 10, 1))
    >>> masked = spec_augment(x, np.random.default_rng(1), max_frames=4, max_bands=2, fill=0)
    >>> masked[0, :, :, 0].astype(int)
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
           [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
           [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
           [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
           [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]])
    """
    who = "spec_augment"
    x = as_float_samples(who, x)
    check_rng(who, rng)
    axes = check_axis(who, "time_axis", time_axis, x), check_axis(who, "band_axis", band_axis, x)
    if axes[0] == axes[1]:
        raise ValueError(f"{who}: band_axis: expected another axis than time_axis, got {band_axis} for both.")
    for name, most, axis in (("max_frames", max_frames, axes[0]), ("max_bands", max_bands, axes[1])):
        length = x.shape[axis]
        expected = f"an integer from 0 to the length {length} of axis {axis}"
        check_integer(who, name, most, low=0, high=length, expected=expected)
    for name, number in (("n_time_masks", n_time_masks), ("n_band_masks", n_band_masks)):
        check_integer(who, name, number, low=0, expected="an integer of at least 0")
    if fill is not None:
        check_number(who, "fill", fill)
    masked = np.zeros(x.shape, bool)
    for axis, most, number in ((axes[0], max_frames, n_time_masks), (axes[1], max_bands, n_band_masks)):
        for _ in range(number):
            masked |= over_axis(_band(len(x), x.shape[axis], most, rng), axis, x.ndim)
    padding = np.isnan(x)
    if fill is not None:
        return np.where(masked & ~padding, x.dtype.type(fill), x)
    over = tuple(range(1, x.ndim))
    total = np.sum(x, axis=over, keepdims=True, dtype=np.float64, where=~padding)
    mean = total / np.maximum(np.sum(~padding, axis=over, keepdims=True), 1)
    return np.where(masked & ~padding, mean.astype(x.dtype), x)


def _band(n: int, length: int, most: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which places of each of `n` samples are in a mask, shape (n, length)."""
    widths = rng.integers(0, most + 1, n)
    starts = np.floor(rng.random(n) * (length - widths + 1)).astype(int)
    places = np.arange(length)
    return (places >= starts[:, None]) & (places < (starts + widths)[:, None])
