"""Units: outputs of a model or of an inner layer, with their gradient with respect to the tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import nnlite as nn
from filmscore.inputs import INPUTS
from filmscore.tagging import Tagger


@dataclass(frozen=True)
class Unit:
    """A function that gives each tile a number: an output of the model, or an inner unit.

    Attributes
    ----------
    name : str
        The text that `find_unit` reads.
    model : BaggedEnsemble or NetworkClassifier
        The tagger's model, or one of its networks.
    unit : int
        Column of a genre, for its log-odds; or index of an inner unit. In a layer with places it is the index of a
        channel, and its largest value counts.
    until : int or None
        None for a genre; else the index of the first layer that is left out, as in `NetworkClassifier.hidden`.
    inputs : str
        Name of the model's input in `filmscore.inputs.INPUTS`.
    """

    name: str
    model: Any
    unit: int
    until: int | None
    inputs: str

    def values(self, tiles: np.ndarray) -> np.ndarray:
        """Return the value for each tile, shape (n,)."""
        seen = INPUTS[self.inputs](tiles)
        if self.until is None:
            return self.model.log_odds(seen)[:, self.unit]
        return _largest(self.model.hidden(seen, self.until), self.unit)[0].astype(np.float64)

    def value_and_gradient(self, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values, and their gradient with respect to the tiles, of the tiles' shape."""
        seen = INPUTS[self.inputs](tiles)
        if self.until is None:
            values, gradient = self.model.input_gradient(seen, self.unit)
        else:
            values, gradient = self.model.input_gradient(seen, lambda y: _largest(y, self.unit), self.until)
        return values, INPUTS[self.inputs].gradient(tiles, gradient)


def _largest(output: np.ndarray, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest value of a channel over all places, and its gradient: 1 at that place."""
    of_channel = output[..., channel].reshape(len(output), -1)
    place = of_channel.argmax(axis=1)
    gradient = np.zeros_like(output)
    gradient.reshape(len(output), -1, output.shape[-1])[np.arange(len(output)), place, channel] = 1
    return np.take_along_axis(of_channel, place[:, np.newaxis], 1)[:, 0], gradient


def genre_unit(tagger: Tagger, genre: str) -> Unit:
    """Return the unit for a genre's log-odds.

    Raises
    ------
    ValueError
        If the model has no such genre.
    """
    column = _column(tagger, genre)
    return Unit(tagger.class_names[column], tagger.model, column, None, tagger.inputs)


def find_unit(tagger: Tagger, text: str) -> Unit:
    """Return the unit that a text names: GENRE, LAYER:UNIT, or GENRE:LAYER:UNIT if each genre has its own networks.

    LAYER is the index of a layer in `Sequential.summary`. UNIT is the index of a unit, or of a channel, of its output.
    If a genre has several networks, the first one is meant.

    Raises
    ------
    ValueError
        If there is no such genre, layer or unit; the message lists those that there are.
    """
    parts = text.split(":")
    if len(parts) == 1:
        return genre_unit(tagger, text)
    members = getattr(tagger.model, "members_", None)
    expected = "LAYER:UNIT" if members is None else "GENRE:LAYER:UNIT, as each genre has its own network"
    if len(parts) != (2 if members is None else 3) or not all(part.isdecimal() for part in parts[-2:]):
        raise ValueError(f"unit {text!r}: expected a genre, or {expected}")
    model = tagger.model if members is None else network_of(tagger, parts[0])
    layer, index = int(parts[-2]), int(parts[-1])
    layers = model.network_.layers
    if layer >= len(layers):
        raise ValueError(f"unit {text!r}: the network has layers 0 to {len(layers) - 1}, but none of index {layer}")
    n_units = model.network_.shapes[layer + 1][-1]
    if index >= n_units:
        raise ValueError(f"unit {text!r}: layer {layer}, {layers[layer]!r}, has units 0 to {n_units - 1}, not {index}")
    return Unit(text, model, index, layer + 1, tagger.inputs)


def network_of(tagger: Tagger, genre: str) -> nn.NetworkClassifier:
    """Return the network for a genre; if there are several, the first.

    Raises
    ------
    ValueError
        If there is no such genre, or no network for it.
    """
    column = _column(tagger, genre)
    members = getattr(tagger.model, "members_", None)
    if members is None:
        return tagger.model
    if not members[column]:
        raise ValueError(f"genre {genre}: the model has a constant for it and no network")
    return members[column][0]


def most_used(tagger: Tagger, genre: str, tiles: np.ndarray) -> Unit | None:
    """Return the unit of the last hidden layer that moves a genre's output most: weight times deviation over tiles.

    The weight for the genre counts relative to the mean of all genres, so that what drives the unit speaks for the
    genre. None for a network that doesn't end in a dense layer on units.
    """
    model, column = network_of(tagger, genre), _column(tagger, genre)
    last = max(int(name.partition(".")[0]) for name in model.params_)
    weight = model.params_.get(f"{last}.weight")
    if (
        weight is None
        or (weight.shape[0],) != model.network_.shapes[last]
        or not isinstance(model.network_.layers[last], nn.Dense)
    ):
        return None
    own = weight[:, 0] if weight.shape[1] == 1 else weight[:, column] - weight.mean(axis=1)
    index = int(np.argmax(own * model.hidden(INPUTS[tagger.inputs](tiles), last).std(axis=0)))
    place = f"{last - 1}:{index}"
    return find_unit(tagger, place if model is tagger.model else f"{genre}:{place}")


def baseline(tagger: Tagger, tiles: np.ndarray) -> np.ndarray:
    """Return tiles that say nothing about genres, of the tiles' shape: evidence is measured against them.

    For inputs without the mean (`Input.without_mean`) it is a tile that stays at its own mean. For other models it is
    the tile that their networks scale to zeros, which is the mean of the training tiles; of several networks, the mean.
    """
    if INPUTS[tagger.inputs].without_mean:
        return np.broadcast_to(tiles.mean(axis=2, keepdims=True), tiles.shape)
    members = getattr(tagger.model, "members_", None)
    networks = [tagger.model] if members is None else [member for of_genre in members for member in of_genre]
    mean = np.mean([network.baseline_ for network in networks], axis=0)[np.newaxis]
    # The gradient's way leads back to coefficients, since the rows of the cosines of log_mel are orthonormal.
    mean = INPUTS[tagger.inputs].gradient(np.empty((1, *tiles.shape[1:])), mean)
    return np.broadcast_to(mean.astype(tiles.dtype), tiles.shape)


def _column(tagger: Tagger, genre: str) -> int:
    lower = [name.lower() for name in tagger.class_names]
    if genre.lower() not in lower:
        raise ValueError(f"genre {genre!r}: the model has {', '.join(tagger.class_names)}")
    return lower.index(genre.lower())
