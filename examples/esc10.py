"""Classify the environmental sounds of ESC-10 on its five official folds, by the methods that were published with it:
k nearest neighbours, a linear support vector machine, a random forest (scikit-learn's), and a convolutional network.

Without --methods: the three that take seconds. A run that was interrupted goes on with the fold that it had reached.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from esc import baselines, piczak
from esc.clips import BRING, Clips, load_clips
from esc.judging import interval, votes_of_folds

import mfcc

LISTENERS = 95.7
METHODS = (*baselines.PUBLISHED, "short segments", "long segments")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"The clips: {BRING}")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="checkout of ESC-10")
    parser.add_argument(
        "--out", type=Path, default=Path("esc10"), metavar="FOLDER", help="votes (default: %(default)s)"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=[*baselines.PUBLISHED],
        metavar="METHOD",
        help=f"some of: {', '.join(METHODS)}",
    )
    parser.add_argument(
        "--seeds", type=int, choices=range(1, 100), default=3, metavar="N", help="runs of each (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        clips: dict[int, Clips] = {}
        for method in options.methods:
            sr = piczak.SR if method.endswith("segments") else baselines.SR
            if sr not in clips:
                clips[sr] = load_clips(options.data, sr)
            if method == options.methods[0]:
                print(f"{'':32}published   ours   95 % interval")
                print(f"{'chance':32}     10.0   10.0")
                print(f"{'listeners':32}     {LISTENERS}")
            judge(method, clips[sr], options.out, options.seeds)
    except (OSError, ValueError, mfcc.AudioError) as error:
        print(f"esc10: {error}", file=sys.stderr)
        return 2
    return 0


def judge(method: str, clips: Clips, out: Path, n_seeds: int) -> None:
    """Run a method with some seeds and print a line for each way to vote."""
    right: dict[str, list[np.ndarray]] = {}
    summaries = None if method.endswith("segments") else baselines.summaries(clips.samples)
    for seed in range(n_seeds):

        def predict(train: np.ndarray, test: np.ndarray, seed: int = seed) -> dict[str, np.ndarray]:
            if summaries is not None:
                return {"": baselines.predict(method, summaries, clips.labels, train, test, seed)}
            return piczak.predict(clips.samples, clips.labels, train, test, method.split()[0], seed)

        settings = baselines.SETTINGS if summaries is not None else piczak.SETTINGS
        name = f"{method.replace(' ', '-')}-{seed}"
        for way, votes in votes_of_folds(clips, out, name, settings, predict).items():
            right.setdefault(way, []).append(votes.argmax(axis=1) == clips.labels)
    for way, runs in right.items():
        known = piczak.PUBLISHED[method.split()[0], way] if way else baselines.PUBLISHED[method]
        share, (low, high) = np.mean(runs), interval(np.mean(runs, axis=0), clips.sources)
        name = f"{method}, {way}" if way else method
        print(f"{name:32}     {known:4.1f}   {100 * share:4.1f}   {100 * low:4.1f} to {100 * high:4.1f}")


if __name__ == "__main__":
    sys.exit(main())
