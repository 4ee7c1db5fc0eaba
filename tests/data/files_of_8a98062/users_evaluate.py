"""A function of a user's, by the name of which journals of searches know it."""

from __future__ import annotations


def evaluate(candidate: dict, seed: int, budget: int | None = None) -> dict:
    """A score, or an error for one candidate."""
    if candidate["x"] == 2:
        raise ValueError("no such candidate")
    return {"score": float(candidate["x"] * len(candidate["kind"])), "epochs": budget or 3, "seed": seed % 1000}
