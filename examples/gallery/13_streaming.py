"""
Features of a stream
====================

Blocks of samples become coefficients as they come, with the bits of the whole recording.
"""

import matplotlib.pyplot as plt
import numpy as np

import mfcc
from filmscore.shipped import DATA

RECORDING = DATA / "Illurock.opus"
recipe = mfcc.KALDI
blocks = list(mfcc.stream(RECORDING, recipe))
whole = mfcc.features(RECORDING, recipe)
print(f"{len(blocks)} blocks, the same bits: {np.array_equal(np.concatenate(blocks, axis=1), whole)}")

# %%

plt.figure(figsize=(8, 3))
plt.imshow(mfcc.normalize(whole), origin="lower", aspect="auto", vmin=-3, vmax=3)
for end in np.cumsum([block.shape[1] for block in blocks])[:-1]:
    plt.axvline(end, color="white")
plt.xlabel("frame; lines are the ends of blocks")
plt.ylabel("coefficient")
plt.show()
