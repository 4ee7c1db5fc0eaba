"""The same type in, the same type out, in every byte order."""

import numpy as np
import pytest

import mfcc
from mfcc import MFCC, dct, fft

RECIPE = MFCC(sr=8000, n_fft=64, n_mels=6, n_mfcc=6, c0="first")
Y = np.sin(0.1 * np.arange(640))
STEPS = {
    "fft": lambda x: fft.fft(x[:64]),
    "fft, longer": lambda x: fft.fft(x[:50], n=64),
    "ifft": lambda x: fft.ifft(x[:64]),
    "rfft": lambda x: fft.rfft(x[:64]),
    "irfft": lambda x: fft.irfft(x[:33]),
    "dct": lambda x: dct.dct(x[:30]),
    "idct": lambda x: dct.idct(x[:30], n=40),
    "recipe": RECIPE,
    "stream": lambda x: np.concatenate(list(RECIPE.stream(np.array_split(x, 3))), axis=1),
    "deltas": lambda x: mfcc.deltas(x[:120].reshape(6, -1)),
    "normalize": lambda x: mfcc.normalize(x[:600].reshape(6, -1)),
    "to_log_mel": lambda x: mfcc.to_log_mel(x[:60].reshape(6, -1), RECIPE),
    "to_mel": lambda x: mfcc.to_mel(x[:60].reshape(6, -1), RECIPE),
    "to_spectrum": lambda x: mfcc.to_spectrum(x[:24].reshape(6, -1), RECIPE, n_iter=2),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("step", STEPS)
def test_the_type_of_the_result(step, name, order):
    y = (np.abs(Y) if step == "to_spectrum" else Y).astype(name)
    expected = STEPS[step](y)
    actual = STEPS[step](y.astype(np.dtype(name).newbyteorder(order)))
    assert actual.dtype in {"float32": ("float32", "complex64"), "float64": ("float64", "complex128")}[name]
    assert actual.dtype == expected.dtype and actual.dtype.isnative
    np.testing.assert_array_equal(actual, expected)
