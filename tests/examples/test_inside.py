"""Looking and listening inside: gradients to the tile, bands, units, evidence with a known cause, sounds, the page."""

import doctest
import functools
import re
from pathlib import Path

import filmscore_inside
import numpy as np
import pytest
import soundfile

import nnlite as nn
from filmscore.inputs import INPUTS
from filmscore.inside import ascent, figures, sounds
from filmscore.inside.ascent import Spread, drive
from filmscore.inside.bands import Bands
from filmscore.inside.evidence import PATCHES, REGIONS, evidence, rank_correlation, region_falls
from filmscore.inside.music import Music
from filmscore.inside.units import baseline, find_unit, genre_unit, most_used
from filmscore.recording import Settings
from filmscore.tagging import Tagger
from mfcc import MFCC

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDINGS = [EXAMPLES / "data" / name for name in ("return_to_home.ogg", "Illurock.opus")]
BANDS = Bands.of(MFCC())


def rng(seed=0):
    return np.random.default_rng(seed)


# --- The way back to bands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_the_gradient_goes_back_through_what_a_network_sees(name):
    n_frames = 200 if name == "movement" else 100
    tiles, direction = rng(1).standard_normal((2, 2, 40, n_frames, 1))
    seen = INPUTS[name](tiles)
    weights, step = rng(2).standard_normal(seen.shape), 1e-3
    above, below = ((INPUTS[name](tiles + s * step * direction) * weights).sum() for s in (1, -1))
    actual = (INPUTS[name].gradient(tiles, weights) * direction).sum()
    assert actual == pytest.approx((above - below) / (2 * step), rel=5e-3, abs=0.02)  # modulation is in float32


@pytest.mark.parametrize(
    "recipe",
    [
        MFCC(),
        MFCC(c0="first", n_mfcc=13, lifter=22),
        MFCC(c0="last", n_mfcc=20, dct_norm=None, log="decibel", power=1),
        MFCC(output="log_mel", n_mels=30),
        MFCC(output="log_spectrum", n_fft=256),
    ],
    ids=["published", "lifter", "decibel", "log-mel", "spectrum"],
)
def test_features_are_a_matrix_times_bands(recipe):
    y = rng().standard_normal(30_000).astype(np.float64)
    bands = Bands.of(recipe)
    logs = recipe.log_spectrogram(y) if recipe.output == "log_spectrum" else recipe.log_mel(y)
    np.testing.assert_allclose(bands.forward @ logs, recipe(y), atol=1e-6)
    assert len(bands.centres_hz) == len(logs) and (np.diff(bands.centres_hz) > 0).all()
    tiles = recipe(y)[np.newaxis, :, :, np.newaxis]
    np.testing.assert_allclose(bands.to_tiles(bands.of_tiles(tiles)), tiles, atol=1e-3)
    louder = Bands.of(recipe).log_amplitude * (recipe.log_mel(10 * y) - recipe.log_mel(y))
    np.testing.assert_allclose(louder, np.log(10), rtol=1e-5)
    gradient = rng().standard_normal(tiles.shape)
    total = (bands.gradient(gradient) * bands.of_tiles(tiles)).sum()
    assert total == pytest.approx((gradient * tiles).sum())


def test_features_that_are_made_of_something_else_are_refused():
    with pytest.raises(ValueError, match="got output='mel'"):
        Bands.of(MFCC(output="mel"))
    with pytest.raises(ValueError, match="got the energy among the coefficients"):
        Bands.of(MFCC(c0="first", energy="raw"))


# --- A network with a known cause -------------------------------------------------------------------------------------

CAUSE = (slice(16, 24), slice(40, 60))
"""Bands and frames in which a rise makes a tile Drama, and no other."""


def known_tiles(n, seed):
    """Return coefficients of noise in bands; in half of the tiles the bands of the cause are louder."""
    bands = rng(seed).standard_normal((n, 41, 100))
    is_drama = np.arange(n) % 2 == 1
    bands[(is_drama, *CAUSE)] += 1.5
    return BANDS.to_tiles(bands), is_drama


@functools.cache
def known():
    """Train a tagger with a small convolutional network on known tiles; the classes are Noise and Drama."""
    tiles, is_drama = known_tiles(400, 0)
    # kernels over all coefficients, since a pattern of bands is a pattern of all coefficients
    layers = [nn.Conv2D(6, (40, 5)), nn.Tanh(), nn.MaxPool2D((1, 4)), nn.Flatten(), nn.Dropout(0.2)]
    layers += [nn.Dense(8), nn.Tanh()]
    net = nn.Sequential([*layers, nn.Dense(2), nn.Softmax()], (40, 100, 1))
    settings = {"optimizer": nn.SGD(0.01, momentum=0.9), "init": "lsuv", "max_epochs": 4, "batch_size": 20}
    model = nn.NetworkClassifier(net, **settings, validation_fraction=0, standardize_axes=(0, 2), random_state=0)
    model.fit(tiles, is_drama.astype(int))
    unheard, truth = known_tiles(60, 1)
    assert model.score(unheard, truth.astype(int)) > 0.95
    return Tagger(model, ("Noise", "Drama"), made_settings(), "mfcc")


def made_settings():
    return Settings(MFCC())


def test_evidence_finds_the_cause_both_ways():
    tagger = known()
    tiles = known_tiles(30, 2)[0][1::2]
    found = evidence(tagger, BANDS, genre_unit(tagger, "Drama"), tiles)
    np.testing.assert_allclose(found.values, tagger.log_odds(tiles)[:, 1])
    shares, falls = found.patch_shares.mean(axis=0), found.falls.mean(axis=0)
    for patches in (shares, falls):  # the cause is two whole patches of 6 x 10
        assert patches.shape == (6, 10) and set(np.argsort(-patches.ravel())[:2]) == {24, 25}
    assert falls[2, 4:6].sum() > 0.6 * np.abs(falls).sum()
    assert rank_correlation(shares, falls) > 0.6
    assert found.agreement > 0.6
    against = evidence(tagger, BANDS, genre_unit(tagger, "Noise"), tiles)
    np.testing.assert_allclose(against.shares, -found.shares, atol=1e-4)


def test_patches_are_sums_of_shares():
    tagger = known()
    found = evidence(tagger, BANDS, genre_unit(tagger, "drama"), known_tiles(2, 3)[0])
    bands, frames = PATCHES
    for n, i, j in np.ndindex(found.patch_shares.shape):
        part = found.shares[n, i * bands : (i + 1) * bands, j * frames : (j + 1) * frames]
        assert found.patch_shares[n, i, j] == pytest.approx(part.sum(), abs=1e-5)
    assert found.patch_shares.shape == found.falls.shape


def test_hiding_a_range_of_frequency_that_does_not_matter_changes_nothing():
    tagger = known()
    falls = region_falls(tagger, BANDS, known_tiles(30, 4)[0][1::2]).mean(axis=0)
    low, high = BANDS.centres_hz[CAUSE[0].start], BANDS.centres_hz[CAUSE[0].stop - 1]
    assert 500 < low < high < 6000 and falls.shape == (len(REGIONS), 2)
    assert falls[2:4, 1].sum() > 5 * np.abs(falls[[0, 1, 4], 1]).sum() > 0


def test_rank_correlation_is_spearmans():
    import scipy.stats

    a, b = rng().integers(0, 6, (2, 50))
    assert rank_correlation(a, b) == pytest.approx(scipy.stats.spearmanr(a, b).statistic)
    assert rank_correlation(a, np.zeros(50)) == 0


def test_what_drives_a_unit_has_the_cause_and_one_seed_one_tile(monkeypatch):
    monkeypatch.setattr(ascent, "N_STEPS", 40)
    tagger = known()
    real, is_drama = known_tiles(60, 5)
    unit, spread = genre_unit(tagger, "Drama"), Spread.of(real)
    tile, value = drive(unit, spread, 100, rng())
    assert value > unit.values(real).max()
    assert value == pytest.approx(unit.values(tile[np.newaxis, :, :, np.newaxis])[0], rel=1e-4)
    z = (tile - spread.mean[..., 0]) / spread.deviation[..., 0]
    assert np.sqrt(np.mean(z**2)) == pytest.approx(ascent.RADIUS, rel=1e-4)
    over = (BANDS.back @ tile)[CAUSE].mean()
    assert over > np.mean([(BANDS.back @ t[..., 0])[CAUSE].mean() for t in real[~is_drama]]) + 0.3
    np.testing.assert_array_equal(tile, drive(unit, spread, 100, rng())[0])


# --- Units ------------------------------------------------------------------------------------------------------------


def test_units_by_name():
    tagger, tiles = known(), known_tiles(6, 6)[0]
    hidden = find_unit(tagger, "6:3")
    np.testing.assert_array_equal(hidden.values(tiles), tagger.model.hidden(tiles, 7)[:, 3].astype(float))
    channel = find_unit(tagger, "1:4")
    expected = tagger.model.hidden(tiles, 2)[..., 4].max(axis=(1, 2))
    np.testing.assert_array_equal(channel.values(tiles), expected.astype(float))
    for unit in (hidden, channel):
        values, gradient = unit.value_and_gradient(tiles)
        np.testing.assert_allclose(values, unit.values(tiles), rtol=1e-6)
        assert gradient.shape == tiles.shape and gradient.any()
    # a channel looks at one place: five frames
    assert (channel.value_and_gradient(tiles)[1] != 0).any(axis=(1, 3)).sum(axis=1).max() == 5
    used = most_used(tagger, "Drama", tiles)
    assert used.name.startswith("6:") and used.until == 7
    is_drama = np.arange(6) % 2 == 1
    assert used.values(tiles)[is_drama].mean() > used.values(tiles)[~is_drama].mean()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Western", "genre 'Western': the model has Noise, Drama"),
        ("9:0", r"unit '9:0': the network has layers 0 to 8, but none of index 9"),
        ("6:8", r"unit '6:8': layer 6, Tanh\(\), has units 0 to 7, not 8"),
        ("6:x", "unit '6:x': expected a genre, or LAYER:UNIT"),
        ("Drama:6:3", "unit 'Drama:6:3': expected a genre, or LAYER:UNIT"),
        ("6:-1", "expected a genre, or LAYER:UNIT"),
    ],
)
def test_units_that_do_not_exist(text, message):
    with pytest.raises(ValueError, match=message):
        find_unit(known(), text)


@functools.cache
def shipped():
    return Tagger.load(EXAMPLES / "models" / "filmscore.npz")


def test_units_of_a_network_for_each_genre():
    tagger, tiles = shipped(), rng().standard_normal((4, 40, 100, 1)).astype(np.float32)
    unit = find_unit(tagger, "thriller:2:7")
    member = tagger.model.members_[tagger.class_names.index("Thriller")][0]
    np.testing.assert_array_equal(unit.values(tiles), member.hidden(INPUTS["modulation"](tiles), 3)[:, 7].astype(float))
    assert most_used(tagger, "Comedy", tiles).name.startswith("Comedy:")
    with pytest.raises(ValueError, match="expected a genre, or GENRE:LAYER:UNIT, as each genre has its own network"):
        find_unit(tagger, "2:7")
    still = baseline(tagger, tiles)
    np.testing.assert_allclose(still[:, :, 0], tiles.mean(axis=2), atol=1e-6)


def test_kernels_over_bands_are_what_the_first_layer_adds_up():
    model = known().model
    tile = rng(7).standard_normal((1, 40, 100, 1)).astype(np.float32)
    kernel = figures.kernel_over_bands(model, BANDS, 2, 0)
    middle = model.network_.shapes[1][1] // 2
    assert kernel.shape == (41, 5)
    zero, here = (model.hidden(x, 1)[0, 0, middle, 2] for x in (0 * tile, tile))
    assert here - zero == pytest.approx((kernel * BANDS.of_tiles(tile)[0, :, middle : middle + 5]).sum(), rel=1e-3)


# --- Sounds -----------------------------------------------------------------------------------------------------------


def test_joined_excerpts_are_level_and_fade():
    loud, soft = (scale * rng(s).standard_normal(8000) for s, scale in ((0, 0.5), (1, 0.01)))
    y = sounds.join([loud, soft], 8000)
    assert len(y) == 2 * (8000 + 0.4 * 8000)
    first, second = y[:8000], y[11200:19200]
    for part in (first, second):
        assert part[0] == part[-1] == 0
        assert np.sqrt(np.mean(part[1000:7000] ** 2)) == pytest.approx(sounds.LEVEL, rel=0.05)
    assert not y[8000:11200].any()


def test_a_coloured_excerpt_has_the_features_of_the_tile():
    recipe = MFCC()
    y = rng().standard_normal(2048 * 40)
    wanted = recipe(y) + np.outer(np.r_[3.0, -2.0, 1.0, np.zeros(37)], np.ones(40))
    coloured = sounds.colour(y, wanted, recipe, BANDS)
    before, after = (np.abs(recipe(x)[:3] - wanted[:3]).mean() for x in (y, coloured))
    assert after < 0.3 * before and len(coloured) == len(y)
    same = sounds.colour(y, recipe(y), recipe, BANDS)
    assert np.corrcoef(same[4096:-4096], y[4096:-4096])[0, 1] > 0.7  # it keeps its own phases


def test_excerpts_are_one_of_a_recording(tmp_path, capsys):
    soundfile.write(tmp_path / "short.wav", 0.1 * rng().standard_normal(22050), 22050)
    music = Music.read(shipped(), [*RECORDINGS, tmp_path])
    assert "left out: " in (err := capsys.readouterr().err) and "shorter than a window of 9.29 s" in err
    unit = genre_unit(shipped(), "Comedy")
    strongest = music.strongest(unit)
    assert sorted(excerpt.path for _, excerpt in strongest) == sorted(RECORDINGS)
    for row, excerpt in strongest:
        assert excerpt.value == pytest.approx(unit.values(music.tiles[row : row + 1])[0], rel=1e-4)
        of_same = music.recording == music.recording[row]
        assert excerpt.value == pytest.approx(unit.values(music.tiles)[of_same].max())
        assert len(excerpt.samples(22050)) == pytest.approx(9.288 * 22050, abs=30)
    with pytest.raises(ValueError, match="expected a recording that fills a window, got none"):
        Music.read(shipped(), [tmp_path])


# --- The page of documentation ----------------------------------------------------------------------------------------


def test_the_documentation_runs_and_its_pictures_are_there():
    page = Path(__file__).parents[2] / "docs" / "inside.md"
    failed, tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert tried > 5 and failed == 0
    targets = [page.parent / target for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))]
    assert len(targets) >= 3 and all(target.stat().st_size < 150_000 for target in targets)


# --- The script -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shipped", "network"])
def test_the_page(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ascent, "N_STEPS", 3)
    arguments = ["--out", str(tmp_path / "page"), "--pictures", str(tmp_path / "pictures")]
    arguments += ["--track", str(RECORDINGS[0]), "--music", *map(str, RECORDINGS)]
    if kind == "network":
        about = {"recipe": MFCC().to_dict(), "class_names": ["Noise", "Drama"], "options": {}, "inputs": "mfcc"}
        nn.save(tmp_path / "model.npz", known().model, **about)
        arguments = [str(tmp_path / "model.npz"), *arguments, "--unit", "0:1"]
        wanted = {"first-layer", "0-1", "return_to_home-noise", "return_to_home-drama"}
    else:
        arguments += ["--genre", "thriller", "--unit", "thriller"]
        wanted = {"first-layer", "thriller", "return_to_home-thriller"}
    assert filmscore_inside.main(arguments) == 0
    out = capsys.readouterr().out
    assert "the two ways agree by" in out and "windows of 2 recordings" in out
    pictures = {path.stem for path in (tmp_path / "pictures").glob("*.png")}
    assert wanted <= pictures
    html = (tmp_path / "page" / "index.html").read_text()
    assert html.count("data:image/png;base64,") == len(pictures)
    players = re.findall(r'<audio [^>]*src="([^"]+)"', html)
    assert players and "return_to_home.ogg" in html
    for player in players:
        y, sr = soundfile.read(tmp_path / "page" / player)
        assert sr == 22050 and len(y) > 9 * sr and np.abs(y).max() <= 1 and np.sqrt(np.mean(y**2)) > 0.05


@pytest.mark.slow
def test_unless_told_otherwise_the_page_has_each_genre_and_the_unit_that_moves_it_most(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(filmscore_inside, "show_unit", lambda page, tagger, bands, unit, *rest: shown.append(unit.name))
    monkeypatch.setattr(filmscore_inside, "show_track", lambda *arguments: None)
    assert filmscore_inside.main(["--out", str(tmp_path), "--genre", "thriller", "--genre", "Comedy"]) == 0
    genres, units = shown[:2], shown[2:]
    assert genres == ["Thriller", "Comedy"] and [name.rpartition(":")[0] for name in units] == [
        "Thriller:3",
        "Comedy:3",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unit", "Western"], "genre 'Western': the model has Action, Adventure"),
        (["--genre", "Western"], "genre 'Western': the model has Action"),
        (["--unit", "thriller:9:0"], "has layers 0 to 4, but none of index 9"),
        (["--track", "SHORT"], "shorter than a window of 9.29 s"),
        (["--track", "missing.ogg"], "missing.ogg"),
        (["SHORT"], "expected"),
    ],
)
def test_what_the_script_refuses(arguments, message, tmp_path, capsys):
    soundfile.write(tmp_path / "short.wav", 0.1 * rng().standard_normal(22050), 22050)
    arguments = [str(tmp_path / "short.wav") if argument == "SHORT" else argument for argument in arguments]
    assert filmscore_inside.main([*arguments, "--out", str(tmp_path / "page")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("filmscore_inside: ") and message in err and not (tmp_path / "page").exists()
