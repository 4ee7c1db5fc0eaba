"""The first training step of a process, on a machine that never ran it and on one that did."""

from __future__ import annotations

from speed.case import OURS, Case, Contender, Options, Subject, nothing_to_prepare

ADAPTER = "speed.peers.interpreters:first_step"


def cases(options: Options) -> list[Case]:
    """Cold and warm: with empty caches of compiled code, and with those of an earlier run."""
    return [
        Case(
            name,
            f"first training step, whole process, {words}",
            (
                Contender("nnlite", ADAPTER, OURS, settings={"library": "nnlite"}),
                Contender("PyTorch", ADAPTER, needs=("torch",), settings={"library": "torch"}),
            ),
            nothing_to_prepare,
            settings={"cold": name == "cold"},
            rounds=3,
            limits={"seconds": most},
        )
        for name, words, most in (("cold", "nothing compiled before", 15.0), ("warm", "compiled before", 1.5))
    ]


SUBJECT = Subject("start-up", "The first training step", cases)
