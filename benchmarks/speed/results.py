"""The file of results: JSON with the machine, the versions and all samples of each subject."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from nnlite.serialization import atomic_write

FORMAT, VERSION = "nnlite.benchmarks", 1


class ResultsError(ValueError):
    """A file of results that can't be used; the message says which, and why."""


def read(path: Path) -> dict[str, Any]:
    """The results in a file.

    Raises
    ------
    ResultsError
        If there is none, or it holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ResultsError(f"{path}: expected results of a run: {error.strerror}. Run the benchmarks first.") from error
    except ValueError as error:
        raise ResultsError(f"{path}: expected JSON: {error}. Remove it, and run the benchmarks again.") from error
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        raise ResultsError(f"{path}: expected {FORMAT} of version {VERSION}. Remove it, and run the benchmarks again.")
    return content


def write(path: Path, content: dict[str, Any]) -> None:
    """Write results, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, "version": VERSION, **content}, indent=1, ensure_ascii=False)
    with atomic_write(path) as file:
        file.write((_short_lists(text) + "\n").encode())


def merged(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The results of a run, with those subjects of the file that it did not measure.

    They are kept only if they are of the same machine: ratios of one run can be compared with nothing else.
    """
    try:
        before = read(path)
    except ResultsError:
        return content
    if before["machine"] != content["machine"] or before["quick"] != content["quick"]:
        return content
    return {**content, "subjects": before["subjects"] | content["subjects"]}


def _short_lists(text: str) -> str:
    """JSON with each list of numbers on one line."""
    return re.sub(r"\[[-+.,\de\s]+\]", lambda numbers: " ".join(numbers.group().split()), text)
