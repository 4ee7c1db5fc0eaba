"""What the libraries promise by name is there and documented, and the documented arguments are the real ones."""

import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("nnlite", "mfcc")


def modules() -> Iterator[str]:
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        if path.name != "__main__.py":
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("package", ["nnlite", "mfcc"])
def test_public_names_are_there_and_documented(package):
    public = importlib.import_module(package)
    for name in public.__all__:
        value = getattr(public, name)
        # A module of the same name would take a function's place as soon as anything imports it.
        of_module = importlib.util.find_spec(f"{package}.{name}") is not None
        assert of_module == inspect.ismodule(value), f"{package}.{name} is also the name of a module"
        assert name in dir(public)
        if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
            assert value.__doc__, f"{package}.{name} has no docstring"


def documented_parameters(docstring: str) -> list[str] | None:
    """Names in the section "Parameters" of a numpydoc docstring, or None if it has none."""
    lines = inspect.cleandoc(docstring).split("\n")
    names: list[str] = []
    section, sections = "", set()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch("-{3,}", following):
            section = line
            sections.add(line)
        elif section in ("Parameters", "Other Parameters") and line and not line.startswith((" ", "---")):
            names += [name.strip().lstrip("*") for name in line.partition(" : ")[0].split(",")]
    return names if "Parameters" in sections else None


def public_callables() -> Iterator[tuple[str, Any]]:
    """Functions, classes and methods of the libraries that don't begin with an underscore, with their full names."""
    for module in modules():
        for name, value in vars(importlib.import_module(module)).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module or not callable(value):
                continue
            yield f"{module}.{name}", getattr(value, "py_func", value)  # of a compiled kernel, what was compiled
            for inner, method in vars(value).items() if inspect.isclass(value) else ():
                method = getattr(method, "__func__", method)  # of a class method or static method
                if inspect.isfunction(method) and not inner.startswith("_"):
                    yield f"{module}.{name}.{inner}", method


def test_documented_parameters_are_those_of_the_signature():
    wrong, compared = [], 0
    for name, value in public_callables():
        docstring = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
        documented = documented_parameters(docstring or "")
        if documented is not None:
            compared += 1
            taken = [parameter for parameter in inspect.signature(value).parameters if parameter not in ("self", "cls")]
            if documented != taken:
                wrong.append(f"{name}: documents {', '.join(documented)}; takes {', '.join(taken)}")
    assert compared > 20
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_reader_of_docstrings_reads():
    docstring = """Purpose.

    Parameters
    ----------
    x, y : ndarray of shape (N,)
        About them : with a colon.
    name
        About it.

    *args : int
    **options : dict

    Returns
    -------
    z : float
    """
    assert documented_parameters(docstring) == ["x", "y", "name", "args", "options"]
    assert documented_parameters("Purpose.\n\nParameters\n----------\n\nReturns\n-------\nz : float") == []
    assert documented_parameters("Purpose.\n\nReturns\n-------\nz : float") is None
