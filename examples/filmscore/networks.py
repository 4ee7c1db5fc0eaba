"""The networks of the published study; arguments for what it does not say."""

from __future__ import annotations

from collections.abc import Sequence

import nnlite as nn

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
TILE = (40, 100, 1)
"""Coefficients, frames, channels, as published; `Features.tile_shape` of any others."""

FILTERS = ((32, 5, 0.1), (64, 3, 0.2), (128, 2, 0.3), (256, 2, 0.4))
"""Filters, kernel size and dropout after pooling of each convolution."""

UNITS = 50
"""Units of both dense layers of the convolutional network."""


def convolutional(
    n_classes: int,
    *,
    activation: str = "sigmoid",
    output: nn.Layer | None = None,
    dropout: bool = True,
    rest: float = 0.0,
    first_pool: int = 2,
    input_shape: tuple[int, int, int] = TILE,
) -> nn.Sequential:
    """Return four convolutions, each with 2 x 2 max-pooling and dropout, then two dense layers of 50, then the classes.

    Parameters
    ----------
    activation : {"sigmoid", "tanh", "relu"}
        The published units are sigmoid.
    output : Layer, optional
        Softmax (the default) for one network over all classes, Sigmoid for classes that stand for themselves.
    dropout : bool
        False leaves all dropout layers out.
    rest : float
        What dropped units say, see `nnlite.Dropout`: 0 is published, 0.5 suits sigmoid units.
    first_pool : int
        Rows that the first pooling makes one of: 2 is published, 4 brings spectra to the height of other tiles.
    """
    unit = ACTIVATIONS[activation]
    layers = _convolutions(FILTERS, unit, dropout, rest, first_pool)
    layers += [nn.Flatten(), nn.Dense(UNITS), unit()] + ([nn.Dropout(0.5, rest)] if dropout else [])
    layers += [nn.Dense(UNITS), unit(), nn.Dense(n_classes), nn.Softmax() if output is None else output]
    return nn.Sequential(layers, input_shape)


def _convolutions(
    filters: Sequence[tuple[int, int, float]], unit: type[nn.Layer], dropout: bool, rest: float, first_pool: int
) -> list[nn.Layer]:
    """Return convolutions, each with pooling and dropout; `filters` are some of `FILTERS`."""
    layers: list[nn.Layer] = []
    for number, (channels, size, rate) in enumerate(filters):
        pool = (first_pool, 2) if number == 0 else 2
        layers += [nn.Conv2D(channels, size), unit(), nn.MaxPool2D(pool)] + (
            [nn.Dropout(rate, rest)] if dropout else []
        )
    return layers


def convolutional_recurrent(
    n_classes: int,
    *,
    units: int = 64,
    activation: str = "sigmoid",
    output: nn.Layer | None = None,
    rest: float = 0.0,
    first_pool: int = 2,
    input_shape: tuple[int, int, int] = TILE,
) -> nn.Sequential:
    """Return the first two convolutions of `convolutional`, then gated recurrent units over the time that is left.

    That is 23 steps of 0.4 s for a tile of 100 frames.
    """
    layers = _convolutions(FILTERS[:2], ACTIVATIONS[activation], True, rest, first_pool)
    steps = nn.Sequential(layers, input_shape).output_shape[1]
    layers += [nn.Permute((1, 0, 2)), nn.Reshape((steps, -1)), nn.GRU(units), nn.Dropout(0.5)]
    layers += [nn.Dense(n_classes), nn.Softmax() if output is None else output]
    return nn.Sequential(layers, input_shape)


def recurrent(
    n_classes: int,
    *,
    units: int = 64,
    output: nn.Layer | None = None,
    dropout: float = 0.5,
    input_shape: tuple[int, int],
) -> nn.Sequential:
    """Return gated recurrent units over a sequence (steps, features); the classes follow from the last state."""
    layers: list[nn.Layer] = [nn.GRU(units), nn.Dropout(dropout)]
    return nn.Sequential([*layers, nn.Dense(n_classes), nn.Softmax() if output is None else output], input_shape)


def fully_connected(
    n_classes: int,
    *,
    hidden: Sequence[int] = (200, 50),
    activation: str = "sigmoid",
    output: nn.Layer | None = None,
    dropout: float = 0.5,
    rest: float = 0.0,
    input_shape: tuple[int, int, int] = TILE,
) -> nn.Sequential:
    """Return the baseline: dense layers on the flattened tile. The published sizes are not known."""
    unit = ACTIVATIONS[activation]
    layers: list[nn.Layer] = [nn.Flatten()]
    for units in hidden:
        layers += [nn.Dense(units), unit()] + ([nn.Dropout(dropout, rest)] if dropout else [])
    layers += [nn.Dense(n_classes), nn.Softmax() if output is None else output]
    return nn.Sequential(layers, input_shape)
