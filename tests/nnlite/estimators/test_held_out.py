"""Samples that are held out: shares against the exact distribution, what training keeps, and groups."""

from itertools import combinations

import numpy as np
import pytest

import nnlite as nn
from nnlite.estimators.bags import draw_rows
from nnlite.estimators.held_out import can_split, split
from nnlite.estimators.label_coding import LabelCoding
from nnlite.estimators.labelled import Labelled
from nnlite.model_selection import capped_rows, grouped_stratified_folds

SEEDS = 1500


def samples(labels, groups=None):
    """Labels as the record of a training."""
    labels, n = np.asarray(labels), len(labels)
    coding = LabelCoding(np.unique(labels), multilabel=labels.ndim == 2)
    return Labelled(np.zeros((n, 1)), labels, np.ones(n), np.ones(n), np.arange(n), coding, None, groups)


def held_out(labels, fraction, groups=None, seeds=SEEDS):
    """Return for each seed which samples were held out, shape (seeds, n_samples)."""
    record = samples(labels, groups)
    drawn = np.zeros((seeds, len(labels)), bool)
    for seed in range(seeds):
        training, validation = split("test", record, fraction, seed)
        drawn[seed, validation.rows] = True
        assert np.array_equal(np.union1d(training.rows, validation.rows), np.arange(len(labels)))
        assert len(training.rows) + len(validation.rows) == len(labels)
    return drawn


def assert_share(found, expected, seeds=SEEDS):
    """Each frequency is within 4.5 standard deviations of its chance."""
    expected = np.broadcast_to(expected, np.shape(found))
    allowed = 4.5 * np.sqrt(expected * (1 - expected) / seeds) + 1e-12
    wrong = np.flatnonzero(np.abs(found - expected) > allowed)
    assert not len(wrong), f"{found[wrong]} where {expected[wrong]} was expected"


@pytest.mark.parametrize(
    ("counts", "fraction"),
    [((90, 10), 0.2), ((50, 3, 3, 2), 0.2), ((5, 4, 4), 0.7), ((13, 6), 0.5), ((2, 2), 0.05), ((7, 5, 1), 0.3)],
)
def test_every_sample_has_the_same_chance_and_every_class_its_share(counts, fraction):
    y = np.repeat(np.arange(len(counts)), counts)
    drawn = held_out(y, fraction)
    chance = np.where(np.array(counts) == 1, 0.0, fraction)
    if (chance * counts).sum() < 1:  # one sample is held out in any case
        chance = chance / (chance * counts).sum()
    assert_share(drawn.mean(axis=0), chance[y])
    for k, count in enumerate(counts):
        mine = drawn[:, y == k].sum(axis=1)
        expected = chance[k] * count
        low = int(np.floor(expected + 1e-9))
        assert set(mine.tolist()) <= {low, low + 1} and mine.max() < count
        assert_share((mine > low).mean(), max(expected - low, 0.0))
    total = drawn.sum(axis=1)
    assert abs(total - (chance * counts).sum()).max() < 1 and total.min() >= 1


def test_a_class_that_can_not_give_its_share_gives_all_but_one():
    drawn = held_out(np.repeat([0, 1], [30, 2]), 0.8)
    assert (drawn[:, 30:].sum(axis=1) == 1).all()
    assert_share(drawn.mean(axis=0), np.repeat([0.8, 0.5], [30, 2]))


def test_within_a_class_every_set_is_as_likely_as_any_other():
    drawn = held_out(np.repeat([0, 1], [6, 4]), 0.5)
    for members, size in ((range(6), 3), (range(6, 10), 2)):
        sets = list(combinations(members, size))
        found = [drawn[:, list(each)].all(axis=1).mean() for each in sets]
        assert sum(found) == pytest.approx(1)
        assert_share(np.array(found), 1 / len(sets))


@pytest.mark.parametrize("shares", [(0.03,) * 8, (0.05, 0.1, 0.3, 0.5, 0.9), (0.5, 0.99)])
def test_every_label_has_its_share(shares):
    y = (np.random.default_rng(0).random((150, len(shares))) < shares).astype(np.float32)
    assert y.any(axis=0).all()
    drawn = held_out(y, 0.2, seeds=500)
    only = ((y == 1) & (y.sum(axis=0) == 1)) | ((y == 0) & ((1 - y).sum(axis=0) == 1))
    assert_share(drawn.mean(axis=0), np.where(only.any(axis=1), 0.0, 0.2), 500)
    for column in (*y.T, *(1 - y).T):
        mine = drawn @ column
        assert mine.max() < column.sum()
        if column.sum() > 1 and not only.any():  # the spread of a draw without strata is the hypergeometric one
            n, m = len(y), column.sum()
            plain = n * 0.2 * 0.8 * (m / n) * (1 - m / n) * n / (n - 1)
            assert mine.var() < 1.1 * plain
            assert abs(mine.mean() - 0.2 * m) < 4.5 * np.sqrt(plain / 500)


def test_labels_that_all_hang_together_keep_a_sample_each():
    y = np.eye(9)[np.r_[np.arange(9), np.arange(9)]] + np.eye(9)[np.r_[np.arange(1, 10) % 9, np.arange(4, 13) % 9]]
    drawn = held_out(y.clip(max=1), 0.45, seeds=200)
    assert ((drawn @ y.clip(max=1)) < y.clip(max=1).sum(axis=0)).all()


@pytest.mark.parametrize("labels", ["one", "several"])
def test_groups_are_whole_and_every_class_has_its_share(labels):
    rng = np.random.default_rng(1)
    groups = rng.permutation(np.repeat(np.arange(25), rng.integers(1, 9, 25)))
    y = np.where(groups % 7 == 0, 1, groups % 3 == 0).astype(int)
    if labels == "several":
        y = np.stack([groups % 4 == 0, rng.random(len(groups)) < 0.2], axis=1).astype(np.float32)
    drawn = held_out(y, 0.2, groups, seeds=500)
    for group in range(25):
        mine = drawn[:, groups == group]
        assert (mine.all(axis=1) == mine.any(axis=1)).all()
    assert_share(drawn.mean(axis=0), 0.2, 500)
    whole = drawn[:, np.unique(groups, return_index=True)[1]].sum(axis=1)
    assert set(whole.tolist()) == {5}


def test_what_can_not_be_split():
    assert not can_split(samples([0, 1, 2])) and can_split(samples([0, 1, 1]))
    with pytest.raises(ValueError, match=r"^test: validation_fraction: expected more samples .* got 3 \(n_samples = 3"):
        split("test", samples([0, 1, 2]), 0.5, 0)
    with pytest.raises(ValueError, match=r"expected more groups of samples .* got 2 \(n_samples = 6\)"):
        split("test", samples([0, 0, 0, 1, 1, 1], np.repeat([0, 1], 3)), 0.5, 0)


def test_bags_caps_and_folds_draw_every_sample_alike():
    """The library's other draws of samples. Folds have the same chance for each group of a size."""
    seeds = 600
    bags, caps, folds = np.zeros(30), np.zeros(30), np.zeros((30, 3))
    groups = np.repeat([0, 1, 2], [3, 9, 18])
    for seed in range(seeds):
        bags[draw_rows(np.arange(6), np.arange(6, 30), 1.5, np.random.default_rng(seed))] += 1
        caps[capped_rows(groups, 4, np.random.default_rng(seed))] += 1
        labels = np.repeat([0, 1], [24, 6])
        if seed < 150:
            folds[np.arange(30), grouped_stratified_folds(labels, np.arange(30), 3, np.random.default_rng(seed))] += 1
    assert_share(bags / seeds, np.repeat([1, 9 / 24], [6, 24]), seeds)
    assert_share(caps / seeds, np.repeat([1, 4 / 9, 4 / 18], [3, 9, 18]), seeds)
    assert_share(folds.reshape(-1) / 150, 1 / 3, 150)


@pytest.mark.parametrize("estimator", ["classifier", "ensemble"])
def test_fit_takes_groups(estimator, monkeypatch):
    """Windows of one track are all trained on, or all held out."""
    from nnlite.estimators import network_estimator

    seen = []

    def watch(who, record, fraction, seed):
        parts = split(who, record, fraction, seed)
        seen.append([record.X[part.rows][:, 0] for part in parts])
        return parts

    monkeypatch.setattr(network_estimator, "split", watch)
    tracks = np.repeat(np.arange(30), 4)
    X = np.stack([tracks, np.tile([0, 1, 2, 3], 30)], axis=1).astype(np.float32)
    model = nn.NetworkClassifier(max_epochs=1, random_state=0)
    if estimator == "ensemble":
        model = nn.BaggedEnsemble(model, n_bags=2, random_state=0)
    model.fit(X, tracks % 3, groups=[f"track {number}" for number in tracks])
    assert len(seen) == (1 if estimator == "classifier" else 6)
    for training, validation in seen:
        assert len(validation) and not set(training) & set(validation)
    with pytest.raises(ValueError, match=r"^\w+\.fit: groups: expected shape \(120,\), one a sample, got \(3,\)"):
        model.fit(X, tracks % 3, groups=[1, 2, 3])
    with pytest.raises(ValueError, match=r"^\w+\.fit: groups: expected integers or strings"):
        model.fit(X, tracks % 3, groups=np.full(120, np.nan))


def test_an_ensemble_whose_members_have_one_group_each_holds_nothing_out():
    X, y = np.random.default_rng(0).standard_normal((40, 2)).astype(np.float32), np.repeat([0, 1], 20)
    model = nn.BaggedEnsemble(nn.NetworkClassifier(max_epochs=1), random_state=0).fit(X, y, groups=y)
    assert all("val_loss" not in member.history_[0] for bags in model.members_ for member in bags)


def test_scikit_learn_passes_groups_on():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.model_selection import GroupKFold, cross_val_score

    X = np.random.default_rng(0).standard_normal((60, 2)).astype(np.float32)
    seen = []

    class Watched(nn.NetworkClassifier):
        def fit(self, X, y, sample_weight=None, validation_data=None, groups=None):
            seen.append(groups)
            return super().fit(X, y, sample_weight, validation_data, groups)

    with sklearn.config_context(enable_metadata_routing=True):
        model = Watched(max_epochs=1, random_state=0).set_fit_request(groups=True)
        groups = np.repeat(np.arange(15), 4)
        cross_val_score(model, X, (X[:, 0] > 0).astype(int), cv=GroupKFold(3), params={"groups": groups})
    assert [len(each) for each in seen] == [40] * 3
