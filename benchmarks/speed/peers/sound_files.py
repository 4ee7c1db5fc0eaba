"""Recordings over processes: extracted as examples/build_features.py does it, scanned by the agent, or only decoded."""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import mfcc
from filmscore.agent.library import Library
from filmscore.agent.scan import SHIPPED, scan
from filmscore.agent.writing import create
from filmscore.corpus import Track
from filmscore.features import pool
from filmscore.features.extract import TrackJob, TrackResult, extract, part_path
from filmscore.recording import Settings
from mfcc.audio import blocks
from speed.case import Modes, Ready, Task

LIST = "recordings.csv"


def extraction(task: Task) -> Modes:
    """Decode, resample, normalise loudness, compute coefficients, cut tiles, store them."""

    def make() -> Ready:
        tracks = [Track(path.name, (path.name,), "", "", ()) for path in recordings(task)]
        folders = [path.parent for path in recordings(task)]
        executor, numbers, parts = _processes(task), itertools.count(), task.folder / "parts"
        out = parts

        def before() -> None:
            nonlocal out
            shutil.rmtree(out, ignore_errors=True)
            out = parts / str(next(numbers))  # what is there already would not be done again

        def run() -> list[TrackResult]:
            settings = Settings(mfcc.FILMSCORE)
            jobs = [
                TrackJob(track, folder, part_path(out, track), settings)
                for track, folder in zip(tracks, folders, strict=True)
            ]
            results = {result.track: result for result in pool.run(extract, jobs, task.threads, _failed, executor)}
            if errors := [result.error for result in results.values() if result.error]:
                raise RuntimeError(errors[0])
            return [results[track.id] for track in tracks]

        def result() -> dict[str, np.ndarray]:
            before()
            return {"seconds": np.array([result.seconds for result in run()])}

        return Ready(run, result, before, slow=not task.quick)

    return {"": make}


def scanning(task: Task) -> Modes:
    """Decode, resample, normalise loudness, cut tiles, ask the shipped model, and store what it says in a library."""

    def make() -> Ready:
        os.environ["NNLITE_NUM_THREADS"] = "1"  # as many recordings at a time as there are processes
        folder = task.folder / "recordings"
        folder.mkdir()
        links = [folder / f"{k:06d}-{path.name}" for k, path in enumerate(recordings(task))]  # read in this order
        for link, path in zip(links, recordings(task), strict=True):
            link.symlink_to(path)
        executor, numbers, libraries = _processes(task), itertools.count(), task.folder / "libraries"
        library = libraries

        def before() -> None:
            nonlocal library
            shutil.rmtree(libraries, ignore_errors=True)
            library = libraries / str(next(numbers))
            library.mkdir(parents=True)
            create(library, SHIPPED)  # a second, whatever is scanned into it

        def run() -> None:
            report = scan(library, [str(folder)], workers=executor)
            if report.new != len(links):
                raise RuntimeError(f"{report.new} of {len(links)} recordings were scanned: {report.problems[:1]}")

        def result() -> dict[str, np.ndarray]:
            before()
            run()
            with Library.open(library) as stored:
                numbers = [stored.with_path(str(link)) for link in links]
                return {"seconds": np.array([stored.track(number).duration_s for number in numbers])}

        return Ready(run, result, before, slow=not task.quick)

    return {"": make}


def decoding(task: Task) -> Modes:
    """Decode and resample, and keep nothing."""

    def make() -> Ready:
        paths, executor = recordings(task), _processes(task)

        def run() -> list[float]:
            return list(executor.map(decoded_seconds, paths))

        return Ready(run, lambda: {"seconds": np.array(run())}, slow=not task.quick)

    return {"": make}


def decoded_seconds(path: Path) -> float:
    """Length [s] of a recording, found by decoding and resampling all of it."""
    sr = mfcc.FILMSCORE.sr
    return sum(len(block) for block in blocks(path, sr)) / sr


def recordings(task: Task) -> list[Path]:
    """The recordings of a task, the long ones first."""
    with open(task.folder / LIST, newline="", encoding="utf-8") as file:
        return [Path(row[0]) for row in csv.reader(file)]


def _processes(task: Task) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(task.threads, mp_context=multiprocessing.get_context("spawn"))


def _failed(job: TrackJob, error: str) -> TrackResult:
    return TrackResult(job.track.id, error=error)
