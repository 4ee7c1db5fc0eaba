"""The samples that a recipe takes: their types, their scale, their rate, and what it refuses."""

import dataclasses
import re
import tracemalloc

import numpy as np
import pytest

import mfcc
from mfcc import FILMSCORE, KALDI, LIBROSA, MFCC, checks

Y = (0.1 * np.random.default_rng(0).standard_normal(8192)).astype(np.float32)


def test_samples_of_other_types():
    expected = FILMSCORE(Y)
    read_only = Y.copy()
    read_only.flags.writeable = False
    for y in (
        read_only,
        Y.astype(">f4"),
        np.repeat(Y, 2)[::2],
        np.frombuffer(b"\0" + Y.tobytes(), np.uint8)[1:].view("f4"),
    ):
        assert np.array_equal(FILMSCORE(y), expected)
    np.testing.assert_allclose(FILMSCORE(Y.astype(np.float16)), expected, atol=0.1)
    np.testing.assert_allclose(FILMSCORE(Y.tolist()), expected, atol=1e-4)
    stated = dataclasses.replace(FILMSCORE, integer_full_scale=32768)
    integers = np.round(Y * 32768).astype(np.int16)
    assert np.array_equal(stated(integers), FILMSCORE(integers.astype(np.float32) / 32768))
    assert stated(integers.astype(np.int32)).dtype == np.float64


INTEGERS = sorted({np.dtype(code).name for code in np.typecodes["AllInteger"]})


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_have_the_full_scale_of_their_type(name, order):
    dtype = np.dtype(name)
    bits, middle = 8 * dtype.itemsize, 2 ** (8 * dtype.itemsize - 1) if dtype.kind == "u" else 0
    atol = 1e-3 if bits <= 16 else 1e-9
    y = [round(float(x) * (2 ** (bits - 1) - 1)) for x in Y / np.abs(Y).max()]
    expected = KALDI(np.array(y, np.float64) / 2 ** (bits - 1))
    integers = np.array([x + middle for x in y], dtype.newbyteorder(order))
    actual = KALDI(integers)
    assert actual.dtype == (np.float32 if bits <= 16 else np.float64)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)
    np.testing.assert_array_equal(np.concatenate(list(KALDI.stream(np.array_split(integers, 5))), axis=1), actual)
    np.testing.assert_allclose(np.concatenate(list(mfcc.stream(integers, KALDI)), axis=1), expected, rtol=0, atol=1e-3)
    # Each hint of the error, followed, gives the same.
    with pytest.raises(TypeError, match=r"got integers .* without a scale") as error:
        FILMSCORE(integers)
    formula = re.search(r"Convert them, (.*) for the full scale", str(error.value))[1]
    np.testing.assert_allclose(KALDI(eval(formula, {"y": integers})), expected, rtol=0, atol=atol)
    np.testing.assert_array_equal(KALDI.replace(integer_full_scale="type")(integers), actual)
    number = KALDI.replace(integer_full_scale=2.0 ** (bits - 1))
    np.testing.assert_array_equal(number(integers), actual)


def test_a_number_as_full_scale_holds_for_every_type():
    twelve_bits = np.round(2047 * Y / np.abs(Y).max()).astype(np.int16)
    recipe = FILMSCORE.replace(integer_full_scale=2048)
    expected = FILMSCORE(twelve_bits.astype(np.float32) / 2048)
    np.testing.assert_array_equal(recipe(twelve_bits), expected)
    np.testing.assert_array_equal(recipe((twelve_bits + 2048).astype(np.uint16)), expected)


def test_the_argument_stays_as_it_was():
    y = Y.copy()
    for recipe in (
        FILMSCORE,
        LIBROSA,
        MFCC(preemphasis=0.97, preemphasis_scope="signal", remove_mean=True, full_scale=2),
    ):
        recipe(y)
    assert np.array_equal(y, Y)


def test_bad_samples_are_counted_over_all_blocks(monkeypatch):
    monkeypatch.setattr(checks, "_CHECKED", 1000)
    y = np.zeros(8192, np.float32)
    y[[2999, 3000, 8191]] = np.nan
    with pytest.raises(ValueError, match=r"got 3 of 8192 .*\(the first at index 2999\)"):
        FILMSCORE(y)


def test_looking_for_bad_samples_takes_no_memory():
    y = np.zeros(1 << 24, np.float32)
    tracemalloc.start()
    try:
        checks.check_finite("test", y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < y.size / 4


def test_bad_samples():
    def refused(y, message, error=ValueError, recipe=FILMSCORE):
        methods = (recipe.power_spectrogram, recipe.log_spectrogram, recipe.mel_spectrogram, recipe.log_mel)
        for method in (recipe, *methods):
            with pytest.raises(error, match=message):
                method(y)

    refused(
        np.zeros((8192, 2)),
        r"y: expected mono samples of shape \(n_samples,\), got shape \(8192, 2\). .*y.mean\(axis=1\)",
    )
    refused(np.zeros((2, 8192)), r"got shape \(2, 8192\). Mix the channels down first: y.mean\(axis=0\)")
    refused(
        np.zeros(8192, np.int16), r"got integers \(int16\) without a scale. Convert them, y / 32768.0 for", TypeError
    )
    refused(np.zeros(8192, np.uint8), r"\(y - 128.0\) / 128.0 for .*integer_full_scale='type'", TypeError)
    refused((Y, 22050), r"got a pair of samples and a number.*mfcc.load\(path, recipe.sr\)", TypeError)
    refused(np.zeros(8192, complex), "expected samples as float32 or float64, got an array of complex128", TypeError)
    refused(np.zeros(8192, bool), "got an array of bool", TypeError)
    refused(np.array(["a"] * 3), "got an array of <U1", TypeError)
    refused(np.zeros(0), "expected at least 2048 samples .* for one frame, got 0")
    refused(np.zeros(2047), r"expected at least 2048 samples \(0.0929 s at 22050 Hz\) for one frame, got 2047")
    refused(np.zeros(0), r"expected at least 1 samples", recipe=LIBROSA)
    for value in (np.nan, np.inf, -np.inf):
        for index in (0, 1, 4095, 8000, 8191):  # of which the last two lie in frames that are left out, or partly
            y = np.zeros(8192 + 1000, np.float32)
            y[[index, -1]] = value
            refused(y, rf"expected finite samples, got 2 of 9192 .*\(the first at index {index}\)")
    gaps = dataclasses.replace(FILMSCORE, hop_length=4000)
    y = np.zeros(8192)
    y[3000] = np.nan
    refused(y, "expected finite samples, got 1 of 8192", recipe=gaps)
    refused(
        np.full(4096, 1e25, np.float32), "expected samples around full scale 1.0, got up to 1e.25, the power of which"
    )


def test_the_rate_of_samples_is_checked():
    y = Y.astype(np.float64)
    assert np.array_equal(KALDI(y, sr=16000), KALDI(y))
    with pytest.raises(ValueError, match=r"MFCC: sr: expected samples at the recipe's 16000 Hz, got 22050 Hz"):
        KALDI(y, sr=22050.0)
    with pytest.raises(TypeError, match="MFCC: sr: expected a number, got '16000'"):
        KALDI(y, sr="16000")
