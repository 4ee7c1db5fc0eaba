"""Bagged one-versus-rest: networks that answer yes or no for one class each, several for each class if asked."""

import copy
import os
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlite import metrics
from nnlite.estimators import ensemble_file
from nnlite.estimators.averaging import mean_log_odds, mean_value
from nnlite.estimators.bags import plan_members, unfitted
from nnlite.estimators.base import Estimator, not_fitted
from nnlite.estimators.classifier import NetworkClassifier
from nnlite.estimators.ensemble_settings import check_ensemble_settings
from nnlite.estimators.inputs import as_samples, check_like, check_sample_shape, feature_names, warn_caller
from nnlite.estimators.label_coding import LabelCoding, as_labels
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.members import WHO, train_members
from nnlite.estimators.predictor import default_network
from nnlite.estimators.settings import draw_seed
from nnlite.labels import relative_weights
from nnlite.layers.activations import Sigmoid
from nnlite.model_selection.execution import Workers


class BaggedEnsembleWarning(UserWarning):
    """A class or a member of an ensemble could not be trained or watched as the others were."""


class BaggedEnsemble(Estimator):
    """Binary networks, one or several for each class, each trained on all positives and a random sample of negatives.

    With as many negatives as positives a network learns what tells a class from the rest, however rare the class is;
    several networks of a class ("bags", Breiman 1996) see different negatives and start from different weights, and
    their mean varies less than one of them.

    Labels `y` of shape (n_samples, n_classes) with entries 0 and 1 give a sample any number of classes; labels of shape
    (n_samples,) are classes of which each sample has one, and the rows of `predict_proba` then add up to 1.

    Parameters
    ----------
    estimator : NetworkClassifier, optional
        Settings of the members. Its network has one output, whose final Sigmoid may be written or left out; by default
        a layer of 100 ReLU units. Its `random_state` and `checkpoint` are those of the ensemble.
    n_bags : int
        Networks for each class.
    negatives_per_positive : float
        How many negatives a member draws for each positive. Where there are not so many it takes all of them, and their
        weights make up for the rest.
    average : {"probability", "logit"}
        What is averaged over the networks of a class. It may be changed after `fit`.
    prior : {"balanced", "training"}
        How common a class is taken to be. "balanced": as common in each class as `negatives_per_positive` says, so that
        values of rare and of frequent classes are alike; "training": as in training, by a shift of the logit that
        undoes the sampling (King and Zeng 2001, "Logistic regression in rare events data"). It may be changed after
        `fit`.
    executor : concurrent.futures.Executor, or callable, optional
        Where members are trained; by default here, one after the other, which uses all cores too. A function without
        arguments that makes an executor, such as ``functools.partial(ProcessPoolExecutor, 4)``, lets `fit` survive the
        death of a worker. See `Rows` for how samples travel to other processes, and give the estimator
        ``n_threads=1`` there.
    checkpoint : path-like, optional
        Folder with a file for each member. A `fit` that was killed goes on with what is there when it is called again,
        in the bits of one left in peace; `random_state` must be an integer for that. Workers on other machines need the
        same folder.
    random_state : int, numpy.random.Generator or None
        One seed gives the same bits with any executor and any number of threads.
    verbose : int
        1: how many members are done and when all will be, on standard error. For lines about epochs set that of the
        estimator.

    Attributes
    ----------
    classes_ : ndarray
        Labels in the order of the columns of `predict_proba`.
    members_ : list of list of NetworkClassifier
        For each class its networks.
    constants_ : dict
        Column -> value, 0 or 1, of classes that none or all of the training samples have.
    failures_ : dict
        (column, bag) -> message, of members whose training diverged; they are left out.
    prior_ : ndarray (n_classes,)
        Share of the training samples that have the class.
    thresholds_ : ndarray (n_classes,)
        From which value on `predict` says 1, for several labels a sample: one half, unless something else is assigned.
    n_features_in_ : int
        Size of a sample.
    feature_names_in_ : ndarray
        Names of the columns, if X was a data frame that has some: later data frames must have the same.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((300, 2)).astype(np.float32)
    >>> Y = np.stack([X[:, 0] > 1, X[:, 1] > 0, X.sum(axis=1) > 2], axis=1)
    >>> model = BaggedEnsemble(NetworkClassifier(max_epochs=20), n_bags=2, random_state=0).fit(X, Y)
    >>> bool(metrics.roc_auc(Y, model.predict_proba(X)) > 0.95), [len(bags) for bags in model.members_]
    (True, [2, 2, 2])
    """

    classes_: np.ndarray
    members_: list[list[NetworkClassifier]]
    constants_: dict[int, float]
    failures_: dict[tuple[int, int], str]
    prior_: np.ndarray
    thresholds_: np.ndarray
    n_features_in_: int
    _coding: LabelCoding
    _input_shape: tuple[int, ...]

    def __init__(
        self,
        estimator: NetworkClassifier | None = None,
        *,
        n_bags: int = 1,
        negatives_per_positive: float = 1.0,
        average: str = "probability",
        prior: str = "balanced",
        executor: Workers | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_bags = n_bags
        self.negatives_per_positive = negatives_per_positive
        self.average = average
        self.prior = prior
        self.executor = executor
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_clone__(self) -> "BaggedEnsemble":
        """Return an unfitted copy for scikit-learn's `clone`. An executor is shared: it can't be copied."""
        params = self.get_params(deep=False)
        estimator = params["estimator"]
        if isinstance(estimator, NetworkClassifier):
            params["estimator"] = unfitted(estimator)
        others = {name: value for name, value in params.items() if name not in ("estimator", "executor")}
        copied = type(self)(**params | copy.deepcopy(others))
        copied._metadata_request = self._metadata_request
        return copied

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | tuple[Any, Any, Any] | None = None,
        groups: Any = None,
    ) -> "BaggedEnsemble":
        """Train all members.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
            A memory-mapped array, or `Rows` of one, is never copied as a whole.
        y : array_like (n_samples, n_classes) or (n_samples,)
        sample_weight : array_like (n_samples,), optional
            A sample of weight 0 is left out.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Samples that choose each member's best epoch, positives and negatives weighted as in its training. Without
            them each member holds a part of its own samples out, as the estimator's `validation_fraction` says.
        groups : array_like (n_samples,), optional
            Integers or strings, such as the track that each window is from. What a member holds out are whole groups:
            none of its groups is on both sides. Without effect where none are held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            When shapes, labels or settings don't fit.
        RuntimeError
            When the executor breaks, or no network of a class could be trained.

        Warns
        -----
        BaggedEnsembleWarning
            When a class gets a constant value, when the validation samples can't judge it (its members are trained to
            the last epoch), or when a member's training diverged.
        """
        check_ensemble_settings(self)
        who = self._who("fit")
        training = Labelled.read(who, X, y, sample_weight, groups=groups)
        validation = None
        if validation_data is not None:
            validation = training.read_validation(who, validation_data).as_indicators(who)
        training = training.as_indicators(who)
        coding = training.coding
        counted = training.labels[training.rows] == 1
        every, some = counted.all(axis=0), counted.any(axis=0)
        if not coding.multilabel and not some.all():
            raise ValueError(f"{who}: sample_weight: expected weights above 0 in each class.")
        constants = {k: float(every[k]) for k in range(len(some)) if every[k] == some[k]}
        if len(constants) == len(some):
            raise ValueError(
                f"{who}: y: expected a class that some of the samples have and some not, got none in {len(some)} "
                "classes."
            )
        tasks = plan_members(
            self._template(who, training.sample_shape),
            training,
            validation,
            [k for k in range(len(some)) if k not in constants],
            n_bags=self.n_bags,
            ratio=float(self.negatives_per_positive),
            seed=draw_seed(self.random_state),
            checkpoint=self.checkpoint,
        )
        for k, value in constants.items():
            which, label = "every" if value else "no", coding.classes[k]
            _warn(f"y: {which} sample has class {label}: the constant {value:g} takes the place of networks.")
        for k in sorted({task.label for task in tasks if validation is not None and task.validation is None}):
            _warn(
                f"validation_data: class {coding.classes[k]} has no sample or every sample there: its members will be "
                "trained to the last epoch."
            )
        done, failures = train_members(tasks, self.executor, sys.stderr if self.verbose else None)
        members = [[done[place] for place in done if place[0] == k] for k in range(len(some))]
        for (k, _), message in failures.items():
            if not members[k]:
                raise RuntimeError(f"{who}: no network of class {coding.classes[k]} could be trained: {message}")
        shares = np.average(training.labels, axis=0, weights=training.weights).clip(0, 1)  # sums round
        self._keep(coding, training.sample_shape, training.names, members, constants, failures, shares)
        for (k, bag), message in failures.items():
            _warn(f"bag {bag} of class {coding.classes[k]} is left out: {message}")
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the value of each class for each sample, from 0 to 1, shape (n_samples, n_classes).

        Several labels a sample: each column stands for itself. One label: rows add up to 1.
        """
        return self._values("predict_proba", X)

    def predict(self, X: Any) -> np.ndarray:
        """Return 1 where a value reaches the class's threshold; with one label a sample, the class of highest value."""
        return self._predicted("predict", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the part of the samples of which all labels are predicted correctly."""
        who, predicted = self._who("score"), self._predicted("score", X)
        labels = self._coding.flat(as_labels(who, y, len(predicted)))
        return metrics.accuracy(labels, predicted, sample_weight=relative_weights(who, sample_weight, len(labels)))

    def hidden(self, X: Any) -> np.ndarray:
        """Return the last hidden layers of all members side by side, shape (n_samples, n_members * units).

        A mean over members would mix units that have nothing to do with each other.
        """
        who = self._who("hidden")
        X = self._checked(who, X)
        parts = [member._hidden(who, X, None) for members in self.members_ for member in members]
        return np.concatenate([part.reshape(len(X), -1) for part in parts], axis=1)

    def log_odds(self, X: Any) -> np.ndarray:
        """Return the log-odds of each class, log(p / (1 - p)) of its value, shape (n_samples, n_classes).

        With one label a sample that of the value before values are made to add up to 1. Infinite for a class that has a
        constant in place of networks.
        """
        who = self._who("log_odds")
        X = self._checked(who, X)
        result = np.empty((len(X), len(self.classes_)))
        for k, members in enumerate(self.members_):
            if members:
                result[:, k] = mean_log_odds(self._logits_of(who, k, X), self.average)[0]
            else:
                result[:, k] = np.inf if self.constants_[k] else -np.inf
        return result

    def input_gradient(self, X: Any, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the log-odds of a class and their gradient with respect to X.

        Parameters
        ----------
        X : array_like (n_samples, *input_shape)
        unit : int
            The class, by its column. For units inside ask a member: ``members_[k][bag].input_gradient``.

        Returns
        -------
        values : ndarray (n_samples,)
        gradient : ndarray (n_samples, *input_shape), float32

        Raises
        ------
        IndexError
            If there is no such class, or it has a constant in place of networks.
        """
        who = self._who("input_gradient")
        X = self._checked(who, X)
        column = isinstance(unit, (int, np.integer)) and not isinstance(unit, bool)
        members = self.members_[unit] if column and 0 <= unit < len(self.members_) else []
        if not members:
            raise IndexError(
                f"{who}: unit: expected the column of one of {len(self.members_)} classes that has "
                f"networks, got {unit!r}."
            )
        parts = [member._input_gradient(who, X, 0, None) for member in members]
        logits = np.stack([part[0] for part in parts]) + self._shift(unit)
        values, shares = mean_log_odds(logits, self.average)
        gradient = np.zeros(parts[0][1].shape, np.float32)
        for share, (_, part) in zip(shares, parts, strict=True):
            gradient += share.astype(np.float32).reshape(-1, *[1] * (part.ndim - 1)) * part
        return values, gradient

    def _values(self, method: str, X: Any) -> np.ndarray:
        """Return the value of each class for each sample."""
        who = self._who(method)
        X = self._checked(who, X)
        values = np.empty((len(X), len(self.classes_)))
        for k, members in enumerate(self.members_):
            values[:, k] = mean_value(self._logits_of(who, k, X), self.average) if members else self.constants_[k]
        if self._coding.multilabel:
            return values
        total = values.sum(axis=1, keepdims=True)
        return np.divide(values, total, out=np.full_like(values, 1 / len(self.classes_)), where=total > 0)

    def _predicted(self, method: str, X: Any) -> np.ndarray:
        """Return what `predict` does."""
        values = self._values(method, X)
        if not self._coding.multilabel:
            return self._coding.decode(values)
        thresholds = np.asarray(self.thresholds_, np.float64)
        if thresholds.shape != (len(self.classes_),):
            raise ValueError(
                f"{self._who(method)}: thresholds_: expected {len(self.classes_)}, one a class, got shape "
                f"{thresholds.shape}."
            )
        return (values >= thresholds).astype(np.int64)

    def _logits_of(self, who: str, k: int, X: Any) -> np.ndarray:
        """Return the logits of the members of class `k`, shifted for its prior, shape (n_members, n_samples)."""
        logits = [member._logits(who, X)[:, 0].astype(np.float64) for member in self.members_[k]]
        return np.stack(logits) + self._shift(k)

    def _shift(self, k: int) -> float:
        """Return the number that is added to the logits of class `k` for its prior."""
        if self.prior == "balanced":
            return 0.0
        return float(np.log(self.prior_[k] / (1 - self.prior_[k])) + np.log(self.negatives_per_positive))

    def _check_fitted(self) -> None:
        if not hasattr(self, "members_"):
            raise not_fitted(f"{self._name}: not fitted yet. Call fit, or load a fitted model.")

    def _keep(
        self,
        coding: LabelCoding,
        input_shape: tuple[int, ...],
        names: np.ndarray | None,
        members: list[list[NetworkClassifier]],
        constants: dict[int, float],
        failures: dict[tuple[int, int], str],
        prior: np.ndarray,
    ) -> None:
        """Store the members and what belongs to them."""
        self._coding, self.classes_, self._input_shape = coding, coding.classes, input_shape
        self.n_features_in_ = int(np.prod(input_shape))
        self._keep_feature_names(names)
        self.members_, self.constants_, self.failures_, self.prior_ = members, constants, failures, prior
        self.thresholds_ = np.full(len(prior), 0.5)

    def _checked(self, who: str, X: Any) -> Any:
        """Return samples for an ensemble that is fitted, of the same shape, on columns of the same names."""
        self._check_fitted()
        check_ensemble_settings(self)
        names, X = feature_names(f"{who}: X", X), as_samples(f"{who}: X", X)
        check_like(who, X, names, self._input_shape, getattr(self, "feature_names_in_", None))
        return X

    def _template(self, who: str, input_shape: tuple[int, ...]) -> NetworkClassifier:
        model = NetworkClassifier() if self.estimator is None else unfitted(self.estimator)
        if model.network is None:
            model.network = default_network(input_shape, 1, Sigmoid())
        check_sample_shape(who, input_shape, model.network.input_shape)
        return model

    def _to_file(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self._check_fitted()
        return ensemble_file.to_file(self)

    @classmethod
    def _from_file(
        cls, header: dict[str, Any], arrays: dict[str, np.ndarray], custom: Iterable[type]
    ) -> "BaggedEnsemble":
        return ensemble_file.from_file(cls, header, arrays, custom)


def _warn(message: str) -> None:
    warn_caller(f"{WHO}: {message}", BaggedEnsembleWarning)
