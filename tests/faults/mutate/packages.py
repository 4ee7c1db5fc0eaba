"""Debian packages whose inner files are worse, in a sound envelope."""

import io
import tarfile
from collections.abc import Mapping

from tests.faults.mutate.raw import BYTES, PATHS, Rng, pick
from tests.faults.mutate.zips import mutate_zip

TYPES = (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)


def package(files: Mapping[str, bytes], compression: str = "xz", rng: Rng | None = None) -> bytes:
    """A package of these files; with `rng` some are links, folders or devices."""
    tar_file = io.BytesIO()
    known = compression if compression in ("gz", "bz2", "xz") else ""
    with tarfile.open(fileobj=tar_file, mode=f"w:{known}") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            if rng is not None and rng.random() < 0.1:
                info.type, info.linkname = pick(rng, TYPES), pick(rng, PATHS)
            tar.addfile(info, io.BytesIO(data))
    suffix = f".{compression}" if compression else ""
    return b"!<arch>\n" + _member("debian-binary", b"2.0\n") + _member(f"data.tar{suffix}", tar_file.getvalue())


def files_of(data: bytes) -> dict[str, bytes]:
    """The files of a good package."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(data[data.index(b"data.tar") + 60 :])) as tar:
        for info in tar:
            file = tar.extractfile(info)
            if file is not None:
                files[info.name.removeprefix("./")] = file.read()
    return files


def _member(name: str, data: bytes) -> bytes:
    """Of the `ar` archive that a package is."""
    head = f"{name[:16]:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)


def mutate_package(data: bytes, rng: Rng) -> bytes:
    files = files_of(data)
    name = pick(rng, sorted(files))
    choice = rng.random()
    if choice < 0.3:
        files[pick(rng, (*PATHS, name + "/x", "./" + name, name[1:]))] = files.pop(name)
    elif choice < 0.9:
        files[name] = mutate_zip(files[name], rng) if files[name][:2] == b"PK" else pick(rng, BYTES)(files[name], rng)
    return package(files, pick(rng, ("", "gz", "bz2", "xz", "gz", "xz", "zst", "../x")), rng)
