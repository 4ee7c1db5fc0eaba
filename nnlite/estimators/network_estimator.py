"""The half of an estimator with a network that trains: what classifiers and regressors have in common."""

import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from nnlite.early_stopping import EarlyStopping
from nnlite.estimators.fit import Fit
from nnlite.estimators.fit_state import FitCheckpoint, FitState
from nnlite.estimators.fitted_network import FittedNetwork
from nnlite.estimators.held_out import Draw, split
from nnlite.estimators.inputs import check_like, warn_caller
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.predictor import Predictor, first_params, predictor_for
from nnlite.estimators.settings import draw_seed, is_integer
from nnlite.network.sequential import Sequential
from nnlite.optimizers import SGD, Optimizer
from nnlite.training import TrainingDiverged


class NetworkEstimator(FittedNetwork):
    """Base of estimators that train a network: settings that all have, a fit, and what is kept of it."""

    network: Sequential | None
    optimizer: Optimizer | None
    monitor: str | Callable[[np.ndarray, np.ndarray], float]
    patience: int | None
    validation_fraction: float
    warm_start: bool
    checkpoint: str | os.PathLike[str] | None
    random_state: Any
    network_: Sequential
    history_: list[dict[str, Any]]
    _seed: int
    _draw: Draw | None
    _last_step: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] | None

    def _train(self, who: str, training: Labelled, validation: Labelled | None) -> Self:
        """Train on samples that have been read, in the name of `who`, and keep what came out."""
        checkpoint = None if self.checkpoint is None else FitCheckpoint(self.checkpoint)
        seed = draw_seed(self.random_state)
        if checkpoint is not None and checkpoint.seed is not None and not is_integer(self.random_state):
            seed = checkpoint.seed

        draw = None
        if validation is None and self.validation_fraction:
            draw = self._draw_for(who, seed)
            training, validation = split(who, training, draw.fraction, draw.seed)

        predictor = self._going_on()
        goes_on = predictor is not None
        if predictor is None:
            predictor = predictor_for(who, self, training)
            params = first_params(who, self, predictor, training, seed)
        else:
            self._check_going_on(who, predictor, training)
            params = {name: value.copy() for name, value in self.params_.items()}

        optimizer = self._optimizer()
        stopping = EarlyStopping(self.patience, mode="min" if self.monitor == "loss" else "max")
        state = FitState.begin(params, optimizer, stopping)
        try:
            Fit(who, self, predictor, optimizer, seed, training, validation, goes_on).run(state, checkpoint)
        except TrainingDiverged:
            state.stopped_by = None if stopping.best_params is None else "divergence"
            raise
        finally:
            if state.stopped_by is not None:
                self._keep(predictor, seed, state, draw)
        return self

    def _draw_for(self, who: str, seed: int) -> Draw:
        """Return how samples are held out: as in the last fit, if this one goes on from it."""
        if self._going_on() is None:
            return Draw(seed, float(self.validation_fraction))
        if self._draw is None:
            warn_caller(
                f"{who}: validation_fraction: the model has been trained without samples that were held out. Those "
                "that are held out now say little if they are among the ones it was trained on. Pass validation_data, "
                "or set validation_fraction=0."
            )
            return Draw(seed, float(self.validation_fraction))
        return self._draw

    def _train_once(self, who: str, training: Labelled) -> Self:
        """Train for one epoch on samples that have been read, going on from where the model is."""
        before = self._predictor if self._is_fitted() else None
        optimizer = self._optimizer()
        if before is None:
            seed, predictor = draw_seed(self.random_state), predictor_for(who, self, training)
            params = first_params(who, self, predictor, training, seed)
            state = FitState.begin(params, optimizer, EarlyStopping())
        else:
            seed, predictor = self._seed, before
            self._check_going_on(who, predictor, training)
            last = (self.params_, optimizer.init(self.params_)) if self._last_step is None else self._last_step
            state = FitState(*last, EarlyStopping(), self.history_, optimizer=optimizer)
        fit = Fit(who, self, predictor, optimizer, seed, training, None)
        for epoch in fit.epochs(state, len(state.history) + 1, None):
            state.history.append(fit.look(epoch, state)[0])
        state.stopped_by = "partial_fit"
        self._keep(predictor, seed, state)
        self._last_step = state.params, state.optimizer_state
        return self

    def set_partial_fit_request(self, **requests: bool | str | None) -> Self:
        """Say which metadata `partial_fit` wants, see `set_fit_request`.

        Parameters
        ----------
        **requests
        """
        return self._request("partial_fit", requests)

    def _optimizer(self) -> Optimizer:
        return SGD(0.01, momentum=0.9) if self.optimizer is None else self.optimizer

    def _going_on(self) -> Predictor | None:
        """Return the predictor of the last fit, if the next one is to go on from it."""
        return self._predictor if self.warm_start and self._is_fitted() else None

    def _check_going_on(self, who: str, before: Predictor, training: Labelled) -> None:
        """Raise ValueError unless samples and network are those of the last fit."""
        check_like(who, training.X, training.names, before.network.input_shape, before.feature_names)
        if self.network is not None and self.network != before.network:
            raise ValueError(f"{who}: network: expected that of the last fit, to go on from, got {self.network!r}.")

    def _keep(self, predictor: Predictor, seed: int, state: FitState, draw: Draw | None = None) -> None:
        """Store parameters, scaling and history of a finished training."""
        self._predictor, self._seed, self._last_step, self._draw = predictor, seed, None, draw
        self.network_ = predictor.network
        self.n_features_in_ = int(np.prod(predictor.network.input_shape))
        self._keep_feature_names(predictor.feature_names)
        best = state.stopping
        self.params_ = state.averaged if best.best_params is None else best.best_params
        self.history_, self.best_epoch_, self.stopped_by_ = state.history, best.best_epoch, state.stopped_by
