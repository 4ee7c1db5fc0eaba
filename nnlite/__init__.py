"""Neural networks on NumPy and numba, without a framework.

Importing this package loads nothing: each public name is looked up in its module when it is first used, so that neither
numba nor a kernel is paid for before it is needed.
"""

import importlib
from typing import TYPE_CHECKING, Any

from nnlite.version import __version__ as __version__

_MODULES = {
    "network": ["Sequential"],
    "layers.base": ["Layer"],
    "layers.dense": ["Dense", "DenseActivation"],
    "layers.conv": ["Conv2D", "ConvMaxPool2D"],
    "layers.pooling": ["AveragePool2D", "MaxPool2D"],
    "layers.activations": ["Activation", "ReLU", "Sigmoid", "Softmax", "Tanh"],
    "layers.dropout": ["ActivationDropout", "Dropout"],
    "layers.reshape": ["Flatten", "Permute", "Reshape"],
    "layers.recurrent": ["GRU", "LSTM"],
    "layers.time_distributed": ["TimeDistributed"],
    "layers.global_pooling": ["GlobalAveragePooling", "GlobalMaxPooling"],
    "layers.normalization": ["LayerNorm"],
    "layers.sequences": ["pad_sequences"],
    "initializers": ["Constant", "Glorot", "He", "LeCun", "Orthogonal", "Zeros"],
    "losses": ["SigmoidCrossEntropy", "SoftmaxCrossEntropy", "SquaredError"],
    "optimizers": ["SGD", "Adam"],
    "schedules": ["LinearDecay", "StepDecay", "Warmup"],
    "early_stopping": ["EarlyStopping"],
    "parallel": ["loss_and_gradients", "predict"],
    "threads": ["set_threads"],
    "attribution": ["gradient_times_input", "input_gradient", "occlusion"],
    "unit_variance": ["lsuv"],
    "training": ["Epoch", "TrainingDiverged", "train", "train_step"],
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

if TYPE_CHECKING:  # what type checkers read instead
    from nnlite import initializers as initializers
    from nnlite import losses as losses
    from nnlite import metrics as metrics
    from nnlite import model_selection as model_selection
    from nnlite import optimizers as optimizers
    from nnlite import schedules as schedules
    from nnlite import testing as testing
    from nnlite.attribution import gradient_times_input as gradient_times_input
    from nnlite.attribution import input_gradient as input_gradient
    from nnlite.attribution import occlusion as occlusion
    from nnlite.classifier import NetworkClassifier as NetworkClassifier
    from nnlite.early_stopping import EarlyStopping as EarlyStopping
    from nnlite.ensemble import BaggedEnsemble as BaggedEnsemble
    from nnlite.ensemble import BaggedEnsembleWarning as BaggedEnsembleWarning
    from nnlite.estimator import NotFittedError as NotFittedError
    from nnlite.exchange import from_torch_state_dict as from_torch_state_dict
    from nnlite.exchange import to_onnx as to_onnx
    from nnlite.exchange import to_torch_state_dict as to_torch_state_dict
    from nnlite.exchange import torch_modules as torch_modules
    from nnlite.initializers import Constant as Constant
    from nnlite.initializers import Glorot as Glorot
    from nnlite.initializers import He as He
    from nnlite.initializers import LeCun as LeCun
    from nnlite.initializers import Orthogonal as Orthogonal
    from nnlite.initializers import Zeros as Zeros
    from nnlite.layers.activations import Activation as Activation
    from nnlite.layers.activations import ReLU as ReLU
    from nnlite.layers.activations import Sigmoid as Sigmoid
    from nnlite.layers.activations import Softmax as Softmax
    from nnlite.layers.activations import Tanh as Tanh
    from nnlite.layers.base import Layer as Layer
    from nnlite.layers.conv import Conv2D as Conv2D
    from nnlite.layers.conv import ConvMaxPool2D as ConvMaxPool2D
    from nnlite.layers.dense import Dense as Dense
    from nnlite.layers.dense import DenseActivation as DenseActivation
    from nnlite.layers.dropout import ActivationDropout as ActivationDropout
    from nnlite.layers.dropout import Dropout as Dropout
    from nnlite.layers.global_pooling import GlobalAveragePooling as GlobalAveragePooling
    from nnlite.layers.global_pooling import GlobalMaxPooling as GlobalMaxPooling
    from nnlite.layers.normalization import LayerNorm as LayerNorm
    from nnlite.layers.pooling import AveragePool2D as AveragePool2D
    from nnlite.layers.pooling import MaxPool2D as MaxPool2D
    from nnlite.layers.recurrent import GRU as GRU
    from nnlite.layers.recurrent import LSTM as LSTM
    from nnlite.layers.reshape import Flatten as Flatten
    from nnlite.layers.reshape import Permute as Permute
    from nnlite.layers.reshape import Reshape as Reshape
    from nnlite.layers.sequences import pad_sequences as pad_sequences
    from nnlite.layers.time_distributed import TimeDistributed as TimeDistributed
    from nnlite.losses import SigmoidCrossEntropy as SigmoidCrossEntropy
    from nnlite.losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from nnlite.losses import SquaredError as SquaredError
    from nnlite.models import load as load
    from nnlite.models import save as save
    from nnlite.network import Sequential as Sequential
    from nnlite.optimizers import SGD as SGD
    from nnlite.optimizers import Adam as Adam
    from nnlite.parallel import loss_and_gradients as loss_and_gradients
    from nnlite.parallel import predict as predict
    from nnlite.rows import Rows as Rows
    from nnlite.schedules import LinearDecay as LinearDecay
    from nnlite.schedules import StepDecay as StepDecay
    from nnlite.schedules import Warmup as Warmup
    from nnlite.serialization import FileFormatError as FileFormatError
    from nnlite.testing import check_gradients as check_gradients
    from nnlite.testing import check_layer as check_layer
    from nnlite.threads import set_threads as set_threads
    from nnlite.training import Epoch as Epoch
    from nnlite.training import TrainingDiverged as TrainingDiverged
    from nnlite.training import train as train
    from nnlite.training import train_step as train_step
    from nnlite.unit_variance import lsuv as lsuv


if not TYPE_CHECKING:  # for which every name would exist

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
