"""The progress of long commands: a bar in a terminal, else a line now and then, from the first moment on."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

from filmscore.agent.tables import clock
from filmscore.agent.words import clean_lines

EVERY_S = 15.0
"""Time between two lines where there is no terminal [s]."""


class Progress:
    """The progress of a command on standard error; a context manager.

    Parameters
    ----------
    unit : str
        The name of what is counted, such as "files".
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self._bar: tqdm | None = None
        self._began = self._said = 0.0
        self._in_terminal = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def say(self, message: str) -> None:
        """Print a message."""
        print(clean_lines(message), file=sys.stderr, flush=True)

    def show(self, done: int, total: int, work_done: float, work: float) -> None:
        """Show how many of all are done, and the time that is left by the work in them, such as bytes of files."""
        now = time.monotonic()
        if not self._began:
            self._began = now
        if self._in_terminal:
            if self._bar is None:
                words = "{desc} {percentage:3.0f} % |{bar}| {elapsed}, {remaining} left"
                self._bar = tqdm(total=work or 1, bar_format=words, smoothing=0.02)
            self._bar.set_description_str(f"{done:,} of {total:,} {self.unit}", refresh=False)
            self._bar.update((work_done if work else 1) - self._bar.n)
        elif total and (not self._said or now - self._said >= EVERY_S or done == total):
            self._said = now
            left = (now - self._began) * (work - work_done) / work_done if work_done else None
            ahead = "" if left is None or done == total else f", about {clock(left)} left"
            self.say(f"{done:,} of {total:,} {self.unit}{ahead}")
