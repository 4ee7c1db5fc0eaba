"""Assignments of groups to folds: as a mapping, its hash, and its file."""

import csv
import io
import json
import os
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlite.checks import as_array, check_mapping, check_path
from nnlite.model_selection.canonical import canonical_json, digest, from_json
from nnlite.model_selection.checks import as_groups
from nnlite.model_selection.splits import IntArray
from nnlite.serialization import atomic_write

Assignment = dict[str, int]

_CSV_HASH = "# sha256:"
_EXPECTED = "a dict from the names of groups to their folds"


def folds_by_group(folds: ArrayLike, groups: ArrayLike) -> Assignment:
    """Return the fold of each group, by the group's name as a string. Raise ValueError if a group is in two folds.

    Examples
    --------
    >>> folds_by_group([1, 0, 1], ["wesnoth", "asc", "wesnoth"])
    {'asc': 0, 'wesnoth': 1}
    """
    who = "folds_by_group"
    fold = as_array(who, "folds", folds)
    names, position = as_groups(who, groups)
    if fold.shape != position.shape or fold.dtype.kind not in "iu" or fold.min() < 0:
        raise ValueError(f"{who}: folds: expected {len(position)} whole numbers from 0, got {folds!r}.")
    lowest = np.full(len(names), np.iinfo(np.intp).max)
    highest = np.zeros(len(names), dtype=np.intp)
    np.minimum.at(lowest, position, fold)
    np.maximum.at(highest, position, fold)
    for name, low, high in zip(names.tolist(), lowest.tolist(), highest.tolist(), strict=True):
        if low != high:
            raise ValueError(f"{who}: folds: expected every group in one fold, got {name!r} in folds {low} and {high}.")
    return {str(name): int(low) for name, low in zip(names.tolist(), lowest, strict=True)}


def folds_of_rows(assignment: Mapping[str, int], groups: ArrayLike) -> IntArray:
    """Return the fold of each sample by its group. Raise ValueError for a group that has no fold.

    Examples
    --------
    >>> folds_of_rows({"asc": 0, "wesnoth": 1}, ["wesnoth", "asc", "wesnoth"]).tolist()
    [1, 0, 1]
    """
    check_mapping("folds_of_rows", "assignment", assignment, _EXPECTED)
    names, position = as_groups("folds_of_rows", groups)
    missing = [name for name in names.tolist() if str(name) not in assignment]
    if missing:
        raise ValueError(
            f"folds_of_rows: groups: expected groups of the assignment, got {missing[0]!r} and {len(missing) - 1} "
            "other unknown ones. The folds were made for other data."
        )
    return np.array([assignment[str(name)] for name in names.tolist()], dtype=np.intp)[position]


def fold_hash(assignment: Mapping[str, int]) -> str:
    """Return the SHA-256 of the assignment, whatever its order: the name of a split, to be printed with results.

    Examples
    --------
    >>> fold_hash({"asc": 0, "wesnoth": 1}) == fold_hash({"wesnoth": 1, "asc": 0})
    True
    """
    check_mapping("fold_hash", "assignment", assignment, _EXPECTED)
    return digest(canonical_json(_checked("fold_hash", assignment.items()), "fold_hash: assignment"))


def write_folds(path: str | os.PathLike[str], assignment: Mapping[str, int]) -> str:
    """Write an assignment with its hash as JSON or, for a name ending in .csv, as CSV; whole or not at all.

    Returns
    -------
    str
        The hash.
    """
    check_path("write_folds", "path", path)
    check_mapping("write_folds", "assignment", assignment, _EXPECTED)
    target = Path(path)
    folds = _checked("write_folds", assignment.items())
    name = fold_hash(folds)
    ordered = dict(sorted(folds.items()))
    if _format("write_folds", target) == "csv":
        text = io.StringIO()
        text.write(f"{_CSV_HASH} {name}\n")
        csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(
            [("group", "fold"), *ordered.items()]
        )
        content = text.getvalue()
    else:
        content = json.dumps({"sha256": name, "folds": ordered}, indent=2, ensure_ascii=False) + "\n"
    with atomic_write(target) as file:
        file.write(content.encode())
    return name


def read_folds(path: str | os.PathLike[str]) -> Assignment:
    """Read what :func:`write_folds` wrote.

    Raises
    ------
    ValueError
        When the file is damaged, has a group twice, or doesn't match its hash. A file without a hash is taken as it
        is: take the hash out to edit folds by hand.
    """
    who = "read_folds"
    check_path(who, "path", path)
    source = Path(path)
    try:
        with open(source, encoding="utf-8", newline="") as file:
            text = file.read()
        said, pairs = _read_csv(text) if _format(who, source) == "csv" else _read_json(text)
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        said = f"{type(error).__name__}: {error}"[:200]
        raise ValueError(f"{who}: {source}: expected folds as write_folds writes them ({said}).") from None
    assignment = _checked(f"{who}: {source}", pairs)
    if said is not None and said != fold_hash(assignment):
        raise ValueError(
            f"{who}: {source}: expected the sha256 {said}, got {fold_hash(assignment)}: the file was changed. Restore "
            "it, or take the hash out if the change is meant."
        )
    return assignment


def _read_csv(text: str) -> tuple[str | None, list[tuple[Any, Any]]]:
    said = None
    if text.startswith(_CSV_HASH):
        first, _, text = text.partition("\n")
        said = first.removeprefix(_CSV_HASH).strip()
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if header != ["group", "fold"]:
        raise ValueError(f"expected the columns group,fold, got {','.join(header)}")
    return said, [(group, int(fold)) for group, fold in rows]


def _read_json(text: str) -> tuple[str | None, list[tuple[Any, Any]]]:
    # Pairs, not a dictionary: a name that comes twice must be seen.
    content = dict(from_json(text, pairs=list))
    said = content.get("sha256")
    if not isinstance(said, str | None):
        raise ValueError(f"sha256: expected a text, got {_short(said)}")
    return said, [(group, fold) for group, fold in content["folds"]]


def _format(who: str, path: Path) -> str:
    if path.suffix not in (".json", ".csv"):
        raise ValueError(f"{who}: path: expected a name ending in .json or .csv, got {path.name}.")
    return path.suffix[1:]


def _checked(who: str, pairs: Iterable[tuple[Any, Any]]) -> Assignment:
    assignment: Assignment = {}
    for group, fold in pairs:
        whole = isinstance(fold, int | np.integer) and not isinstance(fold, bool)
        if not isinstance(group, str) or not whole or not 0 <= fold < 2**31:
            raise ValueError(
                f"{who}: expected a fold number from 0 for each name, got {_short(group)}: {_short(fold)}."
            )
        if not group.isascii() and group != group.encode("utf-8", "replace").decode():
            raise ValueError(f"{who}: expected names that UTF-8 can hold, got {_short(group)}.")
        if group in assignment:
            raise ValueError(
                f"{who}: expected every group once, got {_short(group)} in folds {assignment[group]} and {int(fold)}."
            )
        assignment[group] = int(fold)
    if not assignment:
        raise ValueError(f"{who}: expected at least one group, got none.")
    return assignment


def _short(value: Any) -> str:
    return reprlib.repr(value)
