"""Recordings among what is given on a command line: files, folders, standard input."""

from __future__ import annotations

import os
from collections.abc import Iterable

from mfcc.sound.decoding import Decoder
from mfcc.sound.errors import AudioError, printable

STANDARD = "-"
"""Stands for standard input among sources, and for standard output in place of a folder."""

AUDIO_SUFFIXES = frozenset(
    ".wav .wave .flac .ogg .oga .opus .mp3 .mp2 .aif .aiff .aifc .au .snd .caf .w64 .rf64 .m4a .aac .wma".split()
)
"""Files in a folder with such a name are read and, if they are broken, reported; others are used only if they are
audio."""


def find_recordings(paths: Iterable[str], out: str) -> tuple[dict[str, str], list[str], int]:
    """Look for recordings: files as they are given, and in folders what is called or found to be audio.

    Returns
    -------
    recordings : dict
        Name (a path below `out` without the suffix of the output) to source.
    refused : list of str
        Why a path can't be taken.
    n_others : int
        Files in folders that are no audio.
    """
    recordings: dict[str, str] = {}
    refused: list[str] = []
    n_others = 0
    for path in paths:
        if path == STANDARD:
            found = [(STANDARD, "stdin")]
        elif os.path.isdir(path):
            found, others, unread = _in_folder(path, out)
            n_others += others
            refused += unread
        else:
            found = [(path, os.path.basename(path))]
        for source, name in found:
            other = recordings.setdefault(name, source)
            if os.path.abspath(other) != os.path.abspath(source):
                refused.append(
                    f"{printable(source)}: has the same name as {printable(other)}. Give the folder above both, or "
                    "another --out."
                )
    return recordings, refused, n_others


def _in_folder(folder: str, out: str) -> tuple[list[tuple[str, str]], int, list[str]]:
    found: list[tuple[str, str]] = []
    unread: list[str] = []
    n_others = 0

    def note(error: OSError) -> None:
        unread.append(f"{printable(error.filename)}: can't be read: {error.strerror}.")

    for parent, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(f for f in folders if f[0] != "." and not _is_same(os.path.join(parent, f), out))
        for name in sorted(f for f in files if f[0] != "."):
            path = os.path.join(parent, name)
            if os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES or _is_audio(path):
                found.append((path, os.path.relpath(path, folder)))
            else:
                n_others += 1
    return found, n_others, unread


def _is_same(path: str, other: str) -> bool:
    return os.path.abspath(path) == os.path.abspath(other)


def _is_audio(path: str) -> bool:
    try:
        with Decoder(path):
            return True
    except AudioError:
        return False
