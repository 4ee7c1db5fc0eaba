"""From samples to cepstral coefficients, for as many frames at once as a vector has lanes.

Letters: W lanes (frames), t samples of a frame, k bins, m mel bands, r rows of the result. Arrays are flat; z, p and q
are memory of the caller: the frames and their transform, the spectrum, the mel bands.
"""

import functools
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from mfcc.kernels.fft import Plan, workspace
from mfcc.kernels.frames import frame_kernels
from mfcc.kernels.vector import fill_zeros, log
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.simd import broadcast, lanes_of, load, splat, store, store_first
from nnlite.runtime.simd_math import add, fma, maximum, mul

SPECTRUM, LOG_SPECTRUM, MEL, LOG_MEL, COEFFICIENTS = range(5)
CLIP, ZEROS, ADD = range(3)


class Steps(NamedTuple):
    """A recipe as numbers and tables."""

    hop: int
    length: int  # of a frame
    n_fft: int
    load_window: np.ndarray  # applied on loading: the window, or ones where something comes before it
    window: np.ndarray  # times all constant factors of the samples, and 1/2 if n_fft is even (power_pair gives |2 X|^2)
    plan: Plan
    within_frame: bool  # whether anything is done in a frame besides the window
    remove_mean: bool
    preemphasis: float  # within a frame; 0 is none
    magnitude: bool
    energy: int
    energy_scale: float
    energy_floor: float
    energy_row: int
    first_bin: np.ndarray  # of each filter, shape (n_mels + 1,): the last one is unused
    weight_offset: np.ndarray  # of each filter in weights, shape (n_mels + 1,)
    weights: np.ndarray
    floor_mode: int
    floor: float
    log_scale: float
    log_minimum: float  # below every logarithm, after scaling
    cosines: np.ndarray  # shape (n_mels, n_rows rounded up to 4)
    n_rows: int


def memory_for_frames(n_fft: int, n_mels: int, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z, p and q for `run_frames`, about 100 KB for each 1,000 samples of n_fft; each thread needs its own."""
    W = lanes_of(dtype)
    z = workspace(n_fft if n_fft % 2 else n_fft // 2, dtype)
    return z, aligned_empty((n_fft // 2 + 1) * W, dtype), aligned_empty((n_mels + 1) * W, dtype)


def memory_for_logs(frames: int, n_mels: int, dtype: str) -> np.ndarray:
    """Return memory for the log-mel bands of some frames, a vector of frames after the other."""
    W = lanes_of(dtype)
    return aligned_empty(-(-frames // W) * n_mels * W, dtype)


@functools.cache
def chain_kernels(dtype: str) -> SimpleNamespace:
    """Return the kernels for one real type."""
    W = lanes_of(dtype)
    power_of = frame_kernels(dtype).power_of

    @kernel
    def mel_bands(steps, p, q):
        """Apply the filters; return the sum of all bands and of bin 0, which shows whether everything is finite."""
        check = load(p, 0, W)
        for m in range(len(steps.first_bin) - 1):
            first = steps.first_bin[m]
            even, odd = splat(p, 0, W), splat(p, 0, W)
            offset, end = steps.weight_offset[m], steps.weight_offset[m + 1]
            for w in range(offset, end - 1, 2):
                k = (first + w - offset) * W
                even = fma(broadcast(steps.weights, w, W), load(p, k, W), even)
                odd = fma(broadcast(steps.weights, w + 1, W), load(p, k + W, W), odd)
            if (end - offset) % 2:
                k = (first + end - 1 - offset) * W
                even = fma(broadcast(steps.weights, end - 1, W), load(p, k, W), even)
            even = add(even, odd)
            check = add(check, even)
            store(q, m * W, even)
        return check

    @kernel
    def logarithm(steps, x_rows, rows):
        floor = splat(x_rows, steps.floor, W)
        scale = splat(x_rows, steps.log_scale, W)
        minimum = splat(x_rows, steps.log_minimum, W)
        for r in range(rows):
            x = load(x_rows, r * W, W)
            if steps.floor_mode == CLIP:
                x = maximum(x, floor)
            elif steps.floor_mode == ZEROS:
                x = fill_zeros(x, floor)
            else:
                x = add(x, floor)
            store(x_rows, r * W, maximum(mul(log(x), scale), minimum))

    @kernel
    def cosines(steps, q, out, o, stride, valid):
        """Multiply the bands with the matrix of cosines, four rows at a time, for the first `valid` frames."""
        width = steps.cosines.shape[1]
        for r in range(0, width, 4):
            a, b, c, d = splat(q, 0, W), splat(q, 0, W), splat(q, 0, W), splat(q, 0, W)
            for m in range(len(steps.first_bin) - 1):
                x = load(q, m * W, W)
                i = m * width + r
                a = fma(broadcast(steps.cosines, i, W), x, a)
                b = fma(broadcast(steps.cosines, i + 1, W), x, b)
                c = fma(broadcast(steps.cosines, i + 2, W), x, c)
                d = fma(broadcast(steps.cosines, i + 3, W), x, d)
            o_r = o + r * stride
            if valid == W and r + 3 < steps.n_rows:  # a masked store takes an AMD processor ten times as long
                store(out, o_r, a)
                store(out, o_r + stride, b)
                store(out, o_r + 2 * stride, c)
                store(out, o_r + 3 * stride, d)
                continue
            store_first(out, o_r, a, valid)
            if r + 1 < steps.n_rows:
                store_first(out, o_r + stride, b, valid)
            if r + 2 < steps.n_rows:
                store_first(out, o_r + 2 * stride, c, valid)
            if r + 3 < steps.n_rows:
                store_first(out, o_r + 3 * stride, d, valid)

    @kernel
    def store_rows(x, rows, out, o, stride, valid):
        for r in range(rows):
            if valid == W:
                store(out, o + r * stride, load(x, r * W, W))
            else:
                store_first(out, o + r * stride, load(x, r * W, W), valid)

    @kernel
    def run_frames(y, start, frames, steps, stage, out, column, check, z, p, q):
        """Run frames from y[start] on up to `stage`, into columns of out from `column` on, shape (rows, all frames).

        y must hold whole vectors of frames, even if the last ones are not wanted. `check` gets a finite number for each
        frame without NaN, infinity or overflow.
        """
        n_mels, n_bins = len(steps.first_bin) - 1, steps.n_fft // 2 + 1
        stride = out.shape[1]
        result = out.reshape(-1)
        energy = q[n_mels * W :]
        for f in range(0, frames, W):
            valid = min(W, frames - f)
            o = column + f
            power_of(y, start + f * steps.hop, steps, z, p, energy)
            if stage <= LOG_SPECTRUM:
                store_first(check, o, load(p, 0, W), valid)
                if stage == LOG_SPECTRUM:
                    logarithm(steps, p, n_bins)
                store_rows(p, n_bins, result, o, stride, valid)
                continue
            store_first(check, o, mel_bands(steps, p, q), valid)
            if stage >= LOG_MEL:
                logarithm(steps, q, n_mels)
            if stage == COEFFICIENTS:
                cosines(steps, q, result, o, stride, valid)
                if steps.energy_row >= 0:
                    e = mul(load(energy, 0, W), splat(q, steps.energy_scale, W))
                    floor = splat(q, steps.energy_floor, W)
                    e = fill_zeros(e, floor) if steps.floor_mode == ZEROS else maximum(e, floor)
                    store_first(result, o + steps.energy_row * stride, log(e), valid)
            else:
                store_rows(q, n_mels, result, o, stride, valid)

    @kernel
    def run_logs(y, start, frames, steps, logs, column, check, loudest, z, p, q):
        """Store the log-mel bands, a vector of frames after the other, and the largest of each frame in `loudest`.

        Arguments as of `run_frames`.
        """
        n_mels = len(steps.first_bin) - 1
        energy = q[n_mels * W :]
        for f in range(0, frames, W):
            valid = min(W, frames - f)
            power_of(y, start + f * steps.hop, steps, z, p, energy)
            store_first(check, column + f, mel_bands(steps, p, q), valid)
            logarithm(steps, q, n_mels)
            top = load(q, 0, W)
            for m in range(n_mels):
                x = load(q, m * W, W)
                top = maximum(top, x)
                store(logs, f * n_mels + m * W, x)
            store_first(loudest, column + f, top, valid)

    @kernel
    def run_cosines(logs, column, frames, steps, out):
        """Raise the logarithms of `run_logs` to log_minimum, and store their coefficients in columns of out."""
        n_mels, stride = len(steps.first_bin) - 1, out.shape[1]
        result = out.reshape(-1)
        minimum = splat(logs, steps.log_minimum, W)
        for f in range(0, frames, W):
            for i in range(f * n_mels, f * n_mels + n_mels * W, W):
                store(logs, i, maximum(load(logs, i, W), minimum))
            cosines(steps, logs[f * n_mels :], result, column + f, stride, min(W, frames - f))

    return SimpleNamespace(run_frames=run_frames, run_logs=run_logs, run_cosines=run_cosines)
