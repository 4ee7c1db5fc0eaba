"""Parameters inside of parameters: fields of optimizers, schedules, losses and layers by names such as
``optimizer__learning_rate`` and ``network__0__units``."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nnlite.network.sequential import Sequential


def parts(value: Any) -> dict[str, Any]:
    """Return what a description is made of, by name: fields of a dataclass, layers of a network by their number.

    Anything else has no parts.

    Examples
    --------
    >>> from nnlite import Dense, ReLU
    >>> parts(Sequential([Dense(3), ReLU()], (4,)))["1"]
    ReLU()
    """
    if isinstance(value, Sequential):
        return {str(number): layer for number, layer in enumerate(value.layers)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    return {}


def all_parts(value: Any) -> dict[str, Any]:
    """Return the parts of a description, their parts, and so on; names are joined by two underscores.

    Parts of an object with a method `get_params` are what that returns.
    """
    if hasattr(value, "get_params") and not isinstance(value, type):
        return dict(value.get_params())
    found = {}
    for name, part in parts(value).items():
        found[name] = part
        found |= {f"{name}__{inner}": setting for inner, setting in all_parts(part).items()}
    return found


def with_parts(who: str, name: str, value: Any, settings: Mapping[str, Any]) -> Any:
    """Return a description with other parts. One with a method `set_params` is changed in place.

    Parameters
    ----------
    who : str
        What an error begins with.
    name : str
        Name of the parameter that has the value.
    value : description
    settings : mapping
        Name of a part, or of a part of a part, -> its new value.

    Raises
    ------
    ValueError
        If there is no such part, or it can't have the value.
    """
    if hasattr(value, "set_params") and not isinstance(value, type):
        value.set_params(**settings)
        return value
    known = parts(value)
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for path, setting in settings.items():
        head, _, rest = path.partition("__")
        if head not in known:
            hint = f" Set {name} first." if value is None else ""
            raise ValueError(
                f"{who}: {name}: expected one of the parts {sorted(known)} of {value!r}, got {head!r}.{hint}"
            )
        if rest:
            inner.setdefault(head, {})[rest] = setting
        else:
            own[head] = setting
    for head, deeper in inner.items():
        own[head] = with_parts(who, f"{name}__{head}", own.get(head, known[head]), deeper)
    if isinstance(value, Sequential):
        layers = [own.get(str(number), layer) for number, layer in enumerate(value.layers)]
        return Sequential(layers, value.input_shape, fuse=value.fuse)
    return dataclasses.replace(value, **own)
