"""What the study compares: each model is a line of settings, the ladder one change after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

MEAN_DEVIATION = "mean and deviation"


@dataclass(frozen=True)
class Model:
    """A way to get values of genres for windows.

    Attributes
    ----------
    title : str
        As it stands in tables; not a part of `settings`.
    kind : {"prior", "logistic", "mlp", "cnn", "ensemble"}
        "logistic" sees mean and deviation of each coefficient; "ensemble" has a binary network for each genre.
    torch : bool
        Whether PyTorch trains the network, see `filmscore.torch_twin`.
    bands_hz : float
        Upper edge of the mel bands.
    inputs : {"mfcc", "log_mel"}
        Coefficients, or the logarithms of the mel bands that they stand for (without each frame's mean, as the first
        coefficient is dropped).
    outputs : {"softmax", "sigmoid"}
        One probability that a sample's tags share, or a decision for each genre.
    activation : {"sigmoid", "tanh", "relu"}
    scaling : {None, "coefficient", "track"}
        Mean 0 and deviation 1 of each coefficient over the training part, or over each track by itself first.
    init : {"layers", "lsuv"}
    rest : float
        What dropped units say, see `nnlite.Dropout`.
    learning_rate, momentum : float
    batch_size : int
    epochs : int
        At most; the best on the validation fold counts.
    augment : str
        Parts out of "roll", "equalizer" and "mask", joined by +; see `filmscore.augmentation`.
    label_smoothing : float
    by_game : bool
        Whether games count the same in the loss, instead of windows.
    bags : int
        Networks for each genre ("ensemble"), or networks whose values are averaged (the others).
    prior : {"balanced", "training"}
        What an ensemble takes for how common a genre is, see `nnlite.BaggedEnsemble`.
    average : {"arithmetic", "logit"}
        How the values of a track's windows, and of bags, are averaged.
    """

    title: str
    kind: str = "cnn"
    torch: bool = False
    bands_hz: float = 11025.0
    inputs: str = "mfcc"
    outputs: str = "softmax"
    activation: str = "sigmoid"
    scaling: str | None = "coefficient"
    init: str = "lsuv"
    rest: float = 0.5
    learning_rate: float = 0.01
    momentum: float = 0.9
    batch_size: int = 128
    epochs: int = 12
    augment: str = ""
    label_smoothing: float = 0.0
    by_game: bool = False
    bags: int = 1
    prior: str = "balanced"
    average: str = "arithmetic"

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides about the values; a candidate of the search that runs the study."""
        return {name: value for name, value in vars(self).items() if name != "title"}


MODELS = {
    "prior": Model("prior", "prior"),
    "logistic": Model("logistic regression", "logistic", learning_rate=0.05, epochs=40),
    "mlp": Model("fully connected", "mlp"),
    "cnn": Model("convolutional"),
    "ensemble": Model("ensemble", "ensemble"),
}
"""The models of the published study between its baselines and ours."""

BASE = MODELS["cnn"]

LADDER = {
    "as published": replace(BASE, init="layers", scaling=None, rest=0.0, momentum=0.0),
    "learning at all": BASE,
    "tanh": replace(BASE, activation="tanh", init="layers", rest=0.0),
    "a decision for each genre": replace(BASE, outputs="sigmoid"),
    "log-mel bands": replace(BASE, inputs="log_mel"),
    "bands to 9.5 kHz": replace(BASE, bands_hz=9500.0),
    "normalised by track": replace(BASE, scaling="track"),
    "roll and equalizer": replace(BASE, augment="roll+equalizer"),
    "roll, equalizer and mask": replace(BASE, augment="roll+equalizer+mask"),
    "label smoothing 0.1": replace(BASE, label_smoothing=0.1),
    "games weigh the same": replace(BASE, by_game=True),
    "mean of three networks": replace(BASE, bags=3),
}
"""One change after another, each against "learning at all"; tables show the keys."""

BEST = replace(BASE, bags=3)
TORCH = replace(BASE, torch=True)
