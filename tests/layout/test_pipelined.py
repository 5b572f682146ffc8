"""What a pipelined layer has beside a plain one, counted by hand from the components of hdl/.

docs/engine.md#pipelined-plans says which registers these are.
"""

from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.ir.network import Comparison, Conv, Hidden, NeuronSpec, Reset, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan
from bsnn_hw.layout.neurons import Gain, Neurons
from bsnn_hw.layout.state import StateRows
from bsnn_hw.layout.supply import FEEDBACK_DELAY, Carry, Link, feedback_block, link_block
from bsnn_hw.layout.synapses import Synapses, accumulator_parts, synapses_block
from bsnn_hw.layout.synaptic import SynapticCurrents
from bsnn_hw.layout.tables import TableSize
from bsnn_hw.layout.timing import charge_delay, current_delay, recovery, synaptic_recovery
from evidence.proofs.small import dense, spiking
from tests.for_each import for_each
from tests.parts import same_parts

MAP = Raster(Shape(6, 2, 3), 4)  # 12 rows of two folds
SAME = TableSize(1, 9, 0, False)  # a table of one row is no memory
SOURCE = Carry("from", 0, False, 3, 1, 1, 1, 4)  # anything that has parts


def more(block, *, plain=None):
    """What ``block`` has that the same without its registers has not, as registers and LUTs."""
    found, before = block.parts(), (plain or replace(block, pipelined=False)).parts()
    assert found.sum_bits == before.sum_bits and found.products == before.products
    assert found.memories == before.memories and found.chains == before.chains
    bare = found.bare - before.bare
    assert bare == found.registers - before.registers
    return bare, found.luts - before.luts


def test_rows_of_state_are_known_a_cycle_earlier():
    assert [StateRows(12, 28, block, True).ahead for block in (False, True)] == [1, 3]


@for_each("channels, folds, hits", [(4, 1, 4), (6, 2, 3), (12, 3, 2), (16, 4, 1), (20, 5, 0),
                                    (24, 6, 0)])
def test_sums_in_block_ram(channels, folds, hits):
    """A word as it is read, and one on its way to be written, each with its row; and what the last
    four operations gave, but for those that cannot have been of the same row."""
    raster = Raster(Shape(channels, 2, 3), 4)
    rows = 6 * folds
    number = (rows - 1).bit_length()
    assert raster.folds == folds
    plain = accumulator_parts(raster, StateRows(rows, 28, True))
    hidden = max(0, 3 - folds)  # of a plain one's two
    assert same_parts(accumulator_parts(raster, StateRows(rows, 28, True, True)), (
        plain + Parts.delays(2 * 28 + 2 * number + (hits - hidden) * 28)
        + Parts.logic((hits - hidden) * 28 - 28) + Parts(cleared=28)))
    # An event of a group reaches fewer folds.
    assert accumulator_parts(raster, StateRows(rows, 28, True, True), 1) == accumulator_parts(
        Raster(Shape(4, 2, 3), 4), StateRows(rows, 28, True, True))
    outside = StateRows(rows, 28, False, True)
    assert accumulator_parts(raster, outside) == accumulator_parts(
        raster, replace(outside, pipelined=False))


def engine(geometry, *, weight_bits=1, max_value=1, pipelined=True):
    sums = StateRows(2, 28, False, pipelined)
    return Synapses(SOURCE, geometry, weight_bits, max_value, 5, 0, 4, 0, sums, 7)


@for_each("weight_bits, max_value, registers", [
    (1, 1, 2 * (4 * 1 + 1)),  # two lanes, four neurons: a weight each, and the value
    (1, 3, 2 * (4 * 1 + 2)),
    (8, 1, 2 * (4 * 8 + 1)),
])
def test_weights(weight_bits, max_value, registers):
    geometry = DenseEvents.flat(10, 5, 6, 2, 4)
    found, plain = (engine(geometry, weight_bits=weight_bits, max_value=max_value, pipelined=each)
                    for each in (True, False))
    assert found.pipelined and not plain.pipelined
    assert more(found, plain=plain) == (registers, 0)


def test_weights_of_words_and_of_several_places():
    words = DenseWords.flat(22, 11, 6, 11, 3)
    assert more(engine(words), plain=engine(words, pipelined=False)) == (11 * (3 + 1), 0)
    conv = Conv(np.ones((6, 5, 3, 2), np.int8), np.ones(6, bool), Shape(5, 6, 7))
    lines = ConvLines.of(conv, Raster(Shape(5, 6, 7), 3), LayerPlan(2, 4, places=2))
    assert more(engine(lines), plain=engine(lines, pipelined=False)) == (2 * 2 * (4 + 1), 0)


def test_an_engine_takes_a_cycle_longer():
    synapse, geometry = dense(6, 10), DenseEvents.flat(10, 5, 6, 2, 4)
    plain, found = (synapses_block(SOURCE, synapse, geometry, sum_width=7, max_value=1,
                                   timesteps=5, block=True, pipelined=each)
                    for each in (False, True))
    assert found.delay == plain.delay + 1 == geometry.delay(1) + 1
    assert found.sums == StateRows(2, 28, True, True)


@pytest.fixture(scope="module")
def neurons():
    """Four neurons side by side, 5 timesteps, hard reset, a leak that is a shift."""
    return Neurons(MAP, timesteps=5, current_delay=4, delay=7, recovery=4, leak_shift=1,
                   leak_bits=8, leak_factor=200, fraction_bits=2, soft=False, acc_width=7,
                   current_width=9, charged_width=10, settled_width=11, carried_width=12,
                   potentials=StateRows(12, 48, False, True), bias=SAME, threshold=SAME,
                   reset_by=None, leak=None, gain=None, shortcut_gains=(), pipelined=True)


SUMS = 4 * 7 + 2 * 13  # in front of the currents, with their operation and one in a later stage
FIRED = 4 * 10  # what was charged waits for what fired


def test_neurons(neurons):
    assert more(neurons) == (SUMS + FIRED, 0)
    single = replace(neurons, timesteps=1, potentials=None)
    assert more(single) == (4 * 7 + 2 * 10, 0)


def test_a_soft_reset_s_difference_and_a_leak_s_product(neurons):
    assert more(replace(neurons, soft=True)) == (SUMS + FIRED + 4 * 11, 0)
    assert more(replace(neurons, leak_shift=None)) == (SUMS + FIRED + 4 * (12 + 8), 0)


def test_who_is_below_a_floor_and_its_row(neurons):
    assert more(replace(neurons, floor=SAME)) == (SUMS + FIRED + 4, 0)
    own = replace(neurons, floor=TableSize(10, 9, 21, False))
    assert more(own) == (SUMS + FIRED + 4 + 2 * 21, 0)


def test_potentials_in_block_ram(neurons):
    block = replace(neurons, potentials=StateRows(12, 48, True, True))
    assert more(block) == (SUMS + FIRED + 48, 0)


def test_constants_and_products_of_gains(neurons):
    own = replace(neurons, bias=TableSize(10, 9, 21, False), threshold=TableSize(33, 10, 31, False))
    assert more(own) == (SUMS + FIRED + 21 + 31, 0)
    gained = replace(neurons, gain=Gain(TableSize(10, 6, 13, False), 7), shortcut_gains=(
        Gain(TableSize(10, 5, 3, False), None), None, Gain(SAME, 8)))
    # A spike's gain is chosen, and no product.
    assert more(gained) == (SUMS + FIRED + 13 + 3 + 2 * 4 * 9, 0)


def test_synaptic_currents():
    block = SynapticCurrents(4, 9, 8, leak_shift=1, leak_bits=8, leak_factor=200, leak=None,
                             store=StateRows(12, 4 * 8, True, True))
    plain = replace(block, store=StateRows(12, 4 * 8, True))
    assert more(block, plain=plain) == (32, 0)
    leaking, plain = (replace(each, leak_shift=None) for each in (block, plain))
    assert more(leaking, plain=plain) == (32 + 4 * (8 + 8), 0)
    outside = replace(block, store=StateRows(12, 32, False, True))
    assert outside.parts() == replace(block, store=StateRows(12, 32, False)).parts()


def test_links():
    """A register behind each queue, and the two of a buffer, one of which is chosen."""
    own = Link("a_b", 0, Raster(Shape(10), 5), DenseEvents.flat(10, 5, 6, 2, 4), None, False, 2, 1,
               6, pipelined=True)
    assert more(own) == (3 * (5 + 4), 5 + 4)  # 3 and 2 spikes, a number and a mark each
    consumer = spiking("b", dense(6, 10))
    plain, found = (link_block("a_b", 0, own.whole, consumer, own.geometry, 2, 3, each)
                    for each in (False, True))
    assert found == replace(plain, pipelined=True)


def test_what_comes_back_takes_two_cycles_longer():
    link = Link("a_a", 0, Raster(Shape(10), 5), DenseEvents.flat(10, 5, 6, 2, 4), None, False, 2,
                7, 6)
    assert feedback_block(link, 2).latency == 7 - 1 + FEEDBACK_DELAY
    late = feedback_block(replace(link, pipelined=True), 2)
    assert late.latency == 7 - 1 + FEEDBACK_DELAY + 2 and late.pipelined


def spec(leak, current_leak=None, gain=None):
    leaks = np.array([[0, 0], leak])
    return NeuronSpec(0, 2, leaks, np.zeros((2, 2), np.int64), np.ones((2, 2), np.int64),
                      Reset.HARD, Comparison.AT_LEAST, gain=gain,
                      current_leak=None if current_leak is None else np.array(
                          [[0, 0], current_leak]))


@for_each("leak, block, plain, pipelined", [
    ([2, 2], False, 3, 4), ([1, 3], False, 4, 6), ([2, 2], True, 5, 7), ([1, 3], True, 6, 9)])
def test_when_a_row_may_step_again(leak, block, plain, pipelined):
    """The last row of docs/engine.md's table."""
    assert recovery(spec(leak), block) == plain
    assert recovery(spec(leak), block, True) == pipelined


@for_each("leak, block, plain, pipelined", [
    ([2, 2], False, 2, 2), ([1, 3], False, 3, 4), ([2, 2], True, 4, 5), ([1, 3], True, 5, 7)])
def test_when_a_row_of_synaptic_currents_may(leak, block, plain, pipelined):
    second = spec([2, 2], leak)
    assert synaptic_recovery(second, block) == plain
    assert synaptic_recovery(second, block, True) == pipelined
    assert synaptic_recovery(spec([2, 2]), block, True) == 0


def test_when_currents_come():
    """Sums, then a bias; with gains a product and two sums; the synaptic currents behind it."""
    plain = Hidden("fc", dense(2, 2), spec([2, 2]))
    gained = replace(plain, neuron=spec([2, 2], gain=np.ones((2, 2), np.int64)))
    second = replace(plain, neuron=spec([2, 2], [2, 2]))
    assert [current_delay(each, late) for each in (plain, gained) for late in (False, True)] == [
        3, 4, 5, 7]
    assert [charge_delay(each, late) for each in (plain, second) for late in (False, True)] == [
        3, 4, 4, 5]


def test_currents_of_a_layer_with_a_gate_of_the_sample_s():
    """A sum and a product; pipelined, constants and products come a cycle later."""
    plain = spiking("fc", dense(4, 6))
    assert [current_delay(plain, each) for each in (False, True)] == [3, 4]
    gated = replace(plain, gate="anything")
    assert [current_delay(gated, each) for each in (False, True)] == [4, 6]
