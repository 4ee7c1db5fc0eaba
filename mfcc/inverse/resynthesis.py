"""Sound from features.

Features leave out the waveform (phases) and, from mel bands on, the pitch. Loudness, timbre and rhythm are heard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mfcc.checks import check_integer, check_is, check_rng, check_rows
from mfcc.inverse.phase_retrieval import griffin_lim
from mfcc.inverse.steps import log_mel_of, to_mel, to_spectrum, undo_logarithm
from mfcc.recipe import MFCC


def resynthesize(
    features: ArrayLike,
    recipe: MFCC,
    rng: np.random.Generator,
    *,
    c0: ArrayLike | None = None,
    n_iter: int = 32,
) -> np.ndarray:
    """Return samples that sound like the original as far as features keep it.

    The way is log_mel_of, to_mel, to_spectrum, griffin_lim, from wherever the recipe's output lies on it. Coefficients
    keep loudness, timbre and rhythm. Lost are the pitch (harmonics lie closer together than mel filters), the waveform
    (phases are made up) and what is shorter than a frame; spectra keep the pitch. `lost` says it of a recipe.

    Parameters
    ----------
    features : array, shape (n_features, n_frames)
        As the recipe gives them.
    recipe : MFCC
    rng : numpy.random.Generator
        Draws the first phases.
    c0 : number or array, shape (n_frames,), optional
        See `to_log_mel`. A recipe without C0 and energy (FILMSCORE) gives all frames about the same loudness.
    n_iter : int
        Iterations of `griffin_lim`.

    Returns
    -------
    array, shape (n_samples,)
        At recipe.sr; full scale is 1.0, beyond which nothing is cut off.

    Raises
    ------
    ValueError, TypeError
        As the functions on the way.

    Examples
    --------
    >>> from mfcc import MFCC
    >>> recipe = MFCC(n_fft=512, n_mels=20, n_mfcc=20)
    >>> resynthesize(recipe(np.sin(0.1 * np.arange(8192))), recipe, np.random.default_rng(0)).shape
    (8192,)
    """
    who = "resynthesize"
    check_is(who, "recipe", recipe, MFCC)
    check_rng(who, rng)
    n_iter = check_integer(who, "n_iter", n_iter, minimum=0, maximum=10**6)
    rows, named = recipe.n_features, "n_coefficients" if recipe.output == "mfcc" else "n_features"
    x: ArrayLike = check_rows(who, "features", features, rows, named)
    if c0 is not None and recipe.output != "mfcc":
        raise ValueError(f"{who}: c0: expected None for a recipe with output={recipe.output!r}, got {c0!r}.")
    if recipe.output == "mfcc":
        x = log_mel_of(who, "features", x, recipe, c0)
    if recipe.output in ("mfcc", "log_mel"):
        x = to_mel(x, recipe)
    if recipe.output in ("mfcc", "log_mel", "mel"):
        x = to_spectrum(x, recipe)
    if recipe.output == "log_spectrum":
        x = undo_logarithm(who, "features", x, recipe, rows, named)
    return griffin_lim(x, recipe, n_iter=n_iter, rng=rng)


def lost(recipe: MFCC) -> tuple[str, ...]:
    """Return the words for all that the features of a recipe lose of a sound.

    Examples
    --------
    >>> from mfcc import FILMSCORE
    >>> lost(FILMSCORE), lost(FILMSCORE.replace(output="spectrum"))
    (('waveform', 'pitch', 'loudness'), ('waveform',))
    """
    words = ["waveform"]
    if recipe.output in ("mfcc", "log_mel", "mel"):
        words.append("pitch")
    if recipe.output == "mfcc":
        words += ["fine shape of the spectrum"] * (recipe.n_mfcc < recipe.n_mels)
        words += ["loudness"] * (recipe.c0 == "drop" and recipe.energy is None)
    return tuple(words)
