"""Damaged and forged feature folders, tables and results give the documented error, and memory only for real data.

Most were found by tests/faults/fuzz_files.py.
"""

import errno
import io
import json
import os
import re
import sqlite3
import tracemalloc
import zipfile

import filmscore_inside
import filmscore_tables
import numpy as np
import pytest

import nnlite as nn
from filmscore import corpus, deb, fetching
from filmscore.agent.library import LibraryError
from filmscore.agent.writing import Writer
from filmscore.corpus import ManifestError
from filmscore.features import FeaturesError, extract, load_features
from filmscore.features.arrays import map_array, open_arrays
from filmscore.features.coding import Coding
from filmscore.tagging import Tagger
from tests.faults import feature_files
from tests.faults.mutate.packages import package

DEEP = "[" * 100_000 + "]" * 100_000


def npy(shape, descr="'<f4'", order="False", data=b""):
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    header = (text + " " * (-(len(text) + 11) % 64) + "\n").encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


HOSTILE_HEADERS = {
    "objects": npy("(1,)", "'|O'", data=b"cos\nsystem\n(S'true'\ntR."),
    "a structure": npy("(1,)", "[('a', '<f4')]", data=bytes(4)),
    "code": npy("(1,)", "__import__('os')", data=bytes(4)),
    "a power": npy("(9**9**9,)", data=bytes(4)),
    "negative": npy("(-1,)", data=bytes(4)),
    "huge": npy("(1000000000000,)", data=bytes(4)),
    "wraps around": npy("(4611686018427387904, 4)", data=bytes(4)),
    "many digits": npy("(" + "9" * 400 + ",)", data=bytes(4)),
    "many axes": npy("(" + "1, " * 40 + ")", data=bytes(4)),
    "columns first": npy("(2, 2)", order="True", data=bytes(16)),
    "big-endian": npy("(1,)", "'>f4'", data=bytes(4)),
    "no such dtype": npy("(1,)", "'<f1'", data=bytes(1)),
    "longer": npy("(1,)", data=bytes(5)),
    "shorter": npy("(2,)", data=bytes(7)),
    "brackets": npy("(" * 9000, data=bytes(4)),
    "version 9": npy("(1,)", data=bytes(4)).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09"),
    "nothing": b"",
    "half a header": npy("(1,)")[:20],
}


@pytest.mark.parametrize("name", HOSTILE_HEADERS)
def test_headers_that_are_none(tmp_path, name):
    path = tmp_path / "tiles.npy"
    path.write_bytes(HOSTILE_HEADERS[name])
    with pytest.raises(ValueError, match=r"tiles\.npy: expected"):
        map_array(path)
    with zipfile.ZipFile(tmp_path / "tiles.npz", "w") as archive:
        archive.writestr("tiles.npy", HOSTILE_HEADERS[name])
    with pytest.raises(ValueError, match="tiles: expected"), open_arrays(tmp_path / "tiles.npz") as array:
        array("tiles")


@pytest.mark.parametrize("shape", [(0, 3), (2, 3), ()])
@pytest.mark.parametrize("dtype", ["<f4", "<i2", "|u1"])
def test_what_numpy_writes_is_read(tmp_path, shape, dtype):
    array = np.arange(6).astype(dtype).reshape(shape) if np.prod(shape) == 6 else np.zeros(shape, dtype)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", a=array)
    np.savez_compressed(tmp_path / "b.npz", a=array)
    np.testing.assert_array_equal(map_array(tmp_path / "a.npy"), array, strict=True)
    for name in ("a.npz", "b.npz"):
        with open_arrays(tmp_path / name) as read:
            np.testing.assert_array_equal(read("a"), array, strict=True)


def bomb(claimed=None):
    """Write 128 MB of zeros in 130 kB; `claimed` is their packed size according to the directory."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiles.npy", npy("(16777216, 8, 1, 1)", "'|u1'", data=bytes(2**27)))
    data = file.getvalue()
    if claimed is not None:
        place = data.rindex(b"PK\x01\x02") + 20
        data = data[:place] + claimed.to_bytes(4, "little") + data[place + 4 :]
    return data


@pytest.mark.parametrize("claimed", [None, 2**31])
def test_a_bomb_is_not_unpacked(tmp_path, claimed):
    feature_files.write_features(tmp_path, "uint8")
    (tmp_path / "tiles.npz").write_bytes(bomb(claimed))
    tracemalloc.start()
    try:
        with pytest.raises(FeaturesError, match=r"broken tiles \(tiles: expected at most 32 bytes for a packed one"):
            load_features(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        archive.writestr("a.npy", npy("(1,)", data=bytes(4)))
    with pytest.raises(ValueError, match="expected it stored or deflated"), open_arrays(tmp_path / "a.npz") as array:
        array("a")


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8"])
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("recipe", "text", "recipe: expected a recipe, got 'text'"),
        ("recipe", {"format": "mfcc.MFCC", "version": 1, "n_fft": [1]}, "MFCC"),
        ("class_names", "Drama", "class_names: expected a list"),
        ("class_names", ["Drama", ["a"]], "class_names: expected different names"),
        ("class_names", ["Drama", "Drama"], "class_names: expected different names"),
        ("class_names", [], "class_names: expected different names"),
        ("options", None, "options: expected how tracks became tiles, got None"),
        ("options", {"n_frames": 10, "other": 1}, "unexpected keyword argument 'other'"),
        ("options", {"n_frames": 10**400}, "n_frames: expected a positive integer"),
        ("options", {"n_frames": True}, "n_frames: expected a positive integer"),
        ("options", {"silence_dbfs": "low"}, "silence_dbfs: expected a level in dBFS"),
        ("coding", 3, "coding: expected a coding or null"),
        ("coding", {"dtype": "uint8"}, "expected dtype, scale and offset"),
        ("coding", {"dtype": "complex64", "scale": [1] * 40, "offset": [0] * 40}, "dtype: expected uint8 or int16"),
        ("coding", {"dtype": "int16", "scale": ["x"] * 40, "offset": [0] * 40}, "broken tiles"),
        ("coding", {"dtype": "int16", "scale": [float("nan")] * 40, "offset": [0] * 40}, "expected a positive scale"),
        ("coding", {"dtype": "int16", "scale": [1e308] * 40, "offset": [0] * 40}, "expected numbers below 1e30"),
        ("coding", {"dtype": "int16", "scale": [1] * 40, "offset": [10**400] * 40}, "int too large"),
        (None, DEEP, "expected JSON"),
        (None, "\udc80", "expected JSON"),
    ],
)
def test_a_description_that_can_not_be(tmp_path, dtype, key, value, message):
    feature_files.write_features(tmp_path, dtype)
    path = tmp_path / "features.json"
    description = value if key is None else json.dumps(json.loads(path.read_text()) | {key: value})
    path.write_bytes(description.encode("utf-8", "surrogateescape"))
    with pytest.raises(FeaturesError, match=message) as caught:
        load_features(tmp_path)
    assert str(tmp_path) in str(caught.value) and len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "content",
    [
        b"path,tags\n\xff,Drama\n",
        b"path,tags\n" + b"x" * 200_000 + b",Drama\n",
        b"\xff\xfe",
        b"path\n",
        b"path,tags\na\n",
    ],
)
def test_a_table_that_is_none(tmp_path, content):
    (tmp_path / "tags.csv").write_bytes(content)
    with pytest.raises(ManifestError, match=r"tags\.csv: "):
        corpus.read_tags(tmp_path / "tags.csv")


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-1", "0", "\u202e", "[[]]"])
def test_numbers_in_the_manifest(tmp_path, text):
    feature_files.write_manifest(tmp_path)
    tracks, sources = tmp_path / "tracks.csv", tmp_path / "sources.csv"
    good = tracks.read_text()
    tracks.write_text(good.replace("60.5", text))
    with pytest.raises(ManifestError, match=r"tracks\.csv: .*use_s: expected a positive number, got"):
        corpus.read_recordings(tmp_path)
    tracks.write_text(good)
    sources.write_text(sources.read_text().replace("1.5", text))
    with pytest.raises(ManifestError, match=r"sources\.csv: alpha: megabytes: expected a positive number, got"):
        corpus.read_recordings(tmp_path)


def test_levels_that_float32_can_not_hold(tmp_path):
    feature_files.write_features(tmp_path, "uint8")
    path = tmp_path / "index.csv"
    path.write_text(path.read_text().replace("-20.0", "-1e300", 1))
    assert load_features(tmp_path).level_dbfs[0] == -np.inf


def test_a_part_that_was_damaged_says_what_to_do(tmp_path):
    feature_files.write_part(tmp_path)
    path = tmp_path / "part.npz"
    data = bytearray(path.read_bytes())
    data[data.index(b"values.npy") + 300] ^= 1
    path.write_bytes(data)
    with pytest.raises(extract.TrackError, match=r"part\.npz: .*CRC.*Remove this file and build the features again"):
        extract.read_part(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"track": 3}', DEEP, '{"window": NaN}', "\udc80"])
def test_results_of_something_else(tmp_path, capsys, text):
    (tmp_path / "results.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert filmscore_tables.main([f"x={tmp_path}"]) == 2
    assert f"{tmp_path / 'results.json'}: expected results of filmscore_cnn.py" in capsys.readouterr().err


def test_good_results_make_tables(tmp_path, capsys):
    feature_files.write_results(tmp_path)
    assert filmscore_tables.main([f"x={tmp_path}"]) == 0
    assert "| x | 1 | 0.700 |" in capsys.readouterr().out


def test_checksums_that_are_damaged_are_forgotten(tmp_path):
    path = tmp_path / "SHA256SUMS"
    path.write_bytes(b"\xff\xfe  a\n" + b"0" * 64 + b"  b/c.ogg\nnothing\n")
    assert fetching.read_sums(path)["b/c.ogg"] == "0" * 64


def test_a_locked_container_in_a_package(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("one", b"music")
    locked = inner.getvalue()
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = locked.index(signature) + place
        locked = locked[:start] + b"\1\0" + locked[start + 2 :]
    (tmp_path / "a.deb").write_bytes(package({"usr/pack.pk3": locked}))
    with pytest.raises(deb.PackageError, match=r"broken zip container .*password"):
        list(deb.extract(tmp_path / "a.deb", {"usr/pack.pk3.d/one": tmp_path / "one"}))
    assert not (tmp_path / "one").exists()


def before_the_beginning(data):
    """Write a zip file with a wrong offset of its directory, so that the first member begins before the file."""
    place = data.rindex(b"PK\x05\x06") + 16
    return (
        data[:place] + (int.from_bytes(data[place : place + 4], "little") + 5).to_bytes(4, "little") + data[place + 4 :]
    )


def test_members_before_the_beginning(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.arange(3))
    bad = before_the_beginning((tmp_path / "a.npz").read_bytes())
    (tmp_path / "a.npz").write_bytes(bad)
    with pytest.raises(ValueError, match=r"a\.npz: broken: "), open_arrays(tmp_path / "a.npz") as array:
        array("one")
    (tmp_path / "a.deb").write_bytes(package({"usr/pack.pk3": bad}))
    with pytest.raises(deb.PackageError, match="broken zip container"):
        list(deb.extract(tmp_path / "a.deb", {"usr/pack.pk3.d/one.npy": tmp_path / "one"}))


def test_a_full_disk_is_not_a_broken_package(tmp_path, monkeypatch):
    inner = io.BytesIO()
    np.savez(inner, one=np.arange(3))
    (tmp_path / "a.deb").write_bytes(package({"usr/pack.pk3": inner.getvalue()}))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(deb, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        list(deb.extract(tmp_path / "a.deb", {"usr/pack.pk3.d/one.npy": tmp_path / "one"}))


def test_names_from_models_and_recordings_lead_to_no_other_folder():
    for name in ("../../etc/passwd", "a\\b:c", "\x1b[31m\n"):
        assert re.fullmatch(r"[\w.+ -]+", filmscore_inside.file_name(name))
    assert filmscore_inside.file_name("Sci-Fi") == "sci-fi"


def test_a_coding_comes_back():
    coding = Coding("int16", (0.5, 1.0), (0.0, -1.0))
    assert Coding.from_dict(json.loads(json.dumps(vars(coding)))) == coding


ENDLESS = "WITH RECURSIVE more(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM more)"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE track SET title = x'ff' WHERE id = 2",
        "UPDATE track SET duration_s = 'long' WHERE id = 2",
        "UPDATE track SET duration_s = -1e300 WHERE id = 2",
        "UPDATE track SET first_window = -1 WHERE id = 2",
        "UPDATE track SET first_window = 4611686018427387904 WHERE id = 2",
        "UPDATE track SET n_windows = 'x' WHERE id = 2",
        "DELETE FROM track WHERE id = 2",
        "UPDATE track SET id = 9999999 WHERE id = 6",
        "UPDATE file SET path = 3 WHERE track = 2",
        "UPDATE about SET value = x'00' WHERE key = 'id'",
        "UPDATE about SET value = '[[[' WHERE key = 'class_names'",
        f"UPDATE about SET value = '{DEEP}' WHERE key = 'class_names'",
        "UPDATE about SET value = '-1' WHERE key = 'width'",
        "UPDATE about SET value = '9999999999999' WHERE key = 'width'",
        "UPDATE about SET value = 'nan' WHERE key = 'window_s'",
        "DELETE FROM about",
        "DROP TABLE label",
        f"DROP TABLE label; CREATE VIEW label AS {ENDLESS} SELECT k AS track, '[]' AS tags FROM more",
        f"CREATE VIEW other AS {ENDLESS} SELECT k FROM more",
        "CREATE TRIGGER emptied AFTER INSERT ON file BEGIN DELETE FROM track; END",
        "CREATE TRIGGER emptied AFTER INSERT ON label BEGIN DELETE FROM label; END",
        "CREATE TABLE other (k)",
        "CREATE INDEX other ON track (abs(id))",
        "DROP INDEX file_of_track",
        "UPDATE track SET n_windows = 0 WHERE id = 2",
        "UPDATE track SET n_windows = n_windows + 1 WHERE id = 2",
        "UPDATE track SET first_window = 1 WHERE id = 1",
        "UPDATE track SET n_silent = -1 WHERE id = 2",
        """UPDATE about SET value = '["A", "a", "B", "C"]' WHERE key = 'class_names'""",
        """UPDATE about SET value = '["A", "x\\ny", "B", "C"]' WHERE key = 'class_names'""",
        """UPDATE about SET value = '["A", "", "B", "C"]' WHERE key = 'class_names'""",
        "ALTER TABLE track RENAME COLUMN album TO other",
        "UPDATE label SET tags = '{}'",
        "UPDATE label SET tags = '[3]'",
        f"UPDATE label SET tags = '{DEEP}'",
    ],
)
def test_a_library_that_holds_something_else(tmp_path, statement):
    feature_files.write_library(tmp_path)
    feature_files.read_library(tmp_path)
    connection = sqlite3.connect(tmp_path / "library.sqlite")
    connection.executescript(statement)
    connection.close()
    if "label SET" not in statement:  # a damaged label may be replaced
        with pytest.raises(LibraryError, match=r"damaged|no such (table|column)"):
            Writer(tmp_path).label_all({1: ["Action"]}, "by hand")
    with pytest.raises(LibraryError, match=r"damaged|no such (table|column)") as caught:
        feature_files.read_library(tmp_path)
    assert str(tmp_path) in str(caught.value) and len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["track_values.f32", "track_directions.f32", "window_values.f32", "basis.npz"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -5.0])
def test_numbers_of_a_library_that_can_not_be(tmp_path, name, value):
    feature_files.write_library(tmp_path)
    if name == "basis.npz":
        arrays = dict(np.load(tmp_path / name))
        arrays["mean"][3] = value if not np.isfinite(value) else np.nan
        np.savez(tmp_path / name, **arrays)
    else:
        rows = np.memmap(tmp_path / name, "<f4", "r+", 64)
        rows[7] = value
        rows.flush()
    with pytest.raises(LibraryError, match="damaged"):
        feature_files.read_library(tmp_path)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "name", ["library.sqlite", "track_values.f32", "window_directions.i8", "basis.npz", "model.npz"]
)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path, name):
    feature_files.write_library(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises((LibraryError, OSError), match=r"plain file|no library there"):
        feature_files.read_library(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": ["Drama", "drama"]}, "expected genres of different names"),
        ({"class_names": ["Drama", "\x1b[31m"]}, "expected a short name of a genre"),
        ({"class_names": ["Drama", ""]}, "expected a short name of a genre"),
        ({"options": {"n_frames": 10**9}}, "n_frames: expected a positive integer up to"),
        ({"options": {"n_frames": 10**6}}, "tiles of 40 x 1000000 numbers"),
        ({"options": {"n_frames": 100, "hop_frames": 1}}, "one every 1 frames"),
        ({"options": {"n_frames": 5}}, r"a network for inputs of shape \(40, 4, 1\), where tiles become \(40, 5, 1\)"),
    ],
)
def test_a_model_that_asks_for_what_can_not_be(tmp_path, changes, message):
    feature_files.write_tagger(tmp_path)
    model = nn.load(tmp_path / "model.npz")
    nn.save(tmp_path / "model.npz", model, **model.metadata_ | changes)
    with pytest.raises(nn.FileFormatError, match=message):
        Tagger.load(tmp_path / "model.npz")
