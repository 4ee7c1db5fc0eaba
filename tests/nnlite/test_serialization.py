"""Archives: what goes in comes out to the bit, NumPy and zipfile read them, and every other file is refused."""

import errno
import functools
import io
import json
import os
import re
import stat
import tempfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import nnlite
from nnlite.serialization import (
    FileFormatError,
    FileVersionError,
    atomic,
    atomic_write,
    layout,
    read_archive,
    remove_leftovers,
    table,
    text,
    write_archive,
)
from nnlite.serialization.layout import Member

HEADER = {"epoch": 3, "rates": [0.1, 0.01], "name": "caf\u00e9", "nothing": None, "deep": {"flag": True}}
ARRAYS = {
    "0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "velocity/0.bias": np.array([np.nan, -0.0]),
    "flags": np.array([True, False, True]),
    "step": np.array(7),
    "none": np.zeros((2, 0), np.uint16),
}


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def content(path):
    return sorted(other.name for other in path.parent.iterdir())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.fixture
def whole(path):
    """The bytes of a good file at `path`."""
    write_archive(path, HEADER, ARRAYS)
    return path.read_bytes()


# --- What goes in comes out -------------------------------------------------------------------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**255), 2**255)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
)
headers = st.dictionaries(
    st.text(max_size=10),
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)),
    max_size=5,
)
parts = st.text(st.sampled_from("abz019._- \u00e9\u4e2d"), min_size=1, max_size=8).filter(lambda part: part.strip(". "))
names = (
    st.lists(parts, min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda name: name != "header.json" and not name.endswith(".npy"))
)
dtypes = st.sampled_from([dtype.newbyteorder(order) for dtype in table.DTYPES.values() for order in "<>"])
anything = dtypes.flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=4)))


@settings(max_examples=40, deadline=None)
@given(headers, st.dictionaries(names, anything, max_size=4))
def test_round_trip(header, arrays):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.npz")
        write_archive(path, header, arrays)
        loaded_header, loaded = read_archive(path)
        assert loaded_header == header and json.dumps(loaded_header) == json.dumps(header)
        assert list(loaded) == list(arrays)
        for name, array in arrays.items():
            assert same_bits(loaded[name], array.astype(array.dtype.newbyteorder("=")))
            assert loaded[name].flags.c_contiguous and loaded[name].flags.writeable
        first = path.read_bytes()
        write_archive(path, header, arrays)
        assert path.read_bytes() == first
        with np.load(path) as npz:
            assert {name: same_bits(npz[name], loaded[name]) for name in arrays} == dict.fromkeys(arrays, True)
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == ["header.json", *(f"{name}.npy" for name in arrays)]
            assert json.loads(archive.read("header.json"))["header"] == header


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24, dtype=np.int16).reshape(2, 3, 4)[:, ::-1, ::2],
        np.broadcast_to(np.float32(2.5), (3, 2)),
        np.arange(3, dtype=">f8"),
        np.array(-1, np.int8),
    ],
)
def test_any_memory_layout(path, array):
    write_archive(path, {}, {"a": array})
    loaded = read_archive(path)[1]["a"]
    np.testing.assert_array_equal(loaded, array)
    assert loaded.shape == array.shape and loaded.flags.c_contiguous and loaded.dtype.isnative


def test_memory_mapped_and_read_only(path, tmp_path):
    mapped = np.lib.format.open_memmap(tmp_path / "m.npy", "w+", np.float32, (4, 2))
    mapped[:] = 3
    fixed = np.ones(3)
    fixed.flags.writeable = False
    write_archive(path, {}, {"mapped": mapped, "fixed": fixed})
    loaded = read_archive(path)[1]
    assert type(loaded["mapped"]) is np.ndarray and (loaded["mapped"] == 3).all() and (loaded["fixed"] == 1).all()


def test_more_than_one_block(path):
    array = np.random.default_rng(0).standard_normal((700, 701))
    write_archive(path, {}, {"a": array})
    assert array.nbytes > 2 * 2**20 and same_bits(read_archive(path)[1]["a"], array)


def test_special_values_keep_their_bits(path):
    patterns = np.array([0x7FF8000000000001, 0xFFF0000000000000, 0x8000000000000000, 1], np.uint64)
    write_archive(path, {}, {"a": patterns.view(np.float64)})
    assert (read_archive(path)[1]["a"].view(np.uint64) == patterns).all()


def test_python_and_numpy_values_in_a_header(path):
    write_archive(path, {"pair": (1, np.float64(0.5)), "n": np.int64(3), "yes": np.bool_(True)}, {})
    assert read_archive(path)[0] == {"pair": [1, 0.5], "n": 3, "yes": True}


@pytest.mark.parametrize(
    "value, message",
    [
        (float("nan"), r"header\['a'\]: expected .*finite number.* got nan"),
        (float("inf"), "got inf"),
        (np.float32("nan"), "got nan"),
        ({1: 2}, r"header\['a'\]: expected strings as keys, got 1"),
        ([0, {"b": b"x"}], r"header\['a'\]\[1\]\['b'\]: expected .* got b'x'"),
        (np.zeros(2), "store it among the arrays"),
        (2**300, "256 bits"),
        (object, "got <class 'object'>"),
        ("x" * text.MAX_BYTES, "at most 8388608 bytes of JSON"),
    ],
)
def test_what_a_header_can_not_hold(path, value, message):
    with pytest.raises(ValueError, match=message):
        write_archive(path, {"a": value}, {})
    assert content(path) == []


def test_a_header_in_a_circle(path):
    circle = {}
    circle["a"] = circle
    with pytest.raises(ValueError, match="at most 32 levels"):
        write_archive(path, circle, {})
    deep = 0
    for _ in range(text.MAX_DEPTH):
        deep = [deep]
    write_archive(path, {"a": deep[0]}, {})
    assert read_archive(path)[0] == {"a": deep[0]}


@pytest.mark.parametrize(
    "arrays, error, message",
    [
        ({"a": [1, 2]}, TypeError, "a: expected an ndarray, got list"),
        ({"a": np.array([object()])}, TypeError, "a: expected one of .*float32.* got dtype object"),
        ({"a": np.array(["x"])}, TypeError, "got dtype <U1"),
        ({"a": np.zeros(1, "c16")}, TypeError, "got dtype complex128"),
        ({"a": np.zeros(1, "M8[s]")}, TypeError, "got dtype datetime64"),
        ({"a": np.zeros(1, [("x", "f4")])}, TypeError, "got dtype"),
        ({"a": np.ma.masked_array([1.0])}, TypeError, "got MaskedArray"),
        ({"a": np.zeros((0, 2**40))}, ValueError, "less than 4 GiB"),
        ({"a": np.broadcast_to(np.float32(0), (2**31,))}, ValueError, "less than 4 GiB"),
        ({f"{k}": np.broadcast_to(np.uint8(0), (2**31,)) for k in (1, 2)}, ValueError, "4 GiB together"),
        ({"a": np.zeros((1,) * 33)}, ValueError, "at most 32 axes"),
        ({3: np.zeros(1)}, TypeError, "expected strings as names, got 3"),
    ],
)
def test_arrays_that_can_not_be_stored(path, arrays, error, message):
    with pytest.raises(error, match=message):
        write_archive(path, {}, arrays)
    assert content(path) == []


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


def test_the_header_must_be_a_dict(path):
    with pytest.raises(TypeError, match="header: expected a dict, got"):
        write_archive(path, [1], {})


# --- Damaged files ----------------------------------------------------------------------------------------------------


def test_every_flipped_bit_is_noticed(path):
    write_archive(path, {"n": 1}, {"w": np.array([1.5, -2.0], np.float32)})
    whole = path.read_bytes()
    with open(path, "r+b", buffering=0) as file:
        for place, byte in enumerate(whole):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), place)
                with pytest.raises(FileFormatError, match=re.escape(str(path))):
                    read_archive(path)
            os.pwrite(file.fileno(), bytes([byte]), place)
    assert read_archive(path)[0] == {"n": 1}


def test_every_truncation_is_noticed(path, whole):
    for length in reversed(range(len(whole))):
        os.truncate(path, length)
        with pytest.raises(FileFormatError, match=r"cut off|empty|begins with|first, got another"):
            read_archive(path)


@pytest.mark.parametrize("change", ["after", "before", "inside", "lost", "swapped"])
def test_bytes_that_come_and_go(path, whole, change):
    half = len(whole) // 2
    changed = {
        "after": whole + b"\0",
        "before": b"\0" + whole,
        "inside": whole[:half] + b"\0" + whole[half:],
        "lost": whole[:half] + whole[half + 1 :],
        "swapped": whole[half:] + whole[:half],
    }
    path.write_bytes(changed[change])
    with pytest.raises(FileFormatError):
        read_archive(path)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_random_mutations_are_noticed(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.npz")
        write_archive(path, HEADER, ARRAYS)
        good = path.read_bytes()
        start = data.draw(st.integers(0, len(good)))
        end = data.draw(st.integers(start, len(good)))
        bad = good[:start] + data.draw(st.binary(max_size=20)) + good[end:]
        path.write_bytes(bad)
        if bad == good:
            return
        with pytest.raises(FileFormatError):
            read_archive(path)


def test_a_file_that_shrinks_while_it_is_read(path, whole, monkeypatch):
    monkeypatch.setattr(os, "fstat", lambda descriptor: os.stat_result([0] * 6 + [len(whole)] + [0] * 3))
    for length in reversed(range(len(whole))):
        os.truncate(path, length)
        with pytest.raises(FileFormatError):
            read_archive(path)


def test_files_that_are_not_there(path, tmp_path):
    with pytest.raises(FileNotFoundError):
        read_archive(path)
    with pytest.raises(IsADirectoryError):
        read_archive(tmp_path)


# --- Files made by a hostile hand: all checksums are right ------------------------------------------------------------


def row(shape=(1,), dtype="float64"):
    return {"shape": list(shape), "dtype": dtype}


def document(**changes):
    whole = {"format": "nnlite", "format_version": 1, "library_version": "0.1", "arrays": {}, "header": {}} | changes
    return json.dumps({key: value for key, value in whole.items() if value is not ...}).encode()


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def forged(header, contents, directory=True):
    """A zip file of these members in the layout of the library, with right sizes and checksums."""
    members = [("header.json", header), *contents]
    described = [Member(name, len(data), zlib.crc32(data)) for name, data in members]
    data = b"".join(layout.local_header(d) + part for d, (_, part) in zip(described, members, strict=True))
    return data + (layout.directory(described) if directory else b"")


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
    "long number": (forged(TABLE.replace(b'"0.1"', b"9" * 5000), []), "at most 80 digits, got 5000"),
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


# --- Whole or not at all ----------------------------------------------------------------------------------------------


class Full(io.FileIO):
    """A file on a disk with room for so many bytes."""

    def __init__(self, name, mode, room):
        super().__init__(name, mode)
        self.room = room

    def write(self, data):
        taken = min(self.room, len(memoryview(data).cast("B")))
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= taken
        return super().write(memoryview(data).cast("B")[:taken])


def open_full(name, mode, room):
    return io.BufferedWriter(Full(name, mode, room), 64)


def test_a_full_disk_at_every_byte(path, whole, monkeypatch):
    for room in (*range(0, len(whole), 37), len(whole) - 1):
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "open", functools.partial(open_full, room=room), raising=False)
            with pytest.raises(OSError, match=r"No space left.*nothing was written") as caught:
                write_archive(path, HEADER, ARRAYS)
        assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
        assert path.read_bytes() == whole and content(path) == ["model.npz"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt(), MemoryError()])
def test_a_crash_at_the_end(path, whole, monkeypatch, function, error):
    def crash(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, function, crash)
        with pytest.raises(type(error)):
            write_archive(path, {}, {})
    assert path.read_bytes() == whole and content(path) == ["model.npz"]


def test_an_error_in_the_block(path):
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write(b"new")
        assert len(content(path)) == 2 and path.read_bytes() == b"old"
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and content(path) == ["model.npz"]


def test_order_of_the_steps(path, monkeypatch):
    """The bytes are on the disk before the name, and the name before the caller goes on."""
    steps = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", lambda *names: (steps.append("replace"), replace(*names)))
    with atomic_write(path) as file:
        file.write(b"12345")
    assert steps == [5, "replace", "folder"]


def test_folders_that_can_not_be_synced(path, monkeypatch):
    fsync = os.fsync

    def no_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not here")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", no_folders)
    write_archive(path, HEADER, {})
    assert read_archive(path)[0] == HEADER


def test_permissions(path):
    mask = os.umask(0o027)
    try:
        write_archive(path, {}, {})
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o600)
    write_archive(path, {}, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_replaced_and_not_followed(path, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"old")
    path.symlink_to(outside)
    write_archive(path, HEADER, {})
    assert outside.read_bytes() == b"old" and not path.is_symlink() and read_archive(path)[0] == HEADER


def test_no_folder(path, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_archive(tmp_path / "no" / "model.npz", {}, {})
    assert caught.value.filename == str(tmp_path / "no" / "model.npz")
    with pytest.raises(IsADirectoryError, match="expected the name of a file, got a folder"):
        write_archive(tmp_path, {}, {})
    assert content(path) == []


def test_leftovers(path):
    dead = path.with_name(f".model.npz.{'0' * 16}.tmp")
    others = [path.with_name(name) for name in (".other.npz.0000000000000000.tmp", ".model.npz.tmp", "model.npz.0.tmp")]
    for file in (dead, *others):
        file.write_bytes(b"")
    with atomic_write(path) as file:
        file.write(b"x")
        remove_leftovers(path)
        remaining = set(path.parent.iterdir())
        assert dead not in remaining and len(remaining) == 4  # what is being written stays
    assert path.read_bytes() == b"x" and set(path.parent.iterdir()) == {path, *others}
    remove_leftovers(path.parent / "nowhere" / "x")
