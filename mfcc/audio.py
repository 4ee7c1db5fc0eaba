"""Recordings as mono samples: decoded, mixed down and resampled in blocks, from what libsndfile or ffmpeg reads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import soxr
from numpy.typing import DTypeLike

from mfcc.checks import (
    check_choice,
    check_finite,
    check_float_type,
    check_integer,
    check_number,
    check_samples,
)
from mfcc.recipe import MFCC
from mfcc.sound.blocks import recut
from mfcc.sound.decoding import HIGHEST_RATE, LOWEST_RATE, Decoder
from mfcc.sound.errors import AudioError, AudioWarning
from mfcc.sound.opening import Source, check_source, is_source, name_of

__all__ = ["AudioError", "AudioWarning", "blocks", "load"]

OnTruncated = Literal["raise", "keep"]

# Samples for which `load` asks the system before it sees any: a header may lie. Untouched memory costs nothing.
_TRUSTED_LENGTH = 1 << 28


def load(
    path: Source,
    sr: float | None = 22050,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = np.float32,
    on_truncated: OnTruncated = "raise",
) -> tuple[np.ndarray, float]:
    """Read a recording as mono samples.

    Parameters
    ----------
    path : str, bytes, os.PathLike or an open binary file
        A file in any format that libsndfile reads (WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF, ...), with any number of
        channels; where ffmpeg is installed, in others too (MP4 with AAC or ALAC, WebM, Windows Media, WavPack, ...).
        The content decides, not the name. An open file is read from its first byte on, and left open; take
        `io.BytesIO(content)` for content in memory.
    sr : float or None
        Sample rate in Hz to resample to; None keeps the file's.
    offset, duration : float, optional
        Excerpt in seconds. Without a duration, or with one that reaches beyond it, up to the end. An excerpt is cut
        before it is resampled: its first and last milliseconds differ from those of the whole.
    dtype : float32 or float64
    on_truncated : "raise" or "keep"
        What to do about a file that ends early or is damaged within: refuse it, or warn (`AudioWarning`) and return
        what comes before.

    Returns
    -------
    y : array, shape (n_samples,)
        The mean of the channels. Full scale is 1.0; what overshoots it, as lossy codecs do, is not clipped.
    sr : float
        The sample rate of y in Hz.

    Raises
    ------
    AudioError
        For a file that is missing, unreadable, empty, not audio, truncated, or holds NaN or infinity.
    ValueError, TypeError
        For arguments out of range.

    Notes
    -----
    Resampling is that of libsoxr at its high quality ("HQ"): a linear-phase filter whose pass band ends at 0.91 of the
    lower Nyquist frequency. Memory beyond the returned array does not grow with the length of the file.

    Some truncated files can't be told from whole ones: an MP3 without a Xing, Info or VBRI header, and an Ogg stream
    that was cut between two pages.
    """
    _check_excerpt("load", offset, duration, on_truncated)
    check_source("load", "path", path)
    sample_type = check_float_type("load", dtype)
    if sr is not None:
        _check_rate("load", sr)
    with Decoder(path, offset=offset, duration=duration, dtype=sample_type) as decoder:
        rate = decoder.sr if sr is None else sr
        expected = math.ceil(decoder.expected * rate / decoder.sr) + 1
        y = np.empty(min(expected, _TRUSTED_LENGTH), sample_type)
        n = 0
        for block in _resampled(decoder, rate, on_truncated):
            if n + len(block) > len(y):
                y.resize(n + max(len(block), n // 4), refcheck=False)
            y[n : n + len(block)] = block
            n += len(block)
    if n == 0:
        raise _too_short(path, rate)
    y.resize(n, refcheck=False)
    return y, rate


def blocks(
    path: Source,
    sr: float | None = 22050,
    *,
    block_length: int = 1 << 16,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = np.float32,
    on_truncated: OnTruncated = "raise",
) -> Iterator[np.ndarray]:
    """Read the samples of a recording block by block: joined, they are what `load` returns, bit for bit.

    Parameters
    ----------
    path, sr
        As in `load`.
    block_length : int
        Samples a block; the last one may be shorter.
    offset, duration, dtype, on_truncated
        As in `load`.

    Returns
    -------
    iterator of arrays, shape (block_length,)
        Each is new and the caller's to keep.

    Raises
    ------
    AudioError
        As `load`, while iterating: a truncated file may only be known as such after its last block.
    ValueError, TypeError
        At once, for arguments out of range.
    """
    _check_excerpt("blocks", offset, duration, on_truncated)
    check_source("blocks", "path", path)
    sample_type = check_float_type("blocks", dtype)
    if sr is not None:
        _check_rate("blocks", sr)
    length = check_integer("blocks", "block_length", block_length, maximum=1 << 30)
    return _blocks(path, sr, length, offset, duration, sample_type, on_truncated)


def samples_of(
    who: str,
    source: Source | np.ndarray,
    recipe: MFCC,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: OnTruncated = "raise",
    dtype: DTypeLike | None = None,
) -> Iterator[np.ndarray]:
    """Yield the samples at recipe.sr of a recording or of an array, in blocks; errors name `who`.

    Those of a recording are float32, those of an array have its own type unless a `dtype` is given.
    """
    _check_excerpt(who, offset, duration, on_truncated)
    if is_source(source):
        check_source(who, "source", source)
        return blocks(source, recipe.sr, offset=offset, duration=duration, on_truncated=on_truncated)
    y = check_samples(who, source, integer_full_scale=recipe.integer_full_scale)
    first = round(offset * recipe.sr)
    y = y[first : None if duration is None else first + max(1, round(duration * recipe.sr))]
    check_finite(who, y)
    return iter([y if dtype is None else y.astype(dtype, copy=False)])


def _blocks(
    path: Source,
    sr: float | None,
    length: int,
    offset: float,
    duration: float | None,
    dtype: np.dtype[Any],
    on_truncated: str,
) -> Iterator[np.ndarray]:
    with Decoder(path, offset=offset, duration=duration, dtype=dtype) as decoder:
        rate = decoder.sr if sr is None else sr
        samples = _resampled(decoder, rate, on_truncated)
        if rate == decoder.sr:  # the decoder uses its memory again
            samples = (block.copy() for block in samples)
        block = None
        for block in recut(samples, length):
            yield block
        if block is None:
            raise _too_short(path, rate)


def _resampled(decoder: Decoder, sr: float, on_truncated: str) -> Iterator[np.ndarray]:
    """Yield the samples of a decoder at another rate; a block is valid until the next one."""
    if sr == decoder.sr:
        yield from decoder.blocks(on_truncated)
        return
    resampler = soxr.ResampleStream(decoder.sr, sr, 1, decoder.dtype.name, quality="HQ")
    for block in decoder.blocks(on_truncated):
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.empty(0, decoder.dtype), last=True)


def _too_short(path: Source, sr: float) -> AudioError:
    return AudioError(name_of(path), f"is shorter than one sample at {sr:g} Hz.")


def _check_excerpt(who: str, offset: float, duration: float | None, on_truncated: str) -> None:
    """Raise ValueError or TypeError for arguments out of range."""
    check_number(who, "offset", offset, minimum=0.0, hint="It is in seconds.")
    if duration is not None:
        check_number(who, "duration", duration, above=0.0, hint="It is in seconds; None reads to the end.")
    check_choice(who, "on_truncated", on_truncated, ("raise", "keep"))


def _check_rate(who: str, sr: float) -> None:
    check_number(who, "sr", sr, minimum=LOWEST_RATE, maximum=HIGHEST_RATE, hint="It is in Hz; None keeps the file's.")
