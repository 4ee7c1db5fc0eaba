"""A fitted classifier as a header and arrays, and back; `nnlite.models` makes a file of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlite import registry
from nnlite.label_coding import LabelCoding
from nnlite.parameters import check_params
from nnlite.serialization import FileFormatError
from nnlite.serialization.errors import shown
from nnlite.settings import check_settings
from nnlite.standardize import Standardizer
from nnlite.training import logits_network

DESCRIPTIONS = {"network": "network", "loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
"""Settings that are descriptions, each with its family."""
NUMBERS = ("batch_size", "max_epochs", "validation_fraction", "patience")
WORDS = ("init", "monitor")
PREFIXES = ("params/", "standardizer/", "history/")
STOPPED_BY = ("max_epochs", "patience", "interrupt")

Arrays = dict[str, np.ndarray]


def to_file(model: Any) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays of a fitted classifier.

    Settings that only training needs and that are no data (functions, generators, descriptions of classes of one's own)
    are left out, as are the number of threads and other things of this machine.

    Parameters
    ----------
    model : NetworkClassifier

    Raises
    ------
    TypeError, ValueError
        If the network, the loss or the classes can't be stored.
    """
    header: dict[str, Any] = {
        "network": registry.to_dict(model.network_),
        "loss": registry.to_dict(model._loss),
        "settings": _settings_to_json(model),
        "multilabel": model._coding.multilabel,
        "best_epoch": model.best_epoch_,
        "stopped_by": model.stopped_by_,
    }
    check_params("save", model.network_, model.params_)
    arrays = {f"params/{name}": value for name, value in model.params_.items()}
    if model._standardizer is not None:
        arrays |= {"standardizer/mean": model._standardizer.mean, "standardizer/scale": model._standardizer.scale}
    arrays |= {f"history/{name}": values for name, values in history_to_arrays(model.history_).items()}
    if model.classes_.dtype.kind in "biuf":
        arrays["classes"] = model.classes_
    else:
        header["classes"] = _strings(model.classes_)
        header["classes_are_objects"] = model.classes_.dtype == object
    return header, arrays


def from_file(estimator: type, header: dict[str, Any], arrays: Arrays, custom: Iterable[type]) -> Any:
    """The classifier of a header and arrays that anyone may have written.

    Parameters
    ----------
    estimator : type
        NetworkClassifier.
    header : dict
    arrays : dict of ndarray
    custom : iterable of type
        Classes that may occur besides the library's own.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they don't fit together.
    """
    if unknown := [name for name in arrays if name != "classes" and not name.startswith(PREFIXES)]:
        raise FileFormatError(f"arrays: expected those of a classifier, got also {shown(unknown[0])}.")
    model = estimator(**_settings_from_json(_object(header, "settings"), custom))
    check_settings(model)
    model.network_ = registry.from_dict(header["network"], custom, family="network")
    model._loss = registry.from_dict(header["loss"], custom, family="losses")
    model.params_ = _group(arrays, "params/")
    check_params("params", model.network_, model.params_)
    model._coding = _coding_from_file(header, arrays, model.network_.output_shape)
    model.classes_ = model._coding.classes
    model.n_features_in_ = int(np.prod(model.network_.input_shape))
    model._logits = logits_network(model.network_, model._loss)
    model._standardizer = _standardizer_from_file(arrays, model.network_.input_shape)
    model.history_ = history_from_arrays(_group(arrays, "history/"))
    model.best_epoch_, model.stopped_by_ = header["best_epoch"], header["stopped_by"]
    if model.best_epoch_ is not None and (type(model.best_epoch_) is not int or model.best_epoch_ < 0):
        raise FileFormatError(f"best_epoch: expected an integer of 0 or more or null, got {shown(model.best_epoch_)}.")
    if model.stopped_by_ not in STOPPED_BY:
        raise FileFormatError(f"stopped_by: expected one of {STOPPED_BY}, got {shown(model.stopped_by_)}.")
    return model


def history_to_arrays(history: list[dict[str, Any]]) -> Arrays:
    """Columns of a history; a number that a row doesn't have is NaN."""
    names = dict.fromkeys(name for row in history for name in row)
    return {
        name: np.array([row.get(name, np.nan) for row in history], np.int64 if name == "epoch" else np.float64)
        for name in names
    }


def history_from_arrays(columns: Arrays) -> list[dict[str, Any]]:
    """Rows of a history.

    Raises
    ------
    FileFormatError
        If the columns are no history.
    """
    shapes = {column.shape for column in columns.values()}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        raise FileFormatError(f"history: expected columns of one length, got shapes {shown(sorted(shapes))}.")
    for name, column in columns.items():
        if column.dtype != (np.int64 if name == "epoch" else np.float64):
            raise FileFormatError(f"history: {name}: expected int64 for epochs and float64 else, got {column.dtype}.")
    lists = {name: column.tolist() for name, column in columns.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _settings_to_json(model: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {name: getattr(model, name) for name in NUMBERS}
    settings |= {name: getattr(model, name) for name in WORDS if isinstance(getattr(model, name), str)}
    for name in DESCRIPTIONS:
        value = getattr(model, name)
        needed = name in ("network", "loss") or type(value) in registry.REGISTRY.values()
        settings[name] = registry.to_dict(value) if value is not None and needed else None
    settings["standardize_axes"] = None if model.standardize_axes is None else list(map(int, model.standardize_axes))
    weight = model.class_weight
    settings["class_weight"] = [list(item) for item in weight.items()] if isinstance(weight, dict) else weight
    settings["random_state"] = int(model.random_state) if isinstance(model.random_state, (int, np.integer)) else None
    return settings


def _settings_from_json(settings: dict[str, Any], custom: Iterable[type]) -> dict[str, Any]:
    known = {*DESCRIPTIONS, *NUMBERS, *WORDS, "standardize_axes", "class_weight", "random_state"}
    if unknown := sorted(settings.keys() - known):
        raise FileFormatError(f"settings: expected some of {shown(sorted(known))}, got also {shown(unknown[0])}.")
    settings = dict(settings)
    for name, family in DESCRIPTIONS.items():
        if settings.get(name) is not None:
            settings[name] = registry.from_dict(settings[name], custom, family=family)
    if isinstance(settings.get("standardize_axes"), list):
        settings["standardize_axes"] = tuple(settings["standardize_axes"])
    if isinstance(settings.get("class_weight"), list):
        settings["class_weight"] = {label: weight for label, weight in settings["class_weight"]}
    return settings


def _coding_from_file(header: dict[str, Any], arrays: Arrays, output_shape: tuple[int, ...]) -> LabelCoding:
    multilabel = header["multilabel"]
    if not isinstance(multilabel, bool):
        raise FileFormatError(f"multilabel: expected true or false, got {shown(multilabel)}.")
    classes = arrays.get("classes")
    if classes is None:
        names = header["classes"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise FileFormatError(f"classes: expected a list of strings, got {shown(names)}.")
        classes = np.array(names, object if header["classes_are_objects"] is True else str)
    if classes.shape != output_shape:
        raise FileFormatError(f"classes: expected shape {output_shape}, the network's output, got {classes.shape}.")
    rising = np.arange(len(classes)) if multilabel else np.unique(classes)
    if not np.array_equal(classes, rising):
        raise FileFormatError(f"classes: expected different labels in rising order, got {shown(classes.tolist())}.")
    return LabelCoding(classes, multilabel)


def _standardizer_from_file(arrays: Arrays, input_shape: tuple[int, ...]) -> Standardizer | None:
    parts = _group(arrays, "standardizer/")
    if not parts:
        return None
    mean, scale = parts["mean"], parts["scale"]
    for name, part in (("mean", mean), ("scale", scale)):
        fits = part.ndim == len(input_shape) and all(
            length in (1, whole) for length, whole in zip(part.shape, input_shape, strict=True)
        )
        if not fits or part.dtype != np.float32 or not np.isfinite(part).all():
            raise FileFormatError(
                f"standardizer: {name}: expected finite float32 figures for samples of shape {input_shape}, got shape "
                f"{part.shape} and {part.dtype}."
            )
    return Standardizer(mean, scale)


def _strings(classes: np.ndarray) -> list[str]:
    names = classes.tolist()
    if not all(type(name) is str for name in names):
        raise TypeError(f"save: classes_: expected numbers or strings, got {shown(names)}. Fit on such labels.")
    return names


def _group(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _object(header: dict[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(header[key], dict):
        raise FileFormatError(f"{key}: expected an object, got {shown(header[key])}.")
    return header[key]
