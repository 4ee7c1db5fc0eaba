"""What the knobs of a recipe may be: each is checked, and those left open are filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mfcc import framing, mel
from mfcc.checks import check_choice, check_flag, check_integer, check_number
from mfcc.fft import check_length
from mfcc.windows import WINDOWS

if TYPE_CHECKING:
    from mfcc.recipe import MFCC

_CHOICES: dict[str, tuple[Any, ...]] = {
    "preemphasis_scope": ("frame", "signal"),
    "zero_padding": ("after", "around"),
    "center": framing.CENTER,
    "pad_mode": framing.PAD_MODES,
    "partial": framing.PARTIAL,
    "window": WINDOWS,
    "power": (1, 2),
    "spectrum_scale": (None, "length", "window"),
    "mel_formula": mel.FORMULAS,
    "filter_shape": mel.SHAPES,
    "filter_norm": mel.NORMS,
    "log": ("natural", "decibel"),
    "log_floor_mode": ("clip", "zeros", "add"),
    "dct_type": (1, 2, 3),
    "dct_norm": ("ortho", "htk", None),
    "lifter_start": (0, 1),
    "c0": ("first", "last", "drop"),
    "energy": (None, "raw", "windowed", "spectrum"),
    "energy_place": ("c0", "append"),
    "output": ("mfcc", "log_mel", "mel", "log_spectrum", "spectrum"),
}
_FLAGS = ("remove_mean", "window_periodic", "skip_edge_bins")
_MOST_HOP = 2**22  # samples: a group of frames is held in memory
_WHO = "MFCC"


def checked(recipe: MFCC) -> dict[str, Any]:
    """Return every knob with its value in its own type; ValueError or TypeError names the first that is wrong."""
    knobs: dict[str, Any] = {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}
    for name, choices in _CHOICES.items():
        knobs[name] = check_choice(_WHO, name, knobs[name], choices)
    for name in _FLAGS:
        knobs[name] = check_flag(_WHO, name, knobs[name])
    _check_samples(knobs)
    _check_frames(knobs)
    _check_bands(knobs)
    _check_cepstrum(knobs)
    return knobs


def _check_samples(knobs: dict[str, Any]) -> None:
    knobs["sr"] = check_number(
        _WHO, "sr", knobs["sr"], minimum=mel.LOWEST_SR, maximum=mel.HIGHEST_SR, hint="It is the sampling rate in Hz."
    )
    knobs["full_scale"] = check_number(
        _WHO, "full_scale", knobs["full_scale"], minimum=1e-12, maximum=1e12, hint="Usual is 1 or 32768."
    )
    if knobs["integer_full_scale"] is not None:
        hint = "For int16 samples it is 32768."
        knobs["integer_full_scale"] = check_number(
            _WHO, "integer_full_scale", knobs["integer_full_scale"], minimum=1, maximum=2.0**64, hint=hint
        )
    knobs["preemphasis"] = check_number(
        _WHO, "preemphasis", knobs["preemphasis"], minimum=0, maximum=1, hint="Usual is 0.97; 0 is off."
    )


def _check_frames(knobs: dict[str, Any]) -> None:
    n_fft = check_integer(_WHO, "n_fft", knobs["n_fft"], minimum=2, maximum=mel.MOST_FFT)
    knobs["n_fft"] = check_length(_WHO, "n_fft", n_fft)
    win_length = check_integer(_WHO, "win_length", n_fft if knobs["win_length"] is None else knobs["win_length"])
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
    if knobs["filter_sr"] is not None:
        filter_sr = check_number(
            _WHO, "filter_sr", knobs["filter_sr"], minimum=mel.LOWEST_SR, maximum=mel.HIGHEST_SR,
            hint="None is the same as sr.",
        )  # fmt: skip
        knobs["filter_sr"] = None if filter_sr == knobs["sr"] else filter_sr
    bank = filter_bank(knobs).checked(_WHO)
    knobs.update(zip(_BANK_KNOBS, bank[1:], strict=True))
    knobs["log_floor"] = check_number(
        _WHO, "log_floor", knobs["log_floor"], above=0, maximum=1e30, hint="Without one, silence has no logarithm."
    )
    if knobs["top_db"] is not None:
        knobs["top_db"] = check_number(_WHO, "top_db", knobs["top_db"], above=0, hint="None turns it off.")
        if knobs["log"] != "decibel":
            raise ValueError(
                f"{_WHO}: top_db: expected None with log={knobs['log']!r}, got {knobs['top_db']:g}. It is a number of "
                f"decibels: use log='decibel' with it."
            )
    if knobs["output"] not in ("log_spectrum", "spectrum"):
        mel.warn_of_empty_filters(_WHO, bank, mel.filter_weights(bank), stacklevel=6)


# The knobs of the filter bank, in the order of mel.FilterBank behind its sampling rate.
_BANK_KNOBS = (
    "n_fft", "n_mels", "fmin", "fmax", "mel_formula", "filter_shape", "filter_norm", "skip_edge_bins",
    "warp", "warp_low", "warp_high",
)  # fmt: skip


def filter_bank(knobs: Mapping[str, Any]) -> mel.FilterBank:
    """Return the knobs of the filter bank."""
    return mel.FilterBank(knobs["filter_sr"] or knobs["sr"], *(knobs[name] for name in _BANK_KNOBS))


def _check_cepstrum(knobs: dict[str, Any]) -> None:
    n_mfcc = check_integer(_WHO, "n_mfcc", knobs["n_mfcc"])
    if n_mfcc > knobs["n_mels"] and knobs["output"] == "mfcc":
        raise ValueError(
            f"{_WHO}: n_mfcc: expected at most n_mels = {knobs['n_mels']}, got {n_mfcc}. There are no more independent "
            f"coefficients than mel bands: lower n_mfcc or raise n_mels."
        )
    knobs["n_mfcc"] = n_mfcc
    if knobs["dct_type"] == 1 and knobs["n_mels"] == 1:
        raise ValueError(f"{_WHO}: dct_type: expected 2 or 3 with n_mels=1, got 1. Type 1 takes at least two bands.")
    knobs["lifter"] = check_number(_WHO, "lifter", knobs["lifter"], minimum=0, hint="Usual is 22; 0 is off.")
    if 0 < knobs["lifter"] < 1e-3:  # coefficients over it must stay numbers
        raise ValueError(
            f"{_WHO}: lifter: expected 0 or at least 0.001, got {knobs['lifter']:g}. Usual is 22; 0 is off."
        )
    knobs["energy_floor"] = check_number(_WHO, "energy_floor", knobs["energy_floor"], above=0, maximum=1e30)
    if n_mfcc == 1 and knobs["c0"] == "drop" and (knobs["energy"] is None or knobs["energy_place"] == "c0"):
        raise ValueError(f"{_WHO}: n_mfcc: expected at least 2 with c0='drop', got 1. Nothing would be left.")
    if knobs["energy"] is not None and knobs["energy_place"] == "c0" and knobs["c0"] == "drop":
        raise ValueError(
            f"{_WHO}: energy_place: expected 'append' with c0='drop', got 'c0'. There is no C0 to put the energy into."
        )


ADDED: dict[int, dict[str, Any]] = {
    2: {"warp": 1.0, "warp_low": None, "warp_high": None},
    3: {"output": "mfcc"},
    4: {"filter_sr": None},
}
"""Knobs that came with a version of the format, with the values that change nothing: what older recipes meant."""


def from_description(description: Mapping[str, Any], format: str, version: int, names: Sequence[str]) -> dict[str, Any]:
    """Return the knobs in a description that `to_dict` made; ValueError for what does not fit."""
    who = f"{_WHO}.from_dict"
    if not isinstance(description, Mapping):
        raise TypeError(f"{who}: description: expected a mapping, got {type(description).__name__}.")
    found = dict(description)
    if found.pop("format", None) != format:
        raise ValueError(f"{who}: format: expected {format!r}, got {description.get('format')!r}. Is it a recipe?")
    written = found.pop("version", None)
    if type(written) is not int or not 1 <= written <= version:
        raise ValueError(
            f"{who}: version: expected {version} or an older one, got {written!r}. It was written by another version "
            f"of this package; compute the features again, or install that version."
        )
    for later in range(written + 1, version + 1):
        found = ADDED[later] | found
    unknown = sorted(str(name) for name in found if name not in names)
    if unknown:
        raise ValueError(f"{who}: expected no other knobs than those of MFCC, got {', '.join(unknown)}.")
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{who}: expected every knob of MFCC, missing {', '.join(missing)}.")
    for name in ("win_length", "hop_length", "fmax"):
        if found[name] is None:
            raise ValueError(f"{who}: {name}: expected a number, got None. A stored recipe leaves nothing open.")
    return found
