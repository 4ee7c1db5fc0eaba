"""JSON, JSON lines and CSV whose values are not what their reader expects."""

import copy
import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from tests.faults.mutate.raw import NAMES, PATHS, VALUES, Rng, pick

DEEP = "@deep@"  # stands for more brackets than a parser can go down


def mutate_tree(tree: Any, rng: Rng) -> Any:
    """A copy with one to three places changed."""
    tree = copy.deepcopy(tree)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(tree))
        if not places:
            return pick(rng, VALUES)
        holder, key = pick(rng, places)
        other, name = pick(rng, places)
        action = int(rng.integers(8))
        if action <= 2:
            holder[key] = copy.deepcopy(pick(rng, VALUES))
        elif action == 3:
            del holder[key]
        elif action == 4:
            holder[key] = copy.deepcopy(other[name])
        elif action == 5:
            holder[key] = _shaken(holder[key], rng)
        elif action == 6 and isinstance(holder, dict):
            holder[str(pick(rng, (*NAMES, *PATHS, name, "x" * 300)))] = holder.pop(key)
        elif action == 6:
            holder.insert(int(rng.integers(len(holder) + 1)), copy.deepcopy(other[name]))
        else:
            holder[key] = pick(rng, (DEEP, [holder[key]], {"class": holder[key]}, [holder[key]] * 50))
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """(holder, key) of everything in a tree."""
    items: list[Any] = []
    if isinstance(tree, dict):
        items = list(tree.items())
    elif isinstance(tree, list):
        items = list(enumerate(tree))
    for key, value in items:
        yield tree, key
        yield from _places(value)


def _shaken(value: Any, rng: Rng) -> Any:
    """Nearly what it was."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        return pick(rng, (value + 1, value - 1, -value, value * 2, str(value)[:20], value * 10**6))
    if isinstance(value, str):
        return pick(rng, (value + " ", value.upper(), value[1:], value[::-1], [value], value + "\0", value * 2))
    items = list(value.items()) if isinstance(value, dict) else list(value)
    order = rng.permutation(len(items)).tolist()
    return dict(items[k] for k in order) if isinstance(value, dict) else [items[k] for k in order]


def to_json(tree: Any, rng: Rng) -> bytes:
    """JSON with all that the standard forbids: NaN, lone surrogates, a key twice, depth without end."""
    text = json.dumps(tree, indent=int(rng.integers(3)) or None)
    if rng.random() < 0.1 and '": ' in text:
        key = text.partition('": ')[0].rpartition('"')[2]
        text = text.replace(f'"{key}": ', f'"{key}": 1, "{key}": ', 1)
    depth = int(pick(rng, (40, 900, 100_000)))
    inside = "[" * depth + "]" * depth if rng.random() < 0.5 else '{"a":' * depth + "1" + "}" * depth
    return text.replace(f'"{DEEP}"', inside).encode("utf-8", "surrogatepass")


def mutate_json(data: bytes, rng: Rng) -> bytes:
    return to_json(mutate_tree(json.loads(data), rng), rng)


def mutate_json_lines(data: bytes, rng: Rng) -> bytes:
    lines = data.splitlines()
    number = int(rng.integers(len(lines)))
    changed = to_json(mutate_tree(json.loads(lines[number]), rng), rng)
    lines[number] = changed.replace(b"\n", b"") if rng.random() < 0.9 else changed
    return b"\n".join(lines) + pick(rng, (b"\n", b"\n", b""))


def mutate_csv(data: bytes, rng: Rng) -> bytes:
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    for _ in range(int(rng.integers(1, 4))):
        row = pick(rng, rows)
        place, action = int(rng.integers(max(1, len(row)))), int(rng.integers(7))
        if action <= 2 and row:
            row[place] = _cell(rng)
        elif action == 3 and row:
            del row[place]
        elif action == 4:
            row.insert(place, _cell(rng))
        elif action == 5:
            rows.insert(int(rng.integers(len(rows) + 1)), list(pick(rng, rows)))
        elif len(rows) > 1:
            rows.remove(row)
    text = io.StringIO()
    csv.writer(text, quoting=pick(rng, (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)), lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def _cell(rng: Rng) -> str:
    value = pick(rng, VALUES)
    return value if isinstance(value, str) else json.dumps(value)
