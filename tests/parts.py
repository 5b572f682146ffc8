"""What components are made of, as counted by hand, beside what a forecast says."""

from dataclasses import asdict

import pytest

__all__ = ["same_parts"]


def same_parts(found, expected):
    """Whether both are the same, but for the rounding of shares of LUTs and chains; short
    adders are counted among all."""
    memories = sorted(map(repr, found.memories)) == sorted(map(repr, expected.memories))
    apart = ("memories", "products", "short_bits", "paths")
    numbers = [{name: value for name, value in asdict(each).items() if name not in apart}
               for each in (found, expected)]
    assert numbers[0] == pytest.approx(numbers[1])
    assert memories, (found.memories, expected.memories)
    assert (found.products, found.paths) == (expected.products, expected.paths)
    return True
