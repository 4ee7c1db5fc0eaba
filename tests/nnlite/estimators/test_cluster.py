"""Tasks, searches and ensembles on a dask.distributed cluster: a real scheduler and two real workers; one is killed."""

import contextlib
import functools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import nnlite as nn
from nnlite.model_selection import ParameterGrid, run_tasks, search
from tests.nnlite.estimators.ensemble_tasks import DeadlyOnce
from tests.nnlite.model_selection import search_tasks

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed: nothing to run on")

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120.0  # [s]: processes that start beside other tests take their time


@contextlib.contextmanager
def process(*arguments, folder, **environment):
    """A process of its own, killed at the end, if it still lives."""
    with open(folder / "cluster.log", "ab") as stream:
        running = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder), **environment},
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@contextlib.contextmanager
def cluster(folder, n_workers=2, allowed_failures=3):
    """(client, scheduler's process, workers' processes) on this machine, reachable from nowhere else."""
    file = folder / "scheduler.json"
    shared = ["--scheduler-file", str(file), "--no-dashboard"]
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(
            process(
                *("distributed.cli.dask_scheduler", *shared, "--host", "127.0.0.1", "--port", "0"),
                folder=folder,
                DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=str(allowed_failures),
            )
        )
        workers = [
            stack.enter_context(
                process(
                    *("distributed.cli.dask_worker", *shared, "--host", "127.0.0.1", "--no-nanny", "--nthreads", "1"),
                    folder=folder,
                )
            )
            for _ in range(n_workers)
        ]
        wait_for(file.exists, "a scheduler")
        client = stack.enter_context(distributed.Client(scheduler_file=str(file), timeout=PATIENCE))
        client.wait_for_workers(n_workers, timeout=PATIENCE)
        yield client, scheduler, workers


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE:.0f} s"
        time.sleep(0.02)


def test_a_killed_worker_loses_nothing(tmp_path):
    """It dies in the middle of a task, with others waiting: the other worker does them all."""
    seen = tmp_path / "seen"
    seen.mkdir()
    tasks = [{"x": x, "folder": str(seen)} for x in range(12)]
    journal = tmp_path / "journal.jsonl"
    with cluster(tmp_path) as (client, _, workers):
        victim = workers[0]

        def kill():
            wait_for(lambda: len(list(seen.glob(f"*-{victim.pid}"))) == 2, "second task on a worker")
            victim.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        outcomes = run_tasks(search_tasks.slow_square, tasks, executor=client.get_executor(), journal=journal)
        killer.join()
    assert victim.poll() is not None
    assert [outcome.value for outcome in outcomes] == [x**2 for x in range(12)]
    assert len(journal.read_text().splitlines()) == 13
    by_task = {x: {int(path.name.partition("-")[2]) for path in seen.glob(f"{x}-*")} for x in range(12)}
    assert {workers[1].pid, victim.pid} in by_task.values()  # begun by the one, done by the other
    assert all(workers[1].pid in pids or pids == {victim.pid} for pids in by_task.values())


def test_a_trial_that_kills_its_workers_is_a_recorded_failure(tmp_path):
    """It comes last, as dask counts a death against all that waited for the worker."""
    evaluate = functools.partial(search_tasks.deadly, folder=str(tmp_path))
    with cluster(tmp_path, allowed_failures=0) as (client, *_):
        result = search(ParameterGrid({"x": [0, 1, 3, 4, 2]}), evaluate, executor=client.get_executor())
    assert [trial.score for trial in result] == [0, 1, 3, 4, None]
    assert "KilledWorker" in result.failed[0].error


def test_a_run_whose_scheduler_is_killed_goes_on_when_it_is_called_again(tmp_path):
    seen = tmp_path / "seen"
    seen.mkdir()
    tasks = [{"x": x, "folder": str(seen)} for x in range(8)]
    journal = tmp_path / "journal.jsonl"
    run = functools.partial(run_tasks, search_tasks.slow_square, tasks, journal=journal)
    with cluster(tmp_path) as (client, scheduler, _):

        def kill():
            wait_for(lambda: journal.exists() and len(journal.read_text().splitlines()) > 3, "third outcome")
            scheduler.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(RuntimeError, match=r"run_tasks: executor: .*With a journal, the same call continues"):
            run(executor=client.get_executor())
        killer.join()
    done = [json.loads(line)["task"]["x"] for line in journal.read_text().splitlines()[1:]]
    assert 3 <= len(done) < 8
    for path in seen.iterdir():
        path.unlink()
    assert [outcome.value for outcome in run()] == [x**2 for x in range(8)]
    assert sorted(int(path.name.partition("-")[0]) for path in seen.iterdir()) == sorted(set(range(8)) - set(done))


def test_an_ensemble_is_the_same_although_a_worker_died(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((90, 6)).astype(np.float32)
    Y = (X[:, :3] + rng.standard_normal((90, 3)) > 0.5).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")

    def ensemble(**settings):
        network = nn.Sequential([nn.Dense(4), nn.Tanh(), nn.Dense(1), nn.Sigmoid()], (6,))
        member = nn.NetworkClassifier(network, max_epochs=15, batch_size=16, n_threads=1, **settings)
        return nn.BaggedEnsemble(member, n_bags=2, random_state=0)

    with cluster(tmp_path) as (client, _, workers):
        there = ensemble(augment=DeadlyOnce(str(tmp_path)))
        there.set_params(executor=client.get_executor()).fit(mapped, Y)
        assert sorted(worker.poll() is None for worker in workers) == [False, True]
    np.testing.assert_array_equal(there.predict_proba(X), ensemble().fit(X, Y).predict_proba(X))
