"""The part of a network that a loss takes: what comes before the activation that the loss absorbs."""

from typing import Any

from nnlite.network.sequential import Sequential


def logits_network(network: Sequential, loss: Any) -> Sequential:
    """Return the network without the final activation that the loss absorbs, if it was written with one.

    Parameters
    ----------
    network : Sequential
    loss : Loss

    Raises
    ------
    ValueError
        When the final activation is that of another loss.
    """
    absorbed, last = loss.output_activation, network.layers[-1] if network.layers else None
    if absorbed is None or last is None:
        return network
    if type(last) is absorbed:
        return network.without_last
    if any(part.nonnegative for part in last.unfused()):
        name = absorbed.__name__
        raise ValueError(
            f"{type(loss).__name__}: expected a network that ends in {name}() or without an activation, got {last!r} "
            f"at the end. Write {name}() there, or use the loss that belongs to {type(last).__name__}."
        )
    return network
