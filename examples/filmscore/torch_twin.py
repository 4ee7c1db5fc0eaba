"""A `NetworkClassifier` that PyTorch trains: whether a figure comes from this project's arithmetic or from the method.

Taken over are the settings, the scaling, the initial parameters, the order of the batches, and the rule that chooses
the best epoch. PyTorch does the rest: layers, losses, dropout with its own masks, gradients, momentum, and what the
trained network says. Needs torch (`pip install 'nnlite[torch]'`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import nnlite as nn
from filmscore.torch_network import TorchNetwork, set_learning_rate, torch_loss, torch_sgd
from nnlite.estimators.held_out import evaluate
from nnlite.estimators.labelled import Labelled
from nnlite.estimators.predictor import Predictor, first_params, predictor_for
from nnlite.estimators.settings import draw_seed

PREDICTION_BATCH = 256


class TorchTwin:
    """Fits and predicts as the classifier would, in PyTorch.

    Parameters
    ----------
    classifier : NetworkClassifier
        Unfitted; its settings are taken: a network of layers that PyTorch has and that ends in a softmax or logistic
        outputs, SGD. With `n_threads`, PyTorch computes on so many from then on.

    Attributes
    ----------
    params_ : dict
        Of the best epoch, as the classifier would have them.
    history_ : list of dict
        One an epoch: as that of `nnlite.NetworkClassifier`.
    best_epoch_ : int or None
    """

    params_: dict[str, np.ndarray]
    history_: list[dict[str, Any]]
    best_epoch_: int | None
    _predictor: Predictor
    _network: TorchNetwork

    def __init__(self, classifier: nn.NetworkClassifier) -> None:
        self.classifier = classifier

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | tuple[Any, Any, Any] | None = None,
    ) -> TorchTwin:
        """Train on samples and their labels; the validation samples choose the best epoch and are needed."""
        model = self.classifier
        if validation_data is None:
            raise ValueError("TorchTwin.fit: validation_data: expected (X, y) or (X, y, sample_weight), got none.")
        who = "TorchTwin.fit"
        training = Labelled.read(who, X, y, sample_weight)
        training.check_classes_occur(who)
        validation = training.read_validation(who, validation_data)
        per_class = training.weights_of_classes(who, model.class_weight)
        training, validation = (samples.weigh_classes(who, per_class) for samples in (training, validation))
        seed = draw_seed(model.random_state)
        self._predictor = predictor_for(who, model, training)
        params = first_params(who, model, self._predictor, training, seed)
        generator = torch.Generator().manual_seed(seed)
        self._network = TorchNetwork(self._predictor.logits_network, params, generator)
        if model.n_threads is not None:
            torch.set_num_threads(model.n_threads)
        self._run(who, training, validation, seed)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class for each sample."""
        return self._predictor.loss.predict(self._logits("TorchTwin.predict_proba", X))

    def _run(self, who: str, training: Labelled, validation: Labelled, seed: int) -> None:
        """Train until patience or the last epoch ends it, and bring the best parameters back."""
        model, network = self.classifier, self._network
        descent = nn.SGD(0.01, momentum=0.9) if model.optimizer is None else model.optimizer
        optimizer, loss = torch_sgd(descent, network), torch_loss(self._predictor.loss)
        schedule = nn.schedules.Constant() if model.schedule is None else model.schedule
        X, rows, weights = training.X, training.rows, training.loss_weights
        targets = self._predictor.targets(who, training.labels)
        stopping = nn.EarlyStopping(model.patience, mode="min" if model.monitor == "loss" else "max")
        said = _Said(self._predictor, self._logits)
        steps = -(-len(rows) // model.batch_size)
        self.history_ = []
        for epoch in range(model.max_epochs):
            began, total = time.perf_counter(), 0.0
            order = rows[np.random.default_rng((seed, epoch)).permutation(len(rows))]
            network.train()
            for step in range(steps):
                batch = order[step * model.batch_size : (step + 1) * model.batch_size]
                x = self._predictor.read(who, X[batch])
                if model.augment is not None:
                    x = model.augment(x, np.random.default_rng((seed, epoch, step)))
                weight = weights[batch].sum()
                shares = torch.from_numpy((weights[batch] / weight).astype(np.float32))
                optimizer.zero_grad()
                value = loss(network(torch.from_numpy(x)), torch.from_numpy(targets[batch]), shares)
                if not torch.isfinite(value):
                    raise nn.TrainingDiverged(
                        f"TorchTwin: the loss became {value.item()} in epoch {epoch}, step {step}."
                    )
                value.backward()
                rate = descent.learning_rate * schedule(epoch + step / steps, model.max_epochs)
                set_learning_rate(optimizer, rate)
                optimizer.step()
                total += value.item() * weight
            row = {"epoch": epoch, "loss": total / weights[rows].sum(), "learning_rate": rate}
            row["seconds"] = time.perf_counter() - began
            found, watched = evaluate(who, validation, said, {}, model.monitor, None)
            self.history_.append(row | found)
            if stopping.update(watched, network.params, epoch):
                break
        self.best_epoch_ = stopping.best_epoch
        self.params_ = network.params if stopping.best_params is None else stopping.best_params
        network.load(self.params_)

    def _logits(self, who: str, X: Any) -> np.ndarray:
        self._network.eval()
        batches = []
        with torch.no_grad():
            for first in range(0, len(X), PREDICTION_BATCH):
                x = self._predictor.read(who, X[first : first + PREDICTION_BATCH])
                batches.append(self._network(torch.from_numpy(x)).numpy())
        return np.concatenate(batches)


class _Said:
    """A predictor whose logits are PyTorch's, for `nnlite.estimators.held_out.evaluate`."""

    def __init__(self, predictor: Predictor, said: Callable[[str, Any], np.ndarray]) -> None:
        self.coding, self.loss, self.targets, self._said = predictor.coding, predictor.loss, predictor.targets, said

    def logits(self, who: str, params: dict[str, np.ndarray], X: Any, n_threads: int | None) -> np.ndarray:
        return self._said(who, X)
