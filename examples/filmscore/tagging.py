"""From a recording to genres, with the decoding, loudness, recipe and inputs that the model was trained with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mfcc
import nnlite as nn
from filmscore.features import Features
from filmscore.files import open_plain
from filmscore.inputs import INPUTS
from filmscore.recording import LONGEST_S, Settings, read_recording
from mfcc.sound.errors import printable

MOST_NUMBERS, MOST_OVERLAP = 1 << 22, 64
"""Most numbers of a tile, and most windows that hold the same moment: a model's file may ask for any."""


def tag(model: Any, tiles: mfcc.Tiles) -> np.ndarray:
    """Return the value of each genre for a recording: the mean over its windows.

    Raises
    ------
    ValueError
        When the model's file names another recipe than that of the tiles; the message lists the knobs that differ.
    """
    about = getattr(model, "metadata_", {})
    if "recipe" in about:
        mfcc.MFCC.from_dict(about["recipe"]).check_same(tiles.recipe, "tag")
    return model.predict_proba(tiles.values).mean(axis=0)


def about_model(features: Features, inputs: str = "mfcc") -> dict[str, Any]:
    """Return the metadata that `nnlite.save` must store with a model for `Tagger.load`."""
    return {
        "recipe": features.recipe.to_dict(),
        "class_names": list(features.class_names),
        "options": features.description["options"],
        "inputs": inputs,
    }


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError unless each genre has a name of its own that can be shown."""
    if not names or len({name.casefold() for name in names}) != len(names):
        raise ValueError(f"expected genres of different names, got {', '.join(names)!r}"[:200])
    for name in names:
        if not 0 < len(name) <= 100 or printable(name) != name or name != name.strip():
            raise ValueError(f"expected a short name of a genre, got {name!r}"[:200])


def _check_tiles(settings: Settings, inputs: str, model: Any) -> None:
    """Raise ValueError unless the model sees the tiles that its settings make, of a size that memory holds."""
    tile = (settings.recipe.n_coefficients, settings.n_frames, 1)
    if tile[0] * tile[1] > MOST_NUMBERS or settings.n_frames > MOST_OVERLAP * settings.hop_frames:
        raise ValueError(f"tiles of {tile[0]} x {tile[1]} numbers, one every {settings.hop_frames} frames")
    expected = INPUTS[inputs](np.zeros((1, *tile), np.float32)).shape[1:]
    rows = [[model]] if isinstance(model, nn.NetworkClassifier) else model.members_
    for shape in {member.network_.input_shape for row in rows for member in row}:
        if shape != expected:
            raise ValueError(f"a network for inputs of shape {shape}, where tiles become {expected}")


@dataclass(frozen=True)
class Tagger:
    """A trained model with all that is needed to tag recordings.

    Attributes
    ----------
    model : BaggedEnsemble or NetworkClassifier
    class_names : tuple of str
        Genres in the order of the model's outputs.
    settings : Settings
        Settings that turn recordings into tiles.
    inputs : str
        Name of the model's input in `filmscore.inputs.INPUTS`.
    """

    model: Any
    class_names: tuple[str, ...]
    settings: Settings
    inputs: str

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tagger:
        """Read a model with the metadata of `about_model`.

        Raises
        ------
        nnlite.FileFormatError
            When the file is no model, or was not saved for tagging.
        OSError
            When it can't be read, or is no plain file.
        """
        open_plain(path).close()
        model = nn.load(path)
        try:
            about = model.metadata_
            settings = Settings(mfcc.MFCC.from_dict(about["recipe"]), **about["options"])
            names, inputs = tuple(map(str, about["class_names"])), about["inputs"]
            check_names(names)
            if inputs not in INPUTS or len(names) != len(model.classes_):
                raise ValueError(f"{len(names)} names for {len(model.classes_)} classes, inputs {inputs!r}")
            _check_tiles(settings, inputs, model)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise nn.FileFormatError(
                f"{os.fspath(path)}: expected a model with recipe, class names, options and inputs, got {error!r}. "
                "Save it with filmscore.tagging.about_model."
            ) from error
        return cls(model, names, settings, inputs)

    def tiles(self, path: str | os.PathLike[str], longest_s: float = LONGEST_S) -> mfcc.Tiles:
        """Return the tiles of a recording that are not silent; raises as `filmscore.recording.read_recording` does."""
        return read_recording(path, self.settings, longest_s=longest_s).tiles

    def values(self, tiles: mfcc.Tiles | np.ndarray) -> np.ndarray:
        """Return values of the genres for tiles of shape (n, coefficients, frames, 1): shape (n, n_classes).

        Raises
        ------
        ValueError
            For `mfcc.Tiles` of another recipe than the model's; the message lists the knobs. An array is not checked.
        """
        return self.model.predict_proba(self._inputs("Tagger.values", tiles))

    def log_odds(self, tiles: mfcc.Tiles | np.ndarray) -> np.ndarray:
        """Return log-odds of the genres for tiles, see `nnlite.NetworkClassifier.log_odds`: shape (n, n_classes).

        Raises
        ------
        ValueError
            As raised by `values`.
        """
        return self.model.log_odds(self._inputs("Tagger.log_odds", tiles))

    def embedding(self, tiles: mfcc.Tiles | np.ndarray) -> np.ndarray:
        """Return the last hidden layer (of all networks), shape (n, n_numbers): similar for similar windows.

        Raises
        ------
        ValueError
            As raised by `values`.
        """
        return self.model.hidden(self._inputs("Tagger.embedding", tiles)).reshape(len(tiles), -1)

    def _inputs(self, who: str, tiles: mfcc.Tiles | np.ndarray) -> np.ndarray:
        if isinstance(tiles, mfcc.Tiles):
            self.settings.recipe.check_same(tiles.recipe, who)
            tiles = tiles.values
        return INPUTS[self.inputs](tiles)
