"""Normalisation of features that come in blocks: the formula frame by frame, whatever the cuts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfcc import FILMSCORE, normalize, normalize_stream


def naive(x, mean, variance, window):
    y = np.empty_like(x)
    for t in range(x.shape[1]):
        for row in range(len(x)):
            part = x[row, max(0, t + 1 - (window or t + 1)) : t + 1]
            y[row, t] = x[row, t] - (part.mean() if mean else 0)
            if variance and part.min() < part.max():
                y[row, t] /= np.sqrt(np.mean((part - part.mean()) ** 2))
    return y


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 30), st.lists(st.integers(0, 30), max_size=4),
    st.booleans(), st.booleans(), st.sampled_from([None, 2, 5, 100]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_formula_and_any_cut(seed, n, cuts, mean, variance, window):
    x = np.random.default_rng(seed).standard_normal((3, n)) + 1000
    x[1] = 7.1
    kept = x.copy()
    whole = np.concatenate(list(normalize_stream([x], mean, variance, window)), axis=1)
    np.testing.assert_allclose(whole, naive(x, mean, variance, window), rtol=1e-8, atol=1e-8)
    blocks = np.split(x, sorted(cuts), axis=1)
    parts = list(normalize_stream(blocks, mean, variance, window))
    assert [part.shape for part in parts] == [block.shape for block in blocks]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    np.testing.assert_array_equal(x, kept)


def test_the_last_frame_is_that_of_the_whole():
    y = np.random.default_rng(0).standard_normal(50_000).astype(np.float32)
    live = list(normalize_stream(FILMSCORE.stream(np.split(y, range(220, len(y), 220)))))
    np.testing.assert_allclose(live[-1][:, -1], normalize(FILMSCORE(y))[:, -1], rtol=1e-4, atol=1e-5)
    assert live[-1].dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([np.zeros((3, 2)), np.zeros((4, 2))],), "expected blocks of shape .3 features, n_frames"),
        (([np.zeros(3)],), "expected blocks of shape .n_features"),
        (([np.full((2, 2), np.nan)],), "expected finite numbers"),
        ((np.zeros((3, 2)),), "expected an iterable of arrays, got one array"),
        (([], True, True, 1), "window: expected an integer of at least 2"),
    ],
)
def test_errors(arguments, match):
    with pytest.raises((ValueError, TypeError), match=f"normalize_stream: .*{match}"):
        list(normalize_stream(*arguments))
