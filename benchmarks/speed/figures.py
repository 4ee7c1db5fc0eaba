"""Numbers from samples: medians, spreads, ratios and differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def summary(samples: Sequence[Sequence[float]]) -> dict[str, float]:
    """Median and quartiles of all samples of a mode, round by round given, in seconds."""
    low, median, high = np.percentile(np.concatenate([np.asarray(turn) for turn in samples]), [25, 50, 75])
    return {"median_s": float(median), "low_s": float(low), "high_s": float(high)}


def ratio(peer: Sequence[Sequence[float]], ours: Sequence[Sequence[float]], scale: float = 1.0) -> dict[str, float]:
    """How many times longer a peer takes: the median of the rounds' own ratios, the least and the largest of them.

    A round's ratio is that of its medians, so what slows the machine for a while slows both.

    Examples
    --------
    >>> ratio([[2.0, 2.0], [6.0]], [[1.0], [2.0]])
    {'median': 2.5, 'low': 2.0, 'high': 3.0}
    """
    each = [scale * np.median(theirs) / np.median(own) for theirs, own in zip(peer, ours, strict=True)]
    return {"median": float(np.median(each)), "low": float(min(each)), "high": float(max(each))}


def difference(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray], norm: str = "largest") -> float:
    """Largest difference of arrays of the same names, relative to the expected one.

    Parameters
    ----------
    actual, expected : dict
    norm : "largest" or "square"
        Of an array: its largest value, or the root of its sum of squares.

    Raises
    ------
    ValueError
        If no names are shared, shapes differ, or something is not finite.

    Examples
    --------
    >>> difference({"a": np.array([1.0, 2.0])}, {"a": np.array([1.0, 4.0])})
    0.5
    """
    shared = sorted(actual.keys() & expected.keys())
    if not shared:
        raise ValueError(f"expected one of the results {sorted(expected)}, got {sorted(actual)}")
    largest = 0.0
    for name in shared:
        got, right = actual[name], expected[name]
        if got.shape != right.shape:
            raise ValueError(f"{name}: expected shape {right.shape}, got {got.shape}")
        if not np.isfinite(got).all():
            raise ValueError(f"{name}: expected finite numbers, got some that are not")
        order = np.inf if norm == "largest" else 2
        scale = float(np.linalg.norm(right.reshape(-1), order)) or 1.0
        largest = max(largest, float(np.linalg.norm((got - right).reshape(-1), order)) / scale)
    return largest
