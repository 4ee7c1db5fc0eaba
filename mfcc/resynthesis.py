"""A recording as its coefficients keep it, as a file to listen to."""

from __future__ import annotations

import numpy as np

from mfcc.audio import OnTruncated
from mfcc.inverse import resynthesize
from mfcc.output import atomic
from mfcc.recipe import MFCC
from mfcc.recordings import whole_features


def write_resynthesis(
    source: str,
    path: str,
    recipe: MFCC,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: OnTruncated = "raise",
    seed: int = 0,
) -> float:
    """Turn a recording into coefficients and back, write that as WAV (16 bits, mono), and return its seconds.

    What is beyond full scale makes the whole softer. Memory grows with the recording: about 150 MB a minute at 22,050
    Hz with frames of 2,048 samples.

    Raises
    ------
    AudioError
        As `mfcc.load`, and for a recording shorter than a frame.
    OSError
        Where the file can't be written.
    """
    import soundfile

    features, _ = whole_features("resynthesize", source, recipe, offset, duration, on_truncated)
    y = resynthesize(features, recipe, np.random.default_rng(seed))
    y = y / max(1.0, float(np.abs(y).max()))
    with atomic(path) as file:
        soundfile.write(file, y, round(recipe.sr), format="WAV", subtype="PCM_16")
    return len(y) / recipe.sr
