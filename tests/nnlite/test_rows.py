"""A selection of samples, and how it travels."""

import pickle

import numpy as np
import pytest

import nnlite as nn


def travelled(rows):
    there = pickle.dumps(rows)
    return pickle.loads(there), len(there)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x,
        lambda x: x[5:],
        lambda x: x[5:].reshape(-1, 60),
        lambda x: np.asarray(x)[3:],
        lambda x: x.view(np.int32)[1:],
        lambda x: nn.Rows(x[2:], np.arange(20)),
    ],
)
def test_a_file_travels_by_its_name(tmp_path, view):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((60, 200, 15)).astype(np.float32))
    x = view(np.load(tmp_path / "x.npy", mmap_mode="r"))
    rows = nn.Rows(x, np.array([7, 2, 11]))
    there, size = travelled(rows)
    assert size < 1000
    np.testing.assert_array_equal(there[:], x[[7, 2, 11]])
    np.testing.assert_array_equal(there[1:], x[[2, 11]])


@pytest.mark.parametrize("view", [lambda x: x[::2], lambda x: x[:, ::-1], lambda x: x[:, 10:20]])
def test_rows_travel_where_a_file_can_not_be_named(tmp_path, view):
    np.save(tmp_path / "x.npy", np.arange(60_000, dtype=np.float32).reshape(60, 1000))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for x in (view(mapped), view(np.array(mapped))):
        there, size = travelled(nn.Rows(x, np.array([7, 2])))
        assert size < 9000
        np.testing.assert_array_equal(there[:], x[[7, 2]])


def test_what_was_written_to_a_private_copy_is_not_lost(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 3)))
    x = np.load(tmp_path / "x.npy", mmap_mode="c")
    x[2] = 5
    np.testing.assert_array_equal(travelled(nn.Rows(x, np.array([1, 2])))[0][:], [[0, 0, 0], [5, 5, 5]])


def test_another_kind_of_array_travels_as_it_says_itself():
    there, _ = travelled(nn.Rows(nn.Rows(np.arange(10)[:, None], np.arange(9, 0, -1)), np.array([0, 8])))
    np.testing.assert_array_equal(there[:], [[9], [1]])
