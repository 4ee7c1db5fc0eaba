"""
Tagging a recording
===================

The model that comes along listens to a recording that it has never heard, in windows of 9.3 seconds.
"""

import matplotlib.pyplot as plt

from filmscore.shipped import DATA, MODEL
from filmscore.tagging import Tagger

tagger = Tagger.load(MODEL)
tiles = tagger.tiles(DATA / "return_to_home.ogg")
values = tagger.values(tiles)
print(f"{len(values)} windows, at {', '.join(f'{start:.1f} s' for start in tiles.start_s)}")

# %%
# The mean over the windows. These are no probabilities that a film has the genre: they are to be compared, genre by
# genre, with those of other music.

means = values.mean(axis=0)
order = means.argsort()
plt.figure(figsize=(7, 3.5))
plt.barh([tagger.class_names[k] for k in order], means[order])
for k, name in enumerate(order):
    plt.plot(values[:, name], [k] * len(values), "k|")
plt.xlabel("value; marks are single windows")
plt.tight_layout()
plt.show()
