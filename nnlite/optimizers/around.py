"""The common base of optimizers that leave the steps to another optimizer."""

from dataclasses import dataclass, field
from typing import Any

from nnlite.optimizers.base import Optimizer
from nnlite.optimizers.sgd import SGD

__all__: list[str] = []


@dataclass(frozen=True)
class _Around(Optimizer):
    """Base of optimizers around another one, whose state lies beside their own in one dict."""

    optimizer: Optimizer = field(default_factory=SGD)

    def __post_init__(self) -> None:
        who, inner = type(self).__name__, self.optimizer
        if not isinstance(inner, Optimizer):
            raise TypeError(f"{who}: optimizer: expected an optimizer such as SGD(0.01), got {inner!r}.")
        around: Any = inner
        while isinstance(around, _Around):
            if type(around) is type(self):
                raise ValueError(
                    f"{who}: optimizer: expected one without a {who} inside, got {inner!r}. Both would keep "
                    "their state under the same names."
                )
            around = around.optimizer

    @property
    def learning_rate(self) -> float:  # type: ignore[override]
        """The learning rate of the inner optimizer."""
        return self.optimizer.learning_rate
