"""
The same MFCC as five tools make it
===================================

"MFCC" is a family. These are the coefficients that HTK, Kaldi, librosa, python_speech_features and torchaudio give for
one recording; what differs is listed knob by knob.
"""

import matplotlib.pyplot as plt

import mfcc
from filmscore.shipped import DATA

RECORDING = DATA / "Illurock.opus"
tools = ("HTK", "KALDI", "LIBROSA", "PYTHON_SPEECH_FEATURES", "TORCHAUDIO")

# %%

figure, axes = plt.subplots(len(tools), 1, figsize=(8, 9))
for ax, name in zip(axes, tools, strict=True):
    recipe = mfcc.PRESETS[name]
    values = mfcc.features(RECORDING, recipe)
    ax.imshow(mfcc.normalize(values), origin="lower", aspect="auto", vmin=-3, vmax=3)
    ax.set_title(f"{name}: {values.shape[0]} coefficients, {recipe.frame_rate:.0f} frames a second", fontsize=9)
    ax.set_xticks([])
figure.tight_layout()
plt.show()

# %%
# What HTK and librosa do differently: knob, and the value in each.

for knob in mfcc.HTK.difference(mfcc.LIBROSA):
    print(f"{knob:>20}  {getattr(mfcc.HTK, knob)!s:>20}  {getattr(mfcc.LIBROSA, knob)!s:>20}")
