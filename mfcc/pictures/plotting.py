"""A recording and its features, or what comes back from them, in one picture. Needs matplotlib."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mfcc.checks import check_samples
from mfcc.inverse import lost
from mfcc.pictures import panels
from mfcc.pictures.columns import Columns
from mfcc.presets import FILMSCORE
from mfcc.recipe import MFCC
from mfcc.recordings import check_recipe, read_features
from mfcc.sound.blocks import recut
from mfcc.sound.errors import printable
from mfcc.sound.opening import Source, is_source, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# matplotlib's caches of fonts and texts are not made for several threads.
_lock = threading.Lock()


def plot(
    source: Source | np.ndarray,
    recipe: MFCC = FILMSCORE,
    *,
    title: str | None = None,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: Literal["raise", "keep"] = "raise",
) -> Figure:
    """Draw waveform, mel spectrogram and coefficients of a recording over time; or what the recipe's output is.

    Parameters
    ----------
    source : str, bytes, os.PathLike, an open binary file or an array of shape (n_samples,)
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
    wave = (Columns(lambda a: a.min(axis=-1)), Columns(lambda a: a.max(axis=-1)))
    outputs = _panels_of(recipe)
    features = [Columns(lambda a: a.mean(axis=-1)) for _ in outputs]
    n_samples = 0

    def watched(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        nonlocal n_samples
        for block in recut(blocks, 1 << 16):
            n_samples += len(block)
            for columns in wave:
                columns.add(block[np.newaxis])
            yield block

    chunks = read_features("plot", source, recipe, outputs, offset, duration, on_truncated, watched)
    for chunk in chunks:
        for columns, part in zip(features, chunk, strict=True):
            columns.add(part)
    if recipe.n_frames(n_samples) == 0:
        raise ValueError(f"plot: source: expected at least one frame of samples, got {n_samples}.")
    if title is None:
        title = title_of(source)
    with _lock:
        waves, matrices = [columns.array()[0] for columns in wave], [columns.array() for columns in features]
        return _draw(recipe, title, offset, n_samples, waves, matrices)


def compare(original: np.ndarray, reconstruction: np.ndarray, recipe: MFCC = FILMSCORE, *, title: str = "") -> Figure:
    """Draw a recording and what came back from its features side by side.

    Waveforms, spectrograms (in which harmonics show what became of the pitch) and mel spectrograms (which is what the
    features are made from). Decibels count from the loudest value of each.

    Parameters
    ----------
    original, reconstruction : array, shape (n_samples,)
        Mono samples at recipe.sr.
    recipe : MFCC
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        For samples that are not mono, not finite, or fill no frame.
    """
    require_matplotlib("compare")
    check_recipe("compare", recipe)
    spectra = MFCC(
        sr=recipe.sr, n_fft=2048, hop_length=512, center=True, log="decibel", log_floor=1e-20, output="log_spectrum"
    )
    drawn = []
    for y in (original, reconstruction):
        y = check_samples("compare", y)
        wave = (Columns(lambda a: a.min(axis=-1)), Columns(lambda a: a.max(axis=-1)))
        features = (Columns(lambda a: a.mean(axis=-1)), Columns(lambda a: a.mean(axis=-1)))
        for columns in wave:
            columns.add(y[np.newaxis])
        for columns, matrix in zip(features, (spectra(y), panels.to_decibels(recipe, recipe.log_mel(y))), strict=True):
            columns.add(matrix)
        drawn.append([columns.array() for columns in (*wave, *features)])
    with _lock:
        return _draw_both(recipe, title, len(original), len(reconstruction), drawn)


def title_of(source: Source | np.ndarray) -> str:
    """Return the name of a file, fit for display; "" for samples."""
    return printable(os.path.basename(os.fsencode(name_of(source)))) if is_source(source) else ""


def require_matplotlib(who: str) -> None:
    """Raise ImportError, with what to install, if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(f"{who}: needs matplotlib, which is not installed: pip install 'nnlite[plot]'.") from error


def save(figure: Figure, file: Any) -> None:
    """Write a figure as PNG into an open binary file; threads take turns."""
    with _lock:
        figure.savefig(file, format="png", dpi=150)


def _draw(
    recipe: MFCC, title: str, offset: float, n_samples: int, wave: Sequence[np.ndarray], features: Sequence[np.ndarray]
) -> Figure:
    seconds = n_samples / recipe.sr
    frames = recipe.n_frames(n_samples) * recipe.hop_length / recipe.sr
    extent = (offset, offset + frames)
    figure = _figure(11, 2.5 + 2.5 * len(features))
    waveform, *others = figure.subplots(1 + len(features), 1, sharex=True, height_ratios=[1] + [2] * len(features))
    panels.draw_wave(waveform, np.linspace(offset, offset + seconds, len(wave[0])), *wave)
    for axes, output, values in zip(others, _panels_of(recipe), features, strict=True):
        if output == "mfcc":
            panels.draw_cepstrum(figure, axes, extent, recipe, values)
            continue
        decibels = panels.to_decibels(recipe, values)
        if output == "log_mel":
            image = panels.draw_mel(axes, extent, recipe, decibels, decibels.max())
        else:
            image = panels.draw_spectrum(axes, extent, recipe.sr, decibels, decibels.max())
        panels.name_decibels(figure, axes, image)
    others[-1].set_xlabel("time [s]")
    others[-1].set_xlim(offset, offset + seconds)
    facts = f"{seconds:,.1f} s, {recipe.sr:,.0f} Hz, frames of {1000 * recipe.frame_length / recipe.sr:.3g} ms"
    facts += f" every {1000 * recipe.hop_length / recipe.sr:.3g} ms"
    _finish(figure, title)
    waveform.set_title(facts, fontsize=9.5, color="0.35")
    return figure


def _draw_both(
    recipe: MFCC, title: str, n_original: int, n_reconstruction: int, drawn: Sequence[Sequence[np.ndarray]]
) -> Figure:
    figure = _figure(13, 9)
    grid = figure.subplots(3, 2, sharex=True, sharey="row", height_ratios=[1, 2, 2])
    of = f"{recipe.n_features} {'coefficients' if recipe.output == 'mfcc' else 'features'}"
    kept = f"from {of} a frame, {recipe.frame_rate:.3g} frames a second"
    titles = ("original", f"{kept}\nlost: {', '.join(lost(recipe))}")
    for column, n, (minimum, maximum, spectrum, mel) in zip(grid.T, (n_original, n_reconstruction), drawn, strict=True):
        seconds = n / recipe.sr
        panels.draw_wave(column[0], np.linspace(0, seconds, minimum.shape[1]), minimum[0], maximum[0])
        image = panels.draw_spectrum(column[1], (0, seconds), recipe.sr, spectrum, spectrum.max())
        panels.draw_mel(column[2], (0, recipe.n_frames(n) * recipe.hop_length / recipe.sr), recipe, mel, mel.max())
        column[2].set_xlabel("time [s]")
    for axes, text in zip(grid[0], titles, strict=True):
        axes.set_title(text, fontsize=10.5, color="0.35")
    for axes in grid[:, 1]:
        axes.set_ylabel("")
    peak = max(1e-6, *(float(np.abs(part).max()) for column in drawn for part in column[:2]))
    grid[0, 0].set_ylim(-1.08 * peak, 1.08 * peak)
    grid[2, 0].set_xlim(0, max(n_original, n_reconstruction) / recipe.sr)
    panels.name_decibels(figure, list(grid[1:].ravel()), image)
    _finish(figure, title)
    return figure


def _panels_of(recipe: MFCC) -> tuple[str, ...]:
    """Return the panels of a recipe: its output, as logarithms, and the mel bands before coefficients."""
    panels_of = {"mfcc": ("log_mel", "mfcc"), "spectrum": ("log_spectrum",), "mel": ("log_mel",)}
    return panels_of.get(recipe.output, (recipe.output,))


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _finish(figure: Figure, title: str) -> None:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    figure.align_ylabels()
    # A dollar in a name is no formula.
    figure.suptitle(title or "MFCC", fontsize=13, fontweight="bold", color=panels.INK, parse_math=False)
