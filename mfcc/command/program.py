"""Recordings in, features out: ``python -m mfcc FILE_OR_FOLDER... --out DIR``."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from mfcc.command.extraction import Settings, extract, local_file
from mfcc.command.finding import STANDARD, find_recordings
from mfcc.command.formats import FORMATS
from mfcc.command.journal import Journal
from mfcc.command.options import check_paths, parser, settings_of
from mfcc.command.progress import Progress
from mfcc.sound.errors import AudioError, AudioWarning, printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        status = _main(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of the pipe has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _main(arguments: Sequence[str] | None) -> int:
    command_line = parser()
    options = command_line.parse_args(arguments)
    try:
        settings = settings_of(options)
        if options.describe:
            print(settings.recipe.describe())
            return 0
        check_paths(options)
        binary = options.resynth == STANDARD or (options.out == STANDARD and not FORMATS[settings.format].is_text)
        if binary and sys.stdout.isatty():
            raise ValueError("-: expected a file or a pipe behind standard output, got a terminal.")
    except (ValueError, TypeError, ImportError) as error:
        command_line.error(str(error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)  # the report has it
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a title in a script that the font lacks
        if options.resynth is not None:
            return _resynthesize(options, settings)
        if options.out == STANDARD:
            return _to_standard_output(options.paths[0], settings)
        try:
            os.makedirs(options.out, exist_ok=True)
            journal = Journal(options.out)
        except OSError as error:
            command_line.error(f"--out: {printable(options.out)}: {error.strerror}.")
        with journal:
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
    stop = options.on_error == "stop"
    with Progress(len(todo), sys.stderr) as progress:
        for reason in refused:
            progress.say(f"failed: {reason}")
        try:
            stopped = threading.Event()
            if stop and refused:
                stopped.set()
            for entry in _extract_all(todo, options.out, settings, options.jobs, stopped):
                journal.add(entry)
                counts[entry["status"]] += 1
                audio_s += entry["audio_s"]
                if entry["reason"]:
                    progress.say(_reason(entry))
                progress.step(counts["failed"])
                if stop and counts["failed"]:
                    stopped.set()
        except KeyboardInterrupt:
            progress.say(f"interrupted: {counts['done']} of {len(todo)} done. The same command does the rest.")
            return 130
    elapsed = max(time.perf_counter() - begin, 1e-9)
    summary = f"{counts['done']} done"
    if counts["done"]:
        summary += f" ({_duration(audio_s)} of audio in {_duration(elapsed)}, {audio_s / elapsed:,.0f} times real time)"
    summary += f", {counts['current']} up to date, {counts['failed']} failed"
    left = len(recordings) + len(refused) - counts.total()
    if left:
        summary += f", {left} not tried after the first failure"
    if n_others:
        summary += f"; {n_others} files in the folders are no audio"
    print(f"{summary}. Report: {printable(journal.path)}")
    if not recordings and not refused:
        print("no recordings found: give audio files, or folders that hold some.", file=sys.stderr)
        return 1
    return 1 if counts["failed"] else 0


def _to_standard_output(source: str, settings: Settings) -> int:
    entry = extract(source, STANDARD, "standard output", settings)
    if entry["reason"]:
        print(_reason(entry), file=sys.stderr)
    return 1 if entry["status"] == "failed" else 0


def _resynthesize(options: argparse.Namespace, settings: Settings) -> int:
    from mfcc.command.resynthesis import write_resynthesis
    from mfcc.inverse import lost

    (source,), recipe = options.paths, settings.recipe
    try:
        with local_file(source) as path:
            written, seconds = write_resynthesis(
                path,
                options.resynth,
                recipe,
                offset=settings.offset,
                duration=settings.duration,
                on_truncated="keep" if settings.keep_truncated else "raise",
                plot=settings.plot,
            )
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"failed: {printable(options.resynth)}: {error.strerror or error}.", file=sys.stderr)
        return 1
    except AudioError as error:
        print(f"failed: {printable(_name(source))}: {error.explained('--keep-truncated')}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    if options.resynth != STANDARD:
        what = f"{_duration(seconds)} from {recipe.n_features} features a frame; lost: {', '.join(lost(recipe))}"
        print(f"{' and '.join(map(printable, written))}: {what}.")
    return 0


def _extract_all(
    todo: dict[str, str], out: str, settings: Settings, jobs: int, stopped: threading.Event
) -> Iterator[dict[str, Any]]:
    """Yield the entry of each recording when it is finished; none is begun once it is stopped.

    Decoders and kernels run without Python's lock.
    """

    def work(name: str, source: str) -> dict[str, Any] | None:
        return None if stopped.is_set() else extract(source, out, name, settings)

    pool = ThreadPoolExecutor(jobs)
    try:
        for task in as_completed([pool.submit(work, name, source) for name, source in todo.items()]):
            entry = task.result()
            if entry is not None:
                yield entry
    finally:
        pool.shutdown(cancel_futures=True)


def _name(source: str) -> str:
    return "standard input" if source == STANDARD else source


def _reason(entry: dict[str, Any]) -> str:
    word = "failed" if entry["status"] == "failed" else "incomplete"
    return f"{word}: {printable(_name(entry['source']))}: {entry['reason']}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
