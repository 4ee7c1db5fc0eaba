"""The magnitudes of a recording over time and frequency, which the descriptors of spectra are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfcc.checks import check_finite, check_integer, check_is, check_number, check_samples
from mfcc.knobs import Knobs
from mfcc.mel import HIGHEST_SR, LOWEST_SR

_LONGEST, _FURTHEST = 1 << 20, 1 << 22  # of n_fft and hop_length


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """The magnitudes of the frames of a recording, and where they lie: made by `spectrogram`.

    Attributes
    ----------
    frames : array, shape (n_frames, n_fft // 2 + 1)
        Magnitudes, a frame in one piece. `magnitudes` has them the other way round.
    sr : float
        Sampling rate in Hz.
    n_fft, hop_length : int
        Length of a frame, and distance from one to the next, in samples. The middle of frame t is at sample
        t * hop_length.
    """

    frames: np.ndarray
    sr: float
    n_fft: int
    hop_length: int

    def __post_init__(self) -> None:
        who, x = "Spectrogram", self.frames
        check_is(who, "frames", x, np.ndarray)
        check_number(who, "sr", self.sr, minimum=LOWEST_SR, maximum=HIGHEST_SR)
        check_integer(who, "n_fft", self.n_fft, minimum=2, maximum=_LONGEST)
        check_integer(who, "hop_length", self.hop_length, maximum=_FURTHEST)
        bins = self.n_fft // 2 + 1
        if x.dtype not in (np.float32, np.float64) or x.ndim != 2 or not len(x) or x.shape[1] != bins:
            raise ValueError(
                f"{who}: frames: expected float32 or float64 of shape (n_frames, {bins}), n_fft // 2 + 1, got "
                f"{x.dtype} of shape {x.shape}. mfcc.spectrogram(y, sr) makes one of samples."
            )
        if not x.flags.c_contiguous:
            object.__setattr__(self, "frames", np.ascontiguousarray(x))
        if not all(np.isfinite(row).all() for row in x):
            raise ValueError(f"{who}: frames: expected finite magnitudes, got NaN or infinity.")

    @property
    def magnitudes(self) -> np.ndarray:
        """Magnitudes, shape (n_fft // 2 + 1, n_frames), as librosa has them: a view."""
        return self.frames.T

    @property
    def frequencies(self) -> np.ndarray:
        """Frequencies of the bins in Hz, shape (n_fft // 2 + 1,)."""
        return np.arange(self.n_fft // 2 + 1) * (self.sr / self.n_fft)

    @property
    def times(self) -> np.ndarray:
        """Times of the middles of the frames in seconds, shape (n_frames,)."""
        return np.arange(len(self.frames)) * (self.hop_length / self.sr)


def spectrogram(
    y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512, threads: int | None = None
) -> Spectrogram:
    """Return the magnitudes of the frames of a recording: `abs(librosa.stft(y))`.

    Frames are centred, with zeros beyond the ends, under a periodic Hann window. An hour at 22,050 Hz takes 640 MB,
    and twice that while it is computed; take excerpts of what is longer.

    Parameters
    ----------
    y : array, shape (n_samples,)
        Mono samples, full scale 1.0; integers are divided by the full scale of their type. float32 gives float32.
    sr : float
        Sampling rate in Hz: `y, sr = mfcc.load(path)` gives both.
    n_fft, hop_length : int
        Length of a frame, and from one frame to the next, in samples.
    threads : int, optional
        How many to compute with; the result is the same to the bit. Default: as many as there are CPUs, if the
        signal is long enough.

    Raises
    ------
    ValueError, TypeError
        For samples that are not mono, not finite, or none at all, and for arguments out of range.

    Examples
    --------
    >>> loud = spectrogram(np.sin(0.1 * np.arange(22050)), 22050)
    >>> loud.magnitudes.shape, loud.times[-1].round(3).item()
    ((1025, 44), 0.998)
    """
    from mfcc import chain  # loads numba: half a second that only computing needs

    who = "spectrogram"
    sr = check_number(who, "sr", sr, minimum=LOWEST_SR, maximum=HIGHEST_SR, hint="It is the sampling rate in Hz.")
    n_fft = check_integer(who, "n_fft", n_fft, minimum=2, maximum=_LONGEST)
    hop_length = check_integer(who, "hop_length", hop_length, maximum=_FURTHEST)
    threads = None if threads is None else check_integer(who, "threads", threads, maximum=1 << 16)
    y = checked_samples(who, y)
    frames = Knobs(
        sr=sr, n_fft=n_fft, hop_length=hop_length, center=True, zero_padding="around", power=1, n_mels=1, n_mfcc=1,
        c0="first", output="spectrum",
    )  # fmt: skip
    magnitudes = chain.run(frames, "spectrum", y, threads)
    return Spectrogram(np.ascontiguousarray(magnitudes.T), sr, n_fft, hop_length)


def checked_samples(who: str, y: np.ndarray) -> np.ndarray:
    """Return mono samples, at least one and all finite, as float32 or float64."""
    y = check_samples(who, y, integer_full_scale="type")
    if len(y) == 0:
        raise ValueError(f"{who}: y: expected at least one sample, got none.")
    check_finite(who, y)
    return y


def checked_spectrogram(who: str, given: Spectrogram) -> Spectrogram:
    """Return a spectrogram as it is; TypeError for what is none."""
    check_is(who, "spectrogram", given, Spectrogram)
    return given
