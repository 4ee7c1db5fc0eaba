"""HTK's HCopy: the features that one of its configuration files asks for, statics and what follows from them over time.

S. Young et al., "The HTK Book", chapter 5. Where the book leaves open how numbers are rounded, HTK 3.4 decides.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from mfcc.checks import check_flag, check_integer, check_number
from mfcc.delta_features import deltas
from mfcc.htk import config
from mfcc.normalization import normalize
from mfcc.recipe import MFCC

LOG_OF_ZERO = -1e10
"""The log energy that HTK gives to a frame of digital silence."""


@dataclass(frozen=True, kw_only=True)
class HCopy:
    """The features that HTK's HCopy writes: `HCopy.from_config(text)(y)`.

    Parameters
    ----------
    recipe : MFCC
        The static features: output="mfcc" is HTK's kind MFCC, "log_mel" is FBANK, "mel" is MELSPEC. An energy that is
        appended (_E) becomes the last static feature of each of them.
    delta_widths : tuple of int
        Frames on either side for deltas, accelerations and third differentials, as many of them as there shall be:
        (), (2,), (2, 2) or (2, 2, 2) with HTK's defaults.
    simple_differences : bool
        See `mfcc.deltas`.
    zero_mean : bool
        Subtract the mean over the recording from the static features, energy excepted (_Z).
    silence_floor_db, energy_scale : float
        Normalise the log energy over the recording, see `normalize_energy` (ENORMALISE). silence_floor_db=None: don't.

    Examples
    --------
    >>> features = HCopy.from_config("TARGETKIND = MFCC_E_D_A  TARGETRATE = 100000  WINDOWSIZE = 250000", sr=16000)
    >>> features(np.ones(16000, np.float32)).shape
    (39, 98)
    >>> features.recipe.hop_length, features.silence_floor_db
    (160, 50.0)
    """

    recipe: MFCC
    delta_widths: tuple[int, ...] = ()
    simple_differences: bool = False
    zero_mean: bool = False
    silence_floor_db: float | None = None
    energy_scale: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, MFCC):
            raise TypeError(f"HCopy: recipe: expected an MFCC, got {type(self.recipe).__name__}.")
        if not isinstance(self.delta_widths, (tuple, list)):
            raise TypeError(
                f"HCopy: delta_widths: expected a tuple of integers, got {type(self.delta_widths).__name__}."
            )
        widths = tuple(check_integer("HCopy", "delta_widths", width) for width in self.delta_widths)
        object.__setattr__(self, "delta_widths", widths)
        check_flag("HCopy", "simple_differences", self.simple_differences)
        check_flag("HCopy", "zero_mean", self.zero_mean)
        if self.silence_floor_db is not None:
            check_number("HCopy", "silence_floor_db", self.silence_floor_db, minimum=0, hint="None is off.")
        check_number("HCopy", "energy_scale", self.energy_scale)

    @classmethod
    def from_config(cls, text: str, sr: float | None = None) -> HCopy:
        """Return the features that a configuration file for HCopy asks for.

        What it leaves out is as HTK has it: PREEMCOEF = 0.97, NUMCHANS = 20, USEPOWER = F, ENORMALISE = T and so on.

        Parameters
        ----------
        text : str
            The content of the file.
        sr : float, optional
            Sampling rate in Hz, of recordings that say it themselves. Default: by SOURCERATE.

        Raises
        ------
        ValueError
            For a target other than MFCC, FBANK and MELSPEC, and for settings whose effect is not reproduced.

        Warns
        -----
        UserWarning
            Of names that are no settings of HCopy's.
        """
        return cls(**config.read(text, sr))

    @property
    def n_features(self) -> int:
        """Number of rows that a call returns."""
        return self._n_statics * (1 + len(self.delta_widths))

    @property
    def _n_statics(self) -> int:
        return self.recipe.n_features + self._energy_beside

    @property
    def _energy_beside(self) -> bool:
        """True if there is an energy that the recipe's own output lacks."""
        return self.recipe.energy is not None and self.recipe.output != "mfcc"

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Return the features of a mono signal, shape (n_features, n_frames): statics, deltas, accelerations, thirds.

        Parameters and errors are those of `MFCC.__call__`.
        """
        statics = self.recipe(y)
        if self._energy_beside:
            energy = dataclasses.replace(self.recipe, output="mfcc", n_mfcc=1, c0="drop", energy_place="append")
            statics = np.concatenate([statics, energy(y)])
        if self.recipe.energy is not None:
            floor = math.log(self.recipe.energy_floor)
            statics[-1][statics[-1] <= floor + 1e-5 * abs(floor)] = LOG_OF_ZERO
            if self.silence_floor_db is not None:
                statics[-1] = normalize_energy(statics[-1], self.silence_floor_db, self.energy_scale)
        rows = [statics]
        for width in self.delta_widths:
            rows.append(deltas(rows[-1], width, simple=self.simple_differences))
        if self.zero_mean:
            others = len(statics) - (self.recipe.energy is not None)
            rows[0] = np.concatenate([normalize(statics[:others], variance=False), statics[others:]])
        return np.concatenate(rows)

    def describe(self) -> str:
        """Return the whole chain in words and formulas, a line for each step."""
        lines = [self.recipe.describe()]
        if self.recipe.energy is not None:
            lines.append(f"{'':<13}a frame of zeros has the log energy {LOG_OF_ZERO:g}")
            if self.silence_floor_db is not None:
                floor = f"at least the recording's maximum - {self.silence_floor_db:g} dB"
                lines.append(f"{'':<13}log energy: {floor}; then 1 - {self.energy_scale:g} (maximum - e)")
        for name, width in zip(("deltas", "accelerations", "thirds"), self.delta_widths, strict=False):
            how = "(c[t+w] - c[t-w]) / (2 w)" if self.simple_differences else "regression over t-w to t+w"
            lines.append(f"{name:<13} {how}, w = {width}, edges repeated")
        if self.zero_mean:
            lines.append(f"{'mean':<13}of each static feature but the energy over the recording, subtracted")
        return "\n".join(lines)


def normalize_energy(log_energy: np.ndarray, silence_floor_db: float = 50.0, scale: float = 0.1) -> np.ndarray:
    """Return 1 - scale (max - e), where e is the log energy or, if that is more, max - silence_floor_db ln(10) / 10.

    HTK's ENORMALISE with SILFLOOR and ESCALE: the loudest frame of a recording gets 1. A frame then depends on its
    whole recording, which is not known yet while a live signal is heard.

    Parameters
    ----------
    log_energy : array, shape (n_frames,)
        Natural logarithms of energies.
    silence_floor_db, scale : float

    Examples
    --------
    >>> normalize_energy(np.array([0.0, 10.0, 20.0])).round(3).tolist()
    [-0.151, 0.0, 1.0]
    """
    loudest = log_energy.max()
    return 1 - scale * (loudest - np.maximum(log_energy, loudest - silence_floor_db * math.log(10) / 10))
