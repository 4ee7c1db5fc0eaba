"""The network of "Environmental sound classification with convolutional neural networks" (K. Piczak, MLSP 2015).

Segments of log-mel bands and their deltas, two convolutions, two dense layers of 5,000 units; a clip's class is voted
by its segments. The settings are those of the author's code, which differs from the paper: both lengths of segment
overlap by half. Three things are ours. Copies of clips are only delayed at random; his are also stretched, and shifted
in pitch, by limits set by hand for each class. All four other folds are trained on; he leaves one aside to look at. And
there are fewer epochs of smaller batches (`EPOCHS`, `BATCH`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import mfcc
import nnlite as nn

SR = 22050
HOP = 512
RECIPE = mfcc.LIBROSA.replace(sr=SR, n_fft=1024, win_length=1024, hop_length=HOP, n_mels=60, output="log_mel")
SILENT = -70.0
"""Segments of a lower mean level in dB are left out."""

FRAMES = {"short": 41, "long": 101}
LEARNING_RATE = {"short": 0.002, "long": 0.01}
VOTES = ("majority", "probability")
PUBLISHED = {  # of the author's confusion matrices, mean of the five folds
    ("short", "majority"): 78.0,
    ("short", "probability"): 78.5,
    ("long", "majority"): 79.8,
    ("long", "probability"): 80.3,
}
N_DELAYED = 2
"""Delayed copies of each clip; published are 10."""

BATCH = 100
"""Published are 1,000."""

EPOCHS = {"short": 8, "long": 8}
"""Published are 300 and 150 epochs."""


SETTINGS = f"{RECIPE} {N_DELAYED} {BATCH} {EPOCHS} {LEARNING_RATE} {SILENT}"


class Uniform:
    """An initializer: uniform in [-limit, limit)."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def __call__(self, shape: Sequence[int], rng: np.random.Generator, dtype: type) -> np.ndarray:
        return rng.uniform(-self.limit, self.limit, shape).astype(dtype)


def network(length: str, n_classes: int = 10) -> nn.Sequential:
    """Return the network for "short" or "long" segments."""
    return nn.Sequential(
        [
            nn.Conv2D(80, (57, 6), initializer=Uniform(0.001)),
            nn.ReLU(),
            nn.MaxPool2D((4, 3), stride=(1, 3)),
            nn.Dropout(0.5),
            nn.Conv2D(80, (1, 3), initializer=Uniform(0.1)),
            nn.ReLU(),
            nn.MaxPool2D((1, 3)),
            nn.Flatten(),
            nn.Dense(5000, initializer=nn.LeCun()),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Dense(5000, initializer=nn.LeCun()),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Dense(n_classes),
        ],
        input_shape=(60, FRAMES[length], 2),
    )


def segments(y: np.ndarray, length: str) -> np.ndarray:
    """Cut a clip into segments that overlap by half, shape (n, 60, frames), in dB; silent ones are left out."""
    window = HOP * (FRAMES[length] - 1)
    peak = np.abs(y).max()
    starts = range(0, len(y) - window + 1, window // 2)
    bands = [RECIPE(y[start : start + window] / max(peak, 1e-9)) for start in starts]
    return np.array([part for part in bands if part.mean() > SILENT], np.float32).reshape(-1, 60, FRAMES[length])


def with_deltas(bands: np.ndarray) -> np.ndarray:
    """Put the deltas over nine frames beside the bands as a second channel, shape (n, 60, frames, 2)."""
    deltas = np.array([mfcc.deltas(part) for part in bands], np.float32).reshape(bands.shape)
    return np.stack([bands, deltas], axis=-1)


def predict(
    samples: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, length: str, seed: int
) -> dict[str, np.ndarray]:
    """Train on clips and return, for each way to vote, a row of votes for each test clip.

    Parameters
    ----------
    samples : ndarray (n_clips, n_samples)
    labels : ndarray (n_clips,)
    train, test : ndarray of bool (n_clips,)
    length : "short" or "long"
    seed : int
    """
    rng = np.random.default_rng(seed)
    bands, targets = [], []
    for y, label in zip(samples[train], labels[train], strict=True):
        for copy in range(1 + N_DELAYED):
            delay = int(rng.integers(SR)) if copy else 0
            parts = segments(np.concatenate([np.zeros(delay, y.dtype), y]), length)
            bands.append(parts)
            targets.append(np.full(len(parts), label))
    known = np.concatenate(bands)
    mean, scale = known.mean(), known.std()
    model = nn.NetworkClassifier(
        network(length),
        optimizer=nn.SGD(LEARNING_RATE[length], momentum=0.9, nesterov=True, weight_decay=0.002),
        batch_size=BATCH,
        max_epochs=EPOCHS[length],
        validation_fraction=0,
        random_state=seed,
    )
    model.fit(with_deltas((known - mean) / scale), np.concatenate(targets))
    votes: dict[str, list[np.ndarray]] = {name: [] for name in VOTES}
    for y in samples[test]:
        parts = segments(y, length)
        if not len(parts):  # silence
            for rows in votes.values():
                rows.append(np.full(len(model.classes_), 1 / len(model.classes_)))
            continue
        shares = model.predict_proba(with_deltas((parts - mean) / scale))
        counted = np.eye(shares.shape[1])[shares.argmax(axis=1)].mean(axis=0)
        votes["majority"].append(counted + 1e-6 * shares.mean(axis=0))  # the shares decide between equal counts
        votes["probability"].append(shares.mean(axis=0))
    return {name: np.array(rows) for name, rows in votes.items()}
