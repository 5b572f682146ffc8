"""What keeps queues from overflowing: right layouts have it, and broken ones are named."""

from dataclasses import replace

import pytest

from bsnn_hw.ir.network import Coding
from bsnn_hw.layout.blocks import Carry
from bsnn_hw.layout.build import build_layout
from bsnn_hw.layout.check import problems
from tests.emission.circuits import random_layout
from tests.hdl.test_maps import PLANS, residual


@pytest.fixture(scope="module")
def blocks():
    return build_layout(residual(1, Coding.EVENTS, eager=False), PLANS["uneven"]).blocks


def with_link(blocks, **change):
    first, second, *rest = blocks
    link = replace(second.synapses.source, **change)
    return (first, replace(second, synapses=replace(second.synapses, source=link)), *rest)


def with_carry(blocks, **change):
    first, second, *rest = blocks
    carry, = second.shortcuts
    assert isinstance(carry, Carry)
    return (first, replace(second, shortcuts=(replace(carry, **change),)), *rest)


def test_random_layouts_are_sound():
    for seed in range(20):
        assert list(problems(random_layout(seed).blocks)) == [], f"seed {seed}"


def test_a_queue_that_could_overflow(blocks):
    free = blocks[1].synapses.source.kept_free
    assert list(problems(with_link(blocks, depth=free + 1))) == []
    found, = problems(with_link(blocks, depth=free))
    assert found == (f"layer 'one': its queue must have {free + 1} entries or more, {free} of them "
                     f"for words that come late, not {free}")


def test_a_fifo_that_does_not_hold_a_timestep(blocks):
    carry, = blocks[1].shortcuts
    least = carry.rows + carry.margin
    assert list(problems(with_carry(blocks, depth=least))) == []
    found, = problems(with_carry(blocks, depth=least - 1))
    assert found == (f"layer 'one': its FIFO must have {least} rows or more, a timestep and "
                     f"{carry.margin} that come late, not {least - 1}")


def test_a_margin_that_is_not_the_producer_s(blocks):
    found, = problems(with_carry(blocks, margin=2))
    assert found.startswith("layer 'one': words that come late from 'stem' must be ")
    found, = problems(with_link(blocks, producer=4))
    assert found == "layer 'one': what it takes must come from an earlier layer, not from 'last'"
