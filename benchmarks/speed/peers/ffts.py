"""The Fourier transform of real float32 frames, all at once."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable

import numpy as np

from nnlite.runtime import kernel_cache
from nnlite.serialization import atomic_write
from speed.case import Modes, Ready, Task

N_CHECKED = 100
"""Frames that are held against the reference."""

PATIENCE_S = 100.0
"""How long FFTW may look for a patient plan, before it takes the best that it has measured."""


def reference(task: Task) -> Modes:
    """NumPy, in float64."""

    def make() -> Ready:
        x = task.arrays()["frames"][:N_CHECKED].astype(np.float64)
        return Ready(lambda: None, lambda: {"frequencies": np.fft.rfft(x)}, slow=True)

    return {"float64": make}


def ours(task: Task) -> Modes:
    """`mfcc.fft.rfft`, into memory that stays, as FFTW's plan has it, and into new memory."""
    import mfcc.fft

    def make() -> Ready:
        out = mfcc.fft.rfft(task.arrays()["frames"])
        return _ready(task, functools.partial(mfcc.fft.rfft, out=out, threads=task.threads))

    return {"": make, "new memory": lambda: _ready(task, functools.partial(mfcc.fft.rfft, threads=task.threads))}


def scipy(task: Task) -> Modes:
    """`scipy.fft.rfft` with workers."""
    from scipy import fft

    return {"": lambda: _ready(task, functools.partial(fft.rfft, workers=task.threads))}


def numpy(task: Task) -> Modes:
    """`numpy.fft.rfft`, which has one thread."""
    return {"": lambda: _ready(task, np.fft.rfft)}


def mkl(task: Task) -> Modes:
    """MKL through mkl_fft; its threads are those of the environment."""
    from mkl_fft.interfaces import numpy_fft

    return {"": lambda: _ready(task, numpy_fft.rfft)}


def fftw(task: Task) -> Modes:
    """FFTW with plans that were found by trying, the patient one once for all runs, into memory that stays."""
    import pyfftw

    def make(flag: str) -> Ready:
        wisdom = kernel_cache.directory() / f"fftw-{pyfftw.__version__}.json"
        pyfftw.forget_wisdom()  # else one mode would be given the plan of the other
        if flag == "FFTW_PATIENT" and wisdom.is_file():
            pyfftw.import_wisdom([text.encode() for text in json.loads(wisdom.read_text())])
        x = task.arrays()["frames"]
        n_frames, n = x.shape
        aligned = pyfftw.empty_aligned(x.shape, "float32")
        out = pyfftw.empty_aligned((n_frames, n // 2 + 1), "complex64")
        began = time.perf_counter()
        plan = pyfftw.FFTW(aligned, out, axes=(1,), flags=(flag,), threads=task.threads, planning_timelimit=PATIENCE_S)
        aligned[...] = x  # planning overwrites it
        if flag == "FFTW_PATIENT" and time.perf_counter() - began < PATIENCE_S:
            wisdom.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(wisdom) as file:
                file.write(json.dumps([text.decode() for text in pyfftw.export_wisdom()]).encode())

        def result() -> dict[str, np.ndarray]:
            return {"frequencies": plan()[:N_CHECKED].copy()}

        return Ready(plan.execute, result)

    if task.quick:
        return {"estimated plan": lambda: make("FFTW_ESTIMATE")}
    return {"patient plan": lambda: make("FFTW_PATIENT"), "measured plan": lambda: make("FFTW_MEASURE")}


def cosine_reference(task: Task) -> Modes:
    """`scipy.fft.dct` in float64."""
    from scipy import fft

    def make() -> Ready:
        x = task.arrays()["frames"][:N_CHECKED].astype(np.float64)
        return Ready(lambda: None, lambda: {"frequencies": fft.dct(x)}, slow=True)

    return {"float64": make}


def our_cosines(task: Task) -> Modes:
    """`mfcc.dct.dct`."""
    from mfcc import dct

    return {"": lambda: _ready(task, dct.dct)}


def scipy_cosines(task: Task) -> Modes:
    """`scipy.fft.dct` with workers."""
    from scipy import fft

    return {"": lambda: _ready(task, functools.partial(fft.dct, workers=task.threads))}


def _ready(task: Task, transform: Callable[[np.ndarray], np.ndarray]) -> Ready:
    x = task.arrays()["frames"]
    return Ready(lambda: transform(x), lambda: {"frequencies": transform(x)[:N_CHECKED].copy()})
