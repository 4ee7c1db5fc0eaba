"""Show why the published network hardly learns: how much of its input, and of its gradient, reaches each layer before
training.

For each way to start, two rows: the deviation between samples of each layer's sums, and the norm of the gradient of
its weights divided by the norm of the weights. A layer with the same sums for all samples has nothing to pass on. A
layer with a thousandth of the gradient of another one does not move. All is measured on windows of the sample, with
coefficients scaled to mean 0 and deviation 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import nnlite as nn
from filmscore.features import load_features
from filmscore.networks import convolutional

N_WINDOWS = 256
STARTS = (
    ("sigmoid, formula (Glorot, gain 4), dropout to 0: as published", "sigmoid", False, 0.0),
    ("sigmoid, formula, dropout to 0.5", "sigmoid", False, 0.5),
    ("sigmoid, scaled by data (lsuv), dropout to 0", "sigmoid", True, 0.0),
    ("sigmoid, scaled by data, dropout to 0.5: the default here", "sigmoid", True, 0.5),
    ("tanh, formula", "tanh", False, 0.0),
    ("ReLU, formula", "relu", False, 0.0),
)


def main() -> int:
    features = load_features(Path(__file__).parent / "data" / "sample")
    rows = np.sort(np.random.default_rng(0).choice(len(features.tiles), N_WINDOWS, replace=False))
    tiles = features.tiles[rows]
    x = (tiles - tiles.mean((0, 2), keepdims=True)) / tiles.std((0, 2), keepdims=True)
    labels = features.labels[rows].astype(np.float32)
    targets = labels / labels.sum(1, keepdims=True)
    for title, activation, scaled, rest in STARTS:
        network = convolutional(len(features.class_names), activation=activation, output=nn.Softmax(), rest=rest)
        params = network.init(np.random.default_rng(0))
        if scaled:
            params = nn.lsuv(network, params, x)
        print(f"{title}\n  deviation  {line(deviations(network, params, x))}")
        print(f"  gradient   {line(gradients(network, params, x, targets))}\n")
    return 0


def deviations(network: nn.Sequential, params: dict[str, np.ndarray], x: np.ndarray) -> list[float]:
    """Return the deviation between samples of the sums of each layer with weights, averaged over its outputs."""
    result = []
    for count in range(1, len(network.layers) + 1):
        if f"{count - 1}.weight" in params:
            head = nn.Sequential(network.layers[:count], network.input_shape)
            mine = {name: value for name, value in params.items() if int(name.partition(".")[0]) < count}
            result.append(float(nn.predict(head, mine, x).std(axis=0).mean()))
    return result


def gradients(network: nn.Sequential, params: dict[str, np.ndarray], x: np.ndarray, targets: np.ndarray) -> list[float]:
    """Return the norm of the gradient over the norm of the weights, layer by layer."""
    logits = nn.Sequential(network.layers[:-1], network.input_shape)
    weights = np.full(len(x), 1 / len(x))
    _, grads = nn.loss_and_gradients(logits, params, x, targets, weights, nn.SoftmaxCrossEntropy())
    names = sorted((name for name in params if name.endswith("weight")), key=lambda name: int(name.partition(".")[0]))
    return [float(np.linalg.norm(grads[name]) / np.linalg.norm(params[name])) for name in names]


def line(values: list[float]) -> str:
    return "  ".join(f"{value:8.4f}" for value in values)


if __name__ == "__main__":
    sys.exit(main())
