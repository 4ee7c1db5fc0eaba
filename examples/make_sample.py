"""Choose the sample of real tiles that ships with the project, out of the corpus's features.

    python examples/make_sample.py features --out examples/data/sample

Tracks are chosen for balanced classes and over as many games as there are; each gives the same number of windows, in
8 bits. What the example tags as never heard is left out with its whole soundtrack. The result is a feature folder like
any other; its tracks.csv names each track's authors and licence.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from filmscore.corpus import Track
from filmscore.features import Features, FeaturesError, load_features
from filmscore.features.coding import Coding
from filmscore.features.folder import write_tables
from filmscore.features.selection import balanced_tracks, spread_windows
from filmscore.files import replace_file

NEVER_HEARD = ("renpy-thequestion", "tumikifighters-ost")  # soundtracks of the recordings in examples/data


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    try:
        features = load_features(options.features)
    except FeaturesError as error:
        sys.exit(f"make_sample: {error}")
    candidates = long_enough(features, options.windows, options.least)
    candidates = [track for track in candidates if track.soundtrack not in options.exclude]
    if not candidates:
        sys.exit(f"make_sample: no track in {options.features} has {options.least} windows. Lower --least.")
    rng = np.random.default_rng(options.seed)
    tracks = balanced_tracks(candidates, options.tracks, options.tracks_per_game, rng)
    rows = spread_windows(features, tracks, options.windows)
    values = np.asarray(features.tiles[rows])
    coding = Coding.spanning(values.min(axis=(0, 2, 3)), values.max(axis=(0, 2, 3)), "uint8")
    codes = coding.encode(values)
    write(options.out, features, tracks, rows, coding, codes)
    print_report(options.out, features, tracks, rows, values, coding.decode(codes))
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("features", type=Path, help="a folder that build_features.py wrote, with tiles in float32")
    add("--out", type=Path, default=Path("sample"), metavar="DIR", help="where the sample goes (%(default)s)")
    add("--tracks", type=int, default=400, metavar="N", help="how many tracks at most (%(default)s)")
    add("--windows", type=int, default=8, metavar="N", help="windows of each track (%(default)s)")
    add(
        "--least",
        type=int,
        default=5,
        metavar="N",
        help="take tracks with so few windows from games that have no longer ones (%(default)s)",
    )
    add("--tracks-per-game", type=int, default=30, metavar="N", help="tracks of one game at most (%(default)s)")
    add(
        "--exclude", nargs="*", default=NEVER_HEARD, metavar="SOUNDTRACK", help="soundtracks to leave out (%(default)s)"
    )
    add("--seed", type=int, default=0, help="seed of the choice among equals (%(default)s)")
    return parser.parse_args(argv)


def long_enough(features: Features, windows: int, least: int) -> list[Track]:
    """Return tracks with at least `windows` windows; from games that have none, tracks with at least `least`."""
    counts = np.bincount(features.track_of_tile, minlength=len(features.tracks))
    counted = list(zip(features.tracks, counts.tolist(), strict=True))
    games = {track.game for track, n in counted if n >= windows}
    return [track for track, n in counted if n >= (least if track.game not in games else windows)]


def write(
    out: Path, features: Features, tracks: list[Track], rows: np.ndarray, coding: Coding, codes: np.ndarray
) -> None:
    """Write the folder; features.json is removed first and written last."""
    (out / "features.json").unlink(missing_ok=True)
    with replace_file(out / "tiles.npz") as file:
        np.savez_compressed(file, tiles=codes)
    index = ((features.tracks[features.track_of_tile[i]], features.start_s[i], features.level_dbfs[i]) for i in rows)
    description = {name: features.description[name] for name in ("class_names", "versions", "recipe", "options")}
    write_tables(out, tracks, index, description | {"coding": asdict(coding), "errors": []})


def print_report(
    out: Path, features: Features, tracks: list[Track], rows: np.ndarray, values: np.ndarray, decoded: np.ndarray
) -> None:
    size = sum(path.stat().st_size for path in out.iterdir() if path.is_file())
    games = {track.game for track in tracks}
    print(f"{len(values)} tiles of {len(tracks)} tracks of {len(games)} games, {size / 1e6:.2f} MB in {out}")
    error, spread = (decoded - values).std(axis=(0, 2, 3)), values.std(axis=(0, 2, 3))
    worst = np.abs(decoded - values).max(axis=(0, 2, 3)) / spread
    print(
        f"8 bits: the error's standard deviation is {100 * np.mean(error / spread):.1f} % of the coefficient's "
        f"({100 * np.max(error / spread):.1f} % at most), a value is off by {100 * worst.max():.1f} % of it at most"
    )
    print(f"\n{'class':<24}{'tiles':>8}{'tracks':>8}{'games':>8}")
    for name, n_tiles in zip(features.class_names, features.labels[rows].sum(axis=0), strict=True):
        own = [track for track in tracks if name in track.tags]
        print(f"{name:<24}{n_tiles:>8}{len(own):>8}{len({track.game for track in own}):>8}")


if __name__ == "__main__":
    sys.exit(main())
