"""A fitted estimator with a network as a header and arrays, and back: what classifiers and regressors share."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlite import registry
from nnlite.early_stopping import EarlyStopping
from nnlite.estimators.coding import Coding
from nnlite.estimators.fit_state import FitState
from nnlite.estimators.held_out import START, Draw, with_present_names
from nnlite.estimators.predictor import Predictor
from nnlite.estimators.settings import is_seed, is_share
from nnlite.estimators.standardize import Standardizer
from nnlite.network.parameters import check_params
from nnlite.network.sequential import Sequential
from nnlite.serialization import FileFormatError
from nnlite.serialization.errors import shown
from nnlite.serialization.history import history_from_arrays, history_to_arrays

DESCRIPTIONS = {"network": "network", "loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
"""Settings that are descriptions, each with its family."""
NUMBERS = ("batch_size", "max_epochs", "validation_fraction", "patience", "mixup", "warm_start")
WORDS = ("init", "monitor")
PREFIXES = ("params/", "standardizer/", "history/")
STOPPED_BY = ("max_epochs", "patience", "interrupt", "divergence", "partial_fit", "callback")

Arrays = dict[str, np.ndarray]


def to_parts(model: Any) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of a fitted estimator, without its settings and the coding of its targets.

    Parameters
    ----------
    model : NetworkClassifier or NetworkRegressor

    Raises
    ------
    TypeError, ValueError
        If the network or the loss can't be stored.
    """
    predictor = model._predictor
    header: dict[str, Any] = {
        "network": registry.to_dict(predictor.network),
        "loss": registry.to_dict(predictor.loss),
        "seed": model._seed,
        "best_epoch": model.best_epoch_,
        "stopped_by": model.stopped_by_,
        "held_out": None if model._draw is None else [model._draw.seed, model._draw.fraction],
        **names_to_file(predictor.feature_names),
    }
    check_params("save", predictor.network, model.params_)
    arrays = {f"params/{name}": value for name, value in model.params_.items()}
    if predictor.standardizer is not None:
        arrays |= {"standardizer/mean": predictor.standardizer.mean, "standardizer/scale": predictor.standardizer.scale}
    arrays |= {f"history/{name}": values for name, values in history_to_arrays(model.history_).items()}
    return header, arrays


def check_names(kind: str, arrays: Arrays, own: tuple[str, ...]) -> None:
    """Raise FileFormatError if there are arrays that an estimator does not have."""
    if unknown := [name for name in arrays if name not in own and not name.startswith(PREFIXES)]:
        raise FileFormatError(f"arrays: expected those of a {kind}, got also {shown(unknown[0])}.")


def network_in(header: dict[str, Any], custom: Iterable[type]) -> Sequential:
    """Return the network of a header."""
    return registry.from_dict(header["network"], custom, family="network")


def keep_parts(
    model: Any, network: Sequential, coding: Coding, header: dict[str, Any], arrays: Arrays, custom: Iterable[type]
) -> None:
    """Make an estimator a fitted one, with the parts that `to_parts` returned and that may come from anyone.

    Parameters
    ----------
    model : NetworkClassifier or NetworkRegressor
        With its settings.
    network : Sequential
    coding : Coding
    header : dict
    arrays : dict of ndarray
    custom : iterable of type

    Raises
    ------
    ValueError, TypeError, LookupError
        If they don't fit together.
    """
    loss = registry.from_dict(header["loss"], custom, family="losses")
    params = group(arrays, "params/")
    check_params("params", network, params)
    standardizer = _standardizer_from_file(arrays, network.input_shape)
    predictor = Predictor(network, loss, coding, standardizer, names_from_file(header, network.input_shape))
    assert predictor.logits_network  # raises if the loss is one of another activation
    seed, best_epoch, stopped_by = header["seed"], header["best_epoch"], header["stopped_by"]
    if type(seed) is not int or seed < 0:
        raise FileFormatError(f"seed: expected an integer of 0 or more, got {shown(seed)}.")
    if best_epoch is not None and (type(best_epoch) is not int or best_epoch < START):
        raise FileFormatError(f"best_epoch: expected an integer of -1 or more or null, got {shown(best_epoch)}.")
    if stopped_by not in STOPPED_BY:
        raise FileFormatError(f"stopped_by: expected one of {STOPPED_BY}, got {shown(stopped_by)}.")
    history = with_present_names(history_from_arrays(group(arrays, "history/")), coding.score_name)
    draw = _draw_from_file(header.get("held_out"))
    model._keep(predictor, seed, FitState(params, {}, EarlyStopping(), history, stopped_by), draw)
    model.best_epoch_ = best_epoch


def settings_to_json(model: Any) -> dict[str, Any]:
    """Return the settings that are data and that classifiers and regressors have."""
    settings: dict[str, Any] = {name: getattr(model, name) for name in NUMBERS}
    settings |= {name: getattr(model, name) for name in WORDS if isinstance(getattr(model, name), str)}
    for name in DESCRIPTIONS:
        value = getattr(model, name)
        needed = name in ("network", "loss") or type(value) in registry.REGISTRY.values()
        settings[name] = registry.to_dict(value) if value is not None and needed else None
    settings["standardize_axes"] = None if model.standardize_axes is None else list(map(int, model.standardize_axes))
    settings["random_state"] = int(model.random_state) if isinstance(model.random_state, (int, np.integer)) else None
    return settings


def settings_from_json(settings: dict[str, Any], custom: Iterable[type], own: str) -> dict[str, Any]:
    """Return arguments of an estimator; `own` is the name of a setting that only this kind has."""
    known = {*DESCRIPTIONS, *NUMBERS, *WORDS, "standardize_axes", "random_state", own}
    if unknown := sorted(settings.keys() - known):
        raise FileFormatError(f"settings: expected some of {shown(sorted(known))}, got also {shown(unknown[0])}.")
    settings = dict(settings)
    for name, family in DESCRIPTIONS.items():
        if settings.get(name) is not None:
            settings[name] = registry.from_dict(settings[name], custom, family=family)
    if isinstance(settings.get("standardize_axes"), list):
        settings["standardize_axes"] = tuple(settings["standardize_axes"])
    return settings


def names_to_file(names: np.ndarray | None) -> dict[str, Any]:
    """Return names of columns as an entry of a header; no entry if there are none."""
    return {} if names is None else {"feature_names": names.tolist()}


def names_from_file(header: dict[str, Any], input_shape: tuple[int, ...]) -> np.ndarray | None:
    """Return names of columns out of a header of an untrusted file."""
    names = header.get("feature_names")
    if names is None:
        return None
    if not isinstance(names, list) or (len(names),) != input_shape or not all(isinstance(name, str) for name in names):
        raise FileFormatError(
            f"feature_names: expected a string for each number of a sample of shape {input_shape}, got {shown(names)}."
        )
    return np.array(names, object)


def _draw_from_file(values: Any) -> Draw | None:
    """Return how samples were held out; None if none were, or if the file is from before it was recorded."""
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 2 or type(values[0]) is not int or not is_seed(values[0]):
        raise FileFormatError(f"held_out: expected a seed and a share or null, got {shown(values)}.")
    if not is_share(values[1]) or not values[1]:
        raise FileFormatError(f"held_out: expected a share above 0 and below 1, got {shown(values[1])}.")
    return Draw(values[0], float(values[1]))


def _standardizer_from_file(arrays: Arrays, input_shape: tuple[int, ...]) -> Standardizer | None:
    parts = group(arrays, "standardizer/")
    if not parts:
        return None
    mean, scale = parts["mean"], parts["scale"]
    for name, part, dtype in (("mean", mean, np.float64), ("scale", scale, np.float32)):
        fits = part.ndim == len(input_shape) and all(
            length in (1, whole) for length, whole in zip(part.shape, input_shape, strict=True)
        )
        if not fits or part.dtype != dtype or not np.isfinite(part).all():
            raise FileFormatError(
                f"standardizer: {name}: expected finite figures in {np.dtype(dtype)} for samples of shape "
                f"{input_shape}, got shape {part.shape} and {part.dtype}."
            )
    return Standardizer(mean, scale)


def group(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays below a folder, by their names in it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def object_in(header: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the value of a key. Raise unless it is a JSON object."""
    if not isinstance(header[key], dict):
        raise FileFormatError(f"{key}: expected an object, got {shown(header[key])}.")
    return header[key]
