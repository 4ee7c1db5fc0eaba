"""Bring the corpus: freely licensed soundtracks out of Debian packages, as listed in filmscore/corpus.

    python examples/fetch_corpus.py                    # download with apt-get, no root: 3.8 GB, of which 2 GB stay
    python examples/fetch_corpus.py --tier small       # 0.5 GB to download: 12 h of music instead of 29 h
    python examples/fetch_corpus.py --packages DIR     # from packages that you have; nothing is downloaded

Only the listed recordings are unpacked, nothing is installed, and each file is checked against its SHA-256. What is
there already is not fetched again: after a failure, run it once more.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from filmscore import corpus, deb
from filmscore.corpus import ManifestError, Package, Recording
from filmscore.files import replace_file, sha256

SUMS = "SHA256SUMS"  # what was unpacked into the folder, in the format of sha256sum


@dataclass
class Report:
    """What became of the recordings."""

    sums: dict[str, str] = field(default_factory=dict)  # path -> hash of the file as it was unpacked
    present: int = 0
    fetched: int = 0
    different: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, default=Path("corpus"), metavar="DIR", help="where the recordings go (%(default)s)")
    add("--packages", type=Path, metavar="DIR", help="take the .deb files of this folder instead of downloading")
    add("--keep", type=Path, metavar="DIR", help="keep downloaded packages here (otherwise each goes once unpacked)")
    add("--tier", choices=corpus.TIERS, default="full", help="how much of the corpus (%(default)s)")
    add("--manifest", type=Path, default=corpus.MANIFEST, metavar="DIR", help="another manifest than the project's")
    options = parser.parse_args(argv)
    if options.packages is not None and not options.packages.is_dir():
        parser.error(f"--packages: expected a folder of .deb files, found none at {options.packages}")

    try:
        recordings = corpus.read_recordings(options.manifest, options.tier)
        packages = corpus.read_packages(options.manifest)
    except (ManifestError, OSError) as error:
        sys.exit(f"fetch_corpus: {error}")
    report = fetch(recordings, packages, options.out, options.packages, options.keep)
    print_report(report, recordings, options.out)
    return 1 if report.missing else 0


def fetch(
    recordings: list[Recording],
    packages: dict[str, Package],
    out: Path,
    local: Path | None = None,
    keep: Path | None = None,
) -> Report:
    """Unpack the recordings that `out` lacks, from the packages in `local` or else downloaded ones."""
    report = Report(read_sums(out / SUMS))
    wanted = absent(recordings, out, report)
    megabytes = sum(packages[name].megabytes for name in wanted)
    if wanted:
        source = f"from {local}" if local is not None else f"{megabytes:,.0f} MB to download"
        count = sum(map(len, wanted.values()))
        print(f"{count} recordings to unpack out of {len(wanted)} packages ({source})", flush=True)
    with tqdm(total=round(megabytes), unit="MB", disable=None if wanted else True) as bar:
        for name, group in wanted.items():
            bar.set_description(name)
            try:
                with find_package(packages[name], group[0].version, local, keep) as path:
                    line = unpack(path, group, out, report)
            except deb.PackageError as error:
                report.missing += [f"{r.path}: {error}" for r in group if r.path not in report.sums]
                line = f"{name}: {error}"
            write_sums(out / SUMS, report.sums)
            tqdm.write(f"  {line}")
            bar.update(round(packages[name].megabytes))
    return report


def absent(recordings: list[Recording], out: Path, report: Report) -> dict[str, list[Recording]]:
    """The recordings that `out` lacks, by package.

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
            wanted.setdefault(recording.package, []).append(recording)
    return wanted


@contextmanager
def find_package(package: Package, version: str, local: Path | None, keep: Path | None) -> Iterator[Path]:
    """The package's file: from `local`, from `keep`, or downloaded (and deleted again unless it goes to `keep`)."""
    names = (package.name, *package.alternatives)
    version = version.replace(":", "%3a")  # as apt-get writes an epoch into a file's name
    for name in names:
        for folder in (local, keep):
            files = [] if folder is None else sorted(folder.glob(f"{name}_*.deb"))
            if files:
                yield next((path for path in files if path.name.startswith(f"{name}_{version}_")), files[-1])
                return
    if local is not None:
        raise deb.PackageError(f"no package {' or '.join(names)} in {local}")
    if keep is not None:
        yield download(names, keep)
        return
    with tempfile.TemporaryDirectory(prefix="corpus-") as temporary:
        yield download(names, Path(temporary))


def download(names: tuple[str, ...], folder: Path) -> Path:
    """Download the first of these packages that the system's sources offer."""
    folder.mkdir(parents=True, exist_ok=True)
    reason = ""
    if shutil.which("apt-get") is None:
        raise deb.PackageError("apt-get is not on this system. Download the package elsewhere and pass --packages.")
    for name in names:
        result = subprocess.run(["apt-get", "download", name], cwd=folder, capture_output=True, text=True, check=False)
        files = list(folder.glob(f"{name}_*.deb"))
        if result.returncode == 0 and files:
            return files[-1]
        errors = [line for line in result.stderr.splitlines() if line.startswith("E:")]
        reason = reason or (errors[0] if errors else result.stderr.strip())
    raise deb.PackageError(f"apt-get: {reason}. Run `apt-get update` first, or pass --packages.")


def unpack(path: Path, group: list[Recording], out: Path, report: Report) -> str:
    """Unpack one package's recordings into `out`; a line that says what came out."""
    by_path = {recording.path.split("/", 1)[1]: recording for recording in group}
    size = unpack_files(path, by_path, out, report)
    left = [inside for inside, recording in by_path.items() if recording.path not in report.sums]
    if left:  # another release may have moved them
        moved = find_moved(left, deb.list_files(path))
        size += unpack_files(path, {found: by_path[inside] for inside, found in moved.items()}, out, report)
        report.missing += [f"{by_path[inside].path}: not in {path.name}" for inside in left if inside not in moved]
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


def read_sums(path: Path) -> dict[str, str]:
    """The lines "HASH  PATH" of an earlier run, as path -> hash; damage costs no more than unpacking again."""
    if not path.is_file():
        return {}
    lines = (line.partition("  ") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {name: digest for digest, separator, name in lines if separator}


def write_sums(path: Path, sums: dict[str, str]) -> None:
    with replace_file(path) as file:
        file.write("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode())


def print_report(report: Report, recordings: list[Recording], out: Path) -> None:
    there = [recording for recording in recordings if recording.path in report.sums]
    size = sum((out / recording.path).stat().st_size for recording in there)
    hours = sum(recording.use_s for recording in there) / 3600
    news = f"{report.fetched} new, {report.present} were there"
    print(f"{len(there)} of {len(recordings)} recordings, {hours:.1f} h, {size / 1e9:.2f} GB in {out} ({news})")
    for title, lines in (("differ from the manifest", report.different), ("could not be had", report.missing)):
        if lines:
            print(f"{len(lines)} {title}:")
            print(*(f"  {line}" for line in lines), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
