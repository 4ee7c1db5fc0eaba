"""Archives made by a hostile hand, with all checksums right: refused before they cost memory."""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

import nnlite
from nnlite.serialization import (
    FileFormatError,
    FileVersionError,
    layout,
    read_archive,
    write_archive,
)
from nnlite.serialization.layout import Member
from tests.nnlite.serialization.archives import content, document, forged, npy, row


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


BAD_NAMES = [
    "",
    ".",
    "..",
    "../a",
    "/a",
    "a/",
    "a//b",
    "a/../b",
    "a/./b",
    "a/ ./b",
    "\\a",
    "C:a",
    "a\0b",
    "a\nb",
    "\ud800",
]
BAD_NAMES += ["x" * 201, "header.json", "a.npy", "a*"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_could_be_paths(path, name):
    with pytest.raises(ValueError, match="expected a name"):
        write_archive(path, {}, {name: np.zeros(1)})
    path.write_bytes(forged(document(arrays={name: row()}), []))
    with pytest.raises(FileFormatError, match=r"arrays: .*expected a name"):
        read_archive(path)


def zipped(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return file.getvalue()


ONE = np.array([1.5])
GOOD = layout.npy_header((1,), np.dtype("<f8")) + ONE.tobytes()
TABLE = document(arrays={"a": row()})


def of_objects():
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00v\x00" + header + b"cos\nsystem\n(S'true'\ntR."


def np_savez():
    file = io.BytesIO()
    np.savez(file, a=ONE)
    return file.getvalue()


HOSTILE = {
    # not this kind of file
    "empty": (b"", "got an empty one"),
    "text": (b"hello world", r"begins with b'hello wo'"),
    "pickle": (b"\x80\x04\x95\x1a\x00.", "begins with"),
    "npy": (npy(ONE), "begins with"),
    "an empty zip file": (zipped([]), "begins with"),
    "npz of NumPy": (np_savez(), "header.json first, got another zip file"),
    "packed again": (zipped([("header.json", TABLE), ("a.npy", GOOD)]), "packed again"),
    "deflated": (zipped([("header.json", TABLE), ("a.npy", GOOD)], zipfile.ZIP_DEFLATED), "packed again"),
    "zip bomb": (zipped([("header.json", b" " * 2**26)], zipfile.ZIP_DEFLATED), "packed again"),
    # header.json
    "not utf-8": (forged(b'{"format": "\xff"}', []), "header: expected JSON"),
    "not JSON": (forged(b"{'format': 1}", []), "header: expected JSON"),
    "empty header": (forged(b"", []), "header: expected JSON"),
    "two values": (forged(TABLE + b"{}", []), "header: expected JSON"),
    "list": (forged(b"[1]", []), r"expected a JSON object, got \[1\]"),
    "number": (forged(b"3", []), "expected a JSON object, got 3"),
    "deep": (forged(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", []), "at most 32 levels"),
    "rather deep": (forged(b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", []), "at most 32 levels"),
    "deep objects": (forged(b'{"a":' * 900 + b"1" + b"}" * 900, []), "at most 32 levels"),
    "NaN": (forged(document(header={"a": float("nan")}), []), "finite numbers, got NaN"),
    "infinity": (forged(document(header={"a": float("-inf")}), []), "finite numbers, got -Infinity"),
    "infinity in digits": (forged(TABLE.replace(b'"0.1"', b"1e999"), []), "finite numbers, got '1e999'"),
    "long number": (forged(TABLE.replace(b'"0.1"', b"9" * 5000), []), "at most 78 digits, got 5000"),
    "a number that could not be written": (forged(TABLE.replace(b'"0.1"', b"9" * 78), []), "at most 256 bits, got 260"),
    "a key twice": (forged(b'{"format": "nnlite", "format": "nnlite"}', []), "each key once, got 'format' twice"),
    "an array twice": (
        forged(b'{"arrays": {"a": 1, "a": 2}}', [("a.npy", GOOD), ("a.npy", GOOD)]),
        "each key once, got 'a' twice",
    ),
    "other format": (forged(document(format="other"), []), "format: expected 'nnlite', got 'other'"),
    "no format": (forged(b"{}", []), "format: expected 'nnlite', got None"),
    "version 0": (forged(document(format_version=0), []), "format_version: expected a positive integer, got 0"),
    "version true": (forged(document(format_version=True), []), "expected a positive integer, got True"),
    "version 1.0": (forged(document(format_version=1.0), []), "expected a positive integer, got 1.0"),
    "no header": (forged(document(header=...), []), "expected the keys"),
    "a key too many": (forged(document(more=1), []), "expected the keys"),
    "header no object": (forged(document(header=[]), []), r"header: expected an object, got \[\]"),
    "library version": (forged(document(library_version=3), []), "library_version: expected a string, got 3"),
    # the table
    "table no object": (forged(document(arrays=[]), []), r"arrays: expected an object, got \[\]"),
    "no row": (forged(document(arrays={"a": 3}), []), "'a': expected shape and dtype, got 3"),
    "row without dtype": (forged(document(arrays={"a": {"shape": []}}), []), "expected shape and dtype"),
    "object dtype": (forged(document(arrays={"a": row(dtype="object")}), [("a.npy", of_objects())]), "got 'object'"),
    "dtype code": (forged(document(arrays={"a": row(dtype="<f8")}), [("a.npy", GOOD)]), "dtype: expected one of"),
    "dtype list": (forged(document(arrays={"a": row(dtype=["float64"])}), []), "dtype: expected one of"),
    "negative shape": (forged(document(arrays={"a": row((-1, -1))}), [("a.npy", GOOD)]), "integers of 0 or more"),
    "shape with truth": (forged(document(arrays={"a": row((True,))}), [("a.npy", GOOD)]), "integers of 0 or more"),
    "shape with float": (forged(document(arrays={"a": row((1.0,))}), [("a.npy", GOOD)]), "integers of 0 or more"),
    "shape a number": (forged(document(arrays={"a": {"shape": 1, "dtype": "int8"}}), []), "shape: expected a list"),
    "huge shape": (forged(document(arrays={"a": row((2**62, 2**62))}), [("a.npy", GOOD)]), "less than 4 GiB"),
    "huge shape hidden": (forged(document(arrays={"a": row((0, 2**62))}), [("a.npy", GOOD)]), "less than 4 GiB"),
    "large shape": (forged(document(arrays={"a": row((2**28,))}), [("a.npy", GOOD)]), "by its table of arrays, got"),
    "many axes": (forged(document(arrays={"a": row((1,) * 33)}), [("a.npy", GOOD)]), "at most 32 axes, got 33"),
    # the members
    "missing member": (forged(TABLE, []), "It is cut off"),
    "other member": (forged(TABLE, [("b.npy", GOOD)]), "'a.npy': expected it as the next member"),
    "additional member": (forged(TABLE, [("a.npy", GOOD), ("b.npy", GOOD)]), "Something was added"),
    "duplicate member": (forged(TABLE, [("a.npy", GOOD), ("a.npy", GOOD)]), "Something was added"),
    "absolute path": (forged(TABLE, [("/a.py", GOOD)]), "expected it as the next member"),
    "parent folder": (forged(document(arrays={"abcd": row()}), [("../a.npy", GOOD)]), "expected it as the next"),
    "other order": (
        forged(document(arrays={"a": row(), "b": row()}), [("b.npy", GOOD), ("a.npy", GOOD)]),
        "'a.npy': expected it as the next member",
    ),
    "long member": (forged(TABLE, [("a.npy", GOOD + b"\0")]), "Something was added"),
    "pickled npy": (
        forged(document(arrays={"a": row((len(of_objects()) - 128,), "uint8")}), [("a.npy", of_objects())]),
        "expected the npy header",
    ),
    "Fortran order": (forged(TABLE, [("a.npy", GOOD.replace(b"False", b"True "))]), "expected the npy header"),
    "other npy shape": (forged(TABLE, [("a.npy", GOOD.replace(b"(1,)", b"(9,)"))]), "expected the npy header"),
    "big-endian": (forged(TABLE, [("a.npy", GOOD.replace(b"<f8", b">f8"))]), "expected the npy header"),
    "truth value 2": (
        forged(
            document(arrays={"a": row((2,), "bool")}),
            [("a.npy", layout.npy_header((2,), np.dtype("?")) + b"\1\2")],
        ),
        "bytes 0 and 1 as truth values, got 2",
    ),
    # the directory
    "no directory": (forged(TABLE, [("a.npy", GOOD)], directory=False), "It is cut off"),
    "other directory": (
        forged(TABLE, [("a.npy", GOOD)], directory=False)
        + layout.directory([Member("header.json", 2, 0), Member("a.npy", 3, 0)]),
        "expected the zip directory",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(path, name):
    data, message = HOSTILE[name]
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=message) as caught:
            read_archive(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value) and len(str(caught.value)) < 1000
    assert peak < 2**20 + 60 * len(data)  # not what the file claims
    assert content(path) == ["model.npz"]


def test_the_forger_writes_what_the_library_writes(path):
    write_archive(path, {}, {"a": ONE})
    expected = path.read_bytes()
    made = zipfile.ZipFile(path).read("header.json")
    assert forged(made, [("a.npy", GOOD)]) == expected


def test_a_header_that_claims_to_be_large(path):
    header = layout.local_header(Member("header.json", 2**31, 0))
    path.write_bytes(header + bytes(100))
    with pytest.raises(FileFormatError, match=r"header\.json: expected at most 8388608 bytes, got 2147483648"):
        read_archive(path)
    path.write_bytes(layout.local_header(Member("header.json", 1000, 0)) + bytes(100))
    with pytest.raises(FileFormatError, match=r"expected 1000 bytes, got 100\. It is cut off"):
        read_archive(path)


def test_a_later_version_says_which_library_wrote_it(path):
    later = {"format": "nnlite", "format_version": 2, "library_version": "3.1", "something": "new"}
    path.write_bytes(forged(json.dumps(later).encode(), [("more.bin", b"x" * 1000)]))
    with pytest.raises(
        FileVersionError, match=r"version 1 or lower, got 2, written by nnlite '3\.1'.*upgrade"
    ) as caught:
        read_archive(path)
    assert nnlite.__version__ in str(caught.value)


def test_long_values_are_cut_in_messages(path):
    path.write_bytes(forged(document(format="x" * 10**6), []))
    with pytest.raises(FileFormatError, match=r"'x+\.\.\.x+'") as caught:
        read_archive(path)
    assert len(str(caught.value)) < 500
