"""Parameters inside of parameters: of optimizers, schedules, losses and layers, by name."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import nnlite as nn

NET = nn.Sequential([nn.TimeDistributed(nn.Dense(5)), nn.Tanh(), nn.Flatten(), nn.Dense(2)], (3, 4))


def model():
    schedule = nn.Warmup(2, nn.LinearDecay(0.1))
    loss = nn.SoftmaxCrossEntropy(0.1)
    return nn.NetworkClassifier(NET, optimizer=nn.SGD(0.1, 0.9), schedule=schedule, loss=loss, random_state=0)


def test_they_are_listed():
    params = model().get_params()
    assert params["optimizer__learning_rate"] == 0.1 and params["loss__label_smoothing"] == 0.1
    assert params["network__3"] == nn.Dense(2) and params["network__0__layer__units"] == 5
    assert "optimizer__learning_rate" not in model().get_params(deep=False)
    ensemble = nn.BaggedEnsemble(model())
    assert ensemble.get_params()["estimator__optimizer__momentum"] == 0.9


@pytest.mark.parametrize("name", [name for name in model().get_params() if "__" in name])
def test_each_can_be_set_to_what_it_is(name):
    changed = model().set_params(**{name: model().get_params()[name]})
    assert changed.get_params() == model().get_params()


def test_they_can_be_set_and_others_stay():
    first = model()
    changed = clone(first).set_params(
        optimizer__learning_rate=0.5, loss__label_smoothing=0.0, network__0__layer__units=7, network__1=nn.ReLU()
    )
    assert changed.optimizer == nn.SGD(0.5, 0.9) and changed.loss == nn.SoftmaxCrossEntropy()
    assert changed.network.layers[:2] == (nn.TimeDistributed(nn.Dense(7)), nn.ReLU())
    assert first.optimizer == nn.SGD(0.1, 0.9) and first.network == NET
    both = model().set_params(optimizer__learning_rate=0.2, optimizer=nn.Adam())
    assert both.optimizer == nn.Adam(0.2)
    ensemble = nn.BaggedEnsemble(model()).set_params(estimator__optimizer__momentum=0.5)
    assert ensemble.estimator.optimizer == nn.SGD(0.1, 0.5)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"optimizer__rate": 1}, r"^NetworkClassifier: optimizer: expected one of the parts \['clip.* got 'rate'"),
        ({"optimizer__learning_rate": -1}, "SGD: learning_rate: expected a positive finite number"),
        ({"network__9__units": 1}, r"^NetworkClassifier: network: expected one of the parts \['0', .* got '9'"),
        ({"network__0__layer__size": 1}, "^NetworkClassifier: network__0__layer: expected one of the parts"),
        ({"n_threads__x": 1}, r"^NetworkClassifier: n_threads: expected .* of None, got 'x'\. Set n_threads first"),
    ],
)  # fmt: skip
def test_errors(params, message):
    changed = model()
    with pytest.raises(ValueError, match=message):
        changed.set_params(batch_size=7, **params)
    assert changed.get_params() == model().get_params()


def test_scikit_learn_searches_over_them():
    X = np.random.default_rng(0).standard_normal((60, 3, 4)).astype(np.float32)
    y = (X[:, 0, 0] > 0).astype(int)
    search = GridSearchCV(
        model().set_params(max_epochs=20, loss=None, schedule=None), {"optimizer__learning_rate": [1e-6, 0.1]}, cv=2
    )
    assert search.fit(X, y).best_params_ == {"optimizer__learning_rate": 0.1}
