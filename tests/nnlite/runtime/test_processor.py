"""Sizes of caches as Linux tells them."""

import pytest

from nnlite.runtime import processor


@pytest.fixture(autouse=True)
def _forget():
    processor.cache_bytes.cache_clear()
    yield
    processor.cache_bytes.cache_clear()


def write(folder, *caches):
    for number, words in enumerate(caches):
        index = folder / f"index{number}"
        index.mkdir()
        for name, word in zip(("level", "type", "size"), words, strict=True):
            (index / name).write_text(word + "\n")


def test_sizes_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_CACHES", tmp_path)
    write(tmp_path, ("1", "Instruction", "64K"), ("1", "Data", "48K"), ("2", "Unified", "2M"))
    assert (processor.cache_bytes(1), processor.cache_bytes(2)) == (48 * 1024, 2 * 1024 * 1024)


@pytest.mark.parametrize("size", ["", "0K", "many"])
def test_fallback(tmp_path, monkeypatch, size):
    monkeypatch.setattr(processor, "_CACHES", tmp_path)
    write(tmp_path, ("1", "Data", size))
    (tmp_path / "index9").mkdir()
    assert (processor.cache_bytes(1), processor.cache_bytes(2)) == (32 * 1024, 256 * 1024)
