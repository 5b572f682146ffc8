"""Small changes of files, drawn at random: of bytes, of the structure, and of single values."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from typing import Any

import numpy as np

__all__ = ["mutated_bytes", "mutated_json", "mutated_lines", "mutated_records", "mutated_tree",
           "plain_values"]

DEPTH = 300  # of the deepest nesting that Python can still write

# What stands for a value in TOML.
LITERALS = ("0", "-1", "1e400", "nan", "true", '""', "[]", "[1]", "{}", "1979-05-27", "9" * 400,
            "9" * 5000, f"0x{'f' * 3000}", "'x'", "[[[[1]]]]", f"{'[' * 5000}", "{a.b.c = 1}", "99",
            f"'{'x' * 5000}'", "07:32:00")


def mutated_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    """``data`` with bits turned over, noise, a part cut out, repeated or silenced, or its end."""
    changed = bytearray(data)
    start = int(rng.integers(len(data) + 1))
    length = int(rng.integers(1, 2 ** rng.integers(1, 10)))
    match int(rng.integers(6)):
        case 0:
            for place in rng.integers(max(1, len(data)), size=rng.integers(1, 9)):
                changed[place:place + 1] = bytes([data[place] ^ 1 << rng.integers(8)]
                                                 if data else [])
        case 1:
            changed[start:start + length] = rng.bytes(length)
        case 2:
            del changed[start:start + length]
        case 3:
            changed[start:start] = data[start:start + length] * int(rng.integers(1, 4))
        case 4:
            changed[start:start + length] = (b"\0", b"\xff")[rng.integers(2)] * length
        case _:
            del changed[start:]
    return bytes(changed)


def mutated_records(rng: np.random.Generator, archive: bytes) -> bytes:
    """A zip archive with one record changed and its checksum right, so that it is believed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        records = {name: old.read(name) for name in old.namelist()}
    name = str(rng.choice(sorted(records)))
    match int(rng.integers(8)):
        case 0:
            del records[name]
        case 1:
            records[f"{name}x"] = records.pop(name)
        case 2:
            records[name] = records[str(rng.choice(sorted(records)))]
        case _:
            records[name] = mutated_bytes(rng, records[name])
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if rng.random() < 0.1 else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as new:
        for name, data in records.items():
            new.writestr(name, data)
    return buffer.getvalue()


def mutated_lines(rng: np.random.Generator, text: str) -> str:
    """Lines of ``key = value`` with values of wrong kinds, and lines gone, moved or repeated."""
    lines = text.split("\n")
    for _ in range(rng.geometric(0.7)):
        place, other = (int(each) for each in rng.integers(len(lines), size=2))
        match int(rng.integers(6)):
            case 0:
                del lines[place]
                lines = lines or [""]
            case 1:
                lines.insert(other, lines[place])
            case 2:
                lines[place], lines[other] = lines[other], lines[place]
            case _:
                key = lines[place].split("=")[0].strip() or "clock"
                lines[place] = f"{key} = {LITERALS[rng.integers(len(LITERALS))]}"
    return "\n".join(lines)


def mutated_json(rng: np.random.Generator, text: str) -> str:
    """JSON text with values of wrong kinds, or with its text changed."""
    if rng.random() < 0.1:
        place = int(rng.integers(len(text)))
        return text[:place] + str(rng.choice(["[" * 10**5, "9" * 5000, "NaN", '"', "{}", "\\u12"])
                                  ) + text[place:]
    return json.dumps(mutated_tree(rng, json.loads(text), plain_values()))


def mutated_tree(rng: np.random.Generator, tree: Any, values: list[Any]) -> Any:
    """A copy of dictionaries and lists with one or a few of its values changed.

    values : what a value may become
    """
    tree = copy.deepcopy(tree)
    for _ in range(rng.geometric(0.7)):
        holder, key = _spot(rng, tree)
        if holder is None:
            return values[rng.integers(len(values))]
        match int(rng.integers(8)):
            case 0:
                del holder[key]
            case 1:
                other, found = _spot(rng, tree)
                if other is not None:
                    holder[key] = copy.deepcopy(other[found])
            case 2 if isinstance(holder, dict):
                holder[str(rng.choice(["", "x", "name", "kind", "from"]))] = holder.pop(key)
            case 3 if isinstance(holder, list):
                holder *= int(rng.integers(2, 4))
            case 4 if type(holder[key]) in (int, float):
                holder[key] *= int(rng.choice([-1, 0, 2, 100, 10**6, 10**12]))
            case _:
                holder[key] = values[rng.integers(len(values))]
    return tree


def _spot(rng, tree):
    """A dictionary or list somewhere in the tree, and a key of it; (None, None) if it is empty."""
    holder, key = None, None
    while isinstance(tree, dict | list) and tree and (holder is None or rng.random() < 0.85):
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        holder, key = tree, keys[rng.integers(len(keys))]
        tree = tree[key]
    return holder, key


def plain_values() -> list[Any]:
    """Values that JSON can hold, most of them wrong wherever they stand."""
    deep: Any = 1
    for _ in range(DEPTH):
        deep = [deep]
    return [None, True, False, 0, 1, -1, 3, 7, 64, 1024, 1 << 16, 1 << 31, 1 << 62,
            1 << 63, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "x", "x" * 5000,
            "../../x", "\0", "\ud800", [], {}, [1, 2, 3], [[]], [0] * 1000,
            {"kind": "current", "from": "x"}, deep]
