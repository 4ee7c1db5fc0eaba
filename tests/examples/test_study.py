"""The study: its folds, its figures against other ways to compute them, and a small one from end to end."""

import dataclasses
import json

import build_features
import filmscore_report
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

import nnlite as nn
from filmscore import inputs
from filmscore.augmentation import Augmentation
from filmscore.study import costs, fitting, folds, judging, over_time, published_run, report, tables, trials
from filmscore.study.models import BASE, FEATURES, LADDER, MODELS, OVER_TIME, TRIED, Model
from filmscore.study.trials import Values
from nnlite import metrics
from tests.examples.made_up import NAMES, made_up_features


def made_up_values(features, by="game", seed=0, informative=0.1):
    """Return values of noise and labels for each fold of a split."""
    rng = np.random.default_rng(seed)
    assigned = folds.folds_of_rows(folds.make_folds(features, by), folds.group_names(features, by))
    found = []
    for fold in range(folds.N_FOLDS):
        part = folds.parts(assigned, fold)
        values = [
            rng.random((len(rows), len(NAMES))) + informative * features.labels[rows]
            for rows in (part.validation, part.test)
        ]
        found.append(Values(part.validation, values[0] / 2, part.test, values[1] / 2, []))
    return found


@pytest.mark.parametrize("by", ["game", "track", "window"])
def test_every_window_is_tested_once_and_its_group_is_in_no_other_part(by):
    features = made_up_features()
    names = folds.group_names(features, by)
    assigned = folds.folds_of_rows(folds.make_folds(features, by), names)
    tested = []
    for fold in range(folds.N_FOLDS):
        part = folds.parts(assigned, fold)
        tested.append(part.test)
        groups = [set(names[rows]) for rows in part]
        assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
        assert sum(map(len, part)) == len(names)
    assert sorted(np.concatenate(tested)) == list(range(len(names)))


def test_folds_are_written_once_and_read_with_the_same_hash(tmp_path):
    features = made_up_features()
    first = folds.stored_folds(tmp_path / "folds.json", features, "game")
    again = folds.stored_folds(tmp_path / "folds.json", features, "game")
    assert first[1] == again[1] and (first[0] == again[0]).all()
    with pytest.raises(ValueError, match="expected game, track, window or composer, got 'album'"):
        folds.group_names(features, "album")


def test_training_sees_at_most_so_many_windows_of_a_game(monkeypatch):
    monkeypatch.setattr(fitting, "CAP", 5)
    features = made_up_features()
    rows = fitting.some_of_each_game(features, np.arange(100), np.random.default_rng(0))
    assert np.bincount(features.groups("game")[rows]).max() == 5


@pytest.fixture(scope="module")
def judged():
    features = made_up_features()
    found = made_up_values(features)
    pieces = judging.tracks(features, found)
    return features, found, pieces, judging.judge(features, pieces, one_label=False)


def test_figures_are_those_of_scikit_learn(judged):
    _, _, pieces, judgement = judged
    names = list(judgement.classes)
    assert names == ["Action", "Comedy", "Drama"]  # Romance has one soundtrack
    for k, name in enumerate(names):
        y, values = pieces.labels[:, k], pieces.values[:, k]
        # ROC-AUC of the folds, weighted by their numbers of pairs.
        areas, weights = [], []
        for fold in np.unique(pieces.fold):
            here = pieces.fold == fold
            if 0 < y[here].sum() < here.sum():
                areas.append(roc_auc_score(y[here], values[here]))
                weights.append(y[here].sum() * (~y[here]).sum())
        assert judgement.classes[name]["roc_auc"] == pytest.approx(np.average(areas, weights=weights))
        assert judgement.classes[name]["f1"] == pytest.approx(f1_score(y, pieces.chosen[:, k]))
        assert judgement.classes[name]["f1_fixed"] == pytest.approx(f1_score(y, values >= 0.5))
        assert judgement.classes[name]["average_precision"] == pytest.approx(average_precision_score(y, values))
    assert judgement.figures["lrap"] == pytest.approx(
        metrics.label_ranking_average_precision(pieces.labels, pieces.values)
    )
    assert judgement.figures["coverage_error"] == pytest.approx(metrics.coverage_error(pieces.labels, pieces.values))
    assert judgement.best_coverage_error == metrics.best_coverage_error(pieces.labels)
    assert judgement.figures["roc_auc"] == pytest.approx(np.mean([c["roc_auc"] for c in judgement.classes.values()]))


def test_one_label_counts_the_highest_value_alone(judged):
    features, _, pieces, _ = judged
    judgement = judging.judge(features, pieces, one_label=True)
    first = pieces.values.argmax(axis=1) == 1
    assert judgement.classes["Comedy"]["f1_fixed"] == pytest.approx(f1_score(pieces.labels[:, 1], first))


def test_intervals_are_those_of_whole_games_drawn_again(judged):
    """They equal those of the library's bootstrap, which copies rows."""
    _, _, pieces, judgement = judged
    interval = metrics.bootstrap_intervals(
        metrics.label_ranking_average_precision,
        pieces.labels,
        pieces.values,
        pieces.game,
        np.random.default_rng(1),
        n_resamples=2000,
    )
    low, high = judgement.intervals["lrap"]
    assert low == pytest.approx(interval.low, abs=0.01) and high == pytest.approx(interval.high, abs=0.01)
    assert low < judgement.figures["lrap"] < high


def test_a_resampled_area_is_that_of_the_drawn_rows(judged):
    """In one resample by hand, rows of a game that is drawn twice are there twice."""
    _, _, pieces, judgement = judged
    games = np.unique(pieces.game)
    drawn = judging._resamples(len(games), 0)[1:][7].astype(int)
    rows = np.concatenate([np.repeat(np.flatnonzero(pieces.game == g), n) for g, n in zip(games, drawn, strict=True)])
    areas = []
    for k in range(3):
        right = total = 0.0
        for fold in np.unique(pieces.fold):
            here = rows[pieces.fold[rows] == fold]
            y, values = pieces.labels[here, k], pieces.values[here, k].astype(float)
            if y.any() and not y.all():
                difference = values[y][:, None] - values[~y]
                right += (difference > 0).sum() + (difference == 0).sum() / 2
                total += difference.size
        areas.append(right / total if total else np.nan)
    assert judgement.resampled["roc_auc"][7] == pytest.approx(np.nanmean(areas))


def test_what_a_prior_says_ranks_nothing():
    """Shares differ between folds; if folds were mixed, they would rank a genre's tracks the wrong way round."""
    features = made_up_features()
    found = [
        each._replace(
            validation=np.tile(np.float32([0.3, 0.1, 0.7, 0.2]) + number, (len(each.validation), 1)),
            test=np.tile(np.float32([0.3, 0.1, 0.7, 0.2]) + number, (len(each.test), 1)),
        )
        for number, each in enumerate(made_up_values(features))
    ]
    for pieces in (judging.tracks(features, found), judging.windows(features, found)):
        judgement = judging.judge(features, pieces, one_label=True)
        assert judgement.figures["roc_auc"] == 0.5


def test_the_difference_of_a_model_from_itself_is_nothing_and_of_a_better_one_is_seen(judged):
    features, _, _, judgement = judged
    assert judging.difference(judgement, judgement, "roc_auc") == (0, 0, 0)
    better = judging.judge(
        features, judging.tracks(features, made_up_values(features, informative=0.4)), one_label=False
    )
    gain, low, high = judging.difference(better, judgement, "roc_auc")
    assert 0 < low < gain < high


def test_log_mel_undoes_the_cosine_transform():
    from scipy.fft import dct

    bands = np.random.default_rng(0).standard_normal((2, 41, 7, 1))
    coefficients = dct(bands, axis=1, norm="ortho")[:, 1:]
    centred = bands - bands.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(inputs.log_mel(coefficients.astype(np.float32)), centred, atol=1e-5)


def test_track_scaling_leaves_each_track_mean_0_and_deviation_1():
    rng = np.random.default_rng(0)
    tracks = np.array([0, 1, 0, 1, 1])
    scaled = trials.track_scaled((rng.standard_normal((5, 3, 8, 1)) * 4 + tracks[:, None, None, None]), tracks)
    for track in (0, 1):
        np.testing.assert_allclose(scaled[tracks == track].mean(axis=(0, 2)), 0, atol=1e-12)
        np.testing.assert_allclose(scaled[tracks == track].std(axis=(0, 2)), 1)


def test_augmentations_do_what_they_say():
    x = np.random.default_rng(0).standard_normal((6, 40, 100, 1)).astype(np.float32)
    before = x.copy()
    rolled = Augmentation("roll")(x, np.random.default_rng(1))
    assert not np.array_equal(rolled, x) and np.array_equal(np.sort(rolled, axis=2), np.sort(x, axis=2))
    shift = Augmentation("equalizer")(x, np.random.default_rng(1)) - x
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :, :1], x.shape), atol=1e-5)
    assert 0.3 < shift[:, :, 0].std() < 0.7
    masked = Augmentation("mask")(x, np.random.default_rng(1))
    assert ((masked == x) | (masked == 0)).all() and 0 < (masked == 0).mean() < 0.4
    assert np.array_equal(x, before)
    assert np.array_equal(masked, Augmentation("mask")(x, np.random.default_rng(1)))
    with pytest.raises(ValueError, match="got 'pitch'"):
        Augmentation("roll+pitch")


def test_steps_of_the_ladder_change_something_and_say_it():
    settings = [json.dumps(model.settings) for model in (*LADDER.values(), *TRIED.values())]
    assert len(set(settings)) == len(settings) and BASE in LADDER.values()
    assert "title" not in BASE.settings


def test_settings_that_came_later_leave_what_is_done_done():
    """Keys of old journals stay the same while a newer setting has its default."""
    assert "recipe" not in BASE.settings and "first_pool" not in BASE.settings
    assert dataclasses.replace(BASE, recipe="log_mel").settings == BASE.settings | {"recipe": "log_mel"}
    assert (BASE.features, OVER_TIME["log_mel"].features) == ("11025.0", "log_mel")
    assert {model.features for model in (*OVER_TIME.values(), *LADDER.values(), *TRIED.values())} <= FEATURES.keys()


@pytest.mark.parametrize("name", ["log_mel", "log_spectrum"])
def test_other_inputs_have_windows_of_the_same_duration(name):
    options = build_features.parse([".", *FEATURES[name]])
    recipe = options.recipe
    assert options.frames / recipe.frame_rate == pytest.approx(100 * 2048 / 22050, abs=1e-9)
    shape = (recipe.n_features, options.frames, 1)
    network = fitting.network(OVER_TIME[name], 4, shape)
    assert network.output_shape == (4,) and network.layers[2].window == (OVER_TIME[name].first_pool, 2)


def test_costs_are_measured_once_for_all(tmp_path, monkeypatch):
    monkeypatch.setattr(costs, "ROUNDS", 1)
    net = nn.Sequential([nn.Flatten(), nn.Dense(3)], (4, 5, 1))
    batch = costs.Batch(net, nn.SoftmaxCrossEntropy(), nn.SGD(), np.ones((8, 4, 5, 1), np.float32), 8)
    made = []

    def make():
        made.append(1)
        return batch

    first = costs.measured(tmp_path / "costs.json", {"a": make})
    assert first["a"].parameters == 63 and first["a"].training_ms > 0 and first["a"].inference_ms > 0
    assert costs.measured(tmp_path / "costs.json", {"a": make}) == first and len(made) == 1
    both = costs.measured(tmp_path / "costs.json", {"a": make, "b": make})  # in one run, so a is measured again too
    assert both.keys() == {"a", "b"} and len(made) == 3
    assert both["a"] + both["b"] == (126, both["a"][1] + both["b"][1], both["a"][2] + both["b"][2])


@pytest.mark.parametrize("name", ["cnn", "gru", "crnn", "track"])
def test_costs_are_those_of_a_step_of_training(name):
    """A step has as many samples as a batch, of the model's input shape; a track stands for its windows."""
    features = made_up_features()
    found = over_time.batch(OVER_TIME[name], features)
    samples = OVER_TIME[name].batch_size
    assert found.n_windows == samples * (6 if name == "track" else 1) and len(found.x) == samples
    assert found.network.output_shape == (4,) and found.network.input_shape == found.x.shape[1:]


def test_markers_are_filled_and_strange_ones_refused():
    text = "a\n<!-- begin one -->\nold\n<!-- end -->\nb"
    assert report.filled(text, {"one": "new"}) == "a\n<!-- begin one -->\nnew\n<!-- end -->\nb"
    assert report.filled(text, {}) == text
    with pytest.raises(ValueError, match="got none for \\['two'\\]"):
        report.filled(text, {"one": "new", "two": "more"})


def test_the_most_confident_mislabelings_come_first_and_one_of_a_soundtrack(judged):
    features, _, pieces, _ = judged
    values = pieces.values.copy()
    piece = int(np.flatnonzero(~pieces.labels[:, 1])[0])
    values[piece, 1] = 9
    lines = tables.mislabelings(features, dataclasses.replace(pieces, values=values), 3).splitlines()
    assert len(lines) == 5 and f"| {features.tracks[pieces.track[piece]].game} |" in lines[2]
    assert "Comedy 9.00" in lines[2]


@pytest.mark.parametrize("kind", ["prior", "logistic", "mlp", "cnn", "ensemble", "gru", "crnn"])
def test_each_kind_of_model_gives_values_for_both_parts(kind, monkeypatch, tmp_path):
    features = made_up_features()
    monkeypatch.setattr(trials, "read_seen", lambda _, kind, *__: (features, inputs.INPUTS[kind](features.tiles)))
    monkeypatch.setattr(fitting, "CAP", 3)
    model = (MODELS | OVER_TIME)[kind]
    task = trials.task(dataclasses.replace(model, epochs=1), "game", 2)
    outcome = trials.run(task, features={"11025.0": ""}, out=str(tmp_path))
    kept = trials.read_values(trials.values_path(tmp_path, task))
    for rows, values in ((kept.validation_rows, kept.validation), (kept.test_rows, kept.test)):
        assert values.shape == (len(rows), 4) and ((values >= 0) & (values <= 1)).all()
    assert 0 <= outcome["roc_auc"] <= 1
    again = trials.run(task, features={"11025.0": ""}, out=str(tmp_path))
    assert outcome == again


@pytest.mark.slow
def test_the_report_of_a_small_study(monkeypatch, tmp_path, capsys):
    """The study goes from features to RESULTS.md with quick models; a second run trains nothing."""
    pytest.importorskip("matplotlib")
    features = made_up_features()
    monkeypatch.setattr(trials, "read_seen", lambda *_: (features, features.tiles))
    monkeypatch.setattr(filmscore_report, "load_features", lambda _: features)
    monkeypatch.setattr(filmscore_report, "digest", lambda _: "made up")
    monkeypatch.setattr(fitting, "CAP", 3)
    quick = {"kind": "logistic", "epochs": 1}
    short = {
        name: dataclasses.replace(model, **quick, label_smoothing=0.01 * number)
        for number, (name, model) in enumerate(MODELS.items())
    }
    long = dataclasses.replace(short["cnn"], epochs=2, title="long")
    for module in (filmscore_report, over_time):
        over = {"cnn": short["cnn"], "log_mel": dataclasses.replace(long, epochs=3)}
        monkeypatch.setattr(module, "OVER_TIME", over)
    monkeypatch.setattr(over_time, "BASE", short["cnn"])
    monkeypatch.setattr(costs, "ROUNDS", 1)
    for module in (filmscore_report, report):
        monkeypatch.setattr(module, "MODELS", short)
        monkeypatch.setattr(module, "LADDER", {short["cnn"].title: short["cnn"], "eight times": long})
        monkeypatch.setattr(module, "TRIED", {"smoother": dataclasses.replace(short["cnn"], label_smoothing=0.4)})
        monkeypatch.setattr(module, "LONG", long)
        monkeypatch.setattr(module, "MODULATION", dataclasses.replace(short["cnn"], label_smoothing=0.5))
    monkeypatch.setattr(report, "BASE", short["cnn"])
    lasting = {epochs: dataclasses.replace(long, label_smoothing=0.6 + epochs / 10_000) for epochs in (24, 655)}
    monkeypatch.setattr(published_run, "LASTING", lasting)
    monkeypatch.setattr(judging, "N_RESAMPLES", 20)
    for hz in filmscore_report.BANDS_HZ:
        (tmp_path / f"features-{hz:.0f}").mkdir()
        (tmp_path / f"features-{hz:.0f}" / "features.json").touch()
    trained = []
    monkeypatch.setattr(trials, "FITS", {kind: _counted(fit, trained) for kind, fit in trials.FITS.items()})
    arguments = ["--out", str(tmp_path), "--processes", "1", "--seeds", "1"]
    assert filmscore_report.main(arguments) == 0
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| convolutional |" in text and "| ensemble |" in text
    pictures = sorted(path.name for path in (tmp_path / "docs" / "study").glob("*.png"))
    assert pictures == ["confusion.png", "learning_curves.png", "models.png", "published_run.png", "splits.png"]
    n = len(trained)
    # four models by three splits, three by game, one change on three folds; on log-mel bands three folds; two long runs
    assert n == 6 * (4 * 3 + 3) + 3 + 3 + 2
    assert filmscore_report.main(arguments) == 0 and len(trained) == n
    assert (tmp_path / "RESULTS.md").read_text() == text

    # The section alone: its own journal trains the models that are compared with, and no others.
    (tmp_path / "RESULTS.md").write_text("before\n<!-- begin over-time -->\n<!-- end -->\n")
    assert filmscore_report.main([*arguments, "--only", "over-time"]) == 0 and len(trained) == n + 6
    section = (tmp_path / "RESULTS.md").read_text()
    assert section.startswith("before\n") and section.splitlines()[2:-1] == _block(text, "over-time")


def _block(text, name):
    return text.partition(f"<!-- begin {name} -->\n")[2].partition("\n<!-- end -->")[0].splitlines()


def _counted(fit, trained):
    def counting(*arguments):
        trained.append(arguments[0])
        return fit(*arguments)

    return counting


def test_a_model_of_unknown_settings_is_refused():
    with pytest.raises(TypeError):
        Model("", **{"kind": "cnn", "depth": 3})
