"""
The confusion of genres
=======================

The sample of real game music that comes along, split by game. A small network on how each coefficient is spread over a
window learns ten genres; which come up together, and which does it mix up?
"""

import matplotlib.pyplot as plt
import numpy as np

import nnlite as nn
from filmscore.features import load_features
from filmscore.shipped import SAMPLE
from filmscore.splits import split_features
from nnlite import metrics

features = load_features(SAMPLE)
split = split_features(features, "game", np.random.default_rng(0))
tiles = np.asarray(features.tiles)[..., 0]
X = np.concatenate([tiles.mean(axis=2), tiles.std(axis=2)], axis=1)
Y = features.labels
print(f"{len(X):,} windows of {len(features.tracks)} tracks, {len(features.class_names)} genres")

# %%

network = nn.Sequential([nn.Dropout(0.3), nn.Dense(30), nn.ReLU(), nn.Dense(Y.shape[1])], input_shape=X.shape[1:])
model = nn.NetworkClassifier(
    network,
    loss=nn.SigmoidCrossEntropy(),
    optimizer=nn.Adam(0.002, weight_decay=0.01),
    max_epochs=15,
    standardize_axes=(0,),
    random_state=0,
).fit(X[split.train], Y[split.train])
values = model.predict_proba(X[split.test])
judged = [k for k, name in enumerate(features.class_names) if name not in split.not_evaluable]
auc = [metrics.roc_auc(Y[split.test][:, k], values[:, k]) for k in judged]
print(f"ROC-AUC on windows of games that it never heard: {np.mean(auc):.3f} (guessing: 0.5)")

# %%
# A row for each genre that music has, a column for each that the network says: how much more, or less, than on average.

names = [features.class_names[k] for k in judged]
logits = np.log(values / (1 - values))
spread = (logits - logits.mean(axis=0)) / logits.std(axis=0)
table = np.array([spread[Y[split.test][:, k] > 0][:, judged].mean(axis=0) for k in judged])
plt.figure(figsize=(6, 5))
plt.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1)
plt.xticks(range(len(names)), names, rotation=45, ha="right")
plt.yticks(range(len(names)), names)
plt.colorbar(label="said, in deviations from the mean")
plt.tight_layout()
plt.show()
