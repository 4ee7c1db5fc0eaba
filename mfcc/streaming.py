"""Features of a signal that comes in blocks, in memory that does not grow with its length."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mfcc import framing
from mfcc.recipe import MFCC

# Frames that are computed at a time. The cuts lie at the same frames whatever the blocks, so the results do too.
_FRAMES = 512

_STAGES = {
    "mfcc": MFCC.__call__,
    "log_mel": MFCC.log_mel,
    "mel": MFCC.mel_spectrogram,
    "power": MFCC.power_spectrogram,
}


def stream_features(
    recipe: MFCC, blocks: Iterable[np.ndarray], stages: Sequence[str] = ("mfcc",)
) -> Iterator[tuple[np.ndarray, ...]]:
    """Compute the features of a signal from its blocks: joined along their last axis, they are those of the whole.

    Parameters
    ----------
    recipe : MFCC
    blocks : iterable of arrays, shape (any length,)
        Mono samples at recipe.sr, of one floating-point dtype, full scale 1.0.
    stages : sequence of "mfcc", "log_mel", "mel" and "power"
        Which features: those of `MFCC.__call__`, `log_mel`, `mel_spectrogram` and `power_spectrogram`.

    Yields
    ------
    tuple of arrays, shape (n_features, up to 512 frames)
        One for each stage, the same whatever the cuts between blocks. Nothing, for a signal shorter than a frame.

    Notes
    -----
    With `top_db` a frame depends on the whole signal, which is then held in memory.
    """
    compute = [_STAGES[stage] for stage in stages]
    if recipe.top_db is not None:
        whole = np.concatenate([*blocks])
        if recipe.n_frames(len(whole)):
            yield tuple(function(recipe, whole) for function in compute)
        return
    in_frame = _in_frame(recipe)
    for samples in _pieces(recipe, _emphasised(recipe, recut(blocks, _FRAMES * recipe.hop_length))):
        yield tuple(function(in_frame, samples) for function in compute)


def joined_features(recipe: MFCC, blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Return the coefficients of a signal from its blocks: those of the whole, without frames if it is too short."""
    chunks = [np.empty((recipe.n_coefficients, 0), np.float32)]
    chunks += [chunk for (chunk,) in stream_features(recipe, blocks)]
    return np.concatenate(chunks, axis=1)


def recut(blocks: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Yield the samples of blocks in new arrays of `length` samples; the last one may be shorter, none is empty.

    Examples
    --------
    >>> [block.tolist() for block in recut([np.array([1, 2, 3]), np.array([4]), np.array([5])], 2)]
    [[1, 2], [3, 4], [5]]
    """
    out, filled = np.empty(0), 0
    for block in blocks:
        while len(block):
            if filled == 0:
                out = np.empty(length, block.dtype)
            part = block[: length - filled]
            out[filled : filled + len(part)] = part
            filled, block = filled + len(part), block[len(part) :]
            if filled == length:
                yield out
                filled = 0
    if filled:
        yield out[:filled]


@functools.cache
def _in_frame(recipe: MFCC) -> MFCC:
    """Return the recipe without what reaches across frames, which is done here: it can be given pieces of a signal."""
    across = recipe.preemphasis_scope == "signal"
    preemphasis = 0.0 if across else recipe.preemphasis
    return dataclasses.replace(recipe, preemphasis=preemphasis, center=False, partial="drop")


def _emphasised(recipe: MFCC, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Apply a pre-emphasis that runs along the signal."""
    if recipe.preemphasis == 0.0 or recipe.preemphasis_scope == "frame":
        yield from blocks
        return
    previous = np.empty(0)
    for block in blocks:
        before = np.concatenate([previous.astype(block.dtype), block[:-1]])
        previous, emphasised = block[-1:], block.copy()
        emphasised[len(block) - len(before) :] -= block.dtype.type(recipe.preemphasis) * before
        yield emphasised


def _pieces(recipe: MFCC, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the samples under frames 0 to 511, 512 to 1023, ...: with what lies beyond the ends of the signal."""
    hop, length = recipe.hop_length, recipe.frame_length
    start = framing.first_start(length, hop, center=recipe.center)
    held, held_from, frame = np.empty(0), 0, 0  # samples from number `held_from` on; the next frame to come

    def between(first: int, last: int) -> np.ndarray:
        first, last = first - held_from, last - held_from
        if 0 <= first and last <= len(held):
            return held[first:last]
        return framing.samples_between(
            held, first, last, center=recipe.center, pad_mode=recipe.pad_mode, frame_length=length
        )

    for block in blocks:
        held = np.concatenate([held, block]) if len(held) else block
        first = start + frame * hop
        last = first + (_FRAMES - 1) * hop + length
        if last <= held_from + len(held) and -start < len(held):
            yield between(first, last)
            frame += _FRAMES
            # A mirrored end reaches back, over no more than a frame.
            spent = max(0, start + frame * hop - length - held_from)
            held, held_from = held[spent:], held_from + spent
    count = recipe.n_frames(held_from + len(held))
    while frame < count:
        n = min(_FRAMES, count - frame)
        yield between(start + frame * hop, start + (frame + n - 1) * hop + length)
        frame += n
