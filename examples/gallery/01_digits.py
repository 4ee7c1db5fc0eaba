"""
Digits
======

A small convolutional network reads scikit-learn's digits. Which does it take for which?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import nnlite as nn

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8, 1)

# %%
# The network is a list of layers. It holds no parameters: the classifier has them.

network = nn.Sequential(
    [nn.Conv2D(16, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Dropout(0.1), nn.Flatten(), nn.Dense(10), nn.Softmax()],
    input_shape=(8, 8, 1),
)
print(network.summary())

# %%
# The last 397 digits were written by other people than the first 1,400: they are the honest test.

model = nn.NetworkClassifier(network, max_epochs=30, standardize_axes=(0,), random_state=0).fit(X[:1400], y[:1400])
said = model.predict(X[1400:])
print(f"right: {np.mean(said == y[1400:]):.3f}; always the most frequent digit: {np.mean(y[1400:] == 3):.3f}")

# %%
# Some of those that it got wrong.

wrong = np.flatnonzero(said != y[1400:])[:8]
figure, axes = plt.subplots(1, len(wrong), figsize=(10, 1.8))
for ax, k in zip(axes, wrong, strict=True):
    ax.imshow(X[1400 + k, :, :, 0], cmap="gray_r")
    ax.set_title(f"{y[1400 + k]}, said {said[k]}", fontsize=9)
    ax.axis("off")
plt.show()
