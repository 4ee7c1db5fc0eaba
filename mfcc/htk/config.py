"""HTK's configuration files: the settings that decide what HCopy computes."""

from __future__ import annotations

import dataclasses
import math
import re
import warnings
from typing import Any, Literal

from mfcc.checks import check_number
from mfcc.presets import HTK

_WHO = "HCopy.from_config"

# Settings that decide the features, with HTK's defaults, which also give their types.
_DEFAULTS: dict[str, Any] = {
    "TARGETKIND": "ANON", "TARGETRATE": 0.0, "SOURCERATE": 0.0, "WINDOWSIZE": 256000.0, "ZMEANSOURCE": False,
    "USEHAMMING": True, "PREEMCOEF": 0.97, "USEPOWER": False, "NUMCHANS": 20, "LOFREQ": -1.0, "HIFREQ": -1.0,
    "WARPFREQ": 1.0, "WARPLCUTOFF": 0.0, "WARPUCUTOFF": 0.0, "CEPLIFTER": 22, "NUMCEPS": 12, "RAWENERGY": True,
    "ENORMALISE": True, "ESCALE": 0.1, "SILFLOOR": 50.0, "DELTAWINDOW": 2, "ACCWINDOW": 2, "THIRDWINDOW": 2,
    "SIMPLEDIFFS": False, "DOUBLEFFT": False,
}  # fmt: skip

# Settings whose effect is not reproduced, with the values that have no effect.
_ONLY: dict[str, tuple[str, ...]] = {
    "SOURCEKIND": ("WAVEFORM", "ANON"), "CEPSCALE": ("1", "1.0"), "ADDDITHER": ("0", "0.0"), "V1COMPAT": ("F", "FALSE"),
    "USESILDET": ("F", "FALSE"), "HIGHDIFF": ("F", "FALSE"), "MATTRANFN": (), "VARSCALEFN": (), "VARSCALEDIR": (),
    "CMEANDIR": (), "CMEANMASK": (), "FORCEPKIND": (),
}  # fmt: skip

# Settings without an effect on the features: of files, of other targets, and of what is refused above.
_ELSEWHERE = """
    SOURCEFORMAT TARGETFORMAT BYTEORDER NATURALREADORDER NATURALWRITEORDER SAVECOMPRESSED SAVEWITHCRC STEREOMODE
    HEADERSIZE NSAMPLES LPCORDER COMPRESSFACT VQTABLE SELFCALSILDET SPEECHTHRESH SILDISCARD SILENERGY SPCSEQCOUNT
    SPCGLCHCOUNT SILGLCHCOUNT SILSEQCOUNT SILMARGIN MEASURESIL OUTSILWARN AUDIOSIG FOURTHWINDOW VARSCALEMASK
    VARSCALEPATHMASK CMEANPATHMASK SIDEXFORMMASK SIDEXFORMEXT TRACE NONUMESCAPES MAXTRYOPEN HPARMFILTER HWAVEFILTER
""".split()

_SETTING = re.compile(r"""(?:(\w+)\s*:\s*)?(\w+)\s*=\s*("[^"]*"|'[^']*'|[^\s"']\S*)\s*""")
_OUTPUTS: dict[str, Literal["mfcc", "log_mel", "mel"]] = {"MFCC": "mfcc", "FBANK": "log_mel", "MELSPEC": "mel"}


def read(text: str, sr: float | None) -> dict[str, Any]:
    """Return the fields of an HCopy that a configuration asks for."""
    found = _DEFAULTS | _settings(text)
    output, qualifiers = _target(found["TARGETKIND"])
    period, sr = _rate(found["SOURCERATE"], sr)
    win_length, hop_length = (int(found[name] / period) for name in ("WINDOWSIZE", "TARGETRATE"))
    for name, length in (("WINDOWSIZE", win_length), ("TARGETRATE", hop_length)):
        if length < 1:
            raise ValueError(
                f"{_WHO}: {name}: expected at least one sample, {period:g} units of 100 ns, got {found[name]:g}."
            )
    warped = found["WARPFREQ"] != 1
    filter_sr = 1e7 / int(period)  # of a period in whole units of 100 ns, as HTK computes its filters
    recipe = dataclasses.replace(
        HTK,
        sr=sr,
        filter_sr=filter_sr,
        preemphasis=max(0.0, found["PREEMCOEF"]),
        n_fft=max(2, 1 << (win_length - 1).bit_length()) * (2 if found["DOUBLEFFT"] else 1),
        win_length=win_length,
        hop_length=hop_length,
        remove_mean=found["ZMEANSOURCE"],
        window="hamming" if found["USEHAMMING"] else "rectangular",
        power=2 if found["USEPOWER"] else 1,
        n_mels=found["NUMCHANS"],
        fmin=max(0.0, found["LOFREQ"]),
        fmax=found["HIFREQ"] if found["HIFREQ"] >= 0 else filter_sr / 2,
        warp=found["WARPFREQ"],
        warp_low=found["WARPLCUTOFF"] if warped else None,
        warp_high=found["WARPUCUTOFF"] if warped else None,
        n_mfcc=found["NUMCEPS"] + 1 if output == "mfcc" else 1,
        lifter=max(0, found["CEPLIFTER"]),
        c0="last" if "0" in qualifiers or output != "mfcc" else "drop",
        energy=None if "E" not in qualifiers else "raw" if found["RAWENERGY"] else "windowed",
        output=output,
    )
    widths = [found[name] for name in ("DELTAWINDOW", "ACCWINDOW", "THIRDWINDOW")]
    return {
        "recipe": recipe,
        "delta_widths": tuple(widths[: len(qualifiers & set("DAT"))]),
        "simple_differences": found["SIMPLEDIFFS"],
        "zero_mean": "Z" in qualifiers,
        "silence_floor_db": found["SILFLOOR"] if "E" in qualifiers and found["ENORMALISE"] else None,
        "energy_scale": found["ESCALE"],
    }


def _settings(text: str) -> dict[str, Any]:
    """Return the settings in a file that decide the features, each in its type."""
    general: dict[str, str] = {}
    special: dict[str, str] = {}  # of a module, such as HPARM: TARGETKIND = MFCC
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#include"):
            raise ValueError(f"{_WHO}: line {number}: expected no #include: put the content of that file in its place.")
        line, at = re.sub(r"""("[^"]*"|'[^']*')|#.*""", lambda found: found[1] or "", line).strip(), 0
        while at < len(line):
            match = _SETTING.match(line, at)
            if match is None:
                raise ValueError(f"{_WHO}: line {number}: expected NAME = VALUE, got {line[at:]!r}.")
            module, name, value = match.groups()
            if module is None or module.upper() in ("HPARM", "HWAVE"):
                (general if module is None else special)[name.upper()] = value.strip("\"'")
            at = match.end()
    found = general | special
    for name, values in _ONLY.items():
        if name in found and found[name] not in values:
            expected = f"{values[0]}, or nothing" if values else "nothing"
            raise ValueError(f"{_WHO}: {name}: expected {expected}, got {found[name]}. Its effect is not reproduced.")
    unknown = sorted(found.keys() - _DEFAULTS.keys() - _ONLY.keys() - set(_ELSEWHERE))
    if unknown:
        warnings.warn(f"{_WHO}: no settings of HCopy's: {', '.join(unknown)}.", UserWarning, stacklevel=4)
    return {name: _value(name, found[name]) for name in _DEFAULTS if name in found}


def _value(name: str, text: str) -> Any:
    """Return a value in the type of the setting's default."""
    default = _DEFAULTS[name]
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text not in ("T", "TRUE", "F", "FALSE"):
            raise ValueError(f"{_WHO}: {name}: expected T or F, got {text!r}.")
        return text[0] == "T"
    try:
        value = type(default)(text)
        if not math.isfinite(value):
            raise ValueError
        return value
    except (ValueError, OverflowError):
        kind = "an integer" if isinstance(default, int) else "a number"
        raise ValueError(f"{_WHO}: {name}: expected {kind}, got {text!r}.") from None


def _target(kind: str) -> tuple[Literal["mfcc", "log_mel", "mel"], set[str]]:
    """Return the output of the recipe, and the qualifiers of a target kind."""
    base, *letters = kind.upper().split("_")
    if base not in _OUTPUTS:
        raise ValueError(f"{_WHO}: TARGETKIND: expected MFCC, FBANK or MELSPEC with qualifiers, got {kind!r}.")
    qualifiers = set(letters) - set("CK")  # compression and check sum of the file
    possible = set("E0DATZ" if base == "MFCC" else "EDATZ")
    ordered = [letter in qualifiers for letter in "DAT"]
    if not qualifiers <= possible or ordered != sorted(ordered, reverse=True):
        raise ValueError(
            f"{_WHO}: TARGETKIND: expected {base} with qualifiers out of {', '.join(sorted(possible))}, _A only with "
            f"_D and _T only with _A, got {kind!r}."
        )
    return _OUTPUTS[base], qualifiers


def _rate(period: float, sr: float | None) -> tuple[float, float]:
    """Return the sampling period in units of 100 ns, as HTK counts it, and the sampling rate in Hz."""
    if sr is not None:
        sr = check_number(_WHO, "sr", sr, above=0, hint="It is the sampling rate in Hz.")
    if period <= 0:
        if sr is None:
            raise ValueError(f"{_WHO}: sr: expected the sampling rate in Hz, since there is no SOURCERATE; got None.")
        period = 1e7 / sr
    elif sr is None:
        sr = float(round(1e7 / period))
    elif not 0.995 < 1e7 / period / sr < 1.005:
        raise ValueError(f"{_WHO}: sr: expected about 1e7 / SOURCERATE = {1e7 / period:g} Hz, got {sr:g}.")
    if not 1 <= period < 1e7:
        raise ValueError(f"{_WHO}: SOURCERATE: expected a period of 1 to 1e7 units of 100 ns, got {period:g}.")
    return period, sr
