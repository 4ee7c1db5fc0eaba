"""The recipe as a value: its knobs and their errors, its dictionary, its description, what it refuses to compute."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mfcc
from mfcc import FILMSCORE, HTK, KALDI, LIBROSA, LIBROSA_UNLIMITED, MFCC, PRESETS, PYTHON_SPEECH_FEATURES, knobs
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
