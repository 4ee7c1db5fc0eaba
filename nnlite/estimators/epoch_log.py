"""The log of a training: a line an epoch, and on a terminal a progress bar."""

import sys
from typing import Any, TextIO

HEADS = {"val_accuracy": "val accuracy", "val_roc_auc": "val AUC", "val_r2": "val R2"}


class EpochLog:
    """Lines of a table, one an epoch, that read the same in a terminal and in a log file.

    On a terminal a progress bar below them counts steps and tells when the run will end; in a file there is none.

    Parameters
    ----------
    max_epochs : int
    score_name : str or None
        Column of the history with a score of the validation samples.
    enabled : bool
    stream : file, optional
        Standard error by default.
    """

    def __init__(self, max_epochs: int, score_name: str | None, enabled: bool, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._enabled = enabled
        self._max_epochs = max_epochs
        self._bar: Any = None
        self._score_name = score_name
        self._steps = 0

    def __enter__(self) -> "EpochLog":
        if self._enabled:
            score = f"{'val loss':>10}  {HEADS[self._score_name]:>10}  " if self._score_name is not None else ""
            self._write(f"{'epoch':>9}  {'loss':>9}  {score}{'rate':>9}  {'samples/s':>9}  {'time':>7}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def step(self, done: int, steps: int, first_epoch: int, epoch: int) -> None:
        """Count one step of an epoch."""
        if not self._enabled or not self._stream.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm

            total = self._max_epochs * steps
            self._bar = tqdm(total=total, initial=first_epoch * steps, unit="step", file=self._stream, leave=False)
        self._bar.update(epoch * steps + done - self._bar.n)

    def epoch(self, row: dict[str, Any], samples_per_second: float, is_best: bool) -> None:
        """Write the line of an epoch: a row of the history."""
        if not self._enabled:
            return
        score = ""
        if self._score_name is not None:
            score = f"{row['val_loss']:>10.4f}  {row[self._score_name]:>10.4f}{'*' if is_best else ' '} "
        counted = f"{row['epoch'] + 1}/{self._max_epochs}"
        self._write(
            f"{counted:>9}  {row['loss']:>9.4f}  {score}{row['learning_rate']:>9.2g}  {samples_per_second:>9,.0f}"
            f"  {row['seconds']:>6.1f}s"
        )

    def message(self, text: str) -> None:
        """Write a line of another kind."""
        if self._enabled:
            self._write(text)

    def _write(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(line, file=self._stream)
        else:
            print(line, file=self._stream, flush=True)
