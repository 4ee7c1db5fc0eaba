"""`scan`: bring the library up to date with folders."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from filmscore.agent import formats, scan, tables
from filmscore.agent.commands.common import add_json, add_library, add_max_length, print_json
from filmscore.agent.commands.progress import Progress
from filmscore.agent.workers import add_arguments as add_workers
from filmscore.agent.workers import workers
from mfcc.sound.errors import printable

HELP = "bring the library up to date with folders: only what is new or changed is read"
EXAMPLES = """\
filmscore scan ~/Music
filmscore scan ~/Music /media/disk/scores --processes 4
filmscore scan ~/Music --library mine --model my-model.npz"""
SHOWN = 10
"""Problems that are printed; the command `problems` lists all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help=f"folders of recordings: {formats.readable()}")
    add_library(parser)
    parser.add_argument("--model", type=Path, metavar="FILE", help="model of a new library (default: the shipped one)")
    add_workers(parser)
    parser.add_argument("--retry", action="store_true", help="also read files again that could not be used")
    add_max_length(parser)
    parser.add_argument("--no-wait", dest="wait", action="store_false", help="give up if another scan is running")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    with Progress("files") as progress:
        report = scan.scan(
            options.library,
            options.folders,
            model=options.model,
            workers=workers(options.executor, options.processes),
            retry=options.retry,
            wait=options.wait,
            longest_s=options.max_length,
            say=progress.say,
            progress=lambda done, total, report: progress.show(done, total, report.done_bytes, report.todo_bytes),
        )
    if options.json:
        problems = [{"path": printable(path), "problem": problem} for path, problem in report.problems]
        unread = [{"path": printable(path), "problem": problem} for path, problem in report.unread.items()]
        print_json(vars(report) | {"problems": problems, "unread": unread})
    else:
        print_report(report)
    return 1 if report.unread else 0


def print_report(report: scan.ScanReport) -> None:
    counts = {
        "new": report.new,
        "changed": report.changed,
        "moved": report.moved,
        "copies of others": report.copies,
        "as before": report.unchanged,
        "no audio": report.others,
        "can't be used": len(report.problems) + report.standing,
    }
    print(f"{report.files:,} files: " + ", ".join(f"{n:,} {name}" for name, n in counts.items() if n))
    if report.mended:
        print(f"{report.mended:,} that could not be used now can")
    if report.missing:
        print(f"{report.missing:,} known files are not there any more; what is known of them stays")
    for path, problem in report.problems[:SHOWN]:
        print(f"  {printable(path)}: {printable(problem)}")
    if len(report.problems) > SHOWN:
        print(f"  and {len(report.problems) - SHOWN:,} more; the command problems lists them")
    for path, problem in report.unread.items():
        print(f"  {printable(path)}: {printable(problem)}; what is known of it stays", file=sys.stderr)
    if report.audio_s:
        speed = report.audio_s / report.seconds
        print(f"{tables.clock(report.audio_s)} of music in {tables.clock(report.seconds)}: {speed:,.0f} hours an hour")
