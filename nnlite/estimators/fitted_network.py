"""The half of an estimator with a network that works once it is fitted: predictions, embeddings, gradients."""

from typing import Any

import numpy as np

from nnlite.estimators.base import Estimator, not_fitted
from nnlite.estimators.inputs import as_samples, check_feature_names, feature_names
from nnlite.estimators.predictor import Predictor
from nnlite.labels import relative_weights


class FittedNetwork(Estimator):
    """Base of estimators that hold a network: the methods that ask a fitted one.

    Attributes
    ----------
    params_ : dict of ndarray
    n_threads : int or None
    """

    params_: dict[str, np.ndarray]
    n_threads: int | None
    _predictor: Predictor

    def hidden(self, X: Any, until: int | None = None) -> np.ndarray:
        """Return the output of an inner layer: an embedding of the samples.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
        until : int, optional
            Index of the first layer that is left out, see `Sequential.until`. By default the last one with weights: its
            input is the last hidden layer's output.

        Returns
        -------
        ndarray (n_samples, *output_shape of network_.until(until)), float32
        """
        who = self._who("hidden")
        return self._hidden(who, self._checked(who, X), until)

    def input_gradient(self, X: Any, unit: Any, until: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the log-odds of a class, a predicted number or an inner unit, and the gradient with respect to X.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
            As for `predict`; scaling is part of the function.
        unit : int, tuple or callable
            The class or number, by its column; with `until` a unit of what `hidden` returns, see
            `nnlite.input_gradient`.
        until : int, optional
            Index of the first layer that is left out, as for `hidden`.

        Returns
        -------
        values : ndarray (n_samples,)
        gradient : ndarray (n_samples, *input_shape), float32

        Raises
        ------
        IndexError
            If there is no such column, unit or layer.
        """
        who = self._who("input_gradient")
        return self._input_gradient(who, self._checked(who, X), unit, until)

    @property
    def baseline_(self) -> np.ndarray:
        """The sample that the network takes as zeros, where `gradient_times_input` and `occlusion` may count from: the
        mean of the training samples if they are standardized. It is read-only."""
        self._check_fitted()
        return self._predictor.baseline

    def _checked(self, who: str, X: Any) -> Any:
        """Return samples for a model that is fitted, on columns of the same names."""
        self._check_fitted()
        names, X = feature_names(f"{who}: X", X), as_samples(f"{who}: X", X)
        check_feature_names(who, self._predictor.feature_names, names)
        return X

    def _outputs(self, method: str, X: Any) -> np.ndarray:
        who = self._who(method)
        X = self._checked(who, X)
        return self._predictor.outputs(who, self.params_, X, self.n_threads)

    def _scored(self, X: Any, y: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return targets, predictions and weights for a score."""
        who, predicted = self._who("score"), self._predicted("score", X)
        given = self._predictor.coding.given(who, y, len(predicted))
        return given, predicted, relative_weights(who, sample_weight, len(given))

    def _predicted(self, method: str, X: Any) -> np.ndarray:
        outputs = self._outputs(method, X)
        return self._predictor.coding.decode(outputs)

    # What an ensemble asks its members too, in its own name.

    def _logits(self, who: str, X: Any) -> np.ndarray:
        return self._predictor.logits(who, self.params_, X, self.n_threads)

    def _hidden(self, who: str, X: Any, until: int | None) -> np.ndarray:
        if until is None:
            until = max(int(name.partition(".")[0]) for name in self.params_)
        return self._predictor.hidden(who, self.params_, X, until, self.n_threads)

    def _input_gradient(self, who: str, X: Any, unit: Any, until: int | None) -> tuple[np.ndarray, np.ndarray]:
        return self._predictor.input_gradient(who, self.params_, X, unit, until, self.n_threads)

    def _is_fitted(self) -> bool:
        return hasattr(self, "params_")

    def _check_fitted(self) -> None:
        if not self._is_fitted():
            raise not_fitted(f"{self._name}: not fitted yet. Call fit, or load a fitted model.")
