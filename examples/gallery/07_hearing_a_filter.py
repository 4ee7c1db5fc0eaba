"""
The sound that a filter leaves
==============================

Coefficients keep loudness, timbre and rhythm. The way back shows what they forget: the harmonics of the tone.
"""

import matplotlib.pyplot as plt
import numpy as np

import mfcc

SR = 16000
t = np.arange(SR) / SR
pitch = 220 * 2 ** (np.floor(4 * t) / 4)  # four notes
phase = 2 * np.pi * np.cumsum(pitch) / SR
y = sum(np.sin(k * phase) / k for k in range(1, 20)).astype(np.float32) * 0.2

recipe = mfcc.MFCC(sr=SR, n_fft=1024, hop_length=256, fmax=8000, c0="first")
coefficients = recipe(y, sr=SR)
again = mfcc.resynthesize(coefficients, recipe, np.random.default_rng(0))
print(f"{len(y):,} samples, {coefficients.size:,} coefficients, {len(again):,} samples again")

# %%

figure, axes = plt.subplots(1, 3, figsize=(10, 3.4))
spectra = (
    recipe.power_spectrogram(y),
    mfcc.to_spectrum(mfcc.to_mel(mfcc.to_log_mel(coefficients, recipe), recipe), recipe),
    recipe.power_spectrogram(again.astype(np.float32)),
)
for ax, power, name in zip(axes, spectra, ("the sound", "what the coefficients say", "heard again"), strict=True):
    ax.imshow(np.log(np.asarray(power)[:200] + 1e-6), origin="lower", aspect="auto")
    ax.set_title(name)
    ax.set_xlabel("frame")
axes[0].set_ylabel("bin of 16 Hz")
plt.show()
