"""Training: epochs over shuffled batches, and the step that each batch takes."""

from nnlite.training.batches import Transform
from nnlite.training.loop import Epoch, train
from nnlite.training.step import TrainingDiverged, train_step

__all__ = ["Epoch", "TrainingDiverged", "Transform", "train", "train_step"]
