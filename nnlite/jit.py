"""The one place where kernels are compiled: numba flags, the cache on disk, and memory aligned for vectors.

A kernel is a pure function on arrays, decorated with :func:`kernel`. It is compiled for the types of its first call and
the machine code is kept in a cache directory of the user, under a key that changes with the sources, the flags, the CPU
and the versions of numba and Python.
"""

import functools
import hashlib
import logging
import math
import os
import pickle
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.core.config
import numpy as np
from numba.core import compiler
from numba.core.caching import _Cache

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""

# Everything that keeps NaN and infinity alive: a loss that turned NaN has to be seen, not optimised away.
_FASTMATH = {"reassoc", "contract", "nsz", "arcp", "afn"}

# Typed as Any: numba makes its settings at run time, and its types know no set of fast-math flags.
config: Any = numba.core.config
_njit: Any = numba.njit

_logger = logging.getLogger("nnlite")


def cache_directory() -> Path:
    """Where compiled kernels are kept: ``NNLITE_CACHE_DIR``, or a folder in the user's cache directory."""
    if chosen := os.environ.get("NNLITE_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return base / "nnlite"


@functools.cache
def _fingerprint(folder: Path) -> str:
    """Hash of all that the machine code depends on besides the CPU: sources, flags, versions."""
    digest = hashlib.blake2b(digest_size=16)
    here = Path(__file__).parent
    for path in sorted({*folder.glob("*.py"), here / "jit.py", here / "simd.py"}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    flags = (
        config.OPT,
        config.LOOP_VECTORIZE,
        config.SLP_VECTORIZE,
        config.BOUNDSCHECK,
        config.CPU_NAME,
        config.CPU_FEATURES,
    )
    digest.update(repr((numba.__version__, np.__version__, platform.python_version(), flags)).encode())
    return digest.hexdigest()


def _identity(function: Callable[..., Any]) -> str:
    """Name of a function with the values that its closure holds: what distinguishes two products of one factory."""
    values = [cell.cell_contents for cell in function.__closure__ or ()]
    inner = [_identity(value.py_func) if hasattr(value, "py_func") else repr(value) for value in values]
    return f"{function.__module__}.{function.__qualname__}({', '.join(inner)})"


@functools.cache
def _announce() -> None:
    _logger.warning("nnlite: compiling kernels for this processor; this happens once and takes some seconds ...")


class _KernelCache(_Cache):
    """One file per kernel and signature, named by the hash of its key.

    numba's own cache keeps an index beside the code; two processes that fill it at once can leave an index entry that
    points to the other's code. A name that is the key needs no index, and a rename makes each file whole or absent.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(cache_directory())

    def _path(self, signature: Any, target_context: Any) -> Path:
        folder = Path(sys.modules[self._function.__module__].__file__ or "").parent
        key = (_fingerprint(folder), _identity(self._function), str(signature), target_context.codegen().magic_tuple())
        return cache_directory() / (hashlib.blake2b(repr(key).encode(), digest_size=20).hexdigest() + ".kernel")

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        try:
            payload = self._path(sig, target_context).read_bytes()
        except OSError:
            _announce()
            return None
        return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, sig: Any, data: Any) -> None:
        path = self._path(sig, data.target_context)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(pickle.dumps(data._reduce(), protocol=-1))
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError:
            pass  # A cache that can't be written costs the next process a few seconds, nothing else.

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Nothing is held back in memory."""


def kernel(function: Callable[..., Any] | None = None, *, inline: str = "never") -> Any:
    """Compile `function` with numba on its first call: serial, without the interpreter lock, cached on disk.

    Parameters
    ----------
    function : callable
        Pure function on arrays; `out` arguments come last.
    inline : {"never", "always"}
        "always" expands it at numba's level into each caller.
    """
    if function is None:
        return functools.partial(kernel, inline=inline)
    compiled = _njit(nogil=True, fastmath=_FASTMATH, error_model="numpy", boundscheck=False, inline=inline)(function)
    compiled._cache = _KernelCache(function)
    return compiled


def aligned_empty(shape: int | tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Uninitialised C-contiguous array whose first element lies on a cache line.

    A vector that straddles two cache lines costs two accesses: the backward kernels lose a factor of two to four on
    NumPy's 16 bytes.
    """
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


def aligned_zeros(shape: int | tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Like :func:`aligned_empty`, filled with zeros."""
    array = aligned_empty(shape, dtype)
    array.fill(0)
    return array
