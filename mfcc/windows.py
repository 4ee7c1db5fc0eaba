"""Window functions for spectral analysis.

F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", Proc. IEEE 66 (1978);
the Povey window is that of the Kaldi toolkit (feat/feature-window.cc).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from mfcc.checks import check_choice, check_flag, check_float_type, check_integer

# Windows that are sums of cosines, sum_k (-1)^k a[k] cos(2 pi k n / N), by their coefficients a.
_COSINE_SUMS: dict[str, tuple[float, ...]] = {
    "rectangular": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}

WINDOWS: tuple[str, ...] = (*_COSINE_SUMS, "bartlett", "sine", "povey")
"""The names that `get_window` knows."""


def get_window(name: str, length: int, *, periodic: bool = True, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Return a window of `length` samples, shape (length,).

    Parameters
    ----------
    name : str
        "rectangular", "hann", "hamming", "blackman", "nuttall", "blackmanharris", "flattop", "bartlett" (triangular,
        zero at the ends), "sine" (half a period), or "povey" (hann to the power of 0.85).
    length : int
        Number of samples, at least 1.
    periodic : bool
        True: one period of a periodic sequence, of which `length` samples are taken (for spectral analysis; librosa,
        torchaudio). False: symmetric, the first sample equals the last (HTK, Kaldi).
    dtype : float32 or float64
        The window is computed in float64 and rounded to this type.

    Raises
    ------
    ValueError
        For an unknown name, a length below 1, and another type.

    Examples
    --------
    >>> get_window("hann", 4, dtype=np.float32).tolist()
    [0.0, 0.5, 1.0, 0.5]
    >>> get_window("bartlett", 5, periodic=False).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    check_choice("get_window", "name", name, WINDOWS)
    length = check_integer("get_window", "length", length, maximum=1 << 31)
    periodic = check_flag("get_window", "periodic", periodic)
    dtype = check_float_type("get_window", dtype)
    if length == 1:
        return np.ones(1, dtype)
    phase = np.arange(length) / (length if periodic else length - 1)  # in periods
    if name == "bartlett":
        window = 1.0 - np.abs(2.0 * phase - 1.0)
    elif name == "sine":
        window = np.sin(np.pi * phase)
    elif name == "povey":
        window = np.sin(np.pi * phase) ** 2
        window = window**0.85
    else:
        window = np.zeros(length)
        for k, coefficient in enumerate(_COSINE_SUMS[name]):
            window += (-1) ** k * coefficient * np.cos(2.0 * np.pi * k * phase)
    return window.astype(dtype)
