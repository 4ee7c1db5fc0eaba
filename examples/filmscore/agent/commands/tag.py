"""`tag`: genres of files, in the library or not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from filmscore.agent import schema, tables
from filmscore.agent.commands import common
from filmscore.agent.export import file_uri
from filmscore.agent.formats import problem_of
from filmscore.agent.library import MODEL, Library
from filmscore.agent.scan import SHIPPED
from filmscore.agent.walk import find_files
from filmscore.agent.words import clean_lines
from filmscore.tagging import Tagger
from mfcc import AudioError
from mfcc.sound.errors import printable

HELP = "genres of files, which need not be in a library"
EXAMPLES = """\
filmscore tag new.wav other.mp3
filmscore tag ~/Downloads --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="recordings, or folders with recordings")
    common.add_library(parser)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="model (default: that of the library, or the shipped one if there is none)",
    )
    common.add_max_length(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    if options.model is None and (options.library / schema.FILE).is_file():
        with Library.open(options.library) as library:
            return _tag(options, Tagger.load(options.library / MODEL), library if library.n_tracks else None)
    return _tag(options, Tagger.load(options.model or SHIPPED), None)


def _tag(options: argparse.Namespace, tagger: Tagger, library: Library | None) -> int:
    records, failed = [], 0
    for path, found in _files(options.files):
        try:
            tiles = tagger.tiles(path, options.max_length)
        except (AudioError, OSError) as error:
            if found and isinstance(error, AudioError) and not problem_of(path, error.reason):
                continue  # a picture or a text in the folder
            print(f"filmscore: {clean_lines(str(error))}", file=sys.stderr)
            failed += 1
            continue
        means = tagger.values(tiles.values).mean(axis=0)
        records.append((path, means, None if library is None else library.ranks(means)))
    if options.json:
        common.print_json([_as_json(tagger, *record) for record in records])
    elif records:
        title = "what the model says" if library is None else "percent of the library that has less"
        rows = [[printable(path), _words(tagger, means, ranks)] for path, means, ranks in records]
        print(tables.table(["file", title], rows, wide=0))
    return 1 if failed else 0


def _files(names: list[str]) -> list[tuple[str, bool]]:
    """Return the files to tag, and whether each was found in a folder or named."""
    files: list[tuple[str, bool]] = []
    for name in names:
        files += [(path, True) for path in find_files(name).files] if Path(name).is_dir() else [(name, False)]
    return files


def _words(tagger: Tagger, means: np.ndarray, ranks: np.ndarray | None) -> str:
    shown, scale = (means, 1) if ranks is None else (ranks, 100)
    order = np.argsort(-shown, kind="stable")[: common.BEST + 1]
    return ", ".join(f"{tagger.class_names[k]} {scale * shown[k]:.{0 if scale > 1 else 2}f}" for k in order)


def _as_json(tagger: Tagger, path: str, means: np.ndarray, ranks: np.ndarray | None) -> dict:
    values = {name: round(float(value), 6) for name, value in zip(tagger.class_names, means, strict=True)}
    record = {"path": printable(path), "uri": file_uri(str(Path(path).absolute())), "values": values}
    if ranks is not None:
        record["ranks"] = {name: round(float(r), 4) for name, r in zip(tagger.class_names, ranks, strict=True)}
    return record
