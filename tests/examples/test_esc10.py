"""ESC-10 by its published methods, on made-up clips; and the networks of spoken digits, on made-up recordings."""

import shutil

import esc10
import numpy as np
import pytest
import soundfile
import spoken_digits
from esc import clips as esc_clips
from esc import judging, piczak

NAMES = "Dog bark,Rain,Sea waves,Baby cry,Clock tick,Person sneeze,Helicopter,Chainsaw,Rooster,Fire crackling".split(
    ","
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Make 400 clips of a class's own tone, 0.3 s each."""
    folder, rng = tmp_path_factory.mktemp("ESC-10"), np.random.default_rng(0)
    for k, name in enumerate(NAMES):
        (folder / f"{k + 1:03} - {name}").mkdir()
        for clip in range(40):
            t = np.arange(13230) / 44100
            y = 0.3 * np.sin(2 * np.pi * 300 * 1.4**k * t) + 0.01 * rng.standard_normal(len(t))
            path = folder / f"{k + 1:03} - {name}" / f"{clip % 5 + 1}-{1000 * k + clip // 2}-A.ogg"
            path = path if not path.exists() else path.with_name(path.name.replace("-A", "-B"))
            soundfile.write(path, y, 44100)
    return folder


def test_the_methods_tell_tones_apart_and_a_second_run_reads_the_votes(checkout, tmp_path, capsys, monkeypatch):
    arguments = ["--data", str(checkout), "--out", str(tmp_path / "votes"), "--seeds", "1"]
    assert esc10.main(arguments) == 0
    table = capsys.readouterr().out
    for name in ("k-NN", "SVM", "random forest"):
        (line,) = [line for line in table.splitlines() if line.startswith(name)]
        assert float(line.replace(name, "").split()[1]) > 95
    monkeypatch.setattr(esc10.baselines, "predict", None)
    assert esc10.main(arguments) == 0 and capsys.readouterr().out == table


def test_votes_of_other_settings_are_computed_anew(checkout, tmp_path):
    clips = esc_clips.load_clips(checkout, 8000)
    calls = []

    def predict(train, test):
        calls.append(int(test.sum()))
        assert not (train & test).any() and (train | test).all()
        return {"vote": np.eye(10)[clips.labels[test]]}

    for settings in ("a", "a", "b"):
        votes = judging.votes_of_folds(clips, tmp_path, "x", settings, predict)
        np.testing.assert_array_equal(votes["vote"].argmax(axis=1), clips.labels)
    assert calls == [80] * 10
    (tmp_path / "x-fold1.npz").write_bytes(b"no votes")
    with pytest.raises(ValueError, match="expected votes written by this program"):
        judging.votes_of_folds(clips, tmp_path, "x", "b", predict)


def test_the_interval_is_over_recordings():
    right = np.repeat([1.0, 0.0], 200)
    low, high = judging.interval(right, np.arange(400))
    assert 0.44 < low < 0.47 and 0.53 < high < 0.56  # 0.5 +- 1.96 sqrt(0.25 / 400)
    low, high = judging.interval(right, np.arange(400) // 40)  # ten recordings in all
    assert low < 0.25 and high > 0.75


def test_segments_overlap_by_half_and_silent_ones_are_left_out():
    y = np.zeros(5 * piczak.SR, np.float32)
    y[: 3 * piczak.SR] = np.random.default_rng(0).standard_normal(3 * piczak.SR)
    assert piczak.segments(np.tile(y[: piczak.SR], 5), "short").shape == (9, 60, 41)
    assert piczak.segments(y, "short").shape == (7, 60, 41)  # those that begin within the sound
    assert piczak.segments(np.tile(y[: piczak.SR], 5), "long").shape == (3, 60, 101)
    assert piczak.with_deltas(piczak.segments(y, "short")).shape == (7, 60, 41, 2)
    assert piczak.network("long").output_shape == (10,)


def test_the_network_votes_for_each_test_clip(monkeypatch):
    """Two tones are told apart; a clip of silence says nothing."""
    monkeypatch.setattr(piczak, "EPOCHS", {"short": 6, "long": 1})
    monkeypatch.setattr(piczak, "LEARNING_RATE", {"short": 0.01, "long": 0.01})
    rng, t = np.random.default_rng(0), np.arange(2 * piczak.SR) / piczak.SR
    labels = np.arange(25) % 10
    tones = np.sin(2 * np.pi * 150 * 1.5 ** labels[:, None] * t) + 0.02 * rng.standard_normal((25, len(t)))
    samples = tones.astype(np.float32)
    samples[24] = 0
    votes = piczak.predict(samples, labels, np.arange(25) < 20, np.arange(25) >= 20, "short", 0)
    for way in ("majority", "probability"):
        assert votes[way].shape == (5, 10) and (votes[way][:4].argmax(axis=1) == labels[20:24]).sum() >= 3
    np.testing.assert_allclose(votes["probability"].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(votes["probability"][4], 0.1)


@pytest.mark.parametrize("damage", ["nothing there", "a clip is missing", "a name is another"])
def test_no_checkout_says_how_to_get_one(damage, checkout, tmp_path, capsys):
    folder = tmp_path / "ESC-10"
    folder.mkdir()
    if damage != "nothing there":
        shutil.copytree(checkout, folder, dirs_exist_ok=True)
        path = sorted(folder.glob("*/*.ogg"))[0]
        path.unlink() if damage == "a clip is missing" else path.rename(path.with_name("bark.ogg"))
    assert esc10.main(["--data", str(folder)]) == 2
    assert "git clone" in capsys.readouterr().err


def test_both_networks_learn_made_up_digits(tmp_path, capsys):
    assert spoken_digits.main(["--data", str(tmp_path)]) == 2
    assert "git clone" in capsys.readouterr().err
    (tmp_path / "recordings").mkdir()
    rng = np.random.default_rng(0)
    for digit in range(10):
        for voice, pitch in (("ann", 1.0), ("bob", 0.97)):
            for take in range(12):
                t = np.arange(3200) / 8000
                y = 0.4 * np.sin(2 * np.pi * 250 * 1.3**digit * pitch * t * (1 + 0.4 * t)) + 0.02 * rng.standard_normal(
                    len(t)
                )
                soundfile.write(tmp_path / "recordings" / f"{digit}_{voice}_{take}.wav", y, 8000)
    assert spoken_digits.main(["--data", str(tmp_path), "--epochs", "40"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["convolutional", "recurrent"]
    assert all(float(line.split()[1]) > 0.5 and line.endswith("the voice bob") for line in lines[:2])
