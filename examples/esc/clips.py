"""The 400 clips of ESC-10: samples, classes, folds, and the recording that each was cut from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mfcc

SECONDS = 5
FOLDS = (1, 2, 3, 4, 5)
N_CLIPS = 400
BRING = "git clone https://github.com/karolpiczak/ESC-10 && git -C ESC-10 checkout 553c8f1"
FOLDER = re.compile(r"\d{3} - (?P<name>.+)")
FILE = re.compile(r"(?P<fold>[1-5])-(?P<source>\d+)-[A-Z]\.ogg")


@dataclass(frozen=True)
class Clips:
    """The clips, in the order of classes and file names.

    Attributes
    ----------
    samples : ndarray (400, 5 * sr), float32
        Each clip cut or filled with zeros to five seconds, as Piczak does.
    labels : ndarray (400,)
        Positions in `class_names`.
    folds : ndarray (400,)
        Official fold of each clip, 1 to 5. Clips of one recording are in one fold.
    sources : ndarray (400,)
        Number of the recording at freesound.org.
    class_names : list of str
    sr : int
    """

    samples: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    sources: np.ndarray
    class_names: list[str]
    sr: int


def load_clips(folder: Path, sr: int) -> Clips:
    """Read all clips of a checkout at a rate.

    Raises
    ------
    FileNotFoundError
        If the folder is not a checkout of ESC-10; the message says how to get one.
    ValueError
        If clips are missing, or a fold has not eight clips of each class.
    mfcc.AudioError
        If a clip can't be read.
    """
    paths = sorted(path for path in folder.glob("*/*.ogg") if FOLDER.fullmatch(path.parent.name))
    if not paths:
        raise FileNotFoundError(f"load_clips: expected a checkout of ESC-10 at {folder}, found no clips. Run: {BRING}")
    class_names = sorted({path.parent.name for path in paths})
    matches = [FILE.fullmatch(path.name) for path in paths]
    for path, match in zip(paths, matches, strict=True):
        if match is None:
            raise ValueError(f"load_clips: {path}: expected a name such as 1-100032-A.ogg. Run: {BRING}")
    labels = np.array([class_names.index(path.parent.name) for path in paths])
    folds = np.array([int(match["fold"]) for match in matches if match])
    counts = np.array([[np.sum((labels == k) & (folds == fold)) for fold in FOLDS] for k in range(len(class_names))])
    if len(paths) != N_CLIPS or len(class_names) != 10 or (counts != 8).any():
        raise ValueError(
            f"load_clips: expected {N_CLIPS} clips of 10 classes in {folder}, 8 of each in each fold, got {len(paths)} "
            f"of {len(class_names)}. Run: {BRING}"
        )
    samples = np.zeros((len(paths), SECONDS * sr), np.float32)
    for row, path in zip(samples, paths, strict=True):
        y, _ = mfcc.load(path, sr=sr)
        row[: len(y)] = y[: len(row)]
    sources = np.array([match["source"] for match in matches if match])
    return Clips(samples, labels, folds, sources, [FOLDER.fullmatch(name)["name"] for name in class_names], sr)  # type: ignore[index]
