"""The loop over epochs: train, look at held-out samples, remember, stop."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.held_out import HeldOut
from nnlite.interrupts import interrupts_held_back
from nnlite.predictor import Predictor
from nnlite.progress import EpochLog
from nnlite.resume import FitCheckpoint, Progress, checksum, described, described_samples
from nnlite.rows import Rows
from nnlite.training import Epoch, TrainingDiverged, train

DESCRIBED = ("schedule", "init", "batch_size", "max_epochs", "patience", "monitor", "standardize_axes", "augment")


@dataclass(frozen=True)
class Fit:
    """What stays the same during a fit.

    Attributes
    ----------
    model : NetworkClassifier
        Whose settings are looked up.
    predictor : Predictor
    optimizer : Optimizer
    seed : int
    X : array_like (n_samples, ...)
    labels : ndarray
        Encoded.
    weights : ndarray (n_samples,)
    rows : ndarray of int
        Samples that are trained on.
    held_out : HeldOut or None
    """

    model: Any
    predictor: Predictor
    optimizer: Any
    seed: int
    X: Any
    labels: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    held_out: HeldOut | None

    def run(self, progress: Progress, checkpoint: FitCheckpoint | None) -> None:
        """Go on from `progress` until patience, the last epoch or Ctrl-C ends it; write checkpoints on the way.

        Parameters
        ----------
        progress : Progress
            Changed in place; that of the checkpoint takes its place if there is one.
        checkpoint : FitCheckpoint or None

        Raises
        ------
        TrainingDiverged
            When a loss or a parameter is not finite; what was best until then stays.
        """
        fingerprint = {} if checkpoint is None else self.fingerprint(progress)
        if checkpoint is not None:
            checkpoint.restore(progress, fingerprint)
        model, first = self.model, len(progress.history)
        log = EpochLog(
            model.max_epochs, None if self.held_out is None else self.held_out.score_name, bool(model.verbose)
        )
        with log:
            if checkpoint is not None and first:
                log.message(f"going on after epoch {first} of {checkpoint.path}")
            try:
                for epoch in (
                    () if progress.stopped_by else self.epochs(progress, model.max_epochs, model.schedule, log)
                ):
                    row, watched = self.look(epoch, progress)
                    with interrupts_held_back():
                        progress.stopped_by = self.remember(row, watched, progress)
                        log.epoch(row, len(self.rows) / epoch.seconds, progress.stopping.best_epoch == epoch.number)
                        due = progress.stopped_by or (epoch.number + 1) % model.checkpoint_every == 0
                        if checkpoint is not None and due:
                            checkpoint.save(progress, self.seed, fingerprint)
                    if progress.stopped_by:
                        break
            except KeyboardInterrupt:
                progress.stopped_by = progress.stopped_by or "interrupt"
                log.message("interrupted: going on with the best parameters so far")

    def epochs(self, progress: Progress, max_epochs: int, schedule: Any, log: EpochLog | None = None) -> Any:
        """Epochs of :func:`nnlite.training.train`, from the one after those in the history."""
        first = len(progress.history)
        return train(
            self.predictor.logits_network,
            progress.params,
            Rows(self.X, self.rows),
            self.predictor.targets(self.labels[self.rows]),
            loss=self.predictor.loss,
            optimizer=self.optimizer,
            optimizer_state=progress.optimizer_state,
            schedule=schedule,
            first_epoch=first,
            max_epochs=int(max_epochs),
            batch_size=int(self.model.batch_size),
            seed=self.seed,
            sample_weight=self.weights[self.rows],
            transform=self._read,
            n_threads=self.model.n_threads,
            on_step=None if log is None else lambda done, steps: log.step(done, steps, first, len(progress.history)),
        )

    def look(self, epoch: Epoch, progress: Progress) -> tuple[dict[str, Any], float]:
        """Row of the history for an epoch, and what early stopping watches."""
        for name, value in progress.params.items():
            if not np.isfinite(value).all():
                raise TrainingDiverged(
                    f"train: {name} was no longer finite after epoch {epoch.number}, step {epoch.n_steps - 1}. Lower "
                    "the learning rate, scale the inputs to unit variance, or clip the gradient's norm."
                )
        row = {
            "epoch": epoch.number,
            "loss": epoch.loss,
            "learning_rate": epoch.learning_rate,
            "seconds": epoch.seconds,
        }
        if self.held_out is None:
            return row, np.nan
        held_out = self.held_out.evaluate(self.predictor, progress.params, self.model.monitor, self.model.n_threads)
        row["val_loss"], row["val_score"], watched = held_out
        return row, watched

    def remember(self, row: dict[str, Any], watched: float, progress: Progress) -> str | None:
        """Add an epoch to `progress`; say why it was the last, if it was."""
        progress.history.append(row)
        if self.held_out is not None and progress.stopping.update(watched, progress.params, row["epoch"]):
            return "patience"
        return "max_epochs" if row["epoch"] + 1 == self.model.max_epochs else None

    def fingerprint(self, progress: Progress) -> dict[str, Any]:
        """All that decides about the bits of a fit, in words and checksums."""
        return {name: described(getattr(self.model, name)) for name in DESCRIBED} | {
            "network": described(self.predictor.network),
            "loss": described(self.predictor.loss),
            "optimizer": described(self.optimizer),
            "random_state": self.seed,
            "classes": described(self.predictor.coding.classes.tolist()),
            "X": described_samples(self.X),
            "y": checksum(self.labels),
            "sample_weight and class_weight": checksum(self.weights),
            **self._described_validation(),
            "initial parameters": self._start(progress),
        }

    def _described_validation(self) -> dict[str, Any]:
        held_out = self.held_out
        if held_out is None or held_out.labels is self.labels:
            return {"validation_fraction": described(self.model.validation_fraction), "validation_data": None}
        weights = "" if (held_out.weights == 1).all() else f" weights {checksum(held_out.weights)}"
        return {"validation_data": f"{described_samples(held_out.X)} {checksum(held_out.labels)}{weights}"}

    def _start(self, progress: Progress) -> list[str] | None:
        """Of a warm start, since fresh parameters follow from the rest."""
        return [checksum(value) for value in progress.params.values()] if self.model.warm_start else None

    def _read(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        x = self.predictor.read(x)
        return x if self.model.augment is None else self.model.augment(x, rng)
