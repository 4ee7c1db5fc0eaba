"""Make the tables of RESULTS.md from the folders that filmscore_cnn.py wrote.

Usage: python examples/filmscore_tables.py TITLE=FOLDER[,FOLDER...] ...  (Markdown on standard output)

Several folders of one title are runs with different seeds, and so different splits: their mean, the lowest and highest
where it says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from filmscore import published

Runs = Sequence[dict[str, Any]]
LRAP = "label_ranking_average_precision"
OVERVIEW = (
    "run",
    "runs",
    "ROC-AUC, window",
    "ROC-AUC, track (lowest to highest)",
    "F1, track",
    "F1, prior",
    "LRAP, track",
    "LRAP, prior",
    "coverage error, track",
    "prior",
    "best possible",
)
CLASSES = (
    "class",
    "F1, window",
    "F1, track",
    "F1, track, prior",
    "ROC-AUC, window",
    "ROC-AUC, track",
    "published F1",
)


def main(arguments: list[str]) -> int:
    if not arguments or any("=" not in argument for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    results: dict[str, Runs] = {}
    for argument in arguments:
        title, _, folders = argument.partition("=")
        paths = [Path(folder) / "results.json" for folder in folders.split(",")]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            print(f"filmscore_tables: {missing[0]}: no such file. Run filmscore_cnn.py --out first.", file=sys.stderr)
            return 2
        try:
            results[title] = [read_results(path) for path in paths]
        except ValueError as error:
            print(f"filmscore_tables: {error}", file=sys.stderr)
            return 2
    print("\n\n".join([overview(results), *(classes(title, runs) for title, runs in results.items())]))
    return 0


def read_results(path: Path) -> dict[str, Any]:
    """Read what filmscore_cnn.py wrote about a run; ValueError when no table can be made of it."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        overview({"": [results]}), classes("", [results])
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"[:200]
        raise ValueError(f"{path}: expected results of filmscore_cnn.py ({said}). Run it again.") from error
    return results


def overview(results: dict[str, Runs]) -> str:
    """Return a table with a row for each title: macro figures over the evaluable classes, rankings over all."""
    rows = []
    for title, runs in results.items():
        auc = [run["track"]["macro"]["roc_auc"] for run in runs]
        rows.append(
            (
                title,
                str(len(runs)),
                mean([run["window"]["macro"]["roc_auc"] for run in runs]),
                mean(auc) + (f" ({min(auc):.3f} to {max(auc):.3f})" if len(runs) > 1 else ""),
                mean([run["track"]["macro"]["f1"] for run in runs]),
                mean([run["prior_track"]["macro"]["f1"] for run in runs]),
                mean([run["track"][LRAP] for run in runs]),
                mean([run["prior_track"][LRAP] for run in runs]),
                mean([run["track"]["coverage_error"] for run in runs]),
                mean([run["prior_track"]["coverage_error"] for run in runs]),
                mean([run["track"]["best_coverage_error"] for run in runs]),
            )
        )
    return table(OVERVIEW, rows)


def classes(title: str, runs: Runs) -> str:
    """Return a table with a row for each class, over the runs that could judge it."""
    rows = []
    for name, value in published.F1_CONVOLUTIONAL.items():
        judged = [run for run in runs if name in run["track"]["classes"]]
        figures = [
            mean([run[part]["classes"][name][metric] for run in judged]) if judged else "not evaluable"
            for part, metric in (
                ("window", "f1"),
                ("track", "f1"),
                ("prior_track", "f1"),
                ("window", "roc_auc"),
                ("track", "roc_auc"),
            )
        ]
        rows.append((name, *figures, f"{value:.3f}"))
    return f"**{title}**\n\n" + table(CLASSES, rows)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
