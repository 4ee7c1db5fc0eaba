"""The compilation of kernels: numba flags and the cache on disk. Kernels are compiled nowhere else.

A kernel is a pure function on arrays, decorated with :func:`kernel`. It is compiled for the types of its first call and
the machine code is kept in a cache directory of the user, under a key that changes with the sources, the flags, the CPU
and the versions of numba and Python.
"""

import contextlib
import functools
import hashlib
import logging
import pickle
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.core.config
import numpy as np
from numba.core import compiler
from numba.core.caching import _Cache
from numba.core.runtime import rtsys

from nnlite.runtime import kernel_cache
from nnlite.runtime.memory import aligned_empty

# All flags that keep NaN and infinity: a loss that turned NaN has to be seen, not optimised away.
_FASTMATH = {"reassoc", "contract", "nsz", "arcp", "afn"}

# Typed as Any: numba makes its settings at run time, and its types know no set of fast-math flags.
config: Any = numba.core.config
_njit: Any = numba.njit

_logger = logging.getLogger("nnlite")


@functools.cache
def _fingerprint(folder: Path) -> str:
    """Return a hash of all that a folder's machine code depends on besides the CPU: sources, flags, versions."""
    digest = hashlib.blake2b(digest_size=16)
    here = Path(__file__).parent
    for path in sorted({*folder.glob("*.py"), here / "jit.py", *here.glob("simd*.py")}):
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
    """Return what distinguishes a function from all others: its source, and the values that its closure holds.

    Two products of one factory differ in the latter. A kernel in a closure may come from another folder, as when a
    user's activation function is put into a loop of this library, so its folder counts too.

    Raises
    ------
    OSError
        When there is no source file: a function typed into a notebook may become another under the same name.
    """
    source = Path(function.__code__.co_filename)
    if not source.is_file():
        raise FileNotFoundError(f"kernel: {function.__qualname__}: no source file")
    values = ", ".join(_describe(cell.cell_contents) for cell in function.__closure__ or ())
    place = f"{source.name}:{function.__code__.co_firstlineno}"
    return f"{function.__module__}.{function.__qualname__}({values}) {place} {_fingerprint(source.parent)}"


def _describe(value: Any) -> str:
    if hasattr(value, "py_func"):
        return _identity(value.py_func)
    if isinstance(value, np.ndarray):  # the repr of a large array leaves out the middle
        return f"{value.dtype.str}{value.shape}{hashlib.blake2b(value.tobytes()).hexdigest()}"
    return repr(value)


@functools.cache
def _announce() -> None:
    _logger.warning("nnlite: compiling kernels for this processor; this happens once and takes some seconds ...")


class _KernelCache(_Cache):
    """A cache on the disk: one file per kernel and signature, named by the hash of its key.

    numba's own cache keeps an index beside the code; two processes that fill it at once can leave an index entry that
    points to the other's code. A name that is the key needs no index, and a rename makes each file whole or absent.
    A file that is damaged, or that someone else could have written, is not run: the kernel is compiled again.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @property
    def cache_path(self) -> str:
        return str(kernel_cache.directory())

    def _path(self, signature: Any, target_context: Any) -> Path:
        key = (_identity(self._function), str(signature), target_context.codegen().magic_tuple())
        return kernel_cache.directory() / (hashlib.blake2b(repr(key).encode(), digest_size=20).hexdigest() + ".kernel")

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            payload = kernel_cache.read(self._path(sig, target_context))
        except (OSError, RuntimeError):  # RuntimeError: the user has no home directory
            payload = None
        if payload is None:
            _announce()
            target_context.refresh()
            return None
        # Only what machine code needs at run time: a refresh would load all that a compiler knows, in half a second.
        rtsys.initialize(target_context)
        return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, sig: Any, data: Any) -> None:
        # A kernel that can't be kept costs the next process a few seconds, nothing else.
        with contextlib.suppress(OSError, RuntimeError, pickle.PicklingError):
            payload = pickle.dumps(data._reduce(), protocol=-1)
            kernel_cache.write(self._path(sig, data.target_context), payload)

    def enable(self) -> None:
        """Do nothing: the cache is always enabled."""

    def disable(self) -> None:
        """Do nothing: the cache is always enabled."""

    def flush(self) -> None:
        """Do nothing: nothing is held back in memory."""


def kernel(function: Callable[..., Any] | None = None, *, inline: str = "never", exact: bool = False) -> Any:
    """Compile `function` with numba on its first call: serial, without the interpreter lock, cached on disk.

    Parameters
    ----------
    function : callable
        Pure function on arrays; `out` arguments come last.
    inline : {"never", "always"}
        "always" expands it at numba's level into each caller.
    exact : bool
        Round each operation by itself, as written: what NumPy would compute.
    """
    if function is None:
        return functools.partial(kernel, inline=inline, exact=exact)
    fastmath = False if exact else _FASTMATH
    compiled = _njit(nogil=True, fastmath=fastmath, error_model="numpy", boundscheck=False, inline=inline)(function)
    compiled._cache = _KernelCache(function)
    return compiled


def kernel_input(x: np.ndarray, dtype: Any = None) -> np.ndarray:
    """Return `x` itself if it is C-contiguous, aligned, writable and of `dtype`, else a copy that is.

    numba compiles a kernel once more for read-only arrays (a memory map, a broadcast): half a second for each kernel
    that meets one, where the copy costs microseconds.
    """
    dtype = x.dtype if dtype is None else dtype
    if type(x) is np.ndarray and x.flags.carray and x.dtype == dtype:
        return x
    copy = aligned_empty(x.shape, dtype)
    copy[...] = x
    return copy
