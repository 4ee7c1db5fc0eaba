"""Shared parts of recurrent kernels: packed sequences and weights, and the product of states with recurrent weights.

Sequences are packed, longest first: the rows of all that are there at step 0, then those of step 1, and so on.
``starts[t]`` is the first row of step t. Sequence i has row ``starts[t] + i`` in each of its steps: the rows of a step
continue the first rows of the step before, and a sequence that is over has no row any more. No kernel sees padding.

The product with the recurrent weights and what follows from it are one pass: a tile of rows and units is accumulated in
registers, goes through a scratch array that stays in the first-level cache, and becomes states or gradients. Only that
product has to wait for the step before; those with the inputs, and the gradients of all weights, are one large product
over all steps each, outside of here.

Letters: T steps, N rows of a step, U units (a multiple of two vectors; the lanes behind a layer's own units hold
zeros), K inputs of a product, R rows and V vectors of a tile, L lanes.
"""

import functools

import numpy as np

from nnlite.kernels.blocks import add_outer, store_block, zeros
from nnlite.runtime.jit import kernel
from nnlite.runtime.memory import aligned_empty
from nnlite.runtime.simd import REGISTERS, lanes_of

WIDTH = 2
"""Vectors of a tile of gradients."""


def tile_rows(vectors):
    """Return the number of rows of a tile: accumulators, one set of weights and an input fit into the registers.

    Measured with AVX2: 4 x 3, 4 x 2 and 2 x 4 reach 85 to 95 % of what the processor can do, 3 x 4 spills.
    """
    rows = (REGISTERS - 1 - vectors) // vectors
    return max(size for size in (1, 2, 4, 8) if size <= rows)


def padded_units(units, dtype):
    """Return `units`, rounded up to a multiple of two vectors."""
    pair = WIDTH * lanes_of(dtype)
    return -(-units // pair) * pair


def pack(weight, vectors):
    """Pack weights (K, C) to panels (C / (vectors * L), K, vectors * L), each read from end to end."""
    width = vectors * lanes_of(weight.dtype)
    packed = aligned_empty((weight.shape[1] // width, weight.shape[0], width), weight.dtype)
    packed[...] = weight.reshape(len(weight), -1, width).transpose(1, 0, 2)
    return packed


def pack_gates(weight, gates):
    """Pack weights (K, gates * U), gate by gate, in panels that hold one vector of units of each gate."""
    by_unit = weight.reshape(len(weight), gates, -1, lanes_of(weight.dtype)).transpose(0, 2, 1, 3)
    return pack(np.ascontiguousarray(by_unit).reshape(weight.shape), gates)


def scratch(vectors, dtype):
    """Return memory for a tile."""
    return aligned_empty(tile_rows(vectors) * vectors * lanes_of(dtype), dtype)


@functools.cache
def product(L, R, V):
    """Return the product of R rows with one panel of weights."""
    count = R * V

    @kernel
    def recurrent_product(x, i, row_step, K, packed, j, tile):
        """Store tile (R, V, L) = x[i + r * row_step :][:K] @ the panel that starts at packed[j]; flat indices."""
        block = zeros(x, L, count)
        for k in range(K):
            block = add_outer(block, x, i + k, 0, row_step, packed, j + k * V * L, 1, R, V)
        store_block(tile, 0, block)

    return recurrent_product
