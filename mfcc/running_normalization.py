"""Mean and variance over the frames so far taken off features while they come: each frame as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from mfcc.checks import check_features, check_flag, check_integer, check_iterable, check_no_recording


def normalize_stream(
    blocks: Iterable[np.ndarray], mean: bool = True, variance: bool = True, window: int | None = None
) -> Iterator[np.ndarray]:
    """Subtract the mean of each feature over the frames so far and divide by its standard deviation, block by block.

    A frame depends on itself and what came before it, never on what follows: `normalize` for live sound. The first
    frames have few to be compared with; the first of all becomes 0.

    Parameters
    ----------
    blocks : iterable of arrays, shape (n_features, any number of frames)
        As `recipe.stream` yields them. float32 gives float32; anything else is computed in float64.
    mean, variance : bool
        Which of the two to do.
    window : int, optional
        Number of frames, at least 2, that the statistics are of: the frame itself and those before it. Each frame costs
        time in proportion to it. Default: all.

    Yields
    ------
    array, shape (n_features, n_frames)
        As many frames as came, the same whatever the cuts. A feature that has been constant is not divided.

    Raises
    ------
    ValueError
        For a window below 2 at once; for features of another shape, or not finite, when the block comes.
    TypeError
        For features that are no real numbers.

    Examples
    --------
    >>> [block.tolist() for block in normalize_stream([np.array([[1.0, 3.0]]), np.array([[5.0]])], variance=False)]
    [[[0.0, 1.0]], [[2.0]]]
    """
    who = "normalize_stream"
    mean, variance = check_flag(who, "mean", mean), check_flag(who, "variance", variance)
    if window is not None:
        window = check_integer(who, "window", window, minimum=2, maximum=1 << 22)
    check_no_recording(who, blocks, "mfcc.normalize_stream(mfcc.stream(path, recipe))")
    if isinstance(blocks, np.ndarray):
        raise TypeError(f"{who}: blocks: expected an iterable of arrays, got one array. Take [features].")
    check_iterable(who, blocks)
    return _normalized(who, blocks, mean, variance, window)


def _normalized(
    who: str, blocks: Iterable[np.ndarray], mean: bool, variance: bool, window: int | None
) -> Iterator[np.ndarray]:
    statistics: _All | _Last | None = None
    for block in blocks:
        x = check_features(who, block)
        if x.ndim != 2 or (statistics is not None and len(x) != statistics.n_features):
            rows = "n_features" if statistics is None else f"{statistics.n_features} features"
            raise ValueError(f"{who}: blocks: expected blocks of shape ({rows}, n_frames), got shape {x.shape}.")
        if statistics is None:
            statistics = _All(len(x)) if window is None else _Last(len(x), window)
        y = x.astype(np.float64)
        for frame in y.T:  # a view: y is written to
            centre, deviation = statistics.with_frame(frame)
            if mean:
                frame -= centre
            if variance:
                frame /= np.where(deviation > 0, deviation, 1.0)
        yield y.astype(x.dtype)


class _All:
    """Mean and deviation of all frames so far: B. P. Welford, Technometrics 4 (1962)."""

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features
        self._mean, self._squares, self._n = np.zeros(n_features), np.zeros(n_features), 0

    def with_frame(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distance = frame - self._mean
        self._n += 1
        self._mean = self._mean + distance / self._n
        self._squares = self._squares + distance**2 * ((self._n - 1) / self._n)
        return self._mean, np.sqrt(self._squares / self._n)


class _Last:
    """Mean and deviation of the last frames, from those frames themselves: nothing is ever taken off a sum."""

    def __init__(self, n_features: int, window: int) -> None:
        self.n_features = n_features
        self._frames, self._n = np.zeros((window, n_features)), 0

    def with_frame(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._frames[self._n % len(self._frames)] = frame
        self._n += 1
        seen = self._frames[: self._n] - frame  # a constant is now exactly 0, and so is its deviation
        return seen.mean(axis=0) + frame, seen.std(axis=0)
