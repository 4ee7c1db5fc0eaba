"""Recordings made of modules and MIDI files: by the real programs where they are installed, by stand-ins otherwise."""

import hashlib
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import fetch_corpus
import numpy as np
import pytest
import soundfile

from filmscore import corpus, render
from tests.examples.test_fetch_corpus import write_csv, write_deb

SR = render.SAMPLE_RATE


def module() -> bytes:
    """A ProTracker module of four channels: one pattern, in which one looped sine is played at 440 Hz or so."""
    sine = (100 * np.sin(2 * np.pi * np.arange(32) / 32)).astype(np.int8).tobytes()
    samples = b"sine".ljust(22, b"\0") + struct.pack(">HBBHH", 16, 0, 64, 0, 16) + (bytes(26) + b"\0\0\0\1") * 30
    pattern = bytearray(1024)
    pattern[:4] = struct.pack(">HBB", 254, 0x10, 0)  # period of C-3, sample 1
    return b"test".ljust(20, b"\0") + samples + b"\1\177" + bytes(128) + b"M.K." + bytes(pattern) + sine


def install(folder: Path, name: str, script: str) -> None:
    """Put a program on the path that stands in for a renderer."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    """A folder that is all of the path, but for what a shell script needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cp", "cat"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    return folder


# The arguments end in: --output PART -- SOURCE.
COPY = 'if [ "$1" = --version ]; then echo "openmpt123 v1.2.3"; exit; fi\nwhile [ "$1" != --output ]; do shift; done\n'


def test_a_module_is_rendered_by_what_the_program_says(tmp_path, programs):
    (tmp_path / "a.mod").write_bytes(b"notes")
    install(programs, "openmpt123", COPY + 'cp "$4" "$2"')
    render.render(tmp_path / "a.mod", tmp_path / "out" / "a.mod.flac", "openmpt123 1.2.3")
    assert (tmp_path / "out" / "a.mod.flac").read_bytes() == b"notes"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mod.flac"]
    assert render.installed("openmpt123 0.6.9") == "1.2.3" and render.installed("fluidsynth 2.3.1 x.sf2") == ""


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken module >&2; exit 1", r"a\.mod: openmpt123 could not render it \(broken module\)"),
        ("exit 0", r"a\.mod: openmpt123 could not render it \(no output\)"),
    ],
)
def test_a_rendering_that_fails_leaves_nothing(tmp_path, programs, script, message):
    (tmp_path / "a.mod").write_bytes(b"notes")
    install(programs, "openmpt123", script)
    with pytest.raises(render.RenderError, match=message):
        render.render(tmp_path / "a.mod", tmp_path / "out" / "a.flac", "openmpt123 1")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("renderer", "message"),
    [
        ("openmpt123 0.6.9", "openmpt123 is not on this system. Install it: .mod files are rendered with it"),
        ("timidity 2", "expected a renderer openmpt123 or fluidsynth with a soundfont, got 'timidity 2'"),
        ("fluidsynth 2.3.1", "expected a renderer openmpt123 or fluidsynth with a soundfont, got 'fluidsynth 2.3.1'"),
        ("fluidsynth 2.3.1 none.sf2", "no soundfont none.sf2 in .*Install it"),
    ],
)
def test_without_the_program(tmp_path, programs, renderer, message):
    with pytest.raises(render.RenderError, match=message):
        render.render(tmp_path / "a.mod", tmp_path / "a.flac", renderer)


def test_fetch_renders_modules(tmp_path, programs, capsys):
    manifest = tmp_path / "manifest"
    manifest.mkdir()
    write_csv(
        manifest / "sources.csv",
        "source,tier,version,megabytes,url,alternatives",
        ("alpha", "small", "1.0", 1, "", ""),
    )
    write_csv(manifest / "soundtracks.csv", "soundtrack_id,game,tags", ("ost", "game", "Thriller"))
    digest = hashlib.sha256(b"notes").hexdigest()
    row = ("alpha/usr/a.mod", digest, "ost", 20, "openmpt123 0.6.9")
    write_csv(manifest / "tracks.csv", "path,sha256,soundtrack_id,use_s,renderer", row)
    write_deb(tmp_path / "debs" / "alpha_1.0_all.deb", {"usr/a.mod": b"notes"})
    options = ["--manifest", str(manifest), "--packages", str(tmp_path / "debs"), "--out", str(tmp_path / "out")]
    assert fetch_corpus.main(options) == 1
    assert "alpha/usr/a.mod.flac: openmpt123 is not on this system" in capsys.readouterr().out
    install(programs, "openmpt123", COPY + 'cp "$4" "$2"')
    assert fetch_corpus.main(options) == 0
    assert "openmpt123 1.2.3 renders what openmpt123 0.6.9 rendered for the manifest" in capsys.readouterr().out
    (track,) = corpus.read_tracks(manifest)
    assert track.files == ("alpha/usr/a.mod.flac",) and (tmp_path / "out" / track.files[0]).read_bytes() == b"notes"
    install(programs, "openmpt123", COPY + "exit 1")
    assert fetch_corpus.main(options) == 0  # what is there is not made again


@pytest.mark.skipif(shutil.which("openmpt123") is None, reason="openmpt123 is not installed")
def test_a_real_module(tmp_path):
    (tmp_path / "sine.mod").write_bytes(module())
    render.render(tmp_path / "sine.mod", tmp_path / "sine.flac", f"openmpt123 {render.installed('openmpt123 0')}")
    y, sr = soundfile.read(tmp_path / "sine.flac")
    assert sr == SR and y.ndim == 1 and len(y) > 5 * SR and np.abs(y).max() > 0.01
    peak = np.abs(np.fft.rfft(y[:SR])).argmax()
    assert abs(peak - 7093789.2 / 2 / 254 / 32) < 3  # clock of the Amiga [Hz], period, samples of the sine


@pytest.mark.skipif(shutil.which("openmpt123") is None, reason="openmpt123 is not installed")
def test_a_broken_module(tmp_path):
    (tmp_path / "text.mod").write_text("no module\n" * 500)
    with pytest.raises(render.RenderError, match=r"text\.mod: openmpt123 could not render it"):
        render.render(tmp_path / "text.mod", tmp_path / "text.flac", "openmpt123 0.6.9")
    assert subprocess.run(["ls", "-A", tmp_path], capture_output=True, text=True, check=True).stdout == "text.mod\n"
