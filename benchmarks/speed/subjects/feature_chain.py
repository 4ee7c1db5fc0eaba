"""Whole MFCCs: against the Fourier transform that they contain, and against packages with their own settings."""

from __future__ import annotations

import numpy as np

from speed import signals
from speed.case import OURS, REFERENCE, Case, Contender, Options, Subject, Task

MFCC = Contender("mfcc", "speed.peers.feature_packages:ours", OURS)


def prepare(task: Task) -> None:
    """Save the samples, for the speech packages in 16 bits, and as frames for those who only transform."""
    sr, seconds = task.settings["sr"], task.settings["seconds"]
    y = signals.music(sr * seconds, sr)
    if task.settings.get("bits") == 16:
        task.save(y=np.round(20000 * y).astype(np.int16))
    else:
        task.save(y=y, frames=y[: len(y) // 2048 * 2048].reshape(-1, 2048))


def cases(options: Options) -> list[Case]:
    """The published recipe, and those of three packages."""
    seconds = 3 if options.quick else 600
    length = f"of {seconds} s"
    music = {"sr": 22050, "seconds": seconds}
    speech = {"sr": 16000, "seconds": seconds, "bits": 16}
    psf = Contender(
        "python_speech_features",
        "speed.peers.feature_packages:python_speech_features",
        needs=("python_speech_features",),
    )
    return [
        Case(
            "published",
            f"MFCC {length}, published recipe, against an FFT alone",
            (
                Contender("NumPy", "speed.peers.feature_packages:reference", REFERENCE),
                MFCC,
                Contender("FFTW's FFT alone", "speed.peers.ffts:fftw", needs=("pyfftw",)),
            ),
            prepare,
            settings={**music, "recipe": "published"},
            at_least=1.0,
            aim=1.5,
        ),
        Case(
            "librosa",
            f"MFCC {length}, librosa's settings",
            (MFCC, Contender("librosa", "speed.peers.feature_packages:librosa", needs=("librosa",))),
            prepare,
            settings={**music, "recipe": "librosa"},
            at_least=15.0,
            aim=30.0,
        ),
        Case(
            "python_speech_features",
            f"MFCC {length}, python_speech_features' settings",
            (MFCC, psf),
            prepare,
            settings={**speech, "recipe": "python_speech_features"},
        ),
        Case(
            "kaldi",
            f"MFCC {length}, Kaldi's settings",
            (
                MFCC,
                Contender("kaldi-native-fbank", "speed.peers.feature_packages:kaldi", needs=("kaldi_native_fbank",)),
            ),
            prepare,
            settings={**speech, "recipe": "kaldi"},
        ),
    ]


SUBJECT = Subject("mfcc", "Coefficients from samples", cases)
