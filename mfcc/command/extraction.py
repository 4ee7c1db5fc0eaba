"""One recording into files of features, whatever goes wrong with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Literal

import numpy as np

from mfcc.command import output
from mfcc.command.finding import STANDARD
from mfcc.command.formats import FORMATS, Features
from mfcc.delta_features import deltas
from mfcc.normalization import normalize
from mfcc.recipe import MFCC
from mfcc.recordings import whole_features
from mfcc.sound.errors import AudioError, printable
from mfcc.tiling import tiles


@dataclass(frozen=True)
class Settings:
    """The settings by which each recording becomes files.

    `normalize` takes the mean of each feature off, or divides by the deviation too, over the file or over `window`
    frames; then come `deltas` orders of slopes over time. Tiles are of what the recipe gives.
    """

    recipe: MFCC
    format: str = "npz"
    normalize: Literal["mean", "variance"] | None = None
    window: int | None = None
    deltas: int = 0
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

    def followed(self, features: np.ndarray) -> np.ndarray:
        """Return features with what comes after the recipe."""
        if self.normalize is not None:
            features = normalize(features, variance=self.normalize == "variance", window=self.window)
        if self.deltas:
            features = np.concatenate([features, *(deltas(features, order=n + 1) for n in range(self.deltas))])
        return features


def extract(source: str, out: str, name: str, settings: Settings) -> dict[str, Any]:
    """Turn one recording into files, and return what became of it; what goes wrong is in there.

    `source` and `out` may be "-", standard input and output. The entry has "name", "source", its "size" and "mtime_ns",
    "settings", "status" ("done" or "failed"), "reason" (why it failed, or what is missing), "audio_s" and "elapsed_s".
    """
    entry = {"name": name, "source": source, **identity(source), "settings": settings.to_dict()}
    target = name if out == STANDARD else os.path.join(out, name)
    begin = time.perf_counter()
    reason, audio_s = "", 0.0
    try:
        if out != STANDARD:
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        with local_file(source) as path:
            try:
                audio_s = _write(path, target, settings, "raise", out)
            except AudioError as error:
                if error.seconds_read is None or not settings.keep_truncated:
                    raise
                reason = error.reason
                audio_s = _write(path, target, settings, "keep", out)
        status = "done"
    except AudioError as error:
        lower = " Lower --tiles." if settings.tile_frames and error.advice else ""
        status, reason = "failed", error.explained("--keep-truncated") + lower
    except BrokenPipeError:  # of standard output, which is no fault of the recording
        raise
    except OSError as error:
        status, reason = "failed", f"{printable(error.filename or target)}: {error.strerror or error}."
    except Exception as error:  # one recording, whatever is wrong with it, does not lose the others
        status, reason = "failed", f"{type(error).__name__}: {error}"
    return {**entry, "status": status, "reason": reason, "audio_s": audio_s, "elapsed_s": time.perf_counter() - begin}


@contextlib.contextmanager
def local_file(source: str) -> Iterator[str]:
    """Yield the path of a recording; standard input, in which nothing can be searched, is copied into a file first."""
    if source != STANDARD:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stdin")
        with open(path, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path


def identity(source: str) -> dict[str, int | None]:
    """Return what tells whether a file has changed: "size" in bytes and "mtime_ns"; None for what has neither."""
    status = None
    if source != STANDARD:
        with contextlib.suppress(OSError, ValueError):
            status = os.stat(source)
    return {"size": status and status.st_size, "mtime_ns": status and status.st_mtime_ns}


def _write(source: str, target: str, settings: Settings, on_truncated: Literal["raise", "keep"], out: str) -> float:
    recipe, offset, duration = settings.recipe, settings.offset, settings.duration

    def opened() -> AbstractContextManager[BinaryIO]:
        to_stdout = out == STANDARD
        return contextlib.nullcontext(sys.stdout.buffer) if to_stdout else output.atomic(settings.outputs(target)[0])

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
        seconds = float(windows.start_s[-1] + windows.duration_s - offset)
        with opened() as file:
            output.write_tiles(file, windows)
    else:
        values, seconds = whole_features("extract", source, recipe, offset, duration, on_truncated)
        features = Features(
            values=settings.followed(values),
            recipe=recipe,
            offset=offset,
            deltas=settings.deltas,
            zero_mean=settings.normalize is not None and settings.window is None,
            after={name: getattr(settings, name) for name in ("normalize", "window", "deltas")},
        )
        with opened() as file:
            FORMATS[settings.format].write(file, features)
    if settings.plot:
        from mfcc.pictures import plotting

        figure = plotting.plot(source, recipe, offset=offset, duration=duration, on_truncated=on_truncated)
        with output.atomic(settings.outputs(target)[1]) as file:
            plotting.save(figure, file)
    return seconds
