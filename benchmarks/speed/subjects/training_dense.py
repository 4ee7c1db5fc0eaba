"""Training the fully connected network: ten batches, without dropout, which scikit-learn does not have."""

from __future__ import annotations

from speed import networks
from speed.case import OURS, REFERENCE, Case, Contender, Options, Subject

CONTENDERS = (
    Contender("layer by layer", "speed.peers.nnlite_networks:plain_training", REFERENCE),
    Contender("nnlite", "speed.peers.nnlite_networks:training", OURS),
    Contender("PyTorch", "speed.peers.torch_networks:training", needs=("torch",)),
    Contender("JAX", "speed.peers.jax_networks:training", needs=("jax",)),
    Contender("scikit-learn", "speed.peers.scikit_learn:training", needs=("sklearn",)),
    networks.SGEMM,
)


def cases(options: Options) -> list[Case]:
    """One case."""
    batch, n_batches = (20, 2) if options.quick else (200, 10)
    return [
        Case(
            "batch",
            f"training the fully connected network, 4000-200-50-10, batch {batch}",
            CONTENDERS,
            networks.prepare,
            work=batch * n_batches,
            unit="samples",
            tolerance=networks.CHANGE_TOLERANCES["float32"],
            norm="square",
            flops=batch * n_batches * networks.flops_of("fully_connected", training=True),
            settings={"network": "fully_connected", "batch": batch, "n_batches": n_batches},
            at_least=1.2,
            aim=2.0,
        )
    ]


SUBJECT = Subject("training-mlp", "Training the fully connected network", cases)
