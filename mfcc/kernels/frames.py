"""From samples to the spectrum of their frames, for as many frames at once as a vector has lanes.

Letters as in kernels_chain, of which `steps` is: W lanes (frames), t samples of a frame, k bins.
"""

import functools
from types import SimpleNamespace

import numpy as np

from mfcc.kernels.fft import fft_kernels
from mfcc.kernels.real import power_end, power_one, power_pair
from mfcc.kernels.vector import transpose_windowed
from nnlite.runtime.jit import kernel
from nnlite.runtime.simd import broadcast, lanes_of, load, prefetch, splat, store
from nnlite.runtime.simd_math import add, fma, mul, sqrt, sub

NO_ENERGY, RAW, WINDOWED, WHOLE_SPECTRUM = range(4)


@functools.cache
def frame_kernels(dtype: str) -> SimpleNamespace:
    """Return the kernels for one real type."""
    W = lanes_of(dtype)
    transform = fft_kernels(dtype).transform

    @kernel
    def load_frames(y, i, steps, z):
        """Window W frames, the first at y[i]: n_fft real numbers or, if n_fft is odd, complex ones."""
        length, window = steps.length, steps.load_window
        step = W if steps.n_fft % 2 == 0 else 2 * W
        if step > W or length < steps.n_fft:
            for t in range(0, steps.n_fft * step, W):
                store(z, t, splat(z, 0, W))
        if length < W:
            for t in range(length):
                for lane in range(W):
                    z[t * step + lane] = y[i + lane * steps.hop + t] * window[t]
        else:
            # Blocks that begin on a cache line (a third faster); those at the two ends overlap their neighbours.
            aligned = -(np.intp(y.ctypes.data) // y.itemsize + i) % W
            t = 0
            while True:
                transpose_windowed(y, i + t, steps.hop, window, t, z, t * step, step, W)
                if t == length - W:
                    break
                t = min(aligned if t < aligned else t + W, length - W)

    @kernel
    def shape_frames(steps, z, energy):
        """Take off the mean, measure the energy, apply pre-emphasis; then the window."""
        length = steps.length
        step = W if steps.n_fft % 2 == 0 else 2 * W
        if steps.remove_mean:
            total = splat(z, 0, W)
            for t in range(length):
                total = add(total, load(z, t * step, W))
            mean = mul(total, splat(z, z.dtype.type(1 / length), W))
            for t in range(length):
                store(z, t * step, sub(load(z, t * step, W), mean))
        if steps.energy == RAW:
            total = splat(z, 0, W)
            for t in range(length):
                total = fma(load(z, t * step, W), load(z, t * step, W), total)
            store(energy, 0, total)
        if steps.preemphasis != 0:
            a = splat(z, z.dtype.type(-steps.preemphasis), W)
            for t in range(length - 1, 0, -1):
                store(z, t * step, fma(a, load(z, (t - 1) * step, W), load(z, t * step, W)))
            store(z, 0, fma(a, load(z, 0, W), load(z, 0, W)))
        for t in range(length):
            store(z, t * step, mul(load(z, t * step, W), broadcast(steps.window, t, W)))
        if steps.energy == WINDOWED:
            total = splat(z, 0, W)
            for t in range(length):
                total = fma(load(z, t * step, W), load(z, t * step, W), total)
            store(energy, 0, total)

    @kernel
    def spectrum(steps, z, p, energy, y, following):
        """Store power or magnitude of bins 0 to n_fft // 2, and meanwhile fetch the samples from y[following] on."""
        plan = steps.plan
        if steps.n_fft % 2 == 0:
            n = plan.n
            step = max(1, 2 * W * steps.hop // n)
            power_end(z, 2 * W * plan.position[0], p, 0, n * W, W)
            for k in range(1, n // 2 + 1):
                prefetch(y, following)
                prefetch(y, following + step // 2)
                following += step
                i, j = 2 * W * plan.position[k], 2 * W * plan.position[n - k]
                power_pair(z, i, j, plan.halves, k, p, k * W, (n - k) * W, W)
        else:
            for k in range(steps.n_fft // 2 + 1):
                power_one(z, 2 * W * plan.position[k], p, k * W, W)
        if steps.magnitude:
            for k in range(steps.n_fft // 2 + 1):
                store(p, k * W, sqrt(load(p, k * W, W)))
        if steps.energy == WHOLE_SPECTRUM:
            total = splat(p, 0, W)
            for k in range(steps.n_fft // 2 + 1):
                total = add(total, load(p, k * W, W))
            store(energy, 0, total)

    @kernel
    def power_of(y, i, steps, z, p, energy):
        """Store the spectrum of W frames, the first at y[i], in p, and meanwhile fetch the samples behind them."""
        load_frames(y, i, steps, z)
        if steps.within_frame:
            shape_frames(steps, z, energy)
        transform(z, steps.plan)
        spectrum(steps, z, p, energy, y, i + (W - 1) * steps.hop + steps.length)

    return SimpleNamespace(power_of=power_of)
