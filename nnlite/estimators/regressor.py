"""A regressor: a network with all that its training needs, in scikit-learn's manner."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from nnlite import metrics
from nnlite.estimators import regressor_file
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.network_estimator import NetworkEstimator
from nnlite.estimators.settings import REGRESSION, check_settings
from nnlite.estimators.value_coding import ValueCoding
from nnlite.losses import Loss
from nnlite.network.sequential import Sequential
from nnlite.optimizers import Optimizer


class NetworkRegressor(NetworkEstimator):
    """A regressor with a neural network, for one number a sample or several.

    Targets are standardized unless `standardize_targets` says otherwise: their mean and deviation, taken from the
    samples that are trained on, are removed while training and put back into predictions. Losses in the history, and
    the `delta` of `Huber`, are in units of these deviations; scores and predictions are in those of `y`.

    Parameters
    ----------
    network : Sequential, optional
        With as many outputs as a sample has targets, and no final activation. By default a layer of 100 ReLU units.
    loss : Loss, optional
        `SquaredError` (the default), `AbsoluteError` or `Huber`.
    optimizer : Optimizer, optional
        By default SGD with learning rate 0.01 and momentum 0.9.
    schedule : callable, optional
        Factor on the learning rate, see :mod:`nnlite.schedules`; by default constant.
    init : {"layers", "lsuv"}
        Initial weights as the layers' initializers draw them, or these scaled by :func:`nnlite.lsuv` on training
        samples: what deep stacks of sigmoid units need.
    batch_size, max_epochs : int
    validation_fraction : float
        Part of the samples that is held out at random to find the best epoch when `fit` gets no `validation_data`; 0:
        none.
    patience : int, optional
        Epochs without a better validation result after which training stops. None: run to `max_epochs`. The best
        parameters are brought back either way.
    monitor : {"loss", "r2"} or callable
        What "better" means on the validation samples: a lower loss, a higher R2 (what `score` returns), or a higher
        value of ``monitor(y, predictions)``.
    standardize_axes : tuple of int, optional
        Axes of X over which mean and deviation are taken from the training samples and removed, e.g. (0,) for each
        feature by itself, (0, 2) for each coefficient of tiles. None: X as it is.
    standardize_targets : bool
        Whether mean and deviation of each target are removed while training. If not, `y` should be about that large
        itself: the learning rate and the initial weights are for targets near 1.
    augment : callable, optional
        ``augment(x, rng) -> x`` on the (scaled) samples of a shard while training, see :mod:`nnlite.augmentation`.
    mixup : float
        Train on mixtures of two samples and their targets, with shares from the beta distribution of this parameter; 0:
        don't. See :func:`nnlite.train`.
    callback : callable, optional
        ``callback(epoch, history, network, params)`` after each epoch: its number, the rows of the history so far, and
        the parameters that are validated, all to be read. If it returns True, the training ends; the best epoch is kept
        as ever. It is not called again for epochs that a checkpoint has.
    warm_start : bool
        Let `fit` go on from the parameters and the scaling of the last fit, instead of fresh ones. Where samples choose
        the best epoch, the parameters that it starts from take part in the choice: the result is never worse on them.
        On the same samples it holds out those that the last fit held out, whatever `random_state` and
        `validation_fraction` (above 0) are now, so that none of them has been trained on. The optimizer starts anew:
        what it remembered belongs to the last epoch, and the parameters are those of the best.
    checkpoint : path-like, optional
        File or folder for the state of `fit`, one a run; see `nnlite.serialization.checkpoints.Checkpointer`. If it has
        a state of the same run, `fit` goes on from there and ends with the bits of a run that was never interrupted; a
        complete run is read and not repeated. A run may be continued with more `max_epochs`, if the schedule gives the
        epochs that are done the same learning rates with them.
    checkpoint_every : int
        Epochs from one checkpoint to the next; the last epoch has one in any case.
    random_state : int, numpy.random.Generator or None
        One seed gives the same bits at any number of threads. None: fresh each time.
    n_threads : int, optional
        By default all cores that the process may run on.
    verbose : int
        1: a line an epoch on standard error, and a progress bar if that is a terminal.

    Attributes
    ----------
    network_ : Sequential
    params_ : dict
        Of the best epoch.
    target_mean_, target_deviation_ : ndarray (n_outputs,)
        Figures of the scaling: 0 and 1 without it. A target that does not vary has a deviation of 1.
    history_ : list of dict
        One an epoch: epoch, loss, learning_rate, seconds; with validation samples val_loss and val_r2.
    best_epoch_ : int or None
        From 0; -1 where no epoch was better than the parameters that a warm start began with, None without validation
        samples.
    stopped_by_ : {"max_epochs", "patience", "interrupt", "divergence", "partial_fit", "callback"}
    n_features_in_ : int
        Size of a sample.
    feature_names_in_ : ndarray
        Names of the columns, if X was a data frame that has some: later data frames must have the same.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((300, 2)).astype(np.float32)
    >>> y = 1000 + 50 * X[:, 0] * X[:, 1]
    >>> model = NetworkRegressor(max_epochs=60, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.8)
    True
    """

    def __init__(
        self,
        network: Sequential | None = None,
        *,
        loss: Loss | None = None,
        optimizer: Optimizer | None = None,
        schedule: Callable[[float, float], float] | None = None,
        init: str = "layers",
        batch_size: int = 128,
        max_epochs: int = 100,
        validation_fraction: float = 0.2,
        patience: int | None = None,
        monitor: str | Callable[[np.ndarray, np.ndarray], float] = "loss",
        standardize_axes: Sequence[int] | None = None,
        standardize_targets: bool = True,
        augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
        mixup: float = 0.0,
        callback: Callable[..., bool | None] | None = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 1,
        random_state: Any = None,
        n_threads: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule
        self.init = init
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.monitor = monitor
        self.standardize_axes = standardize_axes
        self.standardize_targets = standardize_targets
        self.augment = augment
        self.mixup = mixup
        self.callback = callback
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.n_threads = n_threads
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | tuple[Any, Any, Any] | None = None,
        groups: Any = None,
    ) -> "NetworkRegressor":
        """Train on samples and their targets; Ctrl-C ends it with the best parameters so far.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
            Numbers of any real type; a memory-mapped array is read piece by piece.
        y : array_like (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like (n_samples,), optional
            A sample of weight 0 is left out.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Samples that choose the best epoch, instead of a random part of the training samples.
        groups : array_like (n_samples,), optional
            Integers or strings, such as the track that each window is from. Samples that are held out are whole groups:
            no group is on both sides. Without effect where none are held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            When shapes, targets or settings don't fit, or a checkpoint is one of another run; the message names what.
        TrainingDiverged
            When the loss of a step is not finite. The best epoch until then, if any, is kept.

        Warns
        -----
        UserWarning
            When a warm start holds samples out, but the model may have been trained on all of them.
        """
        check_settings(self._name, self, REGRESSION)
        who, before = self._who("fit"), self._going_on()
        training = self._read(who, X, y, sample_weight, groups, None if before is None else before.coding)
        validation = None if validation_data is None else training.read_validation(who, validation_data)
        return self._train(who, training, validation)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "NetworkRegressor":
        """Train for one epoch on some samples, going on from where the model is.

        No sample is held out and no schedule applied; the optimizer remembers its state from call to call. Scaling of
        samples and targets is that of the first call.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
        y : array_like (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            When shapes, targets or settings don't fit.
        TrainingDiverged
            When the loss of a step is not finite; the parameters are those from before it.
        """
        who = self._who("partial_fit")
        check_settings(self._name, self, REGRESSION)
        coding = self._predictor.coding if self._is_fitted() else None
        return self._train_once(who, self._read(who, X, y, sample_weight, None, coding))

    def predict(self, X: Any) -> np.ndarray:
        """Return the numbers of each sample, float64 in the units of `y`: (n_samples,) if `y` had one axis, else
        (n_samples, n_outputs)."""
        return self._predicted("predict", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination R2, the mean over several targets; see `nnlite.metrics.r2`."""
        targets, predicted, weights = self._scored(X, y, sample_weight)
        return metrics.r2(targets, predicted, sample_weight=weights)

    @property
    def target_mean_(self) -> np.ndarray:
        """The mean of each target that training subtracts."""
        return self._values().mean

    @property
    def target_deviation_(self) -> np.ndarray:
        """The deviation of each target by which training divides."""
        return self._values().deviation

    def _values(self) -> ValueCoding:
        self._check_fitted()
        assert isinstance(self._predictor.coding, ValueCoding)
        return self._predictor.coding

    def _read(self, who: str, X: Any, y: Any, sample_weight: Any, groups: Any, coding: Any) -> Labelled:
        learn = partial(ValueCoding.fit, standardize=bool(self.standardize_targets))
        return Labelled.read(who, X, y, sample_weight, groups=groups, coding=coding, learn=learn)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn (1.6 and newer) asks for: a `sklearn.utils.Tags`."""
        utils = sys.modules["sklearn.utils"]
        return utils.Tags(
            estimator_type="regressor",
            target_tags=utils.TargetTags(required=True, multi_output=True),
            regressor_tags=utils.RegressorTags(),
            input_tags=utils.InputTags(three_d_array=True),
        )

    def _to_file(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self._check_fitted()
        return regressor_file.to_file(self)

    @classmethod
    def _from_file(
        cls, header: dict[str, Any], arrays: dict[str, np.ndarray], custom: Iterable[type]
    ) -> "NetworkRegressor":
        return regressor_file.from_file(cls, header, arrays, custom)
