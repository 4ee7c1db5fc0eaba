"""The recipe as a value: its knobs and their errors, its dictionary, its description, what it refuses to compute."""

import dataclasses
import json
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mfcc
from mfcc import FILMSCORE, HTK, KALDI, LIBROSA, LIBROSA_UNLIMITED, MFCC, PRESETS, PYTHON_SPEECH_FEATURES, checks, knobs
from tests.mfcc.recipes import recipes

ROOT = Path(__file__).resolve().parents[2]
Y = (0.1 * np.random.default_rng(0).standard_normal(8192)).astype(np.float32)


def test_the_published_recipe():
    recipe = MFCC()
    assert recipe == FILMSCORE and hash(recipe) == hash(FILMSCORE)
    assert (recipe.sr, recipe.n_fft, recipe.win_length, recipe.hop_length) == (22050, 2048, 2048, 2048)
    assert (recipe.n_mels, recipe.n_mfcc, recipe.c0, recipe.n_coefficients) == (41, 41, "drop", 40)
    assert recipe.fmax == 11025 and recipe.n_frames(22050) == 10 and recipe.n_frames(2047) == 0
    assert recipe.frame_rate == pytest.approx(10.77, abs=0.01)


def test_open_knobs_follow_the_others():
    recipe = MFCC(sr=16000, n_fft=512, win_length=400)
    assert (recipe.hop_length, recipe.fmax, recipe.frame_length) == (400, 8000, 400)
    assert MFCC(n_fft=512, zero_padding="around", win_length=400).frame_length == 512


def test_what_follows_another_knob_goes_on_following_it():
    changed = FILMSCORE.replace(sr=16000, n_fft=512, n_mels=20, n_mfcc=20)
    assert changed == MFCC(sr=16000, n_fft=512, n_mels=20, n_mfcc=20)
    assert FILMSCORE.replace(hop_length=512).replace(n_fft=1024).hop_length == 512
    assert FILMSCORE.replace(sr=44100, fmax=11025).fmax == 11025
    with pytest.raises(TypeError, match=r"MFCC\.replace: expected knobs out of sr, full_scale, .*, got hop, rate\."):
        FILMSCORE.replace(hop=3, rate=4)


def test_result():
    actual = FILMSCORE(Y)
    assert actual.shape == (40, 4) and actual.dtype == np.float32 and actual.flags.c_contiguous
    assert FILMSCORE(Y.astype(np.float64)).dtype == np.float64
    assert FILMSCORE.power_spectrogram(Y).shape == (1025, 4)
    assert FILMSCORE.mel_spectrogram(Y).shape == FILMSCORE.log_mel(Y).shape == (41, 4)
    np.testing.assert_allclose(FILMSCORE.log_mel(Y), np.log(FILMSCORE.mel_spectrogram(Y)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("output", "method", "rows"),
    [
        ("mfcc", MFCC.__call__, 40),
        ("log_mel", MFCC.log_mel, 41),
        ("mel", MFCC.mel_spectrogram, 41),
        ("log_spectrum", MFCC.log_spectrogram, 1025),
        ("spectrum", MFCC.power_spectrogram, 1025),
    ],
)
def test_a_recipe_may_end_at_any_step(output, method, rows):
    recipe = MFCC(output=output)
    assert recipe(Y).shape == (rows, 4) and recipe.n_features == recipe.n_rows(output) == rows
    assert recipe.n_coefficients == 40
    np.testing.assert_array_equal(recipe(Y), method(FILMSCORE, Y))
    assert recipe.difference(FILMSCORE) == (() if output == "mfcc" else ("output",))


def test_what_comes_behind_the_output_plays_no_part():
    assert MFCC(output="log_mel", n_mels=16)(Y).shape == (16, 4)
    MFCC(output="spectrum", n_fft=64)  # in which many mel filters are empty: no warning
    with pytest.raises(ValueError, match="n_mfcc: expected at most n_mels = 16, got 41"):
        MFCC(n_mels=16)


def test_the_filter_bank():
    weights = LIBROSA.filter_bank
    np.testing.assert_array_equal(
        weights,
        mfcc.mel_filterbank(22050, 2048, 128, formula="slaney", norm="slaney", dtype=float),
    )
    assert not weights.flags.writeable


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


def test_silence_is_finite():
    for recipe in PRESETS.values():
        assert np.isfinite(recipe(np.zeros(4096, np.float32))).all()
    np.testing.assert_allclose(FILMSCORE.log_mel(np.zeros(4096)), np.log(1e-10))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sr": 0}, "sr: expected a finite number of at least 1e-06 .*, got 0. It is the sampling rate in Hz"),
        ({"sr": "44100"}, "sr: expected a number, got '44100'"),
        ({"full_scale": -1}, "full_scale: expected a finite number of at least 1e-12 and at most 1e.12, got -1"),
        ({"win_seconds": 0}, "win_seconds: expected a finite number above 0"),
        ({"hop_seconds": 1e-6}, "hop_seconds: expected at least one sample, 4.53515e-05 s, got 1e-06"),
        ({"hop_seconds": "10 ms"}, "hop_seconds: expected a number, got '10 ms'"),
        ({"integer_full_scale": 0}, "integer_full_scale: .*Or take 'type': each integer type has its own, int16 32768"),
        ({"integer_full_scale": "typ"}, "integer_full_scale: expected a number, got 'typ'. Or take 'type'"),
        (
            {"preemphasis": 1.5},
            "preemphasis: expected a finite number of at least 0 and at most 1, got 1.5. Usual is 0.97",
        ),
        ({"preemphasis_scope": "file"}, "preemphasis_scope: expected one of 'frame', 'signal', got 'file'"),
        ({"n_fft": 1}, "n_fft: expected an integer of at least 2, got 1"),
        ({"n_fft": 2**40}, "n_fft: expected an integer of at most 1,048,576, got 1,099,511,627,776"),
        ({"n_fft": 512.5}, "n_fft: expected an integer, got 512.5"),
        ({"n_fft": 512, "win_length": 513}, "win_length: expected at most n_fft = 512, got 513. Shorten the window"),
        (
            {"hop_length": 0},
            "hop_length: expected an integer of at least 1, got 0. It is the number of samples from one",
        ),
        ({"hop_length": 10**10}, "hop_length: expected an integer of at most 4,194,304, got 10,000,000,000"),
        ({"hop_length": True}, "hop_length: expected an integer, got True"),
        ({"center": "yes"}, "center: expected one of False, True, 'hop', got 'yes'"),
        ({"pad_mode": "wrap"}, "pad_mode: expected one of 'constant', 'reflect', 'symmetric', 'edge', got 'wrap'"),
        ({"remove_mean": 1}, "remove_mean: expected True or False, got 1"),
        ({"window": "hanning"}, "window: expected one of 'rectangular', 'hann'"),
        ({"power": 3}, "power: expected one of 1, 2, got 3"),
        ({"power": True}, "power: expected one of 1, 2, got True"),
        ({"n_mels": 5000}, "n_mels: expected an integer of at most 4,096, got 5,000. That is with n_fft=2048"),
        ({"n_mels": 10**400, "n_fft": 2**20}, "n_mels: expected an integer of at most 38, got more than 1e18"),
        ({"n_mels": 0}, "n_mels: expected an integer of at least 1, got 0"),
        ({"fmax": 16000}, "fmax: expected at most sr / 2 = 11025 Hz, got 16000. Lower fmax or raise sr"),
        ({"fmin": 8000, "fmax": 4000}, "fmin: expected less than fmax = 4000 Hz, got 8000"),
        ({"fmax": 1e-320, "filter_norm": "slaney"}, r"fmax: expected at least 0\.02205 Hz .* more than fmin = 0 Hz"),
        (
            {"log_floor": 0},
            "log_floor: expected a finite number above 0 and at most 1e.30, got 0. Without one, silence has no",
        ),
        ({"log_floor": float("nan")}, "log_floor: expected a finite number above 0 and at most 1e.30, got nan"),
        ({"top_db": 80}, "top_db: expected None with log='natural', got 80.*log='decibel'"),
        ({"fmin": 440, "fmax": 440.0001}, r"fmax: expected at least 0\.02205 Hz .* more than fmin = 440 Hz, got 440"),
        ({"n_mfcc": 42}, "n_mfcc: expected at most n_mels = 41, got 42.*lower n_mfcc or raise n_mels"),
        ({"n_mfcc": 1}, "n_mfcc: expected at least 2 with c0='drop', got 1"),
        ({"sr": 1e-320}, "sr: expected a finite number of at least 1e-06 and at most"),
        ({"filter_sr": -1}, "filter_sr: expected a finite number of at least 1e-06 .*, got -1. None is the same as sr"),
        ({"filter_sr": 16000, "fmax": 9000}, "fmax: expected at most sr / 2 = 8000 Hz, got 9000"),
        ({"dct_type": 4}, "dct_type: expected one of 1, 2, 3, got 4"),
        ({"dct_type": 1, "n_mels": 1, "n_mfcc": 1, "c0": "first"}, "dct_type: expected 2 or 3 with n_mels=1, got 1"),
        ({"lifter": -22}, "lifter: expected a finite number of at least 0, got -22"),
        ({"energy": "raw"}, "energy_place: expected 'append' with c0='drop', got 'c0'"),
        ({"energy": True}, "energy: expected one of None, 'raw', 'windowed', 'spectrum', got True"),
    ],
)
def test_a_wrong_knob_is_named(wrong, message):
    with pytest.raises((ValueError, TypeError), match="^MFCC: " + message):
        MFCC(**wrong)


def test_knobs_are_keywords_and_fixed():
    with pytest.raises(TypeError):
        MFCC(22050)
    with pytest.raises(TypeError, match="hop"):
        MFCC(hop=512)
    with pytest.raises(dataclasses.FrozenInstanceError):
        FILMSCORE.sr = 16000


def test_empty_filters_warn():
    with pytest.warns(
        UserWarning, match=r"MFCC: \d+ of 128 mel filters are empty .*Lower n_mels, or raise n_fft or fmin"
    ) as found:
        MFCC(n_fft=512, n_mels=128)
    assert found[0].filename == __file__


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


@given(recipes())
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_dictionaries_there_and_back(recipe):
    description = json.loads(json.dumps(recipe.to_dict(), allow_nan=False))
    assert MFCC.from_dict(description) == recipe
    assert MFCC.from_dict(description).difference(recipe) == ()
    assert "\n" in recipe.describe()


def test_a_dictionary_that_does_not_fit():
    good = FILMSCORE.to_dict()

    def refused(description, message, error=ValueError):
        with pytest.raises(error, match=r"^MFCC.*" + message):
            MFCC.from_dict(description)

    refused({**good, "hop": 1, "also": 2}, "expected no other knobs than those of MFCC, got also, hop")
    refused({k: v for k, v in good.items() if k not in ("sr", "lifter")}, "missing sr, lifter")
    newer = knobs.VERSION + 1
    refused({**good, "version": newer}, f"version: expected {newer - 1} or an older one, got {newer}.*another version")
    refused({**good, "format": "nnlite.Network"}, "format: expected 'mfcc.MFCC', got 'nnlite.Network'")
    refused({}, "format: expected 'mfcc.MFCC', got None")
    refused([1], "expected a mapping, got list", TypeError)
    refused({**good, "fmax": None}, "fmax: expected a number, got None")
    for name in good:
        if name in ("format", "version"):
            continue
        for value in ([1], {"a": 1}, "nonsense", float("nan"), -1e300, b"\0", -(10**400)):
            with pytest.raises((ValueError, TypeError), match=rf"^MFCC.*{name}"):
                MFCC.from_dict({**good, name: value})


def test_difference_names_knobs():
    assert FILMSCORE.difference(dataclasses.replace(FILMSCORE, lifter=22, sr=44100)) == ("sr", "lifter")
    assert "mel_formula" in FILMSCORE.difference(LIBROSA)
    with pytest.raises(TypeError, match=r"MFCC\.difference: other: expected an MFCC, got dict"):
        FILMSCORE.difference({})


def test_features_of_another_recipe_are_refused_by_name():
    FILMSCORE.check_same(MFCC())
    other = dataclasses.replace(FILMSCORE, window="hamming", lifter=22)
    message = (
        "tag: expected features by the same recipe, got another: window: expected 'hann', got 'hamming'; "
        "lifter: expected 0.0, got 22.0. Compute them again by the recipe that is expected."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FILMSCORE.check_same(other, "tag")
    with pytest.raises(TypeError, match="expected an MFCC, got NoneType"):
        FILMSCORE.check_same(None)


def test_filters_for_another_sampling_rate():
    assert MFCC(filter_sr=22050) == MFCC()
    recipe = MFCC(filter_sr=22075)
    assert (recipe.sr, recipe.fmax) == (22050, 22075 / 2)
    np.testing.assert_array_equal(recipe.filter_bank, mfcc.mel_filterbank(22075, 2048, 41, dtype=np.float64))
    expected = recipe.filter_bank @ FILMSCORE.power_spectrogram(Y)
    np.testing.assert_allclose(recipe.mel_spectrogram(Y), expected, rtol=1e-4)


def test_every_knob_shows_in_the_description():
    base = MFCC(
        preemphasis=0.9, win_length=1000, hop_length=500, n_mfcc=20, spectrum_scale="length", lifter=22, energy="raw",
        energy_place="append", c0="last", center=True, warp=1.1, warp_low=100, warp_high=6000, log="decibel",
    )  # fmt: skip
    choices_of = {field.name: field.metadata["choices"] for field in dataclasses.fields(MFCC) if field.compare}
    choices_of |= {
        "sr": (22050.0, 44100.0), "full_scale": (1.0, 2.0), "integer_full_scale": (None, 128.0, "type"),
        "preemphasis": (0.0, 0.9, 0.97), "n_fft": (1024, 2048), "win_length": (1000, 1024), "hop_length": (500, 600),
        "n_mels": (30, 41), "fmin": (0.0, 50.0), "fmax": (11025.0, 9000.0), "filter_sr": (None, 22075.0),
        "warp": (1.1, 1.2), "warp_low": (100, 200), "warp_high": (6000, 6500),
        "log_floor": (1e-10, 1e-5), "top_db": (None, 60.0, 80.0),
        "n_mfcc": (20, 30), "lifter": (0.0, 11.0, 22.0), "energy_floor": (1e-10, 1.0),
    }  # fmt: skip
    assert all(choices_of.values()), "say what a new knob may be"
    for name, choices in choices_of.items():
        seen = {dataclasses.replace(base, **{name: choice}).describe() for choice in choices}
        assert len(seen) == len(choices), name


def test_describe_states_formulas():
    text = LIBROSA.describe()
    for part in (
        "22050 Hz",
        "frame t centred on sample t 512",
        "hann, 2048 samples, periodic",
        "mel of Slaney",
        "10 log10(max(m, 1e-10))",
    ):
        assert part in text
    assert "c[n] (1 + 11 sin(pi n / 22))" in MFCC(lifter=22).describe()
    text = MFCC(output="log_spectrum", log_floor_mode="add").describe()
    assert "ln(p + 1e-10)" in text and "logarithms of 1025 bins" in text and "mel" not in text
    assert MFCC(output="mel").describe().endswith("41 mel filters, 10.77 frames a second")


def test_threads_change_no_bit():
    y = np.random.default_rng(0).standard_normal(400_000).astype(np.float32)
    for recipe in (FILMSCORE, LIBROSA_UNLIMITED, dataclasses.replace(LIBROSA, top_db=30)):
        expected = recipe(y, threads=1)
        for threads in (2, 3, 8, None):
            assert np.array_equal(recipe(y, threads=threads), expected)
    with pytest.raises(ValueError, match="MFCC: threads: expected an integer of at least 1, got 0"):
        FILMSCORE(y, threads=0)


@given(st.integers(0, 40), st.integers(0, 3))
def test_a_frame_does_not_depend_on_its_place(first, cut):
    y = np.random.default_rng(1).standard_normal(60 * 2048).astype(np.float32)
    assert np.array_equal(FILMSCORE(y[first * 2048 : len(y) - cut]), FILMSCORE(y)[:, first : 60 - (cut > 0)])


def test_names_of_the_package():
    assert mfcc.MFCC is MFCC and mfcc.presets.FILMSCORE is FILMSCORE
    with pytest.raises(AttributeError, match="No mfcc attribute nothing"):
        mfcc.nothing  # noqa: B018


def test_a_recipe_of_an_older_version_means_what_it_meant():
    written = mfcc.MFCC(n_mels=30, n_mfcc=20).to_dict()
    since = {field.name: field.metadata["since"] for field in dataclasses.fields(MFCC)}
    assert since["warp"] == 2 and since["output"] == 3 and since["filter_sr"] == 4
    for version in range(1, written["version"]):
        later = [name for name, number in since.items() if number > version]
        old = {name: value for name, value in written.items() if name not in later} | {"version": version}
        assert mfcc.MFCC.from_dict(old) == mfcc.MFCC(n_mels=30, n_mfcc=20)
        for name in ("n_mels", *(name for name, number in since.items() if number == version)):
            with pytest.raises(ValueError, match=f"missing {name}"):
                mfcc.MFCC.from_dict({key: value for key, value in old.items() if key != name})


def test_lengths_in_seconds_are_kept_at_another_rate():
    for recipe in (HTK, KALDI, PYTHON_SPEECH_FEATURES):
        at_8_khz = recipe.replace(sr=8000)
        assert (at_8_khz.win_length, at_8_khz.hop_length, at_8_khz.n_fft, at_8_khz.fmax) == (200, 80, 256, 4000)
        assert at_8_khz.replace(sr=16000) == recipe
        assert MFCC.from_dict(json.loads(json.dumps(at_8_khz.to_dict()))).replace(sr=16000) == recipe
    assert HTK.replace(sr=8000).n_mels == 23
    for sr, down, nearest in ((11025, 275, 276), (22050, 551, 551), (44100, 1102, 1103), (48000, 1200, 1200)):
        assert KALDI.replace(sr=sr).win_length == HTK.replace(sr=sr).win_length == down
        assert PYTHON_SPEECH_FEATURES.replace(sr=sr).win_length == nearest
        assert KALDI.replace(sr=sr).n_fft == 2 ** int(np.ceil(np.log2(down)))
    recipe = MFCC(sr=16000, win_seconds=0.025, hop_seconds=0.01)
    assert (recipe.n_fft, recipe.win_length, recipe.hop_length) == (512, 400, 160)
    assert MFCC(win_seconds=0.05).hop_length == MFCC(win_seconds=0.05).win_length == 1102
    assert FILMSCORE.replace(hop_seconds=0.01).hop_length == 220


def test_lengths_in_samples_count_where_they_are_given():
    same = MFCC(sr=16000, n_fft=512, win_length=400, hop_length=160)
    assert MFCC(sr=16000, win_seconds=0.025, hop_seconds=0.01) == same
    assert KALDI.replace(win_length=300).replace(sr=8000).win_length == 300
    assert KALDI.replace(win_length=300).win_seconds is None and KALDI.replace(win_length=300).n_fft == 512
    assert KALDI.replace(n_fft=1024).win_length == 400 and KALDI.replace(n_fft=1024, sr=8000).win_length == 200
    assert KALDI.replace(win_seconds=None, sr=8000).win_length == 400
    assert KALDI.replace(win_seconds=0.03).win_length == 480
    assert dataclasses.replace(KALDI, sr=8000, fmax=4000).win_length == 400
    older = {name: value for name, value in KALDI.to_dict().items() if "seconds" not in name} | {"version": 4}
    assert MFCC.from_dict(older) == KALDI and MFCC.from_dict(older).replace(sr=8000).win_length == 400


def test_the_rate_of_samples_is_checked():
    y = Y.astype(np.float64)
    assert np.array_equal(KALDI(y, sr=16000), KALDI(y))
    with pytest.raises(ValueError, match=r"MFCC: sr: expected samples at the recipe's 16000 Hz, got 22050 Hz"):
        KALDI(y, sr=22050.0)
    with pytest.raises(TypeError, match="MFCC: sr: expected a number, got '16000'"):
        KALDI(y, sr="16000")


def test_a_recipe_is_stored_in_the_oldest_version_that_can_say_it():
    assert FILMSCORE.to_dict()["version"] == 4
    stored = json.loads((ROOT / "tests/data/files_of_8a98062/features/float32/features.json").read_text())["recipe"]
    assert MFCC.from_dict(stored).to_dict() == stored and stored["version"] == 4
    of_type = FILMSCORE.replace(integer_full_scale="type")
    assert of_type.to_dict()["version"] == 5 and MFCC.from_dict(of_type.to_dict()) == of_type
    number = MFCC.from_dict(KALDI.to_dict() | {"integer_full_scale": 32768.0})
    assert number.integer_full_scale == 32768 and number.difference(KALDI) == ("integer_full_scale",)


def test_a_lifter_that_coefficients_cannot_be_divided_by_is_refused():
    assert MFCC(lifter=0.001).lifter == 0.001
    with pytest.raises(ValueError, match=r"lifter: expected 0 or at least 0\.001, got 9\.99989e-321"):
        MFCC(lifter=1e-320)
