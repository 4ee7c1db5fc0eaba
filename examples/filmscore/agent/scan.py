"""Scan folders into a library: only new and changed files are read, and nothing is removed."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filmscore.agent import schema
from filmscore.agent.analyse import READER, FileJob, ScannedFile, analyse, get_ready
from filmscore.agent.library import MODEL
from filmscore.agent.lock import locked
from filmscore.agent.schema import LibraryError
from filmscore.agent.walk import Found, find_files, is_gone
from filmscore.agent.writing import Writer, check_place, create
from filmscore.files import sha256
from filmscore.recording import LONGEST_S
from filmscore.shipped import FOLDER
from filmscore.shipped import MODEL as SHIPPED
from filmscore.tagging import Tagger
from nnlite.model_selection.execution import Workers, run_jobs

BATCH, BATCH_S = 64, 1.0
"""Results are committed after so many files or seconds. A process that is killed loses no more than these."""
CHUNK = 2000
"""Files that are handed to workers at a time, since waiting jobs take memory."""


@dataclass
class ScanReport:
    """The counts of a scan.

    Attributes
    ----------
    files : int
        Files below the folders.
    new, changed, moved, copies, others, unchanged, missing : int
        Files with a content that the library did not have (`changed`: under a known path); files with a known content
        whose earlier file is gone (`moved`) or is still there (`copies`); files that are no audio; unchanged files;
        files that are gone.
    problems : list of (path, reason)
        Problems of this scan. Unchanged files with an earlier problem are in `standing`.
    standing, mended : int
        Files that still have their problem, and files that no longer have it.
    unread : dict
        Folder to the reason it could not be listed.
    todo_bytes, done_bytes : int
        Sizes of the files that must be read, and of those that were.
    audio_s, seconds : float
        Duration of the recordings that were analysed, and of the scan.
    """

    files: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    copies: int = 0
    others: int = 0
    unchanged: int = 0
    missing: int = 0
    standing: int = 0
    mended: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    todo_bytes: int = 0
    done_bytes: int = 0
    audio_s: float = 0.0
    seconds: float = 0.0


ScanProgress = Callable[[int, int, ScanReport], None]
"""A function that is called with the number of files done, the number to do, and the report so far."""


def scan(
    library: Path,
    folders: Sequence[str],
    *,
    model: Path | None = None,
    workers: Workers | None = None,
    retry: bool = False,
    wait: bool = True,
    longest_s: float = LONGEST_S,
    say: Callable[[str], None] = lambda message: None,
    progress: ScanProgress = lambda done, total, report: None,
) -> ScanReport:
    """Bring a library up to date with folders, and make it if there is none.

    A scan may be stopped or killed at any moment: committed results stay, and the next scan continues.

    Parameters
    ----------
    library : Path
    folders : sequence of str
    model : Path, optional
        Model of a new library; the shipped one by default. A library keeps its model: values of two can't be compared.
    workers : executor or callable, optional
        See `nnlite.model_selection.execution`. By default files are analysed in this process, one after the other.
    retry : bool
        Whether to read files again that were no audio, or broken, though they have not changed.
    wait : bool
        Whether to wait for another scan of this library; if not, a LibraryError is raised.
    longest_s : float
        Longest recording that is read [s].
    say, progress : callable

    Raises
    ------
    LibraryError
        When a folder is not there, the library is of another model or version or can't be written, or the disk is full.
    nnlite.FileFormatError
        When the model is none for tagging.
    RuntimeError
        When the executor breaks.
    """
    began = time.perf_counter()
    for folder in folders:
        if not os.path.isdir(folder) and not (library / schema.FILE).exists():
            raise _no_folder(folder)
    report = ScanReport()
    if not (library / schema.FILE).exists():  # what is refused leaves nothing behind
        check_place(library)
        Tagger.load(model or SHIPPED)
    try:
        library.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(f"{library}: can't be made: {error.strerror}.") from error
    with locked(library, say, wait=wait):
        if not (library / schema.FILE).exists():
            say(f"making the library {library} for the model {(model or SHIPPED).name}")
            _create(library, model or SHIPPED)
        with Writer(library) as writer:
            _check_model(writer, model)
            for folder in map(os.path.abspath, folders):
                if not os.path.isdir(folder) and not writer.knows(folder):
                    raise _no_folder(folder)
            todo = []
            for folder in map(os.path.abspath, folders):
                say(f"looking through {folder}")
                todo += _look(writer, folder, library, retry, report)
            here, identity = os.path.abspath(library), writer.about["id"]
            sizes = {path: size for path, size in todo}
            report.todo_bytes = sum(sizes.values())
            jobs = [FileJob(key_of(path), path, here, identity, longest_s) for path in sizes]
            _work(writer, jobs, sizes, workers, report, progress)
            writer.finish(folder for folder in map(os.path.abspath, folders) if folder not in report.unread)
    report.seconds = time.perf_counter() - began
    return report


def _no_folder(folder: str) -> LibraryError:
    return LibraryError(f"{folder}: expected a folder of recordings, found none. What is in the library stays.")


def _create(library: Path, model: Path) -> None:
    try:
        create(library, model)
    except OSError as error:
        raise LibraryError(f"{error.filename or library}: {error.strerror}. There is no library yet.") from error


def _check_model(writer: Writer, model: Path | None) -> None:
    """Raise LibraryError unless the library's model is unchanged, and is the one that is asked for."""
    own = writer.folder / MODEL
    expected, name = writer.about["model"], writer.about["model_name"]
    try:
        if sha256(own) != expected:
            raise LibraryError(f"{own}: expected the model that the library was made with ({name}), got another.")
        if model is not None and sha256(model) != expected:
            raise LibraryError(
                f"{writer.folder}: was made with another model ({name}): {_difference(own, model)}. The values of two "
                "models can't be compared. Leave --model out, or scan into a new library: --library OTHER. "
                "correct --from-library takes your labels over."
            )
    except OSError as error:
        raise LibraryError(f"{error.filename}: {error.strerror}.") from error


def _difference(own: Path, model: Path) -> str:
    """Say how the tagger in a model's file differs from that of the library."""
    here, other = Tagger.load(own), Tagger.load(model)
    if other.class_names != here.class_names:
        return f"{model} has other genres ({', '.join(other.class_names)})"
    knobs, others = _knobs(here), _knobs(other)
    changed = ", ".join(key for key in knobs if knobs[key] != others[key])
    return f"with {model} recordings become other tiles ({changed})" if changed else f"{model} has other weights"


def _knobs(tagger: Tagger) -> dict[str, Any]:
    settings = tagger.settings.to_dict()
    return settings | settings.pop("recipe") | {"inputs": tagger.inputs}


def _look(writer: Writer, folder: str, library: Path, retry: bool, report: ScanReport) -> list[tuple[str, int]]:
    """Compare a folder with what is known, and return the files that must be read, with their sizes."""
    try:
        # A known folder that was moved or deleted has no files any more; where they are now, other scans find out.
        found = Found() if is_gone(folder) else find_files(folder, {os.path.abspath(library)})
    except OSError as error:
        report.unread[folder] = error.strerror or "can't be listed"
        return []
    known = writer.known(folder)
    report.files += len(found.files)
    report.unread |= found.unread
    unread = tuple(os.path.join(path, "") for path in found.unread)
    todo, present = [], []
    for path, stamp in found.files.items():
        before = known.get(path)
        if before is None or before.stamp != stamp or (before.useless and (retry or before.reader != READER)):
            todo.append((path, stamp.size))
            continue
        if before.missing:
            present.append(path)
        report.unchanged += not before.useless
        report.others += before.problem is None and before.useless
        report.standing += before.problem is not None
    gone = [path for path in known if path not in found.files and not (unread and path.startswith(unread))]
    report.missing += len(gone)
    writer.mark(missing=[path for path in gone if not known[path].missing], present=present)
    return todo


def _work(
    writer: Writer,
    jobs: Sequence[FileJob],
    sizes: Mapping[str, int],
    workers: Workers | None,
    report: ScanReport,
    progress: ScanProgress,
) -> None:
    """Analyse files, and commit results after every `BATCH` files or `BATCH_S` seconds."""
    if jobs and isinstance(workers, Executor):
        _check_workers(workers, jobs[0])
    waiting: list[ScannedFile] = []
    committed, done = time.monotonic(), 0
    progress(0, len(jobs), report)
    try:
        for outcome in _outcomes(jobs, workers):
            if outcome.fatal:
                raise LibraryError(
                    f"{outcome.problem}. The library's model can't be used; what was stored before is whole."
                )
            waiting.append(outcome)
            done += 1
            report.done_bytes += sizes[outcome.path]
            if len(waiting) >= BATCH or time.monotonic() - committed >= BATCH_S:
                batch, waiting = waiting, []
                _commit(writer, batch, report)
                committed = time.monotonic()
            progress(done, len(jobs), report)
    except BaseException:
        batch, waiting = waiting, []
        _commit(writer, batch, report)  # Ctrl-C, or workers that are lost: finished results are kept
        raise
    _commit(writer, waiting, report)
    progress(done, len(jobs), report)


def _check_workers(executor: Executor, job: FileJob) -> None:
    """Raise RuntimeError if workers can't load the model: otherwise every file would be reported as a problem."""
    try:
        executor.submit(get_ready, job, uuid.uuid4().hex).result()
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise RuntimeError(
            f"--executor: a worker could not load the library's model ({reason}). Scheduler and workers need "
            f"the same installation, or PYTHONPATH={FOLDER}, and the same folders under the same names."
        ) from error


def _outcomes(jobs: Sequence[FileJob], workers: Workers | None) -> Iterator[ScannedFile]:
    for first in range(0, len(jobs), CHUNK):
        try:
            yield from run_jobs("scan", analyse, jobs[first : first + CHUNK], workers, _lost)
        except RuntimeError as error:
            raise RuntimeError(
                f"the processes that analyse recordings end before they have begun ({error.__cause__}): memory may be "
                "short. What was stored is whole; run the same command again, with a smaller --processes."
            ) from error


def _lost(job: FileJob, error: str) -> ScannedFile:
    return ScannedFile(job.path, problem=f"its worker did not come back: {error}"[:500], readable=False)


def _commit(writer: Writer, outcomes: Sequence[ScannedFile], report: ScanReport) -> None:
    if not outcomes:
        return
    before = {outcome.path: writer.known_file(outcome.path) for outcome in outcomes}
    new = writer.store(outcomes)
    gone: dict[str, list[str]] = {}  # file -> earlier files of its content that are not where they were
    for outcome, is_new in zip(outcomes, new, strict=True):
        if outcome.hash and not is_new and not outcome.problem:
            gone[outcome.path] = writer.others_gone(outcome.hash, outcome.path)
    writer.mark(missing=[path for paths in gone.values() for path in paths])
    for outcome, is_new in zip(outcomes, new, strict=True):
        earlier = before[outcome.path]
        if outcome.problem:
            report.problems.append((outcome.path, outcome.problem))
            continue
        report.mended += earlier is not None and earlier.problem is not None
        if not outcome.hash:
            report.others += 1
        elif is_new:
            assert outcome.analysis is not None
            report.audio_s += outcome.analysis.duration_s
            report.new += earlier is None or earlier.track is None
            report.changed += earlier is not None and earlier.track is not None
        elif earlier is not None and earlier.track is not None:
            report.unchanged += 1  # new times, same content
        elif writer.was_elsewhere(outcome.hash):
            report.moved += 1
        else:
            report.copies += 1


def key_of(path: str) -> str:
    """Return a name for the job of a file."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
