"""
The parts that a network looks at
=================================

Which pixels speak for the digit that a network says? Two answers: the gradient times the input, and hiding one square
after the other.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import nnlite as nn

X, y = load_digits(return_X_y=True)
X = (X / 16).reshape(-1, 8, 8, 1).astype(np.float32)
network = nn.Sequential([nn.Conv2D(12, 3), nn.ReLU(), nn.Flatten(), nn.Dense(10)], input_shape=(8, 8, 1))
model = nn.NetworkClassifier(network, optimizer=nn.Adam(0.003), max_epochs=20, random_state=0).fit(X[:1400], y[:1400])
network, params = model.network_, model.params_

# %%

figure, axes = plt.subplots(3, 5, figsize=(9, 5.6))
for column, k in enumerate((1404, 1408, 1410, 1423, 1431)):
    x, digit = X[k : k + 1], int(y[k])
    by_gradient = nn.gradient_times_input(network, params, x, digit)[0, :, :, 0]
    by_hiding = nn.occlusion(
        lambda some, d=digit: nn.predict(network, params, some)[:, d], x, (2, 2, 1), stride=(1, 1, 1)
    )
    axes[0, column].imshow(x[0, :, :, 0], cmap="gray_r")
    axes[0, column].set_title(f"a {digit}")
    for row, speaks in ((1, by_gradient), (2, by_hiding[0, :, :, 0])):
        most = np.abs(speaks).max()
        axes[row, column].imshow(speaks, cmap="RdBu_r", vmin=-most, vmax=most)
for ax in axes.flat:
    ax.set_xticks([])
    ax.set_yticks([])
for row, name in enumerate(("input", "gradient x input", "hidden squares")):
    axes[row, 0].set_ylabel(name)
plt.show()
