"""Cutting a signal into frames: where they begin, how many there are, what lies beyond the ends."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mfcc.checks import check_array, check_choice, check_integer

Center = bool | Literal["hop"]

CENTER = (False, True, "hop")
PAD_MODES = ("constant", "reflect", "symmetric", "edge")
PARTIAL = ("drop", "pad")


def n_frames(
    n_samples: int, frame_length: int, hop_length: int, *, center: Center = False, partial: str = "drop"
) -> int:
    """Return the number of frames that `frame` makes of n_samples samples (0 if the signal is too short for one).

    Parameters are those of `frame`.

    Examples
    --------
    >>> n_frames(22050, 2048, 2048), n_frames(22050, 2048, 512, center=True)
    (10, 44)
    """
    frame_length, hop_length = _check("n_frames", frame_length, hop_length, center, "constant", partial)
    n_samples = check_integer("n_frames", "n_samples", n_samples, minimum=0)
    if n_samples == 0:
        return 0
    if center == "hop":
        return (n_samples + hop_length // 2) // hop_length
    if center:
        n_samples += 2 * (frame_length // 2)
    beyond = n_samples - frame_length
    if partial == "pad":
        return 1 + max(0, -(-beyond // hop_length))
    return 1 + beyond // hop_length if beyond >= 0 else 0


def shortest_signal(frame_length: int, hop_length: int, *, center: Center = False, partial: str = "drop") -> int:
    """Return the number of samples of the shortest signal with a frame; parameters are those of `frame`."""
    if center == "hop":
        return max(1, hop_length - hop_length // 2)
    return 1 if center or partial == "pad" else frame_length


def first_start(frame_length: int, hop_length: int, *, center: Center = False) -> int:
    """Return the index of the first sample of frame 0; frame t begins t * hop_length later. Negative if centred."""
    if center == "hop":
        return hop_length // 2 - frame_length // 2
    return -(frame_length // 2) if center else 0


def frame(
    y: np.ndarray,
    frame_length: int,
    hop_length: int,
    *,
    center: Center = False,
    pad_mode: str = "constant",
    partial: str = "drop",
) -> np.ndarray:
    """Cut a signal into frames, shape (n_frames, frame_length).

    Parameters
    ----------
    y : array, shape (n_samples,)
    frame_length, hop_length : int
        Length of a frame and distance between the starts of neighbouring frames, in samples, both at least 1.
    center : False, True or "hop"
        False: frame t begins at sample t * hop_length. True: its middle lies there (librosa, torchaudio). "hop": its
        middle lies half a hop later (Kaldi with snip-edges=false).
    pad_mode : "constant", "reflect", "symmetric" or "edge"
        What lies beyond the ends of the signal, as in numpy.pad: zeros, the mirrored signal without or with the
        outermost sample repeated, or the outermost sample.
    partial : "drop" or "pad"
        What becomes of a last frame that reaches beyond the (padded) end: left out, or filled up with zeros. With "pad"
        there are frames until one reaches the end.

    Returns
    -------
    array
        A read-only view of y where nothing is padded, else a new array.

    Raises
    ------
    ValueError
        For a signal that is not one-dimensional and for lengths below 1.

    Examples
    --------
    >>> frame(np.arange(5), 2, 2).tolist()
    [[0, 1], [2, 3]]
    >>> frame(np.arange(5), 2, 2, partial="pad").tolist()
    [[0, 1], [2, 3], [4, 0]]
    >>> frame(np.arange(1, 5), 3, 2, center=True, pad_mode="reflect").tolist()
    [[2, 1, 2], [2, 3, 4]]
    """
    frame_length, hop_length = _check("frame", frame_length, hop_length, center, pad_mode, partial)
    y = check_array("frame", "y", y)
    if y.ndim != 1:
        raise ValueError(f"frame: y: expected an array of shape (n_samples,), got shape {y.shape}.")
    count = n_frames(len(y), frame_length, hop_length, center=center, partial=partial)
    if count == 0:
        return np.empty((0, frame_length), y.dtype)
    start = first_start(frame_length, hop_length, center=center)
    end = start + (count - 1) * hop_length + frame_length
    if start < 0 or end > len(y):
        y = samples_between(y, start, end, center=center, pad_mode=pad_mode, frame_length=frame_length)
        start = 0
    windows = np.lib.stride_tricks.sliding_window_view(y[start:], frame_length)
    return windows[: (count - 1) * hop_length + 1 : hop_length]


def samples_between(
    y: np.ndarray, start: int, end: int, *, center: Center, pad_mode: str, frame_length: int
) -> np.ndarray:
    """Return the samples from `start` to `end`, which may lie beyond the signal's ends, as a new array.

    Beyond the ends a centred framing sees what `pad_mode` says; where padding by half a frame ends, and in an
    uncentred framing, there are zeros.
    """
    index = np.arange(start, end)
    n = len(y)
    if center == "hop":
        inside = np.ones(len(index), bool)
    elif center:
        inside = (index >= -(frame_length // 2)) & (index < n + frame_length // 2)
    else:
        inside = (index >= 0) & (index < n)
    if pad_mode == "constant":
        inside &= (index >= 0) & (index < n)
    elif pad_mode == "reflect":
        index = _mirror(index, max(n - 1, 1), n)
    elif pad_mode == "symmetric":
        index = np.where(index % (2 * n) < n, index % n, n - 1 - index % n)
    index = np.clip(index, 0, n - 1)
    return np.where(inside, y[index], y.dtype.type(0))


def _mirror(index: np.ndarray, period: int, n: int) -> np.ndarray:
    index = index % (2 * period)
    return np.minimum(np.where(index <= period, index, 2 * period - index), n - 1)


def _check(
    who: str, frame_length: int, hop_length: int, center: Center, pad_mode: str, partial: str
) -> tuple[int, int]:
    check_choice(who, "center", center, CENTER)
    check_choice(who, "pad_mode", pad_mode, PAD_MODES)
    check_choice(who, "partial", partial, PARTIAL)
    frame_length = check_integer(who, "frame_length", frame_length, maximum=1 << 31)
    return frame_length, check_integer(
        who, "hop_length", hop_length, maximum=1 << 31, hint="It is the step to the next frame."
    )
