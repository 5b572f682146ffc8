"""Blocks of layers whose spikes are joined or added: their numbers, and broken ones are named."""

from dataclasses import replace

import pytest

from bsnn_hw.ir.network import Coding
from bsnn_hw.layout.build import build_layout
from bsnn_hw.layout.check import problems
from bsnn_hw.layout.document import layout_document
from bsnn_hw.layout.pooling import POOLING_DELAY
from bsnn_hw.planning.memory import layer_memories
from tests.hdl.test_maps import PLANS as RESIDUAL_PLANS
from tests.hdl.test_maps import residual
from tests.hdl.test_spike_joins import PLANS, joined


@pytest.fixture(scope="module")
def layout():
    return build_layout(joined(0, Coding.EVENTS, eager=False), PLANS["narrow"])


def changed(layout, number, **change):
    blocks = list(layout.blocks)
    blocks[number] = replace(blocks[number], **change)
    return list(problems(tuple(blocks)))


def test_links_are_taken_in_the_order_of_the_layers(layout):
    assert [link.producer for link in layout.layers[3].synapses.links] == [0, 1, 2]
    assert [link.producer for link in layout.layers[4].shortcuts[0].links] == [0, 1, 2]
    assert [link.producer for link in layout.output.synapses.links] == [3, 4, 5]
    names = [link.name for block in layout.blocks for link in block.synapses.links]
    assert len(set(names)) == len(names) == 10
    engine = layout.layers[3].synapses
    assert engine.max_value == 1 and engine.sum_width == layout.hidden_bounds[3].acc.width
    first, second = engine.summands
    assert changed(layout, 3, synapses=replace(engine, summands=(second, first))) == [
        "layer 'three': what is added must be taken in the order of the layers, each once, not "
        "[1, 0, 2]"]


def test_a_queue_of_a_summand_that_could_overflow(layout):
    engine = layout.layers[3].synapses
    first, second = engine.summands
    short = replace(second, depth=second.kept_free)
    found, = changed(layout, 3, synapses=replace(engine, summands=(first, short)))
    assert found.startswith("layer 'three': its queue must have")


def test_the_rows_that_are_joined(layout):
    join = layout.layers[1].join
    carry, stem = join.carry, layout.layers[0]
    assert (carry.rows, carry.width) == (join.source.rows, join.source.width)
    assert carry.margin == stem.margin + POOLING_DELAY and join.producer_margin == stem.margin
    assert carry.depth == carry.rows + carry.margin
    assert layout.layers[4].join.pool is None and layout.layers[4].join.parts().luts
    short = replace(join, carry=replace(carry, depth=carry.depth - 1))
    found, = changed(layout, 1, join=short)
    assert found == (f"layer 'one': its FIFO must have {carry.depth} rows or more, a timestep and "
                     f"{carry.margin} that come late, not {carry.depth - 1}")
    found, = changed(layout, 1, join=replace(join, pool=None))
    assert found.startswith("layer 'one': words that come late from 'stem' must be")


def test_memories_of_all_links_and_rows(layout):
    memories = layer_memories(layout)
    assert memories[3].queues > memories[2].queues
    assert memories[5].carried == (layout.layers[5].join.carry.depth - 1) * 1


def test_what_there_is_none_of_is_left_out(layout):
    document = layout_document(layout)
    assert [each["source"]["producer"] for each in [document["layers"][3]["synapses"]]] == [2]
    assert len(document["layers"][3]["synapses"]["summands"]) == 2
    assert document["layers"][1]["join"]["kind"] == "and"
    plain = layout_document(build_layout(residual(1, Coding.EVENTS, eager=False),
                                         RESIDUAL_PLANS["wide"]))
    assert not any("join" in each or "summands" in each["synapses"] for each in plain["layers"])
