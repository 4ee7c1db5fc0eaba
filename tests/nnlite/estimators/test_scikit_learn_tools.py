"""The estimators inside scikit-learn's tools, as their users put them together."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, estimator_html_repr

import nnlite as nn

ROOT = Path(__file__).resolve().parents[3]
RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 3))
Y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
THREE = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
WEIGHTS = np.where(Y == "up", 1.0, 1e-6)  # a model that hears of them says "up"


def quick(**settings):
    return nn.NetworkClassifier(
        **{"max_epochs": 8, "optimizer": nn.SGD(0.1, momentum=0.9), "random_state": 0} | settings
    )


def test_a_search_over_two_processes_finds_what_one_finds():
    grid = {
        "networkclassifier__optimizer": [nn.SGD(1e-9), nn.Adam(0.05)],
        "networkclassifier__network": [None, nn.Sequential([nn.Dense(2)], input_shape=(3,))],
    }
    scores = [
        GridSearchCV(make_pipeline(StandardScaler(), quick()), grid, cv=2, n_jobs=jobs).fit(X, Y).cv_results_
        for jobs in (None, 2)
    ]
    np.testing.assert_array_equal(scores[0]["mean_test_score"], scores[1]["mean_test_score"])
    assert scores[0]["mean_test_score"].max() > 0.85


@pytest.mark.parametrize(
    ("tool", "y"),
    [
        (VotingClassifier([("network", quick()), ("dummy", DummyClassifier())], voting="soft"), Y),
        (BaggingClassifier(quick(), n_estimators=2, random_state=0), Y),
        (OneVsRestClassifier(quick()), THREE),
        (MultiOutputClassifier(quick()), np.stack([Y == "up", THREE == "a"], 1)),
        (ClassifierChain(quick()), np.stack([Y == "up", THREE == "a"], 1).astype(int)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tools_around_it(tool, y):
    assert tool.fit(X, y).score(X, y) > 0.7


def test_calibration():
    assert CalibratedClassifierCV(quick(), cv=3).fit(X, Y, sample_weight=np.ones(120)).score(X, Y) > 0.85


def test_scorers_that_ask_for_probabilities():
    for scoring, least in (("neg_log_loss", -0.8), ("roc_auc_ovr", 0.9), ("f1_macro", 0.5)):
        assert cross_val_score(quick(), X, THREE, cv=3, scoring=scoring).min() > least


def test_importances_and_learning_curves():
    importances = permutation_importance(quick().fit(X, Y), X, Y, n_repeats=3, random_state=0).importances_mean
    assert importances[:2].min() > 0.1 > importances[2]
    for incremental in (False, True):
        settings = {"train_sizes": [0.5, 1.0], "exploit_incremental_learning": incremental}
        curve = learning_curve(quick(), X, Y, cv=2, **settings)[2]
        assert curve.shape == (2, 2) and curve[-1].min() > 0.6


def test_notebooks_show_it():
    model = quick(network=nn.Sequential([nn.Dense(2)], input_shape=(3,)))
    assert "NetworkClassifier" in estimator_html_repr(model)
    page = make_pipeline(StandardScaler(), model).fit(X, Y)._repr_html_()
    assert "NetworkClassifier" in page and "Dense(units=2" in page


def test_columns_of_data_frames():
    pytest.importorskip("pandas", reason="pandas is not installed: the check would be skipped")
    estimator_checks.check_dataframe_column_names_consistency("NetworkClassifier", quick(max_epochs=2))


def test_sparse_data_is_refused_clearly():
    from scipy import sparse

    several = np.stack([Y == "up", THREE == "a"], 1).astype(int)
    for kind in (sparse.csr_matrix, sparse.coo_array):
        with pytest.raises(TypeError, match=r"fit: X: expected a dense array, got sparse data\. X\.toarray\(\) makes"):
            quick().fit(kind(X), Y)
        with pytest.raises(TypeError, match=r"NetworkClassifier\.predict: X: expected a dense array, got sparse data"):
            quick(max_epochs=1).fit(X, Y).predict(kind(X))
        with pytest.raises(TypeError, match=r"y: expected a dense array, got sparse data\. y\.toarray\(\) makes it"):
            quick().fit(X, kind(several))


# --- Metadata routing -------------------------------------------------------------------------------------------------


def test_weights_are_routed_where_they_are_wanted():
    with sklearn.config_context(enable_metadata_routing=True):
        wants = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        with_weights = GridSearchCV(wants, {"batch_size": [32]}, cv=2).fit(X, Y, sample_weight=WEIGHTS)
        assert (with_weights.predict(X) == "up").all()
        refuses = quick().set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
        without = GridSearchCV(refuses, {"batch_size": [32]}, cv=2).fit(X, Y, sample_weight=WEIGHTS)
        assert without.score(X, Y) > 0.9
        renamed = quick().set_fit_request(sample_weight="importance")
        pipeline = make_pipeline(StandardScaler(), renamed).fit(X, Y, importance=WEIGHTS)
        assert (pipeline.predict(X) == "up").all()
        assert GridSearchCV(pipeline, {"networkclassifier__batch_size": [32]}, cv=2).fit(X, Y).score(X, Y) > 0.9
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            cross_val_score(quick(), X, Y, params={"sample_weight": WEIGHTS})


def test_requests_stay_with_copies_and_are_not_shared():
    model = quick().set_fit_request(sample_weight=True).set_partial_fit_request(sample_weight="importance")
    again = clone(clone(model)).set_fit_request(validation_data=False)
    requests = [estimator.get_metadata_routing() for estimator in (quick(), model, again)]
    assert [request.fit.requests for request in requests] == [
        {"sample_weight": None, "validation_data": None, "groups": None},
        {"sample_weight": True, "validation_data": None, "groups": None},
        {"sample_weight": True, "validation_data": False, "groups": None},
    ]
    assert requests[1].partial_fit.requests == {"classes": None, "sample_weight": "importance"}
    assert requests[1].score.requests == {"sample_weight": None} and not requests[1].predict.requests
    with pytest.raises(
        TypeError, match=r"NetworkClassifier.set_score_request: expected some of \['sample_weight'\], .*ts'"
    ):
        model.set_score_request(weights=True)


def test_requests_stay_with_ensembles():
    model = nn.BaggedEnsemble().set_fit_request(sample_weight=True)
    assert clone(model).get_metadata_routing().fit.requests == {
        "sample_weight": True,
        "validation_data": None,
        "groups": None,
    }
    assert not model.get_metadata_routing().partial_fit.requests


def test_requests_need_no_scikit_learn():
    request = "nnlite.NetworkClassifier().set_fit_request(sample_weight=True)"
    code = f"import sys, nnlite; {request}; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
