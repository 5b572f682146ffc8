"""Checkpoints: a damaged bit is seen, and no function but torch's own for tensors is named."""

import io
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from bsnn_hw.checkpoint import ForeignObjectError, load_checkpoint
from bsnn_hw.model.format import read
from tests.for_each import for_each
from tests.test_archive import archive_of

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits_fc.pt"


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@for_each("dtype", [torch.float64, torch.bfloat16, torch.int8, torch.uint16,
                                   torch.bool, torch.float8_e5m2])
def test_tensors_of_every_kind(dtype):
    wanted = OrderedDict(a=torch.ones(3).to(dtype), b=[torch.nn.Parameter(torch.ones(2))],
                         c=torch.Size([1, 2]), d=(1, 2.5, "x", None, True), e=torch.float16)
    found = load_checkpoint(saved(wanted))
    assert same(found["a"].to(torch.float64), wanted["a"].to(torch.float64))
    assert {key: found[key] for key in "cde"} == {key: wanted[key] for key in "cde"}


def test_one_bit_that_turned_over():
    """Refused, or in a place that says nothing: never another network."""
    whole, chance, refused = EXAMPLE.read_bytes(), np.random.default_rng(0), 0
    wanted = read(EXAMPLE)
    for _ in range(200):
        data = bytearray(whole)
        data[chance.integers(len(data))] ^= 1 << chance.integers(8)
        try:
            found = load_checkpoint(bytes(data))
        except ValueError:
            refused += 1
        else:
            assert same(found, wanted)
    assert refused > 100


@for_each("name", [
    "builtins bytearray", "torch Tensor", "collections Counter", "builtins set", "os system"])
def test_functions_that_make_anything_else(name):
    """bytearray(10**10) is a pickle of 40 bytes."""
    pickled = b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\nI10000000000\n\x85R."
    with pytest.raises(ForeignObjectError, match=name.replace(" ", r"\.")):
        load_checkpoint(archive_of({"archive/data.pkl": pickled, "archive/version": b"3\n"}))


def test_an_archive_without_a_pickle():
    with pytest.raises(ValueError, match=r"no record data\.pkl"):
        load_checkpoint(archive_of({"word/document.xml": b""}))
