"""One contract for all losses, for new ones too."""

import numpy as np
import pytest

from nnlite.registry import REGISTRY

KNOWN = {name: cls() for name, cls in REGISTRY.items() if name.startswith("losses.")}
EACH_KIND = pytest.mark.parametrize("loss", KNOWN.values(), ids=KNOWN)


@EACH_KIND
def test_gradients_and_weights_of_each_kind(loss):
    rng = np.random.default_rng(0)
    targets = loss.targets(np.eye(3)[rng.integers(3, size=5)], 3, np.float64)
    logits, weights, step = rng.standard_normal((5, 3)), rng.random(5), 1e-6
    value, gradient = loss.value_and_gradient(logits, targets, weights)
    assert value == loss.value(logits, targets, weights) and gradient.shape == logits.shape
    for place in np.ndindex(logits.shape):
        high, low = logits.copy(), logits.copy()
        high[place] += step
        low[place] -= step
        slope = (loss.value(high, targets, weights) - loss.value(low, targets, weights)) / (2 * step)
        assert gradient[place] == pytest.approx(slope, abs=1e-7)


@EACH_KIND
def test_predictions_are_those_of_the_layer_that_belongs_to_the_loss(loss):
    logits = np.random.default_rng(0).standard_normal((6, 4)) * 3
    layer = loss.output_activation
    expected = logits if layer is None else layer().apply({}, logits)
    np.testing.assert_allclose(loss.predict(logits), expected, rtol=1e-12)


@EACH_KIND
def test_log_odds_of_each_kind(loss):
    logits = np.random.default_rng(0).standard_normal((6, 4))
    p = loss.predict(logits)
    odds = loss.log_odds(logits)
    np.testing.assert_allclose(odds, logits if loss.output_activation is None else np.log(p / (1 - p)), atol=1e-12)
    for k in range(4):
        values, gradient = loss.log_odds_and_gradient(logits, k)
        np.testing.assert_array_equal(values, odds[:, k])
        for j in range(4):
            moved = logits.copy()
            moved[:, j] += 1e-6
            np.testing.assert_allclose(gradient[:, j], (loss.log_odds(moved)[:, k] - values) / 1e-6, atol=1e-5)
