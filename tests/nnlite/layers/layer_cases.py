"""Instances of all layers to be tried, each with the shape of its input.

A new layer without settings, or with a default for each, is found by itself in the registry. One with settings that
must be given needs a row here.
"""

import nnlite as nn
from nnlite.registry import REGISTRY

LAYERS = {cls for name, cls in REGISTRY.items() if name.startswith("layers.")}

CASES = [
    (nn.Layer(), (4, 3)),
    (nn.Dense(5), (7,)),
    (nn.Dense(3, nn.LeCun()), (4, 2)),
    (nn.Conv2D(5, 3), (6, 7, 2)),
    (nn.Conv2D(3, (2, 5), stride=(1, 2), padding="same"), (5, 6, 2)),
    (nn.ConvMaxPool2D(nn.Conv2D(5, (3, 2))), (7, 6, 3)),
    (nn.ConvMaxPool2D(nn.Conv2D(4, 3, padding="same"), nn.MaxPool2D((3, 1))), (6, 5, 2)),
    (nn.MaxPool2D(2), (5, 4, 3)),
    (nn.MaxPool2D((3, 2), stride=1), (5, 4, 3)),
    (nn.Sigmoid(), (3, 3, 2)),
    (nn.Tanh(), (13,)),
    (nn.ReLU(), (3, 7)),
    (nn.LeakyReLU(), (3, 7)),
    (nn.LeakyReLU(0.0), (13,)),
    (nn.ELU(0.7), (4, 3, 2)),
    (nn.GELU(), (5, 3)),
    (nn.SiLU(), (37,)),
    (nn.Softmax(), (5,)),
    (nn.Softmax(), (3, 4)),
    (nn.Dropout(0.4), (3, 5)),
    (nn.Dropout(0.4, rest=0.5), (3, 5)),
    (nn.Dropout(0.0), (8,)),
    (nn.ActivationDropout(nn.Sigmoid(), nn.Dropout(0.4, rest=0.5)), (3, 7)),
    (nn.ActivationDropout(nn.Tanh(), nn.Dropout(0.2, rest=0.3)), (37,)),
    (nn.ActivationDropout(nn.ReLU(), nn.Dropout(0.2)), (200,)),
    (nn.DenseActivation(nn.Dense(19), nn.Sigmoid()), (4,)),
    (nn.DenseActivation(nn.Dense(8), nn.Tanh()), (3, 5)),
    (nn.DenseActivation(nn.Dense(5), nn.ReLU()), (4,)),
    (nn.DenseActivation(nn.Dense(11), nn.ActivationDropout(nn.Sigmoid(), nn.Dropout(0.4, rest=0.5))), (7,)),
    (nn.Flatten(), (3, 4, 2)),
    (nn.GRU(5), (4, 3)),
    (nn.GRU(17, return_sequences=True, bidirectional=True), (3, 2)),
    (nn.LSTM(5, return_sequences=True), (4, 3)),
    (nn.LSTM(9, bidirectional=True), (1, 2)),
    (nn.TimeDistributed(nn.Dense(3)), (4, 5)),
    (nn.TimeDistributed(nn.Dropout(0.4)), (4, 5)),
    (nn.TimeDistributed(nn.ConvMaxPool2D(nn.Conv2D(3, 2))), (2, 5, 4, 2)),
    (nn.AveragePool2D(2), (5, 4, 3)),
    (nn.AveragePool2D((3, 2), stride=(1, 3)), (5, 6, 2)),
    (nn.GlobalAveragePooling(), (4, 3)),
    (nn.GlobalAveragePooling(), (3, 4, 2)),
    (nn.GlobalMaxPooling(), (4, 3)),
    (nn.GlobalMaxPooling(), (3, 4, 2)),
    (nn.Permute((1, 0, 2)), (3, 4, 2)),
    (nn.Permute((2, 0, 1)), (3, 4, 2)),
    (nn.Reshape((4, -1)), (4, 3, 2)),
    (nn.LayerNorm(), (7,)),
    (nn.LayerNorm(1e-3), (4, 5)),
    (nn.BatchNorm(), (7,)),
    (nn.BatchNorm(1e-3, momentum=0.0), (5, 4, 3)),
    (nn.FrozenBatchNorm(), (4, 3)),
    (nn.TimeDistributed(nn.BatchNorm()), (4, 3)),
    (nn.Residual([nn.Dense(5), nn.Tanh()]), (5,)),
    (nn.Residual([nn.Conv2D(4, 3, 2, "same"), nn.ReLU(), nn.Conv2D(4, 3, 1, "same")], nn.Conv2D(4, 1, 2)), (5, 6, 2)),
    (nn.Residual([nn.LSTM(3, return_sequences=True), nn.Dropout(0.3)], [nn.Dense(3)]), (4, 2)),
    (
        nn.Residual(
            [nn.Residual([nn.Dense(3), nn.ReLU(), nn.Dropout(0.2)]), nn.Parallel([[], nn.Dense(4)], "concat")],
            shortcut=nn.Dense(7),
        ),
        (3,),
    ),
    (nn.Parallel([[nn.Conv2D(3, 2), nn.Tanh(), nn.MaxPool2D(2)], nn.AveragePool2D(2), nn.MaxPool2D(2)]), (5, 5, 2)),
    (nn.Parallel([[], nn.ReLU(), nn.Dense(6)], merge="sum"), (2, 6)),
    (nn.Parallel([nn.GlobalMaxPooling(), nn.GlobalAveragePooling()]), (4, 3)),
    (nn.Parallel([[]]), (3,)),
    (
        nn.Residual(
            [nn.Parallel([nn.BatchNorm(), nn.Tanh()]), nn.ReLU(), nn.Conv2D(6, 3, 1, "same")],
            shortcut=[nn.BatchNorm(), nn.Conv2D(6, 1)],
        ),
        (5, 4, 2),
    ),
    (nn.TimeDistributed(nn.Residual([nn.Dense(5), nn.ReLU()])), (3, 5)),
]


def by_defaults(cls):
    """Return the cases of a layer that takes no settings: one for each of some shapes that it takes."""
    for shape in ((5,), (4, 3), (5, 4, 3)):
        try:
            cls().output_shape(shape)
        except (TypeError, ValueError):
            continue
        yield cls(), shape


for missing in sorted(LAYERS - {type(layer) for layer, _ in CASES}, key=lambda cls: cls.__name__):
    CASES += by_defaults(missing)

NAMES = [f"{k}-{type(layer).__name__}" for k, (layer, _) in enumerate(CASES)]
