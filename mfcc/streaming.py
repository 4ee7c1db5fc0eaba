"""Features of a signal that comes in blocks, in memory that does not grow with its length."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mfcc import chain, framing
from mfcc.checks import check_finite, check_samples
from mfcc.knobs import Knobs
from mfcc.sound.blocks import recut

# Frames that are computed at a time, and samples under them: whichever is less. Results do not depend on the cuts.
_FRAMES = 512
_SAMPLES = 1 << 18


def stream(knobs: Knobs, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the features of a signal from its blocks: see `MFCC.stream`."""
    n_samples, n_frames = 0, 0

    def checked() -> Iterator[np.ndarray]:
        nonlocal n_samples
        dtype: np.dtype | None = None
        for block in blocks:
            y = check_samples("MFCC.stream", block, integer_full_scale=knobs.integer_full_scale)
            if len(y) == 0:
                continue
            if dtype is not None and y.dtype != dtype:
                raise TypeError(
                    f"MFCC.stream: blocks: expected samples of one type, got {dtype} up to sample {n_samples} and "
                    f"{y.dtype} from there on. Convert them: block.astype({dtype.name!r})."
                )
            check_finite("MFCC.stream", y, first=n_samples)
            dtype = y.dtype
            n_samples += len(y)
            yield y.copy()  # the caller may change the block before its samples are needed

    for (features,) in stream_features(knobs, checked(), (knobs.output,), live=True):
        n_frames += features.shape[1]
        yield features
    if n_frames == 0:
        chain.check_one_frame("MFCC.stream", "blocks", knobs, n_samples)


def stream_features(
    knobs: Knobs,
    blocks: Iterable[np.ndarray],
    outputs: Sequence[str],
    loudest: float | None = None,
    *,
    live: bool = False,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Compute the features of a signal from its blocks: joined along their last axis, they are those of the whole.

    Parameters
    ----------
    knobs : Knobs
    blocks : iterable of arrays, shape (any length,)
        Mono samples at knobs.sr, of one floating-point dtype, full scale 1.0, finite.
    outputs : sequence of str
        Which features: the recipe's output, or steps towards it, by the names of `MFCC.output`.
    loudest : float, optional
        What the recipe's top_db counts from, if it is known. Else a frame depends on the whole signal, which is then
        held in memory.
    live : bool
        Yield the frames that a block completes before the next block is asked for, be it one frame. Else they are
        collected until there are many, which is faster where blocks are short.

    Yields
    ------
    tuple of arrays, shape (n_features, up to 512 frames)
        One for each output, the same whatever the cuts between blocks. Nothing, for a signal shorter than a frame.
    """
    if knobs.top_db is not None and loudest is None and any(output in chain.LIMITED_BY for output in outputs):
        whole = np.concatenate([np.empty(0, np.float32), *blocks])
        if knobs.n_frames(len(whole)):
            yield tuple(chain.run(knobs, output, whole) for output in outputs)
        return
    in_frame, n = _in_frame(knobs), max(1, min(_FRAMES, _SAMPLES // knobs.hop_length))
    cut = _cut(blocks, n * knobs.hop_length) if live else recut(blocks, n * knobs.hop_length)
    for samples in _pieces(knobs, _emphasised(knobs, cut), 1 if live else n, n):
        yield tuple(chain.run(in_frame, output, samples, loudest=loudest) for output in outputs)


def _cut(blocks: Iterable[np.ndarray], most: int) -> Iterator[np.ndarray]:
    """Yield the samples of each block at once, at most so many at a time."""
    for block in blocks:
        for first in range(0, len(block), most):
            yield block[first : first + most]


@functools.lru_cache(maxsize=32)
def _in_frame(knobs: Knobs) -> Knobs:
    """Return the knobs without what reaches across frames, which is done here: they can be given pieces of a signal."""
    changes: dict[str, object] = {"center": False, "partial": "drop"}
    if knobs.preemphasis_scope == "signal":
        changes["preemphasis"] = 0.0
    return Knobs(**(vars(knobs) | changes))


def _emphasised(knobs: Knobs, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Apply a pre-emphasis that runs along the signal."""
    if knobs.preemphasis == 0.0 or knobs.preemphasis_scope == "frame":
        yield from blocks
        return
    previous = np.empty(0)
    for block in blocks:
        before = np.concatenate([previous.astype(block.dtype), block[:-1]])
        previous, emphasised = block[-1:], block.copy()
        emphasised[len(block) - len(before) :] -= block.dtype.type(knobs.preemphasis) * before
        yield emphasised


def _pieces(knobs: Knobs, blocks: Iterable[np.ndarray], least: int, most: int) -> Iterator[np.ndarray]:
    """Yield the samples under `least` to `most` frames at a time (at the end fewer), with what lies beyond the ends."""
    hop, length = knobs.hop_length, knobs.frame_length
    start = framing.first_start(length, hop, center=knobs.center)
    held, held_from, frame = np.empty(0), 0, 0  # samples from number `held_from` on; the next frame to come

    def between(first: int, last: int) -> np.ndarray:
        first, last = first - held_from, last - held_from
        if 0 <= first and last <= len(held):
            return held[first:last]
        return framing.samples_between(
            held, first, last, center=knobs.center, pad_mode=knobs.pad_mode, frame_length=length
        )

    for block in blocks:
        held = np.concatenate([held, block]) if len(held) else block
        while -start < len(held):  # a mirrored beginning reaches as far as that
            first = start + frame * hop
            n = min(most, 1 + (held_from + len(held) - first - length) // hop)
            if n < least:
                break
            yield between(first, first + (n - 1) * hop + length)
            frame += n
            # A mirrored end reaches back, over no more than a frame.
            spent = min(max(0, start + frame * hop - length - held_from), len(held))
            held, held_from = held[spent:], held_from + spent
    count = knobs.n_frames(held_from + len(held))
    while frame < count:
        n = min(most, count - frame)
        yield between(start + frame * hop, start + (frame + n - 1) * hop + length)
        frame += n
