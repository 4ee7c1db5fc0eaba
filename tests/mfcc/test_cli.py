"""python -m mfcc: what it writes, what it reports, what it skips, and what it refuses."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc import FILMSCORE, HTK, LIBROSA, MFCC, __main__, extraction, output
from mfcc.__main__ import main
from mfcc.journal import JOURNAL
from tests.mfcc.test_htk_file import htk_file

SR = 22050


def noise(seconds, seed=0, sr=SR):
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * sr))).astype(np.float32)


@pytest.fixture
def music(tmp_path):
    """A folder of recordings as people have them."""
    folder = tmp_path / "music"
    (folder / "album" / "disc 2").mkdir(parents=True)
    soundfile.write(folder / "one.wav", noise(3, 1), SR, subtype="FLOAT")
    soundfile.write(folder / "album" / "two.flac", noise(2, 2), SR)
    soundfile.write(folder / "album" / "disc 2" / "drei & vier.ogg", noise(2, 3), SR)
    soundfile.write(folder / "album" / "no suffix", noise(2, 4), SR, format="WAV")
    (folder / "album" / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(3000))
    (folder / ".hidden.wav").write_bytes(b"no audio")
    return folder


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
    np.testing.assert_allclose(table["time_s"], output.frame_times(FILMSCORE, expected.shape[1]), atol=1e-6)


def test_the_same_run_writes_the_same_bytes(music, tmp_path):
    for out in ("a", "b"):
        for format in output.FORMATS:
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


def test_tiles(music, tmp_path):
    assert main([str(music / "one.wav"), "--out", str(tmp_path), "--tiles", "10", "--hop", "5"]) == 0
    expected = mfcc.tiles(music / "one.wav", n_frames=10, hop_frames=5)
    with np.load(tmp_path / "one.wav.tiles.npz") as file:
        for name in ("values", "start_s", "level_dbfs", "silent"):
            np.testing.assert_array_equal(file[name], getattr(expected, name))
        assert MFCC.from_dict(json.loads(str(file["recipe"]))) == FILMSCORE
    assert main([str(music / "one.wav"), "--out", str(tmp_path), "--tiles", "100"]) == 1


def test_presets_knobs_and_excerpts(music, tmp_path, capsys):
    command = ["--preset", "LIBROSA", "--set", "n_mfcc=13", "--set", "pad_mode=reflect", "--set", "sr=16000"]
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
        (["a.wav", "--out", "{out}", "--preset", "NONE"], "--preset: invalid choice: 'NONE'"),
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
    assert len(output.coefficient_names(recipe)) == recipe.n_coefficients


def run_with(arguments, content=b""):
    """The exit status, standard output, and lines of standard error but for those about kernels that are compiled."""
    command = [sys.executable, "-m", "mfcc", *map(str, arguments)]
    run = subprocess.run(command, input=content, capture_output=True, timeout=200)
    return run.returncode, run.stdout, [line for line in run.stderr.splitlines() if b"compiling" not in line]


def test_standard_input_and_output(music, tmp_path):
    content = (music / "album" / "disc 2" / "drei & vier.ogg").read_bytes()
    y, _ = mfcc.load(music / "album" / "disc 2" / "drei & vier.ogg")
    status, out, errors = run_with(["-", "--out", "-"], content)
    assert status == 0 and errors == []
    with np.load(io.BytesIO(out)) as file:
        np.testing.assert_array_equal(file["values"], FILMSCORE(y))
    for _ in range(2):  # a second time is not known to be the same
        status, out, _ = run_with(["-", "--out", tmp_path / "out", "--format", "npy"], content)
        assert status == 0 and out.startswith(b"1 done (2.0 s of audio")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "stdin.npy"), FILMSCORE(y))
    status, out, errors = run_with([music / "one.wav", "--out", "-", "--format", "csv"])
    assert status == 0 and out.startswith(b"time_s,c1,c2") and out.count(b"\n") == 33 and errors == []


def test_standard_input_that_is_broken(music):
    content = (music / "album" / "two.flac").read_bytes()
    half = content[: len(content) // 2]
    status, out, errors = run_with(["-", "--out", "-"], half)
    assert status == 1 and out == b"" and errors[0].startswith(b"failed: standard input: damaged or truncated")
    status, out, errors = run_with(["-", "--out", "-", "--format", "npy", "--keep-truncated"], half)
    assert status == 0 and errors[0].startswith(b"incomplete: standard input: damaged or truncated")
    kept, (y, _) = np.load(io.BytesIO(out)), mfcc.load(music / "album" / "two.flac")
    np.testing.assert_array_equal(kept, FILMSCORE(y)[:, : kept.shape[1]])
    assert run_with(["-", "--out", "-"]) == (1, b"", [b"failed: standard input: is empty (0 bytes)."])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_standard_output_that_is_full(music):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "mfcc", str(music / "one.wav"), "--out", "-"]
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=200, text=True)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert f"failed: {music / 'one.wav'}: standard output: No space left on device." in run.stderr


@pytest.mark.parametrize("options", [["--out", "-"], ["--resynth", "-"], ["--describe"]])
def test_standard_output_that_nobody_reads_any_more(music, options):
    """As before `| head -c 0`: no fault, and nothing to be said about."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mfcc", str(music / "one.wav"), *options]
    run = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=200, text=True)
    os.close(writer)
    assert run.returncode == 0
    assert [line for line in run.stderr.splitlines() if "compiling" not in line] == []


def test_a_terminal_gets_no_binary_data(music, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for arguments in (["--out", "-"], ["--resynth", "-"]):
        with pytest.raises(SystemExit, match="2"):
            main([str(music / "one.wav"), *arguments])
        assert "-: expected a file or a pipe behind standard output, got a terminal" in capsys.readouterr().err


class Stream:
    def __init__(self, terminal):
        self.terminal, self.text = terminal, ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_progress_in_a_log_file_is_lines():
    stream = Stream(terminal=False)
    with __main__._Progress(3, stream, every_s=0.0) as progress:
        progress.step(0)
        progress.say("failed: b")
        progress.step(1)
        progress.step(1)
    assert stream.text == "1 of 3 files, 0 failed\nfailed: b\n2 of 3 files, 1 failed\n"


def test_progress_on_a_terminal_is_a_bar():
    stream = Stream(terminal=True)
    with __main__._Progress(2, stream) as progress:
        progress.step(0)
        progress.say("failed: b")
        progress.step(1)
    assert "\r" in stream.text and "failed: b\n" in stream.text and "2/2" in stream.text


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_an_interrupted_run_keeps_what_is_done_and_goes_on(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for i in range(12):
        soundfile.write(folder / f"{i:02}.wav", noise(20, i, 96000), 96000)
    command = [sys.executable, "-m", "mfcc", folder, "--out", out, "--jobs", "1"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(120, run.kill)
    watchdog.start()
    while run.poll() is None and not list(out.glob("*.npz")):
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate()
    watchdog.cancel()
    n_done = len(list(out.glob("*.npz")))
    if run.returncode == 0:
        pytest.skip("it was faster than the signal")
    assert run.returncode == 130 and "interrupted: " in errors and 0 < n_done < 12
    assert not list(out.glob("*.tmp"))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(list(out.glob("*.npz"))) == 12 and " up to date, 0 failed" in again.stdout
