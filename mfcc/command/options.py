"""The options of the command `mfcc`, and the recipe and settings that they make."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
from typing import Any

from mfcc.command.completion import add_completion
from mfcc.command.extraction import Settings
from mfcc.command.finding import STANDARD
from mfcc.command.formats import FORMATS
from mfcc.command.journal import JOURNAL
from mfcc.presets import PRESETS
from mfcc.recipe import MFCC
from nnlite.version import __version__

_DESCRIPTION = """\
Compute features of recordings: each file becomes DIR/NAME.npz (or another --format), a folder keeps its shape. A
recording is whatever libsndfile reads, or ffmpeg where it is installed, whatever its name; - is standard input, and
--out - standard output."""
_EPILOG = f"""
A KNOB is a field of the recipe; a wrong one lists them all, --describe says what they do. The output is a knob
too: output=mfcc, log_mel, mel, log_spectrum or spectrum.

--resynth writes what coefficients keep of a recording: loudness, timbre and rhythm. Lost are the pitch (harmonics lie
closer together than mel filters), the waveform (phases are made up), what is shorter than a frame, and with a recipe
without C0 or energy (filmscore) the loudness. --plot shows original and reconstruction side by side.

Exit status: 0 if every recording was done or is up to date, 1 if any failed, 2 for a wrong command line, 130 after
Ctrl-C. DIR/{JOURNAL} has a line for each recording: its settings, and why it failed. A second run does what is missing,
has changed (the recording, the recipe or another setting) or has failed.

examples:
  mfcc track.ogg --out features --plot
  mfcc music/ --out features --tiles 100 --jobs 4
  mfcc music/ --out features --tiles 100 --set output=log_mel --set n_mels=64 --set fmax=9500
  mfcc speech.wav --out features --preset htk --deltas 2 --format htk
  mfcc speech.wav --out features --set sr=16000 --set n_fft=512 --set hop_length=160 --format csv
  cat track.ogg | mfcc - --out - --format csv > track.csv
  mfcc --preset librosa --describe
  mfcc track.ogg --duration 30 --resynth heard.wav --plot
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="mfcc",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"mfcc {__version__}")
    add_completion(parser)
    add("paths", nargs="*", metavar="FILE_OR_FOLDER", help="recordings, folders with recordings, - for standard input")
    add("--out", metavar="DIR", help="where the features go; - is standard output, for one recording")
    add("--format", choices=FORMATS, default="npz", help="npz has times, names and recipe too (default)")
    add("--preset", type=_preset, choices=sorted(map(str.lower, PRESETS)), help="recipe (default: filmscore)")
    add("--recipe", metavar="JSON", help="the recipe in a file: MFCC.to_dict(), or what has it under 'recipe'")
    add("--set", action="append", dest="knobs", metavar="KNOB=VALUE", help="change a knob of the recipe")
    add("--describe", action="store_true", help="print the recipe in words and formulas")
    add("--tiles", type=_positive, metavar="N", help="windows of N frames in place of one matrix")
    add("--hop", type=_positive, metavar="N", help="frames from a tile to the next (default: no overlap)")
    add(
        "--normalize", choices=("mean", "variance"), help="subtract each feature's mean, or divide by its deviation too"
    )
    add("--window", type=_positive, metavar="N", help="normalize over N frames around each (default: the whole file)")
    add("--deltas", type=int, choices=(1, 2, 3), default=0, help="add slopes over time, accelerations, their slopes")
    add("--plot", action="store_true", help="a picture beside each: waveform and features")
    add("--resynth", metavar="WAV", help="write what the features of a recording keep, as sound")
    add("--offset", type=_seconds, default=0.0, metavar="S", help="begin S seconds into each recording")
    add("--duration", type=_seconds, metavar="S", help="take at most S seconds")
    add("--keep-truncated", action="store_true", help="take what there is of files that end early")
    add("--on-error", choices=("skip", "stop"), default="skip", help="what to do after a failure: go on (default)")
    add("--jobs", type=_positive, default=_n_cpus(), metavar="N", help="recordings at a time (default: CPUs)")
    add("--force", action="store_true", help="do all again, up to date or not")
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    """Return what the options ask for; ValueError, TypeError or ImportError for what can't be."""
    recipe = _recipe(options)
    if options.hop is not None and options.tiles is None:
        raise ValueError("--hop: expected --tiles with it, got none.")
    if options.tiles is not None and options.format != "npz":
        raise ValueError(f"--format: expected npz with --tiles, got {options.format}.")
    if options.tiles is not None and (options.normalize or options.deltas):
        raise ValueError("--tiles: expected no --normalize and --deltas with it: tiles are of what the recipe gives.")
    if options.window is not None and not options.normalize:
        raise ValueError("--window: expected --normalize with it, got none.")
    if options.window == 1:
        raise ValueError("--window: expected at least 2 frames, got 1.")
    check_size = FORMATS[options.format].check_size
    if check_size is not None:
        check_size("--format", recipe.n_features * (1 + options.deltas))
    if options.plot:
        from mfcc.pictures.plotting import require_matplotlib

        require_matplotlib("--plot")
    return Settings(
        recipe=recipe,
        format=options.format,
        normalize=options.normalize,
        window=options.window,
        deltas=options.deltas,
        tile_frames=options.tiles,
        hop_frames=options.hop,
        offset=options.offset,
        duration=options.duration,
        keep_truncated=options.keep_truncated,
        plot=options.plot,
    )


def check_paths(options: argparse.Namespace) -> None:
    """Raise ValueError for sources and targets that do not go together."""
    if options.resynth is not None:
        if len(options.paths) != 1 or os.path.isdir(options.paths[0]) or options.out is not None:
            raise ValueError("--resynth: expected one recording, and no --out.")
        if options.resynth == STANDARD and options.plot:
            raise ValueError("--plot: expected a file with --resynth, for the picture to lie beside, got -.")
        return
    if not options.paths or options.out is None:
        raise ValueError("expected recordings or folders, and --out DIR.")
    if options.paths.count(STANDARD) > 1:
        raise ValueError("expected - once, got it several times. There is one standard input.")
    if options.out == STANDARD:
        if len(options.paths) != 1 or os.path.isdir(options.paths[0]):
            raise ValueError("--out -: expected one recording. For more of them give a folder.")
        if options.plot:
            raise ValueError("--plot: expected a folder as --out, got -.")


def _recipe(options: argparse.Namespace) -> MFCC:
    if options.recipe is None:
        recipe = PRESETS[(options.preset or "filmscore").upper()]
    elif options.preset is not None:
        raise ValueError("--recipe: expected no --preset with it.")
    else:
        recipe = read_recipe(options.recipe)
    return recipe.replace(**dict(map(knob, options.knobs))) if options.knobs else recipe


def read_recipe(path: str) -> MFCC:
    """Return the recipe in a JSON file: `MFCC.to_dict()`, or an object that has it under "recipe" (features.json).

    Raises
    ------
    ValueError
        Names the file, for whatever can't be read or is no recipe.
    """
    try:
        with open(path, "rb") as file:
            description = json.loads(file.read())
        if isinstance(description, dict) and isinstance(description.get("recipe"), dict):
            description = description["recipe"]
        return MFCC.from_dict(description)
    except OSError as error:
        raise ValueError(f"{path}: can't be opened: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: expected JSON ({error}).") from None
    except RecursionError:
        raise ValueError(f"{path}: expected a recipe, got JSON that is nested too deeply.") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None


def knob(text: str) -> tuple[str, Any]:
    """Return name and value of KNOB=VALUE; the value is JSON, or a word as it stands.

    Examples
    --------
    >>> knob("n_mels=64"), knob("center=True"), knob("window=hann")
    (('n_mels', 64), ('center', True), ('window', 'hann'))
    """
    name, equals, value = text.partition("=")
    names = [field.name for field in dataclasses.fields(MFCC)]
    if not equals or name not in names:
        raise ValueError(f"--set: expected KNOB=VALUE with a KNOB out of {', '.join(names)}, got {text!r}.")
    with contextlib.suppress(ValueError, RecursionError):
        return name, json.loads({"True": "true", "False": "false", "None": "null"}.get(value, value))
    return name, value


def _preset(text: str) -> str:
    return text.lower().replace("-", "_")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text}")
    return number


def _n_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
