"""Whole chains from samples to coefficients, each with the settings of one package."""

from __future__ import annotations

import functools

import numpy as np

import mfcc
from speed.case import Modes, Ready, Task

RECIPES = {
    "published": mfcc.FILMSCORE,
    "librosa": mfcc.LIBROSA,
    "python_speech_features": mfcc.PYTHON_SPEECH_FEATURES,
    "kaldi": mfcc.KALDI,
}


def ours(task: Task) -> Modes:
    """This project's recipe for the settings of the case."""

    def make() -> Ready:
        recipe, y = RECIPES[task.settings["recipe"]], task.arrays()["y"]
        compute = functools.partial(recipe, y, threads=task.threads)
        return Ready(compute, lambda: {"coefficients": compute()})

    return {"": make}


def reference(task: Task) -> Modes:
    """The published recipe as its formulas say, in float64; and the frames' transform, for those who do it alone."""

    def make() -> Ready:
        from scipy import fft

        from speed.peers.ffts import N_CHECKED

        def result() -> dict[str, np.ndarray]:
            recipe = mfcc.FILMSCORE
            frames = task.arrays()["frames"].astype(np.float64)
            window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(recipe.n_fft) / recipe.n_fft)
            power = np.abs(np.fft.rfft(frames * window)) ** 2
            logarithm = np.log(np.maximum(power @ recipe.filter_bank.T, recipe.log_floor))
            coefficients = fft.dct(logarithm, norm="ortho")[:, 1 : recipe.n_mfcc].T
            return {"coefficients": coefficients, "frequencies": np.fft.rfft(frames[:N_CHECKED])}

        return Ready(lambda: None, result, slow=True)

    return {"float64": make}


def librosa(task: Task) -> Modes:
    """librosa with its defaults, and with threads for its Fourier transform, which is SciPy's."""
    import librosa
    from scipy import fft

    def make(threads: int) -> Ready:
        y = task.arrays()["y"]

        def compute() -> np.ndarray:
            with fft.set_workers(threads):
                return librosa.feature.mfcc(y=y, sr=22050)

        return Ready(compute, lambda: {"coefficients": compute()})

    return {"": lambda: make(1), "with workers": lambda: make(task.threads)}


def python_speech_features(task: Task) -> Modes:
    """python_speech_features with its defaults."""
    import python_speech_features

    def make() -> Ready:
        y = task.arrays()["y"]
        compute = functools.partial(python_speech_features.mfcc, y, 16000)
        return Ready(compute, lambda: {"coefficients": compute().T})

    return {"": make}


def kaldi(task: Task) -> Modes:
    """kaldi-native-fbank without dither."""
    import kaldi_native_fbank

    def make() -> Ready:
        y = task.arrays()["y"].astype(np.float32)
        options = kaldi_native_fbank.MfccOptions()
        options.frame_opts.dither = 0

        def compute() -> np.ndarray:
            extractor = kaldi_native_fbank.OnlineMfcc(options)
            extractor.accept_waveform(16000, y)
            extractor.input_finished()
            return np.array([extractor.get_frame(index) for index in range(extractor.num_frames_ready)])

        return Ready(compute, lambda: {"coefficients": compute().T})

    return {"": make}
