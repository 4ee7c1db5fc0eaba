"""A bagged ensemble as one ONNX graph: the networks side by side, and the joining of their answers."""

from nnlite.estimators.classifier import NetworkClassifier
from nnlite.estimators.ensemble import BaggedEnsemble
from nnlite.exchange.onnx_graph import Graph, add_network, add_standardizer


def add_ensemble(graph: Graph, model: BaggedEnsemble) -> None:
    """Add the operations of `predict_proba` of a fitted ensemble.

    Parameters
    ----------
    graph : Graph
    model : BaggedEnsemble

    Raises
    ------
    TypeError
        If a layer is one of your own.
    """
    networks = {k: _add_class(graph, model, k, members) for k, members in enumerate(model.members_) if members}
    some = next(iter(networks.values()))
    columns = [
        networks[k] if k in networks else _add_constant(graph, some, f"members/{k}/", model.constants_[k])
        for k in range(len(model.classes_))
    ]
    graph.begin(columns[0])
    values = graph.add("Concat", others=columns[1:], axis=1)
    if not model._coding.multilabel:
        _add_shares(graph, values, len(columns))


def _add_class(graph: Graph, model: BaggedEnsemble, k: int, members: list[NetworkClassifier]) -> str:
    """Add the mean over the networks of a class, shape (n_samples, 1)."""
    answers = []
    for number, member in enumerate(members):
        predictor = member._predictor
        graph.begin(folder=f"members/{k}-{number}/")
        add_standardizer(graph, predictor.standardizer)
        add_network(graph, predictor.logits_network, member.params_)
        logits = graph.add("Add", {"shift": model._shift(k)})
        answers.append(graph.add("Sigmoid") if model.average == "probability" else logits)
    graph.begin(answers[0])
    mean = graph.add("Mean", others=answers[1:])
    return mean if model.average == "probability" else graph.add("Sigmoid")


def _add_constant(graph: Graph, some: str, folder: str, constant: float) -> str:
    """Add a value that is the same for all samples.

    `some`, another value of shape (n_samples, 1), gives their number.
    """
    graph.begin(some, folder)
    graph.add("Mul", {"nothing": 0.0})
    return graph.add("Add", {"constant": constant})


def _add_shares(graph: Graph, values: str, n_classes: int) -> None:
    """Add rows that sum to 1. They are equal shares if all values are 0, as values below 1e-38 are in float32."""
    mean = graph.add("ReduceMean", axes=[1], keepdims=1)
    none = graph.add("Equal", {"zero": 0.0})
    graph.begin(values)
    ratios = graph.add("Div", others=[mean])
    graph.begin(none)
    graph.add("Where", {"one": 1.0}, others=[ratios])
    graph.add("Mul", {"share": 1 / n_classes})
