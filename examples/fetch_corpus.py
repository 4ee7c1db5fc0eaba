"""Bring a corpus, as listed in filmscore/corpus: free music of games, or scores of films.

    python examples/fetch_corpus.py                    # games, with apt-get, no root: 3.8 GB, of which 2 GB stay
    python examples/fetch_corpus.py --tier small       # 0.5 GB to download: 12 h of music instead of 29 h
    python examples/fetch_corpus.py --tier full --checkouts DIR    # more games, also from repositories in DIR/NAME
    python examples/fetch_corpus.py --packages DIR     # from packages that you have; nothing is downloaded
    python examples/fetch_corpus.py --films FOLDER     # films, from your checkout of the repository that has them

Only the listed recordings are unpacked, nothing is installed, and each file is checked against its SHA-256. What is
there already is not fetched again: after a failure, run it once more. Games come from Debian packages and public
repositories, and their music is free. Scores of films are commercial: the recordings may be studied, but neither they
nor features of them may be passed on. A checkout is a work tree or a bare git directory; without it, the command that
brings it is printed.
"""

import argparse
import sys
from pathlib import Path

from filmscore import corpus
from filmscore.corpus import ManifestError, Recording, Source
from filmscore.fetching import Places, Report, fetch

MAX_LINES = 20


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    try:
        recordings = corpus.read_recordings(options.manifest, options.tier)
        sources = corpus.read_sources(options.manifest)
    except (ManifestError, OSError) as error:
        sys.exit(f"fetch_corpus: {error}")

    def checkout(source: Source) -> Path | None:
        if options.films is not None:
            return options.films
        return None if options.checkouts is None else options.checkouts / source.name

    report = fetch(recordings, sources, options.out, Places(options.packages, options.keep, checkout))
    print_report(report, recordings, options.out)
    return 1 if report.missing else 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="where the recordings go (corpus, or films)")
    add("--films", type=Path, metavar="FOLDER", help="bring the films, from this checkout of their repository")
    add("--tier", choices=corpus.TIERS, help="how much of the games (study: what RESULTS.md is about)")
    add("--checkouts", type=Path, metavar="DIR", help="a folder with the checkout of each repository, by its name")
    add("--packages", type=Path, metavar="DIR", help="take the .deb files of this folder instead of downloading")
    add("--keep", type=Path, metavar="DIR", help="keep downloaded packages here (otherwise each goes once unpacked)")
    add("--manifest", type=Path, metavar="DIR", help="another manifest than the project's")
    options = parser.parse_args(argv)
    films = options.films is not None
    if films and (options.checkouts is not None or options.packages is not None or options.tier is not None):
        parser.error("--films: all films come from one checkout. Leave out --tier, --checkouts and --packages.")
    options.out = options.out or Path("films" if films else "corpus")
    options.manifest = options.manifest or (corpus.FILMS if films else corpus.GAMES)
    options.tier = options.tier or ("full" if films else "study")
    if options.packages is not None and not options.packages.is_dir():
        parser.error(f"--packages: expected a folder of .deb files, found none at {options.packages}")
    if options.checkouts is not None and not options.checkouts.is_dir():
        parser.error(f"--checkouts: expected a folder of checkouts, found none at {options.checkouts}")
    return options


def print_report(report: Report, recordings: list[Recording], out: Path) -> None:
    there = [recording for recording in recordings if recording.path in report.sums]
    size = sum((out / recording.path).stat().st_size for recording in there)
    hours = sum(recording.use_s or 0 for recording in there) / 3600
    duration = f"{hours:.1f} h, " if hours else ""
    news = f"{report.fetched} new, {report.present} were there"
    print(f"{len(there)} of {len(recordings)} recordings, {duration}{size / 1e9:.2f} GB in {out} ({news})")
    for title, count, lines in (
        ("differ from the manifest", len(report.different), report.different),
        ("could not be had", report.n_missing, report.missing),
    ):
        if lines:
            print(f"{count} {title}:")
            print(*(f"  {line}" for line in lines[:MAX_LINES]), sep="\n")
        if len(lines) > MAX_LINES:
            print(f"  ... and {len(lines) - MAX_LINES} more")


if __name__ == "__main__":
    sys.exit(main())
