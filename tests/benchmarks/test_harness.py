"""The harness: what it finds equal, what it says of contenders that fail, and what it makes of samples."""

import dataclasses
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import run
from speed import figures, networks, processes, race, results, table, targets
from speed.case import OURS, PEER, REFERENCE, Case, Contender, Options, Subject, Task
from speed.peers import nnlite_networks

OPTIONS = Options(rounds=2, threads=1, quick=True)
ADAPTERS = "tests.benchmarks.adapters"


def prepare(task: Task) -> None:
    task.save(x=np.array([1.0, 2.0, 3.0]))


def contender(name: str, adapter: str, role: str = PEER, **settings: object) -> Contender:
    needs = settings.pop("needs", ())
    return Contender(name, f"{ADAPTERS}:{adapter}", role, needs, settings)


def record_of(*contenders: Contender, **knobs: object) -> tuple[dict, list[str]]:
    said: list[str] = []
    case = Case("case", "a case", contenders, prepare, **{"tolerance": 1e-3, **knobs})
    return race.run_case(case, OPTIONS, None, said.append), said


def test_whoever_fails_is_named_and_the_others_go_on():
    record, said = record_of(
        contender("ours", "right", OURS, seconds=0.01),
        contender("slow", "right", seconds=0.05),
        contender("wrong", "wrong"),
        contender("crashing", "crashing"),
        contender("no adapter", "nothing"),
        contender("absent", "right", needs=("no_such_module",)),
        at_least=1.0,
    )
    by_name = {entry["name"]: entry for entry in record["contenders"]}
    errors = {mode["name"]: mode["error"] for mode in by_name["wrong"]["modes"]}
    assert "differs by 0.05" in errors["other numbers"] and "0.001 is allowed" in errors["other numbers"]
    assert errors["nearly"] == ""
    assert "expected shape (3,), got (1,)" in errors["other shape"]
    assert "expected finite numbers" in errors["not a number"]
    assert errors["raises when it is made"] == "ValueError: no such instruction"
    assert errors["raises when it runs"] == "ArithmeticError: the third call fails"
    assert "code 3; illegal instruction" in by_name["crashing"]["modes"][0]["error"]
    assert "has no attribute 'nothing'" in by_name["no adapter"]["error"]
    assert by_name["absent"]["missing"] == ["no_such_module"]
    assert any("absent: not installed (no_such_module)" in line for line in said)
    assert [len(turn) for turn in by_name["ours"]["modes"][0]["samples_s"]] == [1, 1]
    printed = "\n".join(table.described(record))
    assert "not installed: no_such_module" in printed and "failed: ValueError: no such instruction" in printed


def test_a_mode_far_behind_another_of_its_contender_has_one_turn():
    record, _ = record_of(contender("ours", "right", OURS, seconds=0.01), contender("peer", "at_two_speeds"))
    slow, fast = record["contenders"][1]["modes"]
    assert len(slow["samples_s"]) == 1 and 0.4 < slow["median_s"] and slow["error"] == ""
    assert len(fast["samples_s"]) == 2 and record["ratio"]["against"] == "peer, fast"


def test_the_ratio_is_per_unit_of_work_and_to_the_fastest_peer():
    record, _ = record_of(
        contender("ours", "right", OURS, seconds=0.05),
        contender("shorter", "right", seconds=0.4),
        contender("more", "right", seconds=0.8, work=8.0),
    )
    ours, _, more = (entry["modes"][0]["samples_s"] for entry in record["contenders"])
    assert record["ratio"]["against"] == "more"
    each = [theirs[0] / 8 / own[0] for theirs, own in zip(more, ours, strict=True)]
    found = [record["ratio"][name] for name in ("low", "median", "high")]
    assert found == pytest.approx([min(each), np.median(each), max(each)], rel=1e-2)


def test_beside_a_faster_peer_of_less_precision_stands_one_of_the_same():
    record, _ = record_of(
        contender("ours", "right", OURS, seconds=0.05),
        contender("exact", "right", seconds=0.8),
        contender("rough", "wrong"),
    )
    assert record["ratio"]["against"] == "rough, nearly"
    assert record["ratio_in_float32"]["against"] == "exact"
    assert "in float32 alone" in "\n".join(table.described(record))


def test_without_peers_there_is_no_ratio():
    record, _ = record_of(contender("ours", "right", OURS))
    assert "ratio" not in record and record["ours"] == "ours"
    assert "nothing to compare with" in table.described(record)[-1]


def test_everyone_is_held_against_the_reference():
    record, _ = record_of(contender("exact", "right", REFERENCE), contender("ours", "wrong", OURS))
    assert [mode["name"] for mode in record["contenders"][1]["modes"] if not mode["error"]] == ["nearly"]
    assert record["contenders"][1]["modes"][1]["difference"] == pytest.approx(0.05)
    assert "median_s" not in record["contenders"][0]["modes"][0]


def test_where_the_reference_fails_nothing_counts():
    record, _ = record_of(contender("exact", "crashing", REFERENCE), contender("ours", "right", OURS))
    assert "ours" not in record
    assert record["contenders"][1]["modes"][0]["error"] == "could not be checked: the reference failed"


def test_contenders_are_held_to_their_threads():
    before = dict(os.environ)
    record, _ = record_of(contender("ours", "limits", OURS), threads=1)
    assert record["contenders"][0]["modes"][0]["report"] == {"cores": 1.0, "threads": 1.0}
    assert dict(os.environ) == before


def test_one_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE_S", 0.0)
    record, _ = record_of(contender("ours", "right", OURS))
    assert record["contenders"][0]["error"] == "no answer within 0 s"


# --- Figures ----------------------------------------------------------------------------------------------------------


def test_ratio():
    assert figures.ratio([[2.0, 2.0], [6.0], [9.0]], [[1.0], [2.0], [1.0]]) == {"median": 3, "low": 2, "high": 9}
    assert figures.ratio([[3.0]], [[2.0]], scale=2.0)["median"] == 3


def test_summary():
    assert figures.summary([[1.0, 2.0], [3.0], [4.0, 5.0]]) == {"median_s": 3, "low_s": 2, "high_s": 4}


def test_difference():
    assert figures.difference({"a": np.array([1.0, 2.0]), "b": np.ones(1)}, {"a": np.array([1.0, 4.0])}) == 0.5
    assert figures.difference({"a": np.array([3.0, 0.0])}, {"a": np.array([0.0, 4.0])}, "square") == 1.25
    assert figures.difference({"a": np.array([1 + 1j])}, {"a": np.array([1 - 1j])}) == pytest.approx(2**0.5)
    with pytest.raises(ValueError, match="expected one of the results"):
        figures.difference({"a": np.ones(1)}, {"b": np.ones(1)})


def test_the_check_of_training_sees_a_forgotten_momentum(tmp_path, monkeypatch):
    task = Task(tmp_path, 1, True, {"network": "convolutional", "batch": 8})
    networks.prepare(task)
    right = nnlite_networks.training(task)[""]().result()
    monkeypatch.setattr(networks, "MOMENTUM", 0.0)
    wrong = nnlite_networks.training(task)[""]().result()
    assert figures.difference(wrong, right, "square") > max(networks.CHANGE_TOLERANCES.values())


# --- Results and the README -------------------------------------------------------------------------------------------


def mode(name: str, seconds: float) -> dict:
    times = {"median_s": seconds, "low_s": seconds, "high_s": seconds}
    return {"name": name, "error": "", "work": 128.0, "report": {}, "samples_s": [[seconds]], **times}


def content(quick: bool = False) -> dict:
    record = {
        "name": "batch",
        "title": "training",
        "threads": 2,
        "unit": "samples",
        "contenders": [
            {"name": "nnlite", "role": OURS, "missing": [], "error": "", "modes": [mode("", 0.1)]},
            {"name": "PyTorch", "role": PEER, "missing": [], "error": "", "modes": [mode("eager", 0.4)]},
        ],
        "ours": "nnlite",
        "ratio": {"against": "PyTorch, eager", "median": 4.0, "low": 3.9, "high": 4.2},
        "share_of_sgemm": {"nnlite": 1.125, "PyTorch, eager": 0.28},
    }
    machine = {"processor": "A1", "vectors": "avx2", "cores": 2, "python": "3.11"}
    subjects = {"training-cnn": {"title": "Training", "date": "2026-01-01", "cases": [record]}}
    settings = {"quick": quick, "rounds": 7, "threads": 2, "machine": machine}
    return {**settings, "versions": {"nnlite": "1", "torch": "2.13"}, "subjects": subjects}


def test_tables_of_speed(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write_between(readme, table.BEGIN, table.END, table.whole_table(content()))
    lines = readme.read_text().split("\n")
    assert lines[0] == "before" and lines[-2] == "after" and "old" not in lines
    row = "1,280 samples/s | PyTorch, eager: 320 samples/s | **4.00** (3.90 to 4.20) |"
    assert f"| training | {row} 112% |" in lines
    assert "A1 (avx2), 2 cores, 2 threads" in readme.read_text() and "torch 2.13" in readme.read_text()
    short = content()
    short["subjects"]["training-cnn"]["cases"][0]["title"] = table.README_ROWS[0]
    assert table.readme_table(short).split("\n")[2:] == [
        f"| {table.README_ROWS[0]} | {row}",
        "",
        "Measured on A1, 2 cores; ranges are those of the rounds.",
    ]
    assert set(table.README_ROWS) <= {r["title"] for r in table._compared(results.read(run.RESULTS))}, (
        "rows of old names"
    )
    with pytest.raises(results.ResultsError, match="quick"):
        table.whole_table(content(quick=True))
    readme.write_text("no markers")
    with pytest.raises(results.ResultsError, match="around the table"):
        table.write_between(readme, table.BEGIN, table.END, "table")


def test_results_are_kept_subject_by_subject(tmp_path):
    path = tmp_path / "results.json"
    first, second = content(), content()
    results.write(path, results.merged(path, first))
    second["subjects"] = {"rfft": first["subjects"]["training-cnn"]}
    results.write(path, results.merged(path, second))
    assert list(results.read(path)["subjects"]) == ["training-cnn", "rfft"]
    second["machine"] = {**second["machine"], "processor": "B2"}
    results.write(path, results.merged(path, second))
    assert list(results.read(path)["subjects"]) == ["rfft"]
    assert '"samples_s": [ [ 0.1 ] ]' not in path.read_text() and "[ 0.1 ]" in path.read_text()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "nnlite.benchmarks", "version": 99}'])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(results.ResultsError, match=re.escape(str(path))):
        results.read(path)
    with pytest.raises(results.ResultsError, match="Run the benchmarks first"):
        results.read(tmp_path / "none.json")


def test_targets_page():
    made = content()
    record = made["subjects"]["training-cnn"]["cases"][0]
    record |= {"at_least": 3.5, "aim": 5.0, "limits": {"seconds": 0.05}}
    steps = {"name": "cold", "title": "first step", "threads": 2, "at_least": None, "aim": None, "limits": {}}
    contenders = [{"name": "nnlite", "role": OURS, "modes": [mode("", 9.14)]}]
    contenders.append({"name": "PyTorch", "role": PEER, "modes": [mode("eager", 3.0), {"name": "compiled"}]})
    made["subjects"]["start-up"] = {"title": "First", "cases": [steps | {"contenders": contenders}]}
    assert targets.targets_page(made).split("\n")[2:] == [
        "| training | 4.00 (3.90 to 4.20) | 3.5 | 5 | met |",
        "| training: seconds | 0.1 | at most 0.05 | | **missed** |",
        "",
        "| from the start of a process to the end of its first training step | cold |",
        "|---|---|",
        "| nnlite | 9.1 s |",
        "| PyTorch, eager | 3.0 s |",
    ]
    record["aim"] = 4.0
    assert "| 3.5 | 4 | aim met |" in targets.targets_page(made)
    record |= {"at_least": 4.5, "aim": None}
    assert "| 4.5 |  | **missed** |" in targets.targets_page(made)


@pytest.mark.parametrize(
    ("page", "begin", "end", "make"),
    [
        (run.README, table.BEGIN, table.END, table.readme_table),
        (run.PAGE, table.BEGIN, table.END, table.whole_table),
        (run.PAGE, targets.BEGIN, targets.END, targets.targets_page),
    ],
)
def test_the_pages_have_the_tables_of_the_results(page, begin, end, make):
    text = page.read_text(encoding="utf-8")
    assert text.count(begin) == text.count(end) == 1
    between = text.partition(begin)[2].partition(end)[0].strip()
    assert between == (make(results.read(run.RESULTS)) if run.RESULTS.exists() else "")


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["nothing"], ["--rounds", "0"], ["--folder", "no such folder"]])
def test_arguments_are_checked(arguments, capsys):
    with pytest.raises(SystemExit):
        run.main(arguments)
    assert "expected" in capsys.readouterr().err


def test_results_go_to_the_current_folder_and_not_over_those_of_the_project(tmp_path, monkeypatch):
    def cases(options: Options) -> list[Case]:
        return [Case("case", "a case", (contender("ours", "right", OURS),), prepare)]

    monkeypatch.setattr(run, "ALL", (Subject("first", "First", cases),))
    monkeypatch.chdir(tmp_path)
    before = run.RESULTS.read_bytes()
    assert run.main(["--rounds", "1", "--threads", "1"]) == 0
    assert run.RESULTS.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["benchmark-results.json"]
    assert list(results.read(tmp_path / "benchmark-results.json")["subjects"]) == ["first"]


def test_a_subject_that_can_not_be_prepared_is_named_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    def full(task: Task) -> None:
        raise OSError("no space left")

    def cases(options: Options) -> list[Case]:
        return [Case("case", "a case", (contender("ours", "right", OURS),), prepare)]

    def broken(options: Options) -> list[Case]:
        return [dataclasses.replace(cases(options)[0], prepare=full)]

    monkeypatch.setattr(run, "ALL", (Subject("first", "First", broken), Subject("second", "Second", cases)))
    out = tmp_path / "results.json"
    assert run.main(["--quick", "--out", str(out)]) == 1
    assert "failed: OSError: no space left" in capsys.readouterr().out
    found = results.read(out)["subjects"]
    assert found["first"]["cases"] == [] and found["second"]["cases"][0]["ours"] == "ours"


@pytest.mark.parametrize(
    "subject", ["training-cnn", "inference", "training-mlp", "training-rnn", "rfft", "mfcc", "folder", "scale"]
)
def test_each_subject_without_peers(subject, tmp_path, monkeypatch, capsys):
    """What stands in for "not installed" are all packages that a contender needs: the rest comes with the project."""
    monkeypatch.setattr(race.importlib.util, "find_spec", lambda name: None)
    out = tmp_path / "results.json"
    assert run.main([subject, "--quick", "--threads", "1", "--out", str(out), "--scratch", str(tmp_path)]) == 0
    found = json.loads(out.read_text())["subjects"]
    assert list(found) == [subject]
    for record in found[subject]["cases"]:
        assert record["ours"]
        for entry in record["contenders"]:
            assert entry["missing"] or not entry["error"]
            assert not [inner["error"] for inner in entry["modes"] if inner["error"]]
    assert "not installed" in capsys.readouterr().out or subject in ("folder", "scale")
    assert [path.name for path in Path(tmp_path).iterdir()] == ["results.json"]
