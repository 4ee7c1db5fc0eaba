"""Draw the way from a waveform to coefficients, a picture for each step: docs/features.md explains them.

On a recording that comes along, with the published recipe: python examples/mfcc_pictures.py --out docs/features
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import AsinhNorm
from PIL import Image

import mfcc

RECORDING = Path(__file__).parent / "data" / "return_to_home.ogg"
RECIPE = mfcc.FILMSCORE
FRAME = 93  # in which a chord rings
INK, SOFT, ACCENT, SECOND = "#1f2933", "#9aa5b1", "#c2410c", "#0f766e"
STYLE = {
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": SOFT, "text.color": INK,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "font.size": 9.5, "axes.titlesize": 10,
    "axes.titlelocation": "left", "legend.frameon": False,
}  # fmt: skip


def decibels(power: np.ndarray) -> np.ndarray:
    """Return 10 log10 of a power, at least -100 dB."""
    return 10 * np.log10(np.maximum(power, 1e-10))


def cut_frame(y: np.ndarray) -> np.ndarray:
    """Return the samples of the frame that the pictures follow."""
    return mfcc.frame(y, RECIPE.frame_length, RECIPE.hop_length)[FRAME]


def bands_in_hz() -> np.ndarray:
    """Return the frequency at which each mel filter peaks [Hz]."""
    mels = np.linspace(*mfcc.hz_to_mel([RECIPE.fmin, RECIPE.fmax]), RECIPE.n_mels + 2)
    return mfcc.mel_to_hz(mels[1:-1])


def draw_samples(y: np.ndarray) -> Any:
    """Draw the recording, and the frame within it."""
    figure, (whole, part) = plt.subplots(2, 1, figsize=(9, 3.8), layout="constrained")
    hop, blocks = 256, len(y) // 256
    extremes = y[: hop * blocks].reshape(blocks, hop)
    times = np.arange(blocks) * hop / RECIPE.sr
    whole.fill_between(times, extremes.min(1), extremes.max(1), color=INK, linewidth=0)
    start = FRAME * RECIPE.hop_length
    whole.axvspan(start / RECIPE.sr, (start + RECIPE.frame_length) / RECIPE.sr, color=ACCENT, alpha=0.9)
    whole.set(xlabel="time [s]", ylabel="sample", xlim=(0, len(y) / RECIPE.sr), ylim=(-1, 1))
    whole.set_title(f"{len(y):,} samples at {RECIPE.sr:,.0f} Hz, full scale 1.0")
    first, last = start - RECIPE.hop_length, start + 2 * RECIPE.hop_length
    part.plot(np.arange(first, last) / RECIPE.sr, y[first:last], color=INK, linewidth=0.5)
    for edge in range(first, last + 1, RECIPE.hop_length):
        part.axvline(edge / RECIPE.sr, color=SOFT, linewidth=1)
    part.axvspan(start / RECIPE.sr, (start + RECIPE.frame_length) / RECIPE.sr, color=ACCENT, alpha=0.15)
    part.set(xlabel="time [s]", ylabel="sample", xlim=(first / RECIPE.sr, last / RECIPE.sr))
    part.set_title(
        f"three frames of {RECIPE.frame_length:,} samples: {1000 * RECIPE.frame_length / RECIPE.sr:.1f} ms each"
    )
    return figure


def draw_window(y: np.ndarray) -> Any:
    """Draw the frame, the window, and their product, with the effect of a frame's ends on its spectrum."""
    frame = cut_frame(y)
    window = mfcc.get_window(RECIPE.window, RECIPE.win_length, periodic=RECIPE.window_periodic)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.9), layout="constrained", width_ratios=[3, 2])
    milliseconds = 1000 * np.arange(len(frame)) / RECIPE.sr
    left.plot(milliseconds, frame, color=SOFT, linewidth=0.5, label="frame")
    left.plot(milliseconds, frame * window, color=INK, linewidth=0.6, label="frame times window")
    left.plot(milliseconds, window * np.abs(frame).max(), color=ACCENT, label="window (scaled)")
    peak = np.abs(frame).max()
    left.set(
        xlabel="time in the frame [ms]", ylabel="sample", xlim=(0, milliseconds[-1]), ylim=(-1.5 * peak, 1.1 * peak)
    )
    left.legend(loc="lower center", ncols=3, fontsize=8.5)
    left.set_title("the Hann window fades the ends of the frame")
    low = slice(0, 140)
    hz = np.arange(RECIPE.n_fft // 2 + 1) * RECIPE.sr / RECIPE.n_fft
    for samples, colour, label in ((frame, SOFT, "without window"), (frame * window, INK, "with window")):
        right.plot(hz[low], decibels(np.abs(np.fft.rfft(samples)) ** 2)[low], color=colour, linewidth=1, label=label)
    right.set(xlabel="frequency [Hz]", ylabel="power [dB]", xlim=(0, hz[low][-1]))
    right.set_title("and so keeps partials apart")
    right.legend(fontsize=8.5)
    return figure


def draw_spectrum(y: np.ndarray) -> Any:
    """Draw the power spectrum of the frame."""
    power = RECIPE.power_spectrogram(y)[:, FRAME]
    hz = np.arange(len(power)) * RECIPE.sr / RECIPE.n_fft
    figure, axes = plt.subplots(figsize=(9, 2.7), layout="constrained")
    axes.fill_between(hz, decibels(power), -60, color=INK, alpha=0.15, linewidth=0)
    axes.plot(hz, decibels(power), color=INK, linewidth=0.8)
    axes.set(xlabel="frequency [Hz]", ylabel="|X|$^2$ [dB]", xlim=(0, RECIPE.sr / 2), ylim=(-60, None))
    axes.set_title(f"{len(power):,} bins, {RECIPE.sr / RECIPE.n_fft:.1f} Hz apart; the phase is gone")
    return figure


def draw_filters(y: np.ndarray) -> Any:
    """Draw the mel filters, and the power of the frame in each."""
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 4.2), layout="constrained", sharex=True)
    bank = RECIPE.filter_bank
    hz = np.arange(bank.shape[1]) * RECIPE.sr / RECIPE.n_fft
    for i, weights in enumerate(bank):
        top.plot(hz, weights, color=(INK, ACCENT, SECOND)[i % 3], linewidth=0.9)
    top.set(ylabel="weight", ylim=(0, 1.05))
    top.set_title(f"{len(bank)} triangles, equally wide in mel: 0 to {RECIPE.fmax:,.0f} Hz")
    power, bands = RECIPE.power_spectrogram(y)[:, FRAME], RECIPE.mel_spectrogram(y)[:, FRAME]
    bottom.plot(hz, decibels(power), color=SOFT, linewidth=0.7, label="spectrum")
    bottom.plot(bands_in_hz(), decibels(bands), "o-", color=ACCENT, markersize=3, linewidth=1, label="mel bands")
    bottom.set(xlabel="frequency [Hz]", ylabel="power [dB]", xlim=(0, RECIPE.sr / 2), ylim=(-60, None))
    bottom.set_title("the power in each: what is narrower than a filter disappears in the sum")
    bottom.legend(fontsize=8.5, loc="lower center", ncols=2)
    return figure


def draw_cosines(y: np.ndarray) -> Any:
    """Draw the bands as a sum of cosines: the first ones, and the coefficients."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", width_ratios=[2, 3, 3])
    place = np.arange(RECIPE.n_mels)
    cosines = mfcc.dct.dct_matrix(5, RECIPE.n_mels)
    for n in range(5):
        left.plot(place, cosines[n] + 0.5 * (4 - n), color=(SOFT, INK, ACCENT, SECOND, INK)[n], linewidth=1.2)
        left.text(-2, 0.5 * (4 - n), f"{n}", ha="right", va="center")
    left.set(xlabel="mel band", yticks=[])
    left.set_title("cosines 0 to 4")
    left.spines["left"].set_visible(False)
    log_mel, coefficients = RECIPE.log_mel(y)[:, FRAME], RECIPE(y)[:, FRAME]
    middle.bar(np.arange(1, len(coefficients) + 1), coefficients, color=ACCENT, width=0.7)
    middle.axhline(0, color=SOFT, linewidth=0.8)
    middle.set(xlabel="n", ylabel="c[n]")
    middle.set_title("coefficients 1 to 40 (0 is left out)")
    right.plot(place, log_mel, "o", color=INK, markersize=3, label="ln(mel band)")
    for count, colour in ((13, SECOND), (41, ACCENT)):
        smooth = mfcc.dct.idct(np.where(place < count, mfcc.dct.dct(log_mel, ortho=True), 0), ortho=True)
        right.plot(place, smooth, color=colour, linewidth=1.2, label=f"sum of the first {count}")
    right.set(xlabel="mel band", ylabel="ln(power)")
    right.legend(fontsize=8.5)
    right.set_title("what sums of them say")
    return figure


def draw_track(y: np.ndarray) -> Any:
    """Draw the whole recording: mel bands and coefficients over time, and the tiles that a network sees."""
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 4.4), layout="constrained", sharex=True)
    log_mel, coefficients = RECIPE.log_mel(y), RECIPE(y)
    end = log_mel.shape[1] / RECIPE.frame_rate
    shown = log_mel * 10 / np.log(10)
    image = top.imshow(
        shown, origin="lower", aspect="auto", cmap="magma", extent=(0, end, -0.5, 40.5), vmin=shown.max() - 80,
        interpolation="nearest",
    )  # fmt: skip
    figure.colorbar(image, ax=top, label="dB", pad=0.01)
    top.set(ylabel="mel band")
    top.set_title("ln(mel), here in dB: (41, 238)")
    # The first few are many times larger than the rest: linear near zero, logarithmic beyond, shows all.
    scale = AsinhNorm(1.0, vmin=-15, vmax=15)
    image = bottom.imshow(
        coefficients, origin="lower", aspect="auto", cmap="RdBu_r", extent=(0, end, 0.5, 40.5), norm=scale,
        interpolation="nearest",
    )  # fmt: skip
    bar = figure.colorbar(image, ax=bottom, label="c[n]", pad=0.01, extend="both")
    ticks = (-10, -3, -1, 0, 1, 3, 10)
    bar.set_ticks(ticks, labels=[f"{tick}" for tick in ticks])
    bar.minorticks_off()
    bottom.set(xlabel="time [s]", ylabel="coefficient")
    bottom.set_title("MFCCs: (40, 238); dashed: tiles of 100 frames")
    for k in range(1 + log_mel.shape[1] // 100):
        bottom.axvline(k * 100 / RECIPE.frame_rate, color=INK, linewidth=1, linestyle="--")
    return figure


def draw_loss(y: np.ndarray) -> Any:
    """Draw what is lost: the partials of the spectrum, and the waveform. Print by how much a made-up sound differs."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.1), layout="constrained")
    # With the coefficient that says the loudness, so that the shapes can be compared.
    recipe = dataclasses.replace(RECIPE, c0="first")
    before = 10
    coefficients = recipe(y)[:, FRAME - before : FRAME + before + 1]
    back = mfcc.to_spectrum(mfcc.to_mel(mfcc.to_log_mel(coefficients, recipe), recipe), recipe)
    low = slice(0, 300)
    hz = np.arange(RECIPE.n_fft // 2 + 1) * RECIPE.sr / RECIPE.n_fft
    left.plot(hz[low], decibels(recipe.power_spectrogram(y)[low, FRAME]), color=SOFT, linewidth=1, label="the frame's")
    left.plot(hz[low], decibels(back[low, before]), color=ACCENT, linewidth=1.2, label="what 41 coefficients say")
    left.set(xlabel="frequency [Hz]", ylabel="power [dB]", xlim=(0, hz[low][-1]), ylim=(-80, None))
    left.set_title("spectrum: partials become an envelope")
    left.legend(fontsize=8.5, loc="lower left")
    sound = mfcc.resynthesize(coefficients, recipe, np.random.default_rng(0))
    frames = cut_frame(y), mfcc.frame(sound, recipe.frame_length, recipe.hop_length)[before]
    milliseconds = 1000 * np.arange(recipe.frame_length) / RECIPE.sr
    middle = slice(700, 1400)
    for samples, colour, label in zip(frames, (SOFT, ACCENT), ("the frame's", "made of the coefficients"), strict=True):
        right.plot(milliseconds[middle], samples[middle], color=colour, linewidth=1, label=label)
    right.set(xlabel="time in the frame [ms]", ylabel="sample", xlim=milliseconds[[middle.start, middle.stop]])
    right.set_ylim(None, 1.7 * max(np.abs(samples[middle]).max() for samples in frames))
    right.set_title("waveform: the phases are made up")
    right.legend(fontsize=8.5, loc="upper right")
    print(f"correlation of the two waveforms {np.corrcoef(*frames)[0, 1]:.2f}")
    change, apart = recipe(sound) - coefficients, np.diff(coefficients)
    change, apart = rms(change[1:]), rms(apart[1:])
    print(f"coefficients 1 to 40 differ by {change:.2f} rms, those of neighbouring frames by {apart:.2f}")
    return figure


def rms(x: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(x**2)))


PICTURES: dict[str, Callable[[np.ndarray], Any]] = {
    "1-samples": draw_samples,
    "2-window": draw_window,
    "3-spectrum": draw_spectrum,
    "4-filters": draw_filters,
    "5-cosines": draw_cosines,
    "6-track": draw_track,
    "7-lost": draw_loss,
}


def save(figure: Any, path: Path) -> None:
    """Write a picture with few colours: a third of the bytes, and lines look the same. Images get more colours."""
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    colours = 256 if any(axes.images for axes in figure.axes) else 64
    Image.open(file).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    y, _ = mfcc.load(RECORDING, RECIPE.sr)
    with plt.rc_context(STYLE):
        for name, draw in PICTURES.items():
            figure = draw(y)
            save(figure, options.out / f"{name}.png")
            plt.close(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
