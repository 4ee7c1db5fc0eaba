"""Work that the tests of ensembles send to other processes: at the top level of a module that is quick to import."""

import os
import signal
from pathlib import Path

from nnlite import NetworkClassifier
from nnlite.training import TrainingDiverged


class Seeing(NetworkClassifier):
    """An augmentation that remembers the samples that it was given."""

    def fit(self, X, y, sample_weight=None, validation_data=None):
        self.seen = (X[:], y, sample_weight, validation_data)
        return super().fit(X, y, sample_weight, validation_data)


class Diverging(NetworkClassifier):
    """An augmentation that makes the training diverge if its seed is even."""

    def fit(self, *data):
        if self.random_state % 2 == 0:
            raise TrainingDiverged("train: the loss became nan")
        return super().fit(*data)


class DeadlyOnce:
    """An augmentation that kills its process in some call, unless the folder has a file that says it was done."""

    def __init__(self, folder, call=25):
        self.folder, self.left = folder, call

    def __repr__(self):
        return "DeadlyOnce()"

    def __call__(self, x, rng):
        self.left -= 1
        if self.left == 0 and not (marker := Path(self.folder) / "dead").exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x
