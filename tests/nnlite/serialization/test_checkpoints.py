"""Checkpoints: rotation, damage, a full disk, and processes killed while they write."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from nnlite.serialization import FileFormatError, FileVersionError, checkpoints, write_archive
from nnlite.serialization.checkpoints import Checkpointer, DamagedCheckpointWarning

ROOT = Path(__file__).resolve().parents[3]


def state(number):
    return {"epoch": number, "history": [0.5] * number}, {"w": np.full(50, number, np.float32)}


def epochs(checkpointer):
    """Return the epoch in each of the files, newest first; None where there is none."""
    return [checkpoints.read_archive(path)[0]["epoch"] if path.exists() else None for path in checkpointer.paths()]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


# --- In peace ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_the_newest_are_kept(path, keep):
    checkpointer = Checkpointer(path, keep)
    assert checkpointer.load() is None
    for number in range(6):
        checkpointer.save(*state(number))
        header, arrays = Checkpointer(path, keep).load()
        assert header == state(number)[0] and (arrays["w"] == number).all() and arrays["w"].dtype == np.float32
    assert epochs(checkpointer) == [5, 4, 3, 2][:keep]
    assert names(path.parent) == ["run.npz", "run.npz.1", "run.npz.2", "run.npz.3"][:keep]


def test_places(tmp_path):
    (tmp_path / "existing.d").mkdir()
    (tmp_path / "plain").write_bytes(b"")
    assert Checkpointer(tmp_path).path == tmp_path / "checkpoint.npz"
    assert Checkpointer(tmp_path / "existing.d").path == tmp_path / "existing.d" / "checkpoint.npz"
    assert Checkpointer(str(tmp_path / "new" / "run")).path == tmp_path / "new" / "run" / "checkpoint.npz"
    assert Checkpointer(tmp_path / "plain").path == tmp_path / "plain"
    assert Checkpointer(tmp_path / "a.npz").paths() == [tmp_path / "a.npz", tmp_path / "a.npz.1"]
    deep = Checkpointer(tmp_path / "x" / "y")
    assert deep.load() is None and not (tmp_path / "x").exists()
    deep.save(*state(1))
    assert deep.load()[0]["epoch"] == 1
    assert repr(Checkpointer("a.npz", keep=3)) == "Checkpointer('a.npz', keep=3)"


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "2", None])
def test_keep(keep):
    with pytest.raises(ValueError, match="Checkpointer: keep: expected a positive integer"):
        Checkpointer("a.npz", keep)


def test_a_state_that_can_not_be_stored_changes_nothing(path):
    checkpointer = Checkpointer(path)
    checkpointer.save(*state(1))
    with pytest.raises(ValueError, match="got nan"):
        checkpointer.save({"loss": float("nan")}, {})
    with pytest.raises(TypeError, match="got list"):
        checkpointer.save({}, {"w": [1]})
    assert epochs(checkpointer) == [1, None]


# --- Damage -----------------------------------------------------------------------------------------------------------


def test_a_damaged_newest_falls_back_and_is_replaced_first(path):
    checkpointer = Checkpointer(path, keep=3)
    for number in range(4):
        checkpointer.save(*state(number))
    damage(path)
    with pytest.warns(
        DamagedCheckpointWarning, match=rf"{re.escape(str(path))}: .*expected .*Going on from .*run\.npz\.1"
    ):
        header, _ = checkpointer.load()
    assert header["epoch"] == 2
    checkpointer.save(*state(10))
    assert epochs(checkpointer) == [10, 2, 1]  # a good one was not given up for a damaged one
    checkpointer.save(*state(11))
    assert epochs(checkpointer) == [11, 10, 2]


def test_two_damaged_ones(path):
    checkpointer = Checkpointer(path, keep=3)
    for number in range(3):
        checkpointer.save(*state(number))
    damage(path)
    os.truncate(f"{path}.1", 10)
    with pytest.warns(DamagedCheckpointWarning) as caught:
        assert checkpointer.load()[0]["epoch"] == 0
    assert len(caught) == 2
    checkpointer.save(*state(5))
    checkpointer.save(*state(6))
    assert epochs(checkpointer) == [6, 5, 0]


def test_a_damaged_older_one_is_not_looked_at(path):
    checkpointer = Checkpointer(path)
    for number in range(2):
        checkpointer.save(*state(number))
    damage(Path(f"{path}.1"))
    assert checkpointer.load()[0]["epoch"] == 1


def test_all_damaged(path):
    checkpointer = Checkpointer(path)
    for number in range(2):
        checkpointer.save(*state(number))
    damage(path)
    os.truncate(f"{path}.1", 0)
    with pytest.raises(FileFormatError, match=r"expected a good state among .*run\.npz, .*run\.npz\.1, got none"):
        checkpointer.load()


def test_a_newest_that_is_missing(path):
    """As after a crash between two renames."""
    checkpointer = Checkpointer(path, keep=3)
    for number in range(3):
        checkpointer.save(*state(number))
    path.unlink()
    assert checkpointer.load()[0]["epoch"] == 1
    checkpointer.save(*state(7))
    assert epochs(checkpointer) == [7, 1, 0]


def test_an_unreadable_sector(path, monkeypatch):
    checkpointer = Checkpointer(path)
    for number in range(2):
        checkpointer.save(*state(number))
    read_archive = checkpoints.read_archive

    def failing(error):
        def read(name):
            if name == path:
                raise OSError(error, os.strerror(error), str(name))
            return read_archive(name)

        return read

    monkeypatch.setattr(checkpoints, "read_archive", failing(errno.EIO))
    with pytest.warns(DamagedCheckpointWarning, match="Input/output error"):
        assert checkpointer.load()[0]["epoch"] == 0
    monkeypatch.setattr(checkpoints, "read_archive", failing(errno.EACCES))
    with pytest.raises(PermissionError):
        checkpointer.load()


def test_a_later_version_is_not_damage(path, monkeypatch):
    checkpointer = Checkpointer(path)
    checkpointer.save(*state(0))
    with monkeypatch.context() as patch:
        patch.setattr("nnlite.serialization.archive.FORMAT_VERSION", 2)
        checkpointer.save(*state(1))
    with pytest.raises(FileVersionError):
        checkpointer.load()


def test_not_a_checkpoint_of_ours(path):
    path.write_bytes(b"something else")
    with pytest.raises(FileFormatError, match="expected a good state"):
        Checkpointer(path).load()
    write_archive(path, {"any": 1}, {})
    assert Checkpointer(path).load() == ({"any": 1}, {})


# --- Cut off in the middle --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_an_error_at_every_step(path, monkeypatch, function, call):
    """The newest state stays, wherever a save fails, and the next save works."""
    checkpointer = Checkpointer(path, keep=3)
    for number in range(3):
        checkpointer.save(*state(number))
    real, calls = getattr(os, function), []

    def failing(*args):
        calls.append(args)
        if len(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, function, failing)
        try:
            checkpointer.save(*state(3))
        except OSError as error:
            assert ("it is written" if epochs(checkpointer)[0] == 3 else "nothing was written") in str(error)
    assert not [name for name in names(path.parent) if name.endswith(".tmp")]
    assert Checkpointer(path, keep=3).load()[0]["epoch"] in (2, 3)
    checkpointer.save(*state(4))
    assert epochs(checkpointer)[0] == 4 and len(set(epochs(checkpointer)) - {None}) >= 2


CHILD = """
import sys
import numpy as np
from nnlite.serialization.checkpoints import Checkpointer

checkpointer = Checkpointer(sys.argv[1], keep=3)
found = checkpointer.load()
number = 0 if found is None else found[0]["epoch"] + 1
assert found is None or (found[1]["w"] == number - 1).all()
print(number, flush=True)
while True:
    checkpointer.save({"epoch": number}, {"w": np.full(200_000, number, np.float32)})
    number += 1
"""

LIMITED = """
import json, resource, signal, sys
import numpy as np
from nnlite.serialization.checkpoints import Checkpointer

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
checkpointer = Checkpointer(sys.argv[1])
for number in range(2):
    checkpointer.save({"epoch": number}, {"w": np.full(100_000, number)})
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    checkpointer.save({"epoch": 2}, {"w": np.full(100_000, 2)})
except OSError as error:
    print(json.dumps([error.errno, str(error), checkpointer.load()[0]["epoch"]]))
"""


def python(code, *args):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_killed_at_any_moment(path):
    """Each process finds a whole state that is as new as the one before had reached."""
    rng, reached = np.random.default_rng(0), [0]
    while len(reached) <= 12 or (reached[-1] <= 12 and len(reached) < 100):  # more where the machine does much else
        with python(CHILD, path) as child:
            reached.append(int(child.stdout.readline()))
            time.sleep(rng.uniform(0, 0.2))
            child.send_signal(signal.SIGKILL)
    assert reached == sorted(reached) and reached[-1] > 12
    checkpointer = Checkpointer(path, keep=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a kill leaves no damaged file
        assert checkpointer.load()[0]["epoch"] >= reached[-1] - 1
    assert set(names(path.parent)) <= {"run.npz", "run.npz.1", "run.npz.2"}  # and what was half-written is gone


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_file_that_may_not_grow(path):
    with python(LIMITED, path) as child:
        number, message, epoch = json.loads(child.stdout.read())
    assert number == errno.EFBIG and "nothing was written" in message and epoch == 1
    assert names(path.parent) == ["run.npz", "run.npz.1"]
