"""Sizes of the processor's caches."""

import functools
import re
from pathlib import Path

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_FALLBACK = {1: 32 * 1024, 2: 256 * 1024}
_UNITS = {"": 1, "K": 1024, "M": 1024 * 1024}


@functools.cache
def cache_bytes(level: int) -> int:
    """Return the bytes of a core's data cache of `level` 1 or 2, as Linux says.

    Elsewhere return what most processors have at least.

    Only the order in which memory is visited may depend on it, never a result.
    """
    for index in sorted(_CACHES.glob("index*")):
        try:
            words = [(index / name).read_text().strip() for name in ("level", "type", "size")]
        except OSError:
            continue
        size = re.fullmatch(r"([1-9]\d*)([KM]?)", words[2])
        if words[0] == str(level) and words[1] in ("Data", "Unified") and size:
            return int(size[1]) * _UNITS[size[2]]
    return _FALLBACK[level]
