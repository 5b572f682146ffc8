"""Reading one value of a document: type, range, shape; every problem collected, none raised."""

from __future__ import annotations

import difflib
import math
from typing import Any, TypeVar

import numpy as np

from bsnn_hw.text import is_integer, listed, shown

__all__ = ["Problems", "Table", "equals", "is_integer", "listed", "shown", "unwrapped", "word"]

T = TypeVar("T")

MOST_CHARACTERS = 1000  # of one problem; a tensor's shape alone may be longer

REAL_DTYPES = frozenset({
    "float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
})


def unwrapped(value: Any) -> Any:
    """A Python number or boolean for a NumPy scalar, or an array or tensor without dimensions; all
    else as it is."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if getattr(value, "is_nested", False):
        return value  # it has no shape that can be asked for
    single = (getattr(value, "shape", None) == () and hasattr(value, "untyped_storage")
              and str(value.dtype).removeprefix("torch.") in REAL_DTYPES | {"bool"}
              and value.device.type != "meta")
    return value.item() if single else value


def equals(value: object, wanted: str | int) -> bool:
    """Whether ``value`` is this word or number; asks no tensor but one that is a number."""
    value = unwrapped(value)
    accepted = str if isinstance(wanted, str) else (int, float)
    return isinstance(value, accepted) and not isinstance(value, bool) and value == wanted


def word(value: object, key: str) -> str | None:
    """The string under ``key`` of a dictionary, None where there is no such thing."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _plain(value: Any) -> Any:
    """As `unwrapped`, also the members of a list."""
    if isinstance(value, (list, tuple)):
        return [unwrapped(item) for item in value]
    return unwrapped(value)


class Problems:
    """What is wrong with one document.

    Members
    -------
    invalid : list of str, what no model file may hold
    unsupported : list of str, what a model file may hold and this version cannot compute
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.invalid: list[str] = []
        self.unsupported: list[str] = []

    @property
    def count(self) -> int:
        """How many of both there are."""
        return len(self.invalid) + len(self.unsupported)

    def add(self, where: str, what: str) -> None:
        """Record that the document is wrong."""
        self.invalid.append(self._line(where, what))

    def refuse(self, where: str, what: str) -> None:
        """Record that the document is right but cannot be matched in hardware."""
        self.unsupported.append(self._line(where, what))

    def _line(self, where: str, what: str) -> str:
        return f"{self._source}: {where}: {what}"[:MOST_CHARACTERS]


class Table:
    """One dictionary of the document.

    Each reader returns the value, or after a problem a harmless one of the same type, so that
    checking goes on; who built something from a document with problems throws it away.

    Parameters
    ----------
    where : str, the start of every message ("layer 'fc1'")
    path : str, what stands before a key in a message ("norm." or "")
    value : what the document holds at this place
    required, optional : keys; any other key is a problem, and None counts as absent
    hints : why a well-known key of another framework is not accepted
    """

    def __init__(self, where: str, path: str, value: object, problems: Problems, *,
                 required: tuple[str, ...], optional: tuple[str, ...] = (),
                 hints: dict[str, str] | None = None) -> None:
        self._where, self._path, self._problems = where, path, problems
        self._required = required
        self.usable = isinstance(value, dict)
        self._items: dict[Any, Any] = ({key: _plain(item) for key, item in value.items()}
                                       if isinstance(value, dict) else {})
        if not self.usable:
            problems.add(where, f"{path.rstrip('.') or 'it'} must be a dictionary with the keys "
                                f"{listed(required)}, not {shown(value)}")
            return
        self._check_keys(required + optional, hints or {})

    def inner(self, key: str, index: int | None = None, *, required: tuple[str, ...],
              optional: tuple[str, ...] = (), hints: dict[str, str] | None = None) -> Table:
        """The dictionary under ``key``, the one at ``index`` if a list stands there."""
        value, path = self.raw(key), f"{self._path}{key}"
        if index is not None:
            value, path = value[index], f"{path}[{index}]"
        return Table(self._where, f"{path}.", value, self._problems, required=required,
                     optional=optional, hints=hints)

    def _check_keys(self, known: tuple[str, ...], hints: dict[str, str]) -> None:
        for key in self._required:
            if self._items.get(key) is None:
                self.problem(key, "is missing, and nothing is assumed (docs/model.md)")
        unknown = [key for key in self._items if key not in known]
        for key in unknown[:12]:
            close = difflib.get_close_matches(key[:60], known, 1) if isinstance(key, str) else []
            hint = hints.get(key) or (f"did you mean {close[0]!r}?" if close else "")
            self.problem("", f"unknown key {shown(key)}; known keys are {listed(known)}"
                             + (f" ({hint})" if hint else ""))
        if len(unknown) > 12:
            self.problem("", f"{len(unknown) - 12} more unknown keys")

    def problem(self, key: str, what: str) -> None:
        """Record a problem of this table or of one of its keys."""
        name = f"{self._path}{key}" if key else self._path.rstrip(".")
        self._problems.add(self._where, f"{name} {what}".strip() if name else what)

    def refuse(self, key: str, what: str) -> None:
        """Record that this version cannot compute what ``key`` says."""
        self._problems.refuse(self._where, f"{self._path}{key} {what}")

    def has(self, key: str) -> bool:
        """Whether the key is there and not None."""
        return self._items.get(key) is not None

    def raw(self, key: str) -> Any:
        """The value as it stands, None where absent."""
        return self._items.get(key)

    def text(self, key: str) -> str:
        """A string, empty after a problem."""
        value = self.raw(key)
        if isinstance(value, str):
            return str(value)
        if self.has(key):
            self.problem(key, f"must be a string, not {shown(value)}")
        return ""

    def choice(self, key: str, accepted: dict[str, T]) -> T | None:
        """What the document's word stands for, None after a problem."""
        value = self.raw(key)
        if isinstance(value, str) and value in accepted:
            return accepted[value]
        if self.has(key):
            self.problem(key, f"must be one of {listed(accepted)}, not {shown(value)}")
        return None

    def integer(self, key: str, low: int, high: int) -> int | None:
        """An int in low..high, None after a problem."""
        value = self.raw(key)
        if is_integer(value) and low <= value <= high:
            return int(value)
        if self.has(key):
            self.problem(key, f"must be an integer from {low} to {high}, not {shown(value)}")
        return None

    def pair(self, key: str, low: int, high: int, default: int) -> tuple[int, int] | None:
        """(vertical, horizontal), one int for both or two, each in low..high; None after a
        problem."""
        value = self.raw(key)
        if not self.has(key):
            return default, default
        sides = value if isinstance(value, (list, tuple)) else (value, value)
        if len(sides) == 2 and all(is_integer(side) and low <= side <= high for side in sides):
            return int(sides[0]), int(sides[1])
        self.problem(key, f"must be an integer from {low} to {high}, or two, [vertical, "
                          f"horizontal], not {shown(value)}")
        return None

    def number(self, key: str, must: str = "a finite number", *, above: float = -math.inf,
               least: float = -math.inf, most: float = math.inf) -> float:
        """A finite float in (above, most] and [least, most]; 1.0 after a problem or if absent."""
        value = self.raw(key)
        if not self.has(key):
            return 1.0
        if isinstance(value, float) or is_integer(value):
            number = float(value)
            if math.isfinite(number) and above < number and least <= number <= most:
                return number
        self.problem(key, f"must be {must}, not {shown(value)}")
        return 1.0

    def number_or_vector(self, key: str, must: str = "a finite number", *, length: int | None,
                         per: str, above: float = -math.inf, least: float = -math.inf,
                         most: float = math.inf) -> float | np.ndarray:
        """As `number`, or as `vector` with every value in the range; 1.0 after a problem."""
        if not hasattr(self.raw(key), "untyped_storage"):
            return self.number(key, f"{must}, or a tensor of one per {per}", above=above,
                               least=least, most=most)
        values = self.vector(key, length, per)
        if values is None:
            return 1.0
        bad = np.flatnonzero((values <= above) | (values < least) | (values > most))
        if bad.size:
            self.problem(key, f"must be {must} for each {per}, but is not for {bad.size} of "
                              f"{values.size}, first {per} {bad[0]} with {values[bad[0]]}")
            return 1.0
        return values

    def vector(self, key: str, length: int | None, per: str) -> np.ndarray | None:
        """A finite float64 array of ``length`` values, one ``per`` what; None after a problem.

        An unknown ``length`` (None, after another problem) accepts any that is not absurd.
        """
        value = self.raw(key)
        if not self.has(key) or not self.check_tensor(key):
            return None
        shape = tuple(value.shape)
        if len(shape) != 1 or shape[0] != (shape[0] if length is None else length):
            wanted = "" if length is None else f", shape ({length},)"
            self.problem(key, f"must have one value per {per}{wanted}, not shape {shape}")
            return None
        if length is None:
            return None
        return self.finite(key)

    def check_tensor(self, key: str) -> bool:
        """Whether the value is a plain dense real torch tensor; says what else it is."""
        import torch

        value = self.raw(key)
        if not isinstance(value, torch.Tensor):
            self.problem(key, f"must be a torch tensor, not {shown(value)}")
            return False
        if value.is_nested:
            self.problem(key, "must be a dense tensor, not a nested one")
            return False
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in REAL_DTYPES:
            self.problem(key, f"must hold real numbers (float64 ... int8), not {dtype}")
            return False
        if value.layout != torch.strided or value.device.type == "meta":
            self.problem(key, "must be a dense tensor that holds its values, not "
                              f"{value.layout} on {value.device.type}")
            return False
        return True

    def finite(self, key: str) -> np.ndarray | None:
        """A copy as read-only float64; None and a problem if a value is NaN or infinite."""
        import torch

        array = np.array(self.raw(key).detach().cpu().to(torch.float64).numpy())
        bad = int(np.count_nonzero(~np.isfinite(array)))
        if bad:
            self.problem(key, f"must be finite, but {bad} of {array.size} values are NaN or "
                              "infinite; did the training diverge?")
            return None
        array.setflags(write=False)
        return array
