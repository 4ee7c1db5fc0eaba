"""Progress of a run, on a terminal or in a log file."""

from __future__ import annotations

import time
from typing import TextIO

from tqdm import tqdm


class Progress:
    """A bar on a terminal; in a log file a line now and then."""

    def __init__(self, total: int, stream: TextIO, every_s: float = 30.0) -> None:
        self._stream, self._total, self._every_s = stream, total, every_s
        self._done, self._said = 0, time.monotonic()
        self._bar = tqdm(total=total, unit="file", file=stream, disable=not stream.isatty(), leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def say(self, text: str) -> None:
        self._bar.clear()
        print(text, file=self._stream, flush=True)

    def step(self, failed: int) -> None:
        self._done += 1
        self._bar.update()
        self._bar.set_postfix(failed=failed)
        if not self._stream.isatty() and time.monotonic() - self._said >= self._every_s and self._done < self._total:
            self._said = time.monotonic()
            self.say(f"{self._done} of {self._total} files, {failed} failed")
