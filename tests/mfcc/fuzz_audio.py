"""Read damaged sound files, recipes and journals for as long as you like: only the documented errors may come.

python tests/mfcc/fuzz_audio.py --minutes 30 --seed 0     # CPU time
python tests/mfcc/fuzz_audio.py --seed 0 --case 1234      # one case again, with its traceback

Sounds of every format that libsndfile writes, recipes, arguments of --set and journals are made worse: bits flipped,
numbers in headers replaced, cut off, spliced with another format. A process of its own reads them with little memory
and time, so that a decoder that crashes, hangs or swells is a finding too. What a case is follows from its number and
the seed. Linux only. Folders of features are the matter of tests/faults/fuzz_files.py.
"""

import argparse
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

import mfcc
from mfcc.command import extraction, journal
from mfcc.command import options as command_line
from tests.faults.mutate.raw import TOKENS, VALUES, Rng, pick
from tests.faults.mutate.text import mutate_json, mutate_json_lines
from tests.faults.watch import Watch, limit
from tests.mfcc.fuzz_sounds import good_sounds, worse

ROOT = Path(__file__).resolve().parents[2]
MAY_TAKE = 3 * 2**30
"""Bytes of addresses: a header that lies makes `load` ask for 1 GB, of which it touches what it fills."""
SECONDS = 15
"""Of CPU time that a case may last; it is killed after four times as many, or 240 times as many by the clock."""
MOST_SAMPLES = 50_000_000
"""That are decoded of one file: FLAC packs 65,535 equal samples into 14 bytes."""


class Case(NamedTuple):
    """A file to read: its kind and content, the function that reads it, and the errors and warnings that may come."""

    kind: str
    data: bytes
    read: Callable[[str], None]
    errors: tuple[type[BaseException], ...]
    warnings: tuple[type[Warning], ...] = ()


# --- Reading ----------------------------------------------------------------------------------------------------------


def read_sound(path: str, rng: Rng) -> None:
    sr = pick(rng, (None, 22050, 22050, 8000, 48000))
    options: dict[str, Any] = {"on_truncated": pick(rng, ("raise", "keep"))}
    if rng.random() < 0.3:
        options["offset"] = float(pick(rng, (0.05, 0.1, 0.19, 5.0, 1e5)))
    if rng.random() < 0.5:
        options["duration"] = float(pick(rng, (1e-9, 0.05, 1.0, 100.0)))
    way = rng.random()
    if way < 0.1:
        recipe = mfcc.FILMSCORE.replace(n_fft=256, n_mels=20, n_mfcc=20)
        tiles = mfcc.tiles(path, recipe, n_frames=4, on_short="empty", **options | {"duration": 100.0})
        assert np.isfinite(tiles.values).all() and tiles.values.shape[1:] == (19, 4, 1)
        return
    if way < 0.25:
        y, found = mfcc.load(path, sr, **options | {"duration": 20.0})
        assert sr in (None, found) and len(y) and np.isfinite(y).all() and np.abs(y).max() <= 1e13
        return
    n = 0
    dtype = pick(rng, ("float32", "float64"))
    for block in mfcc.blocks(path, sr, block_length=int(pick(rng, (1000, 1 << 16))), dtype=dtype, **options):
        assert block.dtype == dtype and np.isfinite(block).all() and np.abs(block).max() <= 1e13
        n += len(block)
        if n > MOST_SAMPLES:
            break
    assert n


def read_recipe(path: str) -> None:
    recipe = command_line.read_recipe(path)
    assert mfcc.MFCC.from_dict(recipe.to_dict()) == recipe and recipe.describe() and hash(recipe) is not None
    n = min(recipe.shortest_signal, 2**20)
    if recipe.n_fft * recipe.n_mels <= 2**20 and recipe.n_frames(2 * n) <= 2**12:
        y = 0.1 * np.random.default_rng(0).standard_normal(2 * n)
        try:
            features = recipe(y)
        except ValueError as error:  # a scale that is beyond the type
            assert "MFCC: y: expected " in str(error)
        else:
            assert features.shape == (recipe.n_features, recipe.n_frames(len(y))) and np.isfinite(features).all()


def read_knobs(path: str) -> None:
    words = Path(path).read_bytes().decode("utf-8", "surrogateescape").split("\n")
    mfcc.FILMSCORE.replace(**dict(map(command_line.knob, words)))


def read_journal(path: str) -> None:
    os.replace(path, os.path.join(os.path.dirname(path), journal.JOURNAL))
    with journal.Journal(os.path.dirname(path)) as entries:
        settings = extraction.Settings(mfcc.FILMSCORE)
        assert entries.is_up_to_date(__file__, "one.wav", settings) in (True, False)
        entries.add({"name": "one.wav", "status": "failed"})
    with journal.Journal(os.path.dirname(path)) as entries:
        assert not entries.is_up_to_date(__file__, "one.wav", settings)


def _warn() -> None:
    warnings.warn("planted", RuntimeWarning, stacklevel=1)


PLANTED: tuple[Callable[[], Any], ...] = (
    os.abort, lambda: {}["planted"], _warn, lambda: np.ones(300 * 2**20, np.uint8).sum(),
    lambda: np.ones(2**33, np.uint8).sum(), lambda: all(iter(int, 1)) or [0 for _ in iter(int, 1)],
)  # fmt: skip
"""What has to be found: a crash, another error, a warning, swelling, more memory than there is, a hang."""


class Cases:
    """The cases of a seed, by number; with planted faults, those come first."""

    def __init__(self, seed: int, planted: bool = False) -> None:
        self.seed, self.planted = seed, PLANTED if planted else ()
        self.sounds = good_sounds()
        self.formats = [*sorted(self.sounds), *4 * ("AIFF", "CAF", "FLAC", "MP3", "OGG", "WAV")]
        self.all = [data for sounds in self.sounds.values() for data in sounds]
        entry = {"name": "one.wav", "source": __file__, "size": 1, "mtime_ns": 2, "status": "done"}
        settings = extraction.Settings(mfcc.FILMSCORE).to_dict()
        self.lines = b"\n".join(json.dumps({**entry, "settings": settings, "n": n}).encode() for n in range(4)) + b"\n"

    def __getitem__(self, number: int) -> Case:
        if number < len(self.planted):
            return Case(f"planted {number}", b"", lambda path: self.planted[number](), (mfcc.AudioError,))
        rng = np.random.default_rng((self.seed, number))
        choice = rng.random()
        if choice < 0.08:
            recipe = json.dumps(mfcc.PRESETS[pick(rng, sorted(mfcc.PRESETS))].to_dict()).encode()
            data = mutate_json(recipe, rng) if rng.random() < 0.8 else worse(recipe, [self.lines], rng)
            return Case("recipe", data, read_recipe, (ValueError,), (UserWarning,))
        if choice < 0.1:
            names = list(mfcc.FILMSCORE.to_dict())
            values = [pick(rng, VALUES) if rng.random() < 0.7 else pick(rng, TOKENS) for _ in range(2)]
            words = [
                f"{pick(rng, names)}={value if isinstance(value, str) else json.dumps(str(value))}" for value in values
            ]
            data = worse("\n".join(words).encode("utf-8", "surrogatepass"), [recipe_text()], rng)
            return Case("knobs", data, read_knobs, (ValueError, TypeError), (UserWarning,))
        if choice < 0.12:
            data = mutate_json_lines(self.lines, rng) if rng.random() < 0.7 else worse(self.lines, self.all, rng)
            return Case("journal", data, read_journal, ())
        kind = pick(rng, self.formats)
        data = worse(pick(rng, self.sounds[kind]), self.sounds[kind] if rng.random() < 0.5 else self.all, rng)
        return Case(kind, data, lambda path: read_sound(path, rng), (mfcc.AudioError,), (mfcc.AudioWarning,))


def recipe_text(top_db: float | None = mfcc.LIBROSA.top_db) -> bytes:
    return json.dumps(mfcc.LIBROSA.replace(top_db=top_db).to_dict()).encode()


# --- The process that reads, and the one that watches it --------------------------------------------------------------


@dataclass
class Report:
    """The results of cases: how many of each kind there were and were refused, and the findings."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def add(self, other: dict[str, Any]) -> None:
        self.tried.update(other["tried"])
        self.refused.update(other["refused"])
        for finding in other["findings"]:
            self.note(finding)

    def __add__(self, other: "Report") -> "Report":
        both = Report(self.tried + other.tried, self.refused + other.refused, list(self.findings))
        both.cpu_seconds = self.cpu_seconds + other.cpu_seconds
        both.findings += [finding for finding in other.findings if not both.has(finding)]
        return both

    def has(self, finding: dict[str, Any]) -> bool:
        """Return whether there is a finding like it."""
        return any(f["where"] == finding["where"] and f["what"][:40] == finding["what"][:40] for f in self.findings)

    def note(self, finding: dict[str, Any]) -> None:
        """Add a finding unless there is one like it."""
        if not self.has(finding):
            self.findings.append(finding)
            print(json.dumps(finding), file=sys.stderr, flush=True)


def attempt(
    case: Case, number: int, path: str, watch: Watch, patience: float, show: bool = False
) -> tuple[bool, dict[str, Any] | None]:
    """Return whether a documented error came, and what else was found."""
    with open(path, "wb") as file:
        file.write(case.data)
    caught, where = None, ""
    began = time.process_time()
    with watch.block((), case.warnings) as seen:
        try:
            case.read(path)
        except BaseException as error:
            caught = error
    if time.process_time() - began > patience:
        seen.append(f"took {time.process_time() - began:.0f} s")
    if caught is not None:
        if show:
            traceback.print_exception(caught)
        frame = traceback.extract_tb(caught.__traceback__)[-1]
        where = f"{os.path.relpath(frame.filename, ROOT)}:{frame.lineno}"
        if not isinstance(caught, case.errors):
            seen.insert(0, f"{type(caught).__name__}: {str(caught)[:300]}")
    finding = {"case": number, "kind": case.kind, "what": "; ".join(seen), "where": where} if seen else None
    return isinstance(caught, case.errors), finding


def warm_up(cases: Cases, folder: str) -> None:
    """Load libraries and kernels, and read every good file: what is read later is no larger."""
    path = os.path.join(folder, "good")
    for sounds in cases.sounds.values():
        for data in sounds:
            Path(path).write_bytes(data)
            mfcc.load(path, on_truncated="keep")
            mfcc.tiles(path, mfcc.FILMSCORE.replace(n_fft=256, n_mels=20, n_mfcc=20), n_frames=4, on_truncated="keep")
    for sr in (8000, 22050, 48000):
        for dtype in ("float32", "float64"):
            sum(len(block) for block in mfcc.blocks(path, sr, dtype=dtype))
    for top_db in (None, mfcc.LIBROSA.top_db, 1000.0):  # one that cuts, and one that doesn't, which is another kernel
        Path(path).write_bytes(recipe_text(top_db))
        read_recipe(path)


def prepared(folder: str, seed: int, planted: bool) -> tuple[Cases, Watch]:
    os.environ["PATH"] = ""  # of ffmpeg, which is a process of its own, the fuzzer would hear nothing
    cases = Cases(seed, planted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mfcc.AudioWarning)
        warm_up(cases, folder)
    np.ones(48 * 2**20, np.uint8)  # what resampling a block to 48 times the rate takes is no swelling
    watch = Watch([Path(folder)])
    limit(MAY_TAKE)
    return cases, watch


def read_on(options: argparse.Namespace) -> None:
    """Read cases in a process of its own, and print a line for each finding and each hundred cases."""
    cases, watch = prepared(options.folder, options.seed, options.planted)
    out = os.fdopen(os.dup(1), "w")
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)  # decoders in C say what they think
    path, progress = os.path.join(options.folder, "case"), os.open(f"{options.folder}/progress", os.O_RDWR | os.O_CREAT)
    report = Report()
    for number in range(options.first, options.last):
        os.pwrite(progress, struct.pack("<q", number), 0)
        signal.setitimer(signal.ITIMER_PROF, 4 * options.patience)  # both kill the process when they ring
        signal.setitimer(signal.ITIMER_REAL, 240 * options.patience)
        case = cases[number]
        refused, finding = attempt(case, number, path, watch, options.patience)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        report.tried[case.kind] += 1
        report.refused[case.kind] += refused
        report.findings += [finding] if finding is not None else []
        if report.findings or number % 100 == 99 or number == options.last - 1:
            report.cpu_seconds = time.process_time()
            print(json.dumps(vars(report)), file=out, flush=True)
            if report.cpu_seconds > options.seconds:
                return
            report = Report()


def parts(command: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the lines of a process that reads; the last one says how it ended."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            yield json.loads(line)
        errors = process.stderr.read()
    yield {"status": process.returncode, "errors": errors}


def fuzz(
    seconds: float, seed: int, first: int = 0, last: int = 2**60, patience: float = SECONDS, planted: bool = False
) -> Report:
    """Read worse files for so many seconds of CPU time, or so many of them, in one process after the other."""
    total = Report()
    with tempfile.TemporaryDirectory() as folder:
        while first < last and total.cpu_seconds < seconds:
            fixed = {"folder": folder, "seed": seed, "first": first, "last": last}
            fixed |= {"seconds": seconds - total.cpu_seconds, "patience": patience}
            arguments = [word for name, value in fixed.items() for word in (f"--{name}", str(value))]
            arguments += ["--planted"] * planted
            spent, status = 0.0, 0
            for part in parts([sys.executable, __file__, "--read", *arguments]):
                if "status" in part:
                    status = part["status"]
                    continue
                total.add(part)
                spent = part["cpu_seconds"]
            total.cpu_seconds += spent
            if status == 0:
                break
            if status > 0:
                raise SystemExit(f"fuzz_audio: the reading process ended with status {status}: {part['errors']}")
            (number,) = struct.unpack("<q", Path(folder, "progress").read_bytes())
            total.note({"case": number, "kind": "?", "what": f"killed by {signal.Signals(-status).name}", "where": ""})
            first = number + 1
    return total


def replay(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        cases, watch = prepared(folder, options.seed, options.planted)
        case = cases[options.case]
        print(f"{case.kind}: {len(case.data)} bytes: {case.data[:64]!r}")
        if options.keep:
            Path(options.keep).write_bytes(case.data)
        print(attempt(case, options.case, os.path.join(folder, "case"), watch, options.patience, show=True))


def table(report: Report) -> str:
    """Return the report in Markdown."""
    lines = ["| kind | read | refused | taken and used |", "|---|---|---|---|"]
    for name in [*sorted(report.tried), "all"]:
        tried = report.tried.total() if name == "all" else report.tried[name]
        refused = report.refused.total() if name == "all" else report.refused[name]
        lines.append(f"| {name} | {tried:,} | {refused:,} | {tried - refused:,} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--minutes", type=float, default=1.0, help="CPU time (default: %(default)s)")
    add("--cases", type=int, default=2**60, help="at most so many files")
    add("--seed", type=int, default=0)
    add("--case", type=int, help="read this one again and show what is raised")
    add("--keep", metavar="FILE", help="with --case: write it there")
    add("--patience", type=float, default=SECONDS, help="seconds of CPU time that a file may take (default: 15)")
    add("--planted", action="store_true", help="begin with faults that have to be found")
    for name, kind in (("first", int), ("last", int), ("seconds", float), ("folder", str)):
        add(f"--{name}", type=kind, help=argparse.SUPPRESS)
    add("--read", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read_on(options)
        return 0
    if options.case is not None:
        replay(options)
        return 0
    report = fuzz(60 * options.minutes, options.seed, 0, options.cases, options.patience, options.planted)
    print(f"{table(report)}\n\n{report.cpu_seconds / 60:.1f} minutes of CPU time, {len(report.findings)} findings")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
