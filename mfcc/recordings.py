"""Features of recordings, read from files or taken from arrays, in memory that does not grow with their length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import DTypeLike

from mfcc import chain
from mfcc.audio import OnTruncated, samples_of
from mfcc.presets import FILMSCORE
from mfcc.recipe import MFCC
from mfcc.sound.errors import AudioError
from mfcc.sound.opening import Source, is_source, name_of
from mfcc.streaming import stream_features


def stream(
    source: Source | np.ndarray,
    recipe: MFCC = FILMSCORE,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: OnTruncated = "raise",
) -> Iterator[np.ndarray]:
    """Read a recording and yield its features block by block: joined, they are `recipe(y)` of its samples, bit for bit.

    A recording of any length takes the same memory.

    Parameters
    ----------
    source : str, bytes, os.PathLike, an open binary file or an array of shape (n_samples,)
        A recording to read, or mono samples at recipe.sr.
    recipe : MFCC
        With `top_db`, as LIBROSA and TORCHAUDIO have it, a file is read twice: its loudest value must be known first.
        LIBROSA_UNLIMITED and TORCHAUDIO_UNLIMITED have no such limit.
    offset, duration : float, optional
        Excerpt in seconds.
    on_truncated : "raise" or "keep"
        See `load`.

    Returns
    -------
    iterator of arrays, shape (n_features, up to 512 frames)
        float32 of a recording; of an array as `recipe(y)` has it.

    Raises
    ------
    AudioError
        While iterating, for a file that `load` refuses, and one that is shorter than a frame.
    ValueError, TypeError
        For arguments out of range, at once; for samples that are not mono, not finite, or fill no frame.

    Examples
    --------
    >>> y = np.sin(0.1 * np.arange(300_000, dtype=np.float32))
    >>> [block.shape for block in stream(y)]
    [(40, 128), (40, 18)]
    """
    check_recipe("stream", recipe)
    length = _Length()
    blocks = read_features("stream", source, recipe, (recipe.output,), offset, duration, on_truncated, length.through)

    def checked() -> Iterator[np.ndarray]:
        empty = True
        for (block,) in blocks:
            empty = False
            yield block
        if empty:
            raise length.too_short("stream", source, recipe)

    return checked()


def features(
    source: Source | np.ndarray,
    recipe: MFCC = FILMSCORE,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: OnTruncated = "raise",
) -> np.ndarray:
    """Read a recording, bring it to the recipe's rate, and return its features: `recipe(y)` of its samples.

    Parameters
    ----------
    source : str, bytes, os.PathLike, an open binary file or an array of shape (n_samples,)
        A recording of any rate and number of channels, or mono samples at recipe.sr.
    recipe : MFCC
    offset, duration : float, optional
        Excerpt in seconds.
    on_truncated : "raise" or "keep"
        See `load`.

    Returns
    -------
    array, shape (n_features, n_frames), C-contiguous
        float32 of a recording; of an array as `recipe(y)` has it.

    Raises
    ------
    AudioError
        For a file that `load` refuses, and one that is shorter than a frame.
    ValueError, TypeError
        For arguments out of range; for samples that are not mono, not finite, or fill no frame.

    Examples
    --------
    >>> y = np.sin(0.1 * np.arange(300_000, dtype=np.float32))
    >>> features(y).shape
    (40, 146)
    """
    check_recipe("features", recipe)
    return np.ascontiguousarray(whole_features("features", source, recipe, offset, duration, on_truncated)[0])


def whole_features(
    who: str,
    source: Source | np.ndarray,
    recipe: MFCC,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: OnTruncated = "raise",
) -> tuple[np.ndarray, float]:
    """Return the features of a recording, shape (n_features, n_frames), and how many seconds were read.

    A frame lies in one piece (Fortran order). Errors as in `stream`. Takes little more memory than the features.
    """
    length = _Length()
    blocks = read_features(who, source, recipe, (recipe.output,), offset, duration, on_truncated, length.through)
    frames, n = np.empty((0, recipe.n_features), np.float32), 0
    for (block,) in blocks:
        if n == 0:
            frames = np.empty((0, recipe.n_features), block.dtype)
        if n + block.shape[1] > len(frames):
            frames.resize((n + max(block.shape[1], n // 4), recipe.n_features), refcheck=False)
        frames[n : n + block.shape[1]] = block.T
        n += block.shape[1]
    if n == 0:
        raise length.too_short(who, source, recipe)
    frames.resize((n, recipe.n_features), refcheck=False)
    return frames.T, length.n_samples / recipe.sr


def read_features(
    who: str,
    source: Source | np.ndarray,
    recipe: MFCC,
    outputs: Sequence[str],
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: OnTruncated = "raise",
    through: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]] = iter,
    dtype: DTypeLike | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield blocks of features of a recording, for each of some outputs; nothing if it is shorter than a frame.

    Errors name `who`; those for arguments come at once. The samples pass `through` a generator of the caller's. Those
    of a recording are float32, those of an array have its own type unless a `dtype` is given.
    """

    def samples() -> Iterator[np.ndarray]:
        return samples_of(who, source, recipe, offset, duration, on_truncated, dtype)

    def read(blocks: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, ...]]:
        loudest = None
        limits = {chain.LIMITED_BY[output] for output in outputs if output in chain.LIMITED_BY}
        if recipe.top_db is not None and limits:
            logs = stream_features(recipe, samples(), tuple(limits), -math.inf)
            loudest = max((float(block.max()) for (block,) in logs), default=None)
        yield from stream_features(recipe, through(blocks), outputs, loudest)

    return read(samples())


def check_recipe(who: str, recipe: MFCC) -> None:
    """Raise TypeError if recipe is no MFCC."""
    if not isinstance(recipe, MFCC):
        raise TypeError(f"{who}: recipe: expected an MFCC, got {type(recipe).__name__}.")


def too_short(who: str, source: Source | np.ndarray, what: str, advice: str = "") -> ValueError:
    """Return the error for a recording that is too short; `what` says for what, `advice` what to do."""
    if is_source(source):
        return AudioError(name_of(source), f"is too short: {what}", advice=advice)
    return ValueError(f"{who}: source: expected more samples, got {what} {advice}".rstrip())


class _Length:
    """A counter of the samples that pass through."""

    def __init__(self) -> None:
        self.n_samples = 0

    def through(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.n_samples += len(block)
            yield block

    def too_short(self, who: str, source: Source | np.ndarray, recipe: MFCC) -> ValueError:
        """Return the error for a recording without a frame."""
        seconds, frame_s = self.n_samples / recipe.sr, recipe.shortest_signal / recipe.sr
        return too_short(who, source, f"{seconds:.3f} s, a frame takes {frame_s:.3f} s.")
