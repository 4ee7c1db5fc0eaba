"""The baselines of "ESC: Dataset for environmental sound classification" (K. Piczak, ACM Multimedia 2015).

Mean and deviation of twelve coefficients and of the zero-crossing rate, at 44,100 Hz with librosa's defaults, for
k nearest neighbours, a linear support vector machine and a random forest. The paper gives no more settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mfcc

SR = 44100
RECIPE = mfcc.LIBROSA.replace(sr=SR, n_mfcc=13)
SETTINGS = str(RECIPE)
PUBLISHED = {"k-NN": 66.7, "SVM": 67.5, "random forest": 72.7}


def classifiers(seed: int) -> dict[str, Callable[[], Any]]:
    """Return a maker of each of the three classifiers; scikit-learn has them."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    return {
        "k-NN": KNeighborsClassifier,
        "SVM": lambda: SVC(kernel="linear"),
        "random forest": lambda: RandomForestClassifier(n_estimators=500, random_state=seed),
    }


def summaries(samples: np.ndarray) -> np.ndarray:
    """Return mean and deviation over the frames of each clip, shape (n_clips, 26)."""
    return np.array([_summary(y) for y in samples])


def _summary(y: np.ndarray) -> np.ndarray:
    coefficients = RECIPE(y)[1:]
    rate = mfcc.zero_crossing_rate(y)
    return np.concatenate([coefficients.mean(axis=1), coefficients.std(axis=1), [rate.mean(), rate.std()]])


def predict(name: str, X: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """Fit a classifier on standardized summaries and return its labels of the test clips as rows of 0 and 1."""
    mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
    model = classifiers(seed)[name]().fit((X[train] - mean) / scale, labels[train])
    return np.eye(labels.max() + 1)[model.predict((X[test] - mean) / scale)]
