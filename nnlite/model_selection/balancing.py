"""Balanced folds of whole groups: the mass of each class and the sizes are as even as possible.

A greedy pass comes first, as in iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) but with groups of
several labels: the rarest class first, its largest group to the fold that lacks it most. An early choice for one class
may be bad for others. So groups then move or change places as long as that helps.
"""

import numpy as np
from numpy.typing import NDArray

from nnlite.model_selection.checks import FloatArray

# Bounds of the improvement, for time: the more groups there are, the less the greedy assignment leaves to improve.
_MAX_GROUPS = 5000
_MAX_PARTNERS = 500
_MAX_VISITS = 2000


def assign_groups(
    mass: FloatArray, member: NDArray[np.bool_], shares: FloatArray, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return the fold of each group.

    Parameters
    ----------
    mass : array of shape (n_groups, n_columns)
        The amounts to spread: weighted samples of each class and, in the last column, of all.
    member : array of shape (n_groups, n_columns)
        True where the group has any sample of the class, whatever its weight; the last column is true.
    shares : array of shape (n_folds,)
        Part of every column that a fold should get; sums to 1.
    rng : numpy.random.Generator
        Breaks ties and orders the improvement.
    """
    total = mass.sum(axis=0)
    mass = np.divide(mass, total, out=np.zeros_like(mass), where=total > 0)
    best, best_cost = np.zeros(len(mass), dtype=np.intp), np.inf
    for _ in range(4 if len(mass) <= _MAX_PARTNERS else 1):  # The descent ends in a local optimum; a few starts help.
        fold = _greedy(mass, member, shares, rng)
        if len(mass) <= _MAX_GROUPS:
            _improve(fold, mass, member, shares, rng)
        cost = _cost(fold, mass, member, shares)
        if cost < best_cost:
            best, best_cost = fold, cost
    return best


def _cost(fold: NDArray[np.intp], mass: FloatArray, member: NDArray[np.bool_], shares: FloatArray) -> float:
    """Return the squared distance from the shares.

    For each class that misses a fold a penalty is added that is larger than that distance can ever be.
    """
    loads, counts = _loads(fold, mass, member, len(shares))
    return float(((loads - shares[:, None]) ** 2).sum() - _presence_gain(mass) * (counts > 0).sum())


def _presence_gain(mass: FloatArray) -> float:
    return 2.0 * mass.shape[1] + 1  # A column's squared distance is at most 2.


def _loads(
    fold: NDArray[np.intp], mass: FloatArray, member: NDArray[np.bool_], n_folds: int
) -> tuple[FloatArray, NDArray[np.intp]]:
    inside = [fold == number for number in range(n_folds)]
    loads = np.stack([mass[rows].sum(axis=0) for rows in inside])
    return loads, np.stack([member[rows].sum(axis=0) for rows in inside])


def _greedy(
    mass: FloatArray, member: NDArray[np.bool_], shares: FloatArray, rng: np.random.Generator
) -> NDArray[np.intp]:
    n_groups, n_columns = mass.shape
    shuffled = rng.permutation(n_groups)
    # Each column's groups, the largest last; ties in random order.
    queues = []
    for column in range(n_columns):
        groups = shuffled[member[shuffled, column]]
        queues.append(groups[np.argsort(mass[groups, column], kind="stable")].tolist())
    # Plain lists: a split by windows has 100,000 groups, and a NumPy call costs more than the few numbers here.
    ends = np.cumsum(member.sum(axis=1)).tolist()
    member_columns = np.nonzero(member)[1].tolist()
    classes_of = [member_columns[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    mass_of = mass.tolist()
    remaining = member.sum(axis=0).tolist()
    fold_range = range(len(shares))
    demand = [[float(share)] * n_columns for share in shares]
    absent = [[True] * n_columns for _ in shares]
    tie_breaks = rng.random((n_groups, len(shares))).tolist()
    fold = [-1] * n_groups
    for step in range(n_groups):
        column = min((c for c in range(n_columns) if remaining[c]), key=remaining.__getitem__)
        group = queues[column].pop()
        while fold[group] >= 0:
            group = queues[column].pop()
        keys = [(absent[f][column], demand[f][column], demand[f][-1], tie_breaks[step][f]) for f in fold_range]
        chosen = max(fold_range, key=keys.__getitem__)
        fold[group] = chosen
        for c in classes_of[group]:
            demand[chosen][c] -= mass_of[group][c]
            absent[chosen][c] = False
            remaining[c] -= 1
    return np.array(fold, dtype=np.intp)


def _improve(
    fold: NDArray[np.intp], mass: FloatArray, member: NDArray[np.bool_], shares: FloatArray, rng: np.random.Generator
) -> None:
    """Move groups, or let two change places, while the cost falls; changes `fold`."""
    n_groups, n_folds = len(mass), len(shares)
    loads, counts = _loads(fold, mass, member, n_folds)
    excess = loads - shares[:, None]
    # A move to a fold is a swap with an empty group there: the empty groups have the numbers from n_groups on.
    padded_mass = np.concatenate([mass, np.zeros((n_folds, mass.shape[1]))])
    padded_member = np.concatenate([member, np.zeros((n_folds, mass.shape[1]), dtype=bool)]).astype(np.intp)
    padded_fold = np.concatenate([fold, np.arange(n_folds)])
    gain = _presence_gain(mass)
    visits_without_change = visits = 0
    while visits_without_change < n_groups and visits < _MAX_VISITS:
        for group in rng.permutation(n_groups):
            visits += 1
            visits_without_change += 1
            if visits > _MAX_VISITS:
                break
            here = padded_fold[group]
            partners = np.arange(n_groups + n_folds)
            if n_groups > _MAX_PARTNERS:
                partners = np.concatenate([rng.choice(n_groups, _MAX_PARTNERS), partners[n_groups:]])
            partners = partners[padded_fold[partners] != here]
            there = padded_fold[partners]
            shift = padded_mass[partners] - padded_mass[group]
            change = 2 * (shift * (excess[here] - excess[there] + shift)).sum(axis=1)
            moved = padded_member[partners] - padded_member[group]
            present = (counts[here] + moved > 0).sum(axis=1) + (counts[there] - moved > 0).sum(axis=1)
            before = (counts[here] > 0).sum() + (counts[there] > 0).sum(axis=1)
            change -= gain * (present - before)
            best = int(change.argmin())
            if change[best] < -1e-9:
                partner, other = partners[best], there[best]
                excess[here] += shift[best]
                excess[other] -= shift[best]
                counts[here] += moved[best]
                counts[other] -= moved[best]
                padded_fold[group] = other
                if partner < n_groups:
                    padded_fold[partner] = here
                visits_without_change = 0
    fold[:] = padded_fold[:n_groups]
