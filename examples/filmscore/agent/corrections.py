"""The user's own labels: for a track, from a table, or from another library. They belong to contents, not paths."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from filmscore.agent import references
from filmscore.agent.library import Library
from filmscore.agent.schema import LibraryError
from filmscore.agent.search import genre
from filmscore.agent.writing import Writer
from filmscore.corpus import split_list

Labels = dict[int, tuple[str, ...]]


def parse_tags(text: str | Sequence[str], class_names: Iterable[str], who: str) -> tuple[str, ...]:
    """Return the genres that words such as "drama, romance" name, in the library's order; "none" means no genre.

    Raises
    ------
    ValueError
        For a name that is no genre.
    """
    names = list(class_names)
    words = text.replace(";", ",").split(",") if isinstance(text, str) else text
    words = [word.strip() for word in words if word.strip()]
    if [word.casefold() for word in words] == ["none"]:
        return ()
    if not words:
        raise ValueError(f'{who}: expected genres such as "drama, romance", or none, got {text!r}')
    chosen = {genre(word, names, who) for word in words}
    return tuple(name for name in names if name in chosen)


def read_table(library: Library, path: Path) -> tuple[Labels, list[str]]:
    """Return labels from a CSV with the columns path and tags (joined by semicolons), and the lines that can't be used.

    Paths are absolute, or below the folder of the table, or below a folder that was scanned. A row without tags says
    nothing about its track; the tag "none" says that it has none.

    Raises
    ------
    LibraryError
        When it is no such table.
    """
    labels: Labels = {}
    unused = []
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            if not {"path", "tags"} <= set(reader.fieldnames or ()):
                got = ", ".join(reader.fieldnames or ())
                raise LibraryError(f"{path}: expected the columns path and tags, got {got!r}.")
            for row in reader:
                name, tags = (row["path"] or "").strip(), split_list(row["tags"] or "")
                if not name or not tags:
                    continue
                number = _number(library, name, path.parent)
                if number is None:
                    unused.append(f"line {reader.line_num}: {name}: not in the library")
                    continue
                try:
                    labels[number] = parse_tags(tags, library.class_names, f"line {reader.line_num}")
                except ValueError as error:
                    unused.append(str(error))
    except OSError as error:
        raise LibraryError(f"{path}: {error.strerror}.") from error
    except (csv.Error, ValueError) as error:
        raise error if isinstance(error, LibraryError) else LibraryError(f"{path}: no table: {error}.") from error
    return labels, unused


def of_other(library: Library, other: Library) -> tuple[Labels, list[str]]:
    """Return the labels of another library for tracks of the same content, and a line for each that can't be used."""
    labels: Labels = {}
    unused = []
    digests = dict(other.connection.execute("SELECT id, hash FROM track"))
    for number, tags in other.labels().items():
        here = library.with_hash(digests[number])
        if here is None:
            unused.append(f"{other.track(number).name}: not in the library")
            continue
        try:
            labels[here] = parse_tags(tags or "none", library.class_names, other.track(number).name)
        except ValueError as error:
            unused.append(str(error))
    return labels, unused


def keep(library: Library, labels: Mapping[int, tuple[str, ...] | None], source: str) -> None:
    """Write labels in place of earlier ones; None forgets them."""
    with Writer(library.folder) as writer:
        writer.label_all(labels, source)


def _number(library: Library, name: str, folder: Path) -> int | None:
    for parent in [os.fspath(folder), *library.folders()]:
        number = library.with_path(os.path.abspath(os.path.join(parent, name)))
        if number is not None:
            return number
    return references.in_library(library, name) if os.path.isabs(name) else None
