"""The user's labels, and models that are trained on them: judged on albums that they have not heard."""

import json
import shutil

import filmscore_agent
import numpy as np
import pytest

import nnlite as nn
from filmscore.agent import corrections, training
from filmscore.agent.heard import heard_by
from filmscore.agent.library import Library, LibraryError
from filmscore.agent.scan import SHIPPED
from filmscore.agent.training import ModelInput, train
from filmscore.agent.writing import create
from filmscore.files import sha256
from filmscore.tagging import Tagger
from tests.examples.agent.libraries import (
    add_tracks,
    empty_library,
    made_up_analysis,
    made_up_library,
    model_file,
    single_model_file,
)


@pytest.fixture
def folder(tmp_path):
    made_up_library(tmp_path / "library", n_tracks=48, n_albums=16)
    return tmp_path / "library"


def labels(folder):
    with Library.open(folder) as library:
        return library.labels()


def correct(*arguments):
    return filmscore_agent.main(["correct", *map(str, arguments)])


def test_labels_are_kept_changed_and_forgotten(folder, capsys):
    assert correct("#3", "--tags", "romance, DRAMA", "--library", folder) == 0
    assert "Drama, Romance\n1 tracks of the library are labelled" in capsys.readouterr().out
    assert labels(folder) == {3: ("Drama", "Romance")}
    correct("#3", "--tags", "none", "--library", folder)
    correct("#4", "--tags", "action", "--library", folder)
    assert labels(folder) == {3: (), 4: ("Action",)}
    correct("#3", "--forget", "--library", folder)
    assert labels(folder) == {4: ("Action",)}
    capsys.readouterr()
    correct("#5", "--tags", "action", "--library", folder, "--json")
    assert json.loads(capsys.readouterr().out) == {"labels": {"5": ["Action"]}, "labelled": 2, "unused": []}


def test_labels_out_of_a_table(folder, tmp_path, capsys):
    (tmp_path / "tags.csv").write_text(
        "path,tags\n/music/album 0/track 00.ogg,drama; Action\nalbum 1/track 01.ogg,none\n"
        "/music/album 2/track 02.ogg,\nalbum 9/none.ogg,drama\n/music/album 3/track 03.ogg,jazz\n"
    )
    with Library.open(folder) as library:
        library.folders = lambda: ["/music"]
        found, unused = corrections.read_table(library, tmp_path / "tags.csv")
        assert found == {library.with_path("/music/album 0/track 00.ogg"): ("Action", "Drama"), 2: ()}
    assert len(unused) == 2 and "line 5: album 9/none.ogg: not in the library" in unused and "'jazz'" in unused[1]
    assert correct("--from-csv", tmp_path / "tags.csv", "--library", folder) == 0
    assert "line 6: 'jazz' is no genre" in capsys.readouterr().err
    assert labels(folder)[1] == ("Action", "Drama")
    for text, message in (("a,b\n1,2\n", "expected the columns path and tags, got 'a, b'"), ("", "got ''")):
        (tmp_path / "other.csv").write_text(text)
        assert correct("--from-csv", tmp_path / "other.csv", "--library", folder) == 2
        assert message in capsys.readouterr().err
    assert correct("--from-csv", tmp_path / "none.csv", "--library", folder) == 2


def test_labels_out_of_another_library_are_those_of_the_same_content(folder, tmp_path):
    other = tmp_path / "other"
    empty_library(other)
    rng = np.random.default_rng(0)
    add_tracks(other, {f"/elsewhere/{k}.ogg": made_up_analysis(rng) for k in range(60)})  # 48 of the contents are equal
    correct("#7", "--tags", "comedy", "--library", other)
    correct("#8", "--tags", "none", "--library", other)
    correct("#59", "--tags", "comedy", "--library", other)
    correct("--from-library", other, "--library", folder)
    assert labels(folder) == {7: ("Comedy",), 8: ()}


def label_all(folder, wanted):
    with Library.open(folder) as library:
        corrections.keep(library, wanted, "test")


def by_album(folder):
    """Return labels: Drama in half of the albums, Comedy in another half, Romance nowhere, and Action everywhere."""
    with Library.open(folder) as library:
        numbers = {track.id: int(track.path.split("/")[2].split()[1]) for track in library.tracks()}
    wanted = {}
    for number, album in numbers.items():
        wanted[number] = ("Action",) + ("Drama",) * (album % 2) + ("Comedy",) * (album // 2 % 2)
    label_all(folder, wanted)
    return wanted


@pytest.fixture
def learnable(folder, monkeypatch):
    """Replace recordings by samples that contain Drama and Comedy."""
    wanted = by_album(folder)
    with Library.open(folder) as library:
        tags = {library.track(number).path: tags for number, tags in wanted.items()}

    def hear(job):
        rng = np.random.default_rng(int(job.key, 16))
        samples = rng.standard_normal((5, 40, 7, 1)).astype(np.float32)
        samples[:, 0] += 5 * ("Drama" in tags[job.path])
        samples[:, 1] += 5 * ("Comedy" in tags[job.path])
        return ModelInput(job.path, samples)

    monkeypatch.setattr(training, "hear", hear)
    return folder


def test_what_can_be_learnt_is_better_on_unheard_albums(learnable, tmp_path):
    with Library.open(learnable) as library:
        verdict = train(library, tmp_path / "mine.npz")
        again = train(library, tmp_path / "again.npz")
    assert verdict.word == "better" and verdict.n_train + verdict.n_test == 48 and verdict.n_test_albums >= 4
    old, new, difference = verdict.figures["ROC-AUC"]
    assert new > 0.9 and difference.estimate == pytest.approx(new - old) and 0 < difference.low < difference.high
    assert set(verdict.classes) == {"Comedy", "Drama"} and verdict.kept == ["Action", "Romance"]
    assert again == verdict
    mine, shipped = Tagger.load(tmp_path / "mine.npz"), Tagger.load(model_file())
    assert mine.class_names == shipped.class_names and mine.settings == shipped.settings
    x = np.random.default_rng(0).standard_normal((9, 40, 7, 1)).astype(np.float32)
    kept = [0, 3]
    np.testing.assert_array_equal(mine.model.predict_proba(x)[:, kept], shipped.model.predict_proba(x)[:, kept])
    assert not np.allclose(mine.model.predict_proba(x)[:, 1], shipped.model.predict_proba(x)[:, 1])
    (tmp_path / "new").mkdir()
    create(tmp_path / "new", tmp_path / "mine.npz")  # and it makes a library


def test_no_album_is_on_both_sides(learnable, tmp_path, monkeypatch):
    seen = {}
    plain = training._judge

    def judge(library, part, learnt, held_out, *others):
        seen["albums"] = set(part.albums[learnt]) & set(part.albums[held_out])
        seen["rows"] = set(part.rows(learnt)) & set(part.rows(held_out))
        return plain(library, part, learnt, held_out, *others)

    monkeypatch.setattr(training, "_judge", judge)
    with Library.open(learnable) as library:
        train(library, tmp_path / "mine.npz")
    assert seen == {"albums": set(), "rows": set()}


def test_what_can_not_be_learnt_is_not_called_better(folder, tmp_path, monkeypatch):
    by_album(folder)
    monkeypatch.setattr(
        training,
        "hear",
        lambda job: ModelInput(
            job.path, np.random.default_rng(int(job.key, 16)).standard_normal((3, 40, 7, 1)).astype(np.float32)
        ),
    )
    with Library.open(folder) as library:
        assert train(library, tmp_path / "mine.npz").word != "better"


def test_the_verdict_is_said(learnable, tmp_path, capsys):
    arguments = ["train", "--from-library", str(learnable), "--out", str(tmp_path / "mine.npz"), "--processes", "1"]
    assert filmscore_agent.main(arguments) == 0
    said = capsys.readouterr().out
    assert "The new model is better on them than the library's." in said and "  Drama" in said
    assert "Taken over from the library's model, for lack of labels: Action, Romance" in said
    assert "With so few albums the interval is too narrow" in said
    assert filmscore_agent.main([*arguments, "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["word"] == "better" and verdict["figures"]["LRAP"]["low"] <= verdict["figures"]["LRAP"]["high"]


def test_that_the_librarys_model_heard_what_judges_is_said(learnable, tmp_path, capsys):
    """Comparing with a model that was trained on the same tracks is not fair, and the output says so."""
    with Library.open(learnable) as library:
        first = train(library, tmp_path / "mine.npz")
        paths = {track.id: track.path for track in library.tracks()}
        wanted = library.labels()
    assert first.n_heard == 0
    folder = tmp_path / "second"
    folder.mkdir()
    create(folder, tmp_path / "mine.npz")
    rng = np.random.default_rng(1)
    add_tracks(folder, {paths[number]: made_up_analysis(rng, width=24) for number in sorted(paths)})
    label_all(folder, wanted)
    arguments = ["train", "--from-library", str(folder), "--out", str(tmp_path / "again.npz"), "--processes", "1"]
    capsys.readouterr()
    assert filmscore_agent.main([*arguments, "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["n_heard"] == verdict["n_test"] > 0
    assert filmscore_agent.main(arguments) == 0
    expected = f"The comparison is not fair: the library's model was trained on {verdict['n_test']} of these"
    assert expected in capsys.readouterr().out


def test_the_shipped_model_heard_the_corpus(tmp_path):
    with Library.open(empty_library(tmp_path / "library")) as library:
        assert heard_by(library, Tagger.load(model_file()).model) == set()
        library.about["model"] = sha256(SHIPPED)
        heard = heard_by(library, Tagger.load(SHIPPED).model)
    assert len(heard) == 569 and all(len(digest) == 64 for digest in heard)


def test_train_from_library_needs_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert filmscore_agent.main(["train", "--from-library"]) == 2
    assert "filmscore-library: no library there" in capsys.readouterr().err


def test_recordings_that_are_gone_are_left_out(learnable, tmp_path, monkeypatch):
    plain = training.hear
    said = []
    with Library.open(learnable) as library:
        gone = library.track(5).path
        monkeypatch.setattr(
            training, "hear", lambda job: ModelInput(job.path, None, "gone") if job.path == gone else plain(job)
        )
        verdict = train(library, tmp_path / "mine.npz", say=said.append)
    assert verdict.n_train + verdict.n_test == 47 and said == [f"left out: {gone}: gone"]


def test_too_few_labels_are_refused(folder, tmp_path):
    with Library.open(folder) as library:
        wanted = {track.id: ("Drama",) * (track.id % 2) for track in library.tracks()[:12]}
    label_all(folder, wanted)
    with (
        Library.open(folder) as library,
        pytest.raises(LibraryError, match="20 labelled tracks of 4 albums or more, got"),
    ):
        train(library, tmp_path / "mine.npz")
    assert not (tmp_path / "mine.npz").exists()


def test_labels_that_teach_nothing_are_refused(folder, tmp_path, monkeypatch):
    with Library.open(folder) as library:
        label_all(folder, {track.id: ("Action",) for track in library.tracks()})
    monkeypatch.setattr(training, "hear", lambda job: ModelInput(job.path, np.zeros((2, 40, 7, 1), np.float32)))
    with (
        Library.open(folder) as library,
        pytest.raises(LibraryError, match="expected a genre that some labelled tracks"),
    ):
        train(library, tmp_path / "mine.npz")


def test_one_network_for_all_genres_needs_tracks_of_each(tmp_path, monkeypatch):
    (tmp_path / "library").mkdir()
    create(tmp_path / "library", single_model_file())
    rng = np.random.default_rng(0)
    names = [f"/music/album {k % 12}/{k}.ogg" for k in range(48)]
    add_tracks(tmp_path / "library", {name: made_up_analysis(rng, width=6) for name in names})
    folder = tmp_path / "library"
    by_album(folder)
    monkeypatch.setattr(
        training,
        "hear",
        lambda job: ModelInput(
            job.path, np.random.default_rng(int(job.key, 16)).standard_normal((3, 40, 7, 1)).astype(np.float32)
        ),
    )
    with (
        Library.open(folder) as library,
        pytest.raises(LibraryError, match=r"needs tracks of each, got none of Romance"),
    ):
        train(library, tmp_path / "mine.npz")
    genres = ("Action", "Comedy", "Drama", "Romance")
    label_all(folder, {k + 1: (genres[k % 12 // 3],) for k in range(48)})
    with Library.open(folder) as library:
        verdict = train(library, tmp_path / "mine.npz")
    assert isinstance(Tagger.load(tmp_path / "mine.npz").model, nn.NetworkClassifier) and verdict.kept == []


def test_hearing_again_is_what_the_model_was_given(tmp_path):
    from filmscore.agent.analyse import FileJob
    from filmscore.inputs import INPUTS
    from tests.examples.agent.libraries import write_noise

    folder = tmp_path / "library"
    empty_library(folder)
    write_noise(tmp_path / "a.flac", 0)
    with Library.open(folder) as library:
        heard = training.hear(FileJob("0", str(tmp_path / "a.flac"), str(folder), library.about["id"]))
    tiles = Tagger.load(model_file()).tiles(tmp_path / "a.flac").values
    np.testing.assert_array_equal(heard.samples, INPUTS["modulation"](tiles))
    shutil.rmtree(folder)
    assert "no such" in training.hear(FileJob("0", "/none", str(folder), "other")).problem.lower()
