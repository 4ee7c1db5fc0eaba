"""The page that puts nnlite beside other libraries: our column is looked up in the library.

``python -m tests.nnlite.test_beside`` writes it.
"""

import csv
import importlib
import inspect
import re
from pathlib import Path

import pytest

import nnlite as nn
from nnlite.registry import REGISTRY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "beside.md"
HEAD = """# nnlite beside Lasagne, Keras 3, PyTorch and scikit-learn's MLP

What each has of its own, row by row. Our column is made by `python -m tests.nnlite.test_beside`, which looks each name
up in the library; a test fails where the page says something else. The names of PyTorch with a dot, and those of
scikit-learn's `MLPClassifier` and `MLPRegressor`, are looked up by the same test. The columns of Lasagne (0.2) and
Keras 3 were read from their documentation and sources. "no" means that there is nothing of that name or kind, not that
it cannot be written.
"""

TABLE = Path(__file__).with_name("beside.csv")
"""The rows. A name of ours is looked up in nnlite; NAME(setting) is one that takes this setting."""

with TABLE.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file, delimiter=";"))
OURS, THEIRS = "nnlite", ("Lasagne", "Keras 3", "PyTorch", "scikit-learn's MLP")
FUSED = {"Layer", "ConvMaxPool2D", "DenseActivation", "ActivationDropout"}
"""Layers that the plan of a network makes by itself."""
FAMILIES = ("layers", "losses", "optimizers", "schedules", "initializers")


def found(name):
    """Return a name of nnlite as the page has it; None if there is no such name or setting."""
    path, _, setting = name.rstrip(")").partition("(")
    value = nn
    for part in path.split("."):
        value = getattr(value, part, None)
    if value is None or (setting and setting not in inspect.signature(value).parameters):
        return None
    return f"`{path}({setting}=)`" if setting else f"`{name}`"


def ours(names):
    """Return our column of a row."""
    return ", ".join(name for name in map(found, names.split()) if name) or "no"


def page():
    """Return the text of the page."""
    lines = [HEAD]
    for title in dict.fromkeys(row["section"] for row in ROWS):
        lines += [f"## {title}", "", f"| | {OURS} | {' | '.join(THEIRS)} |", "|---" * 6 + "|"]
        lines += [
            f"| {row['feature']} | {ours(row[OURS])} | {' | '.join(row[name] for name in THEIRS)} |"
            for row in ROWS
            if row["section"] == title
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def test_the_page_says_what_there_is():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.nnlite.test_beside"


def test_every_description_of_the_library_has_a_row():
    named = {found(name) for row in ROWS for name in row[OURS].split()}
    missing = [
        name
        for family, _, name in (key.partition(".") for key in REGISTRY)
        if family in FAMILIES and name not in FUSED and f"`{name}`" not in named and hasattr(nn, name)
    ]
    assert not missing, f"give each a row: {missing}"


@pytest.mark.parametrize("package", ["torch", "sklearn"])
def test_names_of_others_are_theirs(package):
    """Words with a dot are names of PyTorch; those of scikit-learn are a class or a setting of it."""
    root = pytest.importorskip(package)
    if package == "sklearn":
        module = importlib.import_module("sklearn.neural_network")
        kinds = [getattr(module, name) for name in ("MLPClassifier", "MLPRegressor")]
        settings = {name for kind in kinds for call in (kind, kind.fit) for name in inspect.signature(call).parameters}
        known = {"no", "fixed", "lbfgs"} | {kind.__name__ for kind in kinds} | settings
        assert {row["scikit-learn's MLP"] for row in ROWS} <= known
        return
    words = {word for row in ROWS for word in row["PyTorch"].split()}
    names = {word for word in words if re.fullmatch(r"[\w.]+", word) and "." in word}
    assert len(names) > 40
    for name in names:
        value = root
        for part in name.split("."):
            value = getattr(value, part)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
