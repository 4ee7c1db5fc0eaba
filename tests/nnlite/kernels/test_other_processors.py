"""Kernels compiled for narrower vectors than this processor's: some of the tests again, in a process of their own."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import pytest

FEATURES = llvmlite.binding.get_host_cpu_features()
CHOSEN = ["test_kernels.py", "../runtime/test_simd.py", "test_winograd.py", "../layers/test_weight_gradients.py"]


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="names of x86 processors")
@pytest.mark.skipif("NUMBA_CPU_NAME" in os.environ, reason="already another processor")
@pytest.mark.parametrize(
    ("name", "needs", "tests"),
    [
        ("haswell", ("avx2", "fma"), "wide or first or activations or loads or blocks"),  # 256 bits, 16 registers
        ("generic", (), "without_argmax or wide or loads or blocks"),  # 128 bits, no fused multiply-add
    ],
)
def test_kernels_for_another_processor(name, needs, tests):
    if not all(FEATURES.get(feature) for feature in needs):
        pytest.skip(f"this processor has no {' and '.join(needs)}")
    here = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", tests, *(here / c for c in CHOSEN)]
    environment = {**os.environ, "NUMBA_CPU_NAME": name}
    root = here.parents[2]
    result = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert result.returncode == 0, result.stdout[-4000:]
    assert "passed" in result.stdout
