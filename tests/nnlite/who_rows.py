"""A valid call of each public name, for `test_who_speaks`; those of metrics and model selection are in their rooms.

Layers have their rows from `layer_cases`, and whatever takes no setting, or has a default for each, from the registry.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import nnlite as nn
from nnlite import exchange, initializers, losses, schedules
from nnlite.registry import REGISTRY
from tests.nnlite.layers.layer_cases import CASES

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 4)).astype(np.float32)
Y = np.arange(12) % 3
TAGS = np.eye(3, dtype=int)[Y]
SCORES = 0.2 + 0.2 * TAGS
GAMES = np.array(list("aabbccddeeff"))
NET = nn.Sequential([nn.Dense(3), nn.Softmax()], (4,))
PARAMS = NET.init(np.random.default_rng(0))
STATE = exchange.to_torch_state_dict(NET, PARAMS)
LOSS, SGD = nn.SoftmaxCrossEntropy(), nn.SGD(0.01, momentum=0.9)
WEIGHTS = np.full(12, 1 / 12)


class Row(NamedTuple):
    """A valid call."""

    function: Callable[..., Any]
    arguments: dict[str, Any]


def all_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call a generator function and run it to its end."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> list[Any]:
        return list(function(*args, **kwargs))

    return run


def by_keyword(function: Callable[..., Any], *positional: str) -> Callable[..., Any]:
    """Call a function whose first arguments have no keyword."""

    def run(**arguments: Any) -> Any:
        first = [arguments.pop(name) for name in positional]
        return function(*first, **arguments)

    return run


def fit(cls: type) -> Callable[..., Any]:
    """Make an estimator and fit it: only then it checks its settings, as scikit-learn wants it."""

    def run(**settings: Any) -> Any:
        return cls(**settings).fit(X, Y)

    return run


def of_description(description: Any) -> Row:
    """Return the call that makes a layer, an optimizer or another description."""
    names = [field.name for field in dataclasses.fields(description) if field.init]
    return Row(type(description), {name: getattr(description, name) for name in names})


def has_required_settings(cls: type) -> bool:
    """Return whether a description has a setting without a default: then it needs a row."""
    return any(parameter.default is parameter.empty for parameter in inspect.signature(cls).parameters.values())


ROWS: dict[str, Row] = {
    **{type(layer).__name__: of_description(layer) for layer, _ in CASES},
    **{cls.__name__: of_description(cls()) for cls in REGISTRY.values() if not has_required_settings(cls)},
    # --- what layers and training take
    "Constant": Row(nn.Constant, {"value": 0.5}),
    **{
        f"{type(initializer).__name__}.__call__": Row(initializer, {"shape": (3, 4), "rng": RNG, "dtype": "float32"})
        for initializer in (nn.Glorot(), nn.He(), nn.LeCun(), nn.Orthogonal())
    },
    **{
        f"{type(schedule).__name__}.__call__": Row(schedule, {"epoch": 1.5, "max_epochs": 3})
        for schedule in (schedules.Constant(), nn.LinearDecay(), nn.StepDecay(2), nn.Warmup(2))
    },
    "fans": Row(initializers.fans, {"shape": (3, 4)}),
    "class_weights": Row(losses.class_weights, {"y": Y, "class_weight": "balanced", "n_classes": 3}),
    "StepDecay": Row(nn.StepDecay, {"every": 2, "factor": 0.5}),
    "Warmup": Row(nn.Warmup, {"epochs": 2.0, "schedule": nn.LinearDecay(), "start": 0.5}),
    "EarlyStopping": Row(nn.EarlyStopping, {"patience": 3, "mode": "min", "min_delta": 0.1}),
    "EarlyStopping.update": Row(
        lambda **a: nn.EarlyStopping().update(**a), {"value": 0.5, "params": PARAMS, "epoch": 3}
    ),
    "EarlyStopping.restore": Row(lambda **a: nn.EarlyStopping().restore(**a), {"state": {"epochs_since_best": 1}}),
    "Rows": Row(nn.Rows, {"x": X, "rows": np.array([1, 2])}),
    "set_threads": Row(nn.set_threads, {"n_threads": None}),
    "pad_sequences": Row(nn.pad_sequences, {"sequences": [[[1.0], [2.0]], [[3.0]]], "steps": 3, "dtype": "float32"}),
    # --- networks
    "Sequential": Row(nn.Sequential, {"layers": [nn.Dense(3)], "input_shape": (4,), "fuse": True}),
    "Sequential.init": Row(NET.init, {"rng": RNG, "dtype": "float32"}),
    "Sequential.prepare": Row(NET.prepare, {"params": PARAMS}),
    "Sequential.apply": Row(NET.apply, {"params": PARAMS, "x": X}),
    "Sequential.forward": Row(NET.forward, {"params": PARAMS, "x": X, "rng": RNG}),
    "Sequential.until": Row(NET.until, {"stop": 1}),
    "Sequential.own": Row(NET.own, {"params": PARAMS}),
    "predict": Row(nn.predict, {"network": NET, "params": PARAMS, "x": X, "read": lambda part: part, "n_threads": 1}),
    "loss_and_gradients": Row(
        nn.loss_and_gradients,
        {
            "network": NET.until(1),
            "params": PARAMS,
            "batch": X,
            "targets": Y,
            "weights": WEIGHTS,
            "loss": LOSS,
            "seed": (1,),
            "n_threads": 1,
            "deferred": False,
        },
    ),
    "train": Row(
        all_of(nn.train),
        {
            "network": NET,
            "params": PARAMS,
            "x": X,
            "y": Y,
            "loss": LOSS,
            "optimizer": SGD,
            "max_epochs": 2,
            "schedule": nn.LinearDecay(),
            "batch_size": 5,
            "seed": 0,
            "sample_weight": WEIGHTS,
            "transform": lambda x, rng: x,
            "optimizer_state": SGD.init(PARAMS),
            "first_epoch": 0,
            "n_threads": 1,
            "on_step": lambda step, steps: None,
        },
    ),
    "train_step": Row(
        nn.train_step,
        {
            "network": NET.until(1),
            "params": PARAMS,
            "batch": X,
            "targets": Y,
            "weights": WEIGHTS,
            "loss": LOSS,
            "optimizer": SGD,
            "optimizer_state": SGD.init(PARAMS),
            "learning_rate_factor": 1.0,
            "seed": (1,),
            "n_threads": 1,
        },
    ),
    "input_gradient": Row(
        nn.input_gradient,
        {"network": NET, "params": PARAMS, "x": X, "unit": 1, "read": lambda part: part, "n_threads": 1},
    ),
    "gradient_times_input": Row(
        nn.gradient_times_input,
        {"network": NET, "params": PARAMS, "x": X, "unit": 1, "baseline": 0.0, "n_threads": 1},
    ),
    "occlusion": Row(
        nn.occlusion,
        {
            "predict": lambda x: np.asarray(x).sum(axis=1),
            "x": X,
            "window": (2,),
            "baseline": 0.0,
            "stride": (2,),
            "batch_size": 8,
        },
    ),
    "lsuv": Row(nn.lsuv, {"network": NET, "params": PARAMS, "x": X}),
    "check_layer": Row(nn.check_layer, {"layer": nn.Tanh(), "input_shape": (3,), "rng": RNG, "tolerance": 1e-6}),
    "check_gradients": Row(
        nn.check_gradients,
        {"model": nn.Tanh(), "rng": RNG, "input_shape": (4,), "x": X, "params": {}, "n_samples": 2, "tolerance": 1e-6},
    ),
    # --- files and exchange
    "save": Row(by_keyword(nn.save, "path", "model"), {"path": "net.npz", "model": (NET, PARAMS), "dtype": "float32"}),
    "load": Row(by_keyword(nn.load, "path"), {"path": "saved.npz", "custom": ()}),
    "to_onnx": Row(by_keyword(nn.to_onnx, "path", "model"), {"path": "net.onnx", "model": (NET, PARAMS)}),
    "to_torch_state_dict": Row(nn.to_torch_state_dict, {"network": NET, "params": PARAMS, "names": ["dense"]}),
    "from_torch_state_dict": Row(nn.from_torch_state_dict, {"network": NET, "state_dict": STATE, "names": ["0"]}),
    "torch_modules": Row(nn.torch_modules, {"state_dict": ["a.weight", "a.bias"]}),
    # --- estimators
    "NetworkClassifier": Row(
        fit(nn.NetworkClassifier),
        {
            "network": NET,
            "loss": LOSS,
            "optimizer": SGD,
            "schedule": nn.LinearDecay(),
            "init": "layers",
            "batch_size": 6,
            "max_epochs": 1,
            "validation_fraction": 0.0,
            "patience": 3,
            "monitor": "loss",
            "standardize_axes": (0,),
            "class_weight": None,
            "augment": None,
            "mixup": 0.0,
            "callback": None,
            "checkpoint": None,
            "random_state": 0,
            "verbose": 0,
            "warm_start": False,
            "checkpoint_every": 1,
            "n_threads": 1,
        },
    ),
    "NetworkRegressor": Row(
        fit(nn.NetworkRegressor),
        {
            "network": nn.Sequential([nn.Dense(1)], (4,)),
            "loss": nn.Huber(),
            "optimizer": SGD,
            "schedule": nn.LinearDecay(),
            "init": "layers",
            "batch_size": 6,
            "max_epochs": 1,
            "validation_fraction": 0.0,
            "patience": 3,
            "monitor": "loss",
            "standardize_axes": (0,),
            "standardize_targets": True,
            "augment": None,
            "mixup": 0.0,
            "callback": None,
            "checkpoint": None,
            "random_state": 0,
            "verbose": 0,
            "warm_start": False,
            "checkpoint_every": 1,
            "n_threads": 1,
        },
    ),
    "BaggedEnsemble": Row(
        fit(nn.BaggedEnsemble),
        {
            "estimator": nn.NetworkClassifier(max_epochs=1, validation_fraction=0.0),
            "n_bags": 1,
            "negatives_per_positive": 1.0,
            "average": "probability",
            "prior": "balanced",
            "executor": None,
            "checkpoint": None,
            "random_state": 0,
            "verbose": 0,
        },
    ),
}
