"""The corpus fetcher on packages that the test builds itself: no network, no dpkg."""

import csv
import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

import fetch_corpus
import pytest

from filmscore import corpus, deb

AUDIO = {name: name.encode() * 1000 for name in ("one.ogg", "two", "three.ogg", "guitar.ogg", "song.ogg")}


def ar_member(name: str, data: bytes) -> bytes:
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)


def tar_of(files: dict[str, bytes], compression: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("./usr/link.ogg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return buffer.getvalue()


def write_deb(path: Path, files: dict[str, bytes], compression: str = "xz") -> Path:
    suffix = f".{compression}" if compression else ""
    data = ar_member(f"data.tar{suffix}", tar_of(files, compression))
    path.parent.mkdir(exist_ok=True)
    head = ar_member("debian-binary", b"2.0\n") + ar_member("control.tar.xz", b"odd")
    path.write_bytes(b"!<arch>\n" + head + data)
    return path


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def write_csv(path: Path, header: str, *rows: tuple) -> None:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def write_manifest(folder: Path, paths: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    packages = dict.fromkeys(path.split("/")[0] for path in paths)
    rows = [
        (name, "small" if name == "alpha" else "study", "1.0", 1.5, "", "gamma" if name == "beta" else "")
        for name in packages
    ]
    write_csv(folder / "sources.csv", "source,tier,version,megabytes,url,alternatives", *rows)
    write_csv(folder / "soundtracks.csv", "soundtrack_id,game,tags", ("ost", "game", "Drama;Crime"))
    rows = []
    for path in paths:
        digest = hashlib.sha256(AUDIO[Path(path).name]).hexdigest()
        rows.append((path, digest, "ost", 60, "Expat", "", "", "holder"))
    header = "path,sha256,soundtrack_id,use_s,licence,title,artist,copyright"
    write_csv(folder / "tracks.csv", header, *rows)
    return folder


PATHS = ["alpha/usr/one.ogg", "alpha/usr/pack.pk3.d/music/two", "beta/usr/1.0/three.ogg"]


@pytest.fixture
def place(tmp_path):
    """A manifest of two packages, and a folder that holds them."""
    write_manifest(tmp_path / "manifest", PATHS)
    container = zip_of({"music/two": AUDIO["two"], "../../evil": b"no"})
    write_deb(tmp_path / "debs" / "alpha_1.0_all.deb", {"usr/one.ogg": AUDIO["one.ogg"], "usr/pack.pk3": container})
    write_deb(tmp_path / "debs" / "beta_1.0_all.deb", {"usr/1.0/three.ogg": AUDIO["three.ogg"]}, "gz")
    return tmp_path


def run(place: Path, *more: str) -> int:
    manifest, packages, out = str(place / "manifest"), str(place / "debs"), str(place / "out")
    return fetch_corpus.main(["--manifest", manifest, "--packages", packages, "--out", out, *more])


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_fetch_unpacks_only_what_is_listed(place, capsys):
    assert run(place) == 0
    assert listing(place / "out") == sorted(["SHA256SUMS", *PATHS])
    for path in PATHS:
        assert (place / "out" / path).read_bytes() == AUDIO[Path(path).name]
    assert "3 of 3 recordings" in capsys.readouterr().out


def test_fetch_resumes(place, capsys):
    assert run(place, "--tier", "small") == 0
    assert listing(place / "out") == sorted(["SHA256SUMS", *PATHS[:2]])
    (place / "debs" / "alpha_1.0_all.deb").unlink()  # what is there needs no package
    assert run(place) == 0
    assert "(1 new, 2 were there)" in capsys.readouterr().out
    (place / "out" / PATHS[2]).write_bytes(b"damaged")
    assert run(place) == 0
    assert (place / "out" / PATHS[2]).read_bytes() == AUDIO["three.ogg"]


def test_fetch_reports_what_it_cannot_get_and_goes_on(place, capsys):
    (place / "debs" / "alpha_1.0_all.deb").unlink()
    assert run(place) == 1
    out = capsys.readouterr().out
    assert (
        "2 could not be had" in out and "alpha, 2 recordings: no package alpha in" in out and "1 of 3 recordings" in out
    )


def test_fetch_warns_about_another_content_once_and_keeps_it(place, capsys):
    write_deb(place / "debs" / "beta_1.0_all.deb", {"usr/1.0/three.ogg": b"another release"})
    assert run(place) == 0
    assert "1 differ from the manifest" in capsys.readouterr().out
    assert (place / "out" / PATHS[2]).read_bytes() == b"another release"
    (place / "debs" / "beta_1.0_all.deb").unlink()
    assert run(place) == 0
    assert "(0 new, 3 were there)" in capsys.readouterr().out


def test_fetch_finds_a_moved_file_in_a_package_of_another_name(place, capsys):
    (place / "debs" / "beta_1.0_all.deb").unlink()
    write_deb(place / "debs" / "gamma_2.0_all.deb", {"usr/2.0/three.ogg": AUDIO["three.ogg"], "usr/other": b""}, "")
    assert run(place) == 0
    assert (place / "out" / PATHS[2]).read_bytes() == AUDIO["three.ogg"]
    assert "differ" not in capsys.readouterr().out


def test_fetch_prefers_the_version_of_the_manifest(place):
    write_deb(place / "debs" / "beta_0.9_all.deb", {"usr/1.0/three.ogg": b"older"})
    write_deb(place / "debs" / "beta_9.9_all.deb", {"usr/1.0/three.ogg": b"newer"})
    assert run(place) == 0
    assert (place / "out" / PATHS[2]).read_bytes() == AUDIO["three.ogg"]


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_fetch_reports_a_truncated_package_and_goes_on(place, compression, capsys):
    package = write_deb(place / "debs" / "alpha_1.0_all.deb", {"usr/one.ogg": bytes(range(256)) * 999}, compression)
    package.write_bytes(package.read_bytes()[:-20_000] if compression == "" else package.read_bytes()[:-40])
    assert run(place) == 1
    assert "alpha_1.0_all.deb: broken or truncated package" in capsys.readouterr().out
    assert listing(place / "out")[0] == "SHA256SUMS" and PATHS[2] in listing(place / "out")
    assert not [name for name in listing(place / "out") if name.endswith((".part", ".tmp"))]


def test_fetch_reports_a_broken_container(place, capsys):
    write_deb(place / "debs" / "alpha_1.0_all.deb", {"usr/pack.pk3": b"no zip", "usr/one.ogg": AUDIO["one.ogg"]})
    assert run(place) == 1
    assert "usr/pack.pk3: broken zip container" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["alpha/../../evil", "/etc/passwd", "alpha", "alpha\\..\\x", "delta/x", "alpha/x\ny"])
def test_manifest_refuses_paths_that_leave_the_folder(tmp_path, path):
    write_manifest(tmp_path, PATHS)
    with open(tmp_path / "tracks.csv", "a", newline="") as file:
        csv.writer(file).writerow((path, "0", "ost", 1, "", "", "", ""))
    with pytest.raises(corpus.ManifestError, match="expected a path below the name of a source, got"):
        corpus.read_recordings(tmp_path)


def test_a_link_in_a_package_is_not_followed(tmp_path):
    package = write_deb(tmp_path / "alpha_1.0_all.deb", {})
    assert list(deb.extract(package, {"usr/link.ogg": tmp_path / "out"})) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"RIFF", b"!<arch>\n", b"!<arch>\n" + b"x" * 60])
def test_extract_from_what_is_no_package(tmp_path, content):
    path = tmp_path / "x.deb"
    path.write_bytes(content)
    with pytest.raises(deb.PackageError, match=r"x\.deb"):
        list(deb.extract(path, {"a": tmp_path / "a"}))


def test_download_asks_apt_for_each_name_in_turn(place, monkeypatch):
    asked = []

    def apt_get(command, cwd, **_):
        asked.append(command)
        name = command[-1]
        if name == "gamma":
            write_deb(Path(cwd) / "gamma_2.0_all.deb", {"usr/1.0/three.ogg": AUDIO["three.ogg"]})
        code = 0 if name == "gamma" else 100
        return deb.subprocess.CompletedProcess(command, code, "", f"E: Unable to locate package {name}\n")

    monkeypatch.setattr(deb.shutil, "which", lambda name: name)
    monkeypatch.setattr(deb.subprocess, "run", apt_get)
    code = fetch_corpus.main(["--manifest", str(place / "manifest"), "--out", str(place / "out")])
    assert code == 1  # alpha is nowhere
    assert asked == [["apt-get", "download", name] for name in ("alpha", "beta", "gamma")]
    assert listing(place / "out") == ["SHA256SUMS", PATHS[2]]


def test_the_shipped_manifest_is_sound():
    recordings, tracks = corpus.read_recordings(), corpus.read_tracks()
    assert (len(recordings), len(tracks)) == (569, 561)
    assert len({recording.path for recording in recordings}) == 569
    assert 12 < sum(recording.use_s for recording in corpus.read_recordings(tier="small")) / 3600 < 13
    assert {len(track.files) for track in tracks} == {1, 2}
    assert len({track.game for track in tracks}) == 42 and len({track.soundtrack for track in tracks}) == 62
    assert {tag for track in tracks for tag in track.tags} == set(corpus.GENRES)


def test_the_whole_shipped_manifest_is_sound():
    recordings, tracks = corpus.read_recordings(tier="full"), corpus.read_tracks(tier="full")
    sources = corpus.read_sources()
    assert (len(recordings), len(tracks), len({track.game for track in tracks})) == (1018, 1010, 78)
    assert {recording.source for recording in recordings} == set(sources)
    assert len({recording.sha256 for recording in recordings}) == len(recordings)
    assert all(re.fullmatch("[0-9a-f]{64}", recording.sha256) for recording in recordings)
    assert all(recording.licence and recording.use_s and recording.use_s >= 20 for recording in recordings)
    assert not [recording for recording in recordings if re.search(r"-N[CD]\b", recording.licence)]
    rendered = {recording.renderer for recording in recordings} - {""}
    assert rendered == {"openmpt123 0.6.9", "fluidsynth 2.3.1 FluidR3_GM.sf2"}
    reserved = (
        "unknown-horizons warmux flare drascula singularity starfighter nexuiz xonotic hyperrogue davegnukem openclonk"
    )
    assert not [name for name in sources if name.lower().split("-data")[0] in reserved.split()]


def test_a_broken_table_is_named(tmp_path):
    write_manifest(tmp_path, PATHS)
    (tmp_path / "soundtracks.csv").write_text("soundtrack_id,game,tags\nost,game,Drama,too many\n")
    with pytest.raises(corpus.ManifestError, match=r"soundtracks\.csv: line 2: expected 3 fields"):
        corpus.read_soundtracks(tmp_path)
    (tmp_path / "soundtracks.csv").write_text("soundtrack_id,game,tags\nost,game,Western\n")
    with pytest.raises(corpus.ManifestError, match=r"expected tags of Action, .* got Western"):
        corpus.read_soundtracks(tmp_path)
    (tmp_path / "soundtracks.csv").write_text("soundtrack_id,game\nost,game\n")
    with pytest.raises(corpus.ManifestError, match="expected a column tags or genres, got soundtrack_id, game"):
        corpus.read_soundtracks(tmp_path)
    (tmp_path / "soundtracks.csv").write_text("game,tags\n")
    with pytest.raises(corpus.ManifestError, match="missing: soundtrack_id"):
        corpus.read_soundtracks(tmp_path)
