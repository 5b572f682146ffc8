"""What enters the network: its coding, shape, and what an integer is worth."""

from __future__ import annotations

import math

import numpy as np

from bsnn_hw.ir.used import Used
from bsnn_hw.model.description import Coding, Input, PerChannel, Shape
from bsnn_hw.model.values import Problems, Table, is_integer, shown, word

__all__ = ["check_input"]

PER = "channel of the input"


def check_input(value: object, problems: Problems) -> Input | None:
    """The input, None after a problem."""
    before = len(problems.invalid)
    coding = word(value, "coding")
    quantised = ("bits", "scale", "offset")
    direct = coding == Coding.DIRECT.value
    table = Table("input", "", value, problems,
                  required=("coding", "shape", *(quantised if direct else ())),
                  optional=("used",) if direct else ("used", *quantised))
    table.choice("coding", {kind.value: kind for kind in Coding})
    shape = _shape(table)
    channels = shape.channels if shape else None
    bits = table.integer("bits", 1, 8) if direct or table.has("bits") else 1
    scale = _single(table.number_or_vector("scale", "a finite number above 0", above=0,
                                           length=channels, per=PER))
    offset = _single(table.number_or_vector("offset", length=channels, per=PER)
                     if direct or table.has("offset") else 0.0)
    used = _used(table, shape)
    if len(problems.invalid) > before:
        return None
    assert shape is not None and bits is not None
    if used is None:
        return Input(Coding(coding), shape.size, bits, scale, offset, shape)
    scale, offset = (_single(used.pick(np.repeat(values, shape.positions)))
                     if isinstance(values, np.ndarray) else values for values in (scale, offset))
    return Input(Coding(coding), len(used.places), bits, scale, offset, used=used)


def _used(table: Table, shape: Shape | None) -> Used | None:
    """Which of the sample's values enter; None where all do, or after a problem."""
    if shape is None or not table.has("used") or not table.check_tensor("used"):
        return None
    values = table.finite("used") if table.raw("used").dim() == 1 else None
    found = Used(tuple(() if values is None else values.astype(np.int64).tolist()), shape)
    if values is None or not values.size or not found.fits(values.size) or (values % 1).any():
        table.problem("used", f"must be indexes of the sample's {shape.size} values, 0 to "
                              f"{shape.size - 1}, ascending, one or more, not "
                              f"{shown(table.raw('used'))}")
        return None
    return found


def _shape(table: Table) -> Shape | None:
    """(channels, rows, columns) and (rows, columns) are maps, anything else is flat."""
    given = table.raw("shape")
    if not table.has("shape"):
        return None
    if (isinstance(given, (list, tuple)) and 1 <= len(given) <= 8
            and all(is_integer(side) and side > 0 for side in given)):
        sides = [int(side) for side in given]
        if len(sides) == 3:
            return Shape(*sides)
        return Shape(1, *sides) if len(sides) == 2 else Shape(math.prod(sides))
    table.problem("shape", "must be a list of 1 to 8 positive integers, as [784] or [1, 28, 28], "
                           f"not {shown(given)}")
    return None


def _single(values: PerChannel) -> PerChannel:
    """A number where all channels have the same."""
    if isinstance(values, np.ndarray) and (values == values[0]).all():
        return float(values[0])
    return values
