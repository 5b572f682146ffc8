"""What enters the network: its coding, shape, and what an integer is worth."""

from __future__ import annotations

import math

import numpy as np

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
                  optional=() if direct else quantised)
    table.choice("coding", {kind.value: kind for kind in Coding})
    shape = _shape(table)
    channels = shape.channels if shape else None
    bits = table.integer("bits", 1, 8) if direct or table.has("bits") else 1
    scale = _single(table.number_or_vector("scale", "a finite number above 0", above=0,
                                           length=channels, per=PER))
    offset = _single(table.number_or_vector("offset", length=channels, per=PER)
                     if direct or table.has("offset") else 0.0)
    if len(problems.invalid) > before:
        return None
    assert shape is not None and bits is not None
    return Input(Coding(coding), shape.size, bits, scale, offset, shape)


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
