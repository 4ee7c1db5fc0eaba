"""Every public function, with every wrong kind of value for each argument: the documented error, and no harm."""

import inspect
import os
import re
import types
import warnings

import numpy as np
import pytest

import mfcc
from mfcc import HTK, MFCC, dct, fft, framing, mel, presets, windows
from mfcc.checks import shown

Y = np.sin(0.1 * np.arange(9000)).astype(np.float32)
RECIPE = MFCC(sr=8000, n_fft=256, hop_length=128, n_mels=12, n_mfcc=8, c0="first")
C = RECIPE(Y)
RNG = np.random.default_rng
SPECTROGRAM = mfcc.spectrogram(Y, 8000, n_fft=512)
RECORDING = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "data", "return_to_home.ogg")

# The positional arguments of a call that is right, and what can be added.
CALLS = {
    "blocks": (lambda **given: list(mfcc.blocks(**given)), {"path": RECORDING, "duration": 0.5}),
    "load": (mfcc.load, {"path": RECORDING, "duration": 0.5}),
    "features": (mfcc.features, {"source": Y, "recipe": RECIPE}),
    "stream": (lambda **given: list(mfcc.stream(**given)), {"source": Y, "recipe": RECIPE}),
    "tiles": (mfcc.tiles, {"source": Y, "recipe": RECIPE, "n_frames": 5}),
    "deltas": (mfcc.deltas, {"features": C}),
    "normalize_stream": (lambda **given: list(mfcc.normalize_stream(**given)), {"blocks": [C]}),
    "normalize": (mfcc.normalize, {"features": C}),
    "frame": (mfcc.frame, {"y": Y, "frame_length": 200, "hop_length": 100}),
    "n_frames": (mfcc.n_frames, {"n_samples": 1000, "frame_length": 200, "hop_length": 100}),
    "get_window": (mfcc.get_window, {"name": "hann", "length": 9}),
    "hz_to_mel": (mfcc.hz_to_mel, {"f": 100.0}),
    "mel_to_hz": (mfcc.mel_to_hz, {"m": 100.0}),
    "mel_filterbank": (mfcc.mel_filterbank, {"sr": 8000, "n_fft": 256, "n_mels": 12}),
    "griffin_lim": (mfcc.griffin_lim, {"spectrum": np.ones((129, 4)), "recipe": RECIPE, "rng": RNG(0), "n_iter": 1}),
    "resynthesize": (mfcc.resynthesize, {"features": C[:, :4], "recipe": RECIPE, "rng": RNG(0)}),
    "to_log_mel": (mfcc.to_log_mel, {"coefficients": C, "recipe": RECIPE}),
    "to_mel": (mfcc.to_mel, {"log_mel": RECIPE.log_mel(Y), "recipe": RECIPE}),
    "to_spectrum": (mfcc.to_spectrum, {"mel": np.ones((12, 3)), "recipe": RECIPE, "n_iter": 2}),
    "fft": (fft.fft, {"x": Y[:64]}),
    "ifft": (fft.ifft, {"x": Y[:64]}),
    "rfft": (fft.rfft, {"x": Y[:64]}),
    "irfft": (fft.irfft, {"x": fft.rfft(Y[:64])}),
    "next_good_length": (fft.next_good_length, {"n": 17}),
    "is_good_length": (fft.is_good_length, {"n": 17}),
    "dct": (dct.dct, {"x": Y[:30]}),
    "idct": (dct.idct, {"x": Y[:30]}),
    "dct_matrix": (dct.dct_matrix, {"n_out": 4, "n_in": 8}),
    "Spectrogram": (mfcc.Spectrogram, {"frames": np.ones((3, 257)), "sr": 8000, "n_fft": 512, "hop_length": 128}),
    "spectrogram": (mfcc.spectrogram, {"y": Y, "sr": 8000}),
    "rms": (mfcc.rms, {"y": Y}),
    "zero_crossing_rate": (mfcc.zero_crossing_rate, {"y": Y}),
    "chroma": (mfcc.chroma, {"spectrogram": SPECTROGRAM}),
    "estimate_tuning": (mfcc.estimate_tuning, {"spectrogram": SPECTROGRAM}),
    "key": (mfcc.key, {"spectrogram": SPECTROGRAM}),
    "onset_strength": (mfcc.onset_strength, {"spectrogram": SPECTROGRAM}),
    "tempo": (mfcc.tempo, {"spectrogram": SPECTROGRAM}),
    "spectral_bandwidth": (mfcc.spectral_bandwidth, {"spectrogram": SPECTROGRAM}),
    "spectral_centroid": (mfcc.spectral_centroid, {"spectrogram": SPECTROGRAM}),
    "spectral_contrast": (mfcc.spectral_contrast, {"spectrogram": SPECTROGRAM, "n_bands": 3}),
    "spectral_flatness": (mfcc.spectral_flatness, {"spectrogram": SPECTROGRAM}),
    "spectral_rolloff": (mfcc.spectral_rolloff, {"spectrogram": SPECTROGRAM}),
    "MFCC": (MFCC, {}),
    "HCopy": (mfcc.HCopy, {"recipe": HTK}),
}
# Classes that are made by others, and errors.
NOT_CALLED = {"AudioError", "AudioWarning", "Tiles", "Key"}

WRONG = [
    None, True, 0, -1, 3, 10**400, 10**5000,
    0.5, 0.0, -0.5, float("nan"), float("inf"), 1j, "", "orthonormal", "1", b"x",
    b"RIFF\0\0" + 5000 * b"\1", [], [1], {}, (), {"a": 1}, object(), int, "int", np.int64, np.array("a"), np.zeros(()),
    np.zeros(0), np.zeros((2, 2, 2)), np.array(["a", "b"]), np.array([None]), np.array([1j]), np.zeros(3, bool),
    np.array([np.nan]), [[1], [1, 2]], len,
    np.datetime64("2020-01-01"), np.zeros(2, "M8[s]"), np.zeros(2, [("a", int)]),
]  # fmt: skip


def test_every_public_function_is_here():
    public = {name: getattr(mfcc, name) for name in mfcc.__all__}
    named = {name for name, value in public.items() if callable(value) and not isinstance(value, MFCC)}
    for module in (fft, dct, framing, mel, windows, presets):
        listed = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if isinstance(value, types.FunctionType) and value.__module__ == module.__name__ and name[0] != "_"
        ]
        named |= {name for name in listed if isinstance(getattr(module, name), types.FunctionType)}
    internal = {"samples_between", "first_start", "shortest_signal", "filter_weights"}
    internal |= {"warn_of_empty_filters"}
    assert named - internal - NOT_CALLED == set(CALLS)


def arguments_of(name):
    function = getattr(mfcc, name, None)
    for module in (fft, dct):
        if not isinstance(function, (types.FunctionType, type)):
            function = getattr(module, name, None)
    return [each for each in inspect.signature(function).parameters if each != "self"]


@pytest.mark.parametrize("name", CALLS)
def test_wrong_values(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, right = CALLS[name]
    function(**right)
    failed = []
    for argument in arguments_of(name):
        for wrong in WRONG:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    warnings.filterwarnings("ignore", message=".*mel filters are empty")
                    function(**(right | {argument: wrong}))
            except mfcc.AudioError as error:
                if argument not in ("path", "source") or len(str(error)) > 1000:
                    failed.append(f"{argument}={shown(wrong):.40}: {type(error).__name__}: {error!s:.100}")
            except (ValueError, TypeError) as error:
                if not re.match(rf"({name}|MFCC|HCopy)[.:]", str(error)):
                    failed.append(f"{argument}={shown(wrong):.40}: {type(error).__name__}: {error!s:.100}")
                elif len(str(error)) > 1000:
                    failed.append(f"{argument}={shown(wrong):.40}: an error of {len(str(error))} characters")
            except Exception as error:
                failed.append(f"{argument}={shown(wrong):.40}: {type(error).__name__}: {error!s:.100}")
    assert not failed, f"{len(failed)}:\n" + "\n".join(failed)
    assert not list(tmp_path.iterdir())
    for descriptor in range(3):
        os.fstat(descriptor)
