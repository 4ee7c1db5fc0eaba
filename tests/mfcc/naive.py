"""Naive twins of the steps from samples to coefficients: sums as they are written, in float64, one frame at a time."""

import functools
import math

import numpy as np


@functools.lru_cache(maxsize=2)
def fourier_matrix(n):
    k = np.arange(n)
    return np.exp(-2j * np.pi / n * (np.outer(k, k) % n))


def dft(x):
    """Return sum_j x[j] exp(-2 pi i j k / n) for each k, along the last axis."""
    return np.asarray(x) @ fourier_matrix(np.shape(x)[-1])


def dct(x, type=2, norm=None):
    n = len(x)
    y = np.empty(n)
    for k in range(n):
        if type == 2:
            angle = math.pi * k / n if norm != "htk" else float(np.float32(k) * np.float32(math.pi / n))  # of HTK
            y[k] = 2 * sum(x[i] * math.cos(angle * (i + 0.5)) for i in range(n))
            if norm is not None:
                y[k] *= math.sqrt(1 / (2 * n))
            if norm == "ortho" and k == 0:
                y[k] *= math.sqrt(1 / 2)
        elif type == 1:
            ends = x[0] + (-1) ** k * x[n - 1]
            y[k] = 2 * sum(x[i] * math.cos(math.pi * k * i / (n - 1)) for i in range(1, n - 1))
            y[k] += ends if norm is None else math.sqrt(2) * ends
            if norm is not None:
                y[k] *= math.sqrt(1 / (2 * (n - 1)))
                if k == n - 1 or (k == 0 and norm == "ortho"):
                    y[k] *= math.sqrt(1 / 2)
        else:
            first = x[0] * {None: 1, "htk": 2, "ortho": math.sqrt(2)}[norm]
            y[k] = first + 2 * sum(x[i] * math.cos(math.pi * i * (2 * k + 1) / (2 * n)) for i in range(1, n))
            if norm is not None:
                y[k] *= math.sqrt(1 / (2 * n))
    return y


def hz_to_mel(f, formula):
    if formula == "htk":
        return 1127 * math.log(1 + f / 700)
    return f * 3 / 200 if f < 1000 else 15 + 27 * math.log(f / 1000) / math.log(6.4)


def mel_to_hz(m, formula):
    if formula == "htk":
        return 700 * (math.exp(m / 1127) - 1)
    return m * 200 / 3 if m < 15 else 1000 * 6.4 ** ((m - 15) / 27)


def warped(f, fmin, fmax, warp, warp_low, warp_high):
    """Return a frequency by HTK's piecewise linear map."""
    low, high = (2 * knee / (1 + 1 / warp) for knee in (warp_low, warp_high))
    if f > high:
        return (fmax - high / warp) / (fmax - high) * (f - high) + high / warp
    if f < low:
        return (low / warp - fmin) / (low - fmin) * (f - fmin) + fmin
    return f / warp


def mel_filterbank(sr, n_fft, n_mels, fmin, fmax, formula="htk", shape="hz", norm=None, skip_edge_bins=False, *warp):
    low, high = hz_to_mel(fmin, formula), hz_to_mel(fmax, formula)
    mels = [low + (high - low) * i / (n_mels + 1) for i in range(n_mels + 2)]
    edges = [fmin, *(mel_to_hz(m, formula) for m in mels[1:-1]), fmax]
    if warp and warp[0] != 1:
        edges = [fmin, *(warped(f, fmin, fmax, *warp) for f in edges[1:-1]), fmax]
        mels = [hz_to_mel(f, formula) for f in edges]
    elif shape == "bins" and formula == "htk":  # corners that fall on bins depend on the formula's rounding
        edges = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([fmin, fmax]) / 700)), n_mels + 2) / 2595) - 1)
    weights = np.zeros((n_mels, n_fft // 2 + 1))
    for i in range(n_mels):
        for k in range(n_fft // 2 + 1):
            f = k * sr / n_fft
            if shape == "hz":
                left, centre, right, x = *edges[i : i + 3], f
            elif shape == "mel":
                left, centre, right, x = *mels[i : i + 3], hz_to_mel(f, formula)
            else:
                left, centre, right = (math.floor((n_fft + 1) * edge / sr) for edge in edges[i : i + 3])
                x = k
            if left < x < centre:
                weights[i, k] = (x - left) / (centre - left)
            elif centre <= x < right:
                weights[i, k] = (right - x) / (right - centre)
            if norm == "slaney":
                weights[i, k] *= 2 / (edges[i + 2] - edges[i])
            if skip_edge_bins:
                # HTK counts from 1 and keeps bins floor(fmin / df + 2.5), at least 2, to floor(fmax / df + 0.5)
                below = k + 1 < max(2, math.floor(fmin * n_fft / sr + 2.5))
                if below or k + 1 > math.floor(fmax * n_fft / sr + 0.5) or 2 * k == n_fft:
                    weights[i, k] = 0
    return weights


def frames(y, length, hop, center, pad_mode, partial):
    if center == "hop":
        before = abs(hop // 2 - length // 2) + length
        padded = np.pad(y, before + 10 * length, pad_mode)
        count = (len(y) + hop // 2) // hop
        start = before + 10 * length + hop // 2 - length // 2
        return [padded[start + t * hop :][:length] for t in range(count)]
    if center:
        y = np.pad(y, length // 2, pad_mode)
    found, start = [], 0
    while start + length <= len(y) or (partial == "pad" and (start == 0 or start - hop + length < len(y))):
        part = y[start : start + length]
        found.append(np.pad(part, (0, length - len(part))))
        start += hop
    return found


def logarithm(r, x):
    """By a recipe; top_db counts from the largest of all."""
    if r.log_floor_mode == "clip":
        x = np.maximum(x, r.log_floor)
    elif r.log_floor_mode == "add":
        x = x + r.log_floor
    else:
        x = np.where(x == 0, r.log_floor, x)
    logs = np.log(x) if r.log == "natural" else (10 if r.power == 2 else 20) * np.log10(x)
    return logs if r.top_db is None else np.maximum(logs, logs.max() - r.top_db)


def features(recipe, y, window, stage="mfcc"):
    """Return the features of a recipe by its description, from a window of win_length samples."""
    r = recipe
    y = np.asarray(y, np.float64) * r.full_scale
    if r.preemphasis_scope == "signal":
        y = np.array([y[0]] + [y[i] - r.preemphasis * y[i - 1] for i in range(1, len(y))])
    if r.zero_padding == "around":
        before = (r.n_fft - r.win_length) // 2
        window = np.pad(window, (before, r.n_fft - r.win_length - before))
    columns, energies = [], []
    for frame in frames(y, r.frame_length, r.hop_length, r.center, r.pad_mode, r.partial):
        if r.remove_mean:
            frame = frame - frame.mean()
        energy = np.sum(frame**2)
        if r.preemphasis_scope == "frame":
            frame = frame - r.preemphasis * np.concatenate([frame[:1], frame[:-1]])
        frame = frame * window
        if r.energy == "windowed":
            energy = np.sum(frame**2)
        spectrum = np.abs(dft(np.pad(frame, (0, r.n_fft - len(frame))))[: r.n_fft // 2 + 1]) ** 2
        if r.spectrum_scale == "length":
            spectrum /= r.n_fft
        elif r.spectrum_scale == "window":
            spectrum /= np.sum(window**2)
        if r.power == 1:
            spectrum = np.sqrt(spectrum)
        if r.energy == "spectrum":
            energy = np.sum(spectrum)
        columns.append(spectrum)
        energies.append(energy)
    spectra = np.array(columns).T
    if stage == "spectrum":
        return spectra
    bank = mel_filterbank(
        r.filter_sr or r.sr, r.n_fft, r.n_mels, r.fmin, r.fmax, r.mel_formula, r.filter_shape, r.filter_norm,
        r.skip_edge_bins, r.warp, r.warp_low, r.warp_high,
    )  # fmt: skip
    mel = bank @ spectra
    if stage == "mel":
        return mel
    log_mel = logarithm(r, mel)
    if stage == "log_mel":
        return log_mel
    result = []
    for column, energy in zip(log_mel.T, energies, strict=True):
        c = dct(column, r.dct_type, r.dct_norm)[: r.n_mfcc]
        if r.lifter:
            c *= [1 + r.lifter / 2 * math.sin(math.pi * (n + r.lifter_start) / r.lifter) for n in range(r.n_mfcc)]
        floored = energy or r.energy_floor if r.log_floor_mode == "zeros" else max(energy, r.energy_floor)
        log_energy = math.log(floored)
        if r.energy is not None and r.energy_place == "c0":
            c[0] = log_energy
        rest, first = list(c[1:]), [c[0]]
        rows = {"first": first + rest, "last": rest + first, "drop": rest}[r.c0]
        if r.energy is not None and r.energy_place == "append":
            rows = [*rows, log_energy]
        result.append(rows)
    return np.array(result).T
