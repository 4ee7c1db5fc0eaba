"""The loop over epochs: train, look at held-out samples, remember, stop."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.checks import shown
from nnlite.estimators.epoch_log import EpochLog
from nnlite.estimators.fit_state import HELD_OUT, FitCheckpoint, FitState, checksum, described, described_samples
from nnlite.estimators.held_out import START, evaluate, with_present_names
from nnlite.estimators.interrupts import interrupts_held_back
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.predictor import Predictor
from nnlite.rows import Rows
from nnlite.schedules import factor_at
from nnlite.training import Epoch, TrainingDiverged, train

DESCRIBED = ("schedule", "init", "batch_size", "max_epochs", "patience", "monitor", "standardize_axes", "augment")


@dataclass(frozen=True)
class Fit:
    """A training that is about to run: all that stays the same while it runs.

    Attributes
    ----------
    who : str
        The public function that was called: errors begin with it.
    model : NetworkClassifier
        Its settings are read.
    predictor : Predictor
    optimizer : Optimizer
    seed : int
    training : Labelled
    validation : Labelled or None
        Samples that choose the best epoch.
    goes_on : bool
        Whether it starts from parameters that were trained before. They take part in the choice then.
    """

    who: str
    model: Any
    predictor: Predictor
    optimizer: Any
    seed: int
    training: Labelled
    validation: Labelled | None
    goes_on: bool = False

    def run(self, state: FitState, checkpoint: FitCheckpoint | None) -> None:
        """Go on from `state` until patience, the last epoch or Ctrl-C ends it; write checkpoints on the way.

        Parameters
        ----------
        state : FitState
            Changed in place; that of the checkpoint takes its place if there is one.
        checkpoint : FitCheckpoint or None

        Raises
        ------
        TrainingDiverged
            When a loss or a parameter is not finite; what was best until then stays.
        """
        fingerprint = {} if checkpoint is None else self.fingerprint(state)
        if checkpoint is not None:
            checkpoint.restore(self.who, state, fingerprint, self._same_rates)
            state.history = with_present_names(state.history, self.predictor.coding.score_name)
        model, first = self.model, len(state.history)
        if self.goes_on and self.validation is not None and not first:
            state.stopping.update(self._evaluate(state)[1], state.averaged, START)
        log = EpochLog(
            model.max_epochs, None if self.validation is None else self.predictor.coding.score_name, bool(model.verbose)
        )
        with log:
            if checkpoint is not None and first:
                log.message(f"going on after epoch {first} of {checkpoint.path}")
            try:
                for epoch in () if state.stopped_by else self.epochs(state, model.max_epochs, model.schedule, log):
                    row, watched = self.look(epoch, state)
                    asked = model.callback is not None and self._asks_to_stop(row, state)
                    with interrupts_held_back():
                        state.stopped_by = self.remember(row, watched, state) or ("callback" if asked else None)
                        is_best = state.stopping.best_epoch == epoch.number
                        log.epoch(row, len(self.training.rows) / epoch.seconds, is_best)
                        due = state.stopped_by or (epoch.number + 1) % model.checkpoint_every == 0
                        if checkpoint is not None and due:
                            checkpoint.save(state, self.seed, fingerprint)
                    if state.stopped_by:
                        break
            except KeyboardInterrupt:
                state.stopped_by = state.stopped_by or "interrupt"
                log.message("interrupted: going on with the best parameters so far")

    def epochs(self, state: FitState, max_epochs: int, schedule: Any, log: EpochLog | None = None) -> Any:
        """Return the epochs of :func:`nnlite.training.train`, from the one after those in the history."""
        first, samples = len(state.history), self.training
        return train(
            self.predictor.logits_network,
            state.params,
            Rows(samples.X, samples.rows),
            self.predictor.targets(self.who, samples.labels[samples.rows]),
            loss=self.predictor.loss,
            optimizer=self.optimizer,
            optimizer_state=state.optimizer_state,
            schedule=schedule,
            history=state.history,
            first_epoch=first,
            max_epochs=int(max_epochs),
            batch_size=int(self.model.batch_size),
            seed=self.seed,
            sample_weight=samples.loss_weights[samples.rows],
            transform=self._read,
            mixup=float(self.model.mixup),
            n_threads=self.model.n_threads,
            on_step=None if log is None else lambda done, steps: log.step(done, steps, first, len(state.history)),
        )

    def look(self, epoch: Epoch, state: FitState) -> tuple[dict[str, Any], float]:
        """Return the row of the history for an epoch, and the value that early stopping watches."""
        for name, value in state.params.items():
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
        if self.validation is None:
            return row, np.nan
        found, watched = self._evaluate(state)
        return row | found, watched

    def _evaluate(self, state: FitState) -> tuple[dict[str, float], float]:
        """Return what the parameters are worth on the validation samples, see `evaluate`."""
        assert self.validation is not None
        return evaluate(
            self.who, self.validation, self.predictor, state.averaged, self.model.monitor, self.model.n_threads
        )

    def remember(self, row: dict[str, Any], watched: float, state: FitState) -> str | None:
        """Add an epoch to `state`; return why it was the last one, or None."""
        state.history.append(row)
        if self.validation is not None and state.stopping.update(watched, state.averaged, row["epoch"]):
            return "patience"
        return "max_epochs" if row["epoch"] + 1 == self.model.max_epochs else None

    def _asks_to_stop(self, row: dict[str, Any], state: FitState) -> bool:
        """Call the user's function after an epoch; return whether it wants the training to end."""
        params = {name: value.view() for name, value in state.averaged.items()}
        for value in params.values():
            value.flags.writeable = False
        history = [dict(each) for each in (*state.history, row)]
        answer = self.model.callback(row["epoch"], history, self.predictor.network, params)
        if answer is not None and not isinstance(answer, (bool, np.bool_)):
            raise TypeError(
                f"{self.who}: callback: expected True to stop, False or None to go on, got {shown(answer)}."
            )
        return bool(answer)

    def fingerprint(self, state: FitState) -> dict[str, Any]:
        """Return all that decides about the bits of a fit, in words and checksums."""
        return {name: described(getattr(self.model, name)) for name in DESCRIBED} | {
            "network": described(self.predictor.network),
            "loss": described(self.predictor.loss),
            "optimizer": described(self.optimizer),
            "mixup": described(self.model.mixup) if self.model.mixup else None,  # as in checkpoints from before it
            "random_state": self.seed,
            **self.predictor.coding.fingerprint(),
            "X": described_samples(self.training.X),
            "y": checksum(self.training.labels),
            "sample_weight and class_weight": checksum(self.training.loss_weights),
            **self._described_validation(),
            "initial parameters": self._start(state),
        }

    def _same_rates(self, max_epochs: int, history: list[dict[str, Any]]) -> bool:
        """Return whether the first epochs have the learning rates that they had with another number of epochs."""
        schedule, now = self.model.schedule, int(self.model.max_epochs)
        if schedule is None:
            return True
        steps = -(-len(self.training.rows) // int(self.model.batch_size))
        times = (epoch + step / steps for epoch in range(len(history)) for step in range(steps))
        return all(
            factor_at(schedule, time, now, history) == factor_at(schedule, time, max_epochs, history) for time in times
        )

    def _described_validation(self) -> dict[str, Any]:
        held_out = self.validation
        if held_out is None or held_out.labels is self.training.labels:  # None, or a part of the training samples
            rows = None if held_out is None else checksum(held_out.rows)
            fraction = described(self.model.validation_fraction)
            return {"validation_fraction": fraction, "validation_data": None, HELD_OUT: rows}
        weights = "" if (held_out.weights == 1).all() else f" weights {checksum(held_out.weights)}"
        return {"validation_data": f"{described_samples(held_out.X)} {checksum(held_out.labels)}{weights}"}

    def _start(self, state: FitState) -> list[str] | None:
        """Return checksums of the initial parameters of a warm start, or None: fresh ones follow from the seed."""
        return [checksum(value) for value in state.params.values()] if self.model.warm_start else None

    def _read(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        x = self.predictor.read(self.who, x)
        return x if self.model.augment is None else self.model.augment(x, rng)
