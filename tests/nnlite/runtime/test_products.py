"""Products in blocks against the definition, at any number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.runtime import products
from nnlite.runtime.threads import at_most

SIZES = st.integers(1, 70)


@pytest.fixture(autouse=True, scope="module")
def _small_blocks():
    """Make blocks small, so that products of all kinds are cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "BLOCK", 500)
        patch.setattr(products, "MOST", 8)
        yield


@given(SIZES, SIZES, SIZES, st.sampled_from(["float32", "float64"]), st.booleans(), st.booleans())
def test_against_the_definition(m, k, n, dtype, a_turned, b_turned):
    rng = np.random.default_rng(m + k + n)
    a = rng.standard_normal((k, m) if a_turned else (m, k)).astype(dtype)
    b = rng.standard_normal((n, k) if b_turned else (k, n)).astype(dtype)
    a, b = a.T if a_turned else a, b.T if b_turned else b
    expected = np.einsum("ik,kj->ij", a.astype(np.float64), b.astype(np.float64))
    results = []
    for n_threads in (1, 3):
        with at_most(n_threads):
            results.append(products.matmul(a, b))
    assert results[0].dtype == dtype and results[0].flags.c_contiguous
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_allclose(results[0], expected, rtol=0, atol=(1e-5 if dtype == "float32" else 1e-13) * np.sqrt(k))


@pytest.mark.parametrize(
    ("shape", "sides"),
    [((2, 2000, 3), {2, 3}), ((40, 3, 90), {3, 40}), ((90, 3, 40), {3, 40}), ((2, 3, 4), {2, 3, 4})],
)
def test_what_is_cut_is_the_longest_side(monkeypatch, shape, sides):
    cut = []
    monkeypatch.setattr(products, "_run", cut.extend)
    products.matmul(np.ones(shape[:2]), np.ones(shape[1:]))
    assert all(a.shape[1] == b.shape[0] and out.shape == (len(a), b.shape[1]) for a, b, out in cut)
    assert all({*a.shape, *b.shape} >= sides for a, b, _ in cut)
    assert sum(len(a) * b.size for a, b, _ in cut) == (np.prod(shape) if cut else 0)


def test_partial_sums_are_few_next_to_the_factors(monkeypatch):
    cut = []
    monkeypatch.setattr(products, "_run", cut.extend)
    products.matmul(np.ones((60, 70)), np.ones((70, 60)))
    assert len(cut) == 8 and {a.shape[1] for a, _, _ in cut} == {70}
