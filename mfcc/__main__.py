"""Recordings in, features out: ``python -m mfcc FILE_OR_FOLDER... --out DIR``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TextIO

from mfcc.decoding import AudioWarning, printable
from mfcc.extraction import JOURNAL, Journal, Settings, extract, find_recordings
from mfcc.output import FORMATS
from mfcc.presets import PRESETS
from mfcc.recipe import MFCC

_DESCRIPTION = "Compute MFCCs of recordings: each file becomes DIR/NAME.npz (or .npy, .csv), a folder keeps its shape."
_EPILOG = f"""
Exit status: 0 if every recording was done or is up to date, 1 if any failed, 2 for a wrong command line.
DIR/{JOURNAL} has a line for each recording: its settings, and why it failed. A second run does what is missing,
has changed or has failed.

examples:
  python -m mfcc track.ogg --out features --plot
  python -m mfcc music/ --out features --tiles 100 --jobs 4
  python -m mfcc speech.wav --out features --set sr=16000 --set n_fft=512 --set hop_length=160 --format csv
  python -m mfcc --preset LIBROSA --describe
  python -m mfcc track.ogg --duration 30 --resynth heard.wav
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        settings = _settings(options)
    except (ValueError, TypeError, ImportError) as error:
        parser.error(str(error))
    if options.describe:
        print(settings.recipe.describe())
        return 0
    if options.resynth is not None:
        if len(options.paths) != 1 or os.path.isdir(options.paths[0]) or options.out is not None:
            parser.error("--resynth: expected one recording, and no --out.")
        return _resynthesize(options, settings)
    if not options.paths or options.out is None:
        parser.error("expected recordings or folders, and --out DIR.")
    try:
        os.makedirs(options.out, exist_ok=True)
        journal = Journal(options.out)
    except OSError as error:
        parser.error(f"--out: {printable(options.out)}: {error.strerror}.")
    with journal, warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)  # the report says it
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a title in a script that the font lacks
        return _run(options, settings, journal)


def _run(options: argparse.Namespace, settings: Settings, journal: Journal) -> int:
    begin = time.perf_counter()
    recordings, refused, n_others = find_recordings(options.paths, options.out)
    todo = {
        name: source
        for name, source in recordings.items()
        if options.force or not journal.is_up_to_date(source, name, settings)
    }
    counts: Counter[str] = Counter(failed=len(refused), current=len(recordings) - len(todo))
    audio_s = 0.0
    with _Progress(len(todo), sys.stderr) as progress:
        for reason in refused:
            progress.say(f"failed: {reason}")
        try:
            for entry in _extract_all(todo, options.out, settings, options.jobs):
                journal.add(entry)
                counts[entry["status"]] += 1
                audio_s += entry["audio_s"]
                if entry["reason"]:
                    word = "failed" if entry["status"] == "failed" else "incomplete"
                    progress.say(f"{word}: {printable(entry['source'])}: {entry['reason']}")
                progress.step(counts["failed"])
        except KeyboardInterrupt:
            progress.say(f"interrupted: {counts['done']} of {len(todo)} done. The same command does the rest.")
            return 130
    elapsed = max(time.perf_counter() - begin, 1e-9)
    summary = f"{counts['done']} done"
    if counts["done"]:
        summary += f" ({_duration(audio_s)} of audio in {_duration(elapsed)}, {audio_s / elapsed:,.0f} times real time)"
    summary += f", {counts['current']} up to date, {counts['failed']} failed"
    if n_others:
        summary += f"; {n_others} files in the folders are no audio"
    print(f"{summary}. Report: {printable(journal.path)}")
    if not recordings and not refused:
        print("no recordings found: give audio files, or folders that hold some.", file=sys.stderr)
        return 1
    return 1 if counts["failed"] else 0


def _resynthesize(options: argparse.Namespace, settings: Settings) -> int:
    from mfcc.resynthesis import write_resynthesis

    (source,), recipe = options.paths, settings.recipe
    try:
        seconds = write_resynthesis(
            source,
            options.resynth,
            recipe,
            offset=settings.offset,
            duration=settings.duration,
            on_truncated="keep" if settings.keep_truncated else "raise",
        )
    except OSError as error:
        print(f"failed: {printable(options.resynth)}: {error.strerror or error}.", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    print(f"{printable(options.resynth)}: {_duration(seconds)} from {recipe.n_coefficients} coefficients a frame.")
    return 0


def _extract_all(todo: dict[str, str], out: str, settings: Settings, jobs: int) -> Iterator[dict[str, Any]]:
    """Yield the entry of each recording when it is finished. Decoders and kernels run without Python's lock."""
    pool = ThreadPoolExecutor(jobs)
    try:
        tasks = [pool.submit(extract, source, out, name, settings) for name, source in todo.items()]
        for task in as_completed(tasks):
            yield task.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _settings(options: argparse.Namespace) -> Settings:
    recipe = PRESETS[options.preset]
    if options.knobs:
        recipe = recipe.replace(**dict(map(_knob, options.knobs)))
    if options.hop is not None and options.tiles is None:
        raise ValueError("--hop: expected --tiles with it, got none.")
    if options.tiles is not None and options.format != "npz":
        raise ValueError(f"--format: expected npz with --tiles, got {options.format}.")
    if options.plot:
        from mfcc.plotting import require_matplotlib

        require_matplotlib("--plot")
    return Settings(
        recipe=recipe,
        format=options.format,
        tile_frames=options.tiles,
        hop_frames=options.hop,
        offset=options.offset,
        duration=options.duration,
        keep_truncated=options.keep_truncated,
        plot=options.plot,
    )


def _knob(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    names = [field.name for field in dataclasses.fields(MFCC)]
    if not equals or name not in names:
        raise ValueError(f"--set: expected KNOB=VALUE with a KNOB out of {', '.join(names)}, got {text!r}.")
    with contextlib.suppress(ValueError):
        return name, json.loads({"True": "true", "False": "false", "None": "null"}.get(value, value))
    return name, value


class _Progress:
    """A bar on a terminal; in a log file a line now and then."""

    def __init__(self, total: int, stream: TextIO, every_s: float = 30.0) -> None:
        from tqdm import tqdm

        self._stream, self._total, self._every_s = stream, total, every_s
        self._done, self._said = 0, time.monotonic()
        self._bar = tqdm(total=total, unit="file", file=stream, disable=not stream.isatty(), leave=False)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def say(self, text: str) -> None:
        self._bar.clear()
        print(text, file=self._stream, flush=True)

    def step(self, failed: int) -> None:
        self._done += 1
        self._bar.update()
        self._bar.set_postfix(failed=failed)
        if not self._stream.isatty() and time.monotonic() - self._said >= self._every_s and self._done < self._total:
            self._said = time.monotonic()
            self.say(f"{self._done} of {self._total} files, {failed} failed")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mfcc",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="FILE_OR_FOLDER", help="recordings, and folders with recordings")
    parser.add_argument("--out", metavar="DIR", help="where the features go")
    parser.add_argument("--format", choices=FORMATS, default="npz", help="npz has times and recipe too (default)")
    parser.add_argument("--tiles", type=_positive, metavar="N", help="windows of N frames in place of one matrix")
    parser.add_argument(
        "--hop", type=_positive, metavar="N", help="frames from a tile to the next (default: no overlap)"
    )
    parser.add_argument("--plot", action="store_true", help="a picture beside each: waveform, mel spectrogram, MFCC")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="FILMSCORE", help="recipe (default: FILMSCORE)")
    parser.add_argument("--set", action="append", dest="knobs", metavar="KNOB=VALUE", help="change a knob of it")
    parser.add_argument("--resynth", metavar="WAV", help="write what the coefficients of a recording keep, as sound")
    parser.add_argument("--describe", action="store_true", help="print the recipe in words and formulas")
    parser.add_argument("--offset", type=_seconds, default=0.0, metavar="S", help="begin S seconds into each recording")
    parser.add_argument("--duration", type=_seconds, metavar="S", help="take at most S seconds")
    parser.add_argument("--keep-truncated", action="store_true", help="take what there is of files that end early")
    parser.add_argument(
        "--jobs", type=_positive, default=_n_cpus(), metavar="N", help="recordings at a time (default: CPUs)"
    )
    parser.add_argument("--force", action="store_true", help="do all again, up to date or not")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text}")
    return number


def _n_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
