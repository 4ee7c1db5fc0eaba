"""
A recurrent network: does the tone rise or fall?
================================================

Made sounds that glide up or down become log-mel frames. A GRU reads them frame by frame.
"""

import matplotlib.pyplot as plt
import numpy as np

import mfcc
import nnlite as nn

rng = np.random.default_rng(0)
SR, SECONDS = 8000, 0.5
recipe = mfcc.MFCC(sr=SR, n_fft=256, hop_length=128, n_mels=24, output="log_mel", fmax=4000)


def glide(rises):
    """Return a tone in noise that changes its pitch by a fifth or less."""
    low = rng.uniform(300, 1500)
    pitch = np.linspace(low, low * rng.uniform(1.1, 1.5), int(SR * SECONDS))
    tone = np.sin(2 * np.pi * np.cumsum(pitch if rises else pitch[::-1]) / SR)
    return (0.2 * tone + 0.1 * rng.standard_normal(len(tone))).astype(np.float32)


y = rng.integers(0, 2, 600)
X = np.stack([recipe(glide(rises), sr=SR).T for rises in y])  # (samples, frames, mel bands)
print(X.shape)

# %%
# The mean over time knows nothing of the direction; the order of the frames does.

network = nn.Sequential([nn.GRU(24), nn.Dense(2)], input_shape=X.shape[1:])
model = nn.NetworkClassifier(
    network, optimizer=nn.Adam(0.01), max_epochs=25, batch_size=32, standardize_axes=(0, 1), random_state=0
)
model.fit(X[:450], y[:450])
print(f"right on new sounds: {model.score(X[450:], y[450:]):.3f}")

# %%

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
for ax, k in ((left, int(np.argmax(y[450:]))), (right, int(np.argmin(y[450:])))):
    ax.imshow(X[450 + k].T, origin="lower", aspect="auto")
    ax.set_title(f"probability of rising: {model.predict_proba(X[450 + k : 451 + k])[0, 1]:.2f}")
    ax.set_xlabel("frame")
left.set_ylabel("mel band")
plt.show()
