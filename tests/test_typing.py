"""What type checkers read of the packages is what is there."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("nnlite", "mfcc")


def rows_of_stub(package):
    """(module, or none for a submodule; name) of each row of ``__init__.pyi``, all written as type checkers want."""
    stub = Path(package.__file__).with_suffix(".pyi")
    rows = []
    for node in ast.parse(stub.read_text(encoding="ascii")).body[1:]:  # after the docstring
        assert isinstance(node, ast.ImportFrom) and node.level == 1, ast.unparse(node)
        (alias,) = node.names
        assert alias.asname == alias.name, f"{alias.name}: without 'as {alias.name}' it is private to type checkers"
        rows.append((node.module, alias.name))
    return rows


@pytest.mark.parametrize("name", PACKAGES)
def test_a_stub_lists_the_public_names(name):
    package = importlib.import_module(name)
    rows = rows_of_stub(package)
    assert sorted(public for _, public in rows) == package.__all__ == dir(package)
    for module, public in rows:
        home = importlib.import_module(f"{name}.{module or public}")
        assert getattr(package, public) is (getattr(home, public) if module else home)


@pytest.mark.parametrize("name", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=f"{name} .*DoesNotExist"):
        importlib.import_module(name).DoesNotExist  # noqa: B018


@pytest.mark.parametrize("name", PACKAGES)
def test_a_star_brings_all_public_names(name):
    code = f"from {name} import *; import {name}; assert set({name}.__all__) <= globals().keys()"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=True)
