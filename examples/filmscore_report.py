"""Run or resume the whole study, and write RESULTS.md with its tables and pictures.

    python examples/fetch_corpus.py --out corpus
    python examples/filmscore_report.py --corpus corpus --out study --processes 2

With the recordings of films beside it (`fetch_corpus.py --films CHECKOUT --out films`) it judges real film scores too,
and makes the models that tag recordings: the one that comes with the project, and one that learned from films:

    python examples/filmscore_report.py --corpus corpus --films films --out study --only films --model with-films.npz

Every model is trained on the same six folds, so that each track is judged once by a network that never heard it; split
by game, and for the difference that it makes also by track and by window. What is finished is kept in a journal: stop
it whenever you like and run it again. `--only over-time`, `--only published-run` (655 epochs, which take long) and
`--only films` do one section of RESULTS.md, each with a journal of its own.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import build_features

from filmscore.corpus import FILMS, read_tracks
from filmscore.features import load_features
from filmscore.files import sha256
from filmscore.study import films as film_study
from filmscore.study import over_time, published_run, report, share_study, shipping, trials
from filmscore.study.folds import N_FOLDS, stored_folds
from filmscore.study.models import FEATURES, LADDER, LINEAR, LONG, MODELS, MODULATION, MOVEMENT, OVER_TIME, TORCH, TRIED
from nnlite.model_selection import run_tasks
from nnlite.model_selection.execution import Workers

BANDS_HZ = (11025.0, 9500.0)
SPLITS = ("game", "track", "window")
COMMANDS = (
    "python examples/fetch_corpus.py --out corpus",
    "python examples/fetch_corpus.py --films CHECKOUT --out films",
    "python examples/filmscore_report.py --corpus corpus --films films --out study --only films",
)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    out: Path = options.out.resolve()  # workers may have another current folder
    out.mkdir(parents=True, exist_ok=True)
    parts = [PARTS[options.only]] if options.only else [*PARTS.values()]
    written: list[Path] = []
    for part in parts:
        found = part(options, out)
        if found is None:
            return 1
        written += [path for path in found if path not in written]
    print(f"wrote {', '.join(map(str, written))}")
    return 0


def study(options: argparse.Namespace, out: Path) -> list[Path] | None:
    """Train and judge the models of the study on every split; return the files of the pictures."""
    folders = {str(hz): made_features(str(hz), f"features-{hz:.0f}", options, out) for hz in BANDS_HZ}
    features = load_features(folders[str(BANDS_HZ[0])])
    hashes = {by: stored_folds(out / f"folds-{by}.json", features, by)[1] for by in SPLITS}
    work = functools.partial(trials.run, features=in_words(folders), out=str(out))
    if not trained(work, study_tasks(options.seeds, options.torch), folders, hashes, out / "journal.jsonl", options):
        return None

    # Tables and pictures between the markers of RESULTS.md; the words around them are written by hand.
    pictures = report.pictures_beside(options.results)
    blocks = report.make_blocks(features, out, hashes, pictures, options.seeds, options.torch)
    report.write(options.results, blocks)
    return [options.results, *sorted(pictures.glob("*.png"))]


def networks_over_time(options: argparse.Namespace, out: Path) -> list[Path] | None:
    """Train and judge networks over time and other inputs, split by game, beside the convolutional network."""
    names = list(dict.fromkeys(model.features for model in OVER_TIME.values()))
    folders = {name: made_features(name, f"features-{name.removesuffix('.0')}", options, out) for name in names}
    features = {name: load_features(folder) for name, folder in folders.items()}
    hashes = {"game": stored_folds(out / "folds-game.json", features[names[0]], "game")[1]}
    done = [] if options.only else study_tasks(options.seeds, options.torch)
    tasks = [task for task in over_time.tasks() if task not in done]
    work = functools.partial(trials.run, features=in_words(folders), out=str(out))
    if not trained(work, tasks, folders, hashes, out / "journal-over-time.jsonl", options):
        return None
    report.write(options.results, over_time.blocks(features, out))
    return [options.results]


def long_run(options: argparse.Namespace, out: Path) -> list[Path] | None:
    """Train the published network for all of the published epochs; an interrupted training goes on where it was."""
    folder = made_features(str(BANDS_HZ[0]), f"features-{BANDS_HZ[0]:.0f}", options, out)
    features = load_features(folder)
    hashes = {by: stored_folds(out / f"folds-{by}.json", features, by)[1] for by, _ in published_run.RUNS}
    work = functools.partial(trials.run, features={str(BANDS_HZ[0]): str(folder)}, out=str(out))
    done = [] if options.only else study_tasks(options.seeds, options.torch)
    tasks = [task for task in published_run.tasks() if task not in done]
    if not trained(work, tasks, {str(BANDS_HZ[0]): folder}, hashes, out / "journal-published-run.jsonl", options):
        return None
    pictures = report.pictures_beside(options.results)
    report.write(options.results, published_run.blocks(features, out, pictures))
    return [options.results, *sorted(pictures.glob("published_run.png"))]


def film_scores(options: argparse.Namespace, out: Path) -> list[Path] | None:
    """Judge models of games, films and both on real films; write the taggers too, if they are asked for."""
    if options.films is None:
        return []
    names = list(dict.fromkeys(model.features for model in (MOVEMENT, MODULATION, LINEAR)))
    folders = {name: made_features(name, f"features-{name.removesuffix('.0')}", options, out) for name in names}
    of_films = {name: made_films(name, f"films-{name.removesuffix('.0')}", options, out) for name in names}
    games, films = ({name: load_features(folder) for name, folder in some.items()} for some in (folders, of_films))
    hashes = {"game": stored_folds(out / "folds-game.json", games[names[0]], "game")[1]}
    for by in ("game", "composer"):
        hashes[f"films-{by}"] = stored_folds(out / f"folds-films-{by}.json", films[names[0]], by)[1]
    done = [] if options.only else study_tasks(options.seeds, options.torch)
    tasks = [task for task in film_study.tasks() if task not in done]
    work = functools.partial(film_study.run, games=in_words(folders), films=in_words(of_films), out=str(out))
    digests = folders | {f"films {name}": folder for name, folder in of_films.items()}
    if not trained(work, tasks, digests, hashes, out / "journal-films.jsonl", options):
        return None
    blocks = film_study.blocks(games, films, out)
    blocks |= share_study.blocks(games, films, out, report.pictures_beside(options.results))
    report.write(options.results, blocks)
    written = [options.results]
    if options.free_model is not None:
        written += shipping.write_free(
            options.free_model, games, films, out, [*COMMANDS[:-1], COMMANDS[-1] + " --free-model FILE"]
        )
    if options.model is not None:
        written += shipping.write_of_films(
            options.model, games, films, out, [*COMMANDS[:-1], COMMANDS[-1] + " --model FILE"]
        )
    return written


PARTS = {"study": study, "over-time": networks_over_time, "published-run": long_run, "films": film_scores}


def made_features(name: str, folder: str, options: argparse.Namespace, out: Path) -> Path:
    """Return the folder of some of the features; it is made if it isn't there."""
    if not (out / folder / "features.json").is_file():
        asked = [str(options.corpus), "--out", str(out / folder), "--processes", str(options.processes)]
        build_features.main([*asked, *FEATURES[name]])
    return out / folder


def made_films(name: str, folder: str, options: argparse.Namespace, out: Path) -> Path:
    """Return the folder of some features of films, made if it is not there; windows overlap there."""
    if not (out / folder / "features.json").is_file():
        n = len(read_tracks(FILMS, "full"))
        asked = [str(options.films), "--films", "--out", str(out / folder), "--processes", str(options.processes)]
        frames = build_features.parse([*asked, *FEATURES[name]]).frames
        if build_features.main([*asked, *FEATURES[name], "--hop-frames", str(frames // 5)]):
            sys.exit(f"filmscore_report: --films {options.films}: not all of the {n} excerpts can be read, see above")
    return out / folder


def in_words(folders: dict[str, Path]) -> dict[str, str]:
    return {name: str(folder) for name, folder in folders.items()}


def trained(
    run: Callable[[dict], dict],
    tasks: list[dict],
    folders: dict[str, Path],
    hashes: dict[str, str],
    journal: Path,
    options: argparse.Namespace,
) -> bool:
    """Train every model on its folds, with a journal; print failures, and return whether there were none."""
    outcomes = run_tasks(
        run,
        tasks,
        executor=workers(options),
        journal=journal,
        context={"features": {name: digest(folder) for name, folder in folders.items()}, "folds": hashes},
        retry_failed=options.retry_failed,
        progress=sys.stderr,
    )
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in failed:
        print(f"failed: {outcome.task['model']} by {outcome.task['by']}, fold {outcome.task['fold']}: {outcome.error}")
    if failed:
        print(f"{len(failed)} of {len(outcomes)} trainings failed; --retry-failed runs them again", file=sys.stderr)
    return not failed


def workers(options: argparse.Namespace) -> Workers | None:
    """Return where networks are trained: on a cluster, in processes of one thread each, or in this process (None)."""
    if options.cluster is not None:
        from distributed import Client

        return Client(options.cluster).get_executor()
    if options.processes == 1:
        return None
    os.environ["NNLITE_NUM_THREADS"] = "1"  # as many networks at a time as there are processes
    return functools.partial(ProcessPoolExecutor, options.processes, mp_context=multiprocessing.get_context("spawn"))


def study_tasks(seeds: int, torch: bool) -> list[dict]:
    """Return all trainings of the study, the quick ones first."""
    folds = range(N_FOLDS)
    by_split = (MODELS["prior"], MODELS["logistic"], MODULATION, LONG)
    tasks = [trials.task(model, by, k) for model in by_split for by in SPLITS for k in folds]
    tasks += [trials.task(model, "game", k) for model in (*MODELS.values(), *LADDER.values()) for k in folds]
    tasks += [trials.task(model, "game", k) for model in TRIED.values() for k in report.CHOOSING]
    tasks += [trials.task(MODELS["cnn"], "game", k, seed) for seed in range(1, seeds) for k in report.CHOOSING]
    if torch:
        tasks += [trials.task(TORCH, "game", k) for k in report.CHOOSING]
    return list({str(task): task for task in tasks}.values())


def digest(folder: Path) -> str:
    """Return a hash of the files of a feature folder that training depends on."""
    names = ("tiles.npy", "index.csv", "tracks.csv")
    return " ".join(sha256(folder / name)[:16] for name in names)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--corpus", type=Path, default=Path("corpus"), metavar="DIR", help="recordings, from fetch_corpus.py")
    add("--out", type=Path, default=Path("study"), metavar="DIR", help="features, folds, journal, values (%(default)s)")
    add("--films", type=Path, metavar="DIR", help="recordings of films, from fetch_corpus.py --films")
    add("--only", choices=list(PARTS), help="one part of it; films needs --films")
    add("--results", type=Path, metavar="FILE", help="the RESULTS.md whose tables are made anew (OUT/RESULTS.md)")
    add("--model", type=Path, metavar="FILE", help="with --films: write a tagger that learned from films and games")
    add("--free-model", type=Path, metavar="FILE", help="with --films: write a tagger that learned from games alone")
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="trainings at a time (%(default)s)")
    add("--cluster", metavar="ADDRESS", help="train on a dask.distributed cluster whose workers see these files")
    add("--seeds", type=int, default=2, metavar="N", help="runs of the convolutional network by game (%(default)s)")
    add("--torch", action="store_true", help="the convolutional network in PyTorch too, for comparison; needs torch")
    add("--retry-failed", action="store_true", help="run again what the journal has as failed")
    options = parser.parse_args(arguments)
    if options.processes < 1 or options.seeds < 1:
        parser.error("--processes, --seeds: expected at least 1")
    if options.films is None:
        asked = {"--only films": options.only == "films", "--model": options.model, "--free-model": options.free_model}
        for name in (name for name, is_asked in asked.items() if is_asked):
            parser.error(f"{name}: expected --films DIR with it. fetch_corpus.py --films brings the recordings.")
    elif not options.films.is_dir():
        parser.error(f"--films: expected a folder of recordings, found none at {options.films}")
    if options.results is None:
        options.results = options.out / "RESULTS.md"
    return options


if __name__ == "__main__":
    sys.exit(main())
