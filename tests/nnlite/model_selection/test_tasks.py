"""Tasks: every outcome kept, nothing done twice, and the death of a worker outlived."""

import functools
import io
import json
import multiprocessing
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from nnlite.model_selection import ParameterGrid, run_tasks, search
from tests.nnlite.model_selection import search_tasks

spawned = multiprocessing.get_context("spawn")
two_processes = functools.partial(ProcessPoolExecutor, 2, mp_context=spawned)
kills = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")


def named(*names, **others):
    return [{"name": name, **others} for name in names]


@pytest.mark.parametrize(
    "executor",
    [None, functools.partial(ThreadPoolExecutor, 3), two_processes],
    ids=["here", "threads", "processes"],
)
def test_outcomes_come_in_order_and_failures_are_recorded(executor):
    outcomes = run_tasks(search_tasks.mixed, named("a", "raises", "nan", "array", "changes", "none"), executor=executor)
    assert [outcome.failed for outcome in outcomes] == [False, True, True, True, False, False]
    assert [outcome.task["name"] for outcome in outcomes] == ["a", "raises", "nan", "array", "changes", "none"]
    assert outcomes[0].value == {"name": "a", "pair": [1, 2], "number": 0.5}
    assert outcomes[4].value["name"] == "changed"
    assert outcomes[5].value is None
    for outcome, parts in zip(
        outcomes[1:4],
        [("ValueError: no such luck", "KeyError: 'cause'", "search_tasks.py"), ("nan", "finite"), ("paths and names",)],
        strict=True,
    ):
        assert outcome.value is None
        assert all(part in outcome.error for part in parts)


@pytest.mark.parametrize("executor", [None, two_processes], ids=["here", "processes"])
def test_a_task_that_exits_is_a_recorded_failure(executor):
    outcomes = run_tasks(search_tasks.leaving, [{"leaves": True}, {"leaves": False}], executor=executor)
    assert outcomes[0].error.startswith("SystemExit: no features")
    assert outcomes[1].value == 1


def test_an_instance_of_an_executor_is_left_open():
    with ThreadPoolExecutor(1) as executor:
        run_tasks(search_tasks.mixed, named("a"), executor=executor)
        assert executor.submit(int, "3").result() == 3


def test_a_second_run_starts_where_the_first_stopped(tmp_path):
    calls, journal = tmp_path / "calls", tmp_path / "journal.jsonl"
    calls.mkdir()

    class Interrupting(io.StringIO):
        def write(self, text):
            if len(journal.read_text().splitlines()) == 4:
                raise KeyboardInterrupt
            return super().write(text)

        def isatty(self):
            return True

    tasks = named("a", "b", "raises", "c", "d", folder=str(calls))
    run = functools.partial(run_tasks, search_tasks.mixed, journal=journal, context={"folds": "abc"})
    with pytest.raises(KeyboardInterrupt):
        run(tasks, progress=Interrupting())
    assert sorted(path.name for path in calls.iterdir()) == ["0-a", "1-b", "2-raises"]
    log = io.StringIO()
    outcomes = run(tasks, progress=log)
    assert sorted(path.name for path in calls.iterdir())[3:] == ["3-c", "4-d"]
    assert log.getvalue().splitlines()[0] == "run_tasks: 3 of 5 from the journal"
    assert "run_tasks: 5 of 5, 1 failed, in" in log.getvalue().splitlines()[-1]
    assert [outcome.failed for outcome in outcomes] == [False, False, True, False, False]
    assert run(tasks) == outcomes
    assert len(list(calls.iterdir())) == 5
    run(tasks, retry_failed=True)
    assert len(list(calls.iterdir())) == 6
    added = run([*named("e", folder=str(calls)), *tasks[::-1]])
    assert [outcome.task["name"] for outcome in added] == ["e", "d", "c", "raises", "b", "a"]
    assert len(list(calls.iterdir())) == 7


def test_equal_tasks_are_run_once_and_keep_their_places(tmp_path):
    a, b = named("a", "b", folder=str(tmp_path))
    outcomes = run_tasks(search_tasks.mixed, [a, b, dict(reversed(a.items()))])
    assert outcomes[0] == outcomes[2] != outcomes[1]
    assert len(list(tmp_path.iterdir())) == 2


def test_journal_of_another_function_or_context_is_refused(tmp_path):
    journal = tmp_path / "journal.jsonl"
    run_tasks(search_tasks.mixed, named("a"), journal=journal, context={"folds": "abc"})
    with pytest.raises(ValueError, match=r"context: \{'folds': 'abc'\} then, \{'folds': 'xyz'\} now"):
        run_tasks(search_tasks.mixed, named("a"), journal=journal, context={"folds": "xyz"})
    with pytest.raises(ValueError, match=r"function: 'tests.*mixed' then, 'tests.*mortal' now"):
        run_tasks(search_tasks.mortal, named("a"), journal=journal, context={"folds": "abc"})
    with pytest.raises(ValueError, match="written with other arguments"):
        search([{"x": 1}], search_tasks.parabola, journal=journal)


@pytest.mark.slow
@kills
def test_a_pool_that_breaks_is_replaced_and_no_task_lost(tmp_path):
    """One task kills its worker whenever it runs, one the first time; what ran beside them is not blamed."""
    tasks = [{"x": x, "dies": {1: "always", 4: "once"}.get(x, "never"), "folder": str(tmp_path)} for x in range(8)]
    journal = tmp_path / "journal.jsonl"
    outcomes = run_tasks(search_tasks.mortal, tasks, executor=two_processes, journal=journal)
    assert [outcome.value for outcome in outcomes] == [0, None, 2, 3, 4, 5, 6, 7]
    assert "The worker died twice" in outcomes[1].error
    assert len(list(tmp_path.glob("1-*"))) == 2
    assert len(list(tmp_path.glob("4-*"))) == 2
    entries = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
    assert sorted(entry["task"]["x"] for entry in entries) == list(range(8))


@kills
def test_a_search_outlives_a_worker_too(tmp_path):
    evaluate = functools.partial(search_tasks.deadly, folder=str(tmp_path))
    result = search(ParameterGrid({"x": range(5)}), evaluate, executor=two_processes)
    assert [trial.score for trial in result] == [0, 1, None, 3, 4]
    assert "The worker died twice" in result.failed[0].error
    assert result.best.candidate == {"x": 4}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here to look for processes in")
def test_workers_end_when_the_run_is_killed(tmp_path):
    """And don't go on with what they were given, beside the workers of the next run."""
    code = (
        "import functools, multiprocessing, sys\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from nnlite.model_selection import run_tasks\n"
        "from tests.nnlite.model_selection import search_tasks\n"
        "pool = functools.partial(ProcessPoolExecutor, 2, mp_context=multiprocessing.get_context('spawn'))\n"
        "tasks = [{'x': x, 'folder': sys.argv[1]} for x in range(500)]\n"
        "run_tasks(search_tasks.slow_square, tasks, executor=pool)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).resolve().parents[3])
    try:
        until(lambda: len({path.name.partition("-")[2] for path in tmp_path.iterdir()}) == 2)
    finally:
        run.kill()
        run.wait()
    for worker in {int(path.name.partition("-")[2]) for path in tmp_path.iterdir()}:
        until(lambda worker=worker: ended(worker))


def until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(pid):
    """Return whether a process is gone, or a zombie that its foster parent has not asked about yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class NeverRunning(Executor):
    """An executor that breaks before it runs anything, as a pool does if its workers can't start."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_exception(BrokenExecutor("no worker starts"))
        return future


def test_pools_that_never_run_anything_are_not_tried_for_ever():
    with pytest.raises(RuntimeError, match=r"run_tasks: executor: .*no worker starts"):
        run_tasks(search_tasks.mixed, named("a", "b"), executor=NeverRunning)


def unprepared():
    raise OSError("no such file")


def test_an_initializer_that_raises_is_no_failure_of_the_tasks(tmp_path):
    make = functools.partial(ProcessPoolExecutor, 1, mp_context=spawned, initializer=unprepared)
    journal = tmp_path / "journal.jsonl"
    with pytest.raises(RuntimeError, match="run_tasks: executor: "):
        run_tasks(search_tasks.mixed, named("a", "b"), executor=make, journal=journal)
    assert len(journal.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("tasks", "options", "error", "message"),
    [
        ([], {}, ValueError, "tasks: expected at least one task, got none"),
        (["a"], {}, ValueError, "tasks: expected dictionaries .*got 'a'"),
        ([{"x": float("nan")}], {}, ValueError, "tasks: expected finite numbers"),
        ([{"x": 1}], {"executor": 2}, TypeError, "executor: expected a concurrent.futures.Executor or a func.* got 2"),
    ],
)
def test_bad_input_says_what_is_wrong(tasks, options, error, message):
    with pytest.raises(error, match=message):
        run_tasks(search_tasks.mixed, tasks, **options)


def test_processes_need_a_function_they_can_find():
    with pytest.raises(ValueError, match="run_tasks: function: expected a function at the top level of a module"):
        run_tasks(lambda task: 1, [{"x": 1}], executor=two_processes)
