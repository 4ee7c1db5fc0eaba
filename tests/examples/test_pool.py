"""Jobs over processes: results, errors, and processes that die."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from filmscore.features import pool


def work(job: int) -> str:
    if job == 1:
        raise ValueError("odd")
    if job == 2:
        os._exit(1)
    return f"{job} done"


def failed(job: int, error: str) -> str:
    return f"{job}: {error}"


def test_a_process_that_dies_loses_its_own_job_only():
    results = sorted(pool.run(work, [0, 2, 3, 1, 4, 5], 2, failed))
    assert results == ["0 done", "1: ValueError: odd", f"2: {pool.DIED}", "3 done", "4 done", "5 done"]


def test_an_executor_of_ones_own():
    with ThreadPoolExecutor(2) as executor:
        results = sorted(pool.run(work, [0, 1, 3], 1, failed, executor))
    assert results == ["0 done", "1: ValueError: odd", "3 done"]


def test_one_process_is_this_one():
    assert list(pool.run(lambda job: job + 1, [1, 2], 1, failed)) == [2, 3]
    with pytest.raises(ValueError, match="odd"):
        list(pool.run(work, [1], 1, failed))
