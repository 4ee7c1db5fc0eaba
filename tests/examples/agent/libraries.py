"""Libraries and recordings made up for the tests of the agent."""

import atexit
import dataclasses
import functools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile

import nnlite as nn
from filmscore.agent.analyse import Analysis, ScannedFile
from filmscore.agent.walk import Stamp, stamp_of
from filmscore.agent.writing import Writer, create
from filmscore.tagging import about_model
from tests.examples.made_up import NAMES, made_up_features

WINDOW_S = 100 * 2048 / 22050
SR = 22050
NOWHERE = Stamp(1, 2, 3)
"""Of files that are not there."""


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def network(n_outputs):
    return nn.Sequential([nn.Flatten(), nn.Dense(6), nn.Tanh(), nn.Dense(n_outputs)], input_shape=(40, 7, 1))


def model_file(seed: int = 0) -> Path:
    """Return the file of a small ensemble for four genres."""
    return _model_file(seed)


@functools.cache
def _model_file(seed: int) -> Path:
    features = dataclasses.replace(made_up_features(), description={"options": {}})
    x = np.random.default_rng(seed).standard_normal((len(features.tiles), 40, 7, 1)).astype(np.float32)
    member = nn.NetworkClassifier(network(1), max_epochs=2, validation_fraction=0)
    model = nn.BaggedEnsemble(member, random_state=seed).fit(x, features.labels)
    path = _folder() / f"model{seed}.npz"
    nn.save(path, model, **about_model(features, "modulation"))
    return path


@functools.cache
def single_model_file() -> Path:
    """Return the file of a single network with a softmax, as filmscore_cnn.py makes it, for louder recordings."""
    features = dataclasses.replace(made_up_features(), description={"options": {"loudness_dbfs": -17.0}})
    x = np.random.default_rng(0).standard_normal((len(features.tiles), 40, 7, 1)).astype(np.float32)
    loss = nn.SoftmaxCrossEntropy()
    model = nn.NetworkClassifier(network(4), loss=loss, max_epochs=2, validation_fraction=0, random_state=0)
    path = _folder() / "single.npz"
    nn.save(path, model.fit(x, features.labels.astype(np.float32)), **about_model(features, "modulation"))
    return path


@functools.cache
def _template() -> Path:
    folder = _folder() / "template"
    folder.mkdir()
    create(folder, model_file())
    return folder


def empty_library(folder: Path) -> Path:
    """Make a library without tracks, for the small ensemble."""
    shutil.copytree(_template(), folder)
    return folder


def made_up_analysis(rng, n_windows=6, width=24, album="", duration_s=None):
    """Return an analysis of noise."""
    duration_s = n_windows * WINDOW_S + 3.0 if duration_s is None else duration_s
    values = rng.random((n_windows, len(NAMES))).astype(np.float32)
    projected = rng.standard_normal((n_windows, width)).astype(np.float32)
    start_s = (np.arange(n_windows) * WINDOW_S).astype(np.float32)
    return Analysis(duration_s, start_s, values, projected, 0, album=album)


def add_tracks(folder: Path, analyses) -> None:
    """Put analyses into a library: path -> analysis."""
    with Writer(folder) as writer:
        writer.store(
            [
                ScannedFile(
                    path, stamp_of(path) if Path(path).exists() else NOWHERE, number.to_bytes(32, "big"), analysis
                )
                for number, (path, analysis) in enumerate(analyses.items(), 1 + writer.count())
            ]
        )
        writer.finish([])


def made_up_library(folder: Path, n_tracks=30, n_albums=6, seed=0) -> dict[str, Analysis]:
    """Make a library of noise, with six albums in folders of their own; return its analyses by path."""
    rng = np.random.default_rng(seed)
    analyses = {
        f"/music/album {i % n_albums}/track {i:02}.ogg": made_up_analysis(rng, int(rng.integers(1, 9)))
        for i in range(n_tracks)
    }
    empty_library(folder)
    add_tracks(folder, analyses)
    return analyses


def write_noise(path: Path, seed: int, seconds: float = 20.0, **options) -> None:
    """Write a recording of noise that gets louder and softer."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * SR)) / SR
    y = 0.1 * rng.standard_normal(len(t)) * (1.5 + np.sin(2 * np.pi * (0.3 + seed % 7) * t))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(os.fsencode(path), y.clip(-1, 1), SR, **({"format": "FLAC"} | options))
