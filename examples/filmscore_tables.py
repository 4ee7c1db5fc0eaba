"""Make the tables of RESULTS.md from the folders that filmscore_cnn.py wrote.

Usage: python examples/filmscore_tables.py TITLE=FOLDER ...  (Markdown on standard output)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from filmscore import published

Results = dict[str, dict[str, Any]]


def main(arguments: list[str]) -> int:
    if not arguments or any("=" not in argument for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    results: Results = {}
    for argument in arguments:
        title, _, folder = argument.partition("=")
        path = Path(folder) / "results.json"
        if not path.is_file():
            print(
                f"filmscore_tables: {path}: no such file. Run filmscore_cnn.py --out {folder} first.", file=sys.stderr
            )
            return 2
        results[title] = json.loads(path.read_text(encoding="utf-8"))
    print("\n\n".join([overview(results), *(classes(title, result) for title, result in results.items())]))
    return 0


def overview(results: Results) -> str:
    """A row for each run: macro figures over the evaluable classes, rankings over all."""
    rows = [
        "| run | windows (training / test) | kept epoch | ROC-AUC, window | ROC-AUC, track | F1, window (prior) |"
        " F1, track (prior) | LRAP, track (prior) | coverage error, track (prior; best) |",
        "|---" * 9 + "|",
    ]
    for title, result in results.items():
        window, track, prior = result["window"], result["track"], result["prior_track"]
        sizes = result["windows"]
        lrap = "label_ranking_average_precision"
        cells = [
            title,
            f"{sizes['train']:,} / {sizes['test']:,}",
            result["kept_epoch"],
            figure(window["macro"]["roc_auc"]),
            figure(track["macro"]["roc_auc"]),
            f"{figure(window['macro']['f1'])} ({figure(result['prior_window']['macro']['f1'])})",
            f"{figure(track['macro']['f1'])} ({figure(prior['macro']['f1'])})",
            f"{figure(track[lrap])} ({figure(prior[lrap])})",
            f"{track['coverage_error']:.2f} ({prior['coverage_error']:.2f}; {track['best_coverage_error']:.2f})",
        ]
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def classes(title: str, result: dict[str, Any]) -> str:
    """A row for each class of one run."""
    rows = [
        f"**{title}**\n",
        "| class | F1, window | F1, track | F1, track, prior | ROC-AUC, window | ROC-AUC, track | published F1 |",
        "|---" * 7 + "|",
    ]
    for name, value in published.F1_CONVOLUTIONAL.items():
        if name not in result["track"]["classes"]:
            rows.append(f"| {name} | not evaluable on this corpus and split | | | | | {value:.3f} |")
            continue
        window, track, prior = (result[part]["classes"][name] for part in ("window", "track", "prior_track"))
        figures = (window["f1"], track["f1"], prior["f1"], window["roc_auc"], track["roc_auc"], value)
        rows.append(f"| {name} | " + " | ".join(map(figure, figures)) + " |")
    return "\n".join(rows)


def figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
