"""Losses refuse wrong labels, batches, logits and settings, and say what was expected."""

import math

import numpy as np
import pytest

from nnlite.losses import SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError

SOFTMAX, SIGMOID, SQUARED = SoftmaxCrossEntropy(), SigmoidCrossEntropy(), SquaredError()


@pytest.mark.parametrize(
    ("loss", "y", "n_outputs", "message"),
    [
        (SOFTMAX, [0, 3, 4], 3, r"y: expected class indices from 0 to 2, got 3 at sample 1 \(2 such labels\)\. Count"),
        (SOFTMAX, [-1, 0], 3, "y: expected class indices from 0 to 2, got -1 at sample 0"),
        (
            SOFTMAX,
            [0.0, 1.0],
            3,
            r"y: expected integer class indices, got dtype float64\. Convert with y.astype\(int\)",
        ),
        (SOFTMAX, [True, False], 2, "y: expected integer class indices, got dtype bool"),
        (SOFTMAX, ["Drama", "Comedy"], 2, "y: expected numbers, got dtype <U6. numpy.unique"),
        (SOFTMAX, [[0], [1, 2]], 3, "y: expected an array, got rows of different lengths"),
        (SOFTMAX, [[0, 1]], 3, r"y: expected class indices .* of shape \(samples, 3\), got shape \(1, 2\)"),
        (SOFTMAX, [[0], [1]], 3, r"y: .* of shape \(samples, 3\), got shape \(2, 1\)"),
        (SOFTMAX, 1, 3, r"y: .* got shape \(\)"),
        (SOFTMAX, [[1, 0], [1, 1]], 2, r"y: expected rows that add up to 1, got 2 in row 1 \(1 such rows\)\. Divide"),
        (SOFTMAX, [[0, 0, 0]], 3, "y: expected rows that add up to 1, got 0 in row 0"),
        (SOFTMAX, [[1.5, -0.5]], 2, "y: expected probabilities of 0 or more, got -0.5 at sample 0, output 1"),
        (SOFTMAX, [[np.nan, 1]], 2, "y: expected probabilities of 0 or more, got nan at sample 0, output 0"),
        (SOFTMAX, [[np.inf, 1]], 2, "y: expected probabilities of 0 or more, got inf"),
        (SOFTMAX, [0, 0], 1, r"n_outputs: expected 2 classes or more, got 1: .*\. Take SigmoidCrossEntropy"),
        (SIGMOID, [[0, 2]], 2, "y: expected indicators from 0 to 1, got 2 at sample 0, output 1"),
        (SIGMOID, [[0, np.nan]], 2, "y: expected indicators from 0 to 1, got nan"),
        (SIGMOID, [0, 1], 2, r"y: expected indicators, of shape \(samples, 2\), got shape \(2,\)"),
        (SigmoidCrossEntropy(0, (1, 2)), [[0, 1, 0]], 3, r"pos_weight: expected 3 factors \(outputs\), got 2"),
        (SQUARED, [[0, np.inf]], 2, "y: expected finite numbers, got inf at sample 0, output 1"),
        (SQUARED, [0.5, 1], 2, r"y: expected targets, of shape \(samples, 2\), got shape \(2,\)"),
        (SQUARED, [[1j]], 1, "y: expected numbers, got dtype complex128"),
        (SQUARED, [[None]], 1, "y: expected numbers, got dtype object"),
    ],
)
def test_wrong_labels(loss, y, n_outputs, message):
    with pytest.raises(ValueError, match=f"^{type(loss).__name__}: {message}"):
        loss.targets(y, n_outputs, np.float32)


@pytest.mark.parametrize(
    ("loss", "shape", "targets", "n_weights", "message"),
    [
        (SOFTMAX, (3, 2), [0, 1], 3, r"targets: expected shape \(3,\) for logits of shape \(3, 2\), got \(2,\)"),
        (SOFTMAX, (2, 2), [[0, 1]], 2, r"targets: expected shape \(2, 2\) for logits of shape \(2, 2\), got \(1, 2\)"),
        (SOFTMAX, (2, 2), [0, 1], 1, r"weights: expected shape \(2,\), one a sample, got \(1,\)"),
        (SIGMOID, (2, 2), [[0, 1]], 2, r"targets: expected shape \(2, 2\)"),
        (SigmoidCrossEntropy(0, (1, 1, 1)), (1, 2), [[0, 1]], 1, r"pos_weight: expected 2 factors \(outputs\), got 3"),
        (SQUARED, (2, 1), [0, 1], 2, r"targets: expected shape \(2, 1\)"),
        (SQUARED, (2,), [0, 1], 2, r"logits: expected floats of shape \(samples, outputs\), got shape \(2,\)"),
    ],
)
def test_wrong_batches(loss, shape, targets, n_weights, message):
    with pytest.raises(ValueError, match=f"^{type(loss).__name__}: {message}"):
        loss.value_and_gradient(np.zeros(shape), np.asarray(targets), np.ones(n_weights))


@pytest.mark.parametrize("loss", [SOFTMAX, SIGMOID, SQUARED])
@pytest.mark.parametrize("logits", [np.zeros(3), np.zeros((3, 2), int), np.zeros((3, 0))])
def test_wrong_logits(loss, logits):
    message = rf"^{type(loss).__name__}: logits: expected floats of shape \(samples, outputs\), got shape .* and dtype"
    with pytest.raises(ValueError, match=message):
        loss.predict(logits)
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(logits, np.zeros_like(logits), np.ones(3))


@pytest.mark.parametrize("smoothing", [1.0, -0.1, math.nan, True, "much"])
@pytest.mark.parametrize("make", [SoftmaxCrossEntropy, SigmoidCrossEntropy])
def test_wrong_smoothing(make, smoothing):
    with pytest.raises(ValueError, match=rf"^{make.__name__}: label_smoothing: expected a share in \[0, 1\), got"):
        make(label_smoothing=smoothing)


@pytest.mark.parametrize("pos_weight", [(1.0, 0.0), (1.0, math.inf), 2.0, ("a",), [[1.0]]])
def test_wrong_pos_weight(pos_weight):
    message = "^SigmoidCrossEntropy: pos_weight: expected one positive finite factor per output, got"
    with pytest.raises(ValueError, match=message):
        SigmoidCrossEntropy(pos_weight=pos_weight)
