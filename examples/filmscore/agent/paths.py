"""Paths in the tables of a library: bytes as the system has them."""

from __future__ import annotations

import os


def below(folder: str) -> tuple[bytes, bytes]:
    """Return the bounds of the paths below a folder: from the first, and less than the second."""
    prefix = os.fsencode(os.path.join(os.path.abspath(folder), ""))
    return prefix, prefix[:-1] + bytes([prefix[-1] + 1])
