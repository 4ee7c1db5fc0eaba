"""A random part of some units, such as samples or groups of them: stratified, and with exact expected shares."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

TINY = 1e-9
"""A chance that differs from 0 or 1 by no more than this is 0 or 1: sums of chances round."""

IntArray = NDArray[np.intp]


def chances(n_units: int, kinds: Sequence[IntArray], fraction: float) -> NDArray[np.float64]:
    """Return the chance of each unit to be drawn by `draw_part`.

    It is `fraction`. It is lower where a kind would lose more than all but one of its units, and 0 for the only unit of
    a kind. All are raised alike if less than one unit would be drawn on average.

    Parameters
    ----------
    n_units : int
    kinds : sequence of ndarray of int
        The units of each kind, each kind with one unit or more. A unit may be of several kinds, or of none.
    fraction : float
        In (0, 1).

    Examples
    --------
    >>> chances(4, [np.array([0]), np.array([1, 2, 3])], 0.5).tolist()
    [0.0, 0.5, 0.5, 0.5]
    """
    chance = np.full(n_units, float(fraction))
    for units in kinds:
        chance[units] = np.minimum(chance[units], (len(units) - 1) / len(units))
    total = chance.sum()
    return chance / total if 0 < total < 1 else chance


def draw_part(
    chance: NDArray[np.float64],
    kinds: Sequence[IntArray],
    patterns: NDArray,
    sizes: NDArray,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Draw units at random; each is drawn with exactly its chance, and each kind keeps a unit that is not drawn.

    The number of units drawn, in all and of each pattern, is what is expected, rounded down or up, wherever chances
    allow; so is that of a kind as far as its units are of no rarer kind.

    Two units compete for the sum of their chances, which leaves one of them decided and the expectation of both as it
    was (the pivotal method). Who competes with whom is free. First there are a few units of each kind that has none
    which is sure to stay, so that one of them will stay; then units of the same kinds; then those that share one kind,
    the rarest first; then all that are left. Where kinds are so entangled that one would lose all of its units
    nevertheless, one of them is put back; only then is a chance lower than it says.

    Parameters
    ----------
    chance : ndarray (n_units,)
        From `chances`.
    kinds : sequence of ndarray of int
    patterns : ndarray (n_units,) of int
        Equal for units that are of the same kinds.
    sizes : ndarray (n_units,)
        Size of each unit: units of similar size compete, so that the size of the part varies less.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (n_units,) of bool
        True for units that are drawn.

    References
    ----------
    J.-C. Deville and Y. Tillé, "Unequal probability sampling without replacement through a splitting method",
    Biometrika 85, 1998.
    """
    chance = chance.copy()
    rarest_first = sorted(kinds, key=len)
    luck = iter(rng.random(2 * len(chance) + len(kinds)).tolist())  # each competition decides about a unit
    for units in rarest_first:
        if (chance[units] == 0).any():
            continue
        units = rng.permutation(units)
        units = units[np.argsort(chance[units], kind="stable")]
        enough = np.cumsum(chance[units]) <= np.arange(len(units)) + TINY
        if enough.any():
            _compete(chance, units[: int(enough.argmax()) + 1], luck)
    order = rng.permutation(len(chance))
    order = order[np.lexsort((sizes[order], patterns[order]))]
    for units in np.split(order, np.flatnonzero(np.diff(patterns[order])) + 1):
        _compete(chance, units, luck)
    for units in itertools.chain(rarest_first, [np.arange(len(chance))]):
        undecided = units[(chance[units] > 0) & (chance[units] < 1)]
        _compete(chance, rng.permutation(undecided), luck)
    drawn = np.array([value > next(luck) if 0 < value < 1 else value == 1 for value in chance.tolist()], bool)
    for units in rarest_first:
        if drawn[units].all():
            drawn[rng.choice(units)] = False
    return drawn


def _compete(chance: NDArray[np.float64], units: Iterable[int], luck: Iterator[float]) -> None:
    """Let units compete one after the other until at most one of them is undecided; changes `chance`."""
    units = np.asarray(units)
    values = chance[units].tolist()
    last = -1
    for i, value in enumerate(values):
        if not 0 < value < 1:
            continue
        if last < 0:
            last = i
            continue
        total = values[last] + value
        if total <= 1 + TINY:  # one gets it all, the other nothing
            total, decided = (1.0 if total >= 1 - TINY else total), 0.0
            goes_to_last = next(luck) * total >= value
        else:  # one gets 1, the other the rest
            total, decided = total - 1, 1.0
            goes_to_last = next(luck) * (1 - total) < 1 - values[last]
        winner, other = (last, i) if goes_to_last else (i, last)
        values[winner], values[other] = total, decided
        last = winner if 0 < total < 1 else -1
    chance[units] = values
