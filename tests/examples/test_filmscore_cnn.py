"""The example on the shipped sample, for one epoch; its splits and judgements on made-up features."""

import json

import filmscore_cnn
import filmscore_tables
import numpy as np
import pytest
import soundfile

import mfcc
import nnlite as nn
from filmscore import options
from filmscore.evaluation import judge
from filmscore.extract import Settings
from filmscore.features import load_features
from filmscore.networks import convolutional, fully_connected
from filmscore.splits import split_features
from filmscore.tagging import recording_tiles, tag
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
    loud, soft = (recording_tiles(tmp_path / name, settings) for name in ("loud.wav", "soft.wav"))
    np.testing.assert_allclose(loud.values, soft.values, atol=2e-3)
    assert loud.recipe == soft.recipe == settings.recipe

    class First:
        def predict_proba(self, tiles):
            return tiles[:, :3, 0, 0]

    assert tag(First(), loud).shape == (3,)


@pytest.mark.parametrize(
    ("samples", "message"),
    [(np.zeros(22050 * 20), "silent"), (np.full(22050, 0.1), "1.0 s long, shorter than a window of 9.3 s")],
)
def test_recordings_without_a_window_to_hear(tmp_path, samples, message):
    soundfile.write(tmp_path / "x.wav", samples, 22050)
    with pytest.raises(mfcc.AudioError, match=message):
        recording_tiles(tmp_path / "x.wav", Settings(mfcc.MFCC()))


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


def test_missing_features_are_named(tmp_path, capsys):
    assert filmscore_cnn.main(["--features", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_tables_need_results(tmp_path, capsys):
    assert filmscore_tables.main([f"x={tmp_path}"]) == 2
    assert "no such file" in capsys.readouterr().err
