"""`shortlist`: the tracks that the user has chosen, in order, with notes; kept in the library."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from filmscore.agent import export, references, shortlist, tables
from filmscore.agent.commands import common
from filmscore.agent.library import Library
from mfcc.sound.errors import printable
from nnlite.serialization import atomic_write

HELP = "chosen tracks in an order of your own, with notes: star, move, write, export"
EXAMPLES = """\
filmscore shortlist "cue 12" "cue 7"
filmscore shortlist "cue 12" --note "for the chase"
filmscore shortlist --export chosen.m3u8 --relative"""
FORMATS = (*export.FORMATS, ".txt")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "tracks", nargs="*", metavar="TRACK", help="tracks to star: files, '#NUMBER' (in quotes), or words of a name"
    )
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--remove", action="store_true", help="remove these tracks instead")
    change.add_argument("--note", metavar="WORDS", help="write a note to the track, and star it; '' removes the note")
    change.add_argument(
        "--place", type=common.positive, metavar="N", help="move the track to this place; 1 is the first"
    )
    change.add_argument("--clear", action="store_true", help="remove all tracks")
    parser.add_argument(
        "--export", type=_path, metavar="FILE", help=f"write the list to a file that ends with {', '.join(FORMATS)}"
    )
    parser.add_argument(
        "--relative", action="store_true", help="in a playlist, name files as seen from the playlist's folder"
    )
    common.add_library(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    if options.clear and options.tracks:
        raise ValueError("shortlist: --clear removes all tracks; to remove some, use --remove")
    if options.remove and not options.tracks:
        raise ValueError("shortlist: --remove: expected a TRACK; --clear removes all")
    if (options.note is not None or options.place is not None) and len(options.tracks) != 1:
        raise ValueError("shortlist: --note and --place are for one TRACK")
    if options.relative and (options.export is None or options.export.suffix.lower() != ".m3u8"):
        raise ValueError("shortlist: --relative is for --export FILE.m3u8")
    with Library.open(options.library) as library:
        numbers = [references.resolve(library, text).id for text in options.tracks]
    _change(options, numbers)
    with Library.open(options.library) as library:
        return _show(options, library)


def _change(options: argparse.Namespace, numbers: list[int]) -> None:
    if options.clear:
        shortlist.unstar(options.library, None)
    elif options.remove:
        shortlist.unstar(options.library, numbers)
    elif numbers:
        shortlist.star(options.library, numbers, note=options.note, place=options.place)


def _show(options: argparse.Namespace, library: Library) -> int:
    entries = shortlist.read(library)
    found = list(library.tracks_of([entry.track for entry in entries]))
    labels = library.labels()
    records = [
        {"place": place, "note": entry.note} | export.as_record(library, track, labels)
        for place, (entry, track) in enumerate(zip(entries, found, strict=True), 1)
    ]
    present = [track for track in found if not track.missing]
    short = dict(zip(present, tables.short_paths([track.path for track in present]), strict=True))
    rows = [
        [
            str(record["place"]),
            short.get(track) or f"{printable(track.name) or f'#{track.id}'} (gone)",
            tables.clock(track.duration_s),
            str(record["note"]),
        ]
        for record, track in zip(records, found, strict=True)
    ]
    if options.export:
        form = options.export.suffix.lower()
        folder = os.path.dirname(os.path.abspath(options.export)) if options.relative else None
        if form == ".m3u8":
            text = export.playlist(present, folder)
        elif form == ".txt":
            lines = [f"{place}. {name} ({length}) {note}".rstrip() for place, name, length, note in rows]
            text = "".join(f"{line}\n" for line in lines)
        else:
            text = export.as_text(records, form)
        with atomic_write(options.export) as file:
            file.write(text.encode())
        kept = present if form == ".m3u8" else found
        left_out = f", {len(found) - len(kept)} whose files are gone left out" if len(kept) < len(found) else ""
        print(f"wrote {options.export}: {len(kept)} tracks{left_out}", file=sys.stderr)
    if options.json:
        common.print_json(records)
    elif rows:
        print(tables.table(["", "track", "length", "note"], rows, wide=1))
    else:
        print("the shortlist is empty: filmscore shortlist TRACK stars one")
    return 0


def _path(text: str) -> Path:
    if Path(text).suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text}: expected a name that ends with {', '.join(FORMATS)}")
    return Path(text)
