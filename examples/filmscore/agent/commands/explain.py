"""`explain`: the genres of a track over time."""

from __future__ import annotations

import argparse

from filmscore.agent import references, tables
from filmscore.agent.bands import bands_of, in_words
from filmscore.agent.commands import common
from filmscore.agent.explain import Genre, explain
from filmscore.agent.export import as_record
from filmscore.agent.library import Library
from mfcc.sound.errors import printable

HELP = "the genres of a track over time, and where it has them most"
EXAMPLES = """\
filmscore explain "cue 12"
filmscore explain '#12' --bands"""
CURVE = 32
"""Most columns of a curve."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "track", metavar="TRACK", help="a file of the library, '#NUMBER' (in quotes), or words of its name"
    )
    parser.add_argument("--bands", action="store_true", help="show also which bands of frequency speak for a genre")
    common.add_library(parser)
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library) as library:
        track = references.resolve(library, options.track)
        genres = explain(library, track)
        labels = library.labels()
        bands = bands_of(library, track) if options.bands else {}
        if options.json:
            starts = [round(float(start), 3) for start in library.windows(track).start_s]
            common.print_json(
                as_record(library, track, labels)
                | {
                    "start_s": starts,
                    "window_s": library.window_s,
                    "genres": [_as_json(genre) | _bands_json(bands, genre) for genre in genres],
                }
            )
            return 0
        words = " - ".join(filter(None, (track.artist, track.title, track.album)))
        print(f"#{track.id}  {printable(track.path)}" + (f"\n{words}" if words else ""))
        silent = f", {track.n_silent} more are silent" if track.n_silent else ""
        gone = "; the file was not there at the last scan" if track.missing else ""
        print(f"{tables.clock(track.duration_s)}, {track.n_windows} windows of {library.window_s:.1f} s{silent}{gone}")
        if track.id in labels:
            print(f"your labels: {', '.join(labels[track.id]) or 'none'}")
        rows = [
            [
                genre.name,
                f"{100 * genre.rank:.0f}",
                tables.curve(genre.curve, CURVE),
                ", ".join(f"{tables.clock(each.start_s)}-{tables.clock(each.end_s)}" for each in genre.stretches),
            ]
            for genre in genres
        ]
        print(tables.table(["genre", "rank", "over time", "most of it at"], rows, wide=2))
        print("rank: percent of the library's tracks that have less of it; over time: that of each window, 0 to 100")
        if bands:
            rows = [[genre.name, in_words(bands[genre.name]) or "none by itself"] for genre in genres]
            print("\n" + tables.table(["genre", "bands for (+) and against it (-)"], rows, wide=1))
            print("by how much the genre's log-odds fall when that range of frequency is hidden in the whole track")
    return 0


def _bands_json(bands: dict[str, dict[str, float]], genre: Genre) -> dict:
    return {"bands": {name: round(fall, 4) for name, fall in bands[genre.name].items()}} if bands else {}


def _as_json(genre: Genre) -> dict:
    return {
        "name": genre.name,
        "value": round(genre.value, 6),
        "rank": round(genre.rank, 4),
        "curve": [round(float(rank), 4) for rank in genre.curve],
        "stretches": [
            {"start_s": round(each.start_s, 3), "end_s": round(each.end_s, 3), "rank": round(each.rank, 4)}
            for each in genre.stretches
        ],
    }
