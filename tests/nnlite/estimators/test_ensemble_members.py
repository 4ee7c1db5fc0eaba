"""The samples that the members of a bagged ensemble are trained on."""

import numpy as np
import pytest

import nnlite as nn
from nnlite import metrics
from tests.nnlite.estimators.ensemble_tasks import Seeing
from tests.nnlite.estimators.test_ensemble import RNG, X, Y, quick


def rows_in(part):
    """Numbers of the rows of X that are in `part`."""
    return [int(np.flatnonzero((X == row).all(axis=1))[0]) for row in part]


def test_a_member_sees_all_positives_and_as_many_negatives():
    model = nn.BaggedEnsemble(quick(Seeing), n_bags=3, random_state=0).fit(X, Y)
    negatives = set()
    for k in (0, 2):
        for member in model.members_[k]:
            seen, y, weights, validation = member.seen
            rows = rows_in(seen)
            assert len(set(rows)) == len(rows) == 2 * Y[:, k].sum() and validation is None
            assert {row for row, label in zip(rows, y[:, 0], strict=True) if label} == set(np.flatnonzero(Y[:, k]))
            np.testing.assert_array_equal(y[:, 0], Y[rows, k])
            np.testing.assert_array_equal(weights, 1)
            negatives.add((k, tuple(row for row in rows if not Y[row, k])))
    assert len(negatives) == 6, "each bag draws its own"
    assert len({member.random_state for members in model.members_ for member in members}) == 9


def test_where_negatives_are_few_weights_make_up_for_them():
    has = Y[:, 1].sum()
    assert has > 120
    model = nn.BaggedEnsemble(quick(Seeing), random_state=0).fit(X, Y)
    _, y, weights, _ = model.members_[1][0].seen
    assert len(y) == 240 and y.sum() == has
    of_positives = weights[y[:, 0] == 1]
    np.testing.assert_array_equal(of_positives, of_positives[0])
    np.testing.assert_allclose(weights[y[:, 0] == 0] / of_positives[0], has / (240 - has))


def test_more_negatives_than_positives():
    model = nn.BaggedEnsemble(quick(Seeing), negatives_per_positive=2.5, random_state=0).fit(X, Y)
    for k in range(3):
        _, y, weights, _ = model.members_[k][0].seen
        n_positive = Y[:, k].sum()
        assert len(y) == n_positive + min(240 - n_positive, round(2.5 * n_positive))
        positive = y[:, 0] == 1
        np.testing.assert_allclose(weights[~positive].sum() / weights[positive].sum(), 2.5)


def test_sample_weights_are_kept_and_those_of_zero_left_out():
    weights = np.where(np.arange(240) < 100, 0.0, RNG.uniform(0.5, 2, 240))
    model = nn.BaggedEnsemble(quick(Seeing), random_state=0).fit(X, Y, sample_weight=weights)
    seen, y, own, _ = model.members_[0][0].seen
    rows, positive = np.array(rows_in(seen)), y[:, 0] == 1
    assert rows.min() >= 100 and positive.sum() == Y[100:, 0].sum()
    ratio = own[positive] / weights[rows[positive]]
    assert (ratio == ratio[0]).all() and np.frexp(ratio[0])[0] == 0.5, "times a power of two: only ratios count"
    np.testing.assert_allclose(own[~positive].sum(), own[positive].sum())
    factor = own[~positive] / weights[rows[~positive]]
    np.testing.assert_allclose(factor, factor[0])
    np.testing.assert_allclose(model.prior_, np.average(Y, axis=0, weights=weights))


def test_validation_samples_are_balanced_and_choose_the_epoch():
    weights = np.ones(60)
    weights[:5] = 0
    model = nn.BaggedEnsemble(quick(Seeing), random_state=0)
    model.fit(X[60:], Y[60:], validation_data=(X[:60], Y[:60], weights))
    member = model.members_[0][0]
    x_val, y_val, own = member.seen[3]
    np.testing.assert_array_equal(x_val[:], X[5:60])
    np.testing.assert_array_equal(y_val[:, 0], Y[5:60, 0])
    np.testing.assert_allclose(own[y_val[:, 0] == 1].sum(), own[y_val[:, 0] == 0].sum())
    p = member.predict_proba(x_val[:])[:, 0].astype(float)
    loss = np.average(-np.log(np.where(y_val[:, 0] == 1, p, 1 - p)), weights=own)
    np.testing.assert_allclose(loss, member.history_[member.best_epoch_]["val_loss"], rtol=1e-5)
    assert loss == pytest.approx(min(row["val_loss"] for row in member.history_), rel=1e-5)


def test_a_class_that_validation_can_not_judge_is_trained_to_the_end():
    some = np.flatnonzero(Y[:, 0] == 0)[:40]
    with pytest.warns(nn.BaggedEnsembleWarning, match="class 0 has no sample or every sample there") as caught:
        model = nn.BaggedEnsemble(quick(patience=1), random_state=0).fit(X, Y, validation_data=(X[some], Y[some]))
    assert caught[0].filename == __file__ and len(caught) == 1
    assert model.members_[0][0].best_epoch_ is None and len(model.members_[0][0].history_) == 6
    assert model.members_[1][0].best_epoch_ is not None


def test_it_learns_and_bags_help():
    """Against one network a class on the same unheard samples."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2000, 6)).astype(np.float32)
    y = np.stack([x[:, 0] * x[:, 1] > 1.2, x[:, 2] > 0.5, np.abs(x[:, 3]) < 0.2], axis=1)
    y ^= rng.random(y.shape) < 0.05
    settings = {"network": None, "max_epochs": 25, "optimizer": nn.Adam(0.01)}
    scores = []
    for n_bags in (1, 5):
        model = nn.BaggedEnsemble(quick(**settings), n_bags=n_bags, random_state=0).fit(x[:600], y[:600])
        scores.append(metrics.roc_auc(y[600:], model.predict_proba(x[600:])))
    assert 0.7 < scores[0] < scores[1]
