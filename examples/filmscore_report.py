"""Run or resume the whole study, and write RESULTS.md with its tables and pictures.

    python examples/fetch_corpus.py --out corpus
    python examples/filmscore_report.py --corpus corpus --out study --processes 2

Every model is trained on the same six folds, so that each track is judged once by a network that never heard it; split
by game, and for the difference that it makes also by track and by window. What is finished is kept in a journal: stop
it whenever you like and run it again.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import build_features

from filmscore.features import load_features
from filmscore.files import sha256
from filmscore.study import report, shipping, trials
from filmscore.study.folds import N_FOLDS, stored_folds
from filmscore.study.models import LADDER, LONG, MODELS, SHIPPED, TORCH, TRIED
from nnlite.model_selection import run_tasks
from nnlite.model_selection.execution import Workers

BANDS_HZ = (11025.0, 9500.0)
SPLITS = ("game", "track", "window")
COMMANDS = (
    "python examples/fetch_corpus.py --out corpus",
    "python examples/filmscore_report.py --corpus corpus --out study --model examples/models/filmscore.npz",
)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    out: Path = options.out.resolve()  # workers may stand elsewhere
    out.mkdir(parents=True, exist_ok=True)

    # Features for both widths of the mel bands, made once.
    folders = {str(hz): out / f"features-{hz:.0f}" for hz in BANDS_HZ}
    for hz, folder in folders.items():
        if not (folder / "features.json").is_file():
            asked = [str(options.corpus), "--out", str(folder), "--fmax", hz, "--processes", str(options.processes)]
            build_features.main(asked)
    features = load_features(folders[str(BANDS_HZ[0])])

    # The folds, and every model on every fold; the journal keeps what is done.
    hashes = {by: stored_folds(out / f"folds-{by}.json", features, by)[1] for by in SPLITS}
    tasks = study_tasks(options.seeds, options.torch)
    outcomes = run_tasks(
        functools.partial(trials.run, features={hz: str(folder) for hz, folder in folders.items()}, out=str(out)),
        tasks,
        executor=workers(options),
        journal=out / "journal.jsonl",
        context={"features": {hz: digest(folder) for hz, folder in folders.items()}, "folds": hashes},
        retry_failed=options.retry_failed,
        progress=sys.stderr,
    )
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in failed:
        print(f"failed: {outcome.task['model']} by {outcome.task['by']}, fold {outcome.task['fold']}: {outcome.error}")
    if failed:
        print(f"{len(failed)} of {len(outcomes)} trainings failed; --retry-failed runs them again", file=sys.stderr)
        return 1

    # Tables and pictures between the markers of RESULTS.md; the words around them are written by hand.
    written = report.write(options.results, features, out, hashes, options.seeds, options.torch)

    # The model that tags recordings, from all games.
    if options.model is not None:
        features = load_features(folders[str(SHIPPED.bands_hz)])
        paths = {k: trials.values_path(out, trials.task(SHIPPED, "game", k)) for k in range(N_FOLDS)}
        values = {k: trials.read_values(path) for k, path in paths.items()}
        found = report.Result(features, SHIPPED, values)
        fitted = shipping.train(SHIPPED, features, found.track_pieces)
        written += shipping.write(options.model, SHIPPED, fitted, features, found.track, COMMANDS)
    print(f"wrote {', '.join(map(str, written))}")
    return 0


def workers(options: argparse.Namespace) -> Workers | None:
    """Where networks are trained: on a cluster, in processes of one thread each, or here."""
    if options.cluster is not None:
        from distributed import Client

        return Client(options.cluster).get_executor()
    if options.processes == 1:
        return None
    os.environ["NNLITE_NUM_THREADS"] = "1"  # as many networks at a time as there are processes
    return functools.partial(ProcessPoolExecutor, options.processes, mp_context=multiprocessing.get_context("spawn"))


def study_tasks(seeds: int, torch: bool) -> list[dict]:
    """What there is to train, the cheap first."""
    folds = range(N_FOLDS)
    by_split = (MODELS["prior"], MODELS["logistic"], SHIPPED, LONG)
    tasks = [trials.task(model, by, k) for model in by_split for by in SPLITS for k in folds]
    tasks += [trials.task(model, "game", k) for model in (*MODELS.values(), *LADDER.values()) for k in folds]
    tasks += [trials.task(model, "game", k) for model in TRIED.values() for k in report.CHOOSING]
    tasks += [trials.task(MODELS["cnn"], "game", k, seed) for seed in range(1, seeds) for k in report.CHOOSING]
    if torch:
        tasks += [trials.task(TORCH, "game", k) for k in report.CHOOSING]
    return list({str(task): task for task in tasks}.values())


def digest(folder: Path) -> str:
    """Hash of what a training depends on in a folder of features."""
    names = ("tiles.npy", "index.csv", "tracks.csv")
    return " ".join(sha256(folder / name)[:16] for name in names)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--corpus", type=Path, default=Path("corpus"), metavar="DIR", help="recordings, from fetch_corpus.py")
    add("--out", type=Path, default=Path("study"), metavar="DIR", help="features, folds, journal, values (%(default)s)")
    add("--results", type=Path, metavar="FILE", help="the RESULTS.md whose tables are made anew (OUT/RESULTS.md)")
    add("--model", type=Path, metavar="FILE", help="train the study's tagger on all games too, and write it here")
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="trainings at a time (%(default)s)")
    add("--cluster", metavar="ADDRESS", help="train on a dask.distributed cluster whose workers see these files")
    add("--seeds", type=int, default=2, metavar="N", help="runs of the convolutional network by game (%(default)s)")
    add("--torch", action="store_true", help="the convolutional network in PyTorch too, for comparison; needs torch")
    add("--retry-failed", action="store_true", help="run again what the journal has as failed")
    options = parser.parse_args(arguments)
    if options.processes < 1 or options.seeds < 1:
        parser.error("--processes, --seeds: expected at least 1")
    if options.results is None:
        options.results = options.out / "RESULTS.md"
    return options


if __name__ == "__main__":
    sys.exit(main())
