"""Search for hyper-parameters of the fully-connected network in three ways that cost the same, and compare them.

1. Exhaustive: all 27 combinations of the published example's learning rates, hidden units and batch sizes.
2. Random: 27 draws from ranges of the same width. Where one hyper-parameter hardly matters a grid tries the same values
   of the others again and again; random draws never do (Bergstra and Bengio 2012).
3. Successive halving: 81 draws for a few epochs, the best third of them for three times as many, and so on.

Candidates are compared on the validation tracks; what each way has found is judged on test tracks in the end. Every
trial is kept in a journal: stop it whenever you like and run it again. Without arguments: on the sample of real music
that comes with the project, in some minutes.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np

import nnlite as nn
from filmscore import plots
from filmscore.features.folder import write_table
from filmscore.files import replace_file, sha256
from filmscore.options import data_parser
from filmscore.runs import Data
from filmscore.searching import GRID, RANGES, evaluate, track_scores, train, trial_rows, trial_table, winner_table
from filmscore.tagging import about_model
from nnlite.model_selection import ParameterGrid, ParameterSampler, SearchResult, search, successive_halving

COLUMNS = ("method", *GRID, "epochs", "roc_auc", "lrap", "seconds", "error")
FACTOR = 3


def main(arguments: list[str] | None = None) -> int:
    parser = data_parser(__doc__, "filmscore-search")
    parser.add_argument("--epochs", type=int, default=18, help="epochs of a trial (default: %(default)s)")
    parser.add_argument("--draws", type=int, default=27, help="random candidates (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="trials at a time (default: one, on all cores)")
    parser.add_argument("--retry-failed", action="store_true", help="run again what the journals have as failed")
    options = parser.parse_args(arguments)
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    try:
        # The data: candidates are trained on one part and compared on the next; the test part waits for the end.
        data = Data.load(options)
        print(data.describe(options.split))

        # Processes that run trials, and all that the scores depend on.
        nn.set_threads(options.threads)
        workers = None
        if options.processes > 1:
            os.environ["NNLITE_NUM_THREADS"] = str(options.threads or 1)  # threads of each process
            spawn = multiprocessing.get_context("spawn")
            workers = functools.partial(ProcessPoolExecutor, options.processes, mp_context=spawn)
        asked = {"split": options.split, "split_seed": options.seed, "validation": options.validation}
        settings = {
            "evaluate": functools.partial(evaluate, features=str(options.features), epochs=options.epochs, **asked),
            "seed": options.seed,
            "executor": workers,
            "context": {path.name: sha256(path) for path in sorted(options.features.iterdir()) if path.is_file()},
            "retry_failed": options.retry_failed,
            "progress": sys.stderr,
        }

        # Three ways for the same number of epochs: each round of halving costs as much as the others.
        budgets = {"min_budget": max(1, options.epochs // FACTOR**2), "max_budget": options.epochs, "factor": FACTOR}
        drawn = ParameterSampler(RANGES, options.draws, np.random.default_rng(options.seed))
        many = ParameterSampler(RANGES, FACTOR * options.draws, np.random.default_rng(options.seed + 1))
        results = {
            "exhaustive": search(ParameterGrid(GRID), journal=out / "exhaustive.jsonl", **settings),
            "random": search(drawn, journal=out / "random.jsonl", **settings),
            "halving": successive_halving(many, journal=out / "halving.jsonl", **budgets, **settings),
        }
        print(f"\nthe best on the validation tracks\n{trial_table(results, rows=5)}\n")
        models = {name: winner(data, result) for name, result in results.items()}
    except (ValueError, OSError, RuntimeError) as error:  # unusable features, a journal of another search, all failed
        print(f"filmscore_search: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"filmscore_search: interrupted; the same command goes on with {out}", file=sys.stderr)
        return 130

    # The best of each way, judged on tracks that nothing before has used.
    tested = {name: track_scores(model, data, "test") for name, model in models.items()}
    print(f"what each has found\n{winner_table(results, tested)}\n")
    best = max(results, key=lambda name: results[name].best.score)
    print(f"the best of all by the validation tracks is from {best}: {results[best].best.candidate}")

    # Files: all trials, the best model, a picture.
    write_table(out / "trials.csv", COLUMNS, trial_rows(results))
    found = {
        name: {"candidate": result.best.candidate, "validation": result.best.score, "test": tested[name]._asdict()}
        for name, result in results.items()
    }
    with replace_file(out / "results.json") as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())
    features = data.features
    nn.save(out / "model.npz", models[best], **about_model(features))
    plots.search_progress(out / "search.png", results, f"three ways to search, split by {options.split}")
    print(f"wrote {out}: trials.csv, results.json, model.npz and a picture")
    return 0


def winner(data: Data, result: SearchResult) -> nn.NetworkClassifier:
    """Train the network of the best trial again: the same seed gives the same bits."""
    best = result.best
    return train(data, best.candidate, best.seed, best.details["epochs"])


if __name__ == "__main__":
    sys.exit(main())
