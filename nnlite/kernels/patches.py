"""Inner loops of the convolution's gradients, on blocks of vector registers (see :mod:`nnlite.kernels.blocks`).

A patch is the part of an image that one output of the convolution sees. Letters: R rows, V vectors of a row, L lanes, T
taps.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types

from nnlite.kernels.blocks import Block, advance, load_valid, loader, offset, store_valid
from nnlite.runtime.simd import (
    INT32,
    VECTOR_BYTES,
    X86,
    Vector,
    data_pointer,
    emit_load,
    emit_splat,
    emit_store,
    intrinsic,
    ir_vector,
    literal,
    llvm_function,
)
from nnlite.runtime.simd_math import emit_fma


@intrinsic(prefer_literal=True)
def add_patch(typing, block, g, h, x, i, row_step, R, V, tail):
    """Add block[r, v] += g[h] * x[i + r * row_step + v * L :][:L]; the last vector of a row has `tail` lanes."""
    rows, vectors, last = literal(R), literal(V), literal(tail)
    signature = block(block, g, types.intp, x, types.intp, types.intp, R, V, tail)

    def generate(context, builder, signature, arguments):
        block, _, h, _, i, row_step, *_ = arguments
        vector = ir_vector(signature.return_type.vector)
        gradients = data_pointer(context, builder, signature.args[1], arguments[1])
        source = data_pointer(context, builder, signature.args[3], arguments[3])
        g = emit_splat(builder, builder.load(builder.gep(gradients, [h])), vector.count)
        for r in range(rows):
            row = offset(builder, i, row_step, r)
            for v in range(vectors):
                valid = last if v == vectors - 1 else None
                value = emit_load(builder, source, advance(builder, row, v * vector.count), vector, valid)
                k = r * vectors + v
                block = builder.insert_value(block, emit_fma(builder, g, value, builder.extract_value(block, k)), k)
        return block

    return signature, generate


@intrinsic(prefer_literal=True)
def load_patch(typing, a, i, row_step, R, V, tail, L):
    """Return a block of R rows of V vectors: row r is a[i + r * row_step :].

    The last vector of a row has `tail` lanes.
    """
    rows, vectors, last = literal(R), literal(V), literal(tail)
    result = Block(Vector(a.dtype, literal(L)), rows * vectors)

    def generate(context, builder, signature, arguments):
        _, i, row_step, *_ = arguments
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = ir_vector(result.vector)
        block = ir.Constant(context.get_value_type(result), ir.Undefined)
        for k in range(rows * vectors):
            r, v = divmod(k, vectors)
            index = advance(builder, offset(builder, i, row_step, r), v * vector.count)
            value = emit_load(builder, pointer, index, vector, last if v == vectors - 1 else None)
            block = builder.insert_value(block, value, k)
        return block

    return result(a, types.intp, types.intp, R, V, tail, L), generate


@intrinsic(prefer_literal=True)
def store_patch(typing, a, i, row_step, block, R, V, tail):
    """Store what :func:`load_patch` loads."""
    rows, vectors, last = literal(R), literal(V), literal(tail)
    signature = types.void(a, types.intp, types.intp, block, R, V, tail)

    def generate(context, builder, signature, arguments):
        _, i, row_step, block, *_ = arguments
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        lanes = signature.args[3].vector.lanes
        for k in range(rows * vectors):
            r, v = divmod(k, vectors)
            index = advance(builder, offset(builder, i, row_step, r), v * lanes)
            emit_store(builder, pointer, index, builder.extract_value(block, k), last if v == vectors - 1 else None)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add_scaled(typing, block, g, h, w, j):
    """Add block[k] += g[h] * w[j + k * L :][:L]."""
    signature = block(block, g, types.intp, w, types.intp)

    def generate(context, builder, signature, arguments):
        block, _, h, _, j = arguments
        block_type = signature.return_type
        vector = ir_vector(block_type.vector)
        gradients = data_pointer(context, builder, signature.args[1], arguments[1])
        weights = data_pointer(context, builder, signature.args[3], arguments[3])
        g = emit_splat(builder, builder.load(builder.gep(gradients, [h])), vector.count)
        for k in range(block_type.count):
            w = emit_load(builder, weights, advance(builder, j, k * vector.count), vector)
            block = builder.insert_value(block, emit_fma(builder, g, w, builder.extract_value(block, k)), k)
        return block

    return signature, generate


@intrinsic(prefer_literal=True)
def load_rows(typing, a, i, step, valid, L, T, V):
    """Return a block of T rows of V vectors: row t is a[i + t * step :], of which the lanes below `valid` are read."""
    result = Block(Vector(a.dtype, literal(L)), literal(T) * literal(V))
    rows, vectors = literal(T), literal(V)

    def generate(context, builder, signature, arguments):
        _, i, step, valid, *_ = arguments
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = ir_vector(result.vector)
        block = ir.Constant(context.get_value_type(result), ir.Undefined)
        for v in range(vectors):
            left = builder.sub(valid, ir.Constant(valid.type, v * vector.count))
            for t in range(rows):
                index = advance(builder, offset(builder, i, step, t), v * vector.count)
                value = load_valid(builder, pointer, index, vector, left)
                block = builder.insert_value(block, value, t * vectors + v)
        return block

    return result(a, types.intp, types.intp, types.intp, L, T, V), generate


@intrinsic(prefer_literal=True)
def store_rows(typing, a, i, step, valid, block, T, V):
    """Store what :func:`load_rows` loads."""
    signature = types.void(a, types.intp, types.intp, types.intp, block, T, V)
    rows, vectors = literal(T), literal(V)

    def generate(context, builder, signature, arguments):
        _, i, step, valid, block, *_ = arguments
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = ir_vector(signature.args[4].vector)
        for v in range(vectors):
            left = builder.sub(valid, ir.Constant(valid.type, v * vector.count))
            for t in range(rows):
                index = advance(builder, offset(builder, i, step, t), v * vector.count)
                store_valid(builder, pointer, index, builder.extract_value(block, t * vectors + v), left)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def add_window(typing, block, g, argmax, q, valid, x, i, row_step, column_step, P, Q, T, V, whole):
    """Add block[t, v] += g[q + v * L :] * x[i + a * row_step + b * column_step + t], (a, b) being each lane's arg-max.

    It works through every place of the P x Q window with the gradients of the other places set to zero. `argmax` None
    means P = Q = 1.
    """
    height, width, taps, vectors, step = (literal(size) for size in (P, Q, T, V, column_step))
    signature = block(
        block, g, argmax, types.intp, types.intp, x, types.intp, types.intp, column_step, P, Q, T, V, whole
    )
    load = loader(whole)

    def generate(context, builder, signature, arguments):
        block, _, _, q, valid, _, i, row_step, *_ = arguments
        vector = ir_vector(signature.return_type.vector)
        gradients = data_pointer(context, builder, signature.args[1], arguments[1])
        source = data_pointer(context, builder, signature.args[5], arguments[5])
        bytes_ = ir.VectorType(ir.IntType(8), vector.count)
        g, places = [], []
        for v in range(vectors):
            left = builder.sub(valid, ir.Constant(valid.type, v * vector.count))
            index = advance(builder, q, v * vector.count)
            g.append(load(builder, gradients, index, vector, left))
            if height * width > 1:
                pointer = data_pointer(context, builder, signature.args[2], arguments[2])
                places.append(load(builder, pointer, index, bytes_, left))
        for a in range(height):
            row = offset(builder, i, row_step, a)
            for b in range(width):
                here = ir.Constant(bytes_, [a * width + b] * vector.count)
                zero = ir.Constant(vector, [0.0] * vector.count)
                chosen = [
                    builder.select(builder.icmp_unsigned("==", places[v], here), g[v], zero) if places else g[v]
                    for v in range(vectors)
                ]
                for t in range(taps):
                    address = builder.gep(source, [advance(builder, row, b * step + t)])
                    value = emit_splat(builder, builder.load(address), vector.count)
                    for v in range(vectors):
                        k = t * vectors + v
                        updated = emit_fma(builder, value, chosen[v], builder.extract_value(block, k))
                        block = builder.insert_value(block, updated, k)
        return block

    return signature, generate


# By bytes of a vector: the instruction that picks one of four in each quarter of a register.
_PICK = {32: "llvm.x86.avx.vpermilvar.ps.256", 64: "llvm.x86.avx512.vpermilvar.ps.512"}


def picks_in_register(dtype: Any) -> bool:
    """Return whether `add_picked` works: for float32 on x86 processors with AVX."""
    return np.dtype(dtype) == np.float32 and VECTOR_BYTES in _PICK and X86


@intrinsic(prefer_literal=True)
def add_picked(typing, block, g, argmax, q, valid, windows, i, T, V, whole):
    """Add block[t, v] += g[q + v * L :] * windows[i + 4 * t :][argmax]: a window's four places lie side by side."""
    taps, vectors = literal(T), literal(V)
    signature = block(block, g, argmax, types.intp, types.intp, windows, types.intp, T, V, whole)
    load = loader(whole)

    def generate(context, builder, signature, arguments):
        block, _, _, q, valid, _, i, *_ = arguments
        vector = ir_vector(signature.return_type.vector)
        bytes_, words = (ir.VectorType(ir.IntType(bits), vector.count) for bits in (8, 32))
        gradients, winners, source = (
            data_pointer(context, builder, signature.args[k], arguments[k]) for k in (1, 2, 5)
        )
        pick = llvm_function(builder, _PICK[4 * vector.count], vector, [vector, words])
        g, places = [], []
        for v in range(vectors):
            left = builder.sub(valid, ir.Constant(valid.type, v * vector.count))
            index = advance(builder, q, v * vector.count)
            g.append(load(builder, gradients, index, vector, left))
            places.append(builder.zext(load(builder, winners, index, bytes_, left), words))
        four = ir.VectorType(vector.element, 4)
        repeated = ir.Constant(ir.VectorType(INT32, vector.count), [k % 4 for k in range(vector.count)])
        for t in range(taps):
            window = emit_load(builder, source, advance(builder, i, 4 * t), four)
            window = builder.shuffle_vector(window, ir.Constant(four, ir.Undefined), repeated)
            for v in range(vectors):
                k = t * vectors + v
                value = builder.call(pick, [window, places[v]])
                updated = emit_fma(builder, value, g[v], builder.extract_value(block, k))
                block = builder.insert_value(block, updated, k)
        return block

    return signature, generate
