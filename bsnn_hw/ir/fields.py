"""Values of a JSON object, one by one: right type and range, or an InputError that says where."""

from __future__ import annotations

import enum
import re
import sys
from typing import Any, NoReturn, TypeVar

import numpy as np

from bsnn_hw.errors import InputError

__all__ = ["Fields"]

E = TypeVar("E", bound=enum.Enum)

_LIMIT = 1 << 62
_MOST_VALUES = 1 << 24  # of a table; one row may stand for many
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


class Fields:
    """One JSON object of a network file.

    Parameters
    ----------
    source : str, what messages begin with
    path : str, where in the file this object is ("hidden[0].", or "")
    value : what the file holds there

    Raises
    ------
    InputError
        From every method: the key is absent or has a wrong value.
    """

    def __init__(self, source: str, path: str, value: Any) -> None:
        self._source, self._path = source, path
        if not isinstance(value, dict):
            self.refuse("", "must be an object")
        self._items = value

    def refuse(self, key: str, must: str) -> NoReturn:
        """Say what must hold at ``key``."""
        where = f"{self._path}{key}".rstrip(".") or "the network"
        raise InputError(f"{self._source}: {where} {must}; the file is damaged or of another "
                         "version: save the network again")

    def _get(self, key: str, kinds: type | tuple[type, ...], must: str) -> Any:
        value = self._items.get(key)
        if not isinstance(value, kinds) or isinstance(value, bool):
            self.refuse(key, f"must be {must}")
        return value

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._items

    def text(self, key: str) -> str:
        """A string."""
        text: str = self._get(key, str, "a string")
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._get(key, list, "a list of strings")
        if not all(isinstance(item, str) for item in value):
            self.refuse(key, "must be a list of strings")
        return tuple(value)

    def name(self) -> str:
        """The name of a layer: it becomes the name of a file and of a Verilog module."""
        value = self.text("name")
        if not _NAME.fullmatch(value):
            self.refuse("name", "must be a letter and then at most 62 letters, digits or _")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._items.get(key)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value

    def integer(self, key: str, low: int = -_LIMIT, high: int = _LIMIT) -> int:
        """An integer in low..high."""
        value: int = self._get(key, int, "an integer")
        if not low <= value <= high:
            self.refuse(key, f"must be an integer from {low} to {high}")
        return value

    def integers(self, key: str, count: int, low: int, high: int) -> tuple[int, ...]:
        """A list of ``count`` integers in low..high."""
        values = tuple(self.vector(key, count).tolist())
        if not all(low <= value <= high for value in values):
            self.refuse(key, f"must be {count} integers from {low} to {high}")
        return values

    def number(self, key: str) -> float:
        """A finite number."""
        value = self._get(key, (int, float), "a number")
        if not abs(value) <= sys.float_info.max:
            self.refuse(key, "must be a finite number")
        return float(value)

    def positive(self, key: str) -> float:
        """A finite number above 0."""
        value = self.number(key)
        if not value > 0:
            self.refuse(key, "must be a finite number above 0")
        return value

    def numbers(self, key: str, count: int) -> float | tuple[float, ...]:
        """A finite number, or a list of ``count`` of them."""
        if not isinstance(self._items.get(key), list):
            return self.number(key)
        value = self._items[key]
        if len(value) != count or any(type(item) not in (int, float) or not
                                      abs(item) <= sys.float_info.max for item in value):
            self.refuse(key, f"must be a finite number, or a list of {count}")
        return tuple(float(item) for item in value)

    def positive_numbers(self, key: str, count: int) -> float | tuple[float, ...]:
        """As `numbers`, above 0."""
        value = self.numbers(key, count)
        if not min(value if isinstance(value, tuple) else (value,)) > 0:
            self.refuse(key, "must be a finite number above 0")
        return value

    def choice(self, key: str, kind: type[E]) -> E:
        """A member of an enum, by its value."""
        value, members = self.text(key), {each.value: each for each in kind}
        if value not in members:
            self.refuse(key, f"must be one of {', '.join(members)}")
        return members[value]

    def inner(self, key: str) -> Fields:
        """The object under ``key``."""
        return Fields(self._source, f"{self._path}{key}.", self._items.get(key))

    def each(self, key: str) -> list[Fields]:
        """The objects of a list."""
        value = self._get(key, list, "a list of objects")
        return [Fields(self._source, f"{self._path}{key}[{index}].", item)
                for index, item in enumerate(value)]

    def holds_rows(self, key: str) -> bool:
        """Whether a list of rows is there, not of integers."""
        value = self._items.get(key)
        return isinstance(value, list) and bool(value) and isinstance(value[0], list)

    def row_length(self, key: str) -> int:
        """How many integers the first of a list of rows has, 1 or more."""
        value = self._items.get(key)
        if not (isinstance(value, list) and value and isinstance(value[0], list) and value[0]):
            self.refuse(key, "must be a list of rows of an integer or more")
        return len(value[0])

    def vector(self, key: str, length: int | None) -> np.ndarray:
        """A list of integers as int64 (length,), of any length if None."""
        return self._integers(key, self._get(key, list, "a list of integers"), length)

    def rows(self, key: str, timesteps: int, length: int) -> np.ndarray:
        """Rows of integers as int64 (timesteps, length); a single row is that of every timestep."""
        value = self._get(key, list, "a list of rows")
        if len(value) not in (1, timesteps):
            self.refuse(key, f"must have 1 or {timesteps} rows, not {len(value)}")
        if timesteps * length > _MOST_VALUES:
            self.refuse(key, f"must have at most {_MOST_VALUES} values in all timesteps")
        table = np.stack([self._integers(key, row, length) for row in value])
        return np.repeat(table, timesteps, axis=0) if len(value) < timesteps else table

    def _integers(self, key: str, value: object, length: int | None) -> np.ndarray:
        if not isinstance(value, list) or len(value) != (len(value) if length is None else length):
            self.refuse(key, f"must have {length} integers per row" if length is not None
                        else "must be a list of integers")
        if not all(type(item) is int and -_LIMIT < item < _LIMIT for item in value):
            self.refuse(key, "must hold integers of at most 62 bits")
        return np.array(value, dtype=np.int64)
