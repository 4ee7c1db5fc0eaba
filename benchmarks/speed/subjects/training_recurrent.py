"""Training recurrent networks: a batch of 64 sequences of 100 steps, 40 inputs, 128 units."""

from __future__ import annotations

from speed import networks
from speed.case import OURS, REFERENCE, Case, Contender, Options, Subject

CONTENDERS = (
    Contender("layer by layer", "speed.peers.nnlite_networks:plain_training", REFERENCE),
    Contender("nnlite", "speed.peers.nnlite_networks:training", OURS),
    Contender("PyTorch", "speed.peers.torch_networks:training", needs=("torch",)),
    networks.SGEMM,
)
TITLES = {"gru": "gated recurrent units", "lstm": "long short-term memory"}


def cases(options: Options) -> list[Case]:
    """One case for each kind of layer."""
    batch = 4 if options.quick else 64
    return [
        Case(
            name,
            f"training {title}, 100 steps, 40 inputs, 128 units, batch {batch}",
            CONTENDERS,
            networks.prepare,
            work=batch,
            unit="sequences",
            tolerance=networks.CHANGE_TOLERANCES["float32"],
            norm="square",
            flops=batch * networks.flops_of(name, training=True),
            settings={"network": name, "batch": batch},
            at_least=1.5,
            aim=3.0,
        )
        for name, title in TITLES.items()
    ]


SUBJECT = Subject("training-rnn", "Training recurrent networks", cases)
