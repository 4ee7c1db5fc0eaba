"""Prepare a release: python .ci/release.py FOLDER. It uploads nothing; the last lines say what is left to do by hand.

1. The versions of the package, CHANGELOG.md and CITATION.cff agree, and no tracked file differs from the commit.
2. sdist and wheel are built twice, in other folders and at another time, with the same bits.
3. twine checks their descriptions.
4. The wheel is installed into a fresh environment outside the checkout, and its commands do their work.
5. FOLDER gets sdist, wheel, their SHA-256 sums, and the notes: the section of the changelog.

Needs git, and `pip install setuptools twine` in the environment that runs it.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(out: Path) -> int:
    version = agreed_version((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    changed = run("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no")
    if changed:
        sys.exit(f"release: expected a checkout without changes, got:\n{changed}")
    if out.exists() and any(out.iterdir()):
        sys.exit(f"release: {out}: expected a new or empty folder")
    with tempfile.TemporaryDirectory() as temporary:
        again = Path(temporary, "again")
        run(sys.executable, ROOT / ".ci" / "build.py", out)
        run(sys.executable, ROOT / ".ci" / "build.py", again, TZ="Asia/Kathmandu", TMPDIR=temporary)
        files = sorted(path.name for path in out.iterdir())
        if filecmp.cmpfiles(out, again, files, shallow=False)[0] != files:
            sys.exit(f"release: two builds differ: {', '.join(files)}")
        say(f"built twice, the same bits: {', '.join(files)}")
        run(sys.executable, "-m", "twine", "check", "--strict", *(out / name for name in files))
        say("twine finds nothing wrong")
        (wheel,) = out.glob("*.whl")
        fresh = Path(temporary, "fresh")
        venv.create(fresh, with_pip=True)
        python = fresh / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        run(python, "-m", "pip", "install", "--quiet", wheel)
        say(run(python, ROOT / ".ci" / "check_wheel.py", ROOT, wheel, cwd=temporary))
    sums = "".join(f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in files)
    (out / "SHA256SUMS").write_text(sums, encoding="utf-8")
    notes = out / f"notes-{version}.md"
    notes.write_text(section(version), encoding="utf-8")
    commit = run("git", "-C", ROOT, "rev-parse", "HEAD")
    say(f"{out}: ready. By hand: read {notes.name}; git tag -s v{version} {commit[:12]}; twine upload {out}/nnlite-*")
    return 0


def agreed_version(changelog: str) -> str:
    """Return the version on which package, changelog and citation agree."""
    package = found(r'__version__ = "(.*)"', (ROOT / "nnlite" / "version.py").read_text(encoding="utf-8"))
    cited = found(r"(?m)^version: (.*)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    latest = found(r"(?m)^## (\S+)", changelog)
    if not package == cited == latest:
        sys.exit(f"release: versions differ: package {package}, CITATION.cff {cited}, CHANGELOG.md {latest}")
    return package


def section(version: str) -> str:
    """Return the notes of a version: its section of the changelog."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return found(rf"(?ms)^## {re.escape(version)}\b.*?$\n+(.*?)(?=^## |\Z)", changelog).strip() + "\n"


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"release: expected {pattern!r} in the files of the release")
    return match[1]


def run(*command: str | Path, cwd: str | None = None, **environment: str) -> str:
    """Return what a command prints; end the program if it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"release: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def say(text: str) -> None:
    print(f"release: {text}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
