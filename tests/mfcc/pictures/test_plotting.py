"""Pictures of recordings: what is in the panels, and that any length fits."""

import io
import sys

import numpy as np
import pytest
import soundfile

import mfcc
from mfcc import FILMSCORE, LIBROSA, MFCC

pytest.importorskip("matplotlib", exc_type=ImportError)

from mfcc.pictures import plotting
from mfcc.pictures.columns import Columns

SR = 22050


def tone(seconds, frequency=1000.0):
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * SR)) / SR)).astype(np.float32)


@pytest.mark.parametrize(
    "recipe", [FILMSCORE, LIBROSA, MFCC(n_mfcc=13, c0="last", energy="raw", energy_place="append")]
)
@pytest.mark.parametrize("seconds", [0.2, 30.0])
def test_panels_and_axes(recipe, seconds):
    figure = plotting.plot(tone(seconds), recipe, title="costs $5 or 10^x$")
    wave, mel, cepstrum, *bars = figure.axes
    assert cepstrum.get_xlabel() == "time [s]" and "[Hz]" in mel.get_ylabel() and "amplitude" in wave.get_ylabel()
    assert cepstrum.get_xlim() == pytest.approx((0, seconds), rel=1e-3)
    assert wave.get_xlim() == mel.get_xlim() == cepstrum.get_xlim()
    assert [bar.get_ylabel() for bar in bars] == ["dB below the loudest", "value"]
    decibels, values = (axes.images[0].get_array() for axes in (mel, cepstrum))
    assert decibels.shape[0] == recipe.n_mels and values.shape[0] == recipe.n_coefficients
    assert decibels.max() == 0
    # The loudest band is where the ticks say that 1,000 Hz are.
    labels = dict(zip((t.get_text() for t in mel.get_yticklabels()), mel.get_yticks(), strict=True))
    assert abs(decibels.mean(axis=1).argmax() - labels["1,000"]) <= 0.5
    file = io.BytesIO()
    plotting.save(figure, file)
    assert file.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize("output, rows", [("log_mel", 41), ("mel", 41), ("log_spectrum", 300), ("spectrum", 300)])
def test_what_a_recipe_puts_out_is_drawn(output, rows):
    figure = plotting.plot(tone(5.0), FILMSCORE.replace(output=output))
    wave, panel, bar = figure.axes
    decibels = panel.images[0].get_array()
    assert decibels.shape[0] == rows and decibels.max() == 0 and bar.get_ylabel() == "dB below the loudest"
    low, high = panel.images[0].get_extent()[2:]
    heights = low + (np.arange(rows) + 0.5) / rows * (high - low)
    labels = dict(zip((t.get_text() for t in panel.get_yticklabels()), panel.get_yticks(), strict=True))
    assert abs(heights[decibels.mean(axis=1).argmax()] - labels["1,000"]) <= 0.01 * (high - low)
    assert wave.get_xlim() == panel.get_xlim() == pytest.approx((0, 5))


@pytest.mark.parametrize("recipe", [FILMSCORE, LIBROSA, FILMSCORE.replace(output="log_spectrum")])
def test_original_and_reconstruction(recipe):
    y, z = tone(6.0), 0.5 * tone(5.9, 3000.0)
    figure = plotting.compare(y, z, recipe, title="a.ogg")
    panels = np.array(figure.axes[:6]).reshape(3, 2)
    assert figure.get_suptitle() == "a.ogg" and panels[0, 0].get_title() == "original"
    assert "lost: waveform" in panels[0, 1].get_title()
    for row in panels:
        assert row[0].get_ylim() == row[1].get_ylim() and row[0].get_xlim() == row[1].get_xlim()
    heights = [axes.images[0].get_array().mean(axis=1).argmax() for axes in panels[1:].ravel()]
    assert heights[0] < heights[1] and heights[2] < heights[3]  # 1,000 Hz beside 3,000 Hz
    assert all(axes.images[0].get_array().max() == 0 for axes in panels[1:].ravel())
    plotting.save(figure, io.BytesIO())


def test_excerpt_of_a_file(tmp_path):
    soundfile.write(tmp_path / "a b.wav", tone(5.0), SR)
    figure = plotting.plot(tmp_path / "a b.wav", offset=1.0, duration=2.0)
    assert figure.get_suptitle() == "a b.wav"
    assert figure.axes[2].get_xlim() == pytest.approx((1.0, 3.0))


def test_silence():
    silence = np.zeros(SR, np.float32)
    plotting.save(plotting.plot(silence), io.BytesIO())
    plotting.save(plotting.compare(silence, silence), io.BytesIO())


@pytest.mark.parametrize("n", [1, 7, 8, 9, 31, 32, 33, 1000, 12345])
@pytest.mark.parametrize("reduce", ["min", "max", "mean"])
def test_columns_are_merged_as_they_come(n, reduce):
    values = np.random.default_rng(n).standard_normal((3, n))
    columns = Columns(lambda a: getattr(a, reduce)(axis=-1), limit=8)
    for part in np.array_split(values, min(n, 37), axis=1):
        columns.add(part)
    actual = columns.array()
    factor = 1
    while n // factor > 16:
        factor *= 2
    assert actual.shape[1] <= 17
    if n % columns._factor == 0:
        expected = getattr(values.reshape(3, -1, columns._factor), reduce)(axis=-1)
        np.testing.assert_allclose(actual, expected, atol=1e-12)
    assert columns._factor == factor


def test_errors(monkeypatch):
    with pytest.raises(ValueError, match="plot: source: expected at least one frame of samples, got 100"):
        plotting.plot(tone(1.0)[:100])
    with pytest.raises(ValueError, match="plot: y: expected finite samples"):
        plotting.plot(np.full(SR, np.nan, np.float32))
    with pytest.raises(mfcc.AudioError, match="No such file"):
        plotting.plot("missing.wav")
    with pytest.raises(TypeError, match="plot: recipe: expected an MFCC, got str"):
        plotting.plot(tone(1.0), "HTK")
    with pytest.raises(ValueError, match="compare: y: expected mono samples"):
        plotting.compare(tone(1.0), np.zeros((2, SR)))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ImportError, match=r"plot: needs matplotlib, which is not installed: pip install 'nnlite\[plot\]'"
    ):
        plotting.plot(tone(1.0))
