"""The example on the shipped sample, for one epoch; its splits and judgements on made-up features."""

import json

import build_features
import filmscore_cnn
import filmscore_tables
import numpy as np
import pytest
import soundfile

import mfcc
import nnlite as nn
from filmscore import options
from filmscore.evaluation import judge
from filmscore.features import load_features
from filmscore.networks import convolutional, fully_connected
from filmscore.recording import Settings, read_recording
from filmscore.splits import split_features
from filmscore.tagging import tag
from tests.examples.made_up import made_up_features
from tests.faults.killed_programs import write_tiles


@pytest.mark.parametrize("by", ["window", "track", "game"])
def test_parts_share_nothing_and_training_keeps_every_class(by):
    features = made_up_features()
    split = split_features(features, by, np.random.default_rng(0))
    parts = (split.train, split.validation, split.test)
    assert sorted(np.concatenate(parts)) == list(range(len(features.tiles)))
    groups = [set(features.groups(by)[part]) for part in parts]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert features.labels[split.train].any(axis=0).all()
    assert "Romance" in split.not_evaluable and "Action" not in split.not_evaluable


def test_a_perfect_network_is_judged_perfect_and_the_prior_is_not():
    features = made_up_features()
    split = split_features(features, "track", np.random.default_rng(0))
    labels = features.labels.astype(float)
    judgement = judge(features, split, labels[split.validation], labels[split.test])
    for part in (judgement.window, judgement.track):
        assert part["macro"]["f1"] == part["macro"]["roc_auc"] == part["label_ranking_average_precision"] == 1
        assert part["coverage_error"] == part["best_coverage_error"]
        assert "Romance" not in part["classes"]
    assert judgement.prior_track["macro"]["roc_auc"] == 0.5
    assert judgement.prior_track["label_ranking_average_precision"] < 0.9
    assert judgement.track["n_samples"] == len(set(features.track_of_tile[split.test]))


def test_the_networks_are_the_published_ones():
    summary = convolutional(10).summary()
    assert "250,662 parameters" in summary
    assert [size for size in convolutional(10).shapes if len(size) == 3][-1] == (1, 5, 256)
    assert fully_connected(10).output_shape == (10,)
    assert not [layer for layer in convolutional(10, dropout=False).layers if isinstance(layer, nn.Dropout)]


def test_loudness_does_not_change_the_tags(tmp_path):
    rng = np.random.default_rng(0)
    y = (rng.standard_normal(22050 * 20) * 0.1).astype(np.float32)
    soundfile.write(tmp_path / "loud.wav", y, 22050, subtype="FLOAT")
    soundfile.write(tmp_path / "soft.wav", y / 50, 22050, subtype="FLOAT")
    settings = Settings(mfcc.MFCC())
    loud, soft = (read_recording(tmp_path / name, settings).tiles for name in ("loud.wav", "soft.wav"))
    np.testing.assert_allclose(loud.values, soft.values, atol=2e-3)
    assert loud.recipe == soft.recipe == settings.recipe

    class First:
        def predict_proba(self, tiles):
            return tiles[:, :3, 0, 0]

    assert tag(First(), loud).shape == (3,)


def test_one_epoch_on_the_sample_writes_everything(tmp_path, capsys):
    out = tmp_path / "out"
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"no audio")
    recordings = [str(options.DATA / "return_to_home.ogg"), str(broken)]
    assert filmscore_cnn.main(["--epochs", "1", "--out", str(out), "--tag", *recordings]) == 0
    said = capsys.readouterr()
    assert "return_to_home.ogg: " in said.out and "split by track" in said.out
    assert str(broken) in said.err
    files = {path.name for path in out.iterdir()}
    assert files >= {"model.npz", "history.csv", "results.json", "learning_curve.png", "f1.png", "return_to_home.png"}
    assert (out / "history.csv").read_text().splitlines()[0].startswith("epoch,loss,learning_rate,seconds,val_loss")
    model = nn.load(out / "model.npz")
    features = load_features(options.DATA / "sample")
    assert model.metadata_["recipe"] == features.recipe.to_dict()
    assert model.metadata_["class_names"] == list(features.class_names)
    assert model.predict_proba(features.tiles[:3]).shape == (3, 10)
    assert json.loads((out / "results.json").read_text())["options"]["split"] == "track"
    assert filmscore_tables.main([f"one epoch={out}"]) == 0
    table = capsys.readouterr().out
    assert "| one epoch | 1 |" in table and "| Musical | not evaluable" in table


def test_classes_of_ones_own(tmp_path, capsys):
    write_tiles(tmp_path / "tiles", ("Drama", "Noir", "Western"))
    arguments = ["--features", str(tmp_path / "tiles"), "--split", "game", "--epochs", "1", "--tag"]
    assert filmscore_cnn.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    table = [line.split()[0] for line in said[said.index("class  ") :].splitlines() if line]
    assert table[:5] == ["class", "Drama", "Noir", "Western", "macro"]
    assert (tmp_path / "out" / "f1.png").exists()


def test_mel_bands_in_place_of_coefficients(tmp_path, capsys):
    """Recordings become log-mel tiles, a network of their shape is trained, and it tags a recording."""
    (tmp_path / "music").mkdir()
    rows, rng = ["path,tags,game"], np.random.default_rng(0)
    for k in range(6):
        noise = 0.1 * rng.standard_normal(22050 * 10).astype(np.float32)
        soundfile.write(tmp_path / "music" / f"{k}.wav", np.cumsum(noise) / 50 if k % 2 else noise, 22050)
        rows.append(f"{k}.wav,{'Drama' if k % 2 else 'Comedy'},game{k}")
    (tmp_path / "tags.csv").write_text("\n".join(rows))
    made = [str(tmp_path / "music"), "--tags", str(tmp_path / "tags.csv"), "--out", str(tmp_path / "features")]
    made += ["--classes", "Comedy,Drama", "--set", "output=log_mel", "--set", "n_mels=64", "--set", "n_fft=1024"]
    assert build_features.main([*made, "--frames", "60", "--processes", "1"]) == 0
    features = load_features(tmp_path / "features")
    assert features.tile_shape == (64, 60, 1)
    out = str(tmp_path / "out")
    trained = ["--features", str(tmp_path / "features"), "--split", "window", "--epochs", "1", "--out", out]
    assert filmscore_cnn.main([*trained, "--tag", str(tmp_path / "music" / "1.wav")]) == 0
    assert "1.wav: " in capsys.readouterr().out
    model = nn.load(tmp_path / "out" / "model.npz")
    assert mfcc.MFCC.from_dict(model.metadata_["recipe"]) == features.recipe
    settings = Settings(mfcc.FILMSCORE, n_frames=60)
    tiles = read_recording(tmp_path / "music" / "1.wav", settings).tiles
    with pytest.raises(ValueError, match=r"tag: .*output"):
        tag(model, tiles)


def test_missing_features_are_named(tmp_path, capsys):
    assert filmscore_cnn.main(["--features", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_tables_need_results(tmp_path, capsys):
    assert filmscore_tables.main([f"x={tmp_path}"]) == 2
    assert "no such file" in capsys.readouterr().err
