"""A fitted ensemble as a header and arrays, and back; `nnlite.models` makes a file of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlite.estimators import classifier_file, estimator_file
from nnlite.estimators.classifier import NetworkClassifier
from nnlite.estimators.classifier_file import Arrays
from nnlite.estimators.ensemble_settings import check_ensemble_settings
from nnlite.serialization import FileFormatError
from nnlite.serialization.errors import shown

OWN = ("n_bags", "negatives_per_positive", "average", "prior")
"""Settings that are data as they are."""
ARRAYS = ("classes", "prior", "thresholds")


def to_file(model: Any) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of a fitted ensemble; each member as `nnlite.estimators.classifier_file` writes it.

    Parameters
    ----------
    model : BaggedEnsemble

    Raises
    ------
    TypeError, ValueError
        If a member or the classes can't be stored.
    """
    seed = model.random_state
    header: dict[str, Any] = {
        "settings": {name: getattr(model, name) for name in OWN},
        "random_state": int(seed) if isinstance(seed, (int, np.integer)) else None,
        "estimator": None if model.estimator is None else classifier_file.settings_to_json(model.estimator),
        "input_shape": list(model._input_shape),
        "constants": [[k, value] for k, value in model.constants_.items()],
        "failures": [[k, bag, message] for (k, bag), message in model.failures_.items()],
        "members": [],
        **estimator_file.names_to_file(getattr(model, "feature_names_in_", None)),
    }
    arrays: Arrays = {"prior": model.prior_, "thresholds": np.asarray(model.thresholds_, np.float64)}
    coding_header, coding_arrays = classifier_file.coding_to_file(model._coding)
    for k, members in enumerate(model.members_):
        headers = []
        for number, member in enumerate(members):
            member_header, member_arrays = member._to_file()
            headers.append(member_header)
            arrays |= {f"{_folder(k, number)}{name}": array for name, array in member_arrays.items()}
        header["members"].append(headers)
    return header | coding_header, coding_arrays | arrays


def from_file(ensemble: type, header: dict[str, Any], arrays: Arrays, custom: Iterable[type]) -> Any:
    """Return the ensemble of a header and arrays that come from an untrusted file.

    Parameters
    ----------
    ensemble : type
        BaggedEnsemble.
    header : dict
    arrays : dict of ndarray
    custom : iterable of type
        Classes that may occur besides the library's own.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they don't fit together.
    """
    settings, estimator = estimator_file.object_in(header, "settings"), header["estimator"]
    if sorted(settings) != sorted(OWN):
        raise FileFormatError(f"settings: expected {shown(sorted(OWN))}, got {shown(sorted(settings))}.")
    if estimator is not None:
        inner = estimator_file.object_in(header, "estimator")
        estimator = NetworkClassifier(**classifier_file.settings_from_json(inner, custom, multilabel=True))
    model = ensemble(estimator, **settings, random_state=header["random_state"])
    check_ensemble_settings(model)

    members = [
        [_member(k, number, inner, arrays, custom) for number, inner in enumerate(_list(headers, "members"))]
        for k, headers in enumerate(_list(header["members"], "members"))
    ]
    known = {_folder(k, number) for k, row in enumerate(members) for number in range(len(row))}
    for name in arrays:
        if name not in ARRAYS and "/".join(name.split("/", 2)[:2]) + "/" not in known:
            raise FileFormatError(f"arrays: expected those of an ensemble, got also {shown(name)}.")
    n_classes = len(members)
    coding = classifier_file.coding_from_file(header, arrays, (n_classes,))
    constants = _constants(header["constants"], members)
    failures = {}
    for failure in _list(header["failures"], "failures"):
        k, bag, message = failure
        if not _is_below(k, n_classes) or not _is_below(bag, model.n_bags) or not isinstance(message, str):
            raise FileFormatError(f"failures: expected class, bag and message, got {shown(failure)}.")
        failures[k, bag] = message
    shape = tuple(_list(header["input_shape"], "input_shape"))
    shapes = {member.network_.input_shape for row in members for member in row}
    if shapes != {shape}:
        raise FileFormatError(f"members: expected networks for samples of shape {shown(list(shape))}, got {shapes}.")
    for name in ("prior", "thresholds"):
        if arrays[name].shape != (n_classes,) or arrays[name].dtype != np.float64 or np.isnan(arrays[name]).any():
            raise FileFormatError(f"{name}: expected a float64 for each of {n_classes} classes.")
    if not ((arrays["prior"] >= 0) & (arrays["prior"] <= 1)).all():
        raise FileFormatError(f"prior: expected shares from 0 to 1, got {shown(arrays['prior'].tolist())}.")
    names = estimator_file.names_from_file(header, shape)
    model._keep(coding, shape, names, members, constants, failures, arrays["prior"])
    model.thresholds_ = arrays["thresholds"]
    return model


def _folder(k: int, number: int) -> str:
    return f"members/{k}-{number}/"


def _member(k: int, number: int, header: Any, arrays: Arrays, custom: Iterable[type]) -> NetworkClassifier:
    if not isinstance(header, dict):
        raise FileFormatError(f"members: expected an object, got {shown(header)}.")
    folder = _folder(k, number)
    own = {name.removeprefix(folder): array for name, array in arrays.items() if name.startswith(folder)}
    member = NetworkClassifier._from_file(header, own, custom)
    if member.network_.output_shape != (1,):
        raise FileFormatError(f"members: expected networks with one output, got {member.network_.output_shape}.")
    return member


def _constants(pairs: Any, members: list[list[NetworkClassifier]]) -> dict[int, float]:
    constants = {}
    for pair in _list(pairs, "constants"):
        k, value = pair
        if not _is_below(k, len(members)) or value not in (0, 1):
            raise FileFormatError(f"constants: expected a class and 0 or 1, got {shown(pair)}.")
        constants[k] = float(value)
    wrong = [k for k, row in enumerate(members) if bool(row) == (k in constants)]
    if wrong:
        raise FileFormatError(f"members: expected networks or a constant for each class, got class {wrong[0]}.")
    return constants


def _is_below(value: Any, end: int) -> bool:
    return type(value) is int and 0 <= value < end


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise FileFormatError(f"{where}: expected a list, got {shown(value)}.")
    return value
