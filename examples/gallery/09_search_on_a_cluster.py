"""
Searching hyper-parameters on a cluster
=======================================

:func:`nnlite.model_selection.search` hands trials to any executor; here to a dask.distributed cluster on
one machine. Each candidate has its own seed, so the result is the same wherever it runs.
"""

import matplotlib.pyplot as plt
import numpy as np
from distributed import Client
from sklearn.datasets import load_digits

import nnlite as nn
from nnlite.model_selection import LogUniform, ParameterSampler, search


def evaluate(candidate, seed):
    """Return the share of held-out digits that a network with these settings gets right."""
    X, y = load_digits(return_X_y=True)
    network = nn.Sequential([nn.Dense(candidate["units"]), nn.ReLU(), nn.Dense(10)], input_shape=(64,))
    model = nn.NetworkClassifier(
        network, optimizer=nn.Adam(candidate["rate"]), max_epochs=8, standardize_axes=(0,), random_state=seed
    )
    return model.fit(X[:1000], y[:1000]).score(X[1000:1400], y[1000:1400])


space = {"rate": LogUniform(1e-4, 0.3), "units": [8, 32, 128]}
candidates = list(ParameterSampler(space, 24, np.random.default_rng(0)))

# %%

with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
    result = search(candidates, evaluate, executor=client.get_executor())
print(f"best of {len(result.trials)}: {result.best.score:.3f} with {result.best.candidate}")

# %%

for units, marker in zip(space["units"], "os^", strict=True):
    trials = [trial for trial in result.trials if trial.candidate["units"] == units]
    rates, scores = [trial.candidate["rate"] for trial in trials], [trial.score for trial in trials]
    plt.semilogx(rates, scores, marker, label=f"{units} units")
plt.xlabel("learning rate of Adam")
plt.ylabel("right, of those held out")
plt.legend()
plt.show()
