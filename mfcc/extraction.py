"""Many recordings into files of features: what is to be done, one recording, and a journal of what became of each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from mfcc import output
from mfcc.decoding import AudioError, Decoder, printable
from mfcc.recipe import MFCC
from mfcc.recordings import whole_features
from mfcc.tiles import tiles

JOURNAL = "mfcc.jsonl"

# In a folder these are tried whatever is in them, so that a broken one is reported; others only if they are audio.
_SUFFIXES = frozenset(
    ".wav .wave .flac .ogg .oga .opus .mp3 .mp2 .aif .aiff .aifc .au .snd .caf .w64 .rf64 .m4a .aac .wma".split()
)


@dataclass(frozen=True)
class Settings:
    """How each recording is turned into files."""

    recipe: MFCC
    format: str = "npz"
    tile_frames: int | None = None  # None: all frames as one matrix
    hop_frames: int | None = None
    offset: float = 0.0
    duration: float | None = None
    keep_truncated: bool = False
    plot: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "recipe": self.recipe.to_dict()}

    def outputs(self, target: str) -> list[str]:
        """Return the files that a recording becomes; `target` is their common beginning."""
        kind = "tiles.npz" if self.tile_frames else self.format
        return [f"{target}.{kind}"] + ([f"{target}.png"] if self.plot else [])


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
        if os.path.isdir(path):
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
            if os.path.splitext(name)[1].lower() in _SUFFIXES or _is_audio(path):
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


def extract(source: str, out: str, name: str, settings: Settings) -> dict[str, Any]:
    """Turn one recording into files, and return its entry in the journal; what goes wrong is in the entry.

    The entry has "name", "source", its "size" and "mtime_ns", "settings", "status" ("done" or "failed"), "reason" (why
    it failed, or what is missing), "audio_s" and "elapsed_s".
    """
    entry = {"name": name, "source": source, **_identity(source), "settings": settings.to_dict()}
    target = os.path.join(out, name)
    begin = time.perf_counter()
    reason, audio_s = "", 0.0
    try:
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        try:
            audio_s = _write(source, target, settings, "raise")
        except AudioError as error:
            if error.seconds_read is None or not settings.keep_truncated:
                raise
            reason = error.reason
            audio_s = _write(source, target, settings, "keep")
        status = "done"
    except AudioError as error:
        status, reason = "failed", error.reason
        if error.seconds_read is not None:
            reason += " Get a whole copy, or take what is there with --keep-truncated."
    except OSError as error:
        status, reason = "failed", f"{printable(error.filename or target)}: {error.strerror or error}."
    except Exception as error:  # one recording, whatever is wrong with it, does not lose the others
        status, reason = "failed", f"{type(error).__name__}: {error}"
    return {**entry, "status": status, "reason": reason, "audio_s": audio_s, "elapsed_s": time.perf_counter() - begin}


def _write(source: str, target: str, settings: Settings, on_truncated: Any) -> float:
    recipe, offset, duration = settings.recipe, settings.offset, settings.duration
    path = settings.outputs(target)[0]
    if settings.tile_frames:
        windows = tiles(
            source,
            recipe,
            n_frames=settings.tile_frames,
            hop_frames=settings.hop_frames,
            offset=offset,
            duration=duration,
            on_truncated=on_truncated,
        )
        seconds = windows.start_s[-1] + windows.duration_s - offset
        output.write_tiles(path, windows)
    else:
        features, seconds = whole_features("extract", source, recipe, offset, duration, on_truncated)
        output.write_features(path, features, recipe, settings.format, offset)
    if settings.plot:
        from mfcc import plotting

        figure = plotting.plot(source, recipe, offset=offset, duration=duration, on_truncated=on_truncated)
        with output.atomic(settings.outputs(target)[1]) as file:
            plotting.save(figure, file)
    return float(seconds)


def _identity(source: str) -> dict[str, int | None]:
    try:
        status = os.stat(source)
    except (OSError, ValueError):
        return {"size": None, "mtime_ns": None}
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


class Journal:
    """The entries of `extract`, one JSON object a line: the last one of a name counts. A context manager."""

    def __init__(self, folder: str) -> None:
        self.folder, self.path = folder, os.path.join(folder, JOURNAL)
        self._entries: dict[str, dict[str, Any]] = {}
        whole = True
        try:
            with open(self.path, encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    whole = line.endswith("\n")
                    self._note(line)
        except FileNotFoundError:
            pass
        self._file = open(self.path, "a", encoding="utf-8")
        if not whole:  # the run was killed while it wrote
            self._file.write("\n")

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, entry: dict[str, Any]) -> None:
        """Append an entry."""
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        self._entries[entry["name"]] = entry

    def is_up_to_date(self, source: str, name: str, settings: Settings) -> bool:
        """Whether the files of a recording are there, made from what it is now and with these settings."""
        entry = self._entries.get(name, {})
        wanted = {"status": "done", **_identity(source), "settings": settings.to_dict()}
        same = all(entry.get(name) == value for name, value in wanted.items())
        return same and all(os.path.exists(path) for path in settings.outputs(os.path.join(self.folder, name)))

    def _note(self, line: str) -> None:
        try:
            entry = json.loads(line)
            self._entries[str(entry["name"])] = entry
        except (ValueError, TypeError, KeyError):
            pass  # a line that a killed run left unfinished
