"""The source files of the project, and what each imports and mentions, for the tests of its architecture."""

import ast
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("nnlite", "mfcc")


class Source(NamedTuple):
    module: str
    path: Path
    tree: ast.Module

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(ROOT)}:{line}"

    @property
    def part(self) -> str:
        """nnlite.layers.base -> layers; nnlite -> ''."""
        return part_of(self.module)

    @property
    def of_kernels(self) -> bool:
        return self.module.startswith(("nnlite.kernels", "mfcc.kernels"))


def top_of(module: str) -> str:
    return module.partition(".")[0]


def part_of(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


@functools.cache
def sources(folder: str) -> tuple[Source, ...]:
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Source(module, path, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


LIBRARY = tuple(source for package in PACKAGES for source in sources(package))
ALL = (*LIBRARY, *sources("examples"), *sources("benchmarks"))
MODULES = {source.module for source in LIBRARY}


def once(search: Callable[[Source], Iterator[tuple[str, str]]]) -> Callable[[Source], tuple[tuple[str, str], ...]]:
    """Keep what a search found in a source: several tests ask."""
    return functools.cache(lambda source: tuple(search(source)))


def running(tree: ast.AST) -> Iterator[Any]:
    """All nodes but those under ``if TYPE_CHECKING:``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from running(ast.Module(node.orelse, []))
            continue
        yield node
        yield from running(node)


@once
def imports(source: Source) -> Iterator[tuple[str, str]]:
    """Modules that a module imports, anywhere in it, each with its place."""
    package = source.module if source.path.name == "__init__.py" else source.module.rpartition(".")[0]
    for node in running(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, source.at(node.lineno)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                inner = f"{base}.{alias.name}"  # a lazily imported name of a package's root counts as a module
                yield (inner if inner in MODULES or base in PACKAGES else base), source.at(node.lineno)


def third_party(source: Source) -> Iterator[tuple[str, str]]:
    for module, place in imports(source):
        if top_of(module) not in sys.stdlib_module_names and top_of(module) not in PACKAGES:
            yield module, place


@once
def mentions(source: Source) -> Iterator[tuple[str, str]]:
    """Full names of what a module imports or refers to, each with its place: np.random.rand is numpy.random.rand."""
    known: dict[str, str] = {}
    for node in running(source.tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname or top_of(alias.name): alias.name for alias in node.names if alias.asname}
            known |= {top_of(alias.name): top_of(alias.name) for alias in node.names if not alias.asname}
            yield from ((alias.name, source.at(node.lineno)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            known |= names
            yield from ((name, source.at(node.lineno)) for name in names.values())
    for node in ast.walk(source.tree):
        attributes: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            attributes.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in known:
            yield ".".join([known[inner.id], *attributes]), source.at(inner.lineno)


def none(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(sorted(wrong))
