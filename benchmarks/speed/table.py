"""Results as people read them: the lines that a run prints, the ten rows of the README, and the table of all rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnlite.serialization import atomic_write
from speed.case import OURS, PEER, RATE
from speed.results import ResultsError

BEGIN, END = "<!-- speed: made by benchmarks/run.py --readme -->", "<!-- speed: end -->"
README_ROWS = (
    "training the published network, batch 128",
    "the published network's inference, batch 128",
    "the published network's inference, batch 1",
    "training the fully connected network, 4000-200-50-10, batch 200",
    "training gated recurrent units, 100 steps, 40 inputs, 128 units, batch 64",
    "rfft of 6,448 frames of 2,048",
    "MFCC of 600 s, librosa's settings",
    "12 Vorbis, MP3 and FLAC files of 240 s to tiles",
    "`import nnlite`, whole process",
    "first training step, whole process, nothing compiled before",
)
"""Titles of the cases that a newcomer wants to see; those that are lost are among them."""


def described(record: dict[str, Any]) -> list[str]:
    """Return the lines that a run prints of a case: median, quartiles and difference of each mode, then the ratio."""
    lines = [f"  {record['title']}  [{record['threads']} {'thread' if record['threads'] == 1 else 'threads'}]"]
    shares = record.get("share_of_sgemm", {})
    for contender in record["contenders"]:
        if contender["missing"]:
            lines.append(f"    {contender['name']:<46} not installed: {', '.join(contender['missing'])}")
        elif contender["error"]:
            lines.append(f"    {contender['name']:<46} failed: {contender['error']}")
        for mode in contender["modes"]:
            name = contender["name"] + (f", {mode['name']}" if mode["name"] else "")
            is_sgemm = contender["role"] == RATE and "sgemm_gflops" in record
            unit = "multiplications and additions" if is_sgemm else record["unit"]
            lines.append(f"    {name:<46} {_mode(mode, unit, shares.get(name))}")
    lines += [f"    -> {line}" for line in _verdicts(record)]
    return lines


def _mode(mode: dict[str, Any], unit: str, share: float | None) -> str:
    if mode["error"]:
        return f"failed: {mode['error']}"
    if "median_s" not in mode:
        return "the reference"
    rate = mode["work"] / mode["median_s"]
    spread = f"{_seconds(mode['low_s'])} to {_seconds(mode['high_s'])}"
    text = f"{_seconds(mode['median_s']):>10}  ({spread})  {rate:,.6g} {unit}/s"
    if share is not None:
        text += f"  {share:.0%} of sgemm"
    if "difference" in mode:
        text += f"  differs by {mode['difference']:.1g} of {mode['tolerance']:.1g}"
    return text + "".join(f"  {name} {value:,.6g}" for name, value in mode["report"].items())


def _verdicts(record: dict[str, Any]) -> list[str]:
    lines = []
    if "ratio" in record:
        ratio = record["ratio"]
        line = f"{record['ours']}: {_times(ratio['median'])} as fast as {ratio['against']} "
        line += f"({_times(ratio['low'])} to {_times(ratio['high'])})"
        if record["at_least"] is not None:
            met = "met" if ratio["median"] >= record["at_least"] else "MISSED"
            line += f"; at least {_times(record['at_least'])}: {met}"
        if record["aim"] is not None:
            line += f"; aim {_times(record['aim'])}{': met' if ratio['median'] >= record['aim'] else ''}"
        lines.append(line)
    if "ratio_in_float32" in record:
        same = record["ratio_in_float32"]
        lines.append(f"in float32 alone: {_times(same['median'])} as fast as {same['against']}")
    for figure, most in record["limits"].items():
        value = limited(record, figure)
        if value is not None:
            lines.append(f"{figure}: {value:.4g}, at most {most:g}: {'met' if value <= most else 'MISSED'}")
    return lines or ["nothing to compare with"]


def limited(record: dict[str, Any], figure: str) -> float | None:
    """Return the largest value, over our modes, of a figure that has a limit."""
    modes = [m for c in record["contenders"] if c["role"] == OURS for m in c["modes"] if "median_s" in m]
    values = [m["median_s"] if figure == "seconds" else m["report"].get(figure) for m in modes]
    return max((value for value in values if value is not None), default=None)


def readme_table(content: dict[str, Any]) -> str:
    """Return the rows of `README_ROWS`, without the share of sgemm, and the machine in a line.

    Raises
    ------
    ResultsError
        For results of a quick run.
    """
    records = {record["title"]: record for record in _compared(content)}
    rows = ["| | here | the fastest other | times as fast |", "|---|---|---|---|"]
    rows += [f"| {' | '.join(_cells(records[title])[:4])} |" for title in README_ROWS if title in records]
    machine = content["machine"]
    return "\n".join(
        [*rows, "", f"Measured on {machine['processor']}, {_cores(machine)}; ranges are those of the rounds."]
    )


def whole_table(content: dict[str, Any]) -> str:
    """Return all rows, and a line with the machine and the versions of all packages.

    Raises
    ------
    ResultsError
        For results of a quick run.
    """
    head = ("", "here", "the fastest other", "times as fast (range over rounds)", "share of sgemm")
    rows = [f"| {' | '.join(head)} |", "|---|---|---|---|---|"]
    rows += [f"| {' | '.join(_cells(record))} |" for record in _compared(content)]
    machine, versions = content["machine"], content["versions"]
    where = (
        f"{machine['processor']} ({machine['vectors']}), {_cores(machine)}, {content['threads']} threads unless noted"
    )
    peers = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "nnlite")
    rounds = f"medians of up to {content['rounds']} interleaved rounds"
    note = f"Measured by `python benchmarks/run.py` on {where}; {rounds}. With Python {machine['python']}, {peers}."
    return "\n".join([*rows, "", note])


def _compared(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of all cases in which something of ours was timed."""
    if content["quick"]:
        raise ResultsError("expected results of a whole run, got those of a quick one, whose figures are worthless.")
    return [record for subject in content["subjects"].values() for record in subject["cases"] if "ours" in record]


def _cores(machine: dict[str, Any]) -> str:
    return f"{machine['cores']} cores" if machine["cores"] > 1 else "one core"


def _cells(record: dict[str, Any]) -> list[str]:
    modes = {
        contender["name"] + (f", {mode['name']}" if mode["name"] else ""): mode
        for contender in record["contenders"]
        for mode in contender["modes"]
        if contender["role"] in (OURS, PEER) and "median_s" in mode
    }
    ours = modes[record["ours"]]
    threads = ", one thread" if record["threads"] == 1 else ""
    cells = [record["title"] + threads, _amount(ours, record["unit"])]
    ratios = [record[name] for name in ("ratio", "ratio_in_float32") if name in record]
    cells.append("<br>".join(f"{one['against']}: {_amount(modes[one['against']], record['unit'])}" for one in ratios))
    cells.append("<br>".join(f"**{one['median']:.2f}** ({one['low']:.2f} to {one['high']:.2f})" for one in ratios))
    share = record.get("share_of_sgemm", {}).get(record["ours"])
    cells.append("" if share is None else f"{share:.0%}")
    return cells


def _amount(mode: dict[str, Any], unit: str) -> str:
    """Return seconds of a call, or work a second where a call is one of many pieces."""
    amount = _seconds(mode["median_s"]) if mode["work"] == 1 else f"{mode['work'] / mode['median_s']:,.0f} {unit}/s"
    reported = "".join(f", {value:,.0f} {name}" for name, value in mode["report"].items())
    return amount + reported


def write_between(path: Path, begin: str, end: str, table: str) -> None:
    """Put a table between two markers of a page.

    Raises
    ------
    ResultsError
        If the markers aren't there, once each and in their order.
    """
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _old, found_end, after = rest.partition(end)
    if not found or not found_end or begin in rest or end in after:
        raise ResultsError(f"{path}: expected {begin} and {end} around the table, once each and in this order.")
    with atomic_write(path) as file:
        file.write(f"{before}{begin}\n{table}\n{end}{after}".encode())


def _seconds(value: float) -> str:
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1 or unit == "us":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError("unreachable")


def _times(value: float) -> str:
    return f"{value:.2f} times"
