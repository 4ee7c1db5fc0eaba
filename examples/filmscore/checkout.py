"""Read files of a public repository at a stated commit, out of a checkout of it: a work tree or a bare git directory.

The files come from git's own store, so that it does not matter what is checked out or was changed in the work tree.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path


class CheckoutError(Exception):
    """A checkout that cannot be read; the message names the folder and the command that helps."""


def read_files(folder: Path, url: str, commit: str, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
    """Yield each path with the content of the file at the commit, or with None where the checkout has no such file.

    Raises
    ------
    CheckoutError
        When git is not installed, the folder is no checkout, or the checkout lacks the commit.
    """
    if shutil.which("git") is None:
        raise CheckoutError("git is not on this system. Install it: recordings are read from a checkout with it.")
    bring = f"Bring it: git clone {url} '{folder}'"
    if not folder.is_dir():
        raise CheckoutError(f"no checkout at {folder}. {bring}")
    _git(folder, ["rev-parse", "--git-dir"], f"{folder}: expected a checkout of {url}. {bring}")
    lacks = f"{folder}: the checkout lacks commit {commit}. Bring it: git -C '{folder}' fetch {url} {commit}"
    _git(folder, ["cat-file", "-e", f"{commit}^{{commit}}"], lacks)
    with subprocess.Popen(
        ["git", "-C", str(folder), "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(folder),
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for path in paths:
            process.stdin.write(f"{commit}:{path}\n".encode())
            process.stdin.flush()
            words = process.stdout.readline().split()
            if words[1:2] == [b"blob"] and len(words) == 3:
                content = process.stdout.read(int(words[2]))
                process.stdout.read(1)
                yield path, content
            elif words[-1:] == [b"missing"]:
                yield path, None
            else:
                raise CheckoutError(f"{folder}: git could not read {path} of commit {commit}. Try git fsck, or {bring}")


def _git(folder: Path, arguments: list[str], message: str) -> None:
    """Run git on the folder; where it fails, raise the message with what git said."""
    command = ["git", "-C", str(folder), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(folder))
    if result.returncode:
        said = result.stderr.strip().splitlines()
        raise CheckoutError(f"{message} (git: {said[0]})" if said else message)


def _environment(folder: Path) -> dict[str, str]:
    """Keep git to this folder: not the repository around it, nor one that the environment names."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent), "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
