"""Journals and folds that were damaged or forged: the documented error, which names the file.

Most were found by tests/faults/fuzz_files.py.
"""

import json

import pytest

from nnlite.model_selection import read_folds, search, write_folds
from tests.nnlite.model_selection import search_tasks

DEEP = "[" * 100_000 + "]" * 100_000


def journal(tmp_path):
    path = tmp_path / "journal.jsonl"
    search([{"x": 0}, {"x": 1}], search_tasks.parabola, journal=path)
    return path


def again(path):
    return search([{"x": 0}, {"x": 1}, {"x": 2}], search_tasks.parabola, journal=path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score", "high"),
        ("score", True),
        ("score", [1.0]),
        ("score", 10**400),
        ("key", ["a"]),
        ("key", {"a": 1}),
        ("key", None),
        ("seed", 0.5),
        ("seed", True),
        ("budget", "much"),
        ("details", None),
        ("details", [1]),
        ("candidate", "x"),
        ("seconds", None),
        ("error", 3),
    ],
)
def test_an_entry_of_another_type_is_refused(tmp_path, name, value):
    path = journal(tmp_path)
    first, entry, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([first, json.dumps(json.loads(entry) | {name: value}) + "\n", *rest]))
    with pytest.raises(ValueError, match=r"search: journal: .*journal\.jsonl: line 2: expected the names key \(str\)"):
        again(path)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, DEEP, '"\udc80"'])
def test_a_line_that_is_no_strict_json_is_refused(tmp_path, token):
    path = journal(tmp_path)
    first, entry, *_ = path.read_text().splitlines(keepends=True)
    line = json.dumps(json.loads(entry) | {"seconds": "@"}).replace('"@"', token) + "\n"
    path.write_bytes((first + line).encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"journal\.jsonl: line 2: expected (a JSON object|the names)") as caught:
        again(path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("arguments", ["text", 3, None, ["a"]])
def test_a_first_line_with_no_arguments_is_of_no_journal(tmp_path, arguments):
    path = journal(tmp_path)
    first, *rest = path.read_text().splitlines(keepends=True)
    changed = json.loads(first) | {"arguments": arguments, "sha256": "0"}
    path.write_text("".join([json.dumps(changed) + "\n", *rest]))
    with pytest.raises(ValueError, match="expected a journal of this version or a new file"):
        again(path)


def test_long_arguments_are_cut_in_messages(tmp_path):
    path = tmp_path / "journal.jsonl"
    search([{"x": 1}], search_tasks.parabola, journal=path, context={"data": "x" * 100_000})
    with pytest.raises(ValueError, match="was written with other arguments") as caught:
        again(path)
    assert len(str(caught.value)) < 1000


def test_means_of_scores_near_the_largest_number(tmp_path):
    path = journal(tmp_path)
    text = path.read_text()
    for line in text.splitlines(keepends=True)[1:]:
        text = text.replace(line, json.dumps(json.loads(line) | {"score": 1.5e308}) + "\n")
    path.write_text(text)
    result = search([{"x": 0}, {"x": 1}], search_tasks.parabola, journal=path)
    assert [entry.n for entry in result.means_over("x")] == [2]


def test_deep_arguments_are_cut_in_messages(tmp_path):
    path = journal(tmp_path)
    first, *rest = path.read_text().splitlines(keepends=True)
    changed = json.loads(first) | {"sha256": "0", "arguments": {"seed": "@"}}
    path.write_text("".join([json.dumps(changed).replace('"@"', "[" * 900 + "]" * 900) + "\n", *rest]))
    with pytest.raises(ValueError, match="was written with other arguments") as caught:
        again(path)
    assert len(str(caught.value)) < 1000


def undecodable(candidate, seed):
    raise ValueError("a file's name: \udce9")


def test_an_error_about_an_undecodable_name_can_be_kept(tmp_path):
    path = tmp_path / "journal.jsonl"
    result = search([{"x": 1}], undecodable, journal=path)
    path.read_bytes().decode()
    kept = search([{"x": 1}], undecodable, journal=path)
    assert kept.trials == result.trials and "\udce9" in kept.failed[0].error


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"\xff"),
        ("a.json", DEEP.encode()),
        ("a.json", b'{"folds": {"a": NaN}}'),
        ("a.json", b'{"folds": {"a": 1e999}}'),
        ("a.json", b'{"folds": {"a": 9999999999}}'),
        ("a.json", b'{"folds": {"a": ' + b"9" * 1000 + b"}}"),
        ("a.json", b'{"folds": {"a": ' + b"9" * 9000 + b"}}"),
        ("a.json", b'{"folds": {"\\ud800": 1}}'),
        ("a.json", b'{"folds": {"' + b"x" * 10**5 + b'": -1}}'),
        ("a.json", b"[]"),
        ("a.json", b'{"sha256": ' + b"[" * 900 + b"]" * 900 + b', "folds": {"a": 1}}'),
        ("a.json", b'{"sha256": 3, "folds": {"a": 1}}'),
        ("a.csv", b"group,fold\na\xe9,1\n"),
        ("a.csv", b'group,fold\n"' + b"x" * 200_000 + b'",1\n'),
        ("a.csv", b"group,fold\na\n"),
        ("a.csv", b"group,fold\na,1.5\n"),
        ("a.csv", b"group,fold\na,9999999999\n"),
        ("a.csv", b""),
    ],
)  # fmt: skip
def test_folds_that_can_not_be(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^read_folds: .*{name}") as caught:
        read_folds(path)
    assert len(str(caught.value)) < 1000


def test_folds_of_a_group_that_utf8_can_not_hold_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="expected names that UTF-8 can hold"):
        write_folds(tmp_path / "a.json", {"\ud800": 0})
    assert not list(tmp_path.iterdir())
