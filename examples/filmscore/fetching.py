"""Bring recordings of a manifest into a folder, out of packages and checkouts, each checked against its hash."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from filmscore import checkout, deb, render
from filmscore.corpus import Recording, Source
from filmscore.files import replace_file, sha256

SUMS = "SHA256SUMS"  # what was unpacked into the folder, in the format of sha256sum


@dataclass(frozen=True)
class Places:
    """Where sources are found.

    Attributes
    ----------
    packages : Path or None
        A folder of .deb files to take instead of downloading.
    keep : Path or None
        A folder where downloaded packages stay.
    checkout : callable
        The folder with the checkout of a repository, by its source; None where nobody said one.
    """

    packages: Path | None = None
    keep: Path | None = None
    checkout: Callable[[Source], Path | None] = lambda source: None


@dataclass
class Report:
    """The result of a fetch, recording by recording."""

    sums: dict[str, str] = field(default_factory=dict)  # path -> hash of the file as it was unpacked
    present: int = 0
    fetched: int = 0
    different: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    n_missing: int = 0

    def miss(self, line: str, count: int = 1) -> None:
        """Note recordings that could not be had, and why."""
        self.missing.append(line)
        self.n_missing += count


def fetch(recordings: list[Recording], sources: dict[str, Source], out: Path, places: Places) -> Report:
    """Bring the recordings that `out` lacks."""
    report = Report(read_sums(out / SUMS))
    wanted = absent(recordings, out, report)
    megabytes = sum(sources[name].megabytes for name in wanted)
    if wanted:
        count = sum(map(len, wanted.values()))
        print(f"{count} recordings to unpack out of {len(wanted)} sources ({megabytes:,.0f} MB)", flush=True)
    with tqdm(total=round(megabytes), unit="MB", disable=None if wanted else True) as bar:
        for name, group in wanted.items():
            bar.set_description(name)
            source, before = sources[name], report.fetched
            try:
                if source.url:
                    line = copy_files(source, places.checkout(source), group, out, report)
                else:
                    with deb.find_package(
                        (name, *source.alternatives), source.version, places.packages, places.keep
                    ) as path:
                        line = unpack(path, group, out, report)
            except (deb.PackageError, checkout.CheckoutError) as error:
                lost = len(group) - (report.fetched - before)
                report.miss(f"{name}, {lost} recordings: {error}", lost)
                line = f"{name}: {error}"
            write_sums(out / SUMS, report.sums)
            tqdm.write(f"  {line}")
            bar.update(round(source.megabytes))
    render_files(recordings, out, report, {r.path for group in wanted.values() for r in group})
    return report


def absent(recordings: list[Recording], out: Path, report: Report) -> dict[str, list[Recording]]:
    """Return the recordings that `out` lacks, by source.

    One is there when its hash is the manifest's, or is that of the file as an earlier run unpacked it.
    """
    wanted: dict[str, list[Recording]] = {}
    for recording in tqdm(recordings, desc="checking", unit="file", leave=False, disable=None):
        path = out / recording.path
        found = sha256(path) if path.is_file() else None
        if found is not None and found in (recording.sha256, report.sums.get(recording.path)):
            report.present += 1
            report.sums[recording.path] = found
            if found != recording.sha256:
                report.different.append(f"{recording.path}: differs from the manifest, as unpacked before")
        else:
            report.sums.pop(recording.path, None)
            wanted.setdefault(recording.source, []).append(recording)
    return wanted


def copy_files(source: Source, folder: Path | None, group: list[Recording], out: Path, report: Report) -> str:
    """Copy a repository's recordings from its checkout into `out`; a line that says what came out.

    A commit has one content, so a file with another hash is refused: it is not the recording that the manifest means.
    """
    if folder is None:
        raise checkout.CheckoutError(
            f"its recordings come from a checkout. Bring it: git clone {source.url} DIR/{source.name}, and pass "
            "--checkouts DIR"
        )
    by_path = {recording.path.partition("/")[2]: recording for recording in group}
    size = got = 0
    for inside, content in checkout.read_files(folder, source.url, source.version, list(by_path)):
        recording = by_path[inside]
        if content is None:
            report.miss(f"{recording.path}: not in the checkout {folder} at commit {source.version[:10]}")
            continue
        found = hashlib.sha256(content).hexdigest()
        if found != recording.sha256:
            report.miss(
                f"{recording.path}: another file of this name: expected SHA-256 {recording.sha256}, got {found}"
            )
            continue
        with replace_file(out / recording.path) as file:
            file.write(content)
        report.sums[recording.path] = found
        report.fetched += 1
        got, size = got + 1, size + len(content)
    return f"{source.name} at {source.version[:10]}: {got} of {len(group)} recordings, {size / 1e6:,.1f} MB"


def unpack(path: Path, group: list[Recording], out: Path, report: Report) -> str:
    """Unpack one package's recordings into `out`; a line that says what came out."""
    by_path = {recording.path.split("/", 1)[1]: recording for recording in group}
    size = unpack_files(path, by_path, out, report)
    left = [inside for inside, recording in by_path.items() if recording.path not in report.sums]
    if left:  # another release may have moved them
        moved = find_moved(left, deb.list_files(path))
        size += unpack_files(path, {found: by_path[inside] for inside, found in moved.items()}, out, report)
        for inside in left:
            if inside not in moved:
                report.miss(f"{by_path[inside].path}: not in {path.name}")
    got = sum(recording.path in report.sums for recording in group)
    return f"{path.name}: {got} of {len(group)} recordings, {size / 1e6:,.1f} MB"


def unpack_files(path: Path, wanted: dict[str, Recording], out: Path, report: Report) -> int:
    """Unpack the files `wanted` (path in the package -> recording), check their hashes; the number of bytes written."""
    size = 0
    targets = {inside: out / recording.path for inside, recording in wanted.items()}
    for inside in deb.extract(path, targets):
        recording, target = wanted[inside], targets[inside]
        found = sha256(target)
        report.sums[recording.path] = found
        report.fetched += 1
        size += target.stat().st_size
        if found != recording.sha256:
            report.different.append(f"{recording.path}: another SHA-256 (unpacked from {path.name}: {inside})")
    return size


def find_moved(paths: list[str], files: list[str]) -> dict[str, str]:
    """For each path the one file of the same name, where there is exactly one."""
    named: dict[str, list[str]] = {}
    for file in files:
        named.setdefault(PurePosixPath(file).name, []).append(file)
    found = {path: named.get(PurePosixPath(path).name, []) for path in paths}
    return {path: files[0] for path, files in found.items() if len(files) == 1}


def render_files(recordings: list[Recording], out: Path, report: Report, fresh: set[str]) -> None:
    """Make the recordings of modules and MIDI files that are missing, or that are of files which are new."""
    for renderer in sorted({recording.renderer for recording in recordings} - {""}):
        version = render.installed(renderer)
        if version and version != renderer.split()[1]:
            report.different.append(
                f"{renderer.split()[0]} {version} renders what {renderer} rendered for the manifest"
            )
    todo = [r for r in recordings if r.renderer and r.path in report.sums]
    todo = [r for r in todo if r.path in fresh or not (out / r.audio).is_file()]
    for recording in tqdm(todo, desc="rendering", unit="file", disable=None if todo else True):
        try:
            render.render(out / recording.path, out / recording.audio, recording.renderer)
        except render.RenderError as error:
            report.miss(f"{recording.audio}: {error}")


def read_sums(path: Path) -> dict[str, str]:
    """The lines "HASH  PATH" of an earlier run, as path -> hash; damage costs no more than unpacking again."""
    if not path.is_file():
        return {}
    lines = (line.partition("  ") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {name: digest for digest, separator, name in lines if separator}


def write_sums(path: Path, sums: dict[str, str]) -> None:
    with replace_file(path) as file:
        file.write("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode())
