"""
A layer of your own, and its gradient check
===========================================

A layer is a frozen dataclass with ``forward`` and ``backward``. :func:`nnlite.check_layer` judges it, and finds the
mistake of the second one.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np

import nnlite as nn


@dataclass(frozen=True)
class Swish(nn.Layer):
    """x times sigmoid(x)."""

    def forward(self, params, x, rng):
        gate = 1 / (1 + np.exp(-x))
        return x * gate, (x, gate)

    def backward(self, params, cache, dy, input_grad=True):
        x, gate = cache
        return (dy * (gate + x * gate * (1 - gate)) if input_grad else None), {}

    def apply(self, params, x):
        return x * (1 / (1 + np.exp(-x)))


nn.check_layer(Swish(), (5, 3), np.random.default_rng(0))
print("Swish passes")

# %%
# Forget a term of the derivative, and the check says so.


class Wrong(Swish):
    def backward(self, params, cache, dy, input_grad=True):
        _, gate = cache
        return (dy * gate if input_grad else None), {}


try:
    nn.check_layer(Wrong(), (5, 3), np.random.default_rng(0))
except AssertionError as error:
    print(f"Wrong: {error}")

# %%
# The two derivatives beside the difference quotient.

x = np.linspace(-6, 6, 200)[:, None]
rng = np.random.default_rng(0)
quotient = (Swish().apply({}, x + 1e-6) - Swish().apply({}, x - 1e-6)) / 2e-6
for layer, style in ((Swish(), "-"), (Wrong(), "--")):
    _, cache = layer.forward({}, x, rng)
    gradient, _ = layer.backward({}, cache, np.ones_like(x))
    plt.plot(x, gradient, style, label=type(layer).__name__)
plt.plot(x[::10], quotient[::10], "k.", label="difference quotient")
plt.xlabel("input")
plt.ylabel("derivative")
plt.legend()
plt.show()
