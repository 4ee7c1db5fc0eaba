"""Teach two small networks the spoken digits, one that looks for shapes and one that reads frame by frame, and judge
both on takes and on voices that they have never heard.

Needs the Free Spoken Digit Dataset: git clone https://github.com/Jakobovski/free-spoken-digit-dataset
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import mfcc
import nnlite as nn

RECIPE = mfcc.KALDI.replace(sr=8000)
N_FRAMES = 64
BRING = "Run: git clone https://github.com/Jakobovski/free-spoken-digit-dataset"


def load_digits(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return features (n, 13, 64), digits, voices and takes of all recordings in a checkout."""
    paths = sorted(folder.glob("recordings/*_*_*.wav"))
    if not paths:
        raise FileNotFoundError(f"expected DIGIT_VOICE_TAKE.wav in {folder / 'recordings'}, found none. {BRING}")
    names = [path.stem.split("_") for path in paths]
    X = np.zeros((len(paths), RECIPE.n_mfcc, N_FRAMES), np.float32)
    for row, path in zip(X, paths, strict=True):
        values = mfcc.normalize(mfcc.features(path, RECIPE))[:, :N_FRAMES]
        row[:, : values.shape[1]] = values
    digits, voices, takes = (np.array(column) for column in zip(*names, strict=True))
    return X, digits.astype(int), voices, takes.astype(int)


NETWORKS = {
    "convolutional": nn.Sequential(
        [nn.Reshape((13, N_FRAMES, 1)), nn.Conv2D(16, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Conv2D(32, 3), nn.ReLU()]
        + [nn.MaxPool2D(2), nn.Flatten(), nn.Dropout(0.5), nn.Dense(10)],
        input_shape=(13, N_FRAMES),
    ),
    "recurrent": nn.Sequential(
        [nn.Permute((1, 0)), nn.GRU(48), nn.Dropout(0.3), nn.Dense(10)], input_shape=(13, N_FRAMES)
    ),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="checkout of the data set")
    parser.add_argument("--epochs", type=int, default=15, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        X, digits, voices, takes = load_digits(options.data)
    except (OSError, mfcc.AudioError) as error:
        print(f"spoken_digits: {error}", file=sys.stderr)
        return 2
    new = takes < 5  # the set's authors keep the first five takes of each voice and digit for the test
    strange = voices == np.unique(voices)[-1]
    for name, network in NETWORKS.items():
        scores = []
        for test in (new, strange):
            model = nn.NetworkClassifier(
                network, optimizer=nn.Adam(0.002), batch_size=64, max_epochs=options.epochs, random_state=0
            )
            scores.append(model.fit(X[~test], digits[~test]).score(X[test], digits[test]))
        print(f"{name}: {scores[0]:.3f} right of new takes, {scores[1]:.3f} of the voice {voices[strange][0]}")
    print("one in ten is right by chance")
    return 0


if __name__ == "__main__":
    sys.exit(main())
