"""Recordings cut into tiles: windows of features, with their times and levels, as a network takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mfcc.checks import check_choice, check_integer, check_number
from mfcc.presets import FILMSCORE
from mfcc.recipe import MFCC
from mfcc.recordings import check_recipe, read_features, too_short
from mfcc.sound.blocks import recut
from mfcc.sound.energy import stretch_energies
from mfcc.sound.opening import Source


@dataclass(frozen=True, eq=False)
class Tiles:
    """The tiles of one recording, windows of features; `numpy.asarray` gives `values`, and `len` the number of tiles.

    Attributes
    ----------
    values : array, shape (n_tiles, n_features, n_frames, 1), float32
    start_s : array, shape (n_tiles,)
        Time in seconds at which a tile begins, from the start of the recording.
    level_dbfs : array, shape (n_tiles,)
        Level of a tile's samples: 20 log10 of their root mean square. A sine of full scale has -3 dBFS, digital silence
        has -inf.
    silent : array of bool, shape (n_tiles,)
        Whether the level lies below the threshold that was given.
    recipe : MFCC
        How the features were computed.

    Examples
    --------
    A mask or a slice selects tiles:

    >>> both = tiles(np.concatenate([np.zeros(204_800, np.float32), np.ones(204_800, np.float32)]))
    >>> both.values.shape, both.silent.tolist()
    ((2, 40, 100, 1), [True, False])
    >>> both[~both.silent].start_s.round(2).tolist()
    [9.29]
    """

    values: np.ndarray
    start_s: np.ndarray
    level_dbfs: np.ndarray
    silent: np.ndarray
    recipe: MFCC

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype, copy=copy)

    def __getitem__(self, selection: slice | np.ndarray) -> Tiles:
        if not isinstance(selection, slice) and np.ndim(selection) != 1:
            raise TypeError(
                f"Tiles: selection: expected a slice, a mask or an array of indices, got {selection!r}. "
                "The features of tile i are in values[i]."
            )
        return Tiles(
            self.values[selection],
            self.start_s[selection],
            self.level_dbfs[selection],
            self.silent[selection],
            self.recipe,
        )

    @property
    def duration_s(self) -> float:
        """Length of a tile in seconds."""
        return self.values.shape[2] * self.recipe.hop_length / self.recipe.sr


def tiles(
    source: Source | np.ndarray,
    recipe: MFCC = FILMSCORE,
    *,
    n_frames: int = 100,
    hop_frames: int | None = None,
    silence_dbfs: float = -60.0,
    offset: float = 0.0,
    duration: float | None = None,
    on_truncated: Literal["raise", "keep"] = "raise",
    on_short: Literal["raise", "empty"] = "raise",
) -> Tiles:
    """Cut a recording into tiles of features.

    Parameters
    ----------
    source : str, bytes, os.PathLike, an open binary file or an array of shape (n_samples,)
        A recording to read, or mono samples at recipe.sr. The same samples give the same tiles. Of a recording there is
        never more in memory than its tiles and some blocks.
    recipe : MFCC
        The features: coefficients or, by its `output`, mel bands or spectra. The default are the published ones: a tile
        of 100 frames is 9.29 s long. With `top_db`, as LIBROSA and TORCHAUDIO have it, a tile depends on the rest of
        its recording; with LIBROSA_UNLIMITED and TORCHAUDIO_UNLIMITED it doesn't.
    n_frames : int
        Frames of a tile. What is left at the end and fills no tile is left out.
    hop_frames : int, optional
        Frames from one tile to the next. Default: n_frames, tiles without overlap.
    silence_dbfs : float
        Tiles of a lower level are marked as silent.
    offset, duration : float, optional
        Excerpt of the recording in seconds.
    on_truncated : "raise" or "keep"
        See `load`.
    on_short : "raise" or "empty"
        What to do about a recording that is shorter than a tile: refuse it, or return no tiles.

    Returns
    -------
    Tiles

    Raises
    ------
    AudioError
        For a file that `load` refuses, and for one that is shorter than a tile.
    ValueError, TypeError
        For samples that are not mono, not finite, or fill no tile, and for arguments out of range.
    """
    check_recipe("tiles", recipe)
    n_frames = check_integer("tiles", "n_frames", n_frames, maximum=1 << 22)
    hop_frames = n_frames if hop_frames is None else check_integer("tiles", "hop_frames", hop_frames, maximum=1 << 40)
    silence_dbfs = check_number("tiles", "silence_dbfs", silence_dbfs, hint="It is in decibels below full scale.")
    check_choice("tiles", "on_short", on_short, ("raise", "empty"))
    meter = _Meter(recipe.hop_length)
    chunks = read_features(
        "tiles", source, recipe, (recipe.output,), offset, duration, on_truncated, meter.through, np.float32
    )
    values = _windows((chunk for (chunk,) in chunks), recipe.n_features, n_frames, hop_frames)
    count = len(values)
    if count == 0 and on_short == "raise":
        raise too_short(
            "tiles",
            source,
            f"{meter.n_samples / recipe.sr:.2f} s, a tile of {n_frames} frames takes "
            f"{n_frames / recipe.frame_rate:.2f} s.",
            "Lower n_frames, or have no tiles of it with on_short='empty'.",
        )
    first = np.arange(count) * hop_frames
    level = meter.level_dbfs(first, n_frames)
    return Tiles(
        values=values,
        start_s=offset + first * recipe.hop_length / recipe.sr,
        level_dbfs=level,
        silent=level < silence_dbfs,
        recipe=recipe,
    )


class _Meter:
    """The energy of each stretch of hop_length samples of a signal that passes through."""

    def __init__(self, hop_length: int) -> None:
        self.hop_length = hop_length
        self.n_samples = 0
        self._energies: list[np.ndarray] = []

    def through(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for block in recut(blocks, self.hop_length * max(1, (1 << 18) // self.hop_length)):
            self._energies.append(stretch_energies(block, self.hop_length))
            self.n_samples += len(block)
            yield block

    def level_dbfs(self, first: np.ndarray, n_frames: int) -> np.ndarray:
        """Return the level of n_frames stretches from the `first` ones on, as far as the signal goes."""
        energies = np.concatenate(self._energies or [np.zeros(0)])
        first = np.minimum(first, max(0, len(energies) - 1))  # a centred frame may lie behind the last sample
        samples = np.minimum((first + n_frames) * self.hop_length, self.n_samples) - first * self.hop_length
        energy = np.array([energies[i : i + n_frames].sum() for i in first])
        with np.errstate(divide="ignore"):
            return 10.0 * np.log10(energy / samples)


def _windows(chunks: Iterable[np.ndarray], n_features: int, n_frames: int, hop_frames: int) -> np.ndarray:
    """Return tiles of features that come in chunks of frames, each chunk written to its places as it comes."""
    values, count, begin = np.empty((0, n_features, n_frames, 1), np.float32), 0, 0
    for chunk in chunks:
        end = begin + chunk.shape[1]
        started = max(0, -(-end // hop_frames))  # tiles that begin before the end of the chunk
        if started > len(values):
            values.resize((started + started // 4, n_features, n_frames, 1), refcheck=False)
        for i in range(count, started):
            first, last = max(begin, i * hop_frames), min(end, i * hop_frames + n_frames)
            if first < last:
                values[i, :, first - i * hop_frames : last - i * hop_frames, 0] = chunk[:, first - begin : last - begin]
        count, begin = max(0, 1 + (end - n_frames) // hop_frames), end  # tiles that are complete
    values.resize((count, n_features, n_frames, 1), refcheck=False)
    return values
