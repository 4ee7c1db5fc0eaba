"""Build sdist and wheel, the same bits wherever and whenever: python .ci/build.py FOLDER.

What goes in are the files that git tracks, as they lie in the checkout. Times are the commit's (SOURCE_DATE_EPOCH is
asked first), members are sorted, and nobody's name, permissions or folders are kept. The wheel is made of the sdist.
Needs git, and setuptools 70.1 or newer, whose version and zlib's are all that bits depend on besides the files.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BACKEND = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def backend(step: str, source: Path, out: Path) -> Path:
    """What setuptools makes of a folder."""
    out.mkdir()
    done = subprocess.run([sys.executable, "-c", BACKEND, step, str(out)], cwd=source, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"build: {step}: {done.stderr}")
    (made,) = out.iterdir()
    return made


def plain_tar(made: Path, path: Path, epoch: int) -> None:
    """Write a .tar.gz again, with nothing in it but names and bytes."""
    with (
        tarfile.open(made) as old,
        open(path, "wb") as file,
        gzip.GzipFile("", "wb", 9, file, epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            if member.isfile():
                plain = tarfile.TarInfo(member.name)
                plain.size, plain.mtime, plain.mode = member.size, epoch, 0o644
                new.addfile(plain, old.extractfile(member))


def plain_zip(made: Path, path: Path, epoch: int) -> None:
    """Write a wheel again, in its own order."""
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            plain = zipfile.ZipInfo(name, time.gmtime(max(epoch, 315532800))[:6])  # zip begins in 1980
            plain.create_system, plain.external_attr, plain.compress_type = 3, 0o100644 << 16, zipfile.ZIP_DEFLATED
            new.writestr(plain, old.read(name))


def main(out: Path) -> None:
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run([*git, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=True).stdout
    epoch = int(os.environ.setdefault("SOURCE_DATE_EPOCH", commit.strip()))
    tracked = subprocess.run([*git, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary, "source")
        for name in filter(None, tracked.split("\0")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
        sdist = backend("build_sdist", source, Path(temporary, "sdist"))
        shutil.unpack_archive(sdist, Path(temporary, "unpacked"), filter="data")
        (unpacked,) = Path(temporary, "unpacked").iterdir()
        wheel = backend("build_wheel", unpacked, Path(temporary, "wheel"))
        plain_tar(sdist, out / sdist.name, epoch)
        plain_zip(wheel, out / wheel.name, epoch)
    for made in (out / sdist.name, out / wheel.name):
        print(hashlib.sha256(made.read_bytes()).hexdigest(), made.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
