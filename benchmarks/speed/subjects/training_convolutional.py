"""Training the published network: forward, backward, dropout and SGD with momentum, batch after batch."""

from __future__ import annotations

from speed import networks
from speed.case import OURS, REFERENCE, Case, Contender, Options, Subject

CONTENDERS = (
    Contender("layer by layer", "speed.peers.nnlite_networks:plain_training", REFERENCE),
    Contender("nnlite", "speed.peers.nnlite_networks:training", OURS),
    Contender("PyTorch", "speed.peers.torch_networks:training", needs=("torch",)),
    Contender("JAX", "speed.peers.jax_networks:training", needs=("jax",)),
    networks.SGEMM,
)


def cases(options: Options) -> list[Case]:
    """One case."""
    batch = 8 if options.quick else 128
    return [
        Case(
            "batch",
            f"training the published network, batch {batch}",
            CONTENDERS,
            networks.prepare,
            work=batch,
            unit="samples",
            tolerance=networks.CHANGE_TOLERANCES["float32"],
            norm="square",
            flops=batch * networks.flops_of("convolutional", training=True),
            settings={"network": "convolutional", "batch": batch},
            at_least=3.5,
            aim=5.0,
        )
    ]


SUBJECT = Subject("training-cnn", "Training the published convolutional network", cases)
