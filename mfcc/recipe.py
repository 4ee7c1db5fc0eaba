"""MFCC: a frozen description of every knob between samples and cepstral coefficients; calling it computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mfcc import knobs, mel
from mfcc.checks import check_blocks, check_integer, check_number, check_samples
from mfcc.describe import describe
from mfcc.knobs import Knobs


@dataclass(frozen=True, kw_only=True)
class MFCC(Knobs):
    """A recipe of mel-frequency cepstral coefficients, which computes them: `MFCC(...)(y)`.

    A recipe is a value: two with equal knobs are equal, hashable and interchangeable. The default is the published one
    for film scores: 40 coefficients from frames of 2,048 samples at 22,050 Hz. See `mfcc.presets` for those of other
    tools. The steps, in order:

    Parameters
    ----------
    sr : float
        Sampling rate in Hz.
    full_scale : float
        Samples are multiplied by this: the amplitude that a float sample of 1.0 stands for. HTK and Kaldi compute with
        16-bit numbers: 32768.
    integer_full_scale : "type", float or None
        What stands for 1.0 when samples are integers. "type": the full scale of their type, 128 for int8 and uint8,
        32768 for int16 and uint16, 2^31 and 2^63 for the wider ones. A number: that one, for 12 bits in int16 it is
        2048. None: integers are refused. It is subtracted from unsigned ones first, whose silence is in the middle:
        uint8 is (y - 128) / 128.
    preemphasis : float
        a in x[i] - a x[i - 1], from 0 (off) to 1.
    preemphasis_scope : "frame" or "signal"
        "frame": in each frame; its first sample is multiplied by 1 - a (HTK, Kaldi). "signal": along the whole
        signal; its first sample is kept (python_speech_features).
    n_fft : int, optional
        Length of the Fourier transform in samples, at least 2; products of twos, threes and fives take least time.
        Default: 2048, or the next power of two of a window that is given in seconds.
    win_length : int, optional
        Length of the window in samples, at most n_fft. Default: win_seconds, or else n_fft.
    hop_length : int, optional
        From one frame to the next in samples. Default: hop_seconds, or else win_length, frames without overlap.
    win_seconds, hop_seconds : float, optional
        The same lengths in seconds, which `replace` keeps at another rate. A length in samples that is given and is
        another one counts, and the seconds become None. Recipes of equal lengths in samples are equal.
    seconds_rounding : "down" or "nearest"
        How seconds become samples: rounded down (HTK, Kaldi), or halves up (python_speech_features).
    zero_padding : "after" or "around"
        Where a window shorter than n_fft gets its zeros. "after": frames are win_length samples long (HTK, Kaldi);
        "around": n_fft samples, with the window in the middle (librosa, torchaudio).
    center, pad_mode, partial
        Where frames lie and what is beyond the ends of the signal: see `mfcc.framing.frame`.
    remove_mean : bool
        Subtract the mean from each frame, before pre-emphasis.
    window : str
        See `mfcc.windows.get_window`.
    window_periodic : bool
        One period of a periodic window (True) or a symmetric one (False).
    power : 1 or 2
        Magnitude or power spectrum.
    spectrum_scale : None, "length" or "window"
        Divide power by n_fft ("length") or by the window's sum of squares ("window"), magnitude by the root of it.
    n_mels, fmin, fmax, mel_formula, filter_shape, filter_norm, skip_edge_bins, warp, warp_low, warp_high
        The mel filter bank: see `mfcc.mel.mel_filterbank`. fmin and fmax in Hz; the default of fmax is sr / 2.
    filter_sr : float, optional
        The sampling rate in Hz that the filter bank is made for. None: sr. HTK drops fractions of the sampling period
        in units of 100 ns: at 22,050 Hz it makes filters for 1e7 / 453 Hz.
    log : "natural" or "decibel"
        ln(m), or 10 log10(m) of power and 20 log10(m) of magnitude.
    log_floor : float
        An absolute bound below the argument of the logarithm, above 0.
    log_floor_mode : "clip", "zeros" or "add"
        max(m, floor); the floor in place of zeros only; m + floor.
    top_db : float, optional
        Raise everything that is more than this many decibels below the loudest mel value of the whole signal; needs
        log="decibel". It makes a frame depend on the rest of its signal; None is off. librosa and torchaudio have 80.
    n_mfcc : int
        Number of cosines, at most n_mels, the constant one (C0) included.
    dct_type : 1, 2 or 3
    dct_norm : "ortho", "htk" or None
        See `mfcc.dct.dct`; "htk" is orthonormal but for C0, larger by sqrt(2), and for the rounding of HTK's angles.
    lifter : float
        L in 1 + L / 2 sin(pi n / L), the weight of coefficient n; 0 is off.
    lifter_start : 0 or 1
        n of C0: 0, or 1 (librosa's count).
    c0 : "first", "last" or "drop"
        Where C0 goes. "last" is HTK's order.
    energy : None, "raw", "windowed" or "spectrum"
        Logarithm of a frame's energy: of its samples, before pre-emphasis and window or after, or the sum of its
        spectrum's bins.
    energy_place : "c0" or "append"
        The energy replaces C0 (Kaldi) or becomes an additional last coefficient (HTK).
    energy_floor : float
        Lower bound of the energy, above 0; with log_floor_mode="zeros" it takes the place of zeros only.
    output : "mfcc", "log_mel", "mel", "log_spectrum" or "spectrum"
        The end of the chain, which a call returns: coefficients, or one of the steps towards them. Knobs of later steps
        have no effect. The logarithm of the spectrum takes the knobs of the logarithm of the mel bands.

    Examples
    --------
    >>> recipe = MFCC()
    >>> recipe(np.zeros(22050, np.float32)).shape
    (40, 10)
    >>> recipe.difference(MFCC(n_fft=1024))
    ('n_fft', 'win_length', 'hop_length')
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output not in ("log_spectrum", "spectrum"):
            bank = knobs.bank_arguments(vars(self))
            mel.warn_of_empty_filters("MFCC", bank, mel.filter_weights(bank), stacklevel=4)

    def __call__(self, y: np.ndarray, *, sr: float | None = None, threads: int | None = None) -> np.ndarray:
        """Return the features of a mono signal, shape (n_features, n_frames), C-contiguous.

        `mfcc.features(path, recipe)` takes a recording, and brings it to the recipe's rate.

        Parameters
        ----------
        y : array, shape (n_samples,)
            Samples at the recipe's rate, full scale 1.0. float32 (and integers of up to 16 bits, if the recipe states
            their scale) gives float32, float64 (and wider integers) gives float64.
        sr : float, optional
            The rate of y in Hz, to be checked: `y, sr = mfcc.load(path)` may give another one than the recipe's.
        threads : int, optional
            How many to compute with; the result is the same to the bit. Default: as many as there are CPUs, if the
            signal is long enough.

        Raises
        ------
        ValueError
            For a signal that is not mono, not finite, or too short for one frame, and for another rate.
        TypeError
            For integers where the recipe states no scale, and for what is no number.
        """
        if sr is not None:
            self._check_rate(sr)
        return self._run(self.output, y, threads)

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the features of a signal that comes in blocks: each frame right after the block that completes it.

        A microphone's blocks of 10 ms have no delay but that of their frame; of a file take blocks of some seconds,
        which are faster. Joined along their last axis they are those of the whole signal, bit for bit, whatever the
        cuts; what is held in memory does not grow with its length. But with `top_db`, as LIBROSA and TORCHAUDIO have
        it, a frame depends on the whole signal: all of it is held, and nothing comes before its end. LIBROSA_UNLIMITED
        and TORCHAUDIO_UNLIMITED have no such limit.

        Parameters
        ----------
        blocks : iterable of arrays, shape (any length,)
            Mono samples at `sr`, as for a call, of one type, which the features have too. `mfcc.blocks` reads them from
            a file.

        Yields
        ------
        array, shape (n_features, up to 512 frames)

        Raises
        ------
        ValueError, TypeError
            As a call, when the block comes; for a signal too short for one frame at the end. TypeError at once for what
            is no iterable of blocks, such as all samples or the name of a file.

        Examples
        --------
        >>> recipe = MFCC()
        >>> y = np.sin(0.1 * np.arange(100_000))
        >>> parts = list(recipe.stream(y[first : first + 999] for first in range(0, 100_000, 999)))
        >>> np.array_equal(np.concatenate(parts, axis=1), recipe(y))
        True
        """
        from mfcc.streaming import stream  # loads numba: half a second that only computing needs

        check_blocks("MFCC.stream", blocks)
        return stream(self, blocks)

    def power_spectrogram(self, y: np.ndarray, *, threads: int | None = None) -> np.ndarray:
        """Return the power spectrum (magnitude if power=1) of each frame, shape (n_fft // 2 + 1, n_frames)."""
        return self._run("spectrum", y, threads)

    def log_spectrogram(self, y: np.ndarray, *, threads: int | None = None) -> np.ndarray:
        """Return the logarithm of the spectrum of each frame, shape (n_fft // 2 + 1, n_frames)."""
        return self._run("log_spectrum", y, threads)

    def mel_spectrogram(self, y: np.ndarray, *, threads: int | None = None) -> np.ndarray:
        """Return the output of the mel filters, shape (n_mels, n_frames)."""
        return self._run("mel", y, threads)

    def log_mel(self, y: np.ndarray, *, threads: int | None = None) -> np.ndarray:
        """Return the logarithm of the output of the mel filters, shape (n_mels, n_frames)."""
        return self._run("log_mel", y, threads)

    def replace(self, **changes: Any) -> MFCC:
        """Return the recipe with other values of some knobs; knobs that followed another go on following it.

        A window as long as the transform stays so, frames without overlap too, and filters that end at sr / 2. Windows
        and hops in seconds keep them at another rate, and the transform remains the next power of two.
        `dataclasses.replace` would leave those knobs where they are.

        Raises
        ------
        ValueError, TypeError
            As the recipe itself, and TypeError for an unknown knob.

        Examples
        --------
        >>> MFCC().replace(sr=16000, n_fft=512).difference(MFCC(sr=16000, n_fft=512))
        ()
        >>> from mfcc import KALDI
        >>> telephone = KALDI.replace(sr=8000)
        >>> telephone.win_length, telephone.hop_length, telephone.n_fft, telephone.fmax
        (200, 80, 256, 4000.0)
        """
        unknown = [name for name in changes if name not in self.__dataclass_fields__]
        if unknown:
            listed = ", ".join(self.__dataclass_fields__)
            raise TypeError(f"MFCC.replace: expected knobs out of {listed}, got {', '.join(unknown)}.")
        in_seconds = changes.get("win_seconds", self.win_seconds) is not None
        follows = {
            "n_fft": in_seconds and "win_length" not in changes and self.n_fft == knobs.fft_length(self.win_length),
            "win_length": in_seconds or self.win_length == self.n_fft,
            "hop_length": changes.get("hop_seconds", self.hop_seconds) is not None
            or self.hop_length == self.win_length,
            "fmax": self.fmax == self.sr / 2,
        }
        return dataclasses.replace(self, **{name: None for name, does in follows.items() if does} | changes)

    def describe(self) -> str:
        """Return the whole chain in words and formulas, a line for each step."""
        return describe(self)

    def to_dict(self) -> dict[str, Any]:
        """Return every knob under its name, and the version of their meaning, fit for JSON."""
        return knobs.to_description(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> MFCC:
        """Return the recipe that `to_dict` described; ValueError for an unknown or missing knob or another version."""
        return cls(**knobs.from_description(description))

    def difference(self, other: MFCC) -> tuple[str, ...]:
        """Return the names of the knobs in which two recipes differ, in order; empty if they are equal."""
        if not isinstance(other, MFCC):
            raise TypeError(f"MFCC.difference: other: expected an MFCC, got {type(other).__name__}.")
        names = (field.name for field in dataclasses.fields(self) if field.compare)
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))

    def check_same(self, other: MFCC, who: str = "MFCC.check_same") -> None:
        """Raise ValueError if another recipe differs, with every knob that does and both values.

        Features for a model have to come from the recipe that it was trained with. That is this recipe; `other` is the
        recipe of the features, and the error begins with `who`.

        Examples
        --------
        >>> MFCC().check_same(MFCC(n_mels=64))
        Traceback (most recent call last):
        ...
        ValueError: MFCC.check_same: expected features by the same recipe, got another: n_mels: expected 41, got 64.
        Compute them again by the recipe that is expected.
        """
        names = self.difference(other)
        if names:
            values = ((name, getattr(self, name), getattr(other, name)) for name in names)
            both = "; ".join(f"{name}: expected {mine!r}, got {theirs!r}" for name, mine, theirs in values)
            raise ValueError(
                f"{who}: expected features by the same recipe, got another: {both}. "
                f"Compute them again by the recipe that is expected."
            )

    def _check_rate(self, sr: float) -> None:
        rate = check_number("MFCC", "sr", sr, hint="It is the sampling rate of y in Hz.")
        if rate != self.sr:
            raise ValueError(
                f"MFCC: sr: expected samples at the recipe's {self.sr:g} Hz, got {rate:g} Hz. Load them so, "
                f"mfcc.load(path, {self.sr:g}), let mfcc.features(path, recipe) do both, or take "
                f"recipe.replace(sr={rate:g})."
            )

    def _run(self, stage: str, y: np.ndarray, threads: int | None) -> np.ndarray:
        from mfcc import chain  # loads numba: half a second that only computing needs

        if threads is not None:
            threads = check_integer("MFCC", "threads", threads)
        y = check_samples("MFCC", y, integer_full_scale=self.integer_full_scale)
        chain.check_one_frame("MFCC", "y", self, len(y))
        return chain.run(self, stage, y, threads)
