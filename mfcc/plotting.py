"""A recording and its features in one picture. Needs matplotlib."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mfcc.decoding import Path, printable
from mfcc.mel import hz_to_mel
from mfcc.output import coefficient_names
from mfcc.presets import FILMSCORE
from mfcc.recipe import MFCC
from mfcc.recordings import check_recipe, read_features
from mfcc.streaming import recut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More columns than a picture has pixels can't be seen.
_COLUMNS = 4096
_RANGE_DB = 80.0
_TICKS_HZ = (0, 60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000)
_INK = "#2b3a55"

# matplotlib's caches of fonts and texts are not made for several threads.
_lock = threading.Lock()


def plot(
    source: Path | np.ndarray,
    recipe: MFCC = FILMSCORE,
    *,
    title: str | None = None,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: Literal["raise", "keep"] = "raise",
) -> Figure:
    """Draw waveform, mel spectrogram and coefficients of a recording over time.

    Parameters
    ----------
    source : str, bytes, os.PathLike or array of shape (n_samples,)
        A recording to read, in bounded memory, or mono samples at recipe.sr.
    recipe : MFCC
    title : str, optional
        Default: the name of the file.
    offset, duration : float, optional
        Excerpt in seconds.
    on_truncated : "raise" or "keep"
        See `load`.

    Returns
    -------
    matplotlib.figure.Figure
        `figure.savefig("name.png")` writes it; a notebook shows it.

    Raises
    ------
    ImportError
        Without matplotlib.
    AudioError, ValueError, TypeError
        As `tiles`, and ValueError for a recording shorter than a frame.
    """
    require_matplotlib("plot")
    check_recipe("plot", recipe)
    wave = (_Columns(lambda a: a.min(axis=-1)), _Columns(lambda a: a.max(axis=-1)))
    features = (_Columns(lambda a: a.mean(axis=-1)), _Columns(lambda a: a.mean(axis=-1)))
    n_samples = 0

    def watched(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        nonlocal n_samples
        for block in recut(blocks, 1 << 16):
            n_samples += len(block)
            for columns in wave:
                columns.add(block[np.newaxis])
            yield block

    chunks = read_features("plot", source, recipe, ("log_mel", "mfcc"), offset, duration, on_truncated, watched)
    for chunk in chunks:
        for columns, part in zip(features, chunk, strict=True):
            columns.add(part)
    if recipe.n_frames(n_samples) == 0:
        raise ValueError(f"plot: source: expected at least one frame of samples, got {n_samples}.")
    if title is None:
        title = (
            printable(os.path.basename(os.fsencode(source))) if isinstance(source, (str, bytes, os.PathLike)) else ""
        )
    minimum, maximum = (columns.array()[0] for columns in wave)
    log_mel, coefficients = (columns.array() for columns in features)
    with _lock:
        return _draw(recipe, title, offset, n_samples, minimum, maximum, log_mel, coefficients)


def require_matplotlib(who: str) -> None:
    """Raise ImportError that says what to install."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(f"{who}: needs matplotlib, which is not installed: pip install 'nnlite[plot]'.") from error


def save(figure: Figure, file: Any) -> None:
    """Write a figure as PNG into an open binary file; threads take turns."""
    with _lock:
        figure.savefig(file, format="png", dpi=150)


class _Columns:
    """Columns of a matrix of unknown length, merged as they come so that a bounded number is kept."""

    def __init__(self, merge: Callable[[np.ndarray], np.ndarray], limit: int = _COLUMNS) -> None:
        self._merge, self._limit = merge, limit
        self._factor = 1  # columns that one stored column stands for
        self._merged: list[np.ndarray] = []
        self._rest: np.ndarray | None = None

    def add(self, chunk: np.ndarray) -> None:
        chunk = chunk if self._rest is None else np.concatenate([self._rest, chunk], axis=1)
        whole = chunk.shape[1] // self._factor * self._factor
        self._merged.append(self._merge(chunk[:, :whole].reshape(len(chunk), -1, self._factor)))
        self._rest = chunk[:, whole:]
        while sum(part.shape[1] for part in self._merged) > 2 * self._limit:
            stored = np.concatenate(self._merged, axis=1)
            pairs = stored.shape[1] // 2 * 2
            if pairs < stored.shape[1]:
                self._rest = np.concatenate([np.repeat(stored[:, -1:], self._factor, axis=1), self._rest], axis=1)
            self._merged = [self._merge(stored[:, :pairs].reshape(len(stored), -1, 2))]
            self._factor *= 2

    def array(self) -> np.ndarray:
        parts = list(self._merged)
        if self._rest is not None and self._rest.shape[1]:
            parts.append(self._merge(self._rest[:, np.newaxis, :]))
        return np.concatenate(parts, axis=1)


def _draw(
    recipe: MFCC,
    title: str,
    offset: float,
    n_samples: int,
    minimum: np.ndarray,
    maximum: np.ndarray,
    log_mel: np.ndarray,
    coefficients: np.ndarray,
) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seconds = n_samples / recipe.sr
    frames = recipe.n_frames(n_samples) * recipe.hop_length / recipe.sr
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    wave, mel, cepstrum = figure.subplots(3, 1, sharex=True, height_ratios=[1, 2, 2])
    _draw_wave(wave, np.linspace(offset, offset + seconds, len(minimum)), minimum, maximum)
    extent = (offset, offset + frames)
    _draw_mel(figure, mel, extent, recipe, log_mel)
    _draw_cepstrum(figure, cepstrum, extent, recipe, coefficients)
    cepstrum.set_xlabel("time [s]")
    cepstrum.set_xlim(offset, offset + seconds)
    for axes in (wave, mel, cepstrum):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    figure.align_ylabels()
    facts = f"{seconds:,.1f} s, {recipe.sr:,.0f} Hz, frames of {1000 * recipe.frame_length / recipe.sr:.3g} ms"
    facts += f" every {1000 * recipe.hop_length / recipe.sr:.3g} ms"
    # A dollar in a name is no formula.
    figure.suptitle(title or "MFCC", fontsize=13, fontweight="bold", color=_INK, parse_math=False)
    wave.set_title(facts, fontsize=9.5, color="0.35")
    return figure


def _draw_wave(axes: Axes, times: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> None:
    axes.fill_between(times, minimum, maximum, color=_INK, linewidth=0.4)
    peak = max(float(np.abs(minimum).max()), float(np.abs(maximum).max()), 1e-6)
    axes.set_ylim(-1.08 * peak, 1.08 * peak)
    axes.axhline(0, color="white", linewidth=0.4, alpha=0.6)
    axes.set_ylabel("amplitude\n(full scale 1)")


def _draw_mel(figure: Figure, axes: Axes, extent: tuple[float, float], recipe: MFCC, log_mel: np.ndarray) -> None:
    decibels = log_mel * (20.0 / recipe.power / np.log(10.0)) if recipe.log == "natural" else log_mel
    decibels = decibels - decibels.max()
    image = axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-_RANGE_DB,
        vmax=0.0,
        extent=(*extent, -0.5, recipe.n_mels - 0.5),
        interpolation="antialiased",
    )
    low, high = (float(hz_to_mel(f, formula=recipe.mel_formula)) for f in (recipe.fmin, recipe.fmax))
    mels = np.asarray(hz_to_mel(_TICKS_HZ, formula=recipe.mel_formula))
    bands = (mels - low) / (high - low) * (recipe.n_mels + 1) - 1  # band k peaks at k + 1 of n_mels + 2 corners
    ticks: list[tuple[float, str]] = []
    for band, f in sorted(zip(bands, _TICKS_HZ, strict=True), reverse=True):
        room = not ticks or ticks[-1][0] - band > 0.06 * recipe.n_mels
        if -0.5 <= band <= recipe.n_mels - 0.5 and room:
            ticks.append((band, f"{f:,}"))
    axes.set_yticks([band for band, _ in ticks], [text for _, text in ticks])
    axes.set_ylabel("mel spectrogram\nfrequency [Hz]")
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.05)
    bar.set_label("dB below the loudest", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _draw_cepstrum(figure: Figure, axes: Axes, extent: tuple[float, float], recipe: MFCC, values: np.ndarray) -> None:
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
