"""Who may import whom, where numba may appear, and what is forbidden everywhere.

The files are found in the tree, so a new one is held to all of this; a new module of nnlite fails until `BELOW` has a
place for it, one of mfcc until `MFCC_BELOW` in `test_architecture_mfcc.py` has. Each test lists all that is wrong, with
file and line.
"""

import ast
import configparser
import functools
import json
import re
import subprocess
import sys

import pytest

from tests.sources import (
    ALL,
    LIBRARY,
    MODULES,
    PACKAGES,
    ROOT,
    imports,
    mentions,
    none,
    part_of,
    sources,
    third_party,
    top_of,
)

# What each module (or package) of nnlite stands on. It may import that, what that stands on, and its own parts.
BELOW = {
    "version": "",
    "checks": "",
    "runtime": "checks",
    "kernels": "runtime",
    "initializers": "checks",
    "schedules": "checks",
    "early_stopping": "checks",
    "rows": "checks",
    "augmentation": "checks",
    "labels": "checks",
    "layers": "kernels initializers",
    "losses": "labels layers",
    "optimizers": "kernels layers",
    "network": "layers",
    "training": "network losses optimizers schedules rows augmentation",
    "testing": "network losses",
    "metrics": "labels",
    "calibration": "losses",
    "serialization": "version",
    "model_selection": "checks serialization",
    "registry": "network losses optimizers schedules serialization",
    "models": "registry",
    "estimators": "training models metrics model_selection early_stopping",
    "exchange": "estimators",
}
NUMPY_ALONE = {"checks", "initializers", "labels", "losses", "optimizers", "schedules", "early_stopping"}
NUMPY_ALONE |= {"calibration", "metrics", "model_selection", "serialization"}

COMPILERS = {"jit", "njit", "vectorize", "guvectorize", "cfunc", "stencil", "jit_module", "generated_jit", "prange"}
UNSAFE_MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
MAY_PICKLE = {
    "nnlite.runtime.jit"
}  # numba hands over machine code in this form; it goes to the user's own cache directory
RANDOM_TYPES = {"BitGenerator", "Generator", "PCG64", "PCG64DXSM", "Philox", "RandomState", "SeedSequence", "SFC64"}
HEAVY = {"numba", "llvmlite", "matplotlib", "scipy.signal", "soundfile", "sklearn"}


@functools.cache
def may_import(part: str) -> frozenset[str]:
    """The transitive closure of `BELOW`."""
    direct = BELOW.get(part, "").split()
    return frozenset(direct).union(*(may_import(other) for other in direct))


def test_the_tree_is_there():
    assert {"nnlite", "nnlite.runtime.jit", "nnlite.layers.conv", "nnlite.losses", "mfcc", "mfcc.fft"} <= MODULES


def test_no_property_with_a_lock_that_a_forked_child_waits_for():
    wrong = []
    for source in LIBRARY:
        for node in ast.walk(source.tree):
            if "cached_property" in {getattr(node, key, None) for key in ("id", "attr", "name")}:
                wrong.append(f"{source.at(node.lineno)}: cached_property; take nnlite.runtime.lazy.lazy_property")
    none(wrong)


# --- Import directions ------------------------------------------------------------------------------------------------


def test_every_module_of_nnlite_has_its_place():
    parts = {source.part for source in sources("nnlite")} - {""}
    assert parts <= BELOW.keys(), f"give {sorted(parts - BELOW.keys())} a place in BELOW"


def test_nnlite_imports_what_is_below():
    wrong = []
    for source in sources("nnlite"):
        if not source.part:  # the package's face, from which nothing below imports
            continue
        allowed = {source.part} | may_import(source.part)
        for name, place in {*imports(source), *mentions(source)}:  # mentions: what `import nnlite` loads lazily
            if top_of(name) == "mfcc" or (top_of(name) == "nnlite" and part_of(name) not in allowed):
                wrong.append(f"{place}: {source.module} may not import {name}")
    none(wrong)


def test_no_imports_in_a_circle():
    graph = {source.module: {module for module, _ in imports(source)} & MODULES for source in LIBRARY}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " imports ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in sorted(graph[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def test_nothing_imports_what_stands_above_it():
    """Examples and benchmarks import the libraries, never the other way round; nobody imports tests."""
    scripts = {path.stem for folder in ("examples", "benchmarks") for path in (ROOT / folder).glob("*")}
    above = {"tests", "examples", "benchmarks"} | scripts
    wrong = []
    for source in ALL:
        forbidden = above if source in LIBRARY else {"tests"}
        wrong += [
            f"{place}: may not import {module}" for module, place in imports(source) if top_of(module) in forbidden
        ]
    none(wrong)


def test_the_libraries_know_no_genres():
    """A genre and a soundtrack are words of examples/filmscore."""
    wrong = []
    for source in LIBRARY:
        for node in ast.walk(source.tree):
            names = [str(getattr(node, field, "")) for field in ("id", "attr", "arg", "name")]
            wrong += [
                f"{source.at(node.lineno)}: {name}" for name in names if re.search("genre|soundtrack", name.lower())
            ]
    none(wrong)


# --- Third parties ----------------------------------------------------------------------------------------------------


def test_numba_is_used_in_its_places_only():
    wrong = []
    for source in LIBRARY:
        if (
            source.module not in ("nnlite.runtime.jit", "nnlite.runtime.simd", "nnlite.runtime.simd_math")
            and not source.of_kernels
        ):
            wrong += [
                f"{at}: {module}" for module, at in third_party(source) if top_of(module) in ("numba", "llvmlite")
            ]
    none(wrong)


def test_numpy_is_all_that_these_need():
    wrong = []
    for source in sources("nnlite"):
        if source.part in NUMPY_ALONE:
            wrong += [f"{place}: {module}" for module, place in third_party(source) if top_of(module) != "numpy"]
    none(wrong)


def test_what_is_imported_is_declared():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    required = config["options"]["install_requires"] + extras["plot"] + extras["onnx"]
    declared = {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in required.split("\n") if line}
    declared.add("llvmlite")  # a part of numba, bound to its version
    wrong = []
    for source in LIBRARY:
        wrong += [f"{place}: {module}" for module, place in third_party(source) if top_of(module) not in declared]
    none(wrong)


# --- What may not appear ----------------------------------------------------------------------------------------------


def test_kernels_are_compiled_in_one_place():
    wrong = []
    for source in (*LIBRARY, *sources("examples")):
        for name, place in mentions(source):
            if (
                top_of(name) == "numba"
                and name.rpartition(".")[2] in COMPILERS
                and source.module != "nnlite.runtime.jit"
            ):
                wrong.append(f"{place}: {name}; take nnlite.runtime.jit.kernel")
            if name == "nnlite.runtime.jit.kernel" and not source.of_kernels:
                wrong.append(f"{place}: {name}; kernels belong in nnlite/kernels or mfcc/kernels")
        for node in ast.walk(source.tree):
            if isinstance(node, ast.keyword) and node.arg == "parallel" and ast.unparse(node.value) == "True":
                wrong.append(f"{source.at(node.value.lineno)}: parallel=True; nnlite.network.shards has the threads")
    none(wrong)


def test_nothing_runs_what_a_file_says():
    wrong = []
    for source in ALL:
        if source.module not in MAY_PICKLE:
            wrong += [f"{place}: {name}" for name, place in mentions(source) if top_of(name) in UNSAFE_MODULES]
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS:
                wrong.append(f"{source.at(node.lineno)}: {node.func.id}")
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
                wrong.append(f"{source.at(node.value.lineno)}: allow_pickle")
    none(wrong)


def test_randomness_is_passed():
    wrong = []
    for source in ALL:
        for name, place in mentions(source):
            random = name.startswith("numpy.random.") and name.split(".")[2] not in {"default_rng"} | RANDOM_TYPES
            if random or top_of(name) == "random":
                wrong.append(f"{place}: {name}; draw from a numpy.random.Generator that is passed")
    none(wrong)


# --- Imports in a fresh interpreter -----------------------------------------------------------------------------------


def loaded_after(statement: str) -> set[str]:
    code = f"import json, sys; {statement}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_is_cheap(package):
    loaded = loaded_after(f"import {package}")
    assert package in loaded and not loaded & HEAVY


def test_importing_what_needs_numpy_alone_loads_numpy_alone():
    there = [f"nnlite.{part}" for part in sorted(NUMPY_ALONE) if f"nnlite.{part}" in MODULES]
    loaded = loaded_after(f"import {', '.join(there)}")
    assert "numpy" in loaded and not loaded & (HEAVY | {"scipy", "soxr", "tqdm", "threadpoolctl"})
