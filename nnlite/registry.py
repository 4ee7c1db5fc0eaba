"""Descriptions as JSON and back: layers, networks, initializers, losses, optimizers and schedules.

A description is a frozen dataclass; in JSON it is an object with its fields and ``class``, its name in a closed table.
The table holds what the modules of layers, initializers, losses, optimizers and schedules declare in `__all__`. Loading
looks up a name in the table and in the classes that the caller passes, and nowhere else; it checks names and types of
the fields, and constructs.

>>> from nnlite.layers.dropout import Dropout
>>> to_dict(Dropout(0.5))
{'class': 'layers.Dropout', 'rate': 0.5, 'rest': 0.0}
>>> from_dict({'class': 'layers.Dropout', 'rate': 0.5, 'rest': 0.0})
Dropout(rate=0.5, rest=0.0)
"""

import dataclasses
import math
import pkgutil
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from nnlite import initializers, layers, losses, optimizers, schedules
from nnlite.checks import speaking
from nnlite.layers.base import Layer
from nnlite.network.sequential import Sequential
from nnlite.serialization import FileFormatError
from nnlite.serialization.errors import brief, shown

NETWORK = "network.Sequential"
CUSTOM = "custom."
MAX_LAYERS = 1000
MAX_DEPTH = 32

_FAMILIES = {
    "layers": [import_module(f"{layers.__name__}.{module.name}") for module in pkgutil.iter_modules(layers.__path__)],
    "initializers": [initializers],
    "losses": [losses],
    "optimizers": [optimizers],
    "schedules": [schedules],
}


def _declared(module: types.ModuleType) -> Iterator[type]:
    """Yield the descriptions in a module's `__all__`: what is itself a dataclass, so not their common bases."""
    for value in (getattr(module, name) for name in module.__all__):
        if isinstance(value, type) and "__dataclass_fields__" in vars(value):
            yield value


REGISTRY = {
    f"{family}.{cls.__name__}": cls
    for family, modules in _FAMILIES.items()
    for module in modules
    for cls in _declared(module)
}
_NAMES = {cls: name for name, cls in REGISTRY.items()} | {Sequential: NETWORK}
_BASES = {"layers": Layer, "losses": losses.Loss, "optimizers": optimizers.Optimizer}


def to_dict(description: Any) -> dict[str, Any]:
    """Return a description as a dict that JSON can hold.

    Parameters
    ----------
    description : Sequential, Layer, Initializer, Loss, Optimizer, Schedule
        Also a frozen dataclass of your own with fields that are numbers, strings, truth values, None, descriptions and
        tuples of these; `from_dict` must then be given its class.

    Returns
    -------
    dict

    Raises
    ------
    TypeError, ValueError
        If it, or a field of it, is none of these.
    """
    custom: set[type] = set()
    data = _describe(description, type(description).__name__, custom)
    try:
        same = _describe(from_dict(data, custom), "", set()) == data
    except FileFormatError as error:
        raise ValueError(f"{error} So it could not be loaded again.") from error
    if not same:
        raise ValueError(
            f"{shown(description)}: expected a description that its fields determine, got one that changes."
        )
    return data


def from_dict(data: Any, extra: Iterable[type] = (), *, family: str | None = None) -> Any:
    """Return the description that `to_dict` turned into `data`, which may come from anyone.

    Parameters
    ----------
    data : dict
    extra : iterable of type
        Classes of one's own that may occur.
    family : {"network", "layers", "initializers", "losses", "optimizers", "schedules"}, optional
        The family that it must belong to.

    Raises
    ------
    FileFormatError
        If a class is unknown, a field is unknown, missing or of a wrong type, or the class does not take the values.
    TypeError, ValueError
        If `extra` is not a list of different dataclasses.
    """
    description = _build(data, _classes(extra), "", 0)
    if family is not None and not _is_of(description, family):
        raise FileFormatError(f"expected a description of {family}, got {shown(description)}.")
    return description


def _describe(value: Any, where: str, custom: set[type]) -> dict[str, Any]:
    if type(value) is Sequential:
        if len(value.layers) > MAX_LAYERS:
            raise ValueError(f"{where}: layers: expected at most {MAX_LAYERS}, got {len(value.layers)}.")
        layers = [_describe(layer, f"{where}: layers[{index}]", custom) for index, layer in enumerate(value.layers)]
        return {"class": NETWORK, "layers": layers, "input_shape": list(value.input_shape), "fuse": bool(value.fuse)}
    cls = type(value)
    if not dataclasses.is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(
            f"{where}: expected a description that can be stored, got {shown(value)}. Write a class of your own as a "
            "frozen dataclass (@dataclasses.dataclass(frozen=True)) with its settings as fields, a function as one "
            f"with __call__. To load it pass custom=[{'MyClass' if cls is types.FunctionType else cls.__name__}]."
        )
    if cls not in _NAMES:
        custom.add(cls)
    fields = {name: _describe_value(getattr(value, name), f"{where}: {name}", custom) for name in _fields(cls)}
    return {"class": _NAMES.get(cls, f"{CUSTOM}{cls.__name__}"), **fields}


def _describe_value(value: Any, where: str, custom: set[type]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, tuple):
        return [_describe_value(item, f"{where}[{index}]", custom) for index, item in enumerate(value)]
    if isinstance(value, float):
        raise ValueError(f"{where}: expected a finite number, got {value}.")
    return _describe(value, where, custom)


def _build(data: Any, classes: Mapping[str, type], where: str, depth: int) -> Any:
    if not isinstance(data, dict) or not isinstance(data.get("class"), str):
        raise FileFormatError(f"{where}expected a description with its class, got {shown(data)}.")
    if depth > MAX_DEPTH:
        raise FileFormatError(f"{where}expected at most {MAX_DEPTH} descriptions inside of each other, got more.")
    name = data["class"]
    if name != NETWORK and name not in classes:
        own = name.removeprefix(CUSTOM)
        hint = f" Pass custom=[{own[:60]}], the class itself, to load it." if own != name and own.isidentifier() else ""
        raise FileFormatError(f"{where}class: expected one that is known, got {shown(name)}.{hint}")
    where = f"{where}{name}: "
    given = {key: value for key, value in data.items() if key != "class"}
    if name == NETWORK:
        return _build_network(given, classes, where, depth)
    cls = classes[name]
    fields, hints, values = _fields(cls), _hints(cls), {}
    _check_names(given, fields, where)
    for key, field in fields.items():
        value = values[key] = _build_value(given[key], classes, f"{where}{key}: ", depth)
        family = _family_of_default(field)
        if not _fits(value, hints.get(key, Any)) or (family and not _is_of(value, family)):
            expected = f"one of {family}" if family else _readable(hints[key])
            raise FileFormatError(f"{where}{key}: expected {expected}, got {shown(value)}.")
    return _construct(cls, values, where)


def _build_network(given: dict[str, Any], classes: Mapping[str, type], where: str, depth: int) -> Sequential:
    _check_names(given, ("layers", "input_shape", "fuse"), where)
    layers, shape, fuse = given["layers"], given["input_shape"], given["fuse"]
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise FileFormatError(f"{where}layers: expected a list of at most {MAX_LAYERS}, got {shown(layers)}.")
    if not isinstance(shape, list) or not all(_fits(length, int) for length in shape):
        raise FileFormatError(f"{where}input_shape: expected a list of integers, got {shown(shape)}.")
    if not isinstance(fuse, bool):
        raise FileFormatError(f"{where}fuse: expected true or false, got {shown(fuse)}.")
    built = [_build(layer, classes, f"{where}layers[{index}]: ", depth + 1) for index, layer in enumerate(layers)]
    return _construct(Sequential, {"layers": built, "input_shape": tuple(shape), "fuse": fuse}, where)


def _build_value(data: Any, classes: Mapping[str, type], where: str, depth: int) -> Any:
    if isinstance(data, list):
        if depth > MAX_DEPTH:
            raise FileFormatError(f"{where}expected at most {MAX_DEPTH} lists inside of each other, got more.")
        return tuple(_build_value(item, classes, where, depth + 1) for item in data)
    return _build(data, classes, where, depth + 1) if isinstance(data, dict) else data


def _construct(cls: type, values: dict[str, Any], where: str) -> Any:
    try:
        return cls(**values)
    except (
        Exception
    ) as error:  # a class may check values in any way, and these may be values that nobody would write by hand
        raise FileFormatError(f"{where}{brief(error)}") from error


def _check_names(given: Iterable[str], expected: Iterable[str], where: str) -> None:
    # Older files lack a field that a later version adds: then put its default here, by class and field.
    if missing := sorted(set(expected) - set(given)):
        raise FileFormatError(f"{where}expected a field {missing[0]!r}, got none.")
    if unknown := sorted(set(given) - set(expected)):
        raise FileFormatError(f"{where}expected the fields {shown(sorted(expected))}, got also {shown(unknown[0])}.")


def check_custom(who: str, extra: Iterable[type]) -> None:
    """Raise TypeError or ValueError, beginning with `who`, unless `extra` are dataclasses of different names."""
    with speaking(who):
        _classes(extra)


def _classes(extra: Iterable[type]) -> dict[str, type]:
    classes: dict[str, type] = dict(REGISTRY)
    for cls in extra:
        if not isinstance(cls, type) or not dataclasses.is_dataclass(cls):
            raise TypeError(f"custom: expected dataclasses, the classes themselves, got {shown(cls)}.")
        name = f"{CUSTOM}{cls.__name__}"
        if classes.setdefault(name, cls) is not cls:
            raise ValueError(f"custom: expected classes of different names, got two of the name {cls.__name__}.")
    return classes


def _fields(cls: Any) -> dict[str, dataclasses.Field]:
    return {field.name: field for field in dataclasses.fields(cls) if field.init}


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except (NameError, TypeError):  # a class of the user's: its annotations can't be resolved from here
        return {}


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotated type, so far as that can be told."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is None or hint is types.NoneType:
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, arg) for arg in args)
    if origin is typing.Literal:
        return value in args
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        wanted = args[:1] * len(value) if args[1:] == (...,) else args
        return len(value) == len(wanted) and all(map(_fits, value, wanted))
    if isinstance(hint, type) and origin is None and not getattr(hint, "_is_protocol", False):
        return hint is Any or isinstance(value, hint)
    return True


def _family_of_default(field: dataclasses.Field) -> str | None:
    """Return the family of a field's default, if that is a description: any other of the family may stand there."""
    factory = field.default_factory
    cls = factory if isinstance(factory, type) else type(field.default)
    return _NAMES[cls].partition(".")[0] if cls in _NAMES else None


def _is_of(value: Any, family: str) -> bool:
    cls = type(value)
    if cls in _NAMES:
        return _NAMES[cls].partition(".")[0] == family
    return isinstance(value, _BASES[family]) if family in _BASES else family != "network" and callable(value)


def _readable(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and typing.get_origin(hint) is None else str(hint)
