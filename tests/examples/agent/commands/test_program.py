"""The command `filmscore` as a program: help, version, completion, settings, and places that are none."""

import locale
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import nnlite as nn
from filmscore.agent import program, settings
from filmscore.shipped import MODEL
from nnlite.serialization import archive
from tests.examples.agent.commands.calls import run
from tests.examples.agent.libraries import empty_library

EXAMPLES = Path(program.__file__).parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without library and settings, and an empty working folder."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "FILMSCORE_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def write_settings(home, text):
    path = home / ".config" / "filmscore.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", program.COMMANDS)
def test_each_command_has_examples_that_its_parser_takes(name, home, capsys):
    with pytest.raises(SystemExit) as ended:
        run(name, "--help")
    shown = capsys.readouterr().out
    lines = program.COMMANDS[name].EXAMPLES.splitlines()
    assert ended.value.code == 0 and lines and shown.rstrip().endswith(lines[-1])
    for line in lines:
        command, *arguments = shlex.split(line)
        assert command == "filmscore" and program.parser().parse_args(arguments).command == name


def test_help_documents_the_exit_status(home, capsys):
    for arguments, words in ((["--help"], "exit status:"), (["--version"], f"filmscore {nn.__version__}\n")):
        with pytest.raises(SystemExit) as ended:
            run(*arguments)
        assert ended.value.code == 0 and words in capsys.readouterr().out
    for line in program.EXAMPLES.splitlines():
        program.parser().parse_args(shlex.split(line)[1:])


def test_completion_knows_commands_and_options(home, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--print-completion", "bash")
    script = capsys.readouterr().out
    assert ended.value.code == 0 and "--want" in script and all(name in script for name in program.COMMANDS)
    asked = 'COMP_WORDS=(filmscore f); COMP_CWORD=1; _shtab_filmscore f; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True)
    assert done.stdout == "find\n", done.stderr


# --- Settings ---------------------------------------------------------------------------------------------------------


def test_settings_are_defaults_that_the_command_line_changes(home):
    write_settings(home, 'library = "~/sound"\n[find]\nlimit = 3\njson = true\nmin-duration = "1:30"\n')
    options = program.parser().parse_args(["find", "--want", "drama"])
    assert (options.limit, options.json, options.min_duration) == (3, True, 90.0)
    assert options.library == home / "sound"
    assert program.parser().parse_args(["find", "--want", "drama", "--limit", "5"]).limit == 5
    assert program.parser().parse_args(["similar", "x"]).limit == 20


def test_paths_in_settings_begin_at_the_home_folder_and_wanted_options_may_be_settings(home):
    write_settings(home, '[scan]\nlibrary = "~/sound"\n[find]\nwant = "drama"\nfolder = "~/Music"\n')
    assert Path(program.parser().parse_args(["scan", "x"]).library) == home / "sound"
    options = program.parser().parse_args(["find"])
    assert options.want is not None and str(options.folder) == str(home / "Music")


@pytest.mark.parametrize("line", ["clear = true", "remove = true", 'note = "x"'])
def test_what_is_asked_for_call_by_call_is_no_setting(home, line, capsys):
    write_settings(home, f"[shortlist]\n{line}\n")
    assert run("shortlist") == 2
    assert f"[shortlist]: {line.split()[0]}: expected one of" in capsys.readouterr().err


def test_settings_can_be_moved(home, tmp_path, monkeypatch):
    (tmp_path / "elsewhere.toml").write_text('library = "mine"\n')
    monkeypatch.setenv("FILMSCORE_SETTINGS", str(tmp_path / "elsewhere.toml"))
    assert program.parser().parse_args(["problems"]).library == tmp_path / "mine"  # beside the settings
    empty_library(Path("filmscore-library"))  # one of the working folder comes first
    assert program.parser().parse_args(["problems"]).library == Path("filmscore-library")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("library = 3", 'library: expected "DIR", got 3'),
        ("library =", "expected TOML in UTF-8"),
        ("colour = 'red'", "colour: expected a table, got 'red'"),
        ("[fnd]\nlimit = 3", "expected library and tables out of scan, find"),
        ("[find]\nlimits = 3", "[find]: limits: expected one of export, folder, json, library, limit"),
        ("[find]\nlimit = 0", "[find]: limit: expected 1 or more, got '0'"),
        ("[find]\njson = 'yes'", "[find]: json: expected true or false, got 'yes'"),
        ("[train]\nsplit = 'city'", "[train]: split: expected one of album, folder, got 'city'"),
        ("[train]\nseed = [1]", "[train]: seed: expected a text or a number, got [1]"),
    ],
)
def test_settings_that_are_wrong(home, capsys, text, message):
    path = write_settings(home, text)
    assert run("problems") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"filmscore: {path}: ") and message in said


def test_settings_that_are_not_there(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FILMSCORE_SETTINGS", str(tmp_path / "none.toml"))
    assert run("problems") == 2 and "FILMSCORE_SETTINGS: expected a file, found none" in capsys.readouterr().err
    monkeypatch.setenv("FILMSCORE_SETTINGS", str(tmp_path))
    assert run("problems") == 2 and "can't be read" in capsys.readouterr().err


def test_the_docstring_of_settings_is_a_file_of_settings(home):
    example = "\n".join(re.findall(r"(?m)^    (.*)$", settings.__doc__))
    write_settings(home, example)
    assert program.parser().parse_args(["scan", "x"]).processes == 2


# --- Places and terminals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["find --want drama", "similar x", "explain x", "export x.csv", "report x.html", "serve", "problems",
                "surprise", "train", "correct x --tags drama"],
)  # fmt: skip
def test_a_command_before_any_scan_says_how_to_begin(home, capsys, command):
    assert run(*command.split()) == 2
    assert "no library there. Make one: filmscore scan FOLDER" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_a_data_folder_that_cannot_be_made(home, tmp_path, capsys):
    (tmp_path / "music").mkdir()
    home.write_text("a file in the place of the home")
    assert run("scan", tmp_path / "music") == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("filmscore: ") and str(home) in said


def test_places_that_are_no_library(home, tmp_path, capsys):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("text")
    for command in ("find --want drama", "serve", "export x.csv"):
        assert run(*command.split(), "--library", tmp_path / "papers") == 2
        assert "papers: no library there. Make one: filmscore scan FOLDER --library" in capsys.readouterr().err
    assert run("scan", tmp_path, "--library", tmp_path / "papers") == 2
    assert "expected a library, or a new or empty folder, found 'letter.txt' in it" in capsys.readouterr().err


def test_a_model_of_a_later_version_is_refused(home, tmp_path, capsys, monkeypatch):
    (tmp_path / "music").mkdir()
    model = nn.load(MODEL)
    with monkeypatch.context() as later:
        later.setattr(archive, "FORMAT_VERSION", 99)
        later.setattr(archive, "__version__", "9.9")
        nn.save(tmp_path / "later.npz", model)
    for command in (("scan", tmp_path / "music"), ("tag", tmp_path / "music")):
        assert run(*command, "--model", tmp_path / "later.npz") == 2
        said = capsys.readouterr().err
        assert "later.npz: " in said and "got 99, written by nnlite '9.9'" in said and "upgrade it" in said
    assert not (home / ".local").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_is_no_utf_8_gets_a_table(hostile, encoding):
    environment = {**os.environ, "PYTHONPATH": f"{EXAMPLES}{os.pathsep}{EXAMPLES.parent}", "PYTHONUTF8": "0"}
    environment |= {"PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    for arguments in (["find", "--want", "action"], ["explain", "#1"]):
        command = [sys.executable, "-m", "filmscore_agent", *arguments, "--library", str(hostile)]
        done = subprocess.run(command, env=environment, capture_output=True)
        assert done.returncode == 0 and not done.stderr and len(done.stdout.decode(encoding).splitlines()) > 1
    assert "?" not in done.stdout.decode(encoding).split("over time")[1].split("rank:")[0]  # bars that it can show


def test_a_decimal_comma_changes_no_number(hostile, capsys, tmp_path, monkeypatch):
    commands = [("find", "--want", "action:0.5"), ("explain", "#1", "--json"), ("export", tmp_path / "x.csv")]
    before = [_printed(command, hostile, capsys) for command in commands]
    table = (tmp_path / "x.csv").read_bytes()
    usual = locale.setlocale(locale.LC_ALL)
    try:
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"], capture_output=True)
        monkeypatch.setenv("LOCPATH", str(tmp_path))
        locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
    except (OSError, locale.Error):
        pytest.skip("no locale with a decimal comma on this system")
    try:
        assert locale.localeconv()["decimal_point"] == ","
        assert [_printed(command, hostile, capsys) for command in commands] == before
        assert (tmp_path / "x.csv").read_bytes() == table
    finally:
        locale.setlocale(locale.LC_ALL, usual)


def _printed(command, library, capsys):
    assert run(*command, "--library", library) == 0
    return capsys.readouterr().out
