"""Explicit vectors for numba: types, load, store and broadcast. :mod:`nnlite.runtime.simd_math` computes with them.

LLVM prefers 256-bit vectors and spills when it vectorises loops by itself. Here a kernel says what it means: a
:class:`Vector` is a numba type that is an LLVM vector, and each function below becomes one or a few machine
instructions. Arrays are addressed by the flat index of an element, whatever their number of axes (they must be
C-contiguous). `lanes` is always a compile-time constant, usually ``lanes_of(dtype)`` captured by a factory's closure.

The functions are numba intrinsics: they work in compiled kernels only. An argument ``a`` is an array, which is read or
written, or which only gives the vector its element type.
"""

import functools
import platform
from typing import Any

import llvmlite.binding
import numba.core.config
import numba.extending
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import models, register_model

# Typed as Any: numba makes its settings at run time, and an intrinsic is called with other arguments than those of its
# definition.
config: Any = numba.core.config
intrinsic: Any = numba.extending.intrinsic

INT32 = ir.IntType(32)
# By the start of their names, for NUMBA_CPU_NAME: processors with 512-bit registers.
_WIDTH_512 = (
    "skylake-avx512 cascadelake cooperlake cannonlake icelake tigerlake rocketlake "
    "sapphirerapids emeraldrapids graniterapids diamondrapids znver4 znver5"
).split()


def _vector_bytes() -> int:
    """Return the width of a vector register of the CPU that numba compiles for."""
    if config.CPU_NAME and config.CPU_NAME != llvmlite.binding.get_host_cpu_name():
        if config.CPU_NAME == "generic":
            return 16
        return 64 if config.CPU_NAME.startswith(tuple(_WIDTH_512)) else 32
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512dq") and features.get("avx512vl"):
        return 64
    return 32 if features.get("avx2") and features.get("fma") else 16


VECTOR_BYTES = _vector_bytes()
"""Width of a vector register in bytes: 64 with AVX-512, 32 with AVX2, 16 elsewhere."""

X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")

REGISTERS = 16 if VECTOR_BYTES < 64 and X86 else 32
"""Number of vector registers: SSE and AVX2 have 16; AVX-512 and NEON have 32."""


@functools.cache
def lanes_of(dtype: Any) -> int:
    """Return the number of elements of `dtype` in one vector register.

    >>> lanes_of("float64") * 2 == lanes_of("float32")
    True
    """
    return VECTOR_BYTES // np.dtype(dtype).itemsize


class Vector(types.Type):
    """The numba type of `lanes` elements of a number type in one register (or several, when wider than the CPU's)."""

    def __init__(self, dtype: types.Type, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"vector({lanes} x {dtype})")


def ir_scalar(dtype: types.Type) -> ir.Type:
    """Return the LLVM type of a numba number type."""
    if dtype == types.float32:
        return ir.FloatType()
    if dtype == types.float64:
        return ir.DoubleType()
    if isinstance(dtype, types.Integer):
        return ir.IntType(dtype.bitwidth)  # type: ignore[attr-defined, unused-ignore]
    raise TypeError(f"simd: element type: expected float32, float64 or an integer, got {dtype}")


def ir_vector(vector: Vector) -> ir.VectorType:
    """Return the LLVM type of a :class:`Vector`."""
    return ir.VectorType(ir_scalar(vector.dtype), vector.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend: Vector) -> None:
        super().__init__(manager, frontend, ir_vector(frontend))


def literal(argument: Any) -> int:
    """Return the value of a compile-time constant."""
    if not isinstance(argument, types.IntegerLiteral):
        raise TypeError(f"simd: expected a compile-time integer constant, got {argument}")
    return argument.literal_value


def data_pointer(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    """Return a pointer to the first element of an array."""
    return context.make_array(array_type)(context, builder, array).data


def emit_load(builder: Any, pointer: Any, index: Any, vector: ir.VectorType, valid: int | None = None) -> Any:
    """Load a vector from element `index`; with `valid` only that many lanes are read and the rest are zero."""
    address = builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())
    if valid is None or valid >= vector.count:
        value = builder.load(address)
        value.align = bytes_of(vector)
        return value
    mask = ir.Constant(ir.VectorType(ir.IntType(1), vector.count), [int(k < valid) for k in range(vector.count)])
    return _masked_load(builder, address, vector, mask)


def emit_store(builder: Any, pointer: Any, index: Any, value: Any, valid: int | None = None) -> None:
    """Store a vector to element `index`; with `valid` only that many lanes are written."""
    vector = value.type
    address = builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())
    if valid is None or valid >= vector.count:
        builder.store(value, address).align = bytes_of(vector)
        return
    mask = ir.Constant(ir.VectorType(ir.IntType(1), vector.count), [int(k < valid) for k in range(vector.count)])
    _masked_store(builder, address, value, mask)


def emit_splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """Return a vector whose lanes all equal `scalar`."""
    vector = ir.VectorType(scalar.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(
        first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes)
    )


def emit_first_lanes(builder: Any, n: Any, lanes: int) -> Any:
    """Return a mask of the lanes below `n` (an intp value)."""
    index = ir.VectorType(n.type, lanes)
    return builder.icmp_signed("<", ir.Constant(index, list(range(lanes))), emit_splat(builder, n, lanes))


def emit_load_masked(builder: Any, pointer: Any, index: Any, vector: ir.VectorType, mask: Any) -> Any:
    """Load the lanes of a vector that `mask` selects from element `index`; the others are zero."""
    return _masked_load(builder, builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer()), vector, mask)


def emit_store_masked(builder: Any, pointer: Any, index: Any, value: Any, mask: Any) -> None:
    """Store the lanes of a vector that `mask` selects to element `index`."""
    _masked_store(builder, builder.bitcast(builder.gep(pointer, [index]), value.type.as_pointer()), value, mask)


def bytes_of(vector: ir.VectorType) -> int:
    """Return the size of an element."""
    return {ir.FloatType(): 4, ir.DoubleType(): 8}.get(vector.element) or vector.element.width // 8


def suffix_of(vector: ir.VectorType) -> str:
    """Return the suffix that LLVM appends to the name of a function for this type."""
    kind = "f" if isinstance(vector.element, (ir.FloatType, ir.DoubleType)) else "i"
    return f"v{vector.count}{kind}{8 * bytes_of(vector)}"


def llvm_function(builder: Any, name: str, result: ir.Type, arguments: list[ir.Type]) -> Any:
    """Return a function of LLVM's own, or of its processor."""
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _masked_load(builder: Any, address: Any, vector: ir.VectorType, mask: Any) -> Any:
    signature = [address.type, INT32, mask.type, vector]
    function = llvm_function(builder, f"llvm.masked.load.{suffix_of(vector)}.p0", vector, signature)
    return builder.call(
        function, [address, ir.Constant(INT32, bytes_of(vector)), mask, ir.Constant(vector, [0] * vector.count)]
    )


def _masked_store(builder: Any, address: Any, value: Any, mask: Any) -> None:
    signature = [value.type, address.type, INT32, mask.type]
    function = llvm_function(builder, f"llvm.masked.store.{suffix_of(value.type)}.p0", ir.VoidType(), signature)
    builder.call(function, [value, address, ir.Constant(INT32, bytes_of(value.type)), mask])


@intrinsic(prefer_literal=True)
def load(typing, a, i, lanes):
    """Return a[i : i + lanes]."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        return emit_load(builder, pointer, arguments[1], ir_vector(result))

    return result(a, types.intp, lanes), generate


@intrinsic(prefer_literal=True)
def load_first(typing, a, i, lanes, n):
    """Return a[i : i + min(n, lanes)], the other lanes zero; memory beyond is not read."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        address = builder.bitcast(builder.gep(pointer, [arguments[1]]), ir_vector(result).as_pointer())
        return _masked_load(builder, address, ir_vector(result), emit_first_lanes(builder, arguments[3], result.lanes))

    return result(a, types.intp, lanes, types.intp), generate


@intrinsic
def store(typing, a, i, v):
    """Store v: a[i : i + lanes] = v."""
    signature = types.void(a, types.intp, v)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        emit_store(builder, pointer, arguments[1], arguments[2])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def store_streaming(typing, a, i, v):
    """Store v past the caches: a[i : i + lanes] = v.

    The place must be aligned to the vector; `fence` ends such stores.
    """
    signature = types.void(a, types.intp, v)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = arguments[2].type
        instruction = builder.store(
            arguments[2], builder.bitcast(builder.gep(pointer, [arguments[1]]), vector.as_pointer())
        )
        instruction.align = bytes_of(vector) * vector.count
        instruction.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(INT32, 1)]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def fence(typing):
    """Let other threads see what `store_streaming` has stored."""

    def generate(context, builder, signature, arguments):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def store_first(typing, a, i, v, n):
    """Store the first lanes of v: a[i : i + min(n, lanes)] = v; memory beyond is not written."""
    signature = types.void(a, types.intp, v, types.intp)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        mask = emit_first_lanes(builder, arguments[3], signature.args[2].lanes)
        emit_store_masked(builder, pointer, arguments[1], arguments[2], mask)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def prefetch(typing, a, i):
    """Fetch the cache line of a[i] for later use; i may lie beyond the array."""
    signature = types.void(a, types.intp)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        address = builder.bitcast(builder.gep(pointer, [arguments[1]]), ir.IntType(8).as_pointer())
        function = llvm_function(builder, "llvm.prefetch.p0", ir.VoidType(), [address.type, INT32, INT32, INT32])
        # to read, for the second-level cache, data
        builder.call(function, [address, ir.Constant(INT32, 0), ir.Constant(INT32, 2), ir.Constant(INT32, 1)])
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def broadcast(typing, a, i, lanes):
    """Return a[i] in every lane."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        return emit_splat(builder, builder.load(builder.gep(pointer, [arguments[1]])), result.lanes)

    return result(a, types.intp, lanes), generate


@intrinsic(prefer_literal=True)
def splat(typing, a, value, lanes):
    """Return the scalar `value`, converted to the element type of the array `a`, in every lane."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        return emit_splat(builder, arguments[1], result.lanes)

    return result(a, a.dtype, lanes), generate
