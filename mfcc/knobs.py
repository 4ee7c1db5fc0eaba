"""The knobs of a recipe: what each may be, how long frames are and how many, and the form in which recipes are stored.

A new knob is a line in `Knobs`. Its `since` is the version of the stored form that it makes; recipes that were stored
before are read as if they had its default.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mfcc import framing, mel
from mfcc.checks import check_choice, check_flag, check_integer, check_number
from mfcc.windows import WINDOWS

FORMAT = "mfcc.MFCC"

_MOST_HOP = 2**22  # samples: a group of frames is held in memory
_WHO = "MFCC"


def _number(default: float | None, *, since: int = 1, **bounds: Any) -> Any:
    """Return the field of a number within bounds (those of `check_number`); None passes where it is the default."""

    def check(who: str, name: str, value: Any) -> float | None:
        return None if default is None and value is None else check_number(who, name, value, **bounds)

    return _field(default, since, check)


def _choice(default: Any, choices: tuple[Any, ...], *, since: int = 1) -> Any:
    """Return the field of one of some values."""
    return _field(default, since, functools.partial(check_choice, choices=choices), choices)


def _flag(default: bool, *, since: int = 1) -> Any:
    """Return the field of True or False."""
    return _field(default, since, check_flag, (False, True))


def _depends(default: Any, *, since: int = 1) -> Any:
    """Return the field of a knob that is checked together with others, below the class."""
    return _field(default, since)


def _origin(field: Any) -> Any:
    """Return a field that says where others come from. Recipes that differ in it alone are equal."""
    return dataclasses.field(default=field.default, metadata=field.metadata, compare=False)


def _field(
    default: Any, since: int, check: Callable[[str, str, Any], Any] | None = None, choices: tuple[Any, ...] = ()
) -> Any:
    return dataclasses.field(default=default, metadata={"since": since, "check": check, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """The knobs of a recipe, each checked and in its own type; those left open are filled in.

    `mfcc.MFCC` says what each does, and what can be done with a recipe.
    """

    sr: float = _number(22050.0, minimum=mel.LOWEST_SR, maximum=mel.HIGHEST_SR, hint="It is the sampling rate in Hz.")
    full_scale: float = _number(1.0, minimum=1e-12, maximum=1e12, hint="Usual is 1 or 32768.")
    integer_full_scale: float | Literal["type"] | None = _depends(None)
    preemphasis: float = _number(0.0, minimum=0, maximum=1, hint="Usual is 0.97; 0 is off.")
    preemphasis_scope: Literal["frame", "signal"] = _choice("frame", ("frame", "signal"))
    n_fft: int = _depends(None)  # 2048, or win_length rounded up if that is given in seconds
    win_length: int = _depends(None)  # win_seconds, or n_fft
    hop_length: int = _depends(None)  # hop_seconds, or win_length
    win_seconds: float | None = _origin(_number(None, above=0, maximum=1e6, hint="It is in seconds.", since=5))
    hop_seconds: float | None = _origin(_number(None, above=0, maximum=1e6, hint="It is in seconds.", since=5))
    seconds_rounding: Literal["down", "nearest"] = _origin(_choice("down", ("down", "nearest"), since=5))
    zero_padding: Literal["after", "around"] = _choice("after", ("after", "around"))
    center: bool | Literal["hop"] = _choice(False, framing.CENTER)
    pad_mode: Literal["constant", "reflect", "symmetric", "edge"] = _choice("constant", framing.PAD_MODES)
    partial: Literal["drop", "pad"] = _choice("drop", framing.PARTIAL)
    remove_mean: bool = _flag(False)
    window: str = _choice("hann", WINDOWS)
    window_periodic: bool = _flag(True)
    power: Literal[1, 2] = _choice(2, (1, 2))
    spectrum_scale: Literal["length", "window"] | None = _choice(None, (None, "length", "window"))
    n_mels: int = _depends(41)
    fmin: float = _depends(0.0)
    fmax: float = _depends(None)  # sr / 2
    mel_formula: Literal["htk", "slaney"] = _choice("htk", mel.FORMULAS)
    filter_shape: Literal["hz", "mel", "bins"] = _choice("hz", mel.SHAPES)
    filter_norm: Literal["slaney"] | None = _choice(None, mel.NORMS)
    skip_edge_bins: bool = _flag(False)
    warp: float = _depends(1.0, since=2)
    warp_low: float | None = _depends(None, since=2)
    warp_high: float | None = _depends(None, since=2)
    filter_sr: float | None = _number(
        None, minimum=mel.LOWEST_SR, maximum=mel.HIGHEST_SR, hint="None is the same as sr.", since=4
    )
    log: Literal["natural", "decibel"] = _choice("natural", ("natural", "decibel"))
    log_floor: float = _number(1e-10, above=0, maximum=1e30, hint="Without one, silence has no logarithm.")
    log_floor_mode: Literal["clip", "zeros", "add"] = _choice("clip", ("clip", "zeros", "add"))
    top_db: float | None = _number(None, above=0, hint="None turns it off.")
    n_mfcc: int = _depends(41)
    dct_type: Literal[1, 2, 3] = _choice(2, (1, 2, 3))
    dct_norm: Literal["ortho", "htk"] | None = _choice("ortho", ("ortho", "htk", None))
    lifter: float = _number(0.0, minimum=0, hint="Usual is 22; 0 is off.")
    lifter_start: Literal[0, 1] = _choice(0, (0, 1))
    c0: Literal["first", "last", "drop"] = _choice("drop", ("first", "last", "drop"))
    energy: Literal["raw", "windowed", "spectrum"] | None = _choice(None, (None, "raw", "windowed", "spectrum"))
    energy_place: Literal["c0", "append"] = _choice("c0", ("c0", "append"))
    energy_floor: float = _number(1e-10, above=0, maximum=1e30)
    output: Literal["mfcc", "log_mel", "mel", "log_spectrum", "spectrum"] = _choice(
        "mfcc", ("mfcc", "log_mel", "mel", "log_spectrum", "spectrum"), since=3
    )

    def __post_init__(self) -> None:
        for name, value in _checked(vars(self)).items():
            object.__setattr__(self, name, value)

    @property
    def frame_length(self) -> int:
        """Number of samples that a frame covers."""
        return self.n_fft if self.zero_padding == "around" else self.win_length

    @property
    def shortest_signal(self) -> int:
        """Number of samples of the shortest signal that makes a frame."""
        return framing.shortest_signal(self.frame_length, self.hop_length, center=self.center, partial=self.partial)

    @property
    def n_features(self) -> int:
        """Number of rows that a call returns: n_coefficients, n_mels or n_fft // 2 + 1."""
        return self.n_rows(self.output)

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients, the energy included."""
        return self.n_mfcc - (self.c0 == "drop") + (self.energy is not None and self.energy_place == "append")

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sr / self.hop_length

    @property
    def filter_bank(self) -> np.ndarray:
        """Weights of the mel filters in float64, shape (n_mels, n_fft // 2 + 1), read-only."""
        return mel.filter_weights(bank_arguments(vars(self)))

    def n_rows(self, output: str) -> int:
        """Return the number of rows of an output, or of a step on the way to the recipe's."""
        if output in ("spectrum", "log_spectrum"):
            return self.n_fft // 2 + 1
        return self.n_coefficients if output == "mfcc" else self.n_mels

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a signal of n_samples samples; 0 if it is too short for one."""
        return framing.n_frames(n_samples, self.frame_length, self.hop_length, center=self.center, partial=self.partial)

    def frame_times(self, n_frames: int) -> np.ndarray:
        """Return the time of the middle of each frame in seconds, shape (n_frames,).

        Examples
        --------
        >>> Knobs().frame_times(3).round(4).tolist()
        [0.0464, 0.1393, 0.2322]
        """
        first = framing.first_start(self.frame_length, self.hop_length, center=self.center)
        return (first + self.frame_length / 2 + np.arange(n_frames) * self.hop_length) / self.sr


_FIELDS = dataclasses.fields(Knobs)
VERSION: int = max(field.metadata["since"] for field in _FIELDS)
"""Version of the stored form. Since 5 integer_full_scale may be "type"."""
_WRITTEN = 4


def bank_arguments(knobs: Mapping[str, Any]) -> mel.FilterBank:
    """Return the arguments of the mel filter bank out of the values of all knobs."""
    return mel.FilterBank(knobs["filter_sr"] or knobs["sr"], *(knobs[name] for name in _BANK_KNOBS))


# The knobs of the filter bank, in the order of mel.FilterBank behind its sampling rate.
_BANK_KNOBS = (
    "n_fft", "n_mels", "fmin", "fmax", "mel_formula", "filter_shape", "filter_norm", "skip_edge_bins",
    "warp", "warp_low", "warp_high",
)  # fmt: skip


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every knob with its value in its own type; ValueError or TypeError names the first that is wrong."""
    knobs = dict(values)
    for field in _FIELDS:
        if field.metadata["check"] is not None:
            knobs[field.name] = field.metadata["check"](_WHO, field.name, knobs[field.name])
    _check_integers(knobs)
    _check_frames(knobs)
    _check_bands(knobs)
    _check_cepstrum(knobs)
    return knobs


def _check_integers(knobs: dict[str, Any]) -> None:
    full_scale = knobs["integer_full_scale"]
    if full_scale is None or (isinstance(full_scale, str) and full_scale == "type"):
        return
    hint = "Or take 'type': each integer type has its own, int16 32768."
    knobs["integer_full_scale"] = check_number(
        _WHO, "integer_full_scale", full_scale, minimum=1, maximum=2.0**64, hint=hint
    )


def fft_length(win_length: int) -> int:
    """Return the length of the transform of a window that is given in seconds: the next power of two."""
    return max(2, 1 << (win_length - 1).bit_length())


def _count_samples(knobs: dict[str, Any], length: str, seconds: str) -> None:
    """Fill in a length that is given in seconds, or forget the seconds if a given length is another one."""
    if knobs[seconds] is None:
        return
    samples = knobs["sr"] * knobs[seconds] + 1e-9  # 0.01 of 44,100 are 441 samples, whatever is lost by rounding
    n = math.floor(samples + 0.5 if knobs["seconds_rounding"] == "nearest" else samples)
    if knobs[length] is not None and knobs[length] != n:
        knobs[seconds] = None
        return
    if n < 1:
        raise ValueError(
            f"{_WHO}: {seconds}: expected at least one sample, {1 / knobs['sr']:g} s, got {knobs[seconds]:g}."
        )
    knobs[length] = n


def _check_frames(knobs: dict[str, Any]) -> None:
    _count_samples(knobs, "win_length", "win_seconds")
    _count_samples(knobs, "hop_length", "hop_seconds")
    if knobs["n_fft"] is None:
        knobs["n_fft"] = 2048 if knobs["win_seconds"] is None else fft_length(knobs["win_length"])
    n_fft = check_integer(_WHO, "n_fft", knobs["n_fft"], minimum=2, maximum=mel.MOST_FFT)
    knobs["n_fft"] = n_fft
    win_length = n_fft if knobs["win_length"] is None else knobs["win_length"]
    win_length = check_integer(_WHO, "win_length", win_length, maximum=1 << 31)
    if win_length > n_fft:
        raise ValueError(
            f"{_WHO}: win_length: expected at most n_fft = {n_fft}, got {win_length}. "
            f"Shorten the window or raise n_fft."
        )
    knobs["win_length"] = win_length
    hop_length = win_length if knobs["hop_length"] is None else knobs["hop_length"]
    hint = "It is the number of samples from one frame to the next."
    knobs["hop_length"] = check_integer(_WHO, "hop_length", hop_length, maximum=_MOST_HOP, hint=hint)


def _check_bands(knobs: dict[str, Any]) -> None:
    if knobs["filter_sr"] == knobs["sr"]:
        knobs["filter_sr"] = None
    bank = bank_arguments(knobs).checked(_WHO)
    knobs.update(zip(_BANK_KNOBS, bank[1:], strict=True))
    if knobs["top_db"] is not None and knobs["log"] != "decibel":
        raise ValueError(
            f"{_WHO}: top_db: expected None with log={knobs['log']!r}, got {knobs['top_db']:g}. It is a number of "
            f"decibels: use log='decibel' with it."
        )


def _check_cepstrum(knobs: dict[str, Any]) -> None:
    n_mfcc = check_integer(_WHO, "n_mfcc", knobs["n_mfcc"], maximum=1 << 31)
    if n_mfcc > knobs["n_mels"] and knobs["output"] == "mfcc":
        raise ValueError(
            f"{_WHO}: n_mfcc: expected at most n_mels = {knobs['n_mels']}, got {n_mfcc}. There are no more independent "
            f"coefficients than mel bands: lower n_mfcc or raise n_mels."
        )
    knobs["n_mfcc"] = n_mfcc
    if knobs["dct_type"] == 1 and knobs["n_mels"] == 1:
        raise ValueError(f"{_WHO}: dct_type: expected 2 or 3 with n_mels=1, got 1. Type 1 takes at least two bands.")
    if 0 < knobs["lifter"] < 1e-3:  # coefficients over it must stay numbers
        raise ValueError(
            f"{_WHO}: lifter: expected 0 or at least 0.001, got {knobs['lifter']:g}. Usual is 22; 0 is off."
        )
    if n_mfcc == 1 and knobs["c0"] == "drop" and (knobs["energy"] is None or knobs["energy_place"] == "c0"):
        raise ValueError(f"{_WHO}: n_mfcc: expected at least 2 with c0='drop', got 1. Nothing would be left.")
    if knobs["energy"] is not None and knobs["energy_place"] == "c0" and knobs["c0"] == "drop":
        raise ValueError(
            f"{_WHO}: energy_place: expected 'append' with c0='drop', got 'c0'. There is no C0 to put the energy into."
        )


def to_description(knobs: Knobs) -> dict[str, Any]:
    """Return every knob under its name, fit for JSON, in the oldest version from `_WRITTEN` on that can say it.

    So recipes that make no use of later knobs are stored as they always were, and earlier versions read them.
    """
    values = dataclasses.asdict(knobs)
    later = {field.name: field.default for field in _FIELDS if field.metadata["since"] > _WRITTEN}
    if knobs.integer_full_scale != "type" and all(values[name] == default for name, default in later.items()):
        values = {name: value for name, value in values.items() if name not in later}
        return {"format": FORMAT, "version": _WRITTEN, **values}
    return {"format": FORMAT, "version": VERSION, **values}


def from_description(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all knobs in a description that `MFCC.to_dict` made; ValueError for what does not fit."""
    who = f"{_WHO}.from_dict"
    if not isinstance(description, Mapping):
        raise TypeError(f"{who}: description: expected a mapping, got {type(description).__name__}.")
    found = dict(description)
    if found.pop("format", None) != FORMAT:
        raise ValueError(f"{who}: format: expected {FORMAT!r}, got {description.get('format')!r}. Is it a recipe?")
    written = found.pop("version", None)
    if type(written) is not int or not 1 <= written <= VERSION:
        raise ValueError(
            f"{who}: version: expected {VERSION} or an older one, got {written!r}. It was written by another version "
            f"of this package; compute the features again, or install that version."
        )
    found = {field.name: field.default for field in _FIELDS if field.metadata["since"] > written} | found
    names = [field.name for field in _FIELDS]
    unknown = sorted(str(name) for name in found if name not in names)
    if unknown:
        raise ValueError(f"{who}: expected no other knobs than those of MFCC, got {', '.join(unknown)}.")
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{who}: expected every knob of MFCC, missing {', '.join(missing)}.")
    for name in ("n_fft", "win_length", "hop_length", "fmax"):
        if found[name] is None:
            raise ValueError(f"{who}: {name}: expected a number, got None. A stored recipe leaves nothing open.")
    return found
