"""A recording as its features keep it, as a file to listen to and a picture to look at."""

from __future__ import annotations

import io
import os
import sys

import numpy as np

from mfcc.audio import OnTruncated, samples_of
from mfcc.command.finding import STANDARD
from mfcc.command.output import atomic
from mfcc.inverse import resynthesize
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
    plot: bool = False,
    seed: int = 0,
) -> tuple[list[str], float]:
    """Turn a recording into features and back, and write that as WAV (16 bits, mono).

    What is beyond full scale makes the whole softer. Memory grows with the recording: about 150 MB a minute at 22,050
    Hz with frames of 2,048 samples.

    Parameters
    ----------
    source : str
    path : str
        "-" is standard output.
    recipe : MFCC
    offset, duration, on_truncated
        As in `mfcc.load`.
    plot : bool
        Draw original and reconstruction side by side, in a PNG file beside `path`.
    seed : int
        Of the first phases.

    Returns
    -------
    written : list of str
        The files.
    seconds : float
        Length of what is written.

    Raises
    ------
    AudioError
        As `mfcc.load`, and for a recording shorter than a frame.
    OSError
        Where a file can't be written.
    """
    import soundfile

    features, _ = whole_features("resynthesize", source, recipe, offset, duration, on_truncated)
    y = resynthesize(features, recipe, np.random.default_rng(seed))
    y = y / max(1.0, float(np.abs(y).max()))
    wav = io.BytesIO()  # headers of WAV are written last, which a pipe doesn't allow
    soundfile.write(wav, y, round(recipe.sr), format="WAV", subtype="PCM_16")
    if path == STANDARD:
        sys.stdout.buffer.write(wav.getbuffer())
        return [], len(y) / recipe.sr
    with atomic(path) as file:
        file.write(wav.getbuffer())
    written = [path]
    if plot:
        from mfcc.pictures import plotting

        original = np.concatenate(list(samples_of("plot", source, recipe, offset, duration, on_truncated)))
        figure = plotting.compare(original, y, recipe, title=plotting.title_of(source))
        written.append(os.path.splitext(path)[0] + ".png")
        with atomic(written[1]) as file:
            plotting.save(figure, file)
    return written, len(y) / recipe.sr
