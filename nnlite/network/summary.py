"""The table that `Sequential.summary()` prints."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from nnlite.layers.base import Layer, Pair, Shape
from nnlite.layers.branches import Branching
from nnlite.layers.chain import receptive_window
from nnlite.layers.fusion import Step

_HEADER = ("", "layer", "output shape", "parameters", "multiply-adds", "receptive field")


def summarize(network: Any) -> str:
    """Return one row for each layer as written, then the sums and the plan; see :meth:`nnlite.Sequential.summary`."""
    rows = list(_rows(network.layers, network.input_shape))
    widths = [max(len(row[k]) for row in [_HEADER, *rows]) for k in range(len(_HEADER))]
    align = (str.rjust, str.ljust, str.rjust, str.rjust, str.rjust, str.rjust)
    lines = [
        "  ".join(put(cell, width) for put, cell, width in zip(align, row, widths, strict=True)).rstrip()
        for row in [_HEADER, *rows]
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    shape = " x ".join(map(str, network.input_shape))
    lines.append(lines[1])
    running = sum(math.prod(network.parameter_shapes[name]) for name in network.untrained)
    note = f", {running:,} of them running statistics" if running else ""
    lines.append(
        f"input {shape}; {network.n_parameters:,} parameters{note}; {network.multiply_adds():,} multiply-adds a sample"
    )
    lines.append("runs as: " + _plan(network.plan))
    return "\n".join(lines)


def describe(layer: Layer) -> str:
    """Return a layer's repr without the settings that have their default value.

    >>> from nnlite.layers.conv import Conv2D
    >>> describe(Conv2D(32, 5))
    'Conv2D(filters=32, kernel_size=(5, 5))'
    """
    parts = []
    for field in dataclasses.fields(layer):
        default = field.default
        if default is dataclasses.MISSING or dataclasses.replace(layer, **{field.name: default}) != layer:
            parts.append(f"{field.name}={getattr(layer, field.name)!r}")
    return f"{type(layer).__name__}({', '.join(parts)})"


def _rows(
    layers: Sequence[Layer], shape: Shape, prefix: str = "", reach: Pair = (1, 1), jump: Pair = (1, 1)
) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each layer's row; layers inside of branches follow their layer, and are indented."""
    indent = "  " * (prefix.count(".") // 2)
    for index, layer in enumerate(layers):
        output = layer.output_shape(shape)
        after = receptive_window([layer], reach, jump)
        field = f"{after[0][0]} x {after[0][1]}" if len(output) == 3 else ""
        name, size = f"{prefix}{index}", " x ".join(map(str, output))
        if isinstance(layer, Branching):
            yield name, f"{indent}{type(layer).__name__} ({layer.merge})", size, "", "", field
            for branch, inside in layer.paths().items():
                yield from _rows(inside, shape, f"{name}.{branch}.", reach, jump)
        else:
            count, adds = sum(map(math.prod, layer.parameter_shapes(shape).values())), layer.multiply_adds(shape)
            numbers = (f"{number:,}" if number else "" for number in (count, adds))
            yield name, indent + describe(layer), size, *numbers, field
        shape, (reach, jump) = output, after


def _plan(plan: Sequence[Step]) -> str:
    names = []
    for layer, _ in plan:
        inside = ""
        if isinstance(layer, Branching):
            inside = f"({'; '.join(_plan(chain.plan) or '-' for chain in layer.chains.values())})"
        names.append(type(layer).__name__ + inside)
    return ", ".join(names)
