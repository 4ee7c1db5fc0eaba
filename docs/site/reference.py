"""Write the pages of the reference: every public name by the stubs, and every command by its parser."""

from __future__ import annotations

import ast
import importlib
import os
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
TITLES = {
    "nnlite": {
        "network": "Networks",
        "layers": "Layers",
        "initializers": "Initial weights",
        "losses": "Losses",
        "optimizers": "Optimizers",
        "schedules": "Learning rates",
        "training": "Training",
        "early_stopping": "Early stopping",
        "estimators": "Estimators",
        "models": "Saving and loading",
        "exchange": "Exchange with ONNX and PyTorch",
        "testing": "Checks of layers",
    },
    "mfcc": {
        "recipe": "The recipe",
        "recordings": "From a file",
        "presets": "Presets: the recipes of other tools",
        "tiling": "Tiles",
        "delta_features": "Deltas and normalization",
        "normalization": "Deltas and normalization",
        "audio": "Sound",
        "framing": "Frames and windows",
        "windows": "Frames and windows",
        "fft": "Fourier transform",
        "mel": "Mel scale",
        "dct": "Cosines",
        "inverse": "The way back to sound",
        "htk": "HTK",
    },
}
"""Headings for the rooms that public names come from, in this order; other rooms follow under their own name."""
HEADS = {
    "nnlite": "Neural networks on NumPy and numba: ``import nnlite as nn``.",
    "mfcc": "Audio features: ``import mfcc``.",
}


def write(folder: Path) -> None:
    """Write an index, a page for each library, and one for the commands."""
    folder.mkdir()
    for package, head in HEADS.items():
        (folder / f"{package}.rst").write_text(page(package, head), encoding="utf-8")
    (folder / "commands.rst").write_text(commands(), encoding="utf-8")
    (folder / "index.rst").write_text(
        "Reference\n=========\n\n.. toctree::\n   :maxdepth: 2\n\n   nnlite\n   mfcc\n   commands\n", encoding="utf-8"
    )


def page(package: str, head: str) -> str:
    """Return the page of a library: a table of names for each room."""
    groups: dict[str, list[str]] = {title: [] for title in TITLES[package].values()}
    modules: list[str] = []
    known: set[int] = set()
    for room, name in public_names(package):
        value = getattr(importlib.import_module(package), name)
        if isinstance(value, ModuleType):
            modules.append(name)
            continue
        if name.startswith("__"):
            continue
        known.add(id(value))
        title = TITLES[package].get(room.split(".")[0]) or room.split(".")[0].replace("_", " ").capitalize()
        groups.setdefault(title, []).append(documented(package, room, name, value))
    for module in modules:
        imported = importlib.import_module(f"{package}.{module}")
        title = TITLES[package].get(module) or module.replace("_", " ").capitalize()
        for name in names_of(imported):
            value = getattr(imported, name)
            if id(value) not in known and not isinstance(value, ModuleType):
                groups.setdefault(title, []).append(f"{package}.{module}.{name}")
    lines = [package, "=" * len(package), "", head, ""]
    for title, names in groups.items():
        if names:
            lines += [title, "-" * len(title), "", ".. autosummary::", "   :toctree: names", "   :nosignatures:", ""]
            lines += [f"   {name}" for name in dict.fromkeys(names)] + [""]
    return "\n".join(lines)


def public_names(package: str) -> list[tuple[str, str]]:
    """Return the rows of a stub: the module that a name comes from ("" for a module itself), and the name."""
    tree = ast.parse((ROOT / package / "__init__.pyi").read_text(encoding="utf-8"))
    rows = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [(node.module or "", alias.asname or alias.name) for node in rows for alias in node.names]


def names_of(module: ModuleType) -> list[str]:
    """Return the public names of a module: `__all__`, or else what it defines itself."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", "") == module.__name__
    ]  # fmt: skip


def documented(package: str, room: str, name: str, value: object) -> str:
    """Return the name under which Sphinx finds the docstring: for constants that of their module."""
    return f"{package}.{name}" if hasattr(value, "__name__") else f"{package}.{room}.{name}"


def commands() -> str:
    """Return the page of the commands: their help, as a terminal of 100 columns shows it."""
    os.environ["COLUMNS"] = "100"
    os.environ["FILMSCORE_SETTINGS"] = ""
    from filmscore.agent import program
    from mfcc.command.options import parser

    agent = program.parser()
    (choices,) = (action.choices for action in agent._actions if isinstance(action.choices, dict))
    shown = [("filmscore", agent), *((f"filmscore {name}", one) for name, one in choices.items()), ("mfcc", parser())]
    lines = ["Commands", "========", "", "An installation has two commands. Each tells this with ``--help``.", ""]
    for name, one in shown:
        text = one.format_help().replace(str(Path.home()), "~")
        lines += [name, "-" * len(name), "", ".. code-block:: text", ""]
        lines += [f"   {line}".rstrip() for line in text.splitlines()] + [""]
    return "\n".join(lines)
