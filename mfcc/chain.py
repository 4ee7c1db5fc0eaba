"""A recipe over a whole signal: tables from its knobs, the signal in segments, the segments over threads."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mfcc import framing
from mfcc.checks import check_finite
from mfcc.dct import dct_matrix
from mfcc.kernels.chain import (
    ADD,
    CLIP,
    COEFFICIENTS,
    LOG_MEL,
    LOG_SPECTRUM,
    MEL,
    SPECTRUM,
    ZEROS,
    Steps,
    chain_kernels,
    memory_for_frames,
    memory_for_logs,
)
from mfcc.kernels.fft import lanes_of, plan
from mfcc.kernels.frames import NO_ENERGY, RAW, WHOLE_SPECTRUM, WINDOWED
from mfcc.knobs import Knobs
from mfcc.threads import for_each, thread_count
from mfcc.windows import get_window

STAGES = {
    "spectrum": SPECTRUM,
    "log_spectrum": LOG_SPECTRUM,
    "mel": MEL,
    "log_mel": LOG_MEL,
    "mfcc": COEFFICIENTS,
}
# Outputs that `top_db` limits, each with the step that has the loudest value.
LIMITED_BY = {"log_spectrum": "log_spectrum", "log_mel": "log_mel", "mfcc": "log_mel"}
_FLOOR_MODES = {"clip": CLIP, "zeros": ZEROS, "add": ADD}
_ENERGIES = {
    None: NO_ENERGY,
    "raw": RAW,
    "windowed": WINDOWED,
    "spectrum": WHOLE_SPECTRUM,
}


def check_one_frame(who: str, name: str, knobs: Knobs, n_samples: int) -> None:
    """Raise ValueError if a signal of n_samples samples is too short for one frame."""
    if knobs.n_frames(n_samples) == 0:
        shortest = knobs.shortest_signal
        raise ValueError(
            f"{who}: {name}: expected at least {shortest} samples ({shortest / knobs.sr:.3g} s at {knobs.sr:g} Hz) "
            f"for one frame, got {n_samples}. Append zeros, or use a recipe with partial='pad'."
        )


class Segment(NamedTuple):
    """A run of frames: number `first` begins at y[start]. y is long enough for whole vectors of frames."""

    y: np.ndarray
    start: int
    first: int
    n_frames: int


def run(
    knobs: Knobs, stage: str, y: np.ndarray, threads: int | None = None, loudest: float | None = None
) -> np.ndarray:
    """Return the result of one of `STAGES`, shape (rows, n_frames); "mfcc" is for recipes with that output alone.

    y holds mono samples of float32 or float64, enough for at least one frame; errors as in mfcc.MFCC. Neither the
    number of threads nor the place of a frame among others changes a bit of the result. `loudest` is what the recipe's
    top_db counts from, if y is only a part of the signal.
    """
    samples = y
    if knobs.preemphasis and knobs.preemphasis_scope == "signal":
        y = np.concatenate([y[:1], y[1:] - y.dtype.type(knobs.preemphasis) * y[:-1]])
    count = knobs.n_frames(len(y))
    steps = _steps(knobs, y.dtype.name)
    segments = list(_segments(knobs, y, count))
    if len(segments) > 1 or segments[0].n_frames > lanes_of(y.dtype):
        segments = list(_pieces(segments, thread_count(threads, count * knobs.n_fft), knobs.hop_length))
    check = np.empty(count, y.dtype)
    if knobs.top_db is None or stage not in LIMITED_BY:
        out = _run(knobs, stage, steps, segments, check, threads)
    elif loudest is not None:
        steps = steps._replace(log_minimum=loudest - knobs.top_db)
        out = _run(knobs, stage, steps, segments, check, threads)
    elif stage == "mfcc" and knobs.energy is None:
        out = _limited_coefficients(knobs, knobs.top_db, steps, segments, check, threads)
    else:
        logs = _run(knobs, LIMITED_BY[stage], steps, segments, check, threads)
        steps = steps._replace(log_minimum=float(logs.max()) - knobs.top_db)
        if stage == LIMITED_BY[stage]:
            out = np.maximum(logs, logs.dtype.type(steps.log_minimum), out=logs)
        else:
            out = _run(knobs, stage, steps, segments, check, threads)
    _refuse_broken(knobs, samples, count, check)
    return out


def _run(
    knobs: Knobs,
    stage: str,
    steps: Steps,
    segments: list[Segment],
    check: np.ndarray,
    threads: int | None,
) -> np.ndarray:
    dtype = check.dtype
    out = np.empty((knobs.n_rows(stage), len(check)), dtype)
    kernel = chain_kernels(dtype.name).run_frames

    def compute(segment: Segment) -> None:
        y, start, first, n = segment
        memory = memory_for_frames(knobs.n_fft, knobs.n_mels, dtype.name)
        kernel(y, start, n, steps, STAGES[stage], out, first, check, *memory)

    for_each(compute, segments, thread_count(threads, len(check) * knobs.n_fft))
    return out


def _limited_coefficients(
    knobs: Knobs,
    top_db: float,
    steps: Steps,
    segments: list[Segment],
    check: np.ndarray,
    threads: int | None,
) -> np.ndarray:
    """Return coefficients limited by top_db: all log-mel bands come first, because the loudest one sets the limit."""
    dtype = check.dtype
    out = np.empty((knobs.n_coefficients, len(check)), dtype)
    loudest = np.empty_like(check)
    kernels = chain_kernels(dtype.name)
    n_threads = thread_count(threads, len(check) * knobs.n_fft)
    logs: dict[int, np.ndarray] = {}

    def listen(k: int) -> None:
        y, start, first, n = segments[k]
        logs[k] = memory_for_logs(n, knobs.n_mels, dtype.name)
        memory = memory_for_frames(knobs.n_fft, knobs.n_mels, dtype.name)
        kernels.run_logs(y, start, n, steps, logs[k], first, check, loudest, *memory)

    def transform(k: int) -> None:
        kernels.run_cosines(logs[k], segments[k].first, segments[k].n_frames, steps, out)

    for_each(listen, range(len(segments)), n_threads)
    steps = steps._replace(log_minimum=float(loudest.max()) - top_db)
    for_each(transform, range(len(segments)), n_threads)
    return out


def _segments(knobs: Knobs, y: np.ndarray, count: int) -> Iterator[Segment]:
    """Yield the frames: whole vectors of the signal itself, and those at its ends from padded copies."""
    lanes, hop, length = lanes_of(y.dtype), knobs.hop_length, knobs.frame_length
    origin = framing.first_start(length, hop, center=knobs.center)
    inside = min(count, -(origin // hop))
    complete = max(0, (len(y) - length - origin) // hop + 1)
    body = max(0, min(count, complete) - inside)
    body -= body % lanes
    if body == 0:
        inside = count
    for first, last in ((0, inside), (inside + body, count)):
        if first < last:
            n = -(-(last - first) // lanes) * lanes
            start = origin + first * hop
            end = start + (last - first - 1) * hop + length
            copy = np.zeros((n - 1) * hop + length, y.dtype)
            copy[: end - start] = framing.samples_between(
                y, start, end, center=knobs.center, pad_mode=knobs.pad_mode, frame_length=length
            )
            yield Segment(_read_only(copy), 0, first, last - first)
    if body:
        yield Segment(_read_only(y), origin + inside * hop, inside, body)


def _pieces(segments: list[Segment], n_threads: int, hop: int) -> Iterator[Segment]:
    """Cut segments into about four pieces for each thread, at whole vectors."""
    for y, start, first, count in segments:
        lanes = lanes_of(y.dtype)
        n = max(1, math.ceil(count / lanes / (4 * n_threads))) * lanes if n_threads > 1 else count
        for done in range(0, count, n):
            yield Segment(y, start + done * hop, first + done, min(n, count - done))


def _read_only(y: np.ndarray) -> np.ndarray:
    # Kernels are compiled for read-only samples: one version serves arrays that can be written and those that can't.
    y = y.view()
    y.flags.writeable = False
    return y


def _refuse_broken(knobs: Knobs, y: np.ndarray, count: int, check: np.ndarray) -> None:
    """Raise ValueError if samples or their power are NaN or infinite; `check` holds a number of each frame."""
    seen = framing.first_start(knobs.frame_length, knobs.hop_length, center=knobs.center)
    seen += (count - 1) * knobs.hop_length + knobs.frame_length
    if not np.isfinite(check).all() or knobs.hop_length > knobs.frame_length or not np.isfinite(y[seen:]).all():
        check_finite("MFCC", y)
    if not np.isfinite(check).all():
        raise ValueError(
            f"MFCC: y: expected samples around full scale 1.0, got up to {np.abs(y).max():.3g}, the power of which is "
            f"beyond {y.dtype}. Divide by the full scale of the recording."
        )


@functools.lru_cache(maxsize=32)
def _steps(knobs: Knobs, dtype: str) -> Steps:
    """Return the tables of a recipe for one type, computed in float64."""
    r = knobs
    real = np.dtype(dtype)
    window = get_window(r.window, r.win_length, periodic=r.window_periodic)
    scale = 0.5 if r.n_fft % 2 == 0 else 1.0
    if r.spectrum_scale is not None:
        scale /= math.sqrt(r.n_fft if r.spectrum_scale == "length" else float(np.sum(window**2)))
    if r.zero_padding == "around":
        before = (r.n_fft - r.win_length) // 2
        window = np.pad(window, (before, r.n_fft - r.win_length - before))
    window *= scale * r.full_scale
    preemphasis = r.preemphasis if r.preemphasis_scope == "frame" else 0.0
    within_frame = r.remove_mean or preemphasis != 0 or r.energy in ("raw", "windowed")
    first, offsets, weights = sparse(r.filter_bank)
    tiny = float(np.finfo(real).tiny)
    cosines, energy_row = _cosines(r)
    return Steps(
        hop=r.hop_length,
        length=r.frame_length,
        n_fft=r.n_fft,
        load_window=(np.ones_like(window) if within_frame else window).astype(real),
        window=window.astype(real),
        plan=plan(r.n_fft // 2 if r.n_fft % 2 == 0 else r.n_fft, dtype),
        within_frame=within_frame,
        remove_mean=r.remove_mean,
        preemphasis=preemphasis,
        magnitude=r.power == 1,
        energy=_ENERGIES[r.energy],
        energy_scale={"raw": r.full_scale**2, "windowed": scale**-2}.get(r.energy or "", 1.0),
        energy_floor=max(r.energy_floor, tiny),
        energy_row=energy_row,
        first_bin=first,
        weight_offset=offsets,
        weights=weights.astype(real),
        floor_mode=_FLOOR_MODES[r.log_floor_mode],
        floor=max(r.log_floor, tiny),
        log_scale=1.0 if r.log == "natural" else 20.0 / r.power / math.log(10.0),
        log_minimum=-float(np.finfo(real).max),
        cosines=cosines.astype(real),
        n_rows=r.n_coefficients,
    )


def sparse(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the filters without the zeros around: first bins, where each one's weights begin, and all weights."""
    first, offsets, kept = [], [0], []
    for row in weights:
        bins = np.flatnonzero(row)
        low, high = (bins[0], bins[-1] + 1) if bins.size else (0, 0)
        first.append(low)
        kept.append(row[low:high])
        offsets.append(offsets[-1] + high - low)
    return np.array([*first, 0], np.int64), np.array(offsets, np.int64), np.concatenate(kept)


def _cosines(r: Knobs) -> tuple[np.ndarray, int]:
    """Return the liftered cosines, shape (n_mels, n_coefficients rounded up to 4), and the row of the energy or -1."""
    if r.output != "mfcc":
        return np.zeros((r.n_mels, 4)), -1
    matrix = dct_matrix(r.n_mfcc, r.n_mels, type=r.dct_type, norm=r.dct_norm)
    if r.lifter:
        n = np.arange(r.n_mfcc) + r.lifter_start
        matrix *= (1 + r.lifter / 2 * np.sin(np.pi * n / r.lifter))[:, None]
    order = list(range(1, r.n_mfcc))
    order = {"first": [0, *order], "last": [*order, 0], "drop": order}[r.c0]
    columns = np.zeros((r.n_mels, -(-r.n_coefficients // 4) * 4))
    columns[:, : len(order)] = matrix[order].T
    energy_row = -1
    if r.energy is not None:
        energy_row = order.index(0) if r.energy_place == "c0" else len(order)
    return columns, energy_row
