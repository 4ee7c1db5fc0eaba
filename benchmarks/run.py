"""Measure this project against whichever peers are installed, on this machine.

    pip install -e '.[bench]'
    python benchmarks/run.py                    # everything: about an hour, on a machine that does nothing else
    python benchmarks/run.py training-cnn rfft  # some subjects
    python benchmarks/run.py --quick            # tiny sizes: does everything run, are all results equal?

Results go to benchmark-results.json in the current folder. For the results that the project publishes:

    python benchmarks/run.py --out benchmarks/results.json
    python benchmarks/run.py --readme           # the tables of README.md and docs/speed.md, from that file

Every mode of every peer first has to compute the same numbers; then they take turns. benchmarks/README.md says more.
"""

from __future__ import annotations

import argparse
import datetime
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE.parent / "examples") if str(folder) not in sys.path]

from speed import machine, results, table, targets  # noqa: E402  (found by the path above)
from speed.case import Options  # noqa: E402
from speed.processes import available_cores  # noqa: E402
from speed.race import run_case  # noqa: E402
from speed.subjects import ALL  # noqa: E402

OWN = Path("benchmark-results.json")
"""Where the results of a user's machine go."""
RESULTS, README, PAGE = HERE / "results.json", HERE.parent / "README.md", HERE.parent / "docs" / "speed.md"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse(argv)
    try:
        if arguments.readme:
            content = results.read(arguments.out or RESULTS)
            table.write_between(README, table.BEGIN, table.END, table.readme_table(content))
            table.write_between(PAGE, table.BEGIN, table.END, table.whole_table(content))
            table.write_between(PAGE, targets.BEGIN, targets.END, targets.targets_page(content))
            return 0
        return measure(arguments)
    except results.ResultsError as error:
        sys.exit(f"benchmarks/run.py: {error}")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    names = [subject.name for subject in ALL]
    add("subjects", nargs="*", metavar="SUBJECT", help=f"out of {', '.join(names)} (all)")
    add("--rounds", type=int, metavar="N", help="turns of each mode (7; quick: 1)")
    add("--threads", type=int, default=len(available_cores()), metavar="N", help="of each contender (%(default)s)")
    add("--quick", action="store_true", help="tiny sizes; the figures are worthless and not kept unless --out is given")
    add("--out", type=Path, metavar="FILE", help=f"where the results go ({OWN})")
    add("--readme", action="store_true", help="measure nothing, make the tables of README.md and docs/speed.md")
    add("--folder", type=Path, metavar="DIR", help="recordings to extract (the two that come along, re-encoded)")
    add("--folder-minutes", type=float, default=60.0, metavar="MIN", help="how much of them (%(default)g)")
    add("--scratch", type=Path, metavar="DIR", help="a folder with 3 GB to spare (the system's for temporary files)")
    arguments = parser.parse_args(argv)
    if unknown := [name for name in arguments.subjects if name not in names]:
        parser.error(f"subjects: expected some of {', '.join(names)}, got {', '.join(unknown)}")
    arguments.rounds = arguments.rounds if arguments.rounds is not None else (1 if arguments.quick else 7)
    if min(arguments.rounds, arguments.threads) < 1 or not arguments.folder_minutes > 0:
        parser.error("--rounds, --threads and --folder-minutes: expected at least 1")
    for name in ("folder", "scratch"):
        folder = getattr(arguments, name)
        if folder is not None and not folder.is_dir():
            parser.error(f"--{name}: expected a folder, found none at {folder}")
    return arguments


def measure(arguments: argparse.Namespace) -> int:
    """Measure what is asked for; 1 if something of this project fails or computes something wrong."""
    names = ("rounds", "threads", "quick", "folder", "folder_minutes")
    options = Options(**{name: getattr(arguments, name) for name in names})
    content: dict[str, Any] = {
        "quick": options.quick,
        "rounds": options.rounds,
        "threads": options.threads,
        "machine": machine.machine(),
        "versions": machine.versions(),
        "subjects": {},
    }
    print(*(f"{name}: {value}" for name, value in {**content["machine"], **content["versions"]}.items()), sep=", ")
    out = OWN if arguments.out is None and not options.quick else arguments.out
    failed = False
    for subject in ALL:
        if arguments.subjects and subject.name not in arguments.subjects:
            continue
        print(f"\n{subject.title}", flush=True)
        records = []
        try:
            for case in subject.cases(options):
                records.append(run_case(case, options, arguments.scratch, lambda line: print(line, flush=True)))
                print(*table.described(records[-1]), sep="\n", flush=True)
        except Exception as error:  # whatever is wrong with one subject, the others go on
            print(f"  failed: {type(error).__name__}: {error}", flush=True)
            failed = True
        failed = failed or not all("ours" in record for record in records)
        date = datetime.datetime.now(datetime.UTC).date().isoformat()
        content["subjects"][subject.name] = {"title": subject.title, "date": date, "cases": records}
        if out is not None:
            results.write(out, results.merged(out, content))
    if out is not None:
        print(f"\nwritten to {out}")
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # gigabytes of temporary files go, and the processes too
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.exit(main())
