"""Mel-frequency cepstral coefficients and the steps towards them, each usable alone.

>>> import mfcc
>>> mfcc.MFCC().sr
22050.0
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

_HOME = {
    "MFCC": "recipe",
    "HCopy": "hcopy",
    "get_window": "windows",
    "frame": "framing",
    "n_frames": "framing",
    "hz_to_mel": "mel",
    "mel_to_hz": "mel",
    "mel_filterbank": "mel",
    "load": "audio",
    "blocks": "audio",
    "stream": "recordings",
    "AudioError": "audio",
    "AudioWarning": "audio",
    "deltas": "deltas",
    "normalize": "deltas",
    "griffin_lim": "griffin_lim",
    "resynthesize": "inverse",
    "to_log_mel": "inverse",
    "to_mel": "inverse",
    "to_spectrum": "inverse",
    "tiles": "tiles",
    "Tiles": "tiles",
    "FILMSCORE": "presets",
    "HTK": "presets",
    "KALDI": "presets",
    "LIBROSA": "presets",
    "PYTHON_SPEECH_FEATURES": "presets",
    "TORCHAUDIO": "presets",
    "PRESETS": "presets",
}
_MODULES = ("audio", "dct", "fft", "framing", "mel", "presets", "recipe", "windows")

__all__ = [*_HOME, *_MODULES]

if TYPE_CHECKING:  # what type checkers read instead
    from mfcc import audio as audio
    from mfcc import dct as dct
    from mfcc import fft as fft
    from mfcc import framing as framing
    from mfcc import mel as mel
    from mfcc import presets as presets
    from mfcc import recipe as recipe
    from mfcc import windows as windows
    from mfcc.audio import AudioError as AudioError
    from mfcc.audio import AudioWarning as AudioWarning
    from mfcc.audio import blocks as blocks
    from mfcc.audio import load as load
    from mfcc.deltas import deltas as deltas
    from mfcc.deltas import normalize as normalize
    from mfcc.framing import frame as frame
    from mfcc.framing import n_frames as n_frames
    from mfcc.griffin_lim import griffin_lim as griffin_lim
    from mfcc.hcopy import HCopy as HCopy
    from mfcc.inverse import resynthesize as resynthesize
    from mfcc.inverse import to_log_mel as to_log_mel
    from mfcc.inverse import to_mel as to_mel
    from mfcc.inverse import to_spectrum as to_spectrum
    from mfcc.mel import hz_to_mel as hz_to_mel
    from mfcc.mel import mel_filterbank as mel_filterbank
    from mfcc.mel import mel_to_hz as mel_to_hz
    from mfcc.presets import FILMSCORE as FILMSCORE
    from mfcc.presets import HTK as HTK
    from mfcc.presets import KALDI as KALDI
    from mfcc.presets import LIBROSA as LIBROSA
    from mfcc.presets import PRESETS as PRESETS
    from mfcc.presets import PYTHON_SPEECH_FEATURES as PYTHON_SPEECH_FEATURES
    from mfcc.presets import TORCHAUDIO as TORCHAUDIO
    from mfcc.recipe import MFCC as MFCC
    from mfcc.recordings import stream as stream
    from mfcc.tiles import Tiles as Tiles
    from mfcc.tiles import tiles as tiles
    from mfcc.windows import get_window as get_window


if not TYPE_CHECKING:  # for which every name would exist

    def __getattr__(name: str) -> Any:
        """Import what a public name stands for when it is first used."""
        if name in _HOME:
            value = getattr(importlib.import_module(f"mfcc.{_HOME[name]}"), name)
        elif name in _MODULES:
            value = importlib.import_module(f"mfcc.{name}")
        else:
            raise AttributeError(f"module 'mfcc' has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Package(ModuleType):
    """The package: `mfcc.tiles` is the function, also after the module of that name has been imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOME):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
