"""Threads, forks, crowds of processes, and places that can't be written to or fill up.

python tests/faults/storms.py                  # all, at a small size
python tests/faults/storms.py --full           # with 16 processes that compile everything at once
python tests/faults/storms.py --only two_threads

Each scenario runs in processes of its own and says what happened. One that the machine does not permit says why.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.faults.storm_work import WORK

ROOT = Path(__file__).resolve().parents[2]
SMALL, FULL = 4, 16
"""Processes of a crowd."""
SECONDS = 1200
"""After which a process is taken to hang."""


class NotPermitted(Exception):
    """The machine does not let us; says what."""


def command(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(Path(__file__)), "--work", name, *map(str, arguments)]


def environment(**changes: object) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in changes.items()}}


def run(*words: str, **changes: object) -> str:
    """What a command says, or an AssertionError with all that it said."""
    done = subprocess.run(
        words, env=environment(**changes), capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def own_mounts() -> list[str]:
    """The words before a command that give it mounts of its own.

    Raises
    ------
    NotPermitted
    """
    for words in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        probe = [*words, "mount", "-t", "tmpfs", "none", "/mnt"]
        if shutil.which("unshare") and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return words
    raise NotPermitted("mounting a file system of one's own (unshare --mount)")


# --- Threads and processes --------------------------------------------------------------------------------------------


def two_threads(full: bool) -> str:
    """Two networks trained at once from two threads, each with threads of its own."""
    return run(*command("two_threads"))


def forked(full: bool) -> str:
    """A process forked after training, with `os.fork`, that predicts and trains."""
    if not hasattr(os, "fork"):
        raise NotPermitted("os.fork")
    return run(*command("forked"))


def forked_while_training(full: bool) -> str:
    """A process forked while another thread trains."""
    if not hasattr(os, "fork"):
        raise NotPermitted("os.fork")
    return run(*command("forked_while_training"))


def spawned(full: bool) -> str:
    """Processes of `multiprocessing` started afresh (spawn)."""
    return run(*command("spawned"))


def crowd(full: bool) -> str:
    """Processes that import, compile and train at once, with an empty kernel cache."""
    n, size = (FULL, "large") if full else (SMALL, "small")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "cache")
        alone = run(*command("digest", size), NNLITE_CACHE_DIR=Path(folder, "alone"))
        crowd = [
            subprocess.Popen(
                command("digest", size), env=environment(NNLITE_CACHE_DIR=cache), stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )
            for _ in range(n)
        ]  # fmt: skip
        said = [process.communicate() for process in crowd]
        assert not any(process.returncode for process in crowd), said
        assert {out.strip() for out, _ in said} == {alone}, (alone, said)
        files = sorted(path.name for path in cache.iterdir())
        assert files == sorted(path.name for path in Path(folder, "alone").iterdir())  # nothing half-written
        assert all(name.endswith(".kernel") for name in files)
        later = subprocess.run(
            command("digest", size), env=environment(NNLITE_CACHE_DIR=cache), capture_output=True, text=True, check=True
        )
        assert later.stdout.strip() == alone and "compiling" not in later.stderr
    return f"{n} processes, the same bits in all; {len(files)} kernels in the cache, none half-written"


# --- Places that can't be written to ----------------------------------------------------------------------------------


def unwritable_cache(full: bool) -> str:
    """A kernel cache where no folder can be made: below a file, and in /proc."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file").write_text("in the way")
        expected = run(*command("digest", "small"), NNLITE_CACHE_DIR=Path(folder, "cache"))
        for place in (Path(folder, "file", "cache"), "/proc/cache", "/dev/null"):
            assert run(*command("digest", "small"), NNLITE_CACHE_DIR=place) == expected
    return "the same bits without a cache"


def nothing_writable(full: bool) -> str:
    """A system on which everything is read-only: installation, cache, home, temporary folders."""
    words = own_mounts()
    with tempfile.TemporaryDirectory() as folder:
        expected = run(*command("digest", "small"), NNLITE_CACHE_DIR=Path(folder, "cache"))
        mounts = "; ".join(f"mount -o remount,bind,ro {place}" for place in ("/", "/tmp", "/dev/shm"))
        shell = f'({mounts}) 2>/dev/null; touch "$0" 2>/dev/null && exit 77; exec "$@"'
        inside = [*words, "sh", "-c", shell, f"{folder}/probe", *command("digest", "small")]
        done = subprocess.run(
            inside, env=environment(NNLITE_CACHE_DIR=f"{folder}/none"), capture_output=True, text=True, check=False
        )
    if done.returncode == 77:
        raise NotPermitted("remounting the root read-only")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected, (done.stdout, expected)
    return "the same bits; nothing was written"


# --- Disks that fill up -----------------------------------------------------------------------------------------------


def on_a_small_disk(name: str, size: str) -> str:
    words = own_mounts()
    with tempfile.TemporaryDirectory() as folder:
        shell = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
        return run(*words, "sh", "-c", shell, folder, *command(name, folder))


def full_disk_checkpoint(full: bool) -> str:
    """A disk that fills up while a checkpoint is written."""
    return on_a_small_disk("full_disk_checkpoint", "1m")


def full_disk_model(full: bool) -> str:
    """A disk too full for a model that takes the place of an older one."""
    return on_a_small_disk("full_disk_model", "1m")


def full_disk_journal(full: bool) -> str:
    """A disk that fills up while a search writes its journal."""
    return on_a_small_disk("full_disk_journal", "1m")


def full_disk_kernels(full: bool) -> str:
    """A disk too full for a kernel that was compiled."""
    return on_a_small_disk("full_disk_kernels", "1m")


SCENARIOS: dict[str, Callable[[bool], str]] = {
    scenario.__name__: scenario
    for scenario in (
        two_threads, forked, forked_while_training, spawned, crowd, unwritable_cache, nothing_writable,
        full_disk_checkpoint, full_disk_model, full_disk_journal, full_disk_kernels,
    )
}  # fmt: skip


def results(names: list[str], full: bool) -> list[tuple[str, str, bool]]:
    """(what was done, what happened, whether it is as it should be) for each scenario."""
    found = []
    for name in names:
        try:
            said, good = SCENARIOS[name](full), True
        except NotPermitted as error:
            said, good = f"not tried: this machine does not permit {error}", True
        except (AssertionError, subprocess.SubprocessError) as error:
            said, good = f"FAILED: {error}", False
        found.append((str(SCENARIOS[name].__doc__), said, good))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, *arguments = options.work
        said = WORK[name](*arguments)
        print(said if isinstance(said, str) else json.dumps(said))
        return 0
    found = results(options.only, options.full)
    print(*(f"{what} {said}" for what, said, _ in found), sep="\n")
    return 0 if all(good for *_, good in found) else 1


if __name__ == "__main__":
    sys.exit(main())
