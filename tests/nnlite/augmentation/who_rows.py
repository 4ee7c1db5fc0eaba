"""A valid call of each public name of `nnlite.augmentation`, for `test_who_speaks`."""

import numpy as np

from nnlite import augmentation
from tests.nnlite.who_rows import RNG, Row

TILES = {"x": RNG.standard_normal((3, 6, 10, 1)), "rng": RNG}
MASKS = {"max_frames": 3, "max_bands": 2, "n_time_masks": 1, "n_band_masks": 2}

ROWS: dict[str, Row] = {
    "spec_augment": Row(augmentation.spec_augment, TILES | MASKS | {"time_axis": 2, "band_axis": 1, "fill": 0.0}),
    "time_shift": Row(augmentation.time_shift, TILES | {"most": 3, "time_axis": 2, "fill": 0.0}),
    "gain": Row(augmentation.gain, TILES | {"decibels": 3.0, "unit": "log"}),
    "pitch_shift": Row(augmentation.pitch_shift, TILES | {"semitones": 3.0, "time_axis": 2}),
    "mixup_draws": Row(augmentation.mixup_draws, {"n_samples": 3, "alpha": 0.2, "rng": RNG}),
    "mix": Row(augmentation.mix, {"samples": np.eye(3), "partners": np.eye(3)[::-1], "shares": np.full(3, 0.25)}),
}
