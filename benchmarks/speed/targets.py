"""What was to be reached and what was, row by row, and how long the first step of a process takes: tables of a page."""

from __future__ import annotations

from typing import Any

from speed.case import OURS, PEER
from speed.table import limited

BEGIN, END = "<!-- targets: made by benchmarks/run.py --readme -->", "<!-- targets: end -->"


def targets_page(content: dict[str, Any]) -> str:
    """Both tables; the second one only if the first steps of processes were measured."""
    rows = ["| | times as fast | at least | aim | |", "|---|---|---|---|---|"]
    for subject in content["subjects"].values():
        for record in subject["cases"]:
            rows += _rows(record)
    first_steps = content["subjects"].get("start-up")
    return "\n".join([*rows, *(["", *_first_steps(first_steps["cases"])] if first_steps else [])])


def _rows(record: dict[str, Any]) -> list[str]:
    rows = []
    title = record["title"] + (", one thread" if record["threads"] == 1 else "")
    at_least, aim = record["at_least"], record["aim"]
    if "ratio" in record and at_least is not None:
        median, low, high = (record["ratio"][name] for name in ("median", "low", "high"))
        verdict = "aim met" if aim is not None and median >= aim else "met" if median >= at_least else "**missed**"
        goal = "" if aim is None else f"{aim:g}"
        rows.append(f"| {title} | {median:.2f} ({low:.2f} to {high:.2f}) | {at_least:g} | {goal} | {verdict} |")
    for figure, most in record["limits"].items():
        value = limited(record, figure)
        if value is not None:
            verdict = "met" if value <= most else "**missed**"
            rows.append(f"| {title}: {figure} | {value:.3g} | at most {most:g} | | {verdict} |")
    return rows


def _first_steps(cases: list[dict[str, Any]]) -> list[str]:
    """A row for each way to take the step, a column for each case."""
    times: dict[str, dict[str, float]] = {}
    for record in cases:
        for contender in record["contenders"]:
            for mode in contender["modes"]:
                if contender["role"] in (OURS, PEER) and "median_s" in mode:
                    name = contender["name"] + (f", {mode['name']}" if mode["name"] else "")
                    times.setdefault(name, {})[record["name"]] = mode["median_s"]
    names = [record["name"] for record in cases]
    rows = [f"| from the start of a process to the end of its first training step | {' | '.join(names)} |"]
    rows.append("|---" * (len(names) + 1) + "|")
    for name, found in times.items():
        cells = (f"{found[case]:.1f} s" if case in found else "" for case in names)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows
