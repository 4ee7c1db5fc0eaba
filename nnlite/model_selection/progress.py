"""A line of progress: how many are done, of how many, and when the rest will be."""

import time
from typing import TextIO

from nnlite.checks import shown


class Progress:
    """A line that is rewritten on a terminal; elsewhere, in a log file for instance, a new line at most every 10 s.

    Parameters
    ----------
    who : str
        Begin of the line.
    total : int
        Number of trials or tasks.
    known : int
        Number of them that were known at the start.
    stream : text stream or None
        None writes nothing.
    """

    def __init__(self, who: str, total: int, known: int, stream: TextIO | None) -> None:
        if stream is not None and not hasattr(stream, "write"):
            raise TypeError(f"{who}: progress: expected a text stream such as sys.stderr or None, got {shown(stream)}.")
        self._who, self._total, self._known, self._stream = who, total, known, stream
        self._done = self._known
        self._failed = 0
        self._best: float | None = None
        self._start = time.monotonic()
        self._last_line = -float("inf")
        self._terminal = stream is not None and stream.isatty()
        if stream is not None and known:
            stream.write(f"{who}: {known} of {total} from the journal\n")

    def known(self, *, failed: bool, score: float | None = None) -> None:
        """Count what an earlier run found; `score` is None when there is nothing to compare."""
        self._note(score, failed)

    def count(self, *, failed: bool, score: float | None = None, was_there: bool = False) -> None:
        """Count one that is finished, and write; one that `was_there` took no time to speak of."""
        self._note(score, failed)
        self._done += 1
        self._known += was_there
        now = time.monotonic()
        if self._stream is None:
            return
        if self._terminal:
            self._stream.write("\r\x1b[K" + self.line(now))
        elif now - self._last_line >= 10 or self._done == self._total:
            self._stream.write(self.line(now) + "\n")
            self._last_line = now
        self._stream.flush()

    def finish(self) -> None:
        """End the line on a terminal."""
        if self._stream is not None and self._terminal and self._done > self._known:
            self._stream.write("\n")
            self._stream.flush()

    def line(self, now: float) -> str:
        """Return the text of the line at the monotonic time `now` [s]."""
        parts = [f"{self._who}: {self._done} of {self._total}"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._best is not None:
            parts.append(f"best {self._best:.4g}")
        new = self._done - self._known
        elapsed = now - self._start
        if self._done < self._total and new:
            parts.append(f"done in about {duration(elapsed / new * (self._total - self._done))}")
        elif self._done == self._total:
            parts.append(f"in {duration(elapsed)}")
        return ", ".join(parts)

    def _note(self, score: float | None, failed: bool) -> None:
        self._failed += failed
        if score is not None and (self._best is None or score > self._best):
            self._best = score


def duration(seconds: float) -> str:
    """Return seconds as a person says them.

    Examples
    --------
    >>> duration(42.4), duration(600), duration(10000)
    ('42 s', '10 min', '2 h 47 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
