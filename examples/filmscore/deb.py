"""Read files out of Debian packages (.deb), and out of the zip containers in them, without unpacking the rest.

A .deb is an `ar` archive whose member `data.tar.*` holds the files. Python reads gz, bz2, xz and plain; for another
compression (zst) dpkg-deb is asked. A wanted path `X.d/MEMBER` means the member MEMBER of the zip container X (pk3,
love), as the manifest writes it.
"""

import errno
import io
import lzma
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from filmscore.files import replace_file


class PackageError(Exception):
    """A package that cannot be read; the message names the file."""


class _Section(io.RawIOBase):
    """The next `size` bytes of a file, as a file of their own."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._file.read(min(len(buffer), self._left))
        if not data and self._left:
            raise EOFError(f"the package ends {self._left} bytes too early")
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


@contextmanager
def open_data(deb: Path) -> Iterator[tarfile.TarFile]:
    """The tar stream of a package's files, to be read once from front to back.

    Raises
    ------
    PackageError
        When the file is not a package, is truncated, or is compressed in a way that takes a dpkg-deb that is not here.
    """
    try:
        with open(deb, "rb") as file:
            name, size = _find_data(file, deb)
            compression = name.removeprefix("data.tar").removeprefix(".")
            if compression in ("", "gz", "bz2", "xz"):
                section = io.BufferedReader(_Section(file, size))
                with tarfile.open(fileobj=section, mode=f"r|{compression}") as tar:  # type: ignore[call-overload]
                    yield tar
            else:
                with _dpkg_deb(deb, compression) as tar:
                    yield tar
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
        raise PackageError(f"{deb}: broken or truncated package ({error}). Delete it and download it again.") from error


def _find_data(file: BinaryIO, deb: Path) -> tuple[str, int]:
    """Move to the data member of the `ar` archive; its name and size. Format: ar(5), deb(5)."""
    if file.read(8) != b"!<arch>\n":
        raise PackageError(f"{deb}: expected a Debian package, got another kind of file")
    while len(header := file.read(60)) == 60:
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), header[48:58].strip()
        if not size.isdigit():
            raise PackageError(f"{deb}: broken package (a member of size {size!r}). Delete it and download it again.")
        if name.startswith("data.tar"):
            return name, int(size)
        file.seek(int(size) + int(size) % 2, io.SEEK_CUR)
    raise PackageError(f"{deb}: expected a package with files, found no data.tar. Delete it and download it again.")


@contextmanager
def _dpkg_deb(deb: Path, compression: str) -> Iterator[tarfile.TarFile]:
    if shutil.which("dpkg-deb") is None:
        raise PackageError(f"{deb}: compressed as {compression}, which takes dpkg-deb to read. Install dpkg.")
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            yield tar


@contextmanager
def find_package(
    names: Sequence[str], version: str, local: Path | None = None, keep: Path | None = None
) -> Iterator[Path]:
    """Give the file of a package that has one of these names.

    It is taken from `local`, from `keep`, or downloaded, and then deleted again unless it goes to `keep`. Of several
    versions the given one is preferred.
    """
    version = version.replace(":", "%3a")  # as apt-get writes an epoch into a file's name
    for name in names:
        for folder in (local, keep):
            files = [] if folder is None else sorted(folder.glob(f"{name}_*.deb"))
            if files:
                yield next((path for path in files if path.name.startswith(f"{name}_{version}_")), files[-1])
                return
    if local is not None:
        raise PackageError(f"no package {' or '.join(names)} in {local}")
    if keep is not None:
        yield _download(names, keep)
        return
    with tempfile.TemporaryDirectory(prefix="corpus-") as temporary:
        yield _download(names, Path(temporary))


def _download(names: Sequence[str], folder: Path) -> Path:
    """Download the first of these packages that the system's sources offer."""
    folder.mkdir(parents=True, exist_ok=True)
    reason = ""
    if shutil.which("apt-get") is None:
        raise PackageError("apt-get is not on this system. Download the package elsewhere and pass --packages.")
    for name in names:
        result = subprocess.run(["apt-get", "download", name], cwd=folder, capture_output=True, text=True, check=False)
        files = list(folder.glob(f"{name}_*.deb"))
        if result.returncode == 0 and files:
            return files[-1]
        errors = [line for line in result.stderr.splitlines() if line.startswith("E:")]
        reason = reason or (errors[0] if errors else result.stderr.strip())
    raise PackageError(f"apt-get: {reason}. Run `apt-get update` first, or pass --packages.")


def list_files(deb: Path) -> list[str]:
    """The paths of the regular files in a package."""
    with open_data(deb) as tar:
        return [_plain_name(info) for info in tar if info.isfile()]


def extract(deb: Path, targets: Mapping[str, Path]) -> Iterator[str]:
    """Write each wanted path that the package has as a regular file to its target; yield the path once it is there.

    Where a file goes is the caller's choice, never an archive's, and a target appears only when it is complete.
    """
    containers: dict[str, dict[str, Path]] = {}
    for path, target in targets.items():
        container, separator, member = path.partition(".d/")
        if separator:
            containers.setdefault(container, {})[member] = target
    with open_data(deb) as tar:
        for info in tar:
            name = _plain_name(info)
            stream = tar.extractfile(info) if info.isfile() and (name in targets or name in containers) else None
            if stream is None:
                continue
            if name in targets:
                _write(stream, targets[name])
                yield name
            else:
                for member in _extract_zip(f"{deb}: {name}", stream, containers[name]):
                    yield f"{name}.d/{member}"


def _extract_zip(who: str, stream: IO[bytes], targets: Mapping[str, Path]) -> Iterator[str]:
    with tempfile.TemporaryFile() as copy:  # a zip's table of contents is at its end: it needs a file that seeks
        shutil.copyfileobj(stream, copy)
        try:
            with zipfile.ZipFile(copy) as archive:
                for member in sorted(targets.keys() & set(archive.namelist())):
                    with archive.open(member) as file:
                        _write(file, targets[member])
                    yield member
        except OSError as error:
            if error.errno != errno.EINVAL:  # a place before the beginning of the file
                raise
            raise PackageError(f"{who}: broken zip container ({error})") from error
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError) as error:
            raise PackageError(f"{who}: broken zip container ({error})") from error


def _write(stream: IO[bytes], target: Path) -> None:
    with replace_file(target) as file:
        shutil.copyfileobj(stream, file, 1 << 20)


def _plain_name(info: tarfile.TarInfo) -> str:
    return info.name.removeprefix("./")
