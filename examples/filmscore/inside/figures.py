"""Figures of the page. Bands are drawn low to high, red speaks for a unit or raises it, blue against."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

import mfcc
import nnlite as nn
from filmscore.inputs import EDGES
from filmscore.inside.bands import Bands
from filmscore.inside.evidence import PATCHES, Evidence
from filmscore.plots import INK, MUTED, pyplot

POSITIONS = (0, 15)
"""First coefficients at which a convolution's kernels are shown over bands: a broad shape of the spectrum, and a fine
one."""
TICKS_HZ = (100, 250, 500, 1000, 2000, 4000, 8000)


def png(figure: Any) -> bytes:
    """Return a figure as PNG, and close it."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    plt.close(figure)
    return file.getvalue()


def first_layer(network: nn.NetworkClassifier, bands: Bands, inputs: str, title: str) -> bytes | None:
    """Draw the kernels of a first convolution, or the weights of a dense layer on modulation; None for other layers."""
    first = next((k for k, layer in enumerate(network.network_.layers) if not isinstance(layer, nn.Flatten)), 0)
    layer, weight = network.network_.layers[first], network.params_.get(f"{first}.weight")
    if weight is None:
        return None
    if isinstance(layer, nn.Conv2D) and inputs == "mfcc" and first == 0:
        return _kernels(network, weight[:, :, 0].transpose(2, 0, 1), bands, title)
    if isinstance(layer, nn.Dense) and inputs == "modulation" and first == 1:
        return _modulation(weight.T.reshape(-1, *network.network_.input_shape[:2]), title)
    return None


def _kernels(network: nn.NetworkClassifier, kernels: np.ndarray, bands: Bands, title: str) -> bytes:
    """Draw `kernels` (n, features, frames) as they are and, where features are cepstral, over bands at two places."""
    plt = pyplot()
    cepstral = not np.array_equal(bands.forward, np.eye(len(bands.forward)))
    views = [("as learnt, over\ncoefficients" if cepstral else "as learnt,\nover bands", kernels)]
    for place in POSITIONS if cepstral else ():
        if place + kernels.shape[1] <= bands.forward.shape[0]:
            over = [kernel_over_bands(network, bands, channel, place) for channel in range(len(kernels))]
            views.append((f"on coefficients\n{place + 1} to {place + kernels.shape[1]}, over bands", np.array(over)))
    columns = 16
    rows = -(-len(kernels) // columns)
    figure, grid = plt.subplots(
        rows * len(views), columns, figsize=(13, 1.05 * rows * len(views) + 0.6), layout="constrained", squeeze=False
    )
    for axes in grid.ravel():
        axes.axis("off")
    for v, (name, images) in enumerate(views):
        for k, image in enumerate(images):
            axes = grid[(k // columns) * len(views) + v, k % columns]
            limit = np.abs(image).max() or 1.0
            axes.imshow(
                image, origin="lower", aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
            )
            if v == 0:
                axes.set_title(str(k), fontsize=8)
            if k % columns == 0:
                axes.text(-0.2, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=8, color=INK)
    figure.suptitle(title, fontsize=11)
    return png(figure)


def kernel_over_bands(network: nn.NetworkClassifier, bands: Bands, channel: int, place: int) -> np.ndarray:
    """Return the weights of a channel of a first convolution over bands and frames at a row: (bands, frames).

    They are the gradient of the channel's sum there, so they include the scaling of the network's input.
    """
    nothing = np.zeros((1, *network.network_.input_shape), np.float32)
    middle = network.network_.shapes[1][1] // 2
    _, gradient = network.input_gradient(nothing, (place, middle, channel), until=1)
    return bands.gradient(gradient[:, :, gradient.any(axis=(0, 1, 3))])[0]


def _modulation(weights: np.ndarray, title: str) -> bytes:
    """Draw the strongest 20 units of `weights` (n, coefficients, bands of modulation)."""
    plt = pyplot()
    order = np.argsort(-np.abs(weights).sum(axis=(1, 2)))[:20]
    figure, grid = plt.subplots(2, 10, figsize=(13, 4.4), layout="constrained", sharex=True, sharey=True)
    limit = np.abs(weights[order]).max()
    for axes, k in zip(grid.ravel(), order, strict=False):
        axes.imshow(weights[k], origin="lower", aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(f"unit {k}", fontsize=8)
    centres = [(a + b - 1) / 2 / 9.29 for a, b in itertools.pairwise(EDGES)]
    for axes in grid[-1]:
        axes.set_xticks(range(0, len(centres), 2), [f"{f:.1f}" for f in centres[::2]], fontsize=7)
    for axes in grid[:, 0]:
        axes.set_ylabel("coefficient", fontsize=8)
    figure.supxlabel("modulation frequency [Hz]", fontsize=9)
    figure.suptitle(title, fontsize=11)
    return png(figure)


def unit_tiles(tiles: Sequence[tuple[str, np.ndarray]], bands: Bands, recipe: mfcc.MFCC) -> bytes:
    """Draw tiles (name, (n_features, frames)) side by side as bands over time, all on one scale."""
    plt = pyplot()
    figure, grid = plt.subplots(
        1, len(tiles), figsize=(4.2 * len(tiles), 2.6), layout="constrained", sharey=True, squeeze=False
    )
    images = [bands.decibels * (bands.back @ tile) for _, tile in tiles]
    limit = float(np.percentile(np.abs(np.concatenate([image.ravel() for image in images])), 99))
    for axes, (name, _), image in zip(grid[0], tiles, images, strict=True):
        shown = axes.imshow(image, cmap="magma", vmin=-limit, vmax=limit, **_over_time(recipe, image))
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("time [s]", fontsize=8)
        axes.tick_params(labelsize=8)
    _name_bands(grid[0, 0], bands)
    grid[0, 0].set_ylabel("[Hz]", fontsize=8)
    figure.colorbar(shown, ax=grid[0, -1], label="dB about the frame's mean")
    return png(figure)


def track(found: Evidence, tiles: mfcc.Tiles, bands: Bands, title: str) -> bytes:
    """Draw a spectrogram under gradient times input and under the effect of hidden patches, and values of windows."""
    plt = pyplot()
    recipe = tiles.recipe
    seconds = tiles.values.shape[2] / recipe.frame_rate
    end = float(tiles.start_s[-1]) + seconds
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(11, 6.4), layout="constrained", sharex=True, height_ratios=[3, 3, 1.2]
    )
    here = bands.decibels * bands.of_tiles(tiles.values)
    shares, falls = _smooth(found.shares), found.falls
    limits = [float(np.percentile(np.abs(values), 99)) or 1.0 for values in (shares, falls)]
    for k, start in enumerate(tiles.start_s):
        extent = {"extent": (start, start + seconds, -0.5, here.shape[1] - 0.5), "origin": "lower", "aspect": "auto"}
        for axes in (top, middle):
            axes.imshow(here[k], cmap="gray_r", vmin=np.percentile(here, 5), vmax=np.percentile(here, 99.5), **extent)
        _overlay(top, shares[k], limits[0], extent)
        rows, columns = (
            np.minimum(np.arange(size) // step, count - 1)
            for size, step, count in zip(here.shape[1:], PATCHES, falls.shape[1:], strict=True)
        )
        shown = _overlay(middle, falls[k][np.ix_(rows, columns)], limits[1], extent)
        bottom.fill_between([start, start + seconds], [found.values[k]] * 2, color=_sign_colour(found.values[k]))
    for axes, name in ((top, "gradient x input"), (middle, "hidden patches")):
        _name_bands(axes, bands)
        axes.set_ylabel(f"{name}\n[Hz]", fontsize=9)
    bottom.axhline(0, color=MUTED, linewidth=0.8)
    bottom.set_ylabel("log-odds", fontsize=9)
    bottom.set_xlabel("time [s]")
    bottom.set_xlim(0, end)
    bar = figure.colorbar(shown, ax=[top, middle], ticks=[-limits[1], 0, limits[1]])
    bar.ax.set_yticklabels(["against", "0", "for"])
    figure.suptitle(title, fontsize=11, parse_math=False)
    return png(figure)


def _overlay(axes: Any, values: np.ndarray, limit: float, extent: dict[str, Any]) -> Any:
    """Draw red and blue over a picture, stronger for values further from 0."""
    strength = np.clip(np.abs(values) / limit, 0, 1)
    return axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.85 * strength, **extent)


def _smooth(shares: np.ndarray) -> np.ndarray:
    """Average shares of single points over three bands and five frames, so that the eye can follow."""
    padded = np.pad(shares, ((0, 0), (1, 1), (2, 2)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 5), axis=(1, 2))
    return views.mean(axis=(3, 4))


def _sign_colour(value: float) -> str:
    return "#b2182b" if value > 0 else "#2166ac"


def _over_time(recipe: mfcc.MFCC, image: np.ndarray) -> dict[str, Any]:
    return {
        "extent": (0, image.shape[1] / recipe.frame_rate, -0.5, len(image) - 0.5),
        "origin": "lower",
        "aspect": "auto",
    }


def _name_bands(axes: Any, bands: Bands) -> None:
    ticks = [f for f in TICKS_HZ if bands.centres_hz[0] <= f <= bands.centres_hz[-1]]
    places = np.interp(ticks, bands.centres_hz, np.arange(len(bands.centres_hz)))
    axes.set_yticks(places, [f"{f:,}" for f in ticks], fontsize=8)
