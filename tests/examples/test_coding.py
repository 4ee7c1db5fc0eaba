"""Tiles in 8 and 16 bits: the error of the coding, and the array that decodes what is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscore.features.coding import LEVELS, CodedTiles, Coding


def random_tiles(rng: np.random.Generator, n: int = 6) -> np.ndarray:
    return (rng.normal(size=(n, 40, 10, 1)) * rng.uniform(0.1, 30, (40, 1, 1)) + rng.normal(size=(40, 1, 1))).astype(
        "f"
    )


def spanning(tiles: np.ndarray, dtype: str) -> Coding:
    return Coding.spanning(tiles.min(axis=(0, 2, 3)), tiles.max(axis=(0, 2, 3)), dtype)


@pytest.mark.parametrize("dtype", LEVELS)
@given(seed=st.integers(0, 2**32 - 1))
def test_coding_is_off_by_half_a_step_at_most(dtype, seed):
    tiles = random_tiles(np.random.default_rng(seed))
    coding = spanning(tiles, dtype)
    codes = coding.encode(tiles)
    step = np.array(coding.scale)[:, None, None]
    assert codes.dtype == dtype and codes.shape == tiles.shape
    assert np.all(np.abs(coding.decode(codes) - tiles) <= 0.5 * step + 1e-5 * np.abs(tiles))
    assert np.array_equal(coding.encode(coding.decode(codes)), codes)


def test_coding_uses_all_levels_and_clips_beyond():
    coding = Coding.spanning(np.zeros(40), np.full(40, 51.0), "uint8")
    codes = coding.encode(np.array([-9, 0, 51, 99.0]).reshape(4, 1, 1, 1) * np.ones((1, 40, 1, 1)))
    assert codes[:, 0, 0, 0].tolist() == [0, 0, 255, 255]
    assert set(coding.scale) == {0.2}


def test_coding_of_a_constant_coefficient_is_exact():
    tiles = np.full((2, 40, 10, 1), 3.25, np.float32)
    coding = spanning(tiles, "int16")
    assert np.array_equal(coding.decode(coding.encode(tiles)), tiles)


@pytest.mark.parametrize(
    "key", [0, -1, slice(1, 4), [3, 1], np.array([2, 2]), np.arange(6) > 2, (slice(2), slice(5)), (3, 0), (..., 0)]
)
def test_coded_tiles_read_like_an_array(key):
    tiles = random_tiles(np.random.default_rng(0))
    coding = spanning(tiles, "int16")
    coded = CodedTiles(coding.encode(tiles), coding)
    expected = coding.decode(coding.encode(tiles))
    actual = coded[key]
    assert actual.dtype == np.float32
    assert np.array_equal(actual, expected[key])
    assert np.array_equal(np.asarray(coded), expected) and np.asarray(coded, np.float64).dtype == np.float64
    assert (coded.shape, coded.ndim, len(coded)) == (tiles.shape, 4, 6)


def test_errors():
    with pytest.raises(ValueError, match="expected uint8 or int16, got 'int8'"):
        Coding("int8", (1.0,), (0.0,))
    with pytest.raises(ValueError, match="expected a positive scale"):
        Coding("uint8", (0.0,), (0.0,))
    with pytest.raises(ValueError, match=r"expected uint8 of shape \(n, 1, n_frames, 1\), got int16"):
        CodedTiles(np.zeros((2, 1, 3, 1), np.int16), Coding("uint8", (1.0,), (0.0,)))
