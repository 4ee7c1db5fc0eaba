"""A classifier: a network with all that its training needs, in scikit-learn's manner."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from nnlite import metrics
from nnlite.estimators import classifier_file
from nnlite.estimators.fit_state import FitState
from nnlite.estimators.held_out import Draw
from nnlite.estimators.label_coding import LabelCoding
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.network_estimator import NetworkEstimator
from nnlite.estimators.predictor import Predictor
from nnlite.estimators.settings import check_settings
from nnlite.losses import Loss
from nnlite.network.sequential import Sequential
from nnlite.optimizers import Optimizer


class NetworkClassifier(NetworkEstimator):
    """A classifier with a neural network, for one label a sample or several.

    Labels `y` of shape (n_samples,) are classes, of which each sample has one (softmax); `y` of shape (n_samples,
    n_classes) with entries 0 and 1 gives each sample any number of them (logistic outputs). If the network ends in a
    softmax and `y` has two axes, a sample's labels share its probability evenly.

    Entries of a matrix may be degrees from 0 to 1: probabilities by which a label is right, as several listeners give
    them. Under a softmax they share a sample's probability in proportion. Scores, and the draw of samples that are held
    out, take a degree of one half and more for a label.

    Parameters
    ----------
    network : Sequential, optional
        With as many outputs as there are classes; a final Softmax or Sigmoid may be written or left out. By default a
        layer of 100 ReLU units.
    loss : Loss, optional
        By default `SoftmaxCrossEntropy` or `SigmoidCrossEntropy`, as `y` and the network's end say.
    optimizer : Optimizer, optional
        By default SGD with learning rate 0.01 and momentum 0.9.
    schedule : callable, optional
        Factor on the learning rate, see :mod:`nnlite.schedules`; by default constant.
    init : {"layers", "lsuv"}
        Initial weights as the layers' initializers draw them, or these scaled by :func:`nnlite.lsuv` on training
        samples: what deep stacks of sigmoid units need.
    batch_size, max_epochs : int
    validation_fraction : float
        Part of the samples that is held out to find the best epoch when `fit` gets no `validation_data`; 0: none. It is
        drawn at random, and stratified: each class gives this part of its samples, rounded down or up at random, and
        keeps a sample for training.
    patience : int, optional
        Epochs without a better validation result after which training stops. None: run to `max_epochs`. The best
        parameters are brought back either way.
    monitor : {"loss", "accuracy", "roc_auc"} or callable
        What "better" means on the validation samples: a lower loss, a higher accuracy (what `score` returns: with
        several labels a sample all of them must be right), a higher ROC-AUC (the mean over classes), or a higher value
        of ``monitor(y, probabilities)``, where `y` has labels as `predict` returns them.
    standardize_axes : tuple of int, optional
        Axes of X over which mean and deviation are taken from the training samples and removed, e.g. (0,) for each
        feature by itself, (0, 2) for each coefficient of tiles. None: X as it is.
    class_weight : "balanced" or dict, optional
        Weights of classes: inverse to their frequency, or class -> weight.
    augment : callable, optional
        ``augment(x, rng) -> x`` on the (scaled) samples of a shard while training, see :mod:`nnlite.augmentation`.
    mixup : float
        Train on mixtures of two samples and their labels, with shares from the beta distribution of this parameter; 0:
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
    classes_ : ndarray
        Labels in the order of the columns of `predict_proba`.
    network_ : Sequential
    params_ : dict
        Of the best epoch.
    history_ : list of dict
        One an epoch: epoch, loss, learning_rate, seconds; with validation samples val_loss and val_accuracy, and
        val_roc_auc if there are several labels a sample or `monitor` is "roc_auc".
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
    >>> X = rng.standard_normal((200, 2)).astype(np.float32)
    >>> model = NetworkClassifier(max_epochs=30, random_state=0).fit(X, X[:, 0] * X[:, 1] > 0)
    >>> bool(model.score(X, X[:, 0] * X[:, 1] > 0) > 0.9)
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
        class_weight: str | dict[Any, float] | None = None,
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
        self.class_weight = class_weight
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
    ) -> "NetworkClassifier":
        """Train on samples and their labels; Ctrl-C ends it with the best parameters so far.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
            Numbers of any real type; a memory-mapped array is read piece by piece.
        y : array_like (n_samples,) or (n_samples, n_classes)
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
            When shapes, labels or settings don't fit, or a checkpoint is one of another run; the message names what.
        TrainingDiverged
            When the loss of a step is not finite. The best epoch until then, if any, is kept.

        Warns
        -----
        UserWarning
            When a warm start holds samples out, but the model may have been trained on all of them.
        """
        check_settings(self._name, self)
        who, network, before = self._who("fit"), self.network, self._going_on()
        training = Labelled.read(
            who,
            X,
            y,
            sample_weight,
            groups=groups,
            coding=None if before is None else before.coding,
            learn=partial(LabelCoding.fit, n_outputs=None if network is None else network.output_shape[-1]),
        )
        if before is None:
            training.check_classes_occur(who)
        validation = None if validation_data is None else training.read_validation(who, validation_data)
        per_class = training.weights_of_classes(who, self.class_weight)
        training = training.weigh_classes(who, per_class)
        if validation is not None:
            validation = validation.weigh_classes(who, per_class)
        return self._train(who, training, validation)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> "NetworkClassifier":
        """Train for one epoch on some samples, going on from where the model is.

        No sample is held out and no schedule applied; the optimizer remembers its state from call to call. Scaling is
        that of the first call's samples.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
        y : array_like (n_samples,) or (n_samples, n_classes)
        classes : array_like (n_classes,)
            All labels that will ever come; needed in the first call.
        sample_weight : array_like (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            When shapes, labels or settings don't fit.
        TrainingDiverged
            When the loss of a step is not finite; the parameters are those from before it.
        """
        who = self._who("partial_fit")
        check_settings(self._name, self)
        if isinstance(self.class_weight, str):
            raise ValueError(f"{who}: class_weight: expected a dict or None, got {self.class_weight!r}.")
        before = self._predictor if self._is_fitted() else None
        if before is None and classes is None:
            raise ValueError(f"{who}: classes: expected all labels that will come, in the first call.")
        coding: Any = LabelCoding.of_classes(f"{who}: classes", classes, y) if before is None else before.coding
        if classes is not None and not np.array_equal(np.unique(classes), coding.classes):
            raise ValueError(f"{who}: classes: expected {coding.classes.tolist()} as before, got {classes}.")
        training = Labelled.read(who, X, y, sample_weight, coding=coding)
        training = training.weigh_classes(who, training.weights_of_classes(who, self.class_weight))
        return self._train_once(who, training)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class for each sample, shape (n_samples, n_classes).

        One label a sample: rows add up to 1. Several: each column stands for itself.
        """
        return self._outputs("predict_proba", X)

    def log_odds(self, X: Any) -> np.ndarray:
        """Return the log-odds of each class, log(p / (1 - p)) of its probability, shape (n_samples, n_classes)."""
        who = self._who("log_odds")
        X = self._checked(who, X)
        return self._predictor.loss.log_odds(self._logits(who, X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each sample; with several labels a sample, 1 where a probability reaches
        one half."""
        return self._predicted("predict", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the part of the samples of which all labels are predicted correctly."""
        labels, predicted, weights = self._scored(X, y, sample_weight)
        return metrics.accuracy(labels, predicted, sample_weight=weights)

    def _probabilities(self, method: str, X: Any) -> np.ndarray:
        return self._outputs(method, X)

    def _keep(self, predictor: Predictor, seed: int, state: FitState, draw: Draw | None = None) -> None:
        """Store parameters, scaling, history and classes of a finished training."""
        super()._keep(predictor, seed, state, draw)
        assert isinstance(predictor.coding, LabelCoding)
        self.classes_ = predictor.coding.classes

    def _to_file(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self._check_fitted()
        return classifier_file.to_file(self)

    @classmethod
    def _from_file(
        cls, header: dict[str, Any], arrays: dict[str, np.ndarray], custom: Iterable[type]
    ) -> "NetworkClassifier":
        return classifier_file.from_file(cls, header, arrays, custom)
