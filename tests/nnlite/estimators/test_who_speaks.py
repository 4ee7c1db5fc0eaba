"""Estimators speak in their own name, down to the method: also in errors that take two arguments to make.

Single arguments of all public names are in tests/nnlite/test_who_speaks.py.
"""

import warnings

import numpy as np
import pytest

import nnlite as nn

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 4)).astype(np.float32)
Y = np.arange(12) % 3
TAGS = np.eye(3, dtype=int)[Y]
NET = nn.Sequential([nn.Dense(3), nn.Softmax()], (4,))
PARAMS = NET.init(np.random.default_rng(0))
HOLED = np.where(np.arange(48).reshape(12, 4) == 7, np.nan, X)
UNKNOWN = Y + 7


class Mine(nn.NetworkClassifier):
    """A user's own subclass: errors have its name."""


def classifier(cls=nn.NetworkClassifier, **settings):
    return cls(**{"max_epochs": 1, "random_state": 0} | settings)


def fitted(cls=nn.NetworkClassifier):
    return classifier(cls).fit(X, Y)


def ensemble(**settings):
    return nn.BaggedEnsemble(classifier(), random_state=0, **settings)


def calls_of_estimators():
    """Yield (who should speak, a call that fails)."""
    bad_fits = [
        ((X, UNKNOWN[:5]), {}),
        ((X, None), {}),
        ((X, Y + 0.5), {}),
        ((HOLED, Y), {}),
        ((X[0], Y), {}),
        ((X, Y, np.ones(3)), {}),
        ((X, Y), {"validation_data": (X, UNKNOWN)}),
        ((X, Y), {"validation_data": (X[:, :2], Y)}),
        ((X, Y), {"validation_data": (X, Y, -np.ones(12))}),
        ((X, Y), {"validation_data": X}),
        ((X, TAGS[:, [0, 0]] * 0), {}),
    ]
    for name, make in (
        ("NetworkClassifier", classifier),
        ("Mine", lambda: classifier(Mine)),
        ("BaggedEnsemble", ensemble),
    ):
        for arguments, keywords in bad_fits:
            yield f"{name}.fit", lambda m=make, a=arguments, k=keywords: m().fit(*a, **k)
    for name, model in (
        ("NetworkClassifier", fitted()),
        ("Mine", fitted(Mine)),
        ("BaggedEnsemble", ensemble().fit(X, Y)),
    ):
        for method in ("predict", "predict_proba", "hidden", "log_odds"):
            for bad in (HOLED, X[:, :2], X[0], [["a", "b", "c", "d"]]):
                yield f"{name}.{method}", lambda m=model, n=method, b=bad: getattr(m, n)(b)
        for bad in ((HOLED, Y), (X, Y[:3]), (X, None), (X, Y, np.ones(3))):
            yield f"{name}.score", lambda m=model, b=bad: m.score(*b)
        for bad in ((HOLED, 0), (X, 99), (X, None)):
            yield f"{name}.input_gradient", lambda m=model, b=bad: m.input_gradient(*b)
        yield name, lambda m=model: m.set_params(nothing=1)
        yield f"{name}.set_fit_request", lambda m=model: m.set_fit_request(nothing=True)
        yield f"{name}.set_score_request", lambda m=model: m.set_score_request(nothing=True)
    yield "NetworkClassifier.set_partial_fit_request", lambda: fitted().set_partial_fit_request(nothing=True)
    for name, cls in (("NetworkClassifier", nn.NetworkClassifier), ("Mine", Mine)):
        for arguments, keywords in (
            ((X, Y), {}),
            ((X, UNKNOWN), {"classes": [0, 1, 2]}),
            ((X, Y), {"classes": [1]}),
            ((HOLED, Y), {"classes": [0, 1, 2]}),
            ((X, Y), {"classes": [0, 1, 2], "sample_weight": np.zeros(12)}),
        ):
            yield f"{name}.partial_fit", lambda c=cls, a=arguments, k=keywords: classifier(c).partial_fit(*a, **k)
        yield f"{name}.partial_fit", lambda c=cls: fitted(c).partial_fit(X[:, :2], Y)
        yield f"{name}.partial_fit", lambda c=cls: fitted(c).partial_fit(X, Y, classes=[5, 6])
        yield f"{name}.partial_fit", lambda c=cls: classifier(c, class_weight="balanced").partial_fit(X, Y, [0, 1, 2])
        for settings in ({"class_weight": {9: 1.0}}, {"standardize_axes": (3,)}, {"network": NET.until(1)}):
            bad_y = Y if "network" not in settings else Y % 2
            yield f"{name}.fit", lambda c=cls, s=settings, y=bad_y: classifier(c, **s).fit(X, y)
        yield name, lambda c=cls: classifier(c, batch_size=0).fit(X, Y)
        yield name, lambda c=cls: classifier(c, batch_size=0).partial_fit(X, Y, [0, 1, 2])
        yield name, lambda c=cls: classifier(c).predict(X)
    yield "BaggedEnsemble", lambda: ensemble(n_bags=0).fit(X, Y)
    yield "BaggedEnsemble", lambda: nn.BaggedEnsemble(classifier(batch_size=0)).fit(X, Y)
    yield "BaggedEnsemble", lambda: ensemble().predict(X)


@pytest.mark.parametrize(("who", "call"), list(calls_of_estimators()))
def test_estimators(who, call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((ValueError, TypeError, IndexError)) as caught:
            call()
    assert str(caught.value).startswith(f"{who}: "), f"{who} should speak, but it was: {caught.value}"
