"""Search: nothing lost, nothing done twice, the same result in any order and on any executor."""

import functools
import io
import json
import math
import multiprocessing
import signal
import weakref
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from nnlite import model_selection
from nnlite.model_selection import ParameterGrid, search, successive_halving
from nnlite.model_selection.progress import Progress
from tests.nnlite.model_selection import search_tasks


def processes(n=2):
    return ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn"))


def test_search_finds_the_best_and_keeps_all():
    result = search(ParameterGrid({"x": range(6)}), search_tasks.parabola)
    assert result.best.candidate == {"x": 3}
    assert [trial.candidate["x"] for trial in result] == list(range(6))
    assert [trial.candidate["x"] for trial in result.ranked] == [3, 2, 4, 1, 5, 0]
    assert result.failed == []
    assert len(search([{"x": 1}, {"x": 1}, {"x": 2}], search_tasks.parabola)) == 2


def test_seeds_depend_on_the_candidate_alone():
    grid = list(ParameterGrid({"x": range(5)}))
    one = {t.candidate["x"]: t.seed for t in search(grid, search_tasks.parabola, seed=1)}
    assert len(set(one.values())) == 5
    backwards = search(grid[::-1][:3], search_tasks.parabola, seed=1)
    assert {t.candidate["x"]: t.seed for t in backwards} == {x: one[x] for x in (2, 3, 4)}
    assert all(t.seed != one[t.candidate["x"]] for t in search(grid, search_tasks.parabola, seed=2))
    assert all(0 <= seed < 2**63 for seed in one.values())


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(3), processes])
def test_any_executor_gives_the_same_in_the_same_order(make):
    candidates = ParameterGrid({"x": range(5)})
    here = search(candidates, search_tasks.slower_first)
    with make() as executor:
        there = search(candidates, search_tasks.slower_first, executor=executor)
    assert [(t.key, t.candidate, t.seed, t.score) for t in here] == [
        (t.key, t.candidate, t.seed, t.score) for t in there
    ]
    for trial in there:
        assert trial.details["seed"] == trial.seed
        assert trial.details["curve"] == [1, 2]
        assert trial.seconds >= 0.02 * (5 - trial.candidate["x"]) * 0.9


def test_failures_are_recorded_and_the_rest_done(tmp_path):
    candidates = ParameterGrid({"x": range(8)})
    result = search(candidates, search_tasks.troubled, journal=tmp_path / "journal.jsonl")
    assert [trial.failed for trial in result] == [True] * 6 + [False] * 2
    errors = [trial.error for trial in result.failed]
    for error, part in zip(
        errors,
        ["ValueError: no such luck", "score is nan", "score is inf", "got 'three'", "'loss'", "object"],
        strict=True,
    ):
        assert part in error
    assert "search_tasks.py" in errors[0]  # where it was raised
    assert result.best.candidate == {"x": 7}
    again = search(candidates, search_tasks.troubled, journal=tmp_path / "journal.jsonl")
    assert again == result
    only_failures = search(ParameterGrid({"x": [0, 1]}), search_tasks.troubled)
    with pytest.raises(ValueError, match="all 2 failed; the first: ValueError: no such luck"):
        _ = only_failures.best


def test_a_network_that_turns_nan_and_a_class_absent_from_training_are_recorded(tmp_path):
    space = {"learning_rate": [0.1, 1e30], "absent": [None, 2]}
    result = search(ParameterGrid(space), search_tasks.trained, journal=tmp_path / "journal.jsonl")
    assert [trial.failed for trial in result] == [False, True, True, True]
    absent, diverged, _ = (trial.error for trial in result.failed)
    assert absent.startswith(
        "ValueError: NetworkClassifier.fit: y: expected a positive sample in each class, got none in"
    )
    assert diverged.startswith("TrainingDiverged: train: ")
    assert result.best.candidate == {"learning_rate": 0.1, "absent": None}
    assert search(ParameterGrid(space), search_tasks.trained, journal=tmp_path / "journal.jsonl") == result


def test_an_empty_search_space_is_an_error():
    with pytest.raises(ValueError, match="search: candidates: expected at least one candidate, got an empty search"):
        search([], search_tasks.parabola)
    with pytest.raises(ValueError, match="successive_halving: candidates: expected at least one candidate"):
        successive_halving(iter(()), search_tasks.parabola, min_budget=1, max_budget=2)


def test_evaluate_may_change_its_candidate():
    def evaluate(candidate, seed):
        return candidate["x"].pop()

    candidates = [{"x": [1, 2]}]
    assert search(candidates, evaluate).best.candidate == {"x": [1, 2]}
    assert candidates == [{"x": [1, 2]}]


def test_journal_resumes_without_doing_anything_twice(tmp_path):
    calls, journal = tmp_path / "calls", tmp_path / "journal.jsonl"
    calls.mkdir()
    evaluate = functools.partial(search_tasks.counted, folder=str(calls))
    first = search(ParameterGrid({"x": range(3)}), evaluate, journal=journal, context={"folds": "abc"})
    assert len(list(calls.iterdir())) == 3
    lines = journal.read_text().splitlines()
    assert len(lines) == 4
    assert json.loads(lines[0])["arguments"]["context"] == {"folds": "abc"}
    # More candidates, in another order: what is known is taken over.
    second = search(ParameterGrid({"x": [4, 2, 1, 0]}), evaluate, journal=journal, context={"folds": "abc"})
    assert sorted(path.name for path in calls.iterdir()) == ["0-0", "1-1", "2-2", "3-4"]
    assert [t.candidate["x"] for t in second] == [4, 2, 1, 0]
    assert {t.key: t for t in first}.items() <= {t.key: t for t in second}.items()


@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_line_cut_off_by_a_kill_is_run_again(tmp_path, lost):
    calls, journal = tmp_path / "calls", tmp_path / "journal.jsonl"
    calls.mkdir()
    evaluate = functools.partial(search_tasks.counted, folder=str(calls))
    whole = search(ParameterGrid({"x": range(4)}), evaluate, journal=journal)
    content = journal.read_bytes()
    journal.write_bytes(content[:-lost])
    resumed = search(ParameterGrid({"x": range(4)}), evaluate, journal=journal)
    assert len(list(calls.iterdir())) == 5
    assert [(t.key, t.seed, t.score) for t in resumed] == [(t.key, t.seed, t.score) for t in whole]
    assert len(journal.read_text().splitlines()) == 5
    header = content.split(b"\n")[0]
    journal.write_bytes(header[: len(header) // 2])
    assert len(search(ParameterGrid({"x": range(4)}), evaluate, journal=journal)) == 4


def test_journal_is_refused_when_the_arguments_differ(tmp_path):
    journal = tmp_path / "journal.jsonl"
    grid = ParameterGrid({"x": range(2)})
    search(grid, search_tasks.parabola, journal=journal, context={"epochs": 10})
    before = journal.read_bytes()
    with pytest.raises(ValueError, match="seed: 0 then, 1 now"):
        search(grid, search_tasks.parabola, journal=journal, context={"epochs": 10}, seed=1)
    with pytest.raises(ValueError, match=r"context: \{'epochs': 10\} then, \{'epochs': 20\} now"):
        search(grid, search_tasks.parabola, journal=journal, context={"epochs": 20})
    with pytest.raises(ValueError, match=r"evaluate: .*parabola"):
        search(grid, search_tasks.troubled, journal=journal, context={"epochs": 10})
    with pytest.raises(ValueError, match="function: 'search' then, 'successive_halving' now"):
        successive_halving(grid, search_tasks.parabola, min_budget=1, max_budget=2, journal=journal)
    assert journal.read_bytes() == before


def test_a_file_that_is_no_journal_is_left_alone(tmp_path):
    for name, content in (("a.csv", "group,fold\nasc,0\n"), ("b.txt", "no newline"), ("c.json", '{"x": 1}\n')):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(ValueError, match="expected a journal"):
            search([{"x": 1}], search_tasks.parabola, journal=path)
        assert path.read_text() == content
    path = tmp_path / "journal.jsonl"
    search(ParameterGrid({"x": range(3)}), search_tasks.parabola, journal=path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1][:20] + "\n" + lines[2])
    with pytest.raises(ValueError, match="line 2: expected a JSON object"):
        search([{"x": 1}], search_tasks.parabola, journal=path)
    path.write_text(lines[0] + '{"x": 1}\n')
    with pytest.raises(ValueError, match="expected the names"):
        search([{"x": 1}], search_tasks.parabola, journal=path)


def test_two_runs_do_not_write_one_journal(tmp_path):
    path = tmp_path / "journal.jsonl"

    def evaluate_inside(candidate, seed, budget=None):
        with pytest.raises(BlockingIOError, match="being written by another run"):
            search([{"x": 1}], search_tasks.parabola, journal=path)
        return 1.0

    with model_selection.searching.open_book("search", search_tasks.parabola, 0, None, path, None):
        assert search([{"x": 1}], evaluate_inside).best.score == 1.0


def test_failed_trials_are_tried_again_on_request(tmp_path):
    journal, folder = tmp_path / "journal.jsonl", tmp_path / "state"
    folder.mkdir()
    evaluate = functools.partial(search_tasks.flaky, folder=str(folder))
    grid = ParameterGrid({"x": range(3)})
    assert len(search(grid, evaluate, journal=journal).failed) == 1
    (folder / "healed").touch()
    assert len(search(grid, evaluate, journal=journal).failed) == 1
    healed = search(grid, evaluate, journal=journal, retry_failed=True)
    assert healed.failed == []
    assert search(grid, evaluate, journal=journal) == healed


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_worker_loses_nothing_that_was_done(tmp_path):
    journal, folder = tmp_path / "journal.jsonl", tmp_path / "state"
    folder.mkdir()
    evaluate = functools.partial(search_tasks.deadly, folder=str(folder))
    grid = ParameterGrid({"x": range(4)})
    with processes(1) as executor, pytest.raises(RuntimeError, match="continues after the finished ones"):
        search(grid, evaluate, executor=executor, journal=journal)
    done = [json.loads(line)["candidate"]["x"] for line in journal.read_text().splitlines()[1:]]
    assert done == [0, 1]  # and nothing of the killed one, which would otherwise count as failed
    (folder / "healed").touch()
    with processes(1) as executor:
        result = search(grid, evaluate, executor=executor, journal=journal)
    assert [trial.score for trial in result] == [0, 1, 2, 3]


class LosingExecutor(Executor):
    """A cluster that loses its second task on the way."""

    def __init__(self):
        self.submitted = 0

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.submitted += 1
        if self.submitted == 2:
            future.set_exception(OSError("worker gone"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_trial_that_the_executor_lost_is_a_recorded_failure():
    result = search(ParameterGrid({"x": range(3)}), search_tasks.parabola, executor=LosingExecutor())
    assert [trial.error for trial in result] == [None, "OSError: worker gone", None]


class WatchedExecutor(ThreadPoolExecutor):
    """An executor that knows its futures without holding them, and what was submitted."""

    def __init__(self):
        super().__init__(1)
        self.futures, self.submitted = [], []

    def submit(self, fn, /, *args, **kwargs):
        future = super().submit(fn, *args, **kwargs)
        self.futures.append(weakref.ref(future))
        self.submitted.append(args)
        return future


def test_finished_results_are_not_held():
    """A cluster keeps what is held, and computes it again when the worker that has it dies."""
    alive = []

    class Stream(io.StringIO):
        def write(self, text):
            alive.append(sum(future() is not None for future in executor.futures))

        def isatty(self):
            return True

    with WatchedExecutor() as executor:
        search(ParameterGrid({"x": range(20)}), search_tasks.patient, executor=executor, progress=Stream())
    assert alive[-2] <= 2


def test_no_two_runs_submit_the_same():
    """A cluster may give the same task the same result, such as a failure that was since healed."""
    with WatchedExecutor() as executor:
        for _ in range(2):
            search([{"x": 1}], search_tasks.parabola, executor=executor)
    first, second = executor.submitted
    assert first != second


def test_processes_need_a_function_they_can_find():
    def inner(candidate, seed):
        return 1.0

    with processes(1) as executor:
        for evaluate in (inner, lambda c, seed: 1.0, functools.partial(inner)):
            with pytest.raises(ValueError, match="top level of a module"):
                search([{"x": 1}], evaluate, executor=executor)


def test_an_interrupted_search_cancels_what_waits(tmp_path):
    journal = tmp_path / "journal.jsonl"

    class Interrupting(io.StringIO):
        def write(self, text):
            raise KeyboardInterrupt

    search_tasks.started.clear()
    with ThreadPoolExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        search(
            ParameterGrid({"x": range(500)}),
            search_tasks.patient,
            executor=executor,
            journal=journal,
            progress=Interrupting(),
        )
    assert len(search_tasks.started) < 500
    assert len(journal.read_text().splitlines()) == 2  # the one that was finished is kept


def test_means_over_folds():
    scores = {(1, 0): 0.5, (1, 1): 0.7, (2, 0): 0.9, (2, 1): None, (3, 0): None, (3, 1): None}

    def evaluate(candidate, seed):
        return scores[candidate["x"], candidate["fold"]]

    result = search(ParameterGrid({"x": [1, 2, 3], "fold": [0, 1]}), evaluate)
    best, second, last = result.means_over("fold")
    assert best == ({"x": 2}, 0.9, pytest.approx(math.nan, nan_ok=True), 1, 1)
    assert second.candidate == {"x": 1}
    assert (second.mean, second.deviation) == (pytest.approx(0.6), pytest.approx(np.std([0.5, 0.7], ddof=1)))
    assert (last.n, last.failed) == (0, 2)
    with pytest.raises(ValueError, match="got 'repeat'"):
        result.means_over("repeat")


def test_progress_in_a_log_file(tmp_path):
    log = io.StringIO()
    journal = tmp_path / "journal.jsonl"
    search(ParameterGrid({"x": range(4)}), search_tasks.troubled, progress=log, journal=journal)
    lines = log.getvalue().splitlines()
    assert lines[0].startswith("search: 1 of 4, 1 failed, done in about")
    assert lines[-1].startswith("search: 4 of 4, 4 failed, in")
    log = io.StringIO()
    search(ParameterGrid({"x": range(8)}), search_tasks.troubled, progress=log, journal=journal)
    lines = log.getvalue().splitlines()
    assert lines[0] == "search: 4 of 8 from the journal"
    assert lines[-1].startswith("search: 8 of 8, 6 failed, best 7, in")


def test_progress_on_a_terminal_rewrites_its_line():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    search(ParameterGrid({"x": range(3)}), search_tasks.parabola, progress=terminal)
    assert terminal.getvalue().count("\r") == 3
    assert terminal.getvalue().count("\n") == 1


def test_estimate_counts_only_what_was_done_now():
    progress = Progress("search", total=10, known=4, stream=None)
    progress.count(failed=False, score=0.5)
    assert progress.line(progress._start + 60) == "search: 5 of 10, best 0.5, done in about 5 min"
