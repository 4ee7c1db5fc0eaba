"""Splits: a partition by groups that balances labels, and its files."""

import hashlib
import json
import os
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite import model_selection
from nnlite.model_selection import SplitWarning

unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure


def quietly(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitWarning)
        return function(*args, **kwargs)


def naive_imbalance(folds, labels, weights, n_folds):
    """Return the squared distance of every fold's share of every class, and of the samples, from an equal share."""
    total = 0.0
    for column in [*np.asarray(labels).T, np.ones(len(folds))]:
        mass = sum(w for c, w in zip(column, weights, strict=True) if c)
        for fold in range(n_folds):
            inside = sum(w for c, w, f in zip(column, weights, folds, strict=True) if c and f == fold)
            total += (inside / mass - 1 / n_folds) ** 2 if mass else 0.0
    return total


def random_folds(groups, n_folds, rng):
    names, position = np.unique(groups, return_inverse=True)
    return (rng.permutation(len(names)) % n_folds)[position]


@st.composite
def corpora(draw, min_groups=2, max_groups=30):
    """Draw windows of games of very different length; all windows of a game share its labels, or not."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_groups, k = draw(st.integers(min_groups, max_groups)), draw(st.integers(1, 6))
    sizes = np.ceil(rng.pareto(1.0, n_groups) + 0.1).clip(1, 40).astype(int)
    groups = rng.permutation(np.repeat(np.arange(n_groups), sizes))
    rates = rng.uniform(0, 0.6, k)
    if draw(st.booleans()):
        labels = (rng.random((n_groups, k)) < rates)[groups]
    else:
        labels = rng.random((len(groups), k)) < rates
    return labels, groups


@unhurried
@given(corpora(), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_folds_are_a_partition_that_keeps_groups_whole(corpus, n_folds, seed):
    labels, groups = corpus
    n_groups = len(set(groups.tolist()))
    if n_groups < n_folds:
        with pytest.raises(ValueError, match=f"at least {n_folds} groups"):
            model_selection.grouped_stratified_folds(labels, groups, n_folds, np.random.default_rng(seed))
        return
    rng = np.random.default_rng(seed)
    folds = quietly(model_selection.grouped_stratified_folds, labels, groups, n_folds, rng)
    assert folds.shape == groups.shape
    assert set(folds.tolist()) == set(range(n_folds))
    for group in set(groups.tolist()):
        assert len(set(folds[groups == group].tolist())) == 1
    tested = np.concatenate([test for _, test in model_selection.fold_rows(folds)])
    assert sorted(tested.tolist()) == list(range(len(groups)))
    for train, test in model_selection.fold_rows(folds):
        assert not set(groups[train].tolist()) & set(groups[test].tolist())
        assert len(train) + len(test) == len(groups)


@unhurried
@given(corpora(), st.integers(0, 2**32 - 1))
def test_same_seed_same_folds_in_any_order_of_rows(corpus, seed):
    labels, groups = corpus
    permutation = np.random.default_rng(seed).permutation(len(groups))
    one, two, moved = (
        quietly(model_selection.grouped_stratified_folds, y, g, 2, np.random.default_rng(seed))
        for y, g in ((labels, groups), (labels, groups), (labels[permutation], groups[permutation]))
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one[permutation], moved)


@unhurried
@given(corpora(min_groups=6), st.integers(0, 2**32 - 1))
def test_one_label_a_sample_is_in_as_many_folds_as_it_has_groups(corpus, seed):
    """With one label a group nothing stands in the way: every class reaches min(n_folds, its groups) folds."""
    _, groups = corpus
    labels = (groups * 7919 % 11) % 4
    folds = quietly(model_selection.grouped_stratified_folds, labels, groups, 4, np.random.default_rng(seed))
    for label in set(labels.tolist()):
        n_groups = len(set(groups[labels == label].tolist()))
        if len(set(labels.tolist())) * 4 <= len(set(groups.tolist())):
            assert len(set(folds[labels == label].tolist())) == min(4, n_groups)


def test_presence_is_the_best_possible_of_all_assignments():
    """Exhaustively, on small problems of several labels: no assignment has classes in more folds."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels = rng.random((7, 4)) < 0.35
        folds = quietly(model_selection.grouped_stratified_folds, labels, np.arange(7), 3, rng)
        every = np.stack(np.meshgrid(*[np.arange(3)] * 7)).reshape(7, -1).T
        every = every[[len(set(row)) == 3 for row in every.tolist()]]
        present = sum((labels[None] & (every == f)[..., None]).any(axis=1).sum(axis=1) for f in range(3))
        achieved = sum(int((labels & (folds == f)[:, None]).any(axis=0).sum()) for f in range(3))
        assert achieved == present.max()


def test_balance_beats_random_and_nears_the_optimum():
    rng = np.random.default_rng(1)
    ours, random, optimum = [], [], []
    for _ in range(10):
        sizes = np.ceil(rng.pareto(1.2, 10)).astype(int)
        groups = np.repeat(np.arange(10), sizes)
        by_group = rng.random((10, 3)) < 0.4
        labels, weights = by_group[groups], np.ones(len(groups))
        folds = quietly(model_selection.grouped_stratified_folds, labels, groups, 2, rng)
        ours.append(naive_imbalance(folds, labels, weights, 2))
        tries = [naive_imbalance(random_folds(groups, 2, rng), labels, weights, 2) for _ in range(20)]
        random.append(np.mean(tries))
        # All assignments to two folds; the classes have to be in both folds where that is possible, as ours.
        every = (np.arange(1, 2**9)[:, None] >> np.arange(10)) & 1
        mass = np.column_stack([by_group, np.ones(10)]) * sizes[:, None]
        mass = mass / np.maximum(mass.sum(axis=0), 1)
        member = np.column_stack([by_group, np.ones(10)])
        target = np.where(mass.any(axis=0), 0.5, 0.0)
        imbalance = 2 * ((every @ mass - target) ** 2).sum(axis=1)
        present = ((every @ member > 0).astype(int) + ((1 - every) @ member > 0)).sum(axis=1)
        optimum.append(imbalance[present == present.max()].min())
    assert np.mean(ours) < 0.5 * np.mean(random)
    assert np.mean(ours) <= 1.05 * np.mean(optimum) + 1e-9


def test_many_groups_are_balanced_almost_exactly():
    rng = np.random.default_rng(2)
    labels = rng.random((20000, 10)) < 0.2
    folds = model_selection.grouped_stratified_folds(labels, np.arange(20000), 5, rng)
    for fold in range(5):
        share = labels[folds == fold].sum(axis=0) / labels.sum(axis=0)
        np.testing.assert_allclose(share, 0.2, atol=0.001)


def test_weights_decide_what_is_balanced():
    groups = np.repeat(np.arange(8), [80, 70, 2, 2, 2, 2, 1, 1])
    labels = np.ones((len(groups), 1))
    by_window = model_selection.grouped_stratified_folds(labels, groups, 2, np.random.default_rng(0))
    by_group = model_selection.grouped_stratified_folds(
        labels, groups, 2, np.random.default_rng(0), weights=model_selection.balanced_weights(groups)
    )
    assert np.bincount(by_window).tolist() == [80, 80]
    for fold in range(2):
        assert len(set(groups[by_group == fold].tolist())) == 4


@unhurried
@given(corpora(), st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_split_by_holds_whole_groups_out(corpus, share, seed):
    labels, groups = corpus
    train, test = quietly(model_selection.split_by, groups, labels, share, np.random.default_rng(seed))
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(len(groups)))
    assert len(train) and len(test)
    assert not set(groups[train].tolist()) & set(groups[test].tolist())


def test_split_by_meets_the_share_by_window_track_and_game():
    rng = np.random.default_rng(3)
    games = np.repeat(np.arange(20), 30)
    tracks = np.repeat(np.arange(200), 3)
    labels = (rng.random((20, 4)) < 0.5)[games]
    for unit, tolerance in ((np.arange(600), 0.01), (tracks, 0.02), (games, 0.06)):
        train, test = model_selection.split_by(unit, labels, 0.2, rng)
        assert len(test) / 600 == pytest.approx(0.2, abs=tolerance)
        np.testing.assert_allclose(labels[test].sum(axis=0) / labels.sum(axis=0), 0.2, atol=3 * tolerance)
        assert np.all(np.diff(train) > 0)


def test_a_class_absent_from_a_fold_is_named():
    labels = [[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]]
    with pytest.warns(SplitWarning, match=r"Thriller \(1 groups\) is absent from \d; Musical \(0 groups\)") as caught:
        model_selection.grouped_stratified_folds(
            labels, list("abcd"), 2, np.random.default_rng(0), class_names=["Action", "Thriller", "Musical"]
        )
    assert "Action" not in str(caught[0].message)
    assert caught[0].filename == __file__


def test_summary_counts_samples_and_groups():
    table = model_selection.summarize_folds([0, 0, 1, 1], [[1, 0], [1, 1], [0, 1], [0, 1]], list("aabc"), ["x", "y"])
    assert [row["groups"] for row in table] == [1, 2]
    assert table[0]["classes"] == {"x": {"samples": 2, "groups": 1}, "y": {"samples": 1, "groups": 1}}
    assert table[1]["classes"]["y"] == {"samples": 2, "groups": 2}
    json.dumps(table)


@unhurried
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_cap_and_balanced_weights(groups, cap, seed):
    rows = model_selection.capped_rows(groups, cap, np.random.default_rng(seed))
    kept = np.array(groups)[rows]
    assert np.all(np.diff(rows) > 0)
    for group in set(groups):
        assert (kept == group).sum() == min(cap, groups.count(group))
    weights = model_selection.balanced_weights(groups)
    assert weights.mean() == pytest.approx(1.0)
    for group in set(groups):
        assert weights[np.array(groups) == group].sum() == pytest.approx(len(groups) / len(set(groups)))


def test_every_row_may_be_kept_by_the_cap():
    seen = set()
    for seed in range(40):
        seen.update(model_selection.capped_rows(["a"] * 5, 1, np.random.default_rng(seed)).tolist())
    assert seen == set(range(5))


# Assignments and their files.

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@unhurried
@given(st.dictionaries(names, st.integers(0, 9), min_size=1, max_size=20), st.sampled_from(["json", "csv"]))
def test_folds_come_back_from_files(tmp_path_factory, assignment, suffix):
    path = tmp_path_factory.mktemp("folds") / f"folds.{suffix}"
    written = model_selection.write_folds(path, assignment)
    assert model_selection.read_folds(path) == assignment
    reversed_order = dict(reversed(assignment.items()))
    assert written == model_selection.fold_hash(assignment) == model_selection.fold_hash(reversed_order)
    assert os.listdir(path.parent) == [path.name]


def test_hash_is_that_of_the_canonical_text():
    text = '{"asc":0,"wesnoth":1}'
    assert model_selection.fold_hash({"wesnoth": 1, "asc": 0}) == hashlib.sha256(text.encode()).hexdigest()
    assert model_selection.fold_hash({"wesnoth": 0, "asc": 1}) != model_selection.fold_hash({"wesnoth": 1, "asc": 0})


def test_rows_to_assignment_and_back():
    groups = np.array([7, 3, 7, 5])
    folds = np.array([1, 0, 1, 1])
    assignment = model_selection.folds_by_group(folds, groups)
    assert assignment == {"3": 0, "5": 1, "7": 1}
    np.testing.assert_array_equal(model_selection.folds_of_rows(assignment, groups), folds)
    with pytest.raises(ValueError, match="got 7 in folds 0 and 1"):
        model_selection.folds_by_group([1, 0, 0, 1], groups)
    with pytest.raises(ValueError, match="got 'quake' and 0 other"):
        model_selection.folds_of_rows({"asc": 0}, ["asc", "quake"])


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_changed_and_damaged_files_are_refused(tmp_path, suffix):
    path = tmp_path / f"folds.{suffix}"
    model_selection.write_folds(path, {"asc": 0, "quake": 1})
    text = path.read_text()
    path.write_text(text.replace("quake", "doom"))
    with pytest.raises(ValueError, match="the file was changed"):
        model_selection.read_folds(path)
    twice = text.replace("quake", "asc")
    path.write_text(twice)
    with pytest.raises(ValueError, match="got 'asc' in folds 0 and 1"):
        model_selection.read_folds(path)
    for damaged in (text[: len(text) * 2 // 3], "", "nonsense", text.replace("1", "one")):
        path.write_text(damaged)
        with pytest.raises(ValueError, match="folds"):
            model_selection.read_folds(path)


def test_folds_edited_by_hand_need_no_hash(tmp_path):
    (tmp_path / "folds.csv").write_text("group,fold\nasc,0\nquake,1\n")
    assert model_selection.read_folds(tmp_path / "folds.csv") == {"asc": 0, "quake": 1}
    (tmp_path / "folds.json").write_text('{"folds": {"asc": 0, "quake": 1}}')
    assert model_selection.read_folds(tmp_path / "folds.json") == {"asc": 0, "quake": 1}


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "folds.json"
    model_selection.write_folds(path, {"asc": 0})

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        model_selection.write_folds(path, {"asc": 1})
    assert model_selection.read_folds(path) == {"asc": 0}
    assert os.listdir(tmp_path) == ["folds.json"]


rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: model_selection.grouped_stratified_folds([[1], [0]], ["a", "b"], 1, rng),
            "n_folds: expected an integer of at least 2",
        ),
        (lambda: model_selection.grouped_stratified_folds([[1], [0]], ["a", "a"], 2, rng), "at least 2 groups"),
        (lambda: model_selection.grouped_stratified_folds([[1], [0]], ["a"], 2, rng), "groups: expected 2 samples"),
        (lambda: model_selection.grouped_stratified_folds([[2], [0]], ["a", "b"], 2, rng), "expected 0 and 1"),
        (lambda: model_selection.grouped_stratified_folds([[1], [0, 1]], ["a", "b"], 2, rng), "different lengths"),
        (lambda: model_selection.grouped_stratified_folds([], [], 2, rng), "labels: expected shape"),
        (lambda: model_selection.grouped_stratified_folds([[1], [0]], ["a", ""], 2, rng), "empty one in row 1"),
        (lambda: model_selection.grouped_stratified_folds([[1], [0]], ["a", None], 2, rng), "without a group"),
        (lambda: model_selection.grouped_stratified_folds([[1], [0]], [0.5, np.nan], 2, rng), "integers or strings"),
        (lambda: model_selection.grouped_stratified_folds([1, 0], ["a", "b"], 2, rng, weights=[1]), "2 numbers"),
        (lambda: model_selection.grouped_stratified_folds([1, 0], ["a", "b"], 2, rng, weights=[1, np.nan]), "finite"),
        (lambda: model_selection.grouped_stratified_folds([1, 0], ["a", "b"], 2, rng, class_names=["x"]), "2 names"),
        (lambda: model_selection.split_by(["a", "b"], [1, 0], 1.0, rng), "test_share: expected a number between"),
        (lambda: model_selection.split_by(["a", "a"], [1, 0], 0.5, rng), "at least 2 groups"),
        (lambda: list(model_selection.fold_rows([0.5])), "whole numbers"),
        (lambda: list(model_selection.fold_rows([2, 0, 2])), "got none in fold 1"),
        (lambda: list(model_selection.fold_rows([1, 1])), "got none in fold 0"),
        (lambda: list(model_selection.fold_rows([0, 0])), "got all in fold 0"),
        (lambda: model_selection.capped_rows(["a"], 0, rng), "cap: expected a positive integer"),
        (lambda: model_selection.folds_by_group([0, -1], ["a", "b"]), "whole numbers from 0"),
        (lambda: model_selection.fold_hash({}), "at least one group"),
        (lambda: model_selection.fold_hash({"a": -1}), "'a': -1"),
        (lambda: model_selection.fold_hash({3: 1}), "fold number from 0 for each name"),
        (lambda: model_selection.write_folds("folds.txt", {"a": 1}), r"\.json or \.csv"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"default_rng\(seed\)"):
        model_selection.grouped_stratified_folds([1, 0], ["a", "b"], 2, 0)
