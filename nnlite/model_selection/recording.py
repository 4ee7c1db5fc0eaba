"""Records of a search or a run of tasks: those that a journal has already, and new ones."""

import contextlib
import math
import os
import reprlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any, ClassVar, Protocol, TypeVar

from nnlite.checks import check_callable, check_flag, check_mapping, check_path
from nnlite.model_selection.execution import JobT, Workers, module_level_name, run_jobs
from nnlite.model_selection.journal import Journal
from nnlite.model_selection.progress import Progress


class Recorded(Protocol):
    """A record: a dataclass of what JSON can hold."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> str:
        """The key of its job."""

    @property
    def failed(self) -> bool:
        """True if there is no result."""

    @property
    def score(self) -> float | None:
        """The number of which progress shows the best; None if there is nothing to compare."""


RecordT = TypeVar("RecordT", bound=Recorded)


def as_context(who: str, context: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what results depend on besides the arguments, a copy; empty for None."""
    if context is None:
        return {}
    check_mapping(who, "context", context, "a dict or None")
    return dict(context)


def open_journal(
    who: str,
    argument: str,
    function: Callable[..., Any],
    workers: Workers | None,
    path: str | os.PathLike[str] | None,
    arguments: Mapping[str, Any],
) -> Any:
    """Open the run's journal as a context manager (of None without a path). Check first what needs a name."""
    check_callable(who, argument, function)
    if path is not None:
        check_path(who, "journal", path)
    if workers is not None and not callable(workers) and not hasattr(workers, "submit"):
        raise TypeError(
            f"{who}: executor: expected a concurrent.futures.Executor or a function that makes one, got {workers!r}."
        )
    here = workers is None or isinstance(workers, ThreadPoolExecutor)
    name = "" if here and path is None else module_level_name(who, argument, function)
    if path is None:
        return nullcontext()
    return Journal(who, path, {"function": who, argument: name, **arguments})


def read_records(
    who: str,
    book: Journal | None,
    jobs: Iterable[JobT],
    kind: type[RecordT],
    content: str,
    retry_failed: bool,
) -> dict[str, RecordT]:
    """Return the records of the jobs that the journal has, by key; the last entry of a key counts.

    `content` names the field that job and record share and that is taken from the job: JSON made tuples lists.

    Raises
    ------
    ValueError
        If an entry is no record of this kind.
    """
    check_flag(who, "retry_failed", retry_failed)
    wanted = {job.key: getattr(job, content) for job in jobs}
    hints = typing.get_type_hints(kind)
    known: dict[str, RecordT] = {}
    for number, entry in enumerate(book.entries if book else [], start=2):
        if set(entry) != set(hints) or not all(_fits(entry[name], hint) for name, hint in hints.items()):
            expected = ", ".join(f"{name} ({getattr(hint, '__name__', hint)})" for name, hint in hints.items())
            raise ValueError(
                f"{who}: journal: {book.path if book else None}: line {number}: expected the names {expected}, "
                f"got {reprlib.repr(entry)}. Take the damaged line out; it will be run again."
            )
        if entry["key"] in wanted:
            known[entry["key"]] = kind(**{**entry, content: wanted[entry["key"]]})
    return {key: record for key, record in known.items() if not (record.failed and retry_failed)}


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value that JSON gave is of a field's type."""
    if isinstance(hint, types.UnionType):
        return any(_fits(value, choice) for choice in typing.get_args(hint))
    if hint is float:
        with contextlib.suppress(OverflowError):  # an integer of a thousand digits is no number to compare with
            return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return False
    if hint is int and isinstance(value, bool):
        return False
    return hint is Any or isinstance(value, typing.get_origin(hint) or hint)


def run_unknown(
    who: str,
    work: Callable[[JobT], RecordT],
    jobs: Sequence[JobT],
    workers: Workers | None,
    lost: Callable[[JobT, str], RecordT],
    book: Journal | None,
    known: Mapping[str, RecordT],
    progress: Progress,
) -> tuple[RecordT, ...]:
    """Run the jobs that are not known, journal them as they come, and return all in the order of jobs."""
    found = dict(known)
    for record in known.values():
        progress.known(failed=record.failed, score=record.score)
    try:
        for record in run_jobs(who, work, [job for job in jobs if job.key not in known], workers, lost):
            if book:
                book.append(asdict(record))
            found[record.key] = record
            progress.count(failed=record.failed, score=record.score)
    finally:
        progress.finish()
    return tuple(found[job.key] for job in jobs)
