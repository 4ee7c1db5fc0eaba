"""What type checkers read of the packages is what is there."""

import ast
import importlib
import inspect

import pytest


def read_by_type_checkers(package):
    """Name -> module, as ``if TYPE_CHECKING:`` of a package says."""
    tree = ast.parse(inspect.getsource(package))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, f"{alias.name}: write 'import {alias.name} as {alias.name}'"
            found[alias.name] = node.module
    return found


@pytest.mark.parametrize("name", ["nnlite", "mfcc"])
def test_lazy_names_are_known_to_type_checkers(name):
    package = importlib.import_module(name)
    names = {public: f"{name}.{module}" for public, module in package._HOME.items()}
    submodules = {public: name for public in package.__all__ if public not in (*names, "__version__")}
    assert read_by_type_checkers(package) == names | submodules, f"add it under TYPE_CHECKING in {name}/__init__.py too"
