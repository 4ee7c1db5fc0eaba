"""Features by HTK's configuration files, against HTK's recorded outputs and its equations written out."""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfcc
from mfcc import HTK
from mfcc.htk.hcopy import HCopy, normalize_energy
from tests.mfcc.htk import naive_htk, recordings

USUAL = "TARGETKIND = MFCC_E_D_A\nTARGETRATE = 100000.0\nWINDOWSIZE = 250000.0\n"

RECORDED = [
    ("hcopy1.conf", "test.wav.fea_htk.1", 2e-4),
    ("hcopy2.conf", "test.wav.fea_htk.2", 2e-4),
    ("fbank1.conf", "test.wav.fbank_htk.1", 1e-4),
]


@pytest.mark.parametrize(("config", "name", "atol"), RECORDED)
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_recorded_outputs(config, name, atol, dtype):
    expected = recordings.features(name)
    features = HCopy.from_config(recordings.config(config))
    actual = features(recordings.samples(dtype))
    assert features.n_features == len(expected)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


@pytest.mark.parametrize(("config", "name", "atol"), RECORDED)
def test_the_twin_against_recorded_outputs(config, name, atol):
    """Hold the naive twin of the tests below against HTK."""
    settings = {"SOURCERATE": 625.0, "TARGETRATE": 1e5, "WINDOWSIZE": 250000.0, "NUMCHANS": 23, "USEPOWER": True}
    settings |= {"PREEMCOEF": 0.0, "LOFREQ": 0.0, "HIFREQ": 8000.0, "ENORMALISE": False}
    settings["TARGETKIND"] = {"hcopy1.conf": "MFCC_D_A_0", "hcopy2.conf": "MFCC_D_A_E", "fbank1.conf": "FBANK"}[config]
    actual = naive_htk.hcopy(settings, recordings.samples())
    np.testing.assert_allclose(actual, recordings.features(name), rtol=0, atol=atol)


def booleans():
    return st.sampled_from([True, False])


@st.composite
def configurations(draw):
    """Draw settings and their sampling rate."""
    sr = draw(st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]))
    kind = draw(st.sampled_from(["MFCC", "MFCC", "FBANK", "MELSPEC"]))
    qualifiers = draw(st.sampled_from(["", "_E", "_0"] if kind == "MFCC" else ["", "_E"]))
    qualifiers += draw(st.sampled_from(["", "_D", "_D_A", "_D_A_T"])) + draw(st.sampled_from(["", "_Z"]))
    n_channels = draw(st.sampled_from([8, 20, 23, 26, 40]))
    found = {"TARGETKIND": kind + qualifiers, "NUMCHANS": n_channels}
    found["TARGETRATE"] = draw(st.sampled_from([100000.0, 125000.0, 62500.0]))
    found["NUMCEPS"] = draw(st.integers(2, min(12, n_channels - 1)))
    numbers = {
        "WINDOWSIZE": [256000.0, 250000.0, 200000.0, 100000.0], "PREEMCOEF": [0.97, 0.0, 0.5, 1.0],
        "ESCALE": [0.1, 1.0], "SILFLOOR": [50.0, 10.0], "DELTAWINDOW": [2, 1, 4], "ACCWINDOW": [2, 1, 3],
        "THIRDWINDOW": [2, 1, 3], "CEPLIFTER": [22, 0, 10],
    }  # fmt: skip
    for name, values in numbers.items():
        found[name] = draw(st.sampled_from(values))
    flags = ("ZMEANSOURCE", "USEHAMMING", "USEPOWER", "RAWENERGY", "ENORMALISE", "SIMPLEDIFFS", "DOUBLEFFT")
    for name in flags:
        found[name] = draw(booleans())
    if draw(booleans()):
        found["LOFREQ"] = draw(st.sampled_from([0.0, 20.0, 64.5, 125.0, 300.0]))
        found["HIFREQ"] = draw(st.sampled_from([3400.0, 3999.0, sr / 2]))
    if draw(booleans()):
        found |= {"WARPFREQ": draw(st.sampled_from([0.9, 1.1])), "WARPLCUTOFF": 500.0, "WARPUCUTOFF": 3000.0}
    if draw(booleans()):
        found["SOURCERATE"] = draw(st.sampled_from([1e7 / sr, round(1e7 / sr, 2)]))
    return found, sr


def written(settings):
    """Settings as a configuration file."""
    values = {True: "T", False: "F"}
    lines = (f"{k} = {values[v] if isinstance(v, bool) else v}" for k, v in settings.items())
    return "# made up\n" + "\n".join(lines)


def made_up_samples(n, seed):
    """Return 16-bit samples: a chirp over noise, louder and softer, with a pause of digital silence, and some DC."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / n
    y = 8000 * np.sin(300 * t * (1 + 2 * t)) * (1 - t) + 300 * rng.standard_normal(n) * t + 50
    y[n // 3 : n // 2] = 0
    return np.round(y).astype(np.int16)


def near_silence(energies, found):
    """Return the largest energy that the deltas of each frame see: HTK's logarithm of zero leaves only rounding of
    what else is added to it."""
    reach = found["DELTAWINDOW"] + found["ACCWINDOW"] + found["THIRDWINDOW"]
    padded = np.pad(np.abs(energies), reach)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)


@given(configurations(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:.*mel filters are empty")
def test_configurations_against_the_twin(configuration, seed):
    found, sr = configuration
    y = made_up_samples(sr // 10, seed)
    features = HCopy.from_config(written(found), sr)
    actual = features(y / 32768)
    expected = naive_htk.hcopy({"SOURCERATE": 1e7 / sr} | found, y)
    assert actual.shape == expected.shape == (features.n_features, features.recipe.n_frames(len(y)))
    kind = found["TARGETKIND"]
    atol = np.full_like(expected, 2e-9 * (np.abs(expected).max() if kind.startswith("MELSPEC") else 1))
    if "_E" in kind:
        blocks = 1 + len({"D", "A", "T"} & set(kind.split("_")))
        energies = slice(len(expected) // blocks - 1, None, len(expected) // blocks)  # and their deltas
        atol[energies] += 1e-15 * near_silence(expected[energies][0], found)
    if found["ZMEANSOURCE"]:  # what is left of DC in a frame of silence is rounding, and so is its energy
        actual, expected = (np.where(x < -100, 0, x) for x in (actual, expected))
    assert (np.abs(actual - expected) <= atol + 1e-9 * np.abs(expected)).all()


def test_sampling_periods_are_counted_in_100_ns():
    at_22050 = HCopy.from_config(USUAL, sr=22050).recipe
    assert (at_22050.sr, at_22050.filter_sr, at_22050.fmax) == (22050, 1e7 / 453, 0.5e7 / 453)
    assert (at_22050.win_length, at_22050.hop_length, at_22050.n_fft) == (551, 220, 1024)
    assert HCopy.from_config(USUAL + "SOURCERATE = 453.51").recipe == at_22050
    assert HCopy.from_config(USUAL + "SOURCERATE = 625").recipe.filter_sr is None
    with pytest.raises(ValueError, match="sr: expected the sampling rate in Hz, since there is no SOURCERATE"):
        HCopy.from_config(USUAL)
    with pytest.raises(ValueError, match=r"sr: expected about 1e7 / SOURCERATE = 16000 Hz, got 22050"):
        HCopy.from_config(USUAL + "SOURCERATE = 625", sr=22050)


def test_the_preset_is_a_configuration():
    text = USUAL.replace("_E_D_A", "_0") + "NUMCHANS = 23\nUSEPOWER = T\nPREEMCOEF = 0.0\nSOURCERATE = 625"
    assert HCopy.from_config(text) == HCopy(recipe=HTK)
    bank = dataclasses.replace(HTK, output="log_mel", n_mfcc=1)
    assert HCopy.from_config(text.replace("MFCC_0", "FBANK")).recipe == bank


@pytest.mark.parametrize("sr", [8000, 16000, 20000])
def test_the_preset_at_another_rate_is_a_configuration(sr):
    text = USUAL.replace("_E_D_A", "_0") + f"NUMCHANS = 23\nUSEPOWER = T\nPREEMCOEF = 0.0\nSOURCERATE = {10**7 / sr}"
    assert HCopy.from_config(text).recipe == HTK.replace(sr=sr)


def test_how_files_are_written():
    text = """#!/bin/sh
    SOURCEKIND = WAVEFORM   # 16 bits
    SOURCEFORMAT = WAV  BYTEORDER = VAX
    targetkind = "MFCC_0_C_K"
    HPARM: TARGETRATE = 100000   # goes before the other
    TARGETRATE = 50000
    HREC: TARGETRATE = 1
    WINDOWSIZE = '250000'
    NUMCEPS = 8
    #NUMCHANS = 50
    """
    features = HCopy.from_config(text, 16000)
    recipe = features.recipe
    assert (features.n_features, recipe.hop_length, recipe.win_length, recipe.n_mels) == (9, 160, 400, 20)
    assert features.delta_widths == () and recipe.energy is None and recipe.c0 == "last"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("TARGETKIND = PLP_0", "TARGETKIND: expected MFCC, FBANK or MELSPEC with qualifiers, got 'PLP_0'"),
        ("TARGETKIND = ANON", "TARGETKIND: expected MFCC, FBANK or MELSPEC with qualifiers, got 'ANON'"),
        ("TARGETKIND = MFCC_N_E_D", "TARGETKIND: expected MFCC with qualifiers out of 0, A, D, E, T, Z"),
        ("TARGETKIND = MFCC_A", "TARGETKIND: .*_A only with _D and _T only with _A, got 'MFCC_A'"),
        ("TARGETKIND = FBANK_0", "TARGETKIND: expected FBANK with qualifiers out of A, D, E, T, Z"),
        ("TARGETRATE = 0", "TARGETRATE: expected at least one sample, 625 units of 100 ns, got 0"),
        ("NUMCHANS = many", "NUMCHANS: expected an integer, got 'many'"),
        ("WINDOWSIZE = 1e999", "WINDOWSIZE: expected a number, got '1e999'"),
        ("LOFREQ = low", "LOFREQ: expected a number, got 'low'"),
        ("USEPOWER = yes", "USEPOWER: expected T or F, got 'yes'"),
        ("V1COMPAT = T", "V1COMPAT: expected F, or nothing, got T. Its effect is not reproduced"),
        ("ADDDITHER = 1.0", "ADDDITHER: expected 0, or nothing, got 1.0"),
        ("MATTRANFN = lda", "MATTRANFN: expected nothing, got lda"),
        ("SOURCEKIND = FBANK", "SOURCEKIND: expected WAVEFORM, or nothing, got FBANK"),
        ("#include other.conf", "line 4: expected no #include"),
        ("NUMCEPS 12", "line 4: expected NAME = VALUE, got 'NUMCEPS 12'"),
        ("NUMCEPS =", "line 4: expected NAME = VALUE, got 'NUMCEPS ='"),
        ("SOURCERATE = -1e9\nSOURCERATE = 1e9", "SOURCERATE: expected a period of 1 to 1e7 units of 100 ns"),
    ],
)
def test_what_is_refused(line, message):
    sr = None if line.startswith("SOURCERATE") else 16000
    with pytest.raises(ValueError, match=rf"^HCopy\.from_config: {message}"):
        HCopy.from_config(USUAL + line, sr)
    with pytest.raises(ValueError, match="MFCC: n_mfcc: expected at most n_mels = 20, got 41"):
        HCopy.from_config(USUAL + "NUMCEPS = 40", 16000)


PIECES = st.one_of(
    st.sampled_from([*naive_htk.DEFAULTS, "=", ":", "#", "\n", " ", '"', "T", "MFCC_E", "HPARM", "_D_A", "1e99", "-"]),
    st.integers(-10, 10**12).map(str),
    st.floats().map(str),
    st.text(max_size=3),
)


@given(st.lists(PIECES, max_size=30), st.sampled_from([None, 16000, 1e9, 1e-9]))
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("ignore:.*(mel filters are empty|no settings of HCopy)")
def test_any_text_is_read_or_refused(pieces, sr):
    for text in ("".join(pieces), USUAL + " ".join(pieces)):
        try:
            features = HCopy.from_config(text, sr)
        except (ValueError, TypeError) as error:
            assert str(error).startswith(("HCopy.from_config: ", "MFCC: ", "HCopy: "))
        else:
            assert features.recipe.win_length <= features.recipe.n_fft


def test_names_that_mean_nothing_are_told():
    with pytest.warns(UserWarning, match="no settings of HCopy's: NUMCEPTS, WINDOSIZE") as found:
        HCopy.from_config(USUAL + "NUMCEPTS = 8\nWINDOSIZE = 1\nTRACE = 1", 16000)
    assert found[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HCopy.from_config(USUAL + "SAVEWITHCRC = F\nTRACE = 1", 16000)


def test_fields_are_checked():
    with pytest.raises(TypeError, match="HCopy: recipe: expected an MFCC, got str"):
        HCopy(recipe="HTK")
    with pytest.raises(ValueError, match="HCopy: delta_widths: expected an integer of at least 1, got 0"):
        HCopy(recipe=HTK, delta_widths=(2, 0))
    with pytest.raises(ValueError, match="HCopy: silence_floor_db: expected a finite number of at least 0, got -1"):
        HCopy(recipe=HTK, silence_floor_db=-1)
    assert HCopy(recipe=HTK, delta_widths=[2, 2]) == HCopy(recipe=HTK, delta_widths=(2, 2))


def test_the_argument_and_the_recipe_stay_as_they_were():
    y = made_up_samples(4000, 0).astype(np.float32) / 32768
    kept = y.copy()
    features = HCopy.from_config(USUAL, 16000)
    first = features(y)
    assert np.array_equal(features(y), first) and np.array_equal(y, kept)
    assert first.dtype == np.float32


def test_normalised_energy():
    actual = normalize_energy(np.array([-1e10, 0.0, 10.0, 20.0]), silence_floor_db=50, scale=0.1)
    np.testing.assert_allclose(actual, [1 - np.log(10) / 2, 1 - np.log(10) / 2, 0.0, 1.0])


def test_describe_says_what_follows_the_recipe():
    text = HCopy.from_config(USUAL.replace("_E", "_E_Z"), 16000).describe()
    for part in ("deltas", "accelerations", "w = 2", "maximum - 50 dB", "1 - 0.1 (maximum - e)", "mean"):
        assert part in text
    plain = HCopy.from_config(USUAL + "ENORMALISE = F\nSIMPLEDIFFS = T", 16000).describe()
    assert "(c[t+w] - c[t-w]) / (2 w)" in plain and "maximum" not in plain


def test_names_of_the_package():
    assert mfcc.HCopy is HCopy
