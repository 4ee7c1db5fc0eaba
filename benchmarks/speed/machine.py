"""What figures depend on besides the code: the processor, the system, and the versions of everything."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from speed.processes import available_cores

PACKAGES = (
    "numpy", "scipy", "numba", "llvmlite", "soundfile", "soxr", "torch", "jax", "onnx", "onnxruntime", "openvino",
    "scikit-learn", "librosa", "python_speech_features", "kaldi-native-fbank", "pyfftw", "mkl_fft",
)  # fmt: skip


def machine() -> dict[str, str | int | float]:
    """Processor, its features that matter, cores, memory and operating system."""
    return {
        "processor": _processor(),
        "vectors": vectors(),
        "cores": len(available_cores()),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Package -> version, of those that are installed, and the state of this checkout."""
    found = {"nnlite": _commit()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    import nnlite

    try:
        command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
        folder = Path(__file__).parent
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return nnlite.__version__
    return f"{nnlite.__version__} ({done.stdout.strip()})"


def _processor() -> str:
    info = _cpuinfo()
    name = info.get("model name") or platform.processor() or "unknown"
    if "cpu family" in info:  # virtual machines are told less than the whole name
        name += f", family {info['cpu family']} model {info['model']}"
    return name


def vectors() -> str:
    """Those of the processor's vector instructions that decide on speed."""
    flags = _cpuinfo().get("flags", "").split()
    return " ".join(name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags)


def _cpuinfo() -> dict[str, str]:
    """The first processor of /proc/cpuinfo."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _memory_gb() -> float:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0.0
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
