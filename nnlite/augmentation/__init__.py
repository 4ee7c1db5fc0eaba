"""Augmentation: other samples of the same classes, drawn while training.

Each function takes samples ``x`` with their axis first and a `numpy.random.Generator`, draws for each sample by itself,
and returns a new array of the same shape and dtype. Give one to ``nnlite.train(..., transform=)`` or
``NetworkClassifier(augment=)``, with its settings, or write a function that calls several::

    def augment(x, rng):
        x = nn.augmentation.time_shift(x, rng, most=10)
        return nn.augmentation.spec_augment(x, rng, max_frames=20, max_bands=8)

    model = nn.NetworkClassifier(network, augment=augment, mixup=0.2)

Where `train` calls it, the generator comes from the seed, the epoch, the step and the place in the batch: one seed
gives the same samples at any number of threads and after any interruption. Samples are augmented when they are read,
also those of a memory-mapped file, and never stored.

`mixup` mixes two samples and their targets; it is a setting of `train` and of the estimators.

==================  ======================================  ======================================================
function            takes                                   changes
==================  ======================================  ======================================================
`spec_augment`      spectrograms, coefficients over time    masks bands and frames
`time_shift`        sound, spectrograms                     where a sample begins
`gain`              sound, logarithmic spectrograms         how loud it is
`pitch_shift`       sound                                   pitch and tempo, by resampling
==================  ======================================  ======================================================
"""

from nnlite.augmentation.masks import spec_augment
from nnlite.augmentation.mixing import mix, mixup_draws
from nnlite.augmentation.shifts import gain, pitch_shift, time_shift

__all__ = ["gain", "mix", "mixup_draws", "pitch_shift", "spec_augment", "time_shift"]
