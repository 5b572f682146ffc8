"""Choices of a study: tables whose keys have one value or several to choose from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bsnn_hw.errors import InputError
from bsnn_hw.text import listed, shown

__all__ = ["Axis", "Choice", "Rule", "Table", "chosen", "every", "label", "read_table"]

Choice = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """What a value must be: in words, and whether it is."""

    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Table:
    """A table of a study: key -> the values that it may take, one at least."""

    values: Mapping[str, tuple[Any, ...]]


Axis = tuple[Table, ...]


def read_table(where: str, given: Any, rules: Mapping[str, Rule]) -> Table:
    """``given`` of a TOML file, each value or each of a list of values as its rule says.

    Raises
    ------
    InputError
        A key is not known, or a value is not as it must be; names the first.
    """
    if not isinstance(given, dict):
        raise InputError(f"{where}: must be a table, not {shown(given)}")
    for key in given:
        if key not in rules:
            raise InputError(f"{where}: must have {', '.join(rules)} and nothing else, not "
                             f"{listed([key])}")
    return Table({key: _values(f"{where}: {key}", rules[key], value)
                  for key, value in given.items()})


def _values(where: str, rule: Rule, given: Any) -> tuple[Any, ...]:
    several = isinstance(given, list) and bool(given) and not rule.holds(given)
    values = given if several else [given]
    for value in values:
        if not rule.holds(value):
            raise InputError(f"{where} must be {rule.words}, or a list of such to choose from, "
                             f"not {shown(value)}")
    return tuple(values)


def every(axis: Axis) -> Iterator[Choice]:
    """All choices, in the order of the file, the last key the fastest."""
    for table in axis:
        choices: list[Choice] = [{}]
        for key, values in table.values.items():
            choices = [{**choice, key: value} for choice in choices for value in values]
        yield from choices


def chosen(name: str, axis: Axis, pick: Callable[[str, int], int]) -> Choice:
    """One choice.

    pick : given a question's name and how many answers there are, says which; asked where there
        are several
    """
    def among(question: str, count: int) -> int:
        return pick(question, count) if count > 1 else 0

    number = among(name, len(axis))
    return {key: values[among(f"{name} {number + 1} {key}", len(values))]
            for key, values in axis[number].values.items()}


def label(choice: Choice) -> str:
    """``"fraction_bits=4 leak_bits=6"``; ``"default"`` where nothing is said."""
    return " ".join(f"{key}={value if isinstance(value, str) else json.dumps(value)}"
                    for key, value in choice.items()).replace(", ", ",") or "default"
