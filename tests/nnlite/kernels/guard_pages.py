"""Run the kernels on arrays that end where the process's memory ends: reading or writing one byte more kills it.

A script, since a test must not die with it; tests/nnlite/kernels/test_kernels.py runs it. Linux only.
"""

import ctypes
import mmap
import os

import numpy as np

from nnlite.kernels import activations, conv, conv_gradients, pooling, weight_gradients

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_mappings = []


def at_the_edge(values, dtype):
    """Return a copy of `values`; its last byte is the last one that may be touched."""
    values = np.asarray(values, dtype)
    usable = -(-values.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    mapping = mmap.mmap(-1, usable + mmap.PAGESIZE)
    memory = np.frombuffer(mapping, np.uint8)
    if _libc.mprotect(memory.ctypes.data + usable, mmap.PAGESIZE, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    _mappings.append(mapping)
    array = memory[usable - values.nbytes : usable].view(dtype).reshape(values.shape)
    array[...] = values
    return array


def convolution(rng, size, channels, filters, kernel, stride, pool, dtype):
    x = at_the_edge(rng.standard_normal((2, *size, channels)), dtype)
    weight = rng.standard_normal((*kernel, channels, filters)).astype(dtype)
    packed, patches = (
        at_the_edge(p, dtype) for p in (conv.pack_forward(weight, stride, pool), conv_gradients.pack_patches(weight))
    )
    bias = at_the_edge(np.zeros(packed.shape[0] * packed.shape[-1]), dtype)
    lengths = [((size[k] - kernel[k]) // stride[k] + 1) // pool[k] for k in (0, 1)]
    y, argmax = (at_the_edge(np.zeros((2, *lengths, filters)), kind) for kind in (dtype, np.uint8))
    dx, dweight = at_the_edge(np.zeros(x.shape), dtype), at_the_edge(np.zeros(weight.shape), dtype)
    conv.conv_pool(x, packed, bias, y, argmax, kernel, stride, pool)
    conv_gradients.conv_pool_grad_weight(x, y, argmax, kernel, stride, pool, dweight)
    conv_gradients.conv_pool_grad_x(y, patches, argmax, kernel, stride, pool, dx)


def elementwise(rng, size, dtype):
    x, y, dx = (at_the_edge(rng.standard_normal(size), dtype) for _ in range(3))
    activations.run(activations.tanh, x, y)
    activations.run_slope(activations.tanh_slope, y, x, dx)


def max_pooling(rng, dtype):
    x, y = (at_the_edge(rng.standard_normal(shape), dtype) for shape in [(2, 5, 7, 3), (2, 2, 3, 3)])
    argmax = at_the_edge(np.zeros(y.shape), np.uint8)
    pooling.max_pool(x, 2, 2, 2, 2, y, argmax)
    pooling.max_pool_grad(y, argmax, 2, 2, 2, 2, x)


def dense_gradient(rng, samples, m, n, dtype):
    x, dz = (at_the_edge(rng.standard_normal((samples, units)), dtype) for units in (m, n))
    rows = slice(m // 3, m)
    out, fetched = (at_the_edge(np.zeros((m - m // 3, n)), dtype) for _ in range(2))
    weight_gradients.multiply(x, dz, rows, (fetched,), out)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    convolution(rng, (6, 8), 1, 32, (3, 3), (1, 1), (2, 2), np.float32)
    convolution(rng, (6, 9), 17, 5, (3, 2), (1, 1), (2, 2), np.float32)
    convolution(rng, (7, 9), 9, 19, (3, 3), (1, 1), (2, 2), np.float32)
    convolution(rng, (3, 7), 9, 19, (2, 2), (1, 1), (2, 2), np.float32)
    for size in (1, 7, 16, 37):
        elementwise(rng, size, np.float32)
    max_pooling(rng, np.float32)
    for shape in ((9, 12, 24), (1, 13, 33), (5, 3, 7)):
        dense_gradient(rng, *shape, np.float32)
    print("touched nothing else")
