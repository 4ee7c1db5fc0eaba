"""The panels of pictures: waveform, spectra, mel bands and coefficients over time. Needs matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mfcc.feature_names import coefficient_names
from mfcc.mel import hz_to_mel, mel_to_hz
from mfcc.recipe import MFCC

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

INK = "#2b3a55"

_RANGE_DB = 80.0
_TICKS_HZ = (0, 60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000)
_ROWS = 300


def draw_wave(axes: Axes, times: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> None:
    """Draw the range of samples at each time [s], symmetric about zero."""
    axes.fill_between(times, minimum, maximum, color=INK, linewidth=0.4)
    peak = max(float(np.abs(minimum).max()), float(np.abs(maximum).max()), 1e-6)
    axes.set_ylim(-1.08 * peak, 1.08 * peak)
    axes.axhline(0, color="white", linewidth=0.4, alpha=0.6)
    axes.set_ylabel("amplitude\n(full scale 1)")


def draw_mel(axes: Axes, extent: tuple[float, float], recipe: MFCC, decibels: np.ndarray, loudest: float) -> AxesImage:
    """Draw mel bands in decibels, shape (n_mels, n_columns), over time, as far as they are near the loudest."""
    image = _draw_decibels(axes, decibels - loudest, (*extent, -0.5, recipe.n_mels - 0.5))
    low, high = (float(hz_to_mel(f, formula=recipe.mel_formula)) for f in (recipe.fmin, recipe.fmax))
    mels = np.asarray(hz_to_mel(_TICKS_HZ, formula=recipe.mel_formula))
    bands = (mels - low) / (high - low) * (recipe.n_mels + 1) - 1  # band k peaks at k + 1 of n_mels + 2 corners
    _name_frequencies(axes, bands, -0.5, recipe.n_mels - 0.5)
    axes.set_ylabel("mel spectrogram\nfrequency [Hz]")
    return image


def draw_spectrum(
    axes: Axes, extent: tuple[float, float], sr: float, decibels: np.ndarray, loudest: float
) -> AxesImage:
    """Draw spectra in decibels, shape (n_bins, n_columns), bins from 0 to sr / 2, on a mel scale of frequency."""
    highest = float(hz_to_mel(sr / 2))
    bins = mel_to_hz(np.arange(_ROWS) / _ROWS * highest) / (sr / 2) * (len(decibels) - 1)
    rows = np.maximum.reduceat(decibels, np.rint(bins).astype(int), axis=0)  # the loudest bin within each
    image = _draw_decibels(axes, rows - loudest, (*extent, 0.0, highest))
    _name_frequencies(axes, np.asarray(hz_to_mel(_TICKS_HZ)), 0.0, highest)
    axes.set_ylabel("spectrogram\nfrequency [Hz]")
    return image


def draw_cepstrum(figure: Figure, axes: Axes, extent: tuple[float, float], recipe: MFCC, values: np.ndarray) -> None:
    """Draw coefficients, shape (n_coefficients, n_columns), over time, and the scale of their values."""
    from matplotlib.colors import AsinhNorm

    # The first coefficients are many times larger: linear near zero, logarithmic beyond, shows the others too.
    limit = float(np.percentile(np.abs(values), 99.5)) or 1.0
    usual = float(np.median(np.abs(values))) or limit
    image = axes.imshow(
        values,
        origin="lower",
        aspect="auto",
        cmap="RdBu_r",
        norm=AsinhNorm(2.0 * usual, vmin=-limit, vmax=limit),
        extent=(*extent, -0.5, len(values) - 0.5),
        interpolation="antialiased",
    )
    names = coefficient_names(recipe)
    step = max(1, round(len(names) / 40) * 5) if len(names) > 14 else 1
    rows = [i for i, name in enumerate(names) if name == "energy" or int(name[1:]) % step == 0 or name == "c1"]
    axes.set_yticks(rows, [names[i] for i in rows])
    axes.set_ylabel("MFCC\ncoefficient")
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.05, extend="both")
    largest = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if usual < t <= limit][-3:]
    ticks = sorted({0, *largest, *(-t for t in largest)})
    bar.set_ticks(ticks, labels=[f"{t:g}".replace("-", "\N{MINUS SIGN}") for t in ticks])
    bar.minorticks_off()
    bar.set_label("value", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def name_decibels(figure: Figure, axes: Axes | list[Axes], image: AxesImage) -> None:
    """Put the scale of decibels beside panels."""
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.05)
    bar.set_label("dB below the loudest", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def to_decibels(recipe: MFCC, logs: np.ndarray) -> np.ndarray:
    """Return logarithms of a recipe in decibels of power."""
    return logs * (20.0 / recipe.power / np.log(10.0)) if recipe.log == "natural" else logs


def _draw_decibels(axes: Axes, decibels: np.ndarray, extent: tuple[float, float, float, float]) -> AxesImage:
    return axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-_RANGE_DB,
        vmax=0.0,
        extent=extent,
        interpolation="antialiased",
    )


def _name_frequencies(axes: Axes, heights: np.ndarray, low: float, high: float) -> None:
    """Name some frequencies, those of _TICKS_HZ at these heights, that are not too near to each other."""
    ticks: list[tuple[float, str]] = []
    for height, f in sorted(zip(heights, _TICKS_HZ, strict=True), reverse=True):
        room = not ticks or ticks[-1][0] - height > 0.06 * (high - low)
        if low <= height <= high and room:
            ticks.append((height, f"{f:,}"))
    axes.set_yticks([height for height, _ in ticks], [text for _, text in ticks])
