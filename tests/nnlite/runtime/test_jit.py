"""The kernel cache, and what kernels take.

A module that is imported a second time stands for a second process: it knows no machine code.
"""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nnlite.runtime import jit, kernel_cache

ROOT = Path(__file__).parents[3]
SOURCE = """
from nnlite.runtime.jit import kernel

@kernel
def scaled_sum(x):
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return FACTOR * total

def make(factor):
    @kernel
    def made(x):
        return factor * x[0]
    return made

def wrap(inner):
    @kernel
    def wrapped(x):
        return inner(x) + 1.0
    return wrapped
"""
X = np.arange(4.0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("NNLITE_CACHE_DIR", str(folder))
    return folder


def write(path, factor=2):
    path.parent.mkdir(exist_ok=True)
    path.write_text(SOURCE.replace("FACTOR", str(float(factor))))
    return path


def load(path, name="tiny"):
    """Import a source file afresh, as a new process would."""
    jit._fingerprint.cache_clear()
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def hits(function):
    return sum(function.stats.cache_hits.values())


def kernels(folder):
    return sorted(folder.glob("*.kernel"))


def run_script(path, **environment):
    command = [sys.executable, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output, errors


def test_a_second_process_loads_what_the_first_compiled(tmp_path, cache):
    script = write(tmp_path / "source" / "script.py")
    script.write_text(script.read_text() + "import numpy as np\nprint(scaled_sum(np.arange(4.0)), hits(scaled_sum))\n")
    script.write_text(
        script.read_text().replace("def make(", "def hits(f): return len(f.stats.cache_hits)\n\ndef make(")
    )
    output, errors = finish(run_script(script))
    assert output.split() == ["12.0", "0"]
    assert "compiling kernels" in errors
    first = {path: path.stat().st_mtime_ns for path in kernels(cache)}
    output, errors = finish(run_script(script))
    assert output.split() == ["12.0", "1"]
    assert errors == ""
    assert {path: path.stat().st_mtime_ns for path in kernels(cache)} == first


@pytest.mark.slow
def test_several_processes_at_once(tmp_path, cache):
    script = write(tmp_path / "source" / "script.py")
    script.write_text(
        script.read_text() + "import numpy as np\nprint(scaled_sum(np.arange(4.0)), make(3.0)(np.ones(2)))\n"
    )
    processes = [run_script(script) for _ in range(3)]
    assert {finish(process)[0] for process in processes} == {"12.0 3.0\n"}
    assert len(kernels(cache)) == len(list(cache.iterdir())) == 2


def test_types_have_files_of_their_own(tmp_path, cache):
    tiny = load(write(tmp_path / "source" / "tiny.py"))
    assert (tiny.scaled_sum(X), tiny.scaled_sum(X.astype(np.float32))) == (12.0, 12.0)
    assert len(kernels(cache)) == 2


def test_a_changed_source_is_compiled_again(tmp_path, cache):
    path = tmp_path / "source" / "tiny.py"
    assert load(write(path)).scaled_sum(X) == 12.0
    changed = load(write(path, factor=5))
    assert changed.scaled_sum(X) == 30.0
    assert hits(changed.scaled_sum) == 0
    back = load(write(path))
    assert back.scaled_sum(X) == 12.0
    assert hits(back.scaled_sum) == 1


def test_a_changed_neighbour_is_compiled_again(tmp_path):
    path = write(tmp_path / "source" / "tiny.py")
    write(path.with_name("neighbour.py"), factor=3)
    load(path).scaled_sum(X)
    write(path.with_name("neighbour.py"), factor=4)
    assert hits(load(path).scaled_sum) == 0


def test_two_files_do_not_share_names(tmp_path):
    one, other = write(tmp_path / "source" / "one.py", 2), write(tmp_path / "source" / "other.py", 3)
    assert load(one, "__tiny__").scaled_sum(X) == 12.0
    assert load(other, "__tiny__").scaled_sum(X) == 18.0


def test_values_of_a_closure_count(tmp_path):
    tiny = load(write(tmp_path / "source" / "tiny.py"))
    assert [tiny.make(factor)(np.ones(1)) for factor in (2.0, 3.0)] == [2.0, 3.0]
    again = load(tmp_path / "source" / "tiny.py")
    assert [again.make(factor)(np.ones(1)) for factor in (3.0, 2.0)] == [3.0, 2.0]


def test_a_kernel_of_another_folder_in_a_closure_counts(tmp_path):
    tiny = load(write(tmp_path / "source" / "tiny.py"))
    own = write(tmp_path / "own" / "own.py", factor=2)
    assert tiny.wrap(load(own, "own").scaled_sum)(X) == 13.0
    write(own, factor=5)
    assert tiny.wrap(load(own, "own").scaled_sum)(X) == 31.0


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "foreign"])
def test_a_damaged_file_is_compiled_again(tmp_path, cache, damage):
    path = write(tmp_path / "source" / "tiny.py")
    load(path).scaled_sum(X)
    (file,) = kernels(cache)
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(
        {
            "empty": b"",
            "short": content[:middle],
            "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "foreign": b"not machine code",
        }[damage]
    )
    tiny = load(path)
    assert tiny.scaled_sum(X) == 12.0
    assert hits(tiny.scaled_sum) == 0
    healed = load(path)
    assert healed.scaled_sum(X) == 12.0
    assert hits(healed.scaled_sum) == 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_may_write_is_not_run(tmp_path, cache, mode):
    path = write(tmp_path / "source" / "tiny.py")
    load(path).scaled_sum(X)
    (file,) = kernels(cache)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(mode)
    tiny = load(path)
    assert tiny.scaled_sum(X) == 12.0 and hits(tiny.scaled_sum) == 0
    assert file.stat().st_mode & 0o777 == 0o600  # one of our own took its place


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
def test_what_another_user_wrote_is_not_run(tmp_path, cache, monkeypatch):
    path = write(tmp_path / "source" / "tiny.py")
    load(path).scaled_sum(X)
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    tiny = load(path)
    assert tiny.scaled_sum(X) == 12.0
    assert hits(tiny.scaled_sum) == (1 if os.stat(tmp_path).st_uid == 0 else 0)  # the system's files are trusted


# --- What is never asked for again ------------------------------------------------------------------------------------


def aged(path, days):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"machine code")
    os.utime(path, (0, time.time() - days * 86400))
    return path


def test_what_was_not_used_for_long_is_removed(cache):
    gone = [aged(cache / f"{'0' * 40}.kernel", 91), aged(cache / "tmpabcd.part", 2)]
    kept = [
        aged(cache / f"{'1' * 40}.kernel", 89),
        aged(cache / "tmpabce.part", 0.5),  # someone is writing it
        aged(cache / "someone else's.kernel", 1000),
        aged(cache / f"{'2' * 40}.kernel.bak", 1000),
    ]
    (cache / f"{'3' * 40}.kernel").mkdir()
    os.utime(cache / f"{'3' * 40}.kernel", (0, 0))
    assert kernel_cache.prune(cache) == len(gone)
    assert {path.name for path in cache.iterdir()} == {*(path.name for path in kept), f"{'3' * 40}.kernel"}


def test_no_more_than_so_many_are_kept(cache, monkeypatch):
    monkeypatch.setattr(kernel_cache, "_KEPT_FILES", 3)
    for days in range(6):
        aged(cache / f"{days:040}.kernel", days)
    assert kernel_cache.prune(cache) == 3
    assert sorted(path.name for path in cache.iterdir()) == [f"{days:040}.kernel" for days in range(3)]


def test_a_kernel_that_is_used_stays(tmp_path, cache):
    path = write(tmp_path / "source" / "tiny.py")
    load(path).scaled_sum(X)
    (file,) = kernels(cache)
    os.utime(file, (0, time.time() - 80 * 86400))
    again = load(path)
    assert again.scaled_sum(X) == 12.0 and hits(again.scaled_sum) == 1
    assert time.time() - file.stat().st_mtime < 3600


def test_a_new_kernel_lets_old_ones_go_once(tmp_path, cache):
    old = aged(cache / f"{'0' * 40}.kernel", 1000)
    tiny = load(write(tmp_path / "source" / "tiny.py"))
    tiny.scaled_sum(X)
    assert not old.exists() and len(kernels(cache)) == 1
    aged(old, 1000)
    tiny.scaled_sum(X.astype(np.float32))
    assert old.exists()  # the next process looks


def test_processes_prune_and_compile_at_once(tmp_path, cache, monkeypatch):
    """A file that goes between a look and the removal, or between the look and the use, is no error."""
    stat, removed = Path.stat, []

    def gone(path, **keywords):
        status = stat(path, **keywords)
        if path.suffix == ".kernel" and path.parent == cache:
            path.unlink(missing_ok=True)
            removed.append(path)
        return status

    aged(cache / f"{'0' * 40}.kernel", 1000)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", gone)
        assert kernel_cache.prune(cache) == 0 and removed
    tiny = load(write(tmp_path / "source" / "tiny.py"))
    assert tiny.scaled_sum(X) == 12.0


# --- Places that do not let one ---------------------------------------------------------------------------------------


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NNLITE_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert load(write(tmp_path / "source" / "tiny.py")).scaled_sum(X) == 12.0


def test_a_user_without_home(tmp_path, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(kernel_cache, "directory", no_home)
    assert load(write(tmp_path / "source" / "tiny.py")).scaled_sum(X) == 12.0


def test_functions_without_source_are_not_kept(cache):
    namespace = {}
    exec(SOURCE.replace("FACTOR", "2.0"), {"__name__": "__main__"}, namespace)  # as in a notebook's cell
    assert namespace["scaled_sum"](X) == 12.0
    assert not cache.exists()


def test_cache_directory(monkeypatch, tmp_path):
    assert kernel_cache.directory() == tmp_path / "cache"
    monkeypatch.delenv("NNLITE_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernel_cache.directory() == tmp_path / "nnlite"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert kernel_cache.directory() == Path.home() / ".cache" / "nnlite"


def test_kernel_input_copies_only_what_kernels_cannot_take(tmp_path):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert jit.kernel_input(x) is x
    read_only = x.copy()
    read_only.flags.writeable = False
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=(2, 3))
    mapped[...] = x
    for other in (read_only, mapped, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x.astype(float)):
        taken = jit.kernel_input(other, np.float32)
        assert type(taken) is np.ndarray
        assert taken.flags.carray
        np.testing.assert_array_equal(taken, x)
