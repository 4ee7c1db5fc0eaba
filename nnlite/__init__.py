"""Neural networks on NumPy and numba, without a framework.

Importing this package loads nothing: each public name is looked up in its module when it is first used, so that neither
numba nor a kernel is paid for before it is needed.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULES = {
    "network": ["Sequential"],
    "layers.base": ["Layer"],
    "layers.dense": ["Dense"],
    "layers.conv": ["Conv2D", "ConvMaxPool2D"],
    "layers.pooling": ["MaxPool2D"],
    "layers.activations": ["Activation", "ReLU", "Sigmoid", "Softmax", "Tanh"],
    "layers.dropout": ["ActivationDropout", "Dropout"],
    "layers.reshape": ["Flatten"],
    "initializers": ["Constant", "Glorot", "He", "LeCun", "Zeros"],
    "losses": ["SigmoidCrossEntropy", "SoftmaxCrossEntropy", "SquaredError"],
    "optimizers": ["SGD", "Adam"],
    "schedules": ["LinearDecay", "StepDecay", "Warmup"],
    "early_stopping": ["EarlyStopping"],
    "parallel": ["loss_and_gradients", "predict", "set_threads"],
    "unit_variance": ["lsuv"],
    "training": ["Epoch", "TrainingDiverged", "train"],
    "classifier": ["NetworkClassifier"],
    "ensemble": ["BaggedEnsemble", "BaggedEnsembleWarning"],
    "estimator": ["NotFittedError"],
    "rows": ["Rows"],
    "serialization": ["FileFormatError"],
    "models": ["load", "save"],
    "exchange": ["from_torch_state_dict", "to_onnx", "to_torch_state_dict", "torch_modules"],
    "testing": ["check_gradients", "check_layer"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
_SUBMODULES = ("metrics", "model_selection", "schedules", "initializers", "losses", "optimizers", "testing")

__all__ = sorted([*_HOME, *_SUBMODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"nnlite.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return importlib.import_module(f"nnlite.{name}")
    raise AttributeError(f"module 'nnlite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
