"""The estimator: a network with what it takes to train it, in scikit-learn's manner."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from nnlite import classifier_file, metrics
from nnlite.early_stopping import EarlyStopping
from nnlite.label_coding import LabelCoding
from nnlite.layers.activations import ReLU, Sigmoid, Softmax
from nnlite.layers.dense import Dense
from nnlite.layers.reshape import Flatten
from nnlite.losses import Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from nnlite.lsuv import lsuv
from nnlite.network import Sequential
from nnlite.optimizers import SGD, Optimizer
from nnlite.parallel import predict
from nnlite.progress import EpochLog
from nnlite.rows import Rows
from nnlite.settings import check_settings
from nnlite.standardize import Standardizer
from nnlite.training import logits_network, train

LSUV_SAMPLES = 256
"""Training samples on which `init="lsuv"` measures."""


class NetworkClassifier:
    """Classifier with a neural network, for one label a sample or several.

    Labels `y` of shape (n_samples,) are classes, of which each sample has one (softmax); `y` of shape (n_samples,
    n_classes) with entries 0 and 1 gives each sample any number of them (logistic outputs). If the network ends in a
    softmax and `y` has two axes, a sample's labels share its probability evenly.

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
        Part of the samples, drawn at random, that is held out to find the best epoch when `fit` gets no
        `validation_data`; 0: none.
    patience : int, optional
        Epochs without a better validation result after which training stops. None: run to `max_epochs`. The best
        parameters are brought back either way.
    monitor : {"loss", "score"} or callable
        What "better" means on the validation samples: a lower loss, a higher `score` (accuracy or macro ROC-AUC), or a
        higher value of ``monitor(y, probabilities)``.
    standardize_axes : tuple of int, optional
        Axes of X over which mean and deviation are taken from the training samples and removed, e.g. (0,) for each
        feature by itself, (0, 2) for each coefficient of tiles. None: X as it is.
    class_weight : "balanced" or dict, optional
        Weights of classes: inverse to their frequency, or class -> weight.
    augment : callable, optional
        ``augment(x, rng) -> x`` on the (scaled) samples of a shard while training.
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
        One an epoch: epoch, loss, learning_rate, seconds, and val_loss, val_score with validation samples.
    best_epoch_ : int or None
    stopped_by_ : {"max_epochs", "patience", "interrupt"}
    n_features_in_ : int
        Size of a sample.

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
        self.random_state = random_state
        self.n_threads = n_threads
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> "NetworkClassifier":
        """Train on samples and their labels.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
            Numbers of any type; a memory-mapped array is read piece by piece.
        y : array_like (n_samples,) or (n_samples, n_classes)
        sample_weight : array_like (n_samples,), optional
        validation_data : (X, y), optional
            Samples that choose the best epoch, instead of a random part of the training samples.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            When shapes, labels or settings don't fit; the message names the argument.
        TrainingDiverged
            When the loss of a step is not finite.
        """
        check_settings(self)
        X = _as_samples("fit: X", X)
        self._coding = LabelCoding.fit(y, len(X))
        labels = self._coding.encode(y, len(X))
        self.classes_ = self._coding.classes
        self.network_ = _network_for(self.network, X.shape[1:], self._coding)
        self.n_features_in_ = int(np.prod(X.shape[1:]))
        self._loss = self.loss if self.loss is not None else _default_loss(self.network_, self._coding)
        self._logits = logits_network(self.network_, self._loss)
        targets = _targets_for(self._loss, labels)
        seed = _draw_seed(self.random_state)
        weights = self._coding.sample_weights(labels, self.class_weight, sample_weight)

        rows, held_out = np.arange(len(X)), None
        if validation_data is not None:
            X_val = _as_samples("fit: validation_data", validation_data[0])
            held_out = (X_val, self._coding.encode(validation_data[1], len(X_val)), np.arange(len(X_val)))
        elif self.validation_fraction:
            rows, val_rows = _split(len(X), self.validation_fraction, seed)
            held_out = (X, labels, val_rows)

        self._standardizer = None
        if self.standardize_axes is not None:
            self._standardizer = Standardizer.fit(X, self.standardize_axes, rows)
        self.params_ = self._initial_params(X, rows, seed)
        self._run(X, targets, weights, rows, held_out, seed)
        return self

    def _initial_params(self, X: Any, rows: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng((seed, 0))
        params = self.network_.init(rng)
        if self.init == "layers":
            return params
        some = np.sort(rng.choice(rows, min(len(rows), LSUV_SAMPLES), replace=False))
        return lsuv(self._logits, params, self._read(X[some]))

    def _run(self, X: Any, targets: Any, weights: Any, rows: np.ndarray, held_out: Any, seed: int) -> None:
        stopping = EarlyStopping(self.patience, mode="min" if self.monitor == "loss" else "max")
        self.history_: list[dict[str, Any]] = []
        self.stopped_by_ = "max_epochs"
        self.best_epoch_ = None
        score_name = None if held_out is None else self._score_name(held_out[1])
        log = EpochLog(self.max_epochs, score_name, bool(self.verbose))
        epochs = train(
            self._logits,
            self.params_,
            Rows(X, rows),
            targets[rows],
            loss=self._loss,
            optimizer=self._optimizer(),
            schedule=self.schedule,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            seed=seed,
            sample_weight=weights[rows],
            transform=self._read_for_training,
            n_threads=self.n_threads,
            on_step=lambda done, steps: log.step(done, steps, 0, len(self.history_)),
        )
        with log:
            try:
                for epoch in epochs:
                    row = {
                        "epoch": epoch.number,
                        "loss": epoch.loss,
                        "learning_rate": epoch.learning_rate,
                        "seconds": epoch.seconds,
                    }
                    stop = False
                    if held_out is not None:
                        row["val_loss"], row["val_score"], watched = self._validate(*held_out)
                        stop = stopping.update(watched, self.params_, epoch.number)
                    self.history_.append(row)
                    is_best = held_out is not None and stopping.best_epoch == epoch.number
                    log.epoch(row, len(rows) / epoch.seconds, is_best)
                    if stop:
                        self.stopped_by_ = "patience"
                        break
            except KeyboardInterrupt:
                self.stopped_by_ = "interrupt"
                log.message("interrupted: going on with the best parameters so far")
            finally:
                if stopping.best_params is not None:
                    self.params_ = {name: value.copy() for name, value in stopping.best_params.items()}
                    self.best_epoch_ = stopping.best_epoch

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class for each sample, shape (n_samples, n_classes).

        One label a sample: rows add up to 1. Several: each column stands for itself.
        """
        self._check_fitted()
        return self._loss.predict(self._logits_of(_as_samples("predict_proba: X", X)))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each sample; with several labels a sample, 1 where a probability reaches one
        half."""
        probabilities = self.predict_proba(X)
        return self._coding.decode(probabilities)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Part of the samples whose labels are predicted, all of them, rightly."""
        return metrics.accuracy(np.asarray(y), self.predict(X), sample_weight=sample_weight)

    def _to_file(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self._check_fitted()
        return classifier_file.to_file(self)

    @classmethod
    def _from_file(
        cls, header: dict[str, Any], arrays: dict[str, np.ndarray], custom: Iterable[type]
    ) -> "NetworkClassifier":
        return classifier_file.from_file(cls, header, arrays, custom)

    def _optimizer(self) -> Optimizer:
        return SGD(0.01, momentum=0.9) if self.optimizer is None else self.optimizer

    def _read(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)
        if not np.isfinite(x).all():
            raise ValueError(
                "NetworkClassifier: X: expected finite numbers, got NaN or infinity. Leave such samples out."
            )
        return x.astype(np.float32, copy=False) if self._standardizer is None else self._standardizer(x)

    def _read_for_training(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        x = self._read(x)
        return x if self.augment is None else self.augment(x, rng)

    def _logits_of(self, X: Any) -> np.ndarray:
        if tuple(X.shape[1:]) != self.network_.input_shape:
            raise ValueError(
                f"NetworkClassifier: X: expected samples of shape {self.network_.input_shape}, got "
                f"{tuple(X.shape[1:])}."
            )
        return predict(self._logits, self.params_, X, read=self._read, n_threads=self.n_threads)

    def _score_name(self, labels: np.ndarray) -> str:
        return "val " + ("AUC" if labels.ndim == 2 else "accuracy")

    def _validate(self, X: Any, labels: np.ndarray, rows: np.ndarray) -> tuple[float, float, float]:
        """(loss, score, what is watched) on held-out samples."""
        logits = self._logits_of(Rows(X, rows))
        y = labels[rows]
        targets = self._loss.targets(_targets_for(self._loss, y), logits.shape[1], logits.dtype)
        loss = self._loss.value(logits, targets, np.full(len(y), 1 / len(y)))
        probabilities = self._loss.predict(logits)
        if y.ndim == 2:
            score = _macro_auc(y, probabilities)
        else:
            score = float(np.mean(probabilities.argmax(axis=1) == y))
        if callable(self.monitor):
            return loss, score, float(self.monitor(y, probabilities))
        return loss, score, loss if self.monitor == "loss" else score

    def _check_fitted(self) -> None:
        if not hasattr(self, "params_"):
            raise RuntimeError("NetworkClassifier: not fitted yet. Call fit, or load a fitted model.")


def _as_samples(name: str, X: Any) -> Any:
    """`X` if it can be indexed row by row without being in memory, else an array."""
    if not isinstance(X, np.ndarray) and not (hasattr(X, "shape") and hasattr(X, "__getitem__")):
        X = np.asarray(X)
    if len(X.shape) < 2 or not all(X.shape):
        raise ValueError(
            f"NetworkClassifier.{name}: expected shape (n_samples, *shape of a sample), none of them 0, got {X.shape}."
        )
    return X


def _network_for(network: Sequential | None, input_shape: tuple[int, ...], coding: LabelCoding) -> Sequential:
    """The network, checked against the data; or one of 100 hidden units."""
    n_outputs = len(coding.classes)
    if network is None:
        last = Sigmoid() if coding.multilabel else Softmax()
        return Sequential([Flatten(), Dense(100), ReLU(), Dense(n_outputs), last], input_shape)
    if network.input_shape != tuple(input_shape):
        raise ValueError(
            f"NetworkClassifier: X: expected samples of shape {network.input_shape}, the network's input, "
            f"got {tuple(input_shape)}."
        )
    if network.output_shape != (n_outputs,):
        raise ValueError(
            f"NetworkClassifier: network: expected {n_outputs} outputs, one for each class in y, got output of shape "
            f"{network.output_shape}. Change the last Dense layer."
        )
    return network


def _default_loss(network: Sequential, coding: LabelCoding) -> Loss:
    ends_in_softmax = bool(network.layers) and isinstance(network.layers[-1], Softmax)
    return SigmoidCrossEntropy() if coding.multilabel and not ends_in_softmax else SoftmaxCrossEntropy()


def _targets_for(loss: Loss, labels: np.ndarray) -> np.ndarray:
    """Encoded labels in the form that the loss takes: under a softmax the labels of a sample share its probability."""
    if labels.ndim == 1:
        return np.eye(labels.max() + 1, dtype=np.float32)[labels] if isinstance(loss, SquaredError) else labels
    if not isinstance(loss, SoftmaxCrossEntropy):
        return labels
    count = labels.sum(axis=1, keepdims=True)
    if not count.all():
        raise ValueError(
            f"NetworkClassifier: y: expected a label for each sample under a softmax, got none in row "
            f"{int(count.argmin())}. "
            "Leave such samples out, or use Sigmoid outputs."
        )
    return labels / count


def _draw_seed(random_state: Any) -> int:
    if random_state is None:
        random_state = np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return int(random_state)


def _split(n_samples: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(training rows, held-out rows), each in their order."""
    n_held_out = min(max(1, round(n_samples * fraction)), n_samples - 1)
    order = np.random.default_rng((seed, 1)).permutation(n_samples)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def _macro_auc(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean ROC-AUC over the classes of which there are samples of both kinds; NaN if there is none."""
    both = (y.min(axis=0) == 0) & (y.max(axis=0) == 1)
    return float(metrics.roc_auc(y[:, both], probabilities[:, both])) if both.any() else float("nan")
