"""Files of fitted models, written and read."""

import importlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nnlite import registry
from nnlite.checks import as_float_dtype, check_iterable, check_path
from nnlite.network.parameters import check_params
from nnlite.network.sequential import Sequential
from nnlite.serialization import FileFormatError, read_archive, write_archive
from nnlite.serialization.errors import reading, shown

KINDS = {
    "NetworkClassifier": "nnlite.estimators.classifier",
    "NetworkRegressor": "nnlite.estimators.regressor",
    "BaggedEnsemble": "nnlite.estimators.ensemble",
}
"""Estimators that a file may hold: name of the class -> its module.

Such a class has ``_to_file() -> (header, arrays)`` and a class method ``_from_file(header, arrays, custom)``; whatever
`_from_file` raises on a header or on arrays that it can't take becomes a `FileFormatError` that names the file.
"""
PAIR = "Sequential"


def save(path: str | os.PathLike[str], model: Any, /, *, dtype: Any = None, **metadata: Any) -> None:
    """Write a fitted model: data only, no pickle, whole or not at all.

    Parameters
    ----------
    path : path-like
        ``.npz`` is the usual extension; NumPy reads the arrays in it too.
    model : NetworkClassifier, NetworkRegressor, BaggedEnsemble or (Sequential, dict)
        An estimator that has been fitted, or a network and its parameters.
    dtype : dtype, optional
        Type in which parameters are stored; their own by default. ``"float16"`` halves the file; they come back
        in float32, rounded to about three digits, and so do outputs.
    **metadata
        Data about the model that JSON can hold, for instance ``recipe=`` and ``class_names=``. Tuples become lists.

    Raises
    ------
    TypeError, ValueError
        If the model or the metadata can't be stored; nothing is written.
    OSError
        If the file can't be written; what was at `path` is untouched.

    Examples
    --------
    >>> import tempfile
    >>> import nnlite as nn
    >>> network = nn.Sequential([nn.Dense(2)], input_shape=(3,))
    >>> params = network.init(np.random.default_rng(0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(os.path.join(folder, "model.npz"), (network, params), source="a doctest")
    ...     loaded, loaded_params = nn.load(os.path.join(folder, "model.npz"))
    >>> loaded == network, bool((loaded_params["0.weight"] == params["0.weight"]).all())
    (True, True)
    """
    check_path("save", "path", path)
    header, arrays = _pair_to_file(model) if isinstance(model, tuple) else _estimator_to_file(model)
    if dtype is not None:
        dtype = as_float_dtype("save", dtype, half=True)
        arrays = {
            name: _narrowed(name, array, dtype) if _is_param(header["kind"], name) else array
            for name, array in arrays.items()
        }
    write_archive(path, {**header, "metadata": metadata}, arrays)


def load(path: str | os.PathLike[str], /, custom: Iterable[type] = ()) -> Any:
    """Read what `save` wrote. The file may come from anyone: it is data, and nothing in it is run.

    Parameters
    ----------
    path : path-like
    custom : iterable of type
        Classes of your own (layers, initializers, losses, ...) that the model uses.

    Returns
    -------
    NetworkClassifier, NetworkRegressor, BaggedEnsemble or (Sequential, dict)
        The saved model; an estimator has the metadata as `metadata_`.

    Raises
    ------
    FileFormatError
        If the file is damaged, of another kind, or doesn't fit together; a `FileVersionError` if a later version of the
        library wrote it.
    FileNotFoundError
        If there is no file.
    """
    check_path("load", "path", path)
    custom = tuple(check_iterable("load", "custom", custom, "a list of classes"))
    registry.check_custom("load", custom)
    header, arrays = read_archive(path)
    with reading(path):
        kind, metadata = header.get("kind"), header.get("metadata")
        if not isinstance(metadata, dict):
            raise FileFormatError(f"metadata: expected an object, got {shown(metadata)}.")
        for name, array in arrays.items():
            if array.dtype == np.float16 and _is_param(kind, name):
                arrays[name] = array.astype(np.float32)
        if kind == PAIR:
            return _pair_from_file(header, arrays, custom)
        if not isinstance(kind, str) or kind not in KINDS:
            raise FileFormatError(f"kind: expected a model, one of {[PAIR, *KINDS]}, got {shown(kind)}.")
        model = _class_of(kind)._from_file(header, arrays, custom)
        model.metadata_ = metadata
        return model


def _is_param(kind: Any, name: str) -> bool:
    """Return whether an array is a parameter of a network: all of a pair's are, an estimator has them in a folder."""
    return kind == PAIR or "params" in name.split("/")[:-1]


def _narrowed(name: str, array: np.ndarray, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        narrowed = array.astype(dtype)
    if not np.isfinite(narrowed).all():
        raise ValueError(
            f"save: dtype: expected parameters that {np.dtype(dtype)} can hold, got {np.abs(array).max():g} in {name}."
        )
    return narrowed


def _class_of(kind: str) -> Any:
    return getattr(importlib.import_module(KINDS[kind]), kind)


def _estimator_to_file(model: Any) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    kind = type(model).__name__
    if kind not in KINDS or type(model) is not _class_of(kind):
        raise TypeError(
            f"save: model: expected a {' or '.join(KINDS)} or a pair (network, params), got {shown(model)}. A class "
            "derived from an estimator would come back as the estimator: save its network and parameters."
        )
    header, arrays = model._to_file()
    return {**header, "kind": kind}, arrays


def _pair_to_file(model: tuple[Any, ...]) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    if len(model) != 2 or not isinstance(model[0], Sequential) or not isinstance(model[1], Mapping):
        raise TypeError(f"save: model: expected a pair (Sequential, dict of its parameters), got {shown(model)}.")
    network, params = model
    header = {"kind": PAIR, "network": registry.to_dict(network)}
    check_params("save", network, params)
    return header, params


def _pair_from_file(
    header: dict[str, Any], arrays: dict[str, np.ndarray], custom: tuple[type, ...]
) -> tuple[Sequential, dict[str, np.ndarray]]:
    network = registry.from_dict(header.get("network"), custom, family="network")
    check_params("load", network, arrays)
    return network, arrays
