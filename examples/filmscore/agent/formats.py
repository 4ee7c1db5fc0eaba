"""Files that are audio, but in a format that libsndfile does not read: they are listed with what to do about them."""

from __future__ import annotations

import os
import shlex

from mfcc.command.finding import AUDIO_SUFFIXES
from mfcc.sound.errors import printable

UNREADABLE = {
    "AAC or ALAC in MP4": ".m4a .m4b .m4r .mp4 .m4v .mov .3gp .aac",
    "Matroska or WebM": ".mka .mkv .webm",
    "WavPack": ".wv",
    "True Audio": ".tta",
    "Dolby Digital": ".ac3 .eac3",
    "DTS": ".dts",
    "Monkey's Audio": ".ape",
    "DSD": ".dsf .dff",
    "Musepack": ".mpc",
    "OptimFROG": ".ofr",
    "TAK": ".tak",
    "Shorten": ".shn",
    "Windows Media": ".wma .asf",
    "RealAudio": ".ra .ram .rm",
    "AMR": ".amr",
    "Speex": ".spx",
    "ATRAC": ".oma .aa3 .at3",
    "a tracker module": ".mod .xm .it .s3m .mptm .stm .mtm .669 .umx",
}
"""A format to the endings of its files."""
_BY_SUFFIX = {suffix: name for name, suffixes in UNREADABLE.items() for suffix in suffixes.split()}
_MODULE = "a tracker module"


def problem_of(path: str, reason: str) -> str:
    """Return what is wrong with a file that libsndfile can't read; empty if its name is not that of audio.

    Parameters
    ----------
    path : str
    reason : str
        The words of the decoder.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _BY_SUFFIX and "not audio in a format" in reason:
        return remedy(path, _BY_SUFFIX[suffix])
    return reason if suffix in AUDIO_SUFFIXES | _BY_SUFFIX.keys() else ""


def remedy(path: str, name: str) -> str:
    """Return what to do about a file in a format that is not read.

    Examples
    --------
    >>> remedy("/music/a b.ape", "Monkey's Audio")
    "is Monkey's Audio by its name, and can't be read. Convert it: ffmpeg -i 'a b.ape' -vn 'a b.flac'"
    """
    own = os.path.basename(path)
    other = os.path.splitext(own)[0] + ".flac"
    program = "openmpt123 --render" if name == _MODULE else "ffmpeg"
    source, target = shlex.quote(printable(own)), shlex.quote(printable(other))
    command = f"{program} {source}" if name == _MODULE else f"{program} -i {source} -vn {target}"
    return f"is {name} by its name, and can't be read. Convert it: {command}"


def readable() -> str:
    """Return the formats that are read, in words."""
    ours = "WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF, AU, CAF, W64, RF64 and other formats that libsndfile reads"
    return f"{ours}, and where ffmpeg is installed M4A, WMA, WebM and more"
