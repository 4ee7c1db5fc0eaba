"""Dropout masks from a counter: no stored mask, no state, the same in forward and backward."""

import numpy as np

from nnlite.jit import kernel


def threshold(rate: float) -> np.uint32:
    """Hashes below it are dropped; exact to 2**-32."""
    return np.uint32(min(round(rate * 2**32), 2**32 - 1))


@kernel(inline="always")
def mix(counter, key):
    """32 well-mixed bits of a counter and a key of two words.

    C. Wellons' lowbias32, with the second word between its rounds.
    """
    h = np.uint32(np.uint32(counter) ^ key[0])
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D))
    h = np.uint32((h ^ (h >> np.uint32(15))) + key[1])
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x846CA68B))
    return np.uint32(h ^ (h >> np.uint32(16)))


@kernel
def dropout(x, key, threshold, scale, rest, y):
    """y = rest + (x - rest) * scale where the hash of the position reaches the threshold, else rest."""
    for i in range(x.size):
        y[i] = (x[i] - rest) * scale + rest if mix(i, key) >= threshold else rest
