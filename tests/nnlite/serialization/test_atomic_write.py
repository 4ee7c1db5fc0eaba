"""Files that appear whole or not at all: full disks, crashes, links, leftovers."""

import errno
import functools
import io
import os
import stat

import pytest

from nnlite.serialization import (
    atomic,
    atomic_write,
    read_archive,
    remove_leftovers,
    write_archive,
)
from tests.nnlite.serialization.archives import ARRAYS, HEADER, content


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.fixture
def whole(path):
    """Return the bytes of a good file at `path`."""
    write_archive(path, HEADER, ARRAYS)
    return path.read_bytes()


class Full(io.FileIO):
    """A file on a disk with room for so many bytes."""

    def __init__(self, name, mode, room):
        super().__init__(name, mode)
        self.room = room

    def write(self, data):
        taken = min(self.room, len(memoryview(data).cast("B")))
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= taken
        return super().write(memoryview(data).cast("B")[:taken])


def open_full(name, mode, room):
    return io.BufferedWriter(Full(name, mode, room), 64)


def test_a_full_disk_at_every_byte(path, whole, monkeypatch):
    for room in (*range(0, len(whole), 37), len(whole) - 1):
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "open", functools.partial(open_full, room=room), raising=False)
            with pytest.raises(OSError, match=r"No space left.*nothing was written") as caught:
                write_archive(path, HEADER, ARRAYS)
        assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
        assert path.read_bytes() == whole and content(path) == ["model.npz"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt(), MemoryError()])
def test_a_crash_at_the_end(path, whole, monkeypatch, function, error):
    def crash(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, function, crash)
        with pytest.raises(type(error)):
            write_archive(path, {}, {})
    assert path.read_bytes() == whole and content(path) == ["model.npz"]


def test_an_error_in_the_block(path):
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write(b"new")
        assert len(content(path)) == 2 and path.read_bytes() == b"old"
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and content(path) == ["model.npz"]


def test_order_of_the_steps(path, monkeypatch):
    """The bytes are on the disk before the name, and the name before the caller goes on."""
    steps = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", lambda *names: (steps.append("replace"), replace(*names)))
    with atomic_write(path) as file:
        file.write(b"12345")
    assert steps == [5, "replace", "folder"]


def test_folders_that_can_not_be_synced(path, monkeypatch):
    fsync = os.fsync

    def no_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not here")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", no_folders)
    write_archive(path, HEADER, {})
    assert read_archive(path)[0] == HEADER


def test_permissions(path):
    mask = os.umask(0o027)
    try:
        write_archive(path, {}, {})
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o600)
    write_archive(path, {}, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_replaced_and_not_followed(path, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"old")
    path.symlink_to(outside)
    write_archive(path, HEADER, {})
    assert outside.read_bytes() == b"old" and not path.is_symlink() and read_archive(path)[0] == HEADER


def test_no_folder(path, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_archive(tmp_path / "no" / "model.npz", {}, {})
    assert caught.value.filename == str(tmp_path / "no" / "model.npz")
    with pytest.raises(IsADirectoryError, match="expected the name of a file, got a folder"):
        write_archive(tmp_path, {}, {})
    assert content(path) == []


def test_leftovers(path):
    dead = path.with_name(f".model.npz.{'0' * 16}.tmp")
    others = [path.with_name(name) for name in (".other.npz.0000000000000000.tmp", ".model.npz.tmp", "model.npz.0.tmp")]
    for file in (dead, *others):
        file.write_bytes(b"")
    with atomic_write(path) as file:
        file.write(b"x")
        remove_leftovers(path)
        remaining = set(path.parent.iterdir())
        assert dead not in remaining and len(remaining) == 4  # what is being written stays
    assert path.read_bytes() == b"x" and set(path.parent.iterdir()) == {path, *others}
    remove_leftovers(path.parent / "nowhere" / "x")
