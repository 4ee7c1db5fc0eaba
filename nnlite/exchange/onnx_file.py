"""Networks as ONNX files, which other runtimes read."""

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from nnlite.checks import check_path
from nnlite.estimators.classifier import NetworkClassifier
from nnlite.estimators.ensemble import BaggedEnsemble
from nnlite.estimators.regressor import NetworkRegressor
from nnlite.exchange.onnx_ensemble import add_ensemble
from nnlite.exchange.onnx_graph import Graph, add_network, add_standardizer
from nnlite.exchange.stack import declares, known
from nnlite.layers.base import Shape
from nnlite.losses import Loss
from nnlite.network.parameters import check_params
from nnlite.network.sequential import Sequential
from nnlite.serialization import atomic_write, text
from nnlite.serialization.errors import shown
from nnlite.version import __version__

WHO = "to_onnx"
OPERATOR_SET, IR_VERSION = 13, 7
"""The oldest versions in which all operations mean what they mean here: old runtimes can read the file too."""
MAX_BYTES = 2**31 - 1
"""The largest size of one message of protocol buffers."""


def to_onnx(path: str | os.PathLike[str], model: Any, /, **metadata: Any) -> None:
    """Write a model as an ONNX file, whole or not at all, for runtimes such as ONNX Runtime and OpenVINO.

    The file takes samples as the model does, shape (n_samples, *input_shape) with channels last and any number of
    samples, in float32, under the name "input". For an estimator it returns the result of `predict_proba`, scaling and
    final activation included, under the name "probabilities"; for a regressor that of `predict`, under the name
    "predictions", always with two axes. For a network and its parameters it returns the result of
    `apply`, under the name "output".

    Parameters
    ----------
    path : path-like
        ``.onnx`` is the usual extension.
    model : NetworkClassifier, NetworkRegressor, BaggedEnsemble or (Sequential, dict)
        An estimator that has been fitted, or a network and its parameters. Those in float64 become float32.
    **metadata
        Data about the model that JSON can hold, for instance ``recipe=`` and ``class_names=``. It is added to what
        a loaded model brought along (``metadata_``) and, of an estimator, to ``classes`` and ``feature_names`` (of the
        columns, if it was fitted on a data frame), of an ensemble also to ``thresholds``. In the file each entry is a
        string of JSON under its name.

    Raises
    ------
    ImportError
        Without the package onnx.
    TypeError
        If a layer or loss is one of your own that doesn't say what it is in ONNX (`Layer.onnx`,
        `Loss.output_activation`).
    ValueError
        If the parameters aren't the network's, the metadata can't be stored, or all is larger than 2 GiB; nothing is
        written.
    OSError
        If the file can't be written; what was at `path` is untouched.

    Notes
    -----
    Shift samples in float64 before if float32 can't hold their digits: times in seconds since 1970, for instance.
    """
    check_path(WHO, "path", path)
    onnx = _import_onnx()
    described = _described(model)
    words = text.plain(described.metadata | metadata, f"{WHO}: metadata")
    content = _encode(onnx, described, words)
    with atomic_write(path) as file:
        file.write(content)


class _Model(NamedTuple):
    """The model to export: a graph that ends in the output, and the metadata."""

    graph: Graph
    input_shape: Shape
    output_shape: Shape
    metadata: dict[str, Any]


def _described(model: Any) -> _Model:
    if isinstance(model, NetworkClassifier):
        return _of_one_network(model, "probabilities")
    if isinstance(model, NetworkRegressor):
        return _of_one_network(model, "predictions")
    if isinstance(model, BaggedEnsemble):
        return _ensemble(model)
    if not isinstance(model, tuple) or len(model) != 2 or not isinstance(model[0], Sequential):
        raise TypeError(
            f"{WHO}: model: expected a fitted NetworkClassifier, NetworkRegressor or BaggedEnsemble or a pair "
            f"(Sequential, dict of its parameters), got {shown(model)}."
        )
    network, params = model
    if not isinstance(params, Mapping):
        raise TypeError(f"{WHO}: model: expected a dict of parameters beside the network, got {shown(params)}.")
    check_params(WHO, network, params)
    graph = Graph()
    add_network(graph, network, params)
    graph.end("output")
    return _Model(graph, network.input_shape, network.output_shape, {})


def _of_one_network(model: NetworkClassifier | NetworkRegressor, output: str) -> _Model:
    model._check_fitted()
    predictor = model._predictor
    if not declares(predictor.loss, "output_activation"):
        names = known(Loss, "output_activation")
        raise TypeError(
            f"{WHO}: loss: expected one of {names}, got {predictor.loss!r}. A loss of your own says in "
            "`output_activation` what its `predict` does."
        )
    last, logits = predictor.loss.output_activation, predictor.logits_network
    graph = Graph()
    add_standardizer(graph, predictor.standardizer)
    add_network(graph, Sequential([*logits.layers, *([last()] if last else [])], logits.input_shape), model.params_)
    if isinstance(model, NetworkRegressor):
        graph.add("Mul", {"target_deviation": model.target_deviation_})
        graph.add("Add", {"target_mean": model.target_mean_})
    graph.end(output)
    return _Model(graph, logits.input_shape, logits.output_shape, _metadata(model))


def _ensemble(model: BaggedEnsemble) -> _Model:
    model._check_fitted()
    graph = Graph()
    add_ensemble(graph, model)
    graph.end("probabilities")
    metadata = {"thresholds": list(model.thresholds_)} | _metadata(model)
    return _Model(graph, model._input_shape, (len(model.classes_),), metadata)


def _metadata(model: Any) -> dict[str, Any]:
    metadata = {} if isinstance(model, NetworkRegressor) else {"classes": model.classes_.tolist()}
    metadata |= getattr(model, "metadata_", {})
    names = getattr(model, "feature_names_in_", None)
    return metadata if names is None else metadata | {"feature_names": names.tolist()}


def _import_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError(f"{WHO}: needs onnx, which is not installed: pip install 'nnlite[onnx]'.") from error
    return onnx


def _encode(onnx: Any, described: _Model, metadata: dict[str, Any]) -> bytes:
    """Return the bytes of the file, which onnx has checked; the same for the same model and version."""
    make, float32, graph = onnx.helper, onnx.TensorProto.FLOAT, described.graph
    nodes = [
        make.make_node(node.operator, list(node.inputs), [node.output], node.output, **node.attributes)
        for node in graph.nodes
    ]
    ends = [
        make.make_tensor_value_info(name, float32, ["n_samples", *shape])
        for name, shape in ((graph.INPUT, described.input_shape), (graph.value, described.output_shape))
    ]
    arrays = [onnx.numpy_helper.from_array(array, name) for name, array in graph.arrays.items()]
    model = make.make_model(
        make.make_graph(nodes, "nnlite", ends[:1], ends[1:], arrays),
        opset_imports=[make.make_opsetid("", OPERATOR_SET)],
        ir_version=IR_VERSION,
        producer_name="nnlite",
        producer_version=__version__,
    )
    make.set_model_props(model, {name: json.dumps(value, allow_nan=False) for name, value in metadata.items()})
    if (size := model.ByteSize()) > MAX_BYTES:
        raise ValueError(f"{WHO}: model: expected at most 2 GiB, which is what the format can hold, got {size} bytes.")
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
