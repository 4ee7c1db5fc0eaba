"""The models that the study compares: each is a line of settings, and the ladder makes one change after another."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

FEATURES = {
    "11025.0": ("--fmax", "11025.0"),
    "9500.0": ("--fmax", "9500.0"),
    "log_mel": ("--set", "output=log_mel", "--set", "n_mels=64"),
    "log_spectrum": (
        *("--set", "output=log_spectrum", "--set", "sr=5512.5", "--set", "n_fft=256", "--set", "hop_length=512"),
    ),
    "movement": (
        *("--set", "output=log_mel", "--set", "n_mels=64", "--set", "hop_length=512", "--frames", "400"),
        *("--set", "fmin=30", "--set", "fmax=9500", "--set", "mel_formula=slaney", "--set", "filter_norm=slaney"),
        *("--set", "log_floor=1e-6", "--dtype", "int16"),
    ),
}
"""What `build_features.py` is asked for: MFCCs of mel bands up to so many Hz, 64 log-mel bands up to 11,025 Hz, or
spectra of 129 bins of 21.5 Hz up to 2,756 Hz, 46 ms of every 93. All have the same windows of 100 frames, 9.3 s; for
"movement" these are cut into 400 frames that overlap, so that movement up to 9.6 Hz can be seen.

The spectra keep pitch (the fundamental tones of nearly all instruments lie in their range) in as many rows as three
MFCC tiles have; to keep the brilliance above as well would take four times as many, and as much more work.
"""

ADDED = ("recipe", "first_pool")
"""Settings that are newer than some journals. `Model.settings` leaves them out while they have their default, so that
the trainings in these journals still count as done."""


@dataclass(frozen=True)
class Model:
    """A way to get values of genres for windows.

    Attributes
    ----------
    title : str
        Name in tables; not a part of `settings`.
    kind : {"prior", "logistic", "mlp", "cnn", "gru", "crnn", "track"}
        "logistic" sees mean and deviation of each coefficient, or all of its modulation; "gru" is recurrent over the
        frames of a window, "crnn" over what two convolutions leave of them, "track" over the windows of a track, in
        which it sees the last hidden layer of the fold's `BASE`.
    binary : bool
        Whether each genre has networks of its own, trained on its positives and as many negatives.
    torch : bool
        Whether PyTorch trains the network, see `filmscore.torch_twin`.
    recipe : {"mfcc", "log_mel", "log_spectrum", "movement"}
        What tiles are made of, see `FEATURES`.
    bands_hz : float
        Upper edge of the mel bands of MFCCs.
    inputs : {"mfcc", "log_mel", "centred", "modulation", "movement", "frames"}
        What is made of the tiles, see `filmscore.inputs`; "mfcc" takes them as they are.
    outputs : {"softmax", "sigmoid"}
        One probability that a sample's tags share, or a decision for each genre.
    hidden : tuple of int
        Units of the hidden layers of "mlp", of the recurrent layer of "gru", "crnn" and "track".
    first_pool : int
        Rows that the first pooling of "cnn" and "crnn" makes one of.
    activation : {"sigmoid", "tanh", "relu"}
    scaling : {None, "coefficient", "track"}
        Mean 0 and deviation 1 of each coefficient over the training part, or over each track by itself first.
    init : {"layers", "lsuv"}
    rest : float
        Value of dropped units, see `nnlite.Dropout`.
    learning_rate, momentum, weight_decay : float
    batch_size : int
    epochs : int
        At most; the best on the validation fold counts.
    refit : bool
        Train on the validation fold as well and keep the last epoch; thresholds are those of a first training without.
    augment : str
        Parts out of "roll", "equalizer" and "mask", joined by +; see `filmscore.augmentation`.
    label_smoothing : float
    by_game : bool
        Whether games count the same in the loss, instead of windows.
    bags : int
        Networks for each genre (`binary`), or networks that are averaged (the others).
    prior : {"balanced", "training"}
        Prior of binary networks: how common a genre is taken to be, see `nnlite.BaggedEnsemble`.
    average : {"arithmetic", "logit"}
        Mean over the values of a track's windows, and of bags.
    """

    title: str
    kind: str = "cnn"
    binary: bool = False
    torch: bool = False
    recipe: str = "mfcc"
    bands_hz: float = 11025.0
    inputs: str = "mfcc"
    outputs: str = "softmax"
    hidden: tuple[int, ...] = (200, 50)
    first_pool: int = 2
    activation: str = "sigmoid"
    scaling: str | None = "coefficient"
    init: str = "lsuv"
    rest: float = 0.5
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int = 128
    epochs: int = 12
    refit: bool = False
    augment: str = ""
    label_smoothing: float = 0.0
    by_game: bool = False
    bags: int = 1
    prior: str = "balanced"
    average: str = "arithmetic"

    @property
    def settings(self) -> dict[str, Any]:
        """All settings on which the values depend; `run_tasks` gets them as a task."""
        defaults = {field.name: field.default for field in fields(self)}
        left_out = {"title"} | {name for name in ADDED if getattr(self, name) == defaults[name]}
        return {name: value for name, value in vars(self).items() if name not in left_out} | {
            "hidden": list(self.hidden)
        }

    @property
    def features(self) -> str:
        """The key in `FEATURES` of the features that it sees."""
        return str(self.bands_hz) if self.recipe == "mfcc" else self.recipe


MODELS = {
    "prior": Model("prior", "prior"),
    "logistic": Model("logistic regression", "logistic", learning_rate=0.05, epochs=40),
    "mlp": Model("fully connected", "mlp"),
    "cnn": Model("convolutional"),
    "ensemble": Model("ensemble", binary=True),
}
"""The models of the published study between its baselines and ours."""

BASE = MODELS["cnn"]

_MODULATION = replace(MODELS["logistic"], inputs="modulation", outputs="sigmoid")
_NARROW = replace(_MODULATION, bands_hz=9500.0)
_RIDGE = replace(_NARROW, weight_decay=0.5, learning_rate=0.02, epochs=15, refit=True)
_HIDDEN = replace(
    _RIDGE,
    kind="mlp",
    hidden=(50,),
    activation="tanh",
    init="layers",
    rest=0.0,
    weight_decay=0.1,
    learning_rate=0.01,
    epochs=20,
)
MODULATION = replace(_HIDDEN, binary=True, prior="training", title="binary networks on modulation")
"""The project's tagger: within a hundredth of the best, with hidden units that show which windows are similar."""

MOVEMENT = replace(
    MODULATION,
    recipe="movement",
    inputs="movement",
    weight_decay=0.3,
    learning_rate=0.005,
    title="binary networks on movement",
)
"""Chosen on half of the films, where it is better than `MODULATION`; on the other half it is not, see RESULTS.md."""

MOVEMENT_OF_FILMS = replace(
    MOVEMENT,
    activation="relu",
    weight_decay=0.5,
    by_game=True,
    bags=5,
    average="logit",
    title="binary networks on movement, five a genre",
)
"""The same where films train: a rare genre of few films has few negatives in one network, and more in five."""

LINEAR = replace(_RIDGE, inputs="mfcc", title="logistic regression on mean and deviation")
"""The model that the others are compared with on films."""

LONG = replace(BASE, batch_size=32, epochs=24, title="convolutional, eight times the steps")

PUBLISHED_EPOCHS = 655
LASTING = {
    epochs: replace(BASE, epochs=epochs, title=f"{epochs} epochs") for epochs in (BASE.epochs, 24, PUBLISHED_EPOCHS)
}
"""The convolutional network trained for as long as the study does, twice as long, and for as long as was published; the
learning rate decays linearly to nothing over each of them."""

TRIED = {
    "tanh units": replace(BASE, activation="tanh", init="layers", rest=0.0),
    "a decision for each genre": replace(BASE, outputs="sigmoid"),
    "log-mel bands": replace(BASE, inputs="log_mel"),
    "mel bands to 9.5 kHz": replace(BASE, bands_hz=9500.0),
    "mean of each tile removed": replace(BASE, inputs="centred"),
    "normalised by track": replace(BASE, scaling="track"),
    "augmented: roll and equalizer": replace(BASE, augment="roll+equalizer"),
    "games weigh the same": replace(BASE, by_game=True),
}
"""Single changes of the convolutional network, on the choosing folds."""

LADDER = {
    "convolutional, as published": replace(BASE, init="layers", scaling=None, rest=0.0, momentum=0.0),
    BASE.title: BASE,
    "the same, eight times the steps": LONG,
    "ten binary convolutional networks": MODELS["ensemble"],
    "logistic regression on mean and deviation": MODELS["logistic"],
    "logistic regression on modulation": _MODULATION,
    "mel bands to 9.5 kHz": _NARROW,
    "ridge, no early stopping, refit": _RIDGE,
    "(the same on mean and deviation)": replace(_RIDGE, inputs="mfcc"),
    "50 hidden units": _HIDDEN,
    "ten binary networks": MODULATION,
}
"""The steps from the published recipe to the tagger; from the modulation on each line keeps the changes above it."""

TORCH = replace(BASE, torch=True)

_GRU = replace(BASE, kind="gru", inputs="frames", hidden=(64,), learning_rate=0.05, title="recurrent over frames")
_CRNN = replace(BASE, kind="crnn", hidden=(64,), title="convolutional, then recurrent")
_TRACK = replace(
    BASE,
    kind="track",
    hidden=(32,),
    scaling=None,
    init="layers",
    batch_size=16,
    epochs=30,
    title="recurrent over the windows of a track",
)

OVER_TIME = {
    "cnn": BASE,
    "gru": _GRU,
    "crnn": _CRNN,
    "track": _TRACK,
    "log_mel": replace(BASE, recipe="log_mel", title="convolutional, on 64 log-mel bands"),
    "log_spectrum": replace(BASE, recipe="log_spectrum", first_pool=4, title="convolutional, on spectra"),
}
"""The future work of the published study: networks over time, and inputs that lose less. The first model is the one
that the others are compared with."""
