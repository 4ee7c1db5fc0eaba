"""A fitted classifier as a header and arrays, and back; `nnlite.models` makes a file of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlite.estimators import estimator_file
from nnlite.estimators.estimator_file import Arrays, object_in
from nnlite.estimators.held_out import present_monitor
from nnlite.estimators.label_coding import LabelCoding
from nnlite.estimators.settings import check_settings
from nnlite.serialization import FileFormatError
from nnlite.serialization.errors import shown


def to_file(model: Any) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of a fitted classifier.

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
    header, arrays = estimator_file.to_parts(model)
    header["settings"] = settings_to_json(model)
    coding_header, coding_arrays = coding_to_file(model._predictor.coding)
    return header | coding_header, arrays | coding_arrays


def from_file(estimator: type, header: dict[str, Any], arrays: Arrays, custom: Iterable[type]) -> Any:
    """Return the classifier of a header and arrays that come from an untrusted file.

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
    estimator_file.check_names("classifier", arrays, ("classes",))
    multilabel = header["multilabel"] is True
    model = estimator(**settings_from_json(object_in(header, "settings"), custom, multilabel))
    check_settings("NetworkClassifier", model)
    network = estimator_file.network_in(header, custom)
    coding = coding_from_file(header, arrays, network.output_shape)
    estimator_file.keep_parts(model, network, coding, header, arrays, custom)
    return model


def settings_to_json(model: Any) -> dict[str, Any]:
    """Return the settings of a classifier that are data."""
    weight = model.class_weight
    weights = [list(item) for item in weight.items()] if isinstance(weight, dict) else weight
    return estimator_file.settings_to_json(model) | {"class_weight": weights}


def settings_from_json(settings: dict[str, Any], custom: Iterable[type], multilabel: bool) -> dict[str, Any]:
    """Return arguments of NetworkClassifier."""
    settings = estimator_file.settings_from_json(settings, custom, "class_weight")
    if "monitor" in settings:
        settings["monitor"] = present_monitor(settings["monitor"], multilabel)
    if isinstance(settings.get("class_weight"), list):
        settings["class_weight"] = {label: weight for label, weight in settings["class_weight"]}
    return settings


def coding_to_file(coding: LabelCoding) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of classes."""
    header: dict[str, Any] = {"multilabel": coding.multilabel}
    if coding.classes.dtype.kind in "biuf":
        return header, {"classes": coding.classes}
    names = {"classes": _strings(coding.classes), "classes_are_objects": coding.classes.dtype == object}
    return header | names, {}


def coding_from_file(header: dict[str, Any], arrays: Arrays, output_shape: tuple[int, ...]) -> LabelCoding:
    """Return the classes. Raise unless they are as many as there are outputs."""
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


def _strings(classes: np.ndarray) -> list[str]:
    names = classes.tolist()
    if not all(type(name) is str for name in names):
        raise TypeError(f"save: classes_: expected numbers or strings, got {shown(names)}. Fit on such labels.")
    return names
