"""A folder of recordings over processes: extracted as examples/build_features.py does it, or only decoded."""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import mfcc
from filmscore import pool
from filmscore.corpus import Track
from filmscore.extract import Job, Result, Settings, extract, part_path
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

        def run() -> list[Result]:
            settings = Settings(mfcc.FILMSCORE)
            jobs = [
                Job(track, folder, part_path(out, track), settings)
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


def _failed(job: Job, error: str) -> Result:
    return Result(job.track.id, error=error)
