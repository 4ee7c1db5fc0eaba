"""Search is exact: each answer is that of plain loops over the stored values."""

import numpy as np
import pytest

from filmscore.agent import search
from filmscore.agent.analyse import Analysis
from filmscore.agent.basis import unit
from filmscore.agent.explain import explain
from filmscore.agent.library import Library, LibraryError
from filmscore.agent.search import Reference, best_stretch, find, parse_wants, similar
from filmscore.agent.surprise import surprises
from tests.examples.agent.libraries import WINDOW_S, add_tracks, empty_library, made_up_analysis, made_up_library
from tests.examples.made_up import NAMES


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library") / "library"
    analyses = made_up_library(folder)
    with Library.open(folder) as library:
        yield library, analyses


def naive_rank(value, column):
    return sum((other < value) + (other == value) / 2 for other in column) / len(column)


def test_find_is_a_weighted_mean_of_ranks(made_up):
    library, analyses = made_up
    means = {path: each.values.mean(axis=0) for path, each in analyses.items()}
    expected = {}
    for path, mean in means.items():
        action = naive_rank(mean[0], [other[0] for other in means.values()])
        drama = naive_rank(mean[2], [other[2] for other in means.values()])
        expected[path] = (1.0 * action + 0.5 * (1 - drama)) / 1.5
    found = find(library, {"Action": 1.0, "Drama": -0.5, "Comedy": 0.0}, limit=100)
    assert {match.track.path for match in found} == set(expected)
    np.testing.assert_allclose([match.score for match in found], [expected[match.track.path] for match in found])
    np.testing.assert_allclose([match.score for match in found], sorted(expected.values(), reverse=True))
    assert [m.track.path for m in find(library, {"Action": 1.0, "Drama": -0.5}, limit=3)] == [
        match.track.path for match in found[:3]
    ]
    assert find(library, {"Action": 1.0}, folder="/nowhere") == []


def test_at_most_so_many_of_an_album(made_up):
    library, _ = made_up
    found = find(library, {"Action": 1.0}, limit=9, per_album=2)
    every = find(library, {"Action": 1.0}, limit=100)
    expected, seen = [], {}
    for match in every:
        album = match.track.path.split("/")[2]
        seen[album] = seen.get(album, 0) + 1
        expected += [match] if seen[album] <= 2 else []
    assert found == expected[:9] and len(find(library, {"Action": 1.0}, limit=100, per_album=2)) == 12


def test_whole_tracks_are_compared_by_the_cosine_of_their_means(made_up):
    library, analyses = made_up
    me = library.tracks()[4]
    mine = analyses[me.path].projected.mean(axis=0)
    expected = {}
    for path, each in analyses.items():
        if path.split("/")[2] != me.path.split("/")[2]:  # another album
            mean = each.projected.mean(axis=0)
            expected[path] = mine @ mean / np.linalg.norm(mine) / np.linalg.norm(mean)
    found = similar(library, Reference.of_track(library, me.id), limit=100, per_album=None)
    assert [match.track.path for match in found] == sorted(expected, key=lambda path: -expected[path])
    np.testing.assert_allclose([match.score for match in found], sorted(expected.values(), reverse=True), atol=1e-6)
    assert len(similar(library, Reference.of_track(library, me.id), limit=100, per_album=2)) == 10
    with_album = similar(library, Reference.of_track(library, me.id), limit=100, per_album=None, same_album=True)
    assert len(with_album) == 29 and me not in [match.track for match in with_album]


def test_a_part_is_compared_with_every_window(made_up, monkeypatch):
    library, analyses = made_up
    monkeypatch.setattr(search, "BLOCK", 7)
    me = next(track for track in library.tracks() if track.n_windows >= 5)
    part = unit(library.windows(me).directions[1:3].astype(float).mean(axis=0))
    expected = {}
    for track in library.tracks():
        if track.path.split("/")[2] != me.path.split("/")[2]:
            cosines = unit(analyses[track.path].projected).astype(float) @ part
            expected[track.path] = (cosines.max(), cosines.argmax() * WINDOW_S)
    reference = Reference.of_track(library, me.id, 1.1 * WINDOW_S, 2.9 * WINDOW_S)
    found = similar(library, reference, limit=100, per_album=None)
    assert {match.track.path for match in found} == set(expected)
    for match in found:
        score, start_s = expected[match.track.path]
        assert match.score == pytest.approx(score, abs=0.01)  # a byte a number
        assert (match.start_s, match.end_s) == (pytest.approx(start_s), pytest.approx(start_s + WINDOW_S))
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)


def test_a_recording_that_is_not_in_the_library(made_up):
    library, analyses = made_up
    me = library.tracks()[7]
    analysis = analyses[me.path]
    found = similar(library, Reference.of_analysis(library, analysis), limit=1)
    assert found[0].track == me and found[0].score == pytest.approx(1)
    part = Reference.of_analysis(library, analysis, 0, WINDOW_S)
    (best,) = similar(library, part, limit=1)
    assert best.track == me and (best.start_s, best.score) == (0, pytest.approx(1, abs=0.01))


@pytest.mark.parametrize(
    ("stretch", "message"),
    [
        ((50.0, 20.0), "begin before its end, got 50 to 20 s"),
        ((500.0, None), "expected a part within the"),
        ((None, -1.0), "begin before its end, got 0 to -1 s"),
    ],
)
def test_parts_that_are_none(made_up, stretch, message):
    library, _ = made_up
    with pytest.raises(LibraryError, match=message):
        Reference.of_track(library, 1, *stretch)


def test_a_silent_part_is_refused(tmp_path):
    analysis = made_up_analysis(np.random.default_rng(0), 4)
    gap = Analysis(80.0, np.array([0, 1, 6, 7]) * WINDOW_S, analysis.values, analysis.projected, 4)
    empty_library(tmp_path / "library")
    add_tracks(tmp_path / "library", {"/m/a.ogg": gap})
    with Library.open(tmp_path / "library") as library:
        with pytest.raises(LibraryError, match="expected a part with sound, got 20 to 50 s"):
            Reference.of_track(library, 1, 20.0, 50.0)
        track = library.track(1)
        # The run must be on one side of the silence, though the one across it has the higher sum.
        assert best_stretch(library, track, np.array([0.1, 0.9, 0.9, 0.2]), 2) == (
            pytest.approx(6 * WINDOW_S),
            pytest.approx(8 * WINDOW_S),
        )
        assert best_stretch(library, track, np.array([0.1, 0.9, 0.8, 0.2]), 1)[0] == pytest.approx(WINDOW_S)
        assert best_stretch(library, track, np.array([0.1, 0.9, 0.8, 0.2]), 9)[1] == pytest.approx(8 * WINDOW_S)


def test_an_empty_library_finds_nothing(tmp_path):
    empty_library(tmp_path / "library")
    with Library.open(tmp_path / "library") as library:
        assert find(library, {"Action": 1.0}) == [] and library.tracks() == []
        analysis = made_up_analysis(np.random.default_rng(0))
        for stretch in ((), (0.0, 20.0)):
            assert similar(library, Reference.of_analysis(library, analysis, *stretch)) == []


def test_albums_are_tags_or_else_folders(tmp_path):
    empty_library(tmp_path / "library")
    rng = np.random.default_rng(0)
    analyses = {
        "/m/a/1.ogg": made_up_analysis(rng, album="Score"),
        "/m/b/2.ogg": made_up_analysis(rng, album=" score"),
        "/m/b/3.ogg": made_up_analysis(rng),
        "/m/b/4.ogg": made_up_analysis(rng),
        "/m/b/c/5.ogg": made_up_analysis(rng),
        "/m/mixed/6.ogg": made_up_analysis(rng, album="One"),
        "/m/mixed/7.ogg": made_up_analysis(rng, album="Two"),
        "/m/mixed/8.ogg": made_up_analysis(rng),
    }
    add_tracks(tmp_path / "library", analyses)
    with Library.open(tmp_path / "library") as library:
        albums = [library.of_album(number).tolist() for number in range(1, 9)]
    assert albums == [[1, 2, 3, 4]] * 4 + [[5], [6], [7], [8]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thriler:1", "'thriler' is no genre of this library: .*Did you mean Thriller?"),
        ("thriller:2", "'thriller:2': expected GENRE:WEIGHT, a weight from -1 to 1"),
        ("thriller:nan", "a weight from -1 to 1"),
        ("thriller:x", "a weight from -1 to 1"),
        ("thriller, Thriller:0.5", "expected each genre once, got Thriller again"),
        ("", "expected at least one genre with a weight other than 0"),
        ("thriller:0", "expected at least one genre"),
    ],
)
def test_wants_that_are_none(text, message):
    with pytest.raises(ValueError, match=message):
        parse_wants(text, ["Comedy", "Thriller"])


def test_explain_tells_where_a_genre_is(tmp_path):
    empty_library(tmp_path / "library")
    rng = np.random.default_rng(0)
    others = {f"/m/{k}/x.ogg": made_up_analysis(rng) for k in range(9)}
    values = np.full((8, 4), 0.5, np.float32)
    values[:, 0] = [0.1, 0.95, 0.9, 0.1, 0.1, 0.8, 0.1, 0.1]
    plain = made_up_analysis(rng, 8)
    add_tracks(tmp_path / "library", others | {"/m/me.ogg": Analysis(80.0, plain.start_s, values, plain.projected, 0)})
    with Library.open(tmp_path / "library") as library:
        genres = {genre.name: genre for genre in explain(library, library.track(10))}
        assert [genre.rank for genre in explain(library, library.track(10))] == sorted(
            (genre.rank for genre in genres.values()), reverse=True
        )
        action = genres["Action"]
        assert action.value == pytest.approx(values[:, 0].mean())
        means = [each.mean(axis=0)[0] for each in [*(other.values for other in others.values()), values]]
        assert action.rank == pytest.approx(naive_rank(np.float32(action.value), np.float32(means)))
        np.testing.assert_allclose(action.curve, [naive_rank(v, np.float32(means)) for v in values[:, 0]])
        assert [(each.start_s, each.end_s) for each in action.stretches] == [
            (pytest.approx(WINDOW_S), pytest.approx(3 * WINDOW_S)),
            (pytest.approx(5 * WINDOW_S), pytest.approx(6 * WINDOW_S)),
        ]
        assert [(each.start_s, each.end_s) for each in genres["Comedy"].stretches] == [(0, pytest.approx(8 * WINDOW_S))]


def test_what_contradicts_its_label_surprises(tmp_path):
    empty_library(tmp_path / "library")
    rng = np.random.default_rng(0)
    analyses, labels = {}, {}
    for k in range(20):
        each = made_up_analysis(rng, 3)
        has = k < 8
        values = np.full((3, 4), 0.5, np.float32)
        values[:, 0] = (0.7 if has else 0.2) + 0.01 * k
        if k == 15:
            values[:, 0] = 0.95  # sounds like Action, but has no such label
        values[:, 1] = rng.random(1)  # the model does not recognise Comedy
        analyses[f"/m/{k}.ogg"] = Analysis(30.0, each.start_s, values, each.projected, 0)
        labels[k + 1] = ("Action",) * has + ("Comedy",) * (k % 2)
    add_tracks(tmp_path / "library", analyses)
    with Library.open(tmp_path / "library") as library:
        found = surprises(library, labels)
        assert found[0].track.path == "/m/15.ogg" and found[0].contradictions[0].name == "Action"
        assert not found[0].contradictions[0].labelled and found[0].score > 0.7
        assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
        # Tracks that agree with the labels of Action are no surprise.
        by_action = [
            each.track.path for each in found for c in each.contradictions if c.name == "Action" and c.weight > 0.2
        ]
        assert by_action == ["/m/15.ogg"]
        assert len(surprises(library, labels, limit=1)) == 1 and surprises(library, {1: ("Action",)}) == []
        assert NAMES[0] == "Action"
