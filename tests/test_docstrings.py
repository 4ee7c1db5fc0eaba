"""What the libraries promise by name is there and documented, and the documented arguments are the real ones."""

import ast
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


RIDDLES = set("Of What Who Whom Whose Whoever How That Those Where Whether Which Why When".split())
"""Words with which no docstring begins: such a sentence has to be read twice."""
NOT_YET = (
    "examples/filmscore/composers.py",
    "examples/filmscore/corpus.py", "examples/filmscore/deb.py", "examples/filmscore/fetching.py",
)  # fmt: skip
"""Folders and files that are still to be reworded."""


def first_words(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, kind and first word of each docstring: of modules, classes, functions, and properties among them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if docstring := ast.get_docstring(node):
                decorators = " ".join(map(ast.unparse, getattr(node, "decorator_list", ())))
                kind = "property" if "property" in decorators else type(node).__name__
                yield node.body[0].lineno, kind, docstring.split()[0].strip(",.:;")


@pytest.mark.parametrize("folder", ["nnlite", "mfcc", "examples", "tests/nnlite"])
def test_docstrings_begin_with_a_verb_or_a_noun(folder):
    """A docstring is no riddle, and a function's begins with its verb and not with an article."""
    wrong = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        place = path.relative_to(ROOT)
        if any(place.is_relative_to(exempt) for exempt in NOT_YET):
            continue
        for line, kind, word in first_words(path.read_text(encoding="utf-8")):
            if word in RIDDLES:
                wrong.append(f"{place}:{line}: begins with {word}; say what it is, or what it does")
            elif kind == "FunctionDef" and word in ("The", "A", "An") and not path.name.startswith("test_"):
                wrong.append(f"{place}:{line}: begins with {word}; a function begins with its verb, such as Return")
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_reader_of_first_words_reads():
    source = '''"""Of a module."""
class C:
    """A class."""
    @lazy_property
    def p(self):
        """The property."""
    def f(self):
        """The, function."""
'''
    expected = {(1, "Module", "Of"), (3, "ClassDef", "A"), (6, "property", "The"), (8, "FunctionDef", "The")}
    assert set(first_words(source)) == expected
