"""What keeps queues from overflowing: right layouts have it, and broken ones are named."""

from dataclasses import replace

import pytest

from bsnn_hw.ir.network import Coding
from bsnn_hw.layout.blocks import Carry
from bsnn_hw.layout.build import build_layout
from bsnn_hw.layout.check import problems
from bsnn_hw.lowering.lower import lower
from bsnn_hw.model.check import describe
from evidence.random_plans import random_schedule
from evidence.random_recurrences import random_recurrences
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


@pytest.fixture(scope="module")
def recurrent():
    model = describe(random_recurrences(4), "random")
    network = lower(model, None).network
    layout = build_layout(network, random_schedule(0, network))
    return next(block for block in layout.layers if block.shortcuts), layout.blocks


def with_feedback(recurrent, **change):
    block, blocks = recurrent
    *others, engine = block.shortcuts
    engine = replace(engine, source=replace(engine.source, **change))
    changed = replace(block, shortcuts=(*others, engine))
    return tuple(changed if each is block else each for each in blocks)


def test_a_queue_of_own_spikes_that_does_not_hold_a_timestep(recurrent):
    link = recurrent[0].shortcuts[-1].source
    least = link.words + link.margin
    assert list(problems(with_feedback(recurrent, depth=least))) == []
    found, = problems(with_feedback(recurrent, depth=least - 1))
    assert found == (f"layer '{recurrent[0].name}': the queue of its own spikes must have {least} "
                     f"entries or more, a timestep and {link.margin} that come late, not "
                     f"{least - 1}")


def test_own_spikes_of_another_layer(recurrent):
    found, = problems(with_feedback(recurrent, margin=1, depth=500))
    assert "the queue of its own spikes must have its number and margin" in found


def test_a_margin_that_is_not_the_producer_s(blocks):
    found, = problems(with_carry(blocks, margin=2))
    assert found.startswith("layer 'one': words that come late from 'stem' must be ")
    found, = problems(with_link(blocks, producer=4))
    assert found == "layer 'one': what it takes must come from an earlier layer, not from 'last'"
