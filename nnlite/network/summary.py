"""The table that `Sequential.summary()` prints."""

import dataclasses
import math
from typing import Any

from nnlite.layers.base import Layer, Pair

_HEADER = ("", "layer", "output shape", "parameters", "multiply-adds", "receptive field")


def summarize(network: Any) -> str:
    """Return one row for each layer as written, then the sums and the plan; see :meth:`nnlite.Sequential.summary`."""
    rows, total = [], 0
    reach: Pair = (1, 1)
    jump: Pair = (1, 1)
    for index, layer in enumerate(network.layers):
        shape = network.shapes[index]
        count = sum(map(math.prod, layer.parameter_shapes(shape).values()))
        total += count
        reach, jump = _receptive_field(layer, reach, jump)
        field = f"{reach[0]} x {reach[1]}" if len(network.shapes[index + 1]) == 3 else ""
        adds = layer.multiply_adds(shape)
        output = " x ".join(map(str, network.shapes[index + 1]))
        rows.append(
            (str(index), describe(layer), output, f"{count:,}" if count else "", f"{adds:,}" if adds else "", field)
        )
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
    lines.append(f"input {shape}; {total:,} parameters{note}; {network.multiply_adds():,} multiply-adds a sample")
    lines.append("runs as: " + ", ".join(type(step.layer).__name__ for step in network.plan))
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


def _receptive_field(layer: Layer, reach: Pair, jump: Pair) -> tuple[Pair, Pair]:
    """Return the input positions that one output position sees, and the distance between two outputs in the input."""
    for part in layer.unfused():
        window, steps = part.receptive_window()
        reach = reach[0] + (window[0] - 1) * jump[0], reach[1] + (window[1] - 1) * jump[1]
        jump = jump[0] * steps[0], jump[1] * steps[1]
    return reach, jump
