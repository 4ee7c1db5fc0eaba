"""Limits of a softmax at infinity; losses, which need NumPy alone, take them too."""

import numpy as np

__all__ = ["without_plus_infinity"]


def without_plus_infinity(logits: np.ndarray) -> np.ndarray:
    """Return logits with the same softmax, none of them +inf: along the last axis those become 0, the others -inf.

    Where there is no +inf, or a NaN beside it, the logits stay as they are.
    """
    infinite = np.isposinf(np.maximum.reduce(logits, axis=-1, keepdims=True))
    if not infinite.any():
        return logits
    return np.where(infinite, np.where(np.isposinf(logits), 0, -np.inf), logits).astype(logits.dtype)
