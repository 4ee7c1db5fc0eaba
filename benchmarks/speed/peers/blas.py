"""What the machine can do: the matrix product of the BLAS that NumPy comes with."""

from __future__ import annotations

import numpy as np

from speed.case import Modes, Ready, Task


def sgemm(task: Task) -> Modes:
    """The product of two square float32 matrices; its work is counted in multiplications and additions."""

    def make() -> Ready:
        size = 256 if task.quick else 2048
        a = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
        out = np.empty_like(a)
        return Ready(lambda: np.matmul(a, a, out=out), work=2.0 * size**3)

    return {"": make}
