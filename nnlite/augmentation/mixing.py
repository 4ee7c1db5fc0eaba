"""Mixup: samples that are mixed of two, with targets that are mixed too (Zhang et al., ICLR 2018)."""

import numpy as np
from numpy.typing import NDArray

from nnlite.checks import as_numbers, check_integer, check_number, check_rng

__all__ = ["mix", "mixup_draws"]


def mixup_draws(n_samples: int, alpha: float, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray]:
    """Return a partner for each sample of a batch, and the share that the sample keeps.

    Parameters
    ----------
    n_samples : int
    alpha : float
        Shares are drawn from the beta distribution with both parameters `alpha`: near 0 and 1 for a small one, evenly
        for 1. More than 0.
    rng : numpy.random.Generator

    Returns
    -------
    partners : ndarray (n_samples,) of int
        A permutation of the batch.
    shares : ndarray (n_samples,)
        From 0 to 1; each sample has its own.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.

    Examples
    --------
    >>> partners, shares = mixup_draws(3, 0.2, np.random.default_rng(1))
    >>> partners, shares.round(2)
    (array([0, 1, 2]), array([0.  , 0.18, 0.97]))
    """
    who = "mixup_draws"
    check_integer(who, "n_samples", n_samples)
    check_rng(who, rng)
    check_number(who, "alpha", alpha, low=np.finfo(float).tiny, expected="a positive finite number")
    return rng.permutation(n_samples), rng.beta(float(alpha), float(alpha), n_samples)


def mix(samples: NDArray, partners: NDArray, shares: NDArray) -> NDArray:
    """Return ``share * sample + (1 - share) * partner`` for each sample, in the samples' float dtype.

    Parameters
    ----------
    samples, partners : ndarray (n_samples, ...)
        Of one shape. Integers are mixed in float32.
    shares : ndarray (n_samples,)

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If the shapes don't fit.

    Examples
    --------
    >>> mix(np.array([[0.0, 1.0]]), np.array([[4.0, 1.0]]), np.array([0.75]))
    array([[1., 1.]])
    """
    samples, partners = as_numbers("mix", "samples", samples), as_numbers("mix", "partners", partners)
    shares = as_numbers("mix", "shares", shares)
    if samples.shape != partners.shape or shares.shape != samples.shape[:1] or not samples.ndim:
        raise ValueError(
            f"mix: expected samples and partners of one shape and a share for each, got shapes {samples.shape}, "
            f"{partners.shape} and {shares.shape}."
        )
    dtype = samples.dtype if samples.dtype.kind == "f" else np.dtype(np.float32)
    kept = shares.astype(dtype).reshape(-1, *[1] * (samples.ndim - 1))
    return kept * samples.astype(dtype, copy=False) + (1 - kept) * partners.astype(dtype, copy=False)
