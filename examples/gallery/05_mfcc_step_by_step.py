"""
MFCC step by step
=================

From samples to coefficients with the steps of :mod:`mfcc`, each usable alone. In the end
they are what the recipe makes.
"""

import matplotlib.pyplot as plt
import numpy as np

import mfcc
from filmscore.shipped import DATA

recipe = mfcc.MFCC()
y, sr = mfcc.load(DATA / "return_to_home.ogg", sr=recipe.sr)

# %%
# Frames, a window, a Fourier transform.

frames = mfcc.frame(y, recipe.frame_length, recipe.hop_length)
window = mfcc.get_window("hann", recipe.win_length)
power = np.abs(np.fft.rfft(frames * window)) ** 2
print(f"{len(frames)} frames, {power.shape[1]} bins")

# %%
# Triangles on the mel scale, a logarithm, cosines.

filters = mfcc.mel_filterbank(sr, recipe.n_fft, recipe.n_mels)
log_mel = np.log(np.maximum(power @ filters.T, 1e-10))
k, n = np.arange(recipe.n_mels), np.arange(1, 41)[:, None]
cosines = np.sqrt(2 / recipe.n_mels) * np.cos(np.pi * n * (k + 0.5) / recipe.n_mels)
coefficients = cosines @ log_mel.T
print(f"largest difference from the recipe: {np.abs(coefficients - recipe(y, sr=sr)).max():.1e}")

# %%

figure, axes = plt.subplots(3, 1, figsize=(8, 7), sharex=True)
for ax, values, name in zip(
    axes, (np.log(power.T[:200] + 1e-10), log_mel.T, coefficients), ("bin", "mel filter", "coefficient"), strict=True
):
    ax.imshow(values, origin="lower", aspect="auto")
    ax.set_ylabel(name)
axes[-1].set_xlabel("frame")
plt.show()
