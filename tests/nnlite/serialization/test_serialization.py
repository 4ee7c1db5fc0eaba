"""Archives: what goes in comes out to the bit, NumPy and zipfile read them, and a damaged one is refused."""

import json
import os
import re
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nnlite.serialization import (
    FileFormatError,
    read_archive,
    table,
    text,
    write_archive,
)
from tests.nnlite.serialization.archives import ARRAYS, HEADER, content


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.fixture
def whole(path):
    """Return the bytes of a good file at `path`."""
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
