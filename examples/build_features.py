"""Turn a folder of audio and its tags into memory-mapped tiles that networks train on.

    python examples/build_features.py corpus --out features             # the games, as fetch_corpus.py brought them
    python examples/build_features.py films --films --hop-frames 20 --out features-films    # the films
    python examples/build_features.py MUSIC --tags TAGS.csv --out DIR   # your own: a CSV with the columns path,tags

TAGS.csv has a row for each file: `path` below the folder, `tags` separated by semicolons, and if you like `soundtrack`
and `game` (or film): what belongs together when data is split. Windows of 9.3 s become tiles of 40 MFCCs x 100 frames;
silent windows are left out. Windows do not overlap: what is left at the end of a recording is no window. Where
recordings are short, --hop-frames takes more windows of them: an excerpt of 15 s holds one window, with --hop-frames 20
(a window every 1.9 s) it holds four. --set changes the recipe, and what a tile is made of:

    --fmax 9500                                            # MFCCs of what lies below 9,500 Hz
    --set output=log_mel --set n_mels=64                   # 64 log-mel bands x 100 frames
    --set output=log_mel --set n_mels=128 --set n_fft=1024 --frames 200    # 128 x 200
    --set output=log_spectrum                              # 1,025 bins of the log-power spectrum x 100

Work is done over all cores, and again only where a file or a setting changed. A file that
cannot be read is reported, and the rest is done.
"""

import argparse
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from tqdm import tqdm

import mfcc
import nnlite
from filmscore import corpus
from filmscore.corpus import GENRES, ManifestError, Track
from filmscore.features import pool
from filmscore.features.assemble import assemble
from filmscore.features.extract import TrackJob, TrackResult, extract, part_path
from filmscore.recording import Settings
from mfcc.command.options import knob


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    try:
        tracks = read_tracks(options)
    except (ManifestError, OSError) as error:
        sys.exit(f"build_features: {error}")
    absent = [] if options.tags is not None else [t for t in tracks if not (options.audio / t.files[0]).is_file()]
    tracks = [track for track in tracks if track not in absent]
    if absent:
        print(f"{len(absent)} tracks of the corpus are not in {options.audio}; fetch_corpus.py brings them")
    if not tracks:
        sys.exit(f"build_features: no track of the corpus is in {options.audio}. Is it the folder of fetch_corpus.py?")

    began = time.perf_counter()
    results = run(tracks, options)
    seconds = time.perf_counter() - began
    good = [track for track in tracks if results[track.id].n_tiles]
    errors = [{"track": t.id, "error": results[t.id].error} for t in tracks if results[t.id].error]
    if not good:
        sys.exit(f"build_features: no track gave a tile; the first error: {errors[0]['error']}")
    counts = [results[track.id].n_tiles for track in good]
    about = {"class_names": options.classes, "versions": versions(), "errors": errors}
    assemble(options.out, options.out / "parts", good, counts, settings(options), options.dtype, about)
    print_report(good, list(results.values()), seconds, options)
    return 1 if errors else 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("audio", type=Path, help="the folder with the recordings")
    add("--tags", type=Path, metavar="CSV", help="table of files and their tags (default: the manifest of the games)")
    add("--films", action="store_true", help="the films, as fetch_corpus.py --films brought them")
    add("--tier", choices=corpus.TIERS, default="study", help="how much of the games (%(default)s)")
    add("--manifest", type=Path, metavar="DIR", help="another manifest than the project's")
    add("--out", type=Path, default=Path("features"), metavar="DIR", help="where the features go (%(default)s)")
    add("--classes", default=",".join(GENRES), metavar="A,B,C", help="class names in their order (the ten film genres)")
    add("--dtype", choices=("float32", "int16"), default="float32", help="how tiles are stored (%(default)s)")
    add("--set", action="append", default=[], dest="knobs", metavar="KNOB=VALUE", help="change a knob of the recipe")
    add("--fmax", type=float, metavar="HZ", help="upper edge of the mel bands: the same as --set fmax=HZ")
    add("--frames", type=int, default=100, metavar="N", help="frames of a tile (%(default)s)")
    add("--hop-frames", type=int, metavar="N", help="frames from one tile to the next (as --frames: no overlap)")
    add("--silence", type=float, default=-60.0, metavar="DBFS", help="leave out windows below this level (%(default)s)")
    add(
        "--loudness",
        type=number_or_none,
        default=-20.0,
        metavar="DBFS",
        help="loudness (RMS) to which tracks are brought, or none (%(default)s)",
    )
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (%(default)s)")
    options = parser.parse_args(argv)
    options.classes = corpus.split_list(options.classes.replace(",", ";"))
    if not options.audio.is_dir():
        parser.error(f"audio: expected a folder of recordings, found none at {options.audio}")
    options.hop_frames = options.frames if options.hop_frames is None else options.hop_frames
    if min(options.frames, options.hop_frames, options.processes) < 1:
        parser.error("--frames, --hop-frames and --processes: expected at least 1")
    try:
        fmax = {} if options.fmax is None else {"fmax": options.fmax}
        options.recipe = mfcc.FILMSCORE.replace(**fmax | dict(map(knob, options.knobs)))
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    return options


def read_tracks(options: argparse.Namespace) -> list[Track]:
    if options.tags is not None:
        return corpus.read_tags(options.tags, options.classes)
    manifest = options.manifest or (corpus.FILMS if options.films else corpus.GAMES)
    return corpus.read_tracks(manifest, "full" if options.films else options.tier)


def number_or_none(text: str) -> float | None:
    return None if text == "none" else float(text)


def settings(options: argparse.Namespace) -> Settings:
    return Settings(options.recipe, options.frames, options.hop_frames, options.silence, options.loudness)


def run(tracks: Sequence[Track], options: argparse.Namespace) -> dict[str, TrackResult]:
    """Extract the tracks, print errors as they come, and return the results by track, in the order of the tracks."""
    chosen = settings(options)
    jobs = [TrackJob(track, options.audio, part_path(options.out / "parts", track), chosen) for track in tracks]
    jobs.sort(key=lambda job: -(job.track.use_s or 0))  # long ones first: all processes end at about the same time
    results = {}
    with tqdm(total=len(jobs), desc="tracks", unit="track", disable=None) as bar:
        for result in pool.run(
            extract, jobs, options.processes, lambda job, error: TrackResult(job.track.id, error=error)
        ):
            results[result.track] = result
            bar.update()
            if result.error:
                tqdm.write(f"  {result.error}")
    return {track.id: results[track.id] for track in tracks}


def versions() -> dict[str, str]:
    return {
        "nnlite": nnlite.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "soundfile": soundfile.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
        "soxr": soxr.__version__,
    }


def print_report(good: list[Track], results: list[TrackResult], seconds: float, options: argparse.Namespace) -> None:
    hours = sum(result.seconds for result in results) / 3600
    fresh_s = sum(result.seconds for result in results if not result.resumed)
    n_tiles, n_silent = sum(r.n_tiles for r in results), sum(r.n_silent for r in results)
    print(f"{n_tiles} tiles of {len(good)} tracks, {hours:.1f} h of audio, written to {options.out}")
    print(f"{n_silent} silent windows left out, {len(results) - len(good)} tracks failed")
    if fresh_s:
        rate = f"{fresh_s / seconds:.0f} times real time"
        print(f"{fresh_s / 3600:.1f} h extracted in {seconds:.0f} s on {options.processes} processes, {rate}")
    tiles_of = {result.track: result.n_tiles for result in results}
    unit = "film" if options.films else "game"
    for title, key in (("class", lambda t: t.tags), (unit, lambda t: (t.game,))):
        tiles: Counter[str] = Counter()
        tracks: Counter[str] = Counter()
        for track in good:
            for name in key(track):
                tiles[name] += tiles_of[track.id]
                tracks[name] += 1
        names = options.classes if title == "class" else [name for name, _ in tiles.most_common()]
        print(f"\n{title:<24}{'tiles':>8}{'tracks':>8}")
        print(*(f"{name[:23]:<24}{tiles[name]:>8}{tracks[name]:>8}" for name in names), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
