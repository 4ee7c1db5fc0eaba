"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

import nnlite as nn
from speed import networks
from speed.case import Modes, Ready, Task


def training(task: Task) -> Modes:
    """`partial_fit` on all batches, which makes a step for each."""

    def make() -> Ready:
        net, arrays, batch = networks.network(task), task.arrays(), task.settings["batch"]
        x, y = arrays["x"].reshape(len(arrays["x"]), -1), arrays["y"]
        params = task.arrays("params")
        weights, biases = ([params[name] for name in params if name.endswith(kind)] for kind in ("weight", "bias"))

        def model(learning_rate: float) -> MLPClassifier:
            mlp = MLPClassifier(
                [len(bias) for bias in biases[:-1]],
                activation="logistic",
                solver="sgd",
                alpha=0.0,
                batch_size=batch,
                learning_rate_init=learning_rate,
                shuffle=False,
                momentum=networks.MOMENTUM,
                nesterovs_momentum=False,
            )
            mlp.partial_fit(x[:batch], y[:batch], classes=np.arange(networks.N_CLASSES))
            del mlp._optimizer  # and with it the velocity: from here on it is as if it had started with our parameters
            for mine, given in zip(mlp.coefs_ + mlp.intercepts_, weights + biases, strict=True):
                mine[...] = given
            return mlp

        def result() -> dict[str, np.ndarray]:
            mlp = model(networks.CHECK_LEARNING_RATE)
            for _ in range(networks.CHECK_STEPS):
                mlp.partial_fit(x[:batch], y[:batch])
            names = [name for kind in ("weight", "bias") for name in params if name.endswith(kind)]
            after = dict(zip(names, mlp.coefs_ + mlp.intercepts_, strict=True))
            before, after = (nn.to_torch_state_dict(net, arrays) for arrays in (params, after))
            return networks.changes(before, after)

        mlp = model(networks.LEARNING_RATE)
        return Ready(lambda: mlp.partial_fit(x, y), result)

    return {"": make}
