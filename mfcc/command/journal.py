"""A file with the result of each recording, so that the next run does only the rest."""

from __future__ import annotations

import json
import os
from typing import Any

from mfcc.command.extraction import Settings, identity

JOURNAL = "mfcc.jsonl"


class Journal:
    """The entries of `extract`, one JSON object a line: the last one of a name counts. A context manager."""

    def __init__(self, folder: str) -> None:
        self.folder, self.path = folder, os.path.join(folder, JOURNAL)
        self._entries: dict[str, dict[str, Any]] = {}
        whole = True
        try:
            with open(self.path, encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    whole = line.endswith("\n")
                    self._note(line)
        except FileNotFoundError:
            pass
        self._file = open(self.path, "a", encoding="utf-8")
        if not whole:  # the run was killed while it wrote
            self._file.write("\n")

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, entry: dict[str, Any]) -> None:
        """Append an entry."""
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        self._entries[entry["name"]] = entry

    def is_up_to_date(self, source: str, name: str, settings: Settings) -> bool:
        """Return whether the files of a recording exist, made from its present content with these settings."""
        entry = self._entries.get(name, {})
        wanted: dict[str, Any] = {"status": "done", **identity(source), "settings": settings.to_dict()}
        same = wanted["size"] is not None and all(entry.get(key) == value for key, value in wanted.items())
        return same and all(os.path.exists(path) for path in settings.outputs(os.path.join(self.folder, name)))

    def _note(self, line: str) -> None:
        try:
            entry = json.loads(line)
            self._entries[str(entry["name"])] = entry
        except (ValueError, TypeError, KeyError, RecursionError):
            pass  # a line that a killed run left unfinished, or that a disk has damaged
