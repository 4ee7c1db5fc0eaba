"""A selection of samples, how it travels, and how it is read ahead."""

import mmap
import pickle

import numpy as np
import pytest

import nnlite as nn
from nnlite import rows as rows_module
from nnlite.rows import fetch


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


class Watched(mmap.mmap):
    """A mapping that notes what it is asked to read ahead."""

    asked: list[tuple[int, int, int]]

    def madvise(self, *arguments):
        self.asked.append(arguments)
        super().madvise(*arguments)


@pytest.fixture
def mapped(tmp_path):
    """Map ten rows of 2,000 float32 behind a header of 100 bytes, in a file."""
    path = tmp_path / "x"
    path.write_bytes(bytes(100) + np.arange(20_000, dtype=np.float32).tobytes())
    with open(path, "rb") as file:
        mapping = Watched(file.fileno(), 0, access=mmap.ACCESS_READ)
    mapping.asked = []
    x = np.ndarray((10, 2000), np.float32, mapping, 100)
    return x, mapping.asked


def pages(row):
    first, last = 100 + row * 8000, 100 + (row + 1) * 8000
    start = first // mmap.PAGESIZE * mmap.PAGESIZE
    return mmap.MADV_WILLNEED, start, last - start


@pytest.mark.skipif(not hasattr(mmap, "MADV_WILLNEED"), reason="a system that reads nothing ahead")
def test_rows_of_a_file_are_read_ahead(mapped):
    x, asked = mapped
    fetch(x, np.array([9, 0, 4]))
    assert asked == [pages(9), pages(0), pages(4)]
    asked.clear()
    fetch(nn.Rows(x[2:], np.array([7, 1, 3])), np.array([2, 0]))
    assert asked == [pages(5), pages(9)]
    asked.clear()
    for other in (x[:, ::2], x[::2], np.array(x), [[1.0]], x[:0]):
        fetch(other, np.array([], int) if len(other) == 0 else np.array([0]))
    assert not asked


@pytest.mark.skipif(not hasattr(mmap, "MADV_WILLNEED"), reason="a system that reads nothing ahead")
@pytest.mark.parametrize(("memory", "epochs"), [(1 << 40, 1), (1000, 3)])
def test_training_reads_a_batch_ahead(mapped, monkeypatch, memory, epochs):
    """In each epoch every row but those of the first batch, which nothing comes before; in one, if all stay there."""
    x, asked = mapped
    monkeypatch.setattr(rows_module, "_memory_bytes", lambda: memory)
    net = nn.Sequential([nn.Dense(2)], (2000,))
    params = net.init(np.random.default_rng(0))
    settings = {"loss": nn.SoftmaxCrossEntropy(), "optimizer": nn.SGD(1e-9), "batch_size": 4, "max_epochs": 3}
    for _ in nn.train(net, params, x, np.zeros(10, int), **settings):
        pass
    order = [np.random.default_rng((0, number)).permutation(10)[4:] for number in range(epochs)]
    assert asked == [pages(row) for row in np.concatenate(order)]
