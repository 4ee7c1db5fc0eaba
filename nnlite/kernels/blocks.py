"""Blocks of vector registers: inner loops of fused multiply-adds without a memory round trip.

A :class:`Block` is `count` vectors that LLVM keeps in registers (an LLVM array that its optimiser takes apart). All
sizes are compile-time constants, so nothing is left of the loops below in the machine code.

Letters: R rows, S columns, V vectors, L lanes.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import models, register_model

from nnlite.simd import (
    INT32,
    Vector,
    data_pointer,
    emit_first_lanes,
    emit_fma,
    emit_load,
    emit_maximum,
    emit_splat,
    emit_store,
    emit_store_masked,
    intrinsic,
    ir_vector,
    literal,
)


class Block(types.Type):
    """numba type of `count` vectors."""

    def __init__(self, vector: Vector, count: int) -> None:
        self.vector, self.count = vector, count
        super().__init__(name=f"block({count} x {vector})")


@register_model(Block)
class _BlockModel(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend: Block) -> None:
        super().__init__(manager, frontend, ir.ArrayType(ir_vector(frontend.vector), frontend.count))


def advance(builder: Any, index: Any, step: int) -> Any:
    """index + step."""
    return builder.add(index, ir.Constant(index.type, step)) if step else index


def offset(builder: Any, index: Any, step: Any, times: int) -> Any:
    """index + times * step."""
    return builder.add(index, builder.mul(step, ir.Constant(step.type, times))) if times else index


@intrinsic(prefer_literal=True)
def zeros(typing, a, L, count):
    """Block of zeros with the element type of the array `a`."""
    result = Block(Vector(a.dtype, literal(L)), literal(count))

    def generate(context, builder, signature, arguments):
        return ir.Constant(context.get_value_type(result), None)

    return result(a, L, count), generate


@intrinsic(prefer_literal=True)
def add_outer(typing, block, x, i, row_step, column_step, w, j, R, S, V):
    """block[r, s, v] += x[i + r * row_step + s * column_step] * w[j + v * L :][:L]: one tap of a convolution."""
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
    """Maxima of the P x Q windows of a block of P rows and S windows, plus bias, stored channel by channel.

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
        keep_argmax = isinstance(signature.args[11], types.Array)
        if keep_argmax:
            places = data_pointer(context, builder, signature.args[11], arguments[11])
        integers = ir.VectorType(INT32, vector.count)
        for v in range(vectors):
            shift = ir.Constant(j.type, v * vector.count)
            mask = valid_lanes(builder, valid, v, vector)
            b = emit_load(builder, biases, builder.add(j, shift), vector)
            for s in range(windows):
                best, place = None, ir.Constant(integers, [0] * vector.count)
                for a in range(height):
                    for c in range(width):
                        value = builder.extract_value(block, ((a * windows + s) * width + c) * vectors + v)
                        if best is None:
                            best = value
                            continue
                        replaces, best = emit_maximum(builder, best, value)
                        here = ir.Constant(integers, [a * width + c] * vector.count)
                        place = builder.select(replaces, here, place)
                index = builder.add(offset(builder, q, position_step, s), shift)
                emit_store_masked(builder, target, index, builder.fadd(best, b), mask)
                if keep_argmax:
                    narrow = builder.trunc(place, ir.VectorType(ir.IntType(8), vector.count))
                    emit_store_masked(builder, places, index, narrow, mask)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def load_block(typing, a, i, L, count):
    """Block of `count` vectors that lie one after the other from a[i]."""
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
    """Inverse of :func:`load_block`."""
    signature = types.void(a, types.intp, block)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        block_type = signature.args[2]
        for k in range(block_type.count):
            index = advance(builder, arguments[1], k * block_type.vector.lanes)
            emit_store(builder, pointer, index, builder.extract_value(arguments[2], k))
        return context.get_dummy_value()

    return signature, generate


def valid_lanes(builder: Any, valid: Any, v: int, vector: ir.VectorType) -> Any:
    """Mask of vector `v`'s lanes below `valid`, which counts from the first vector."""
    shift = ir.Constant(valid.type, v * vector.count)
    return emit_first_lanes(builder, builder.sub(valid, shift), vector.count)
