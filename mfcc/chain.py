"""The steps of a recipe, one after the other, over a whole signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mfcc import framing, mel
from mfcc.checks import check_finite
from mfcc.dct import dct_matrix
from mfcc.fft import rfft
from mfcc.windows import get_window

if TYPE_CHECKING:
    from mfcc.recipe import MFCC


def padded_window(recipe: MFCC) -> np.ndarray:
    window = get_window(recipe.window, recipe.win_length, periodic=recipe.window_periodic)
    before = (recipe.n_fft - recipe.win_length) // 2 if recipe.zero_padding == "around" else 0
    out = np.zeros(recipe.n_fft)
    out[before : before + recipe.win_length] = window
    return out


def run(recipe: MFCC, stage: str, y: np.ndarray) -> np.ndarray:
    check_finite("MFCC", y)
    r, dtype = recipe, y.dtype
    y = y * dtype.type(r.full_scale)
    if r.preemphasis and r.preemphasis_scope == "signal":
        y = np.concatenate([y[:1], y[1:] - dtype.type(r.preemphasis) * y[:-1]])
    x = framing.frame(y, r.frame_length, r.hop_length, center=r.center, pad_mode=r.pad_mode, partial=r.partial)
    if r.remove_mean:
        x = x - x.mean(axis=1, keepdims=True)
    raw = (x * x).sum(1)
    if r.preemphasis and r.preemphasis_scope == "frame":
        a = dtype.type(r.preemphasis)
        x = np.concatenate([x[:, :1] * (1 - a), x[:, 1:] - a * x[:, :-1]], axis=1)
    window = padded_window(r)
    x = x * window[: r.frame_length].astype(dtype)
    windowed = (x * x).sum(1)
    spectrum = rfft(x, r.n_fft)
    spectrum = (spectrum.real**2 + spectrum.imag**2).T
    if r.spectrum_scale:
        spectrum /= dtype.type(r.n_fft if r.spectrum_scale == "length" else (window**2).sum())
    if r.power == 1:
        spectrum = np.sqrt(spectrum)
    if stage == "spectrum":
        return np.ascontiguousarray(spectrum)
    weights = mel._weights(
        r.sr, r.n_fft, r.n_mels, r.fmin, r.fmax, r.mel_formula, r.filter_shape, r.filter_norm, r.skip_edge_bins
    )
    m = weights.astype(dtype) @ spectrum
    if stage == "mel":
        return m
    floor = dtype.type(r.log_floor)
    if r.log_floor_mode == "add":
        m = m + floor
    elif r.log_floor_mode == "clip":
        m = np.maximum(m, floor)
    else:
        m = np.where(m == 0, floor, m)
    m = np.log(m)
    if r.log == "decibel":
        m *= dtype.type(20.0 / r.power / np.log(10.0))
    if r.top_db is not None:
        m = np.maximum(m, m.max() - dtype.type(r.top_db))
    if stage == "log_mel":
        return m
    c = dct_matrix(r.n_mfcc, r.n_mels, type=r.dct_type, norm=r.dct_norm)
    if r.lifter:
        c *= (1 + r.lifter / 2 * np.sin(np.pi * (np.arange(r.n_mfcc) + r.lifter_start) / r.lifter))[:, None]
    c = c.astype(dtype) @ m
    if r.energy:
        energy = {"raw": raw, "windowed": windowed, "spectrum": spectrum.sum(0)}[r.energy]
        energy = np.log(np.maximum(energy, dtype.type(r.energy_floor)))
        if r.energy_place == "c0":
            c[0] = energy
    rows = list(c[1:])
    if r.c0 == "first":
        rows.insert(0, c[0])
    elif r.c0 == "last":
        rows.append(c[0])
    if r.energy and r.energy_place == "append":
        rows.append(energy)
    return np.ascontiguousarray(np.stack(rows), dtype)
