"""Names of the rows of features: of coefficients, mel bands, bins, and their deltas."""

from __future__ import annotations

from mfcc.recipe import MFCC


def feature_names(recipe: MFCC, deltas: int = 0) -> list[str]:
    """Return the names of the rows that a recipe returns, and of deltas behind them.

    Examples
    --------
    >>> feature_names(MFCC(n_mfcc=3, c0="last", energy="raw"), deltas=1)
    ['c1', 'c2', 'energy', 'd_c1', 'd_c2', 'd_energy']
    >>> feature_names(MFCC(output="mel"))[:2], feature_names(MFCC(output="spectrum"))[-1]
    (['band_1', 'band_2'], 'bin_1024')
    """
    if recipe.output == "mfcc":
        names = coefficient_names(recipe)
    elif recipe.output in ("mel", "log_mel"):
        names = [f"band_{i}" for i in range(1, recipe.n_mels + 1)]
    else:
        names = [f"bin_{i}" for i in range(recipe.n_features)]
    return [f"{'d' * order}{'_' * (order > 0)}{name}" for order in range(deltas + 1) for name in names]


def coefficient_names(recipe: MFCC) -> list[str]:
    """Return the names of the coefficients of a recipe: c0, c1, ..., energy.

    Examples
    --------
    >>> coefficient_names(MFCC(n_mfcc=4)), coefficient_names(MFCC(n_mfcc=3, c0="last", energy="raw"))
    (['c1', 'c2', 'c3'], ['c1', 'c2', 'energy'])
    """
    names = [f"c{i}" for i in range(1, recipe.n_mfcc)]
    c0 = "energy" if recipe.energy is not None and recipe.energy_place == "c0" else "c0"
    if recipe.c0 == "first":
        names.insert(0, c0)
    elif recipe.c0 == "last":
        names.append(c0)
    if recipe.energy is not None and recipe.energy_place == "append":
        names.append("energy")
    return names
