"""
Can its probabilities be believed?
==================================

A network that is trained for long is too sure of itself. Temperature scaling on held-out samples mends it.
"""

import matplotlib.pyplot as plt
import numpy as np

import nnlite as nn
from nnlite.calibration import reliability_curve
from nnlite.metrics import log_loss

rng = np.random.default_rng(0)
X = rng.standard_normal((3000, 10)).astype(np.float32)
y = (X[:, 0] + X[:, 1] * X[:, 2] + 1.5 * rng.standard_normal(3000) > 0).astype(int)
train, held_out, test = slice(0, 600), slice(600, 1600), slice(1600, None)

network = nn.Sequential([nn.Dense(100), nn.ReLU(), nn.Dense(2)], input_shape=(10,))
model = nn.NetworkClassifier(network, optimizer=nn.Adam(0.005), max_epochs=60, validation_fraction=0, random_state=0)
model.fit(X[train], y[train])

# %%
# One number, the temperature, divides the log-odds; the grid is searched on samples that trained nothing.


def probability(part, temperature=1.0):
    p = np.clip(model.predict_proba(X[part])[:, 1].astype(float), 1e-7, 1 - 1e-7)
    return 1 / (1 + ((1 - p) / p) ** (1 / temperature))


temperatures = np.linspace(1, 10, 91)
temperature = min(temperatures, key=lambda t: log_loss(y[held_out], probability(held_out, t)))
before, after = (log_loss(y[test], probability(test, t)) for t in (1.0, temperature))
print(f"temperature {temperature:.1f}: log-loss {before:.3f} before, {after:.3f} after")

# %%

plt.figure(figsize=(4.5, 4.5))
for t, name in ((1.0, "as it is"), (temperature, "with temperature")):
    curve = reliability_curve(y[test], probability(test, t))
    plt.plot(curve.predicted, curve.observed, "o-", label=name)
plt.plot([0, 1], [0, 1], ":", color="gray")
plt.xlabel("probability that is said")
plt.ylabel("share that is true")
plt.legend()
plt.show()
