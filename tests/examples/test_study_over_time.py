"""The study of models over time: recurrence within a window, and over the windows of a track."""

import dataclasses

import numpy as np
import pytest

import nnlite as nn
from filmscore import inputs
from filmscore.networks import convolutional_recurrent
from filmscore.study import fitting, folds, sequences, trials
from filmscore.study.models import BASE, OVER_TIME
from tests.examples.made_up import made_up_features


def test_recurrence_runs_over_the_time_that_convolutions_leave():
    network = convolutional_recurrent(10, units=7)
    (place,) = [k for k, layer in enumerate(network.layers) if isinstance(layer, nn.GRU)]
    assert network.shapes[place - 2 : place + 2] == ((8, 23, 64), (23, 8, 64), (23, 512), (7,))


def test_tiles_as_sequences_have_frames_first():
    tiles = made_up_features().tiles
    sequences_of_frames = inputs.frames(tiles)
    assert sequences_of_frames.shape == (len(tiles), 100, 40)
    np.testing.assert_array_equal(sequences_of_frames[3, 7], tiles[3, :, 7, 0])


def test_sequences_of_tracks_follow_time_and_end_in_padding():
    features = made_up_features(n_games=2, tracks_per_game=2, windows_per_track=3)
    features.track_of_tile[:] = np.repeat([0, 1, 2, 3], [5, 3, 2, 2])
    features.start_s[:] = [4, 3, 2, 1, 0, 0, 1, 2, 0, 1, 0, 1]
    inner = np.arange(24, dtype=np.float32).reshape(12, 2)
    found = sequences.track_sequences(inner, features, np.array([0, 2]), 6)
    np.testing.assert_array_equal(found[0, :5], inner[4::-1])
    np.testing.assert_array_equal(found[1, :2], inner[8:10])
    assert np.isnan(found[0, 5:]).all() and np.isnan(found[1, 2:]).all()


def test_a_track_shorter_than_a_window_is_refused_by_name():
    features = made_up_features(n_games=2, tracks_per_game=2, windows_per_track=3)
    features.track_of_tile[features.track_of_tile == 1] = 0
    with pytest.raises(ValueError, match=r"g0/t1: expected one window of 9.3 s or more, got none.*shorter than that"):
        sequences.track_sequences(np.zeros((12, 2), np.float32), features, np.arange(4), 6)


def test_a_track_in_two_parts_is_refused():
    features = made_up_features()
    with pytest.raises(ValueError, match="expected all windows of a track in one part, got those of 'g0/t0' in two"):
        sequences.check_whole_tracks(features, folds.Parts(np.arange(2), np.arange(2, 100), np.arange(100, 216)))
    sequences.check_whole_tracks(features, folds.Parts(np.arange(6), np.arange(6, 102), np.arange(102, 216)))


def test_a_game_of_many_windows_weighs_no_more_among_tracks(monkeypatch):
    monkeypatch.setattr(sequences, "CAP", 6)
    features = made_up_features()  # 18 windows a game
    assert sequences.track_weights(features, np.array([0, 4])).tolist() == [1 / 3, 1 / 3]
    monkeypatch.setattr(sequences, "CAP", 150)
    assert sequences.track_weights(features, np.array([0, 4])).tolist() == [1, 1]


def test_the_windows_of_a_track_share_the_recurrent_networks_value(monkeypatch, tmp_path):
    """It builds on the convolutional network of the fold, which is trained once and kept."""
    features = made_up_features()
    small = dataclasses.replace(BASE, epochs=1)
    monkeypatch.setattr(trials, "read_seen", lambda *_: (features, features.tiles))
    for module in (fitting, sequences, trials):
        monkeypatch.setattr(module, "BASE", small)
    monkeypatch.setattr(fitting, "CAP", 3)
    folder = {"features": {"11025.0": ""}, "out": str(tmp_path)}
    base = trials.task(small, "game", 2)
    trials.run(base, **folder)
    (kept,) = (tmp_path / "networks").iterdir()
    before = kept.read_bytes()
    task = trials.task(dataclasses.replace(OVER_TIME["track"], epochs=2), "game", 2)
    trials.run(task, **folder)
    assert [*(tmp_path / "networks").iterdir()] == [kept] and kept.read_bytes() == before
    found = trials.read_values(trials.values_path(tmp_path, task))
    for rows, values in ((found.validation_rows, found.validation), (found.test_rows, found.test)):
        of_track = features.track_of_tile[rows]
        first = np.unique(of_track, return_index=True)[1]
        np.testing.assert_array_equal(values, values[first][np.searchsorted(of_track[first], of_track)])
        assert len(np.unique(values[:, 0])) > 1
    with pytest.raises(ValueError, match="Split by track or by game"):
        trials.run(trials.task(OVER_TIME["track"], "window", 2), **folder)
