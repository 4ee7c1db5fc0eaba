"""The films of the study: who trains and who tests, what is averaged, shares of genres, and a small report."""

import dataclasses

import filmscore_report
import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, roc_auc_score

from filmscore.study import films as film_study
from filmscore.study import folds, judging, share_study, shipping, transfer, trials
from filmscore.study.models import LINEAR, MODULATION, MOVEMENT, MOVEMENT_OF_FILMS
from nnlite.model_selection import balanced_weights
from tests.examples.made_up import NAMES, made_up_features, made_up_films

QUICK = dataclasses.replace(LINEAR, epochs=1, title="quick")


@pytest.fixture
def read(monkeypatch):
    """Both corpora in place of folders."""
    corpora = {"games": made_up_features(), "films": made_up_films()}
    monkeypatch.setattr(trials, "read_seen", lambda folder, *_: (corpora[folder], corpora[folder].tiles))
    return corpora


def run(task, out):
    return transfer.run(task, games="games", films="films", out=str(out))


@pytest.mark.parametrize("by", ["game", "composer"])
@pytest.mark.parametrize("setting", ["films", "both"])
def test_no_film_trains_that_is_tested_and_every_window_is_tested_once(setting, by, read, tmp_path, monkeypatch):
    heard = []
    original = transfer.predictor
    monkeypatch.setattr(
        transfer, "predictor", lambda model, some, seed: heard.append(some) or original(model, some, seed)
    )
    tested = []
    names = folds.group_names(read["films"], by)
    for task in transfer.tasks_of(QUICK, setting, by):
        run(task, tmp_path)
        rows = trials.read_values(trials.values_path(tmp_path, task)).test_rows
        assert not set(names[rows]) & set(names[heard[-1][0].rows])
        assert [some.data is read["games"] for some in heard[-1]] == [False, True][: len(heard[-1])]
        assert len(heard[-1]) == (2 if setting == "both" else 1)
        tested.append(rows)
    assert sorted(np.concatenate(tested)) == list(range(len(names)))
    assert len({str(names[rows].tolist()) for rows in tested}) == folds.N_FOLDS


def test_games_teach_films_and_films_teach_games(read, tmp_path):
    for setting, trained, tested in (("games-films", "games", "films"), ("films-games", "films", "games")):
        (task,) = transfer.tasks_of(QUICK, setting)
        found = run(task, tmp_path)
        assert found == {"trained": len(read[trained].tiles), "tested": len(read[tested].tiles)}
        kept = trials.read_values(trials.values_path(tmp_path, task))
        assert kept.test.shape == (len(read[tested].tiles), len(NAMES)) and np.isfinite(kept.test).all()
        assert run(task, tmp_path) == found
        np.testing.assert_array_equal(trials.read_values(trials.values_path(tmp_path, task)).test, kept.test)


def test_the_second_corpus_is_moved_to_the_first_and_has_its_share_of_the_weight(read):
    games, films = read["games"], read["films"]
    x = [some.tiles.mean(axis=(2, 3)) * scale + shift for some, scale, shift in ((films, 1, 0), (games, 3, 7))]
    heard = [transfer.Heard(films, x[0], np.arange(100)), transfer.Heard(games, x[1], np.arange(150))]
    joined, labels, weights = transfer.joined(heard)
    assert len(joined) == len(labels) == len(weights) == 250
    assert weights.mean() == pytest.approx(1) and weights[100:].sum() / 250 == pytest.approx(transfer.GAMES_SHARE)
    for of in (
        np.average,
        lambda a, axis, weights: np.sqrt(
            np.average((a - np.average(a, axis=axis, weights=weights)) ** 2, axis=axis, weights=weights)
        ),
    ):
        first, second = (of(joined[rows], axis=0, weights=weights[rows]) for rows in (slice(100), slice(100, 250)))
        np.testing.assert_allclose(second, first, atol=1e-4)
    w = balanced_weights(games.groups("game")[:150])
    np.testing.assert_allclose(weights[100:] / weights[100:].sum(), w / w.sum())


def test_a_genre_that_training_lacks_gets_a_constant():
    films = made_up_films()
    rows = np.flatnonzero(~films.labels[:, 3])
    found = transfer.predictor(QUICK, [transfer.Heard(films, films.tiles.mean(axis=(2, 3)), rows)], 0)
    assert found.present.tolist() == [0, 1, 2]
    said = found(films.tiles[:5].mean(axis=(2, 3)))
    assert said.shape == (5, 4) and (said[:, 3] == said[0, 3]).all() and said[0, 3] < -5


def values_of(films, seed=0, informative=1.0):
    rng = np.random.default_rng(seed)
    fold = folds.folds_of_rows(folds.make_folds(films, "game"), folds.group_names(films, "game"))
    said = rng.standard_normal((len(films.tiles), 4)) + informative * films.labels - 1
    nothing = np.empty(0, int)
    rows = [np.flatnonzero(fold == k) for k in range(folds.N_FOLDS)]
    return [trials.Values(nothing, np.empty((0, 4)), here, said[here], []) for here in rows]


def test_cues_have_the_mean_of_their_windows_and_those_without_a_genre_are_not_ranked():
    films = made_up_films()
    each = values_of(films)
    found = film_study.pieces(films, each)
    assert len(found.values) == 36 and len(film_study.pieces(films, each, "game").values) == 18
    said = np.empty((len(films.tiles), 4))
    for some in each:
        said[some.test_rows] = 1 / (1 + np.exp(-some.test))
    for piece in (0, 17, 35):
        cue = films.tracks[found.track[piece]].cue
        rows = [films.tracks[track].cue == cue for track in films.track_of_tile]
        assert sum(rows) == 8
        np.testing.assert_allclose(found.values[piece], said[rows].mean(axis=0), rtol=1e-6)
    judgement = judging.judge(films, found, one_label=False)
    tagged = found.labels.any(axis=1)
    assert (~tagged).sum() == 4
    expected = label_ranking_average_precision_score(found.labels[tagged], found.values[tagged])
    assert judgement.figures["lrap"] == pytest.approx(expected)
    assert judgement.best_coverage_error == pytest.approx(found.labels[tagged].sum(axis=1).mean())
    one = film_study.pieces(films, [each[0]])
    y, values = one.labels[:, 0], one.values[:, 0]
    assert judging.judge(films, one, one_label=False).classes["Action"]["roc_auc"] == pytest.approx(
        roc_auc_score(y, values)
    )


def library(informative, films=None):
    films = made_up_films() if films is None else films
    found = film_study.pieces(films, values_of(films, informative=informative))
    return share_study.Library("made up", films, found, found.fold, None, share_study.shares(found))


def test_scores_that_say_nothing_leave_the_shares_and_good_ones_improve_on_them():
    for informative, better in ((0.0, False), (4.0, True)):
        some = library(informative)
        found = {
            name: judging.judge(some.features, each, one_label=False) for name, each in share_study.ways(some).items()
        }
        assert found["training"].figures["roc_auc"] == 0.5
        gain = found["stated"].figures["lrap"] - found["prior"].figures["lrap"]
        assert gain > 0.1 if better else abs(gain) < 0.05
    for number in range(folds.N_FOLDS):  # what is stated are the shares of other films, and values keep to them
        here = some.fold == number
        np.testing.assert_allclose(
            share_study.ways(some)["prior"].values[here][0],
            share_study.shares(share_study.taken(some.pieces, ~here)),
            rtol=1e-6,
        )


def test_the_factor_of_a_fold_does_not_know_its_labels():
    some = library(1.0)
    turned = some.pieces.labels.copy()
    turned[some.fold == 0] = ~turned[some.fold == 0]
    other = some._replace(pieces=dataclasses.replace(some.pieces, labels=turned))
    assert share_study.factor_for(some, 0) == share_study.factor_for(other, 0)
    assert share_study.factor_for(some, 1) != share_study.factor_for(other, 1)


def test_the_films_that_changes_were_chosen_on_are_in_the_manifest():
    from filmscore.corpus import FILMS, read_soundtracks

    names = set(read_soundtracks(FILMS))
    assert names >= film_study.CHOSEN_ON and len(film_study.CHOSEN_ON) == 51 and len(names) == 102


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "films"], "--only films: expected --films DIR with it"),
        (["--model", "x.npz"], "--model: expected --films DIR with it"),
        (["--free-model", "x.npz"], "--free-model: expected --films DIR with it"),
        (["--films", "nowhere"], "--films: expected a folder of recordings, found none at nowhere"),
    ],
)
def test_films_that_are_missing_are_asked_for(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        filmscore_report.main(arguments)
    assert message in capsys.readouterr().err


def test_recordings_that_are_not_all_there_end_the_report(tmp_path):
    (tmp_path / "films").mkdir()
    with pytest.raises(SystemExit, match="no track of the corpus is in"):
        filmscore_report.main(
            [
                "--films",
                str(tmp_path / "films"),
                "--only",
                "films",
                "--out",
                str(tmp_path / "out"),
                "--processes",
                "1",
                "--corpus",
                str(tmp_path / "films"),
            ]
        )


def test_the_report_of_a_few_films(read, tmp_path, monkeypatch):
    """From features to RESULTS.md and both taggers; a second run trains nothing."""
    pytest.importorskip("matplotlib")
    corpora = {False: read["games"], True: read["films"]}
    described = {"options": {}}
    corpora = {key: dataclasses.replace(each, description=described) for key, each in corpora.items()}
    which = lambda folder: corpora["films-" in str(folder)]  # noqa: E731
    monkeypatch.setattr(trials, "read_seen", lambda folder, *_: (which(folder), which(folder).tiles))
    monkeypatch.setattr(filmscore_report, "load_features", which)
    monkeypatch.setattr(filmscore_report, "digest", lambda _: "made up")
    monkeypatch.setattr(judging, "N_RESAMPLES", 20)
    quick = {"inputs": "mfcc", "hidden": (2,), "epochs": 1, "bags": 1, "refit": False, "batch_size": 1024}
    small = {
        name: dataclasses.replace(model, **quick)
        for name, model in {
            "MODULATION": MODULATION,
            "MOVEMENT": MOVEMENT,
            "MOVEMENT_OF_FILMS": MOVEMENT_OF_FILMS,
        }.items()
    } | {"LINEAR": QUICK, "PRIOR": dataclasses.replace(film_study.PRIOR, inputs="mfcc")}
    for module in (film_study, share_study, shipping, filmscore_report):
        for name, model in small.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, model)
    monkeypatch.setattr(
        film_study,
        "MODELS_OF",
        {
            "games-films": (small["PRIOR"], QUICK, small["MODULATION"], small["MOVEMENT"]),
            "films": (small["PRIOR"], QUICK, small["MOVEMENT_OF_FILMS"]),
            "both": (QUICK, small["MOVEMENT_OF_FILMS"]),
            "films-games": (QUICK, small["MOVEMENT_OF_FILMS"]),
        },
    )
    monkeypatch.setattr(film_study, "BY_COMPOSER", (QUICK, small["MOVEMENT_OF_FILMS"]))
    monkeypatch.setattr(film_study, "ON_GAMES", (small["MODULATION"], small["MOVEMENT"]))
    monkeypatch.setattr(film_study, "CHOSEN_ON", frozenset(f"f{k}" for k in range(9)))
    monkeypatch.setattr(film_study, "GENRES", NAMES)
    out = tmp_path / "out"
    for name in ("features-movement", "features-9500", "films-movement", "films-9500"):
        (out / name).mkdir(parents=True)
        (out / name / "features.json").touch()
    trained = []
    for module in (transfer, trials):
        original = module.run
        counted = lambda task, original=original, **folders: trained.append(task) or original(task, **folders)  # noqa: E731
        monkeypatch.setattr(module, "run", counted)
    arguments = ["--films", str(tmp_path), "--only", "films", "--out", str(out), "--processes", "1"]
    arguments += ["--free-model", str(tmp_path / "free.npz"), "--model", str(tmp_path / "own.npz")]
    assert filmscore_report.main(arguments) == 0
    text = (out / "RESULTS.md").read_text(encoding="utf-8")
    assert f"| other films and games | {small['MOVEMENT_OF_FILMS'].title} |" in text
    assert "| films, by games | the model, shares stated |" in text
    assert (out / "docs" / "study" / "reliability.png").stat().st_size > 1000
    assert "of which it heard none" in (tmp_path / "free.md").read_text()
    assert "not to be passed on" in (tmp_path / "own.md").read_text()
    n = len(trained)
    assert n == 4 + 3 * 6 + 2 * 6 + 2 + 2 * 6 + 2 * 6
    assert filmscore_report.main(arguments) == 0 and len(trained) == n
