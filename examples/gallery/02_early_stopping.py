"""
A learning curve, and when to stop
==================================

A network with many units learns its samples by heart. The loss on held-out samples says when.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import nnlite as nn

X, y = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
X, y = X[:600], y[:600].copy()
wrong = rng.random(len(y)) < 0.2
y[wrong] = rng.integers(0, 10, wrong.sum())  # a fifth of the labels are noise, as in many collections

network = nn.Sequential([nn.Dense(200), nn.ReLU(), nn.Dense(10)], input_shape=(64,))
settings = dict(optimizer=nn.Adam(0.003), validation_fraction=0.3, standardize_axes=(0,), random_state=0, batch_size=32)

# %%
# With ``patience`` a fit ends when the validation loss has not fallen for so many epochs. It returns the parameters of
# the best epoch, here beside a fit that goes on.

whole = nn.NetworkClassifier(network, max_epochs=60, **settings).fit(X, y)
stopped = nn.NetworkClassifier(network, max_epochs=60, patience=8, **settings).fit(X, y)
print(f"best epoch: {stopped.best_epoch_}; epochs run: {len(stopped.history_)} of 60")

# %%

epochs = [entry["epoch"] for entry in whole.history_]
plt.figure(figsize=(7, 3.5))
plt.semilogy(epochs, [entry["loss"] for entry in whole.history_], label="training")
plt.semilogy(epochs, [entry["val_loss"] for entry in whole.history_], label="held out")
plt.axvline(stopped.best_epoch_, color="gray", linestyle=":", label="best epoch")
plt.axvline(stopped.history_[-1]["epoch"], color="gray", linestyle="--", label="stopped")
plt.xlabel("epoch")
plt.ylabel("loss")
plt.legend()
plt.show()
