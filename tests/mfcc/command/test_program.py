"""python -m mfcc: what it writes, what it reports, what it skips, and what it refuses."""

import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc import FILMSCORE, HTK, LIBROSA, MFCC
from mfcc.command import extraction, output
from mfcc.command.formats import FORMATS
from mfcc.command.journal import JOURNAL
from mfcc.command.program import main
from mfcc.feature_names import coefficient_names
from tests.mfcc.htk.test_parameter_file import htk_file
from tests.mfcc.sound_files import SR, noise

NAMES = ["one.wav", "album/two.flac", "album/disc 2/drei & vier.ogg", "album/no suffix"]


def entries(out):
    return [json.loads(line) for line in (out / JOURNAL).read_text().splitlines()]


def test_a_folder_keeps_its_shape(music, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([str(music), "--out", str(out)]) == 0
    assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == {
        JOURNAL,
        *(name + ".npz" for name in NAMES),
    }
    for name in NAMES:
        y, _ = mfcc.load(music / name)
        with np.load(out / (name + ".npz")) as file:
            np.testing.assert_array_equal(file["values"], FILMSCORE(y))
            np.testing.assert_allclose(file["times"], (np.arange(FILMSCORE.n_frames(len(y))) + 0.5) * 2048 / SR)
            assert MFCC.from_dict(json.loads(str(file["recipe"]))) == FILMSCORE
    text = capsys.readouterr().out
    assert "4 done (9.0 s of audio in" in text and "0 up to date, 0 failed; 1 files in the folders are no audio" in text
    assert {entry["name"]: entry["status"] for entry in entries(out)} == dict.fromkeys(NAMES, "done")


def test_a_second_run_does_what_has_changed(music, tmp_path, capsys):
    out = tmp_path / "out"
    command = [str(music), "--out", str(out)]
    main(command)
    written = {name: (out / (name + ".npz")).stat().st_mtime_ns for name in NAMES}

    def done_again(*options):
        capsys.readouterr()
        assert main([*command, *options]) == 0
        now = {name: (out / (name + ".npz")).stat().st_mtime_ns for name in NAMES}
        again = {name for name in NAMES if now[name] != written[name]}
        written.update(now)
        assert f"{len(again)} done" in capsys.readouterr().out
        return again

    assert done_again() == set()
    soundfile.write(music / "one.wav", noise(4, 5), SR)
    assert done_again() == {"one.wav"}
    (out / "album" / "two.flac.npz").unlink()
    assert done_again() == {"album/two.flac"}
    assert done_again("--set", "n_mels=50") == set(NAMES)
    assert done_again("--set", "n_mels=50") == set()
    assert done_again("--set", "n_mels=50", "--force") == set(NAMES)
    assert done_again("--set", "n_mels=50", "--deltas", "1") == set(NAMES)
    assert done_again("--set", "n_mels=50") == set(NAMES)
    with open(out / JOURNAL, "a") as journal:
        journal.write('[]\n"name"\n' + "[" * 100_000 + '\n{"name": 1}\n')  # damaged
        journal.write('{"name": "one.wav", "stat')  # killed while it wrote
    assert done_again("--set", "n_mels=50") == set()
    assert done_again() == set(NAMES)


def test_one_broken_file_does_not_stop_the_others(music, tmp_path, capsys):
    (music / "broken.ogg").write_bytes(b"no audio at all")
    (music / "empty.mp3").touch()
    soundfile.write(music / "short.wav", noise(0.05), SR)
    data = (music / "one.wav").read_bytes()
    (music / "cut off.wav").write_bytes(data[: len(data) // 2])
    out = tmp_path / "out"
    assert main([str(music), str(tmp_path / "missing.wav"), "--out", str(out)]) == 1
    captured = capsys.readouterr()
    assert "4 done" in captured.out and "5 failed" in captured.out
    for expected in (
        "broken.ogg: is not audio in a format that libsndfile reads.",
        "empty.mp3: is empty (0 bytes).",
        "short.wav: is too short: 0.050 s, a frame takes 0.093 s.",
        "cut off.wav: truncated: 1.50 s of the 3.00 s that it states can be read. Get a whole copy, or take what is "
        "there with --keep-truncated.",
        "missing.wav: can't be opened: No such file or directory.",
    ):
        assert f"{expected}\n" in captured.err
    assert {e["name"]: e["reason"] for e in entries(out) if e["status"] == "failed"}.keys() == {
        "broken.ogg",
        "empty.mp3",
        "short.wav",
        "cut off.wav",
        "missing.wav",
    }
    assert not list(out.rglob("*.tmp"))
    assert main([str(music), "--out", str(out)]) == 1  # what failed is tried again
    assert "0 done, 4 up to date, 4 failed" in capsys.readouterr().out
    soundfile.write(music / "broken.ogg", noise(2), SR)
    (music / "empty.mp3").unlink()
    (music / "short.wav").unlink()
    assert main([str(music), "--out", str(out), "--keep-truncated"]) == 0
    captured = capsys.readouterr()
    assert "incomplete: " in captured.err and "1.50 s of the 3.00 s that it states can be read.\n" in captured.err
    with np.load(out / "cut off.wav.npz") as file:
        assert file["values"].shape == (40, FILMSCORE.n_frames(3 * SR // 2))


def test_an_unforeseen_error_is_reported(music, tmp_path, capsys, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(extraction, "whole_features", fail)
    assert main([str(music / "one.wav"), "--out", str(tmp_path / "out")]) == 1
    assert "one.wav: RuntimeError: out of luck\n" in capsys.readouterr().err


def test_formats(music, tmp_path):
    y, _ = mfcc.load(music / "one.wav")
    expected = FILMSCORE(y)
    for format in ("npy", "csv", "htk"):
        assert main([str(music / "one.wav"), "--out", str(tmp_path), "--format", format]) == 0
    found = np.load(tmp_path / "one.wav.npy")
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(htk_file(tmp_path / "one.wav.htk")[0], expected)
    table = np.genfromtxt(tmp_path / "one.wav.csv", delimiter=",", names=True)
    assert table.dtype.names == ("time_s", *(f"c{i}" for i in range(1, 41)))
    np.testing.assert_array_equal(np.stack([table[f"c{i}"] for i in range(1, 41)]).astype(np.float32), expected)
    np.testing.assert_allclose(table["time_s"], FILMSCORE.frame_times(expected.shape[1]), atol=1e-6)


def test_the_same_run_writes_the_same_bytes(music, tmp_path):
    for out in ("a", "b"):
        for format in FORMATS:
            assert main([str(music / "one.wav"), "--out", str(tmp_path / out), "--format", format]) == 0
        assert main([str(music / "one.wav"), "--out", str(tmp_path / out), "--tiles", "10"]) == 0
        time.sleep(2 if out == "a" else 0)  # a date in a file would differ
    for name in ("one.wav.npz", "one.wav.npy", "one.wav.csv", "one.wav.htk", "one.wav.tiles.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_follows_the_recipe(music, tmp_path):
    command = [str(music / "one.wav"), "--out", str(tmp_path), "--normalize", "variance", "--deltas", "2"]
    y, _ = mfcc.load(music / "one.wav")
    for more, window in ((["--window", "7"], 7), ([], None)):
        assert main([*command, *more]) == 0
        statics = mfcc.normalize(FILMSCORE(y), window=window)
        with np.load(tmp_path / "one.wav.npz") as file:
            expected = [statics, mfcc.deltas(statics), mfcc.deltas(statics, order=2)]
            np.testing.assert_array_equal(file["values"], np.concatenate(expected))
            assert file["names"][[0, 40, 119]].tolist() == ["c1", "d_c1", "dd_c40"]
            assert json.loads(str(file["after"])) == {"normalize": "variance", "window": window, "deltas": 2}


@pytest.mark.parametrize("out", ["log_mel", "mel", "log_spectrum", "spectrum"])
def test_features_in_place_of_coefficients(music, tmp_path, out):
    command = [str(music / "one.wav"), "--out", str(tmp_path), "--set", f"output={out}", "--set", "n_mels=64"]
    recipe = MFCC(output=out, n_mels=64)
    assert main(command) == main([*command, "--format", "csv"]) == main([*command, "--tiles", "10"]) == 0
    y, _ = mfcc.load(music / "one.wav")
    expected = recipe(y)
    with np.load(tmp_path / "one.wav.npz") as file:
        np.testing.assert_array_equal(file["values"], expected)
        assert MFCC.from_dict(json.loads(str(file["recipe"]))) == recipe
        assert len(file["names"]) == len(set(file["names"].tolist())) == recipe.n_features
    table = np.genfromtxt(tmp_path / "one.wav.csv", delimiter=",", skip_header=1)
    np.testing.assert_array_equal(table[:, 1:].T.astype(np.float32), expected)
    with np.load(tmp_path / "one.wav.tiles.npz") as file:
        np.testing.assert_array_equal(file["values"], mfcc.tiles(y, recipe, n_frames=10).values)


def test_tiles(music, tmp_path, capsys):
    assert main([str(music / "one.wav"), "--out", str(tmp_path), "--tiles", "10", "--hop", "5"]) == 0
    expected = mfcc.tiles(music / "one.wav", n_frames=10, hop_frames=5)
    with np.load(tmp_path / "one.wav.tiles.npz") as file:
        for name in ("values", "start_s", "level_dbfs", "silent"):
            np.testing.assert_array_equal(file[name], getattr(expected, name))
        assert MFCC.from_dict(json.loads(str(file["recipe"]))) == FILMSCORE
    assert main([str(music / "one.wav"), "--out", str(tmp_path), "--tiles", "100"]) == 1
    assert capsys.readouterr().err.endswith("a tile of 100 frames takes 9.29 s. Lower --tiles.\n")


@pytest.mark.parametrize("typed", ["librosa_unlimited", "librosa-unlimited", "LIBROSA_UNLIMITED", "Librosa-Unlimited"])
def test_presets_have_the_names_that_people_type(typed, capsys):
    assert main(["--describe", "--preset", typed]) == 0
    assert capsys.readouterr().out == mfcc.LIBROSA_UNLIMITED.describe() + "\n"


def test_presets_knobs_and_excerpts(music, tmp_path, capsys):
    command = ["--preset", "librosa", "--set", "n_mfcc=13", "--set", "pad_mode=reflect", "--set", "sr=16000"]
    excerpt = ["--offset", "0.5", "--duration", "1.25"]
    assert main([str(music / "one.wav"), "--out", str(tmp_path), *command, *excerpt]) == 0
    with np.load(tmp_path / "one.wav.npz") as file:
        recipe = MFCC.from_dict(json.loads(str(file["recipe"])))
        assert recipe.difference(LIBROSA) == ("sr", "pad_mode", "fmax", "n_mfcc") and recipe.fmax == 8000
        y, _ = mfcc.load(music / "one.wav", 16000, offset=0.5, duration=1.25)
        np.testing.assert_array_equal(file["values"], recipe(y))
        np.testing.assert_allclose(file["times"], 0.5 + np.arange(recipe.n_frames(len(y))) * 512 / 16000)
    capsys.readouterr()
    assert main(["--describe", *command]) == 0
    assert capsys.readouterr().out == recipe.describe() + "\n"


def test_a_recipe_from_a_file(music, tmp_path, capsys):
    recipe = HTK.replace(n_mels=20, output="log_mel")
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.to_dict()))
    (tmp_path / "features.json").write_text(json.dumps({"format": "other", "recipe": recipe.to_dict()}))
    for name in ("recipe.json", "features.json"):
        assert main(["--describe", "--recipe", str(tmp_path / name), "--set", "fmin=100"]) == 0
        assert capsys.readouterr().out == recipe.replace(fmin=100).describe() + "\n"


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "can't be opened: No such file or directory"),
        (b"{", "expected JSON"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "description: expected a mapping, got list"),
        (b"{}", "format: expected 'mfcc.MFCC', got None"),
        (b'{"recipe": {"format": "mfcc.MFCC", "version": 3}}', "expected every knob of MFCC, missing sr"),
        (json.dumps({**FILMSCORE.to_dict(), "n_mels": 0}).encode(), "n_mels: expected an integer of at least 1"),
    ],
)
def test_what_is_no_recipe(tmp_path, capsys, content, message):
    path = tmp_path / "recipe.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit, match="2"):
        main(["--describe", "--recipe", str(path)])
    error = capsys.readouterr().err
    assert f"{path}: " in error and message in error


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_the_first_failure_may_stop_the_rest(music, tmp_path, capsys, jobs):
    broken = music / "album" / "a.wav"
    broken.write_bytes(b"no audio")
    command = [str(music), "--out", str(tmp_path / "out"), "--on-error", "stop", "--jobs", jobs]
    assert main(command) == 1
    captured = capsys.readouterr()
    assert "album/a.wav: is not audio" in captured.err and "1 failed" in captured.out
    done = int(re.search(r"(\d+) done", captured.out)[1])
    untried = re.search(r"(\d+) not tried after the first", captured.out)
    left = int(untried[1]) if untried else 0  # several jobs at a time may have got to the end before the failure
    assert done + left == 4 and (left > 0 or jobs != "1") and len(list((tmp_path / "out").rglob("*.npz"))) == done
    soundfile.write(broken, noise(2), SR)
    assert main(command) == 0
    assert f"{5 - done} done" in capsys.readouterr().out
    assert main([str(tmp_path / "missing.wav"), *command]) == 1
    assert main([str(music / "one.wav"), str(broken.parent / ".." / "one.wav"), *command[1:]]) == 0


def test_plot(music, tmp_path):
    pytest.importorskip("matplotlib", exc_type=ImportError)
    command = [str(music / "one.wav"), str(music / "album" / "two.flac"), "--out", str(tmp_path / "out"), "--plot"]
    assert main(command) == 0
    for name in ("one.wav", "two.flac"):
        assert (tmp_path / "out" / (name + ".png")).read_bytes().startswith(b"\x89PNG")
    (tmp_path / "out" / "one.wav.png").unlink()
    assert main(command) == 0
    assert (tmp_path / "out" / "one.wav.png").exists()


def test_plot_without_matplotlib(music, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit) as exit:
        main([str(music), "--out", str(tmp_path / "out"), "--plot"])
    assert exit.value.code == 2
    assert "--plot: needs matplotlib, which is not installed: pip install 'nnlite[plot]'." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--out", "{out}"], "expected recordings or folders, and --out DIR"),
        (["a.wav"], "expected recordings or folders, and --out DIR"),
        (["a.wav", "--out", "{out}", "--jobs", "0"], "--jobs: expected an integer of at least 1, got 0"),
        (["a.wav", "--out", "{out}", "--duration", "-1"], "--duration: expected a number of seconds, got -1"),
        (["a.wav", "--out", "{out}", "--preset", "NONE"], "--preset: invalid choice: 'none'"),
        (["a.wav", "--out", "{out}", "--format", "xls"], "--format: invalid choice: 'xls'"),
        (
            ["a.wav", "--out", "{out}", "--set", "n_mfc=3"],
            "--set: expected KNOB=VALUE with a KNOB out of sr, full_scale",
        ),
        (["a.wav", "--out", "{out}", "--set", "n_mfcc"], "--set: expected KNOB=VALUE"),
        (["a.wav", "--out", "{out}", "--set", "n_mfcc=" + 10**5 * "["], "MFCC: n_mfcc: expected an integer, got '[[["),
        (["a.wav", "--out", "{out}", "--set", "n_mfcc=50"], "MFCC: n_mfcc: expected at most n_mels = 41, got 50"),
        (["a.wav", "--out", "{out}", "--set", "fmax=12000"], "MFCC: fmax: expected at most sr / 2"),
        (["a.wav", "--out", "{out}", "--hop", "3"], "--hop: expected --tiles with it"),
        (
            ["a.wav", "--out", "{out}", "--tiles", "9", "--format", "csv"],
            "--format: expected npz with --tiles, got csv",
        ),
        (["a.wav", "--out", "{out}", "--tiles", "9", "--deltas", "1"], "--tiles: expected no --normalize and --deltas"),
        (["a.wav", "--out", "{out}", "--window", "9"], "--window: expected --normalize with it, got none"),
        (["a.wav", "--out", "{out}", "--normalize", "mean", "--window", "1"], "--window: expected at least 2 frames"),
        (
            ["a.wav", "--out", "{out}", "--format", "htk", "--set", "output=spectrum", "--set", "n_fft=16384"],
            "--format: expected at most 8191 features a frame in an HTK file, got 8193",
        ),
        (["a.wav", "--out", "{out}", "--preset", "HTK", "--recipe", "x.json"], "--recipe: expected no --preset"),
        (["a.wav", "b.wav", "--out", "-"], "--out -: expected one recording"),
        (["-", "-", "--out", "{out}"], "expected - once, got it several times"),
        (["a.wav", "--out", "-", "--plot"], "--plot: expected a folder as --out, got -"),
        (["a.wav", "--resynth", "-", "--plot"], "--plot: expected a file with --resynth"),
        (["a.wav", "--out", "{file}"], "--out: "),
    ],
)
def test_wrong_command_lines(tmp_path, capsys, arguments, message):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as exit:
        main([a.format(out=tmp_path / "out", file=tmp_path / "file") for a in arguments])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


def test_names_that_meet(music, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    soundfile.write(other / "one.wav", noise(1), SR)
    out = str(tmp_path / "out")
    assert main([str(music / "one.wav"), str(other / "one.wav"), "--out", out]) == 1
    captured = capsys.readouterr()
    assert "has the same name as" in captured.err and "Give the folder above both" in captured.err
    assert "1 done" in captured.out and "1 failed" in captured.out
    assert main([str(music / "one.wav"), str(music / "one.wav"), "--out", out]) == 0


def test_nothing_found(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    assert main([str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    assert "no recordings found" in capsys.readouterr().err


def test_the_output_may_lie_within_the_folder(music, capsys):
    for expected in ("4 done", "0 done"):
        assert main([str(music), "--out", str(music / "features")]) == 0
        assert expected in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are text")
def test_names_that_are_no_text(tmp_path):
    folder = os.fsencode(tmp_path) + b"/in"
    os.mkdir(folder)
    soundfile.write(tmp_path / "a.wav", noise(1), SR)
    os.rename(tmp_path / "a.wav", folder + b"/caf\xe9\n.wav")
    with open(folder + b"/broken\xff.wav", "wb") as file:
        file.write(b"no audio")
    command = [sys.executable, "-m", "mfcc", folder, "--out", tmp_path / "out"]
    run = subprocess.run(command, capture_output=True, env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"})
    assert run.returncode == 1
    assert b"broken\\xff.wav: is not audio" in run.stderr and b"1 done" in run.stdout
    assert os.path.exists(os.fsencode(tmp_path) + b"/out/caf\xe9\n.wav.npz")
    run = subprocess.run(command, capture_output=True)
    assert b"0 done, 1 up to date, 1 failed" in run.stdout


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = str(tmp_path / "a")
    with output.atomic(path) as file:
        file.write(b"first")
    with pytest.raises(RuntimeError, match="in between"), output.atomic(path) as file:
        file.write(b"sec")
        raise RuntimeError("in between")
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"first"


@pytest.mark.parametrize("changes", [{}, {"c0": "first"}, {"c0": "last", "energy": "raw"}, {"energy": "raw"}])
@pytest.mark.parametrize("place", ["append", "c0"])
def test_there_is_a_name_for_each_coefficient(changes, place):
    if changes == {"energy": "raw"} and place == "c0":
        return  # there is no C0 to replace
    recipe = MFCC(n_mfcc=13, energy_place=place, **changes)
    assert len(coefficient_names(recipe)) == recipe.n_coefficients
