"""Candidates of a search: exhaustive over a dictionary of hyper-parameters, or random from ranges and distributions."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.checks import check_integer, check_rng, is_number
from nnlite.model_selection.canonical import canonical_json

Candidate = dict[str, Any]


@dataclass(frozen=True)
class Uniform:
    """A distribution of real numbers from `low` to `high`, all equally likely.

    Examples
    --------
    >>> 0.0 <= Uniform(0.0, 0.5).sample(np.random.default_rng(0)) <= 0.5
    True
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self, self.low, self.high)

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one number."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """A distribution of positive numbers from `low` to `high`, every factor equally likely.

    It suits learning rates and penalties.

    Examples
    --------
    >>> 1e-4 <= LogUniform(1e-4, 1.0).sample(np.random.default_rng(0)) <= 1.0
    True
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self, self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"LogUniform: low: expected a number above 0, got {self.low}.")

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one number."""
        drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(drawn, float(self.low)), float(self.high))


@dataclass(frozen=True)
class IntUniform:
    """A distribution of whole numbers from `low` to `high`, both included, all equally likely.

    Examples
    --------
    >>> IntUniform(50, 200).sample(np.random.default_rng(0)) in range(50, 201)
    True
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        _check_range(self, self.low, self.high)
        if int(self.low) != self.low or int(self.high) != self.high:
            raise ValueError(f"IntUniform: low, high: expected whole numbers, got {self.low} and {self.high}.")

    def sample(self, rng: np.random.Generator) -> int:
        """Draw one number."""
        return int(rng.integers(int(self.low), int(self.high), endpoint=True))


class ParameterGrid(Sequence[Candidate]):
    """A grid of candidates: every combination of the values in a dictionary of lists, the last name varying fastest.

    Parameters
    ----------
    space : mapping of str to sequence
        Values to try for each name.

    Examples
    --------
    >>> grid = ParameterGrid({"learning_rate": (0.1, 0.01), "n_hidden": (50, 100, 200)})
    >>> len(grid), grid[1]
    (6, {'learning_rate': 0.1, 'n_hidden': 100})
    """

    def __init__(self, space: Mapping[str, Sequence[Any]]) -> None:
        self._values = {name: _choices("ParameterGrid", name, values) for name, values in _checked(self, space).items()}

    def __len__(self) -> int:
        return math.prod(map(len, self._values.values()))

    def __iter__(self) -> Iterator[Candidate]:
        for combination in itertools.product(*self._values.values()):
            yield dict(zip(self._values, combination, strict=True))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"ParameterGrid: expected an index below {len(self)}, got {index}.")
        candidate = {}
        for name, values in reversed(self._values.items()):
            position, choice = divmod(position, len(values))
            candidate[name] = values[choice]
        return dict(reversed(candidate.items()))

    def __repr__(self) -> str:
        return f"ParameterGrid({self._values!r})"


class ParameterSampler(Sequence[Candidate]):
    """A sample of random candidates, all different, drawn when the sampler is made.

    Random search finds better values than a grid of the same size when few of the parameters matter (Bergstra and
    Bengio 2012).

    Parameters
    ----------
    space : mapping of str to sequence or distribution
        A list of equally likely values; :class:`Uniform`, :class:`LogUniform`, :class:`IntUniform` or any object with
        ``sample(rng)``; or a distribution of scipy.stats (``rvs(random_state=rng)``).
    n : int
        Number of candidates.
    rng : numpy.random.Generator

    Examples
    --------
    >>> space = {"learning_rate": LogUniform(1e-3, 1e-1), "n_hidden": [50, 100, 200]}
    >>> candidates = ParameterSampler(space, 5, np.random.default_rng(0))
    >>> len(candidates), sorted(candidates[0])
    (5, ['learning_rate', 'n_hidden'])
    """

    def __init__(self, space: Mapping[str, Any], n: int, rng: np.random.Generator) -> None:
        check_rng("ParameterSampler", rng)
        checked = _checked(self, space)
        check_integer("ParameterSampler", "n", n, expected="at least 1 candidate")
        choices = {
            name: values if _is_distribution(values) else _choices("ParameterSampler", name, values)
            for name, values in checked.items()
        }
        if any(map(_is_distribution, choices.values())):
            self._candidates = _draw_distinct(choices, n, rng)
        else:
            grid = ParameterGrid(choices)
            if n > len(grid):
                raise ValueError(
                    f"ParameterSampler: n: expected at most {len(grid)}, the number of combinations, got {n}. "
                    "ParameterGrid lists them all."
                )
            self._candidates = [grid[int(i)] for i in rng.choice(len(grid), size=n, replace=False)]

    def __len__(self) -> int:
        return len(self._candidates)

    def __getitem__(self, index: Any) -> Any:
        return self._candidates[index]

    def __repr__(self) -> str:
        return f"ParameterSampler({self._candidates!r})"


def _draw_distinct(choices: Mapping[str, Any], n: int, rng: np.random.Generator) -> list[Candidate]:
    candidates: dict[str, Candidate] = {}
    attempts = 100 * n + 100
    for _ in range(attempts):
        candidate = {name: _draw(values, rng) for name, values in choices.items()}
        candidates.setdefault(canonical_json(candidate, "ParameterSampler: space"), candidate)
        if len(candidates) == n:
            return list(candidates.values())
    raise ValueError(
        f"ParameterSampler: n: expected {n} different candidates, found {len(candidates)} in {attempts} draws. Lower "
        "n, or widen the space."
    )


def _draw(values: Any, rng: np.random.Generator) -> Any:
    if isinstance(values, list):
        return values[int(rng.integers(len(values)))]
    drawn = values.sample(rng) if hasattr(values, "sample") else values.rvs(random_state=rng)
    return drawn.item() if isinstance(drawn, np.generic) else drawn


def _is_distribution(values: Any) -> bool:
    return hasattr(values, "sample") or hasattr(values, "rvs")


def _choices(who: str, name: str, values: Any) -> list[Any]:
    if _is_distribution(values):
        raise ValueError(
            f"{who}: {name}: expected a list of values, got {values!r}. ParameterSampler takes distributions."
        )
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence):
        raise ValueError(f"{who}: {name}: expected a list of values, got {values!r}. A single value is [{values!r}].")
    if len(values) == 0:
        raise ValueError(f"{who}: {name}: expected at least one value, got an empty list: the search space is empty.")
    return list(values)


def _checked(owner: Any, space: Any) -> Mapping[str, Any]:
    who = type(owner).__name__
    if not isinstance(space, Mapping) or not all(isinstance(name, str) for name in space):
        raise ValueError(f"{who}: space: expected a mapping of names to values, got {space!r}.")
    if not space:
        raise ValueError(f"{who}: space: expected at least one hyper-parameter, got an empty search space.")
    return space


def _check_range(owner: Any, low: float, high: float) -> None:
    if not (all(is_number(v) and math.isfinite(v) for v in (low, high)) and low <= high):
        raise ValueError(f"{type(owner).__name__}: low, high: expected finite low <= high, got {low} and {high}.")
