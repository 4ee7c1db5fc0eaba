"""Explicit vectors for numba: load, store, broadcast, arithmetic, transposition.

LLVM prefers 256-bit vectors and spills when it vectorises loops by itself. Here a kernel says what it means: a
:class:`Vector` is a numba type that is an LLVM vector, and each function below becomes one or a few machine
instructions. Arrays are addressed by the flat index of an element, whatever their number of axes (they must be
C-contiguous). `lanes` is always a compile-time constant, usually ``lanes_of(dtype)`` captured by a factory's closure.

The functions are numba intrinsics: they work in compiled kernels only. An argument ``a`` is an array, which is read or
written, or which only gives the vector its element type.
"""

import functools
import math
import platform
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba.core.config
import numba.extending
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import models, register_model

# Typed as Any: numba makes its settings at run time, and an intrinsic is called with other arguments than it is defined
# with.
config: Any = numba.core.config
intrinsic: Any = numba.extending.intrinsic

INT32 = ir.IntType(32)
# By the start of their names, for NUMBA_CPU_NAME: processors with 512-bit registers.
_WIDTH_512 = (
    "skylake-avx512 cascadelake cooperlake cannonlake icelake tigerlake rocketlake "
    "sapphirerapids emeraldrapids graniterapids diamondrapids znver4 znver5"
).split()


def _vector_bytes() -> int:
    """Width of a vector register of the CPU that numba compiles for."""
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
    """Elements of `dtype` in one vector register.

    >>> lanes_of("float64") * 2 == lanes_of("float32")
    True
    """
    return VECTOR_BYTES // np.dtype(dtype).itemsize


class Vector(types.Type):
    """numba type of `lanes` elements of a number type in one register (or several, when wider than the CPU's)."""

    def __init__(self, dtype: types.Type, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"vector({lanes} x {dtype})")


def ir_scalar(dtype: types.Type) -> ir.Type:
    """LLVM type of a numba number type."""
    if dtype == types.float32:
        return ir.FloatType()
    if dtype == types.float64:
        return ir.DoubleType()
    if isinstance(dtype, types.Integer):
        return ir.IntType(dtype.bitwidth)  # type: ignore[attr-defined, unused-ignore]
    raise TypeError(f"simd: element type: expected float32, float64 or an integer, got {dtype}")


def ir_vector(vector: Vector) -> ir.VectorType:
    """LLVM type of a :class:`Vector`."""
    return ir.VectorType(ir_scalar(vector.dtype), vector.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend: Vector) -> None:
        super().__init__(manager, frontend, ir_vector(frontend))


def literal(argument: Any) -> int:
    """Value of a compile-time constant."""
    if not isinstance(argument, types.IntegerLiteral):
        raise TypeError(f"simd: expected a compile-time integer constant, got {argument}")
    return argument.literal_value


def data_pointer(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    """Pointer to the first element of an array."""
    return context.make_array(array_type)(context, builder, array).data


def emit_load(builder: Any, pointer: Any, index: Any, vector: ir.VectorType, valid: int | None = None) -> Any:
    """Load a vector from element `index`; with `valid` only that many lanes are read and the rest are zero."""
    address = builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())
    if valid is None or valid >= vector.count:
        value = builder.load(address)
        value.align = _bytes(vector)
        return value
    mask = ir.Constant(ir.VectorType(ir.IntType(1), vector.count), [int(k < valid) for k in range(vector.count)])
    return _masked_load(builder, address, vector, mask)


def emit_store(builder: Any, pointer: Any, index: Any, value: Any, valid: int | None = None) -> None:
    """Store a vector to element `index`; with `valid` only that many lanes are written."""
    vector = value.type
    address = builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())
    if valid is None or valid >= vector.count:
        builder.store(value, address).align = _bytes(vector)
        return
    mask = ir.Constant(ir.VectorType(ir.IntType(1), vector.count), [int(k < valid) for k in range(vector.count)])
    _masked_store(builder, address, value, mask)


def emit_splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """All lanes equal to `scalar`."""
    vector = ir.VectorType(scalar.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(
        first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes)
    )


def emit_fma(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """x * y + z with one rounding."""
    return builder.call(llvm_function(builder, f"llvm.fma.{_suffix(x.type)}", x.type, [x.type] * 3), [x, y, z])


def emit_first_lanes(builder: Any, n: Any, lanes: int) -> Any:
    """Mask of the lanes below `n` (an intp value)."""
    index = ir.VectorType(n.type, lanes)
    return builder.icmp_signed("<", ir.Constant(index, list(range(lanes))), emit_splat(builder, n, lanes))


def emit_load_masked(builder: Any, pointer: Any, index: Any, vector: ir.VectorType, mask: Any) -> Any:
    """Load the lanes of a vector that `mask` selects from element `index`; the others are zero."""
    return _masked_load(builder, builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer()), vector, mask)


def emit_store_masked(builder: Any, pointer: Any, index: Any, value: Any, mask: Any) -> None:
    """Store the lanes of a vector that `mask` selects to element `index`."""
    _masked_store(builder, builder.bitcast(builder.gep(pointer, [index]), value.type.as_pointer()), value, mask)


def _bytes(vector: ir.VectorType) -> int:
    return {ir.FloatType(): 4, ir.DoubleType(): 8}.get(vector.element) or vector.element.width // 8


def _suffix(vector: ir.VectorType) -> str:
    kind = "f" if isinstance(vector.element, (ir.FloatType, ir.DoubleType)) else "i"
    return f"v{vector.count}{kind}{8 * _bytes(vector)}"


def llvm_function(builder: Any, name: str, result: ir.Type, arguments: list[ir.Type]) -> Any:
    """A function of LLVM's own, or of its processor."""
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _masked_load(builder: Any, address: Any, vector: ir.VectorType, mask: Any) -> Any:
    signature = [address.type, INT32, mask.type, vector]
    function = llvm_function(builder, f"llvm.masked.load.{_suffix(vector)}.p0", vector, signature)
    return builder.call(
        function, [address, ir.Constant(INT32, _bytes(vector)), mask, ir.Constant(vector, [0] * vector.count)]
    )


def _masked_store(builder: Any, address: Any, value: Any, mask: Any) -> None:
    signature = [value.type, address.type, INT32, mask.type]
    function = llvm_function(builder, f"llvm.masked.store.{_suffix(value.type)}.p0", ir.VoidType(), signature)
    builder.call(function, [value, address, ir.Constant(INT32, _bytes(value.type)), mask])


@intrinsic(prefer_literal=True)
def load(typing, a, i, lanes):
    """a[i : i + lanes]."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        return emit_load(builder, pointer, arguments[1], ir_vector(result))

    return result(a, types.intp, lanes), generate


@intrinsic(prefer_literal=True)
def load_first(typing, a, i, lanes, n):
    """a[i : i + min(n, lanes)], the other lanes zero; memory beyond is not read."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        address = builder.bitcast(builder.gep(pointer, [arguments[1]]), ir_vector(result).as_pointer())
        return _masked_load(builder, address, ir_vector(result), emit_first_lanes(builder, arguments[3], result.lanes))

    return result(a, types.intp, lanes, types.intp), generate


@intrinsic
def store(typing, a, i, v):
    """a[i : i + lanes] = v."""
    signature = types.void(a, types.intp, v)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        emit_store(builder, pointer, arguments[1], arguments[2])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def store_streaming(typing, a, i, v):
    """a[i : i + lanes] = v past the caches: the place must be aligned to the vector; ends with `fence`."""
    signature = types.void(a, types.intp, v)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        vector = arguments[2].type
        instruction = builder.store(
            arguments[2], builder.bitcast(builder.gep(pointer, [arguments[1]]), vector.as_pointer())
        )
        instruction.align = _bytes(vector) * vector.count
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
    """a[i : i + min(n, lanes)] = v; memory beyond is not written."""
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
    """a[i] in every lane."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        return emit_splat(builder, builder.load(builder.gep(pointer, [arguments[1]])), result.lanes)

    return result(a, types.intp, lanes), generate


@intrinsic(prefer_literal=True)
def splat(typing, a, value, lanes):
    """The scalar `value`, converted to the element type of the array `a`, in every lane."""
    result = Vector(a.dtype, literal(lanes))

    def generate(context, builder, signature, arguments):
        return emit_splat(builder, arguments[1], result.lanes)

    return result(a, a.dtype, lanes), generate


@intrinsic
def fma(typing, x, y, z):
    """x * y + z with one rounding."""

    def generate(context, builder, signature, arguments):
        return emit_fma(builder, *arguments)

    return x(x, x, x), generate


def _binary(operation: str, summary: str) -> Callable[..., Any]:
    def define(typing, x, y):
        def generate(context, builder, signature, arguments):
            integer = isinstance(signature.return_type.dtype, types.Integer)
            name = {"fadd": "add", "fsub": "sub", "fmul": "mul"}[operation] if integer else operation
            return getattr(builder, name)(*arguments)

        return x(x, y), generate

    define.__doc__ = summary
    define.__name__ = operation
    return intrinsic(define)


add = _binary("fadd", "x + y")
sub = _binary("fsub", "x - y")
mul = _binary("fmul", "x * y")
div = _binary("fdiv", "x / y")


@intrinsic
def neg(typing, x):
    """-x."""

    def generate(context, builder, signature, arguments):
        return builder.fneg(arguments[0])

    return x(x), generate


@intrinsic
def sqrt(typing, x):
    """Square root of each lane."""

    def generate(context, builder, signature, arguments):
        (value,) = arguments
        return builder.call(
            llvm_function(builder, f"llvm.sqrt.{_suffix(value.type)}", value.type, [value.type]), [value]
        )

    return x(x), generate


def emit_maximum(builder: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """(mask of lanes in which y replaces x, the larger): NaN wins, the first of equals stays."""
    replaces = builder.or_(builder.fcmp_ordered(">", y, x), builder.fcmp_unordered("uno", y, y))
    return replaces, builder.select(replaces, y, x)


@intrinsic
def maximum(typing, x, y):
    """The larger of each lane; NaN where either is NaN."""

    def generate(context, builder, signature, arguments):
        return emit_maximum(builder, *arguments)[1]

    return x(x, x), generate


@intrinsic
def minimum(typing, x, y):
    """The smaller of each lane; x where y is NaN or equal."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        return builder.select(builder.fcmp_ordered("<", y, x), y, x)

    return x(x, y), generate


@intrinsic
def select_positive(typing, x, y):
    """y where x > 0, else 0."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        zero = _constant(x.type, 0.0)
        return builder.select(builder.fcmp_ordered(">", x, zero), y, zero)

    return x(x, y), generate


def _constant(vector: ir.VectorType, value: float | int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


# By bytes of an element: mantissa bits; degree of the series of exp on [-ln(2) / 2, ln(2) / 2] that leaves less than
# half an ulp; largest |x| whose 2**n is normal; rounding to the type.
_EXP: dict[int, tuple[int, int, float, Any]] = {4: (23, 7, 87.0, np.float32), 8: (52, 13, 708.0, np.float64)}


def emit_exp(builder: Any, x: Any, minus_one: bool = False) -> Any:
    """exp(x) or exp(x) - 1, to about one ulp; |x| is cut at 87 (float32) or 708 (float64); NaN stays NaN.

    x = n ln 2 + r with n an integer: adding 1.5 * 2**mantissa rounds, and leaves n in the low bits, from where a shift
    makes it an exponent. exp(r) - 1 is a Taylor polynomial, so that small x keep their relative precision.
    """
    vector = x.type
    mantissa, degree, limit, kind = _EXP[_bytes(vector)]
    bits = ir.VectorType(ir.IntType(8 * _bytes(vector)), vector.count)
    x = builder.select(builder.fcmp_ordered(">", x, _constant(vector, limit)), _constant(vector, limit), x)
    x = builder.select(builder.fcmp_ordered("<", x, _constant(vector, -limit)), _constant(vector, -limit), x)
    rounder = 1.5 * 2.0**mantissa
    shifted = emit_fma(builder, x, _constant(vector, float(kind(1 / np.log(2)))), _constant(vector, rounder))
    n = builder.fsub(shifted, _constant(vector, rounder))
    # ln 2 in two parts: the first has so few bits that n times it is exact.
    scale = 2.0**9 if kind is np.float32 else 2.0**32
    high = float(np.round(np.log(2) * scale) / scale)
    low = float(kind(np.float64(np.longdouble("0.693147180559945309417232121458176568") - np.longdouble(high))))
    r = emit_fma(builder, n, _constant(vector, -high), x)
    r = emit_fma(builder, n, _constant(vector, -low), r)
    polynomial = _constant(vector, float(kind(1 / math.factorial(degree))))
    for k in range(degree - 1, 0, -1):
        polynomial = emit_fma(builder, polynomial, r, _constant(vector, float(kind(1 / math.factorial(k)))))
    polynomial = builder.fmul(polynomial, r)
    exponent = builder.shl(builder.bitcast(shifted, bits), _constant(bits, mantissa))
    one = _constant(vector, 1.0)
    power = builder.bitcast(builder.add(exponent, builder.bitcast(one, bits)), vector)
    return emit_fma(builder, power, polynomial, builder.fsub(power, one) if minus_one else power)


@intrinsic
def exp(typing, x):
    """exp(x) of each lane, to about one ulp; |x| is cut at 87 (float32) or 708 (float64)."""

    def generate(context, builder, signature, arguments):
        return emit_exp(builder, arguments[0])

    return x(x), generate


@intrinsic
def expm1(typing, x):
    """exp(x) - 1 of each lane, precise near zero; |x| is cut as in :func:`exp`."""

    def generate(context, builder, signature, arguments):
        return emit_exp(builder, arguments[0], minus_one=True)

    return x(x), generate


@intrinsic(prefer_literal=True)
def transpose(typing, source, i, stride, target, j, lanes):
    """Transpose a square: row l is source[i + l * stride :][:lanes]; column k goes to target[j + k * lanes :]."""
    n = literal(lanes)
    if n & (n - 1):
        raise TypeError(f"transpose: lanes: expected a power of two, got {n}")
    signature = types.void(source, types.intp, types.intp, target, types.intp, lanes)

    def generate(context, builder, signature, arguments):
        pointer = data_pointer(context, builder, signature.args[0], arguments[0])
        out = data_pointer(context, builder, signature.args[3], arguments[3])
        vector = ir_vector(Vector(signature.args[0].dtype, n))
        rows, index = [], arguments[1]
        for _ in range(n):
            rows.append(emit_load(builder, pointer, index, vector))
            index = builder.add(index, arguments[2])
        for k, column in enumerate(emit_transpose(builder, rows)):
            emit_store(builder, out, builder.add(arguments[4], ir.Constant(arguments[4].type, k * n)), column)
        return context.get_dummy_value()

    return signature, generate


def emit_transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """Columns of a square of vectors: log2(n) rounds in which half-blocks change places."""
    n = len(rows)
    half = n // 2
    while half:
        shuffled = list(rows)
        for k in range(n):
            if not k & half:
                low = [m if not m & half else n + (m ^ half) for m in range(n)]
                high = [m | half if not m & half else n + m for m in range(n)]
                shuffled[k] = _shuffle(builder, rows[k], rows[k | half], low)
                shuffled[k | half] = _shuffle(builder, rows[k], rows[k | half], high)
        rows = shuffled
        half //= 2
    return rows


def _shuffle(builder: Any, x: Any, y: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(INT32, len(lanes)), lanes))
