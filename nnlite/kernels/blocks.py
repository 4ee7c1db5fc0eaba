"""Blocks of vector registers: inner loops of fused multiply-adds without a memory round trip.

A :class:`Block` is `count` vectors that LLVM keeps in registers (an LLVM array that its optimiser takes apart). All
sizes are compile-time constants, so nothing is left of the loops below in the machine code.

Letters: R rows, S columns, V vectors, L lanes.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import models, register_model

from nnlite.runtime.simd import (
    INT32,
    Vector,
    data_pointer,
    emit_first_lanes,
    emit_load,
    emit_load_masked,
    emit_splat,
    emit_store,
    emit_store_masked,
    intrinsic,
    ir_vector,
    literal,
)
from nnlite.runtime.simd_math import emit_fma, emit_maximum


class Block(types.Type):
    """The numba type of `count` vectors."""

    def __init__(self, vector: Vector, count: int) -> None:
        self.vector, self.count = vector, count
        super().__init__(name=f"block({count} x {vector})")


@register_model(Block)
class _BlockModel(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend: Block) -> None:
        super().__init__(manager, frontend, ir.ArrayType(ir_vector(frontend.vector), frontend.count))


def advance(builder: Any, index: Any, step: int) -> Any:
    """Return index + step."""
    return builder.add(index, ir.Constant(index.type, step)) if step else index


def offset(builder: Any, index: Any, step: Any, times: int) -> Any:
    """Return index + times * step."""
    return builder.add(index, builder.mul(step, ir.Constant(step.type, times))) if times else index


@intrinsic(prefer_literal=True)
def zeros(typing, a, L, count):
    """Return a block of zeros with the element type of the array `a`."""
    result = Block(Vector(a.dtype, literal(L)), literal(count))

    def generate(context, builder, signature, arguments):
        return ir.Constant(context.get_value_type(result), None)

    return result(a, L, count), generate


@intrinsic(prefer_literal=True)
def add_outer(typing, block, x, i, row_step, column_step, w, j, R, S, V):
    """Add one tap of a convolution: block[r, s, v] += x[i + r * row_step + s * column_step] * w[j + v * L :][:L]."""
    rows, columns, vectors = literal(R), literal(S), literal(V)
    signature = block(block, x, types.intp, types.intp, types.intp, w, types.intp, R, S, V)

    def generate(context, builder, signature, arguments):
        block, _, i, row_step, column_step, _, j, *_ = arguments
        lanes = ir_vector(signature.return_type.vector)
        source = data_pointer(context, builder, signature.args[1], arguments[1])
        weights = data_pointer(context, builder, signature.args[5], arguments[5])
        w = [emit_load(builder, weights, advance(builder, j, v * lanes.count), lanes) for v in range(vectors)]
        k = 0
        for r in range(rows):
            row = offset(builder, i, row_step, r)
            for s in range(columns):
                address = builder.gep(source, [offset(builder, row, column_step, s)])
                value = emit_splat(builder, builder.load(address), lanes.count)
                for v in range(vectors):
                    updated = emit_fma(builder, value, w[v], builder.extract_value(block, k))
                    block = builder.insert_value(block, updated, k)
                    k += 1
        return block

    return signature, generate


@intrinsic(prefer_literal=True)
def store_maxima(typing, block, bias, j, y, q, position_step, valid, P, Q, S, V, argmax):
    """Store the maxima of the P x Q windows of a block of P rows and S windows, plus bias, channel by channel.

    Window s goes to y[q + s * position_step :], its channels below `valid` only; `argmax` (an array, or None) gets the
    place of the first maximum in its window, row by row. NaN is larger than everything.
    """
    height, width, windows, vectors = literal(P), literal(Q), literal(S), literal(V)
    signature = types.void(block, bias, types.intp, y, types.intp, types.intp, types.intp, P, Q, S, V, argmax)

    def generate(context, builder, signature, arguments):
        block, _, j, _, q, position_step, valid, *_ = arguments
        vector = ir_vector(signature.args[0].vector)
        biases = data_pointer(context, builder, signature.args[1], arguments[1])
        target = data_pointer(context, builder, signature.args[3], arguments[3])
        places = optional_pointer(context, builder, signature.args[11], arguments[11])
        for v in range(vectors):
            shift = ir.Constant(j.type, v * vector.count)
            b = emit_load(builder, biases, builder.add(j, shift), vector)
            left = builder.sub(valid, shift)
            for s in range(windows):
                window = [
                    builder.extract_value(block, ((a * windows + s) * width + c) * vectors + v)
                    for a in range(height)
                    for c in range(width)
                ]
                index = builder.add(offset(builder, q, position_step, s), shift)
                store_maximum(builder, window, b, target, places, index, left)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def load_block(typing, a, i, L, count):
    """Return a block of `count` vectors that lie one after the other from a[i]."""
    result = Block(Vector(a.dtype, literal(L)), literal(count))

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = ir_vector(result.vector)
        block = ir.Constant(context.get_value_type(result), ir.Undefined)
        for k in range(result.count):
            value = emit_load(builder, pointer, advance(builder, arguments[1], k * vector.count), vector)
            block = builder.insert_value(block, value, k)
        return block

    return result(a, types.intp, L, count), generate


@intrinsic
def store_block(typing, a, i, block):
    """Store what :func:`load_block` loads."""
    signature = types.void(a, types.intp, block)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        block_type = signature.args[2]
        for k in range(block_type.count):
            index = advance(builder, arguments[1], k * block_type.vector.lanes)
            emit_store(builder, pointer, index, builder.extract_value(arguments[2], k))
        return context.get_dummy_value()

    return signature, generate


def optional_pointer(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    """Return a pointer to the first element of an array, or None for None."""
    return data_pointer(context, builder, array_type, array) if isinstance(array_type, types.Array) else None


def store_maximum(builder: Any, window: list[Any], bias: Any, target: Any, places: Any, index: Any, valid: Any) -> None:
    """Store the maximum of a window of vectors, plus bias, and the place of the first one unless `places` is None.

    Lanes below `valid` only. NaN is larger than everything.
    """
    best = window[0]
    integers = ir.VectorType(INT32, best.type.count)
    place = ir.Constant(integers, [0] * integers.count)
    for k, value in enumerate(window[1:], 1):
        replaces, best = emit_maximum(builder, best, value)
        place = builder.select(replaces, ir.Constant(integers, [k] * integers.count), place)
    store_valid(builder, target, index, builder.fadd(best, bias), valid)
    if places is not None:
        narrow = builder.trunc(place, ir.VectorType(ir.IntType(8), integers.count))
        store_valid(builder, places, index, narrow, valid)


def load_valid(builder: Any, pointer: Any, index: Any, vector: ir.VectorType, valid: Any) -> Any:
    """Load the lanes below `valid` of a vector from element `index`; the others are zero.

    A masked access of bytes is a branch for each lane where the CPU has no such instruction, and a masked store of
    numbers is slow on some: whole vectors take a path of their own.
    """
    with builder.if_else(_is_whole(builder, valid, vector)) as (whole, part):
        with whole:
            every = emit_load(builder, pointer, index, vector)
            after_whole = builder.block
        with part:
            mask = emit_first_lanes(builder, valid, vector.count)
            some = emit_load_masked(builder, pointer, index, vector, mask)
            after_part = builder.block
    value = builder.phi(vector)
    value.add_incoming(every, after_whole)
    value.add_incoming(some, after_part)
    return value


def loader(whole: Any) -> Any:
    """Return a function that loads the lanes below a number.

    It doesn't look at the number where vectors are known to be `whole` (1, else 0).
    """
    if literal(whole):
        return lambda builder, pointer, index, vector, valid: emit_load(builder, pointer, index, vector)
    return load_valid


def store_valid(builder: Any, pointer: Any, index: Any, value: Any, valid: Any) -> None:
    """Store the lanes of a vector below `valid` to element `index`; see :func:`load_valid`."""
    with builder.if_else(_is_whole(builder, valid, value.type)) as (whole, part):
        with whole:
            emit_store(builder, pointer, index, value)
        with part:
            emit_store_masked(builder, pointer, index, value, emit_first_lanes(builder, valid, value.type.count))


def _is_whole(builder: Any, valid: Any, vector: ir.VectorType) -> Any:
    return builder.icmp_signed(">=", valid, ir.Constant(valid.type, vector.count))
