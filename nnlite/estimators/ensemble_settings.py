"""Settings of an ensemble, checked when they are used."""

import math
import numbers
from concurrent.futures import Executor
from typing import Any

from nnlite.estimators.classifier import NetworkClassifier
from nnlite.estimators.settings import COMMON, check_settings, is_count, is_integer
from nnlite.layers.activations import Sigmoid, Softmax

WHO = "BaggedEnsemble"
AVERAGES = ("probability", "logit")
PRIORS = ("balanced", "training")


def _is_ratio(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and 0 < float(value) < math.inf


_EXPECTED = COMMON | {
    "estimator": (lambda v: v is None or isinstance(v, NetworkClassifier), "a NetworkClassifier or None"),
    "n_bags": (is_count, "a positive integer"),
    "negatives_per_positive": (_is_ratio, "a positive number"),
    "average": (lambda v: isinstance(v, str) and v in AVERAGES, '"probability" or "logit"'),
    "prior": (lambda v: isinstance(v, str) and v in PRIORS, '"balanced" or "training"'),
    "executor": (
        lambda v: v is None or isinstance(v, Executor) or callable(v),
        "a concurrent.futures.Executor, a function that makes one, or None",
    ),
}


def check_ensemble_settings(model: Any) -> None:
    """Raise unless each setting of an ensemble has a value that it can work with, and each of its members too.

    Parameters
    ----------
    model : BaggedEnsemble

    Raises
    ------
    ValueError
        It names the setting.
    """
    check_settings(WHO, model, _EXPECTED)
    if model.checkpoint is not None and not is_integer(model.random_state):
        raise ValueError(
            f"{WHO}: random_state: expected an integer with a checkpoint, so that the next run draws the same samples, "
            f"got {model.random_state!r}."
        )
    member = model.estimator
    if member is None:
        return
    check_settings(f"{WHO}: estimator", member)
    if member.checkpoint is not None:
        raise ValueError(
            f"{WHO}: estimator: expected none with a checkpoint, which all members would share, got "
            f"{member.checkpoint!r}. Give the ensemble a folder: BaggedEnsemble(..., checkpoint=folder)."
        )
    if member.loss is not None and member.loss.output_activation is not Sigmoid:
        raise ValueError(
            f"{WHO}: estimator: expected a loss of logistic outputs, SigmoidCrossEntropy() or None, got {member.loss}."
        )
    last = member.network.layers[-1] if member.network is not None and member.network.layers else None
    if member.network is not None and (member.network.output_shape != (1,) or isinstance(last, Softmax)):
        raise ValueError(
            f"{WHO}: estimator: expected a network with one logistic output, for one class against the rest, got "
            f"output of shape {member.network.output_shape} of {last!r}. End it in Dense(1), Sigmoid()."
        )
