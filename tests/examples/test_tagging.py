"""The inputs of models, the tagger made from a model's file, and the shipped model."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.fft

import mfcc
import nnlite as nn
from filmscore import inputs, movement
from filmscore.inputs import INPUTS
from filmscore.study import judging, shipping
from filmscore.study.models import MODULATION
from filmscore.tagging import Tagger, about_model, tag
from mfcc import MFCC
from tests.examples.made_up import made_up_features, made_up_films
from tests.examples.test_study import made_up_values

EXAMPLES = Path(__file__).parents[2] / "examples"
SHIPPED_FILE = EXAMPLES / "models" / "filmscore.npz"
RECORDINGS = sorted([*(EXAMPLES / "data").glob("*.ogg"), *(EXAMPLES / "data").glob("*.opus")])


def test_modulation_is_the_energy_in_bands_of_modulation_frequency():
    tiles = np.random.default_rng(0).standard_normal((3, 4, 100, 1)).astype(np.float32)
    actual = inputs.modulation(tiles)
    frames = np.arange(100)
    for n in range(3):
        for coefficient in range(4):
            signal = tiles[n, coefficient, :, 0].astype(float)
            signal = (signal - signal.mean()) * np.hanning(100)
            power = [abs((signal * np.exp(-2j * np.pi * k * frames / 100)).sum()) ** 2 for k in range(51)]
            expected = [
                np.log(np.mean(power[a:b]) + 0.01) for a, b in zip(inputs.EDGES, inputs.EDGES[1:], strict=False)
            ]
            np.testing.assert_allclose(actual[n, coefficient, :, 0], expected, rtol=1e-4)
    assert actual.shape == (3, 4, 7, 1) and actual.dtype == np.float32


def test_movement_is_the_energy_of_bands_cosines_and_rises_in_bands_of_modulation_frequency():
    """Against loops, for tiles whose number of bands is no multiple of the groups."""
    tiles = np.random.default_rng(0).standard_normal((2, 37, 201, 1))
    actual = movement.movement(tiles)
    assert actual.shape == (2, 39, 9, 1) and actual.dtype == np.float32
    cuts = [g * 37 // 16 for g in range(17)]
    for n, tile in enumerate(tiles[..., 0]):
        rows = [tile[a:b].mean(axis=0) for a, b in itertools.pairwise(cuts)]
        rows += [scipy.fft.dct(tile, axis=0, norm="ortho")[k] for k in range(1, 21)]
        rises = np.maximum(np.diff(tile, axis=1, prepend=tile[:, :1]), 0)
        rows += [5 * rises[a:b].mean(axis=0) for a, b in ((0, cuts[3]), (cuts[3], cuts[8]), (cuts[8], 37))]
        for row, energies in zip(rows, actual[n, :, :, 0], strict=True):
            power = np.abs(np.fft.rfft((row - row.mean()) * np.hanning(201))) ** 2 / 201
            expected = [np.log(power[a:b].mean() + 0.1) for a, b in itertools.pairwise(movement.EDGES)]
            np.testing.assert_allclose(energies, expected, atol=1e-5)


def test_movement_does_not_see_the_mean_and_works_in_blocks(monkeypatch):
    tiles = np.random.default_rng(0).standard_normal((5, 64, 180, 1)).astype(np.float32)
    whole = movement.movement(tiles)
    coloured = tiles + np.linspace(-3, 3, 64, dtype=np.float32)[:, None, None]
    np.testing.assert_allclose(movement.movement(coloured), whole, atol=1e-3)
    monkeypatch.setattr(movement, "BLOCK", 2)
    np.testing.assert_allclose(movement.movement(tiles), whole, rtol=1e-6)
    with pytest.raises(ValueError, match="expected tiles of 178 frames or more, got 100"):
        movement.movement(tiles[:, :, :100])
    with pytest.raises(ValueError, match="expected at least 21 mel bands, got 12"):
        movement.movement(tiles[:, :12])


def test_modulation_does_not_see_the_mean_and_works_in_blocks(monkeypatch):
    tiles = np.random.default_rng(0).standard_normal((5, 3, 100, 1)).astype(np.float32)
    whole = inputs.modulation(tiles)
    np.testing.assert_allclose(inputs.modulation(tiles + 3), whole, atol=1e-3)
    monkeypatch.setattr(inputs, "BLOCK", 2)
    np.testing.assert_array_equal(inputs.modulation(tiles), whole)
    with pytest.raises(ValueError, match="tiles of 100 frames or more, got 40"):
        inputs.modulation(tiles[:, :, :40])


def test_centred_tiles_have_no_mean():
    tiles = np.random.default_rng(0).standard_normal((5, 3, 100, 1)) + 7
    np.testing.assert_allclose(inputs.centred(tiles).mean(axis=2), 0, atol=1e-12)


@pytest.fixture(scope="module")
def small_model():
    """Train a model like the shipped one briefly on made-up features."""
    features = dataclasses.replace(made_up_features(), description={"options": {"loudness_dbfs": -23.0}})
    pieces = judging.tracks(features, made_up_values(features))
    model = dataclasses.replace(MODULATION, epochs=2)
    return features, pieces, model, shipping.train(model, features, pieces)


def test_a_tagger_is_made_of_the_file_alone(small_model, tmp_path):
    features, _, _, fitted = small_model
    path = tmp_path / "tagger.npz"
    nn.save(path, fitted, **about_model(features, "modulation"))
    tagger = Tagger.load(path)
    assert tagger.class_names == features.class_names and tagger.inputs == "modulation"
    assert tagger.settings.recipe == features.recipe and tagger.settings.loudness_dbfs == -23.0
    tiles = features.tiles[:5]
    np.testing.assert_array_equal(tagger.values(tiles), fitted.predict_proba(INPUTS["modulation"](tiles)))
    assert tagger.embedding(tiles).shape == (5, 4 * 50)
    np.testing.assert_array_equal(tagger.model.thresholds_, fitted.thresholds_)


def test_a_card_says_what_a_model_is_worth_on_games_and_on_films(small_model):
    features, pieces, model, _ = small_model
    judgement = judging.judge(features, pieces, one_label=False)
    text = shipping.card(Path("x.npz"), model, [features], judgement, judgement, ["make it"])
    assert text.count(f"ROC-AUC {judgement.figures['roc_auc']:.3f}") == 2 and "Romance: two soundtracks" in text
    assert "| Romance | 1 | not evaluable | not evaluable |" in text and "    make it" in text
    of_films = shipping.card(Path("x.npz"), model, [made_up_films(), features], None, judgement, [])
    assert "72 excerpts of 18 films" in of_films and "not to be passed on" in of_films
    assert of_films.count("ROC-AUC") == 2


def test_a_model_that_was_not_saved_for_tagging_is_refused(small_model, tmp_path):
    features, _, _, fitted = small_model
    nn.save(tmp_path / "bare.npz", fitted)
    with pytest.raises(nn.FileFormatError, match=r"bare\.npz: expected a model with recipe, class names"):
        Tagger.load(tmp_path / "bare.npz")
    nn.save(tmp_path / "odd.npz", fitted, **about_model(features) | {"inputs": "spectrum"})
    with pytest.raises(nn.FileFormatError, match="inputs 'spectrum'"):
        Tagger.load(tmp_path / "odd.npz")
    nn.save(tmp_path / "few.npz", fitted, **about_model(features) | {"class_names": ["Action"]})
    with pytest.raises(nn.FileFormatError, match="1 names for 4 classes"):
        Tagger.load(tmp_path / "few.npz")


def test_tiles_of_another_recipe_are_refused_by_name():
    tagger = Tagger.load(SHIPPED_FILE)
    y = (0.1 * np.random.default_rng(0).standard_normal(22050 * 10)).astype(np.float32)
    n_frames = tagger.settings.n_frames
    mine = mfcc.tiles(y, tagger.settings.recipe, n_frames=n_frames)
    np.testing.assert_array_equal(tagger.values(mine), tagger.values(mine.values))
    np.testing.assert_array_equal(tagger.embedding(mine), tagger.embedding(mine.values))
    assert tag(tagger.model, dataclasses.replace(mine, values=INPUTS[tagger.inputs](mine.values))).shape == (10,)
    others = mfcc.tiles(y, dataclasses.replace(tagger.settings.recipe, window="hamming", fmax=8000), n_frames=n_frames)
    wrong = "window: expected 'hann', got 'hamming'; fmax: expected 9500.0, got 8000.0"
    for who, use in (
        ("Tagger.values", tagger.values),
        ("Tagger.embedding", tagger.embedding),
        ("tag", lambda tiles: tag(tagger.model, tiles)),
    ):
        with pytest.raises(ValueError, match=rf"^{who}: expected features by the same recipe, got another: {wrong}\."):
            use(others)


def test_the_shipped_model_tags_the_shipped_recordings():
    tagger = Tagger.load(SHIPPED_FILE)
    assert SHIPPED_FILE.stat().st_size < 12e6 and SHIPPED_FILE.with_suffix(".md").is_file()
    assert tagger.settings.recipe == MFCC(fmax=9500.0) and len(tagger.class_names) == 10
    assert len(RECORDINGS) == 2
    for path in RECORDINGS:
        tiles = tagger.tiles(path)
        values, embedding = tagger.values(tiles), tagger.embedding(tiles)
        assert values.shape == (len(tiles), 10) and ((values > 0) & (values < 1)).all()
        assert embedding.shape == (len(tiles), 500) and np.isfinite(embedding).all()
        assert values.mean(axis=0).std() > 0.05
