"""A fitted regressor as a header and arrays, and back; `nnlite.models` makes a file of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlite.estimators import estimator_file
from nnlite.estimators.estimator_file import Arrays, object_in
from nnlite.estimators.settings import REGRESSION, check_settings
from nnlite.estimators.value_coding import ValueCoding
from nnlite.serialization import FileFormatError
from nnlite.serialization.errors import shown


def to_file(model: Any) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of a fitted regressor; what is left out is that of a classifier.

    Parameters
    ----------
    model : NetworkRegressor

    Raises
    ------
    TypeError, ValueError
        If the network or the loss can't be stored.
    """
    header, arrays = estimator_file.to_parts(model)
    coding = model._predictor.coding
    settings = estimator_file.settings_to_json(model) | {"standardize_targets": bool(model.standardize_targets)}
    header |= {"settings": settings, "single": coding.single, "standardized": coding.standardize}
    return header, arrays | {"targets/mean": coding.mean, "targets/deviation": coding.deviation}


def from_file(estimator: type, header: dict[str, Any], arrays: Arrays, custom: Iterable[type]) -> Any:
    """Return the regressor of a header and arrays that come from an untrusted file.

    Parameters
    ----------
    estimator : type
        NetworkRegressor.
    header : dict
    arrays : dict of ndarray
    custom : iterable of type
        Classes that may occur besides the library's own.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they don't fit together.
    """
    figures = ("targets/mean", "targets/deviation")
    estimator_file.check_names("regressor", arrays, figures)
    settings = estimator_file.settings_from_json(object_in(header, "settings"), custom, "standardize_targets")
    model = estimator(**settings)
    check_settings("NetworkRegressor", model, REGRESSION)
    network = estimator_file.network_in(header, custom)
    single, standardized = header["single"], header["standardized"]
    if not isinstance(single, bool) or not isinstance(standardized, bool):
        raise FileFormatError(f"single, standardized: expected true or false, got {shown([single, standardized])}.")
    mean, deviation = (arrays[name] for name in figures)
    for name, array in zip(figures, (mean, deviation), strict=True):
        if array.shape != network.output_shape or array.dtype != np.float64 or not np.isfinite(array).all():
            raise FileFormatError(
                f"{name}: expected finite figures in float64 of shape {network.output_shape}, got shape "
                f"{array.shape} and {array.dtype}."
            )
    if not (deviation > 0).all() or (single and len(mean) != 1):
        raise FileFormatError("targets: expected deviations above 0, and one column where y had one axis.")
    coding = ValueCoding(len(mean), single, standardized, mean, deviation)
    estimator_file.keep_parts(model, network, coding, header, arrays, custom)
    coding.check("load", network, model._predictor.loss)
    return model
