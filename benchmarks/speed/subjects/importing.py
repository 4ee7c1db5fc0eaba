"""Importing a package in a new process."""

from __future__ import annotations

from speed.case import OURS, RATE, Case, Contender, Options, Subject, nothing_to_prepare

ADAPTER = "speed.peers.interpreters:statement"


def cases(options: Options) -> list[Case]:
    """`import nnlite` and `import mfcc`, each against `import torch`."""
    return [
        Case(
            name,
            f"`import {name}`, whole process",
            (
                Contender(name, ADAPTER, OURS, settings={"statement": f"import {name}"}),
                Contender("PyTorch", ADAPTER, needs=("torch",), settings={"statement": "import torch"}),
                Contender("Python alone", ADAPTER, RATE, settings={"statement": "pass"}),
            ),
            nothing_to_prepare,
            at_least=8.0,
            aim=15.0,
            limits={"seconds": 0.15},
        )
        for name in ("nnlite", "mfcc")
    ]


SUBJECT = Subject("import", "Importing", cases)
