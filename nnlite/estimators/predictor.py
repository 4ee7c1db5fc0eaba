"""From samples to what an estimator says of them, given parameters."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnlite.estimators.coding import Coding
from nnlite.estimators.inputs import check_sample_shape
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.standardize import Standardizer
from nnlite.layers.activations import ReLU
from nnlite.layers.base import Layer
from nnlite.layers.dense import Dense
from nnlite.layers.reshape import Flatten
from nnlite.losses import Loss
from nnlite.network.attribution import input_gradient
from nnlite.network.logits import logits_network
from nnlite.network.sequential import Sequential
from nnlite.network.shards import predict
from nnlite.network.unit_variance import lsuv
from nnlite.runtime.lazy import lazy_property

LSUV_SAMPLES = 256
"""Training samples on which `init="lsuv"` measures."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """An estimator without its parameters: the way from samples to probabilities, or to numbers.

    Methods take the name of the caller (``who``), with which their errors begin.

    Attributes
    ----------
    network : Sequential
        As written, perhaps with a final activation.
    loss : Loss
        Which makes probabilities of the network's last sums.
    coding : Coding
        Which says what the outputs mean.
    standardizer : Standardizer or None
    feature_names : ndarray or None
        Names of the columns of X, if it was a data frame that has some.
    """

    network: Sequential
    loss: Loss
    coding: Coding
    standardizer: Standardizer | None
    feature_names: np.ndarray | None = None

    @lazy_property
    def logits_network(self) -> Sequential:
        """The network without the activation that the loss absorbs."""
        return logits_network(self.network, self.loss)

    def read(self, who: str, x: Any) -> np.ndarray:
        """Return samples as the network takes them: scaled, float32. Raise ValueError where they are not finite."""
        x = np.asarray(x)
        if x.dtype.kind not in "biuf":
            raise ValueError(f"{who}: X: expected real numbers, got dtype {x.dtype}.")
        with np.errstate(all="ignore"):  # what doesn't fit into float32 becomes infinite
            scaled = x.astype(np.float32, copy=False) if self.standardizer is None else self.standardizer(x)
        if not np.isfinite(scaled).all():
            got = "NaN or infinity (inf)" if not np.isfinite(x).all() else "some that are too large for float32 (inf)"
            padding = ""
            if x.ndim > 2 and np.isnan(x).any():
                padding = (
                    " NaN behind the ends of sequences is for networks without an estimator: nnlite.train, with layers "
                    "such as GRU and TimeDistributed."
                )
            raise ValueError(f"{who}: X: expected finite numbers, got {got}. Leave such samples out.{padding}")
        return scaled

    def logits(self, who: str, params: dict[str, np.ndarray], X: Any, n_threads: int | None) -> np.ndarray:
        """Return the last sums of the network for samples as `inputs.as_samples` returns them."""
        check_sample_shape(who, tuple(X.shape[1:]), self.network.input_shape)
        return predict(self.logits_network, params, X, read=partial(self.read, who), n_threads=n_threads)

    def outputs(self, who: str, params: dict[str, np.ndarray], X: Any, n_threads: int | None) -> np.ndarray:
        """Return the outputs of the network for each sample: probabilities, or numbers in the units of the targets."""
        return self.coding.in_units(self.loss.predict(self.logits(who, params, X, n_threads)))

    def hidden(self, who: str, params: dict[str, np.ndarray], X: Any, until: int, n_threads: int | None) -> np.ndarray:
        """Return the output of the layers before the index `until`."""
        check_sample_shape(who, tuple(X.shape[1:]), self.network.input_shape)
        inner = self.network.until(until)
        return predict(inner, inner.own(params), X, read=partial(self.read, who), n_threads=n_threads)

    def unit(self, who: str, unit: Any) -> Any:
        """Return the function of the logits whose gradient is asked for, given the number of an output or a function.

        It returns values and their gradients with respect to the logits.
        """
        if callable(unit):
            return unit
        n_outputs, words = self.network.output_shape[0], self.coding.WORDS
        if not isinstance(unit, (int, np.integer)) or isinstance(unit, bool) or not 0 <= unit < n_outputs:
            raise IndexError(
                f"{who}: unit: expected a column of the {n_outputs} {words}, got {unit!r}. Units of inner layers take "
                "until= too."
            )
        return partial(self.coding.value_and_gradient, self.loss, k=int(unit))

    def input_gradient(
        self, who: str, params: dict[str, np.ndarray], X: Any, unit: Any, until: int | None, n_threads: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a value of the output, or a unit before the layer `until`, with the gradient with respect to X."""
        check_sample_shape(who, tuple(X.shape[1:]), self.network.input_shape)
        if until is not None:
            network = self.network.until(until)
        else:
            network, unit = self.logits_network, self.unit(who, unit)
        values, gradient = input_gradient(network, params, X, unit, read=partial(self.read, who), n_threads=n_threads)
        if self.standardizer is not None:
            gradient *= self.standardizer.scale
        return values, gradient

    @property
    def baseline(self) -> np.ndarray:
        """The sample that the network sees as zeros: the mean that scaling subtracts."""
        mean = 0.0 if self.standardizer is None else self.standardizer.mean
        return np.broadcast_to(np.asarray(mean, np.float32), self.network.input_shape)

    def targets(self, who: str, labels: np.ndarray) -> np.ndarray:
        """Return encoded labels in the form that the loss takes."""
        return self.coding.targets(who, self.loss, labels)


def predictor_for(who: str, model: Any, training: Labelled) -> Predictor:
    """Return the predictor that an estimator's settings describe, with scaling from the training samples.

    Parameters
    ----------
    who : str
    model : NetworkClassifier or NetworkRegressor
    training : Labelled
    """
    rows = training.rows
    coding = training.coding.scaled(training.labels[rows], training.loss_weights[rows])
    network = _network_for(who, model.network, training.sample_shape, coding)
    loss = coding.default_loss(network) if model.loss is None else model.loss
    coding.check(who, network, loss)
    standardizer = None
    if model.standardize_axes is not None:
        standardizer = Standardizer.fit(who, training.X, model.standardize_axes, rows)
    return Predictor(network, loss, coding, standardizer, training.names)


def first_params(who: str, model: Any, predictor: Predictor, training: Labelled, seed: int) -> dict[str, np.ndarray]:
    """Return parameters to start from, as ``model.init`` says.

    Parameters
    ----------
    who : str
    model : NetworkClassifier or NetworkRegressor
    predictor : Predictor
    training : Labelled
    seed : int
    """
    rng = np.random.default_rng((seed, 0))
    params = predictor.network.init(rng)
    if model.init == "layers":
        return params
    rows = training.rows
    some = np.sort(rng.choice(rows, min(len(rows), LSUV_SAMPLES), replace=False))
    with np.errstate(all="ignore"):
        scaled = lsuv(predictor.logits_network, params, predictor.read(who, training.X[some]))
    # Samples so large or so small that no such weights exist: the loss reports the former, the latter say nothing.
    return scaled if all(np.isfinite(value).all() for value in scaled.values()) else params


def default_network(input_shape: tuple[int, ...], n_outputs: int, *last: Layer) -> Sequential:
    """Return the network of an estimator that was given none: 100 ReLU units."""
    return Sequential([Flatten(), Dense(100), ReLU(), Dense(n_outputs), *last], input_shape)


def _network_for(who: str, network: Sequential | None, input_shape: tuple[int, ...], coding: Coding) -> Sequential:
    """Return the network, checked against the data; or one of 100 hidden units."""
    if network is None:
        return default_network(input_shape, coding.n_outputs, *coding.last_layers())
    check_sample_shape(who, input_shape, network.input_shape)
    if network.output_shape != (coding.n_outputs,):
        raise ValueError(
            f"{who}: network: expected {coding.n_outputs} outputs, one for each {coding.WORD} in y, got output of "
            f"shape {network.output_shape}. Change the last Dense layer."
        )
    return network
