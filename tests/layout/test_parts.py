"""What the blocks of a layout are made of, counted by hand from the components of hdl/.

Shares of LUTs are what nextpnr packed, see docs/planning.md; all else is bits of what stands there.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bsnn_hw.devices.parts import Access, Memory, Parts, Product, fifo_parts
from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.ir.border import Border
from bsnn_hw.ir.bounds import hidden_bounds
from bsnn_hw.ir.network import (
    Comparison,
    Conv,
    Dense,
    Hidden,
    NeuronSpec,
    Pool,
    PoolKind,
    Reset,
    Shape,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import USUAL_ROWS, LayerPlan, Port
from bsnn_hw.layout.gate import Gate
from bsnn_hw.layout.neurons import CurrentPool, Gain, Neurons, neurons_block
from bsnn_hw.layout.output import Scorer, _factor_bits
from bsnn_hw.layout.pooling import gathers
from bsnn_hw.layout.state import StateRows, operation_bits
from bsnn_hw.layout.supply import Carry, Entry, Link, link_block
from bsnn_hw.layout.synapses import Synapses, accumulator_parts
from bsnn_hw.layout.synaptic import SynapticCurrents
from bsnn_hw.layout.tables import TableSize, class_bits, table_rows, table_size
from tests.for_each import for_each
from tests.parts import same_parts

MAP = Raster(Shape(6, 2, 3), 4)  # 12 rows of two folds
SAME = TableSize(1, 9, 0, False)  # a table of one row is no memory


def table(rows, columns):
    """A ROM of so many bits a row, and its register."""
    return Parts.delays(columns) + Parts(memories=(Memory(rows, columns, Access.TABLE),))


def state(rows, width, block=False):
    access = Access.QUEUE if block else Access.STATE
    return Parts(memories=(Memory(rows, width, access, block=block),))


def test_bits_of_an_operation():
    # Row, fold, timestep, and five flags; without a map the row is the fold.
    assert operation_bits(MAP, 5) == 4 + 1 + 3 + 5
    assert operation_bits(MAP, 1) == 4 + 1 + 5
    assert operation_bits(Raster(Shape(6), 4), 5) == 1 + 3 + 5


def test_rows_of_state():
    assert StateRows(12, 28, False).ahead == 1 and StateRows(12, 28, True).ahead == 2
    assert StateRows(1, 28, False).memories() == ()
    assert StateRows(2, 28, True).memories() == (Memory(2, 28, Access.QUEUE, block=True),)


def test_which_pooling_gathers():
    """A maximum of several places; those of a single one go on as they come."""
    largest, single = Pool(PoolKind.MAX, 1, 2), Pool(PoolKind.MAX, 1, 1)
    assert gathers(largest) and gathers(Pool(PoolKind.MAX, 2, 1))
    assert gathers(Pool(PoolKind.MAX, 1, 1, (2, 2)))  # some places are in no window
    assert not gathers(single) and not gathers(Pool(PoolKind.SUM, 2, 2)) and not gathers(None)


def test_accumulators():
    add = Parts.adders(7 + 1, 4) + Parts.logic(28 + 4)  # one bit more for the carry
    # In LUT RAM a register of the sum and of its row; in a register both are.
    assert same_parts(accumulator_parts(MAP, StateRows(12, 28, False)),
                      add + Parts(registers=28 + 4, bare=4) + state(12, 28))
    assert same_parts(accumulator_parts(Raster(Shape(4), 4), StateRows(1, 28, False)),
                      add + Parts(registers=2 * 28, bare=28))
    # In block RAM rows wait three cycles to be written; with two folds one of them may be asked
    # for before, with one two, with three none.
    for channels, rows, number, hits in ((6, 12, 4, 1), (4, 6, 3, 2), (12, 18, 5, 0)):
        assert same_parts(
            accumulator_parts(Raster(Shape(channels, 2, 3), 4), StateRows(rows, 28, True)),
            add + Parts.delays(2 * 28 + 3 * number + hits * 28) + Parts.logic(hits * 28)
            + state(rows, 28, True))


def test_an_engine():
    geometry = DenseEvents.flat(10, 5, 6, 2, 4)
    sums = StateRows(2, 4 * 7, False)
    source = Carry("from", 0, False, 3, 1, 1, 1, 4)  # anything that has parts
    block = Synapses(source, geometry, 1, 3, 5, 0, delay=4, wait=2, sums=sums, sum_width=7)
    # The sequencer has a row of 3 bits and a value of 2 for each lane, and counts 5 timesteps.
    assert same_parts(block.source_parts(), source.parts() + Parts(
        registers=2 * 3 + 2 * 2, bare=2 * 3, luts=2 * 2))
    rest = (Parts.logic(12 + 3 * 3, 5 + 2 * 3 + 1) + geometry.walk_parts()
            + Parts.delays((4 + 2) * (1 + 3 + 5)) + geometry.synapse_parts(1, 3)
            + accumulator_parts(geometry.raster, sums))
    assert same_parts(block.engine_parts(), rest)
    # Where a channel is not connected, its sum is kept at 0.
    assert same_parts(replace(block, disconnected=1).engine_parts(),
                      rest + Parts.logic(4 * 7 / 2))
    assert same_parts(block.parts(), block.source_parts() + rest + geometry.weight_parts(1))


@pytest.fixture(scope="module")
def neurons():
    """Four neurons side by side, 5 timesteps, hard reset, a leak that is a shift."""
    return Neurons(MAP, timesteps=5, current_delay=3, delay=6, recovery=4, leak_shift=1,
                   leak_bits=8, leak_factor=200, fraction_bits=2, soft=False, acc_width=7,
                   current_width=9, charged_width=10, settled_width=11, carried_width=12,
                   potentials=StateRows(12, 48, False), bias=SAME, threshold=SAME,
                   reset_by=None, leak=None, gain=None, shortcut_gains=())


OWN = Parts.delays(2 * 13 + 4 * 7) + Parts.adders(9 - 2, 4) + Parts(registers=4 * 9)
STEP = (Parts.delays((6 + 1) * 13)
        + 2 * Parts.adders(10, 4) + Parts(registers=4 * 10)  # charge and compare
        + Parts.logic(2 * 4, 4 + 4 + 2))  # a word of spikes, its row, and two flags
HARD = Parts(registers=4 * 11, cleared=4 * 11)
KEPT = state(12, 48) + Parts.delays(4)  # the row to write


def test_neurons(neurons):
    assert same_parts(neurons.parts(), OWN + STEP + HARD + KEPT)


def test_neurons_of_one_timestep_keep_nothing(neurons):
    # Operations have 10 bits; the current is the potential, so nothing is added.
    one = replace(neurons, timesteps=1, potentials=None)
    assert same_parts(one.parts(), (
        Parts.delays(2 * 10 + 4 * 7) + Parts.adders(7, 4) + Parts(registers=4 * 9)
        + Parts.delays(7 * 10) + Parts.adders(10, 4) + Parts(registers=4 * 10)
        + Parts.logic(2 * 4, 4 + 4 + 2)))


def test_a_soft_reset_subtracts(neurons):
    soft = Parts.adders(11, 4) + Parts.logic(4 * 11, 4 * 11)
    assert same_parts(replace(neurons, soft=True).parts(), OWN + STEP + soft + KEPT)
    own = replace(neurons, soft=True, reset_by=TableSize(10, 5, 17, False))
    assert same_parts(own.parts(), OWN + STEP + soft + KEPT + table(10, 17))


def test_neurons_that_rest_keep_a_bit_more(neurons):
    resting = replace(neurons, rests=True, potentials=StateRows(12, 52, False))
    kept = state(12, 52) + Parts.delays(4) + Parts(cleared=4 * 10)
    assert same_parts(resting.parts(), OWN + STEP + HARD + kept + Parts.delays(4))
    later = replace(resting, leak_shift=None)  # until a product is there
    product = Parts.delays(4 * (12 + 8)) + Parts(products=(Product(11, 9, 4),)) + Parts.logic(8, 8)
    assert same_parts(later.parts(), OWN + STEP + HARD + kept + Parts.delays(2 * 4) + product)


def test_neurons_that_saturate_look_at_every_bit(neurons):
    assert same_parts(replace(neurons, saturates=True).parts(),
                      OWN + STEP + HARD + KEPT + Parts.logic(4 * (11 + 1)))


def test_neurons_with_a_floor_compare_and_choose(neurons):
    floored = replace(neurons, floor=TableSize(1, 4, 0, False))
    more = Parts.adders(10, 4) + Parts.logic(4 * 11)
    assert same_parts(floored.parts(), OWN + STEP + HARD + KEPT + more)
    own = replace(neurons, floor=TableSize(10, 4, 13, False))
    assert same_parts(own.parts(), OWN + STEP + HARD + KEPT + more + table(10, 13))
    assert own.floor in [size for _, size in own.tables]


def test_a_floor_of_0_is_a_sign():
    one = np.ones((2, 2), np.int64)
    spec = NeuronSpec(0, 1, np.array([0, 1]), 0 * one, one, Reset.HARD, Comparison.ABOVE)
    dense = Dense(np.array([[1, -1], [1, 1]], np.int8), np.ones(2, bool))
    for floor, size in ((None, None), (0 * one, None), (-one, TableSize(1, 1, 0, False)),
                        (one * [[0], [-2]], TableSize(2, 2, 2, False))):
        layer = Hidden("fc", dense, replace(spec, floor=floor))
        assert neurons_block(layer, hidden_bounds(layer, 1), Raster(Shape(2), 2),
                             USUAL_ROWS).floor == size


def test_a_leak_that_takes_a_product(neurons):
    product = Parts.delays(4 * (12 + 8)) + Parts(products=(Product(11, 9, 4),))
    leaking = replace(neurons, leak_shift=None)
    rest = OWN + STEP + HARD + KEPT + product
    assert same_parts(leaking.parts(), rest + Parts.logic(8, 8))  # a factor of 8 bits for all
    own = replace(leaking, leak=TableSize(10, 8, 19, False))
    assert same_parts(own.parts(), rest + table(10, 19))


def test_synaptic_currents(neurons):
    store = StateRows(12, 4 * 8, False)
    block = SynapticCurrents(4, 9, 8, leak_shift=1, leak_bits=8, leak_factor=200, leak=None,
                             store=store)
    add = Parts.adders(9, 4) + Parts(registers=4 * 9)
    kept = state(12, 32) + Parts.delays(4)
    # A shift is wires, but at an inference's end nothing is kept.
    assert same_parts(block.parts(), add + kept + Parts.logic(32))
    product = Parts.delays(4 * (8 + 8)) + Parts(products=(Product(9, 9, 4),))
    leaking = replace(block, leak_shift=None)
    assert same_parts(leaking.parts(), add + kept + product + Parts.logic(8, 8))
    own = replace(leaking, leak=TableSize(10, 8, 19, False))
    assert same_parts(own.parts(), add + kept + product + table(10, 19))
    assert same_parts(replace(block, store=StateRows(1, 32, False)).parts(),
                      add + Parts(registers=32) + Parts.logic(32))
    second = replace(neurons, synaptic=own)
    assert same_parts(second.parts(), neurons.parts() + own.parts())
    assert own.leak in [size for _, size in second.tables]


def test_where_potentials_are(neurons):
    block = replace(neurons, potentials=StateRows(12, 48, True))
    assert same_parts(block.parts(), OWN + STEP + HARD + state(12, 48, True) + Parts.delays(48))
    single = replace(neurons, potentials=StateRows(1, 48, False))
    assert same_parts(single.parts(), OWN + STEP + HARD + Parts(registers=48))


def test_tables_of_constants(neurons):
    own = replace(neurons, bias=TableSize(10, 9, 21, False), threshold=TableSize(33, 10, 31, False))
    logic = Parts.delays(31) + Parts(memories=(Memory(33, 31, Access.TABLE, logic=True),))
    assert same_parts(own.parts(), OWN + STEP + HARD + KEPT + table(10, 21) + logic)
    assert TableSize(33, 4, 7, True).parts().memories == (
        Memory(33, 7, Access.TABLE, block=True),)
    assert not table(32, 7).memories[0].logic and TableSize(32, 4, 7, False).parts() == table(32, 7)
    assert TableSize(10, 4, 0, False).parts() == Parts()  # all rows are the same


def test_currents_that_are_summed(neurons):
    gain = Gain(TableSize(10, 6, 13, False), sum_width=7)
    chosen = Gain(TableSize(10, 5, 3, False), sum_width=None)  # by a spike
    other = Gain(SAME, sum_width=8)
    joined = replace(neurons, gain=gain, shortcut_gains=(chosen, None, other))
    # Five terms with the bias, so four adders; three registers of pairs, one of the sum.
    assert same_parts(joined.parts(), (
        Parts.delays(2 * 13 + 4 * 7)
        + table(10, 13) + Parts.delays(4 * 9) + Parts(products=(Product(7, 6, 4),))
        + table(10, 3) + Parts.logic(4 * 9)
        + Parts.delays(4 * 8) + Parts.delays(4 * 9) + Parts(products=(Product(8, 9, 4),))
        + Parts.adders(9, 4 * 4) + Parts(registers=4 * 9 * 4) + STEP + HARD + KEPT))


def test_a_gate_of_the_sample_multiplies(neurons):
    assert same_parts(replace(neurons, gated=(13, 7)).parts(), (
        Parts.delays(2 * 13 + 4 * 7) + Parts.adders(13 - 2, 4) + Parts.delays(4 * 9)
        + Parts(registers=4 * 13, products=(Product(13, 8, 4),)) + STEP + HARD + KEPT))


def test_pooling_of_currents(neurons):
    pool = CurrentPool(Raster(Shape(6, 4, 9), 4), MAP, (2, 3), 7)
    # Rows 4 bits, of a line 3, in a window 1 and 2, and windows 2 and 2 with what is left over.
    counted = 4 + 3 + 1 + 2 + 2 + 2
    expected = (Parts.adders(counted / 6, 6) + Parts.logic(counted, counted)
                + Parts.delays(2 * 4 + 3 + 2 * 5) + Parts.adders(7, 4) + Parts.logic(28)
                + Parts.delays(28) + state(3 * 2, 28))
    assert same_parts(pool.parts(), expected)
    assert same_parts(replace(neurons, pool=pool).parts(), neurons.parts() + expected)


def test_scores():
    # 11 classes, four of which are loaded at a time, in three passes.
    scorer = Scorer(11, 3, 4, 7, 13, TableSize(33, 5, 9, False), 0, TableSize(11, 6, 8, False))
    index = 4 + 2
    row = Parts.logic(3 * 7 + 20 + 2 * index, 4 * 7 + 2 * index + 4)
    rest = Parts.adders(13, 2) + Parts(registers=2 * 13) + Parts.adders(3)
    gain = (Parts(registers=5, memories=(Memory(33, 5, Access.TABLE),), products=(Product(7, 5),))
            + Parts.path("product"))
    bias = Parts(registers=8, memories=(Memory(11, 8, Access.TABLE),))
    base = row + rest + Parts.adders(index) + Parts.delays(7 + 2 * 13 + 3 * (index + 1)) + bias
    assert same_parts(scorer.parts(), (
        base + gain + state(11, 13) + Parts(registers=4, luts=2 * 13)))
    assert scorer.stages == 3
    peak = replace(scorer, gain=None, peak=5)
    kept = Parts.delays(3 * 13 + index) + Parts.adders(13, 2) + Parts.logic(3 * 13) + state(11, 26)
    assert same_parts(peak.parts(), base + kept + Parts(products=(Product(13, 6),)))
    assert same_parts(replace(peak, peak=0).parts(), base + kept)  # its leak is a shift
    assert peak.stages == 4


def test_bits_of_a_peak_leak_that_is_no_shift():
    leaks = [4, 4], [0, 0], [6, 6], [2, 4]
    assert [_factor_bits(np.array(leak)) for leak in leaks] == [0, 0, 3, 3]


def test_scores_of_a_constant_gain_in_one_pass():
    scorer = Scorer(11, 1, 4, 7, 13, None, 3, None)
    one = (Parts.logic(3 * 7 + 20 + 2 * 4, 4 * 7 + 2 * 4 + 4)
           + Parts.delays(7 + 2 * 13 + 3 * (4 + 1)) + Parts.adders(13, 2) + Parts(registers=26)
           + Parts.adders(4) + Parts.adders(3))
    assert same_parts(scorer.parts(), one + Parts.adders(13, 3))  # an adder for each of its ones
    assert same_parts(replace(scorer, gain_ones=1).parts(), one)


def test_rows_that_are_carried():
    carry = Carry("skip", 0, True, 10, 3, 2, 2, 9)
    assert same_parts(carry.parts(), fifo_parts(8, 10) + Parts.delays(10) + Parts.logic(12, 3))


def conv():
    """5 x 6 x 7 in words of 3, by a kernel of 3 x 2, two lanes."""
    weights = np.ones((6, 5, 3, 2), np.int8)
    synapse = Conv(weights, np.ones(6, bool), Shape(5, 6, 7))
    return ConvEvents.of(synapse, Raster(Shape(5, 6, 7), 3), LayerPlan(2, 4))


def linked(whole, pool):
    link = Link("a_b", 0, Raster(whole, 3), conv(), pool, True, 84, 5, 9)
    return link, conv().link_parts(9) + conv().lookup_parts(1)


# Row, line, column and fold of a pooled word have 7 + 3 + 3 + 1 bits; the row is needed where words
# are gathered.
COUNTED, GATHERED = (Parts.adders(bits / 3, 4) + Parts.logic(bits, bits)
                     + Parts.delays(2 * (3 + 7 + 2)) for bits in (7, 14))


def test_windows_side_by_side():
    link, rest = linked(Shape(5, 12, 14), Pool(PoolKind.SUM, 2, 2))
    assert same_parts(link.parts(), rest + COUNTED) and link.cropped is None
    link, rest = linked(Shape(5, 12, 14), Pool(PoolKind.MAX, 2, 2))
    line = Parts.logic(2 * 3) + state(7 * 2, 3)  # a maximum waits for a line of windows
    assert same_parts(link.parts(), rest + GATHERED + line)
    link, rest = linked(Shape(5, 6, 7), Pool(PoolKind.MAX, 1, 1))
    assert same_parts(link.parts(), rest + COUNTED)
    link, rest = linked(Shape(5, 6, 7), None)
    assert same_parts(link.parts(), rest + COUNTED)
    assert same_parts(replace(link, placed=False).parts(), rest)


def test_windows_that_leave_a_rest():
    link, rest = linked(Shape(5, 13, 15), Pool(PoolKind.SUM, 2, 2))
    assert link.cropped == Shape(5, 12, 14)
    crop = Parts.adders(9, 2) + Parts.logic(18, 18)  # 390 rows
    assert same_parts(link.parts(), rest + crop + COUNTED)


def test_windows_that_overlap():
    link, rest = linked(Shape(5, 13, 15), Pool(PoolKind.MAX, 3, 4, (2, 2)))
    assert link.cropped is None
    # Two windows hold a place from above, two from the left.
    assert same_parts(link.parts(), rest + (
        Parts.adders(9, 2) + Parts.logic(2 * (9 + 14) + 3 * 3 * (2 + 2))
        + Parts.delays(3 * 2 + 2 * 14 + 4 * 9) + state(2, 3 * 2) + state(7 * 2, 3 * 2)))


def test_the_entry():
    port = Parts.logic(7, 3)
    entry = Entry(conv(), Port.EVENTS, None, 2, 3, 5, True, port)
    # Two rows of 2 bits, two values of 2, a position of 6, a mark and the last of a sample.
    width = 2 * 2 + 2 * 2 + 6 + 2
    lanes = Parts.adders(2, 2) + Parts.logic(2 * (2 + 2) + 6 + 8, 2) + conv().lookup_parts(2)
    assert same_parts(entry.parts(), (
        port + lanes + Parts.delays(2 * width) + Parts.logic(2, 2) + Parts.delays(width + 1)
        + Parts.logic(8) + Parts.adders(3)))
    plain = replace(entry, depth=5, timesteps=1, register=False)
    assert same_parts(plain.parts(), port + lanes + fifo_parts(4, width, registered=False))


def test_a_gate():
    geometry = DenseEvents.flat(10, 5, 6, 2, 4).single()
    gate = Gate(geometry, 8, 1, 3, 0, 12, 40, 6, True)
    rest = (geometry.weight_parts(8) + geometry.synapse_parts(8, 1) + Parts.adders(12)
            + Parts.logic(12 + 6, 12) + Parts.delays(2 * 6))
    memory = Memory(40, 6, Access.TABLE, block=True)
    assert same_parts(gate.parts(), rest + Parts(memories=(memory,)))
    # Of a convolution, where taps have 3 bits; a table of one row is none.
    single = conv().single()
    small = Gate(single, 8, 1, 3, 0, 12, 1, 6, False)
    assert same_parts(small.parts(), (
        single.weight_parts(8) + single.synapse_parts(8, 1) + Parts.adders(12)
        + Parts.logic(12 + 0 + 3, 12) + Parts.delays(2 * 6)))


def test_an_entry_with_a_factor_for_each_channel():
    """Two lanes, factors of 3 bits up to 5: one of two luts a bit, and two registers a bit."""
    plain = Entry(conv(), Port.EVENTS, None, 2, 3, 5, True, Parts())
    assert same_parts(replace(plain, factors=(1, 5, 2, 1, 1)).parts(), (
        plain.parts() + Parts.logic(2 * 3 / 2) + Parts.delays(2 * 2 * 3)
        + Parts(products=(Product(3, 4, 2),))))


def test_a_table_has_a_row_for_each_class_of_a_place():
    """Two channels in a word; three classes of lines take two bits, two of columns one."""
    extra = np.arange(12).reshape(1, 3, 2, 2)
    border = Border(np.arange(3), np.array([0, 1, 1]), extra)
    rows = table_rows(np.array([[100, 200]]), Raster(Shape(2, 3, 3), 2), border)
    assert rows[:6].tolist() == [[100 + 2 * n, 201 + 2 * n] for n in range(6)]
    assert rows.shape == (8, 2) and not rows[6:].any()


@for_each("margin, depth", [
    (3, 256 + 1),  # eight words of 20 timesteps, and what comes late
    (400, 512 + 1),  # as much as is sensible
    (1023, 2048 + 1),  # but all that may come late, and two more
])
def test_queues_of_links(margin, depth):
    geometry = DenseEvents.flat(80, 10, 6, 2, 4)
    link = link_block("a_b", 0, geometry.source, SimpleNamespace(pool=None), geometry, 20, margin)
    assert link.depth == depth


def test_queues_of_maps_are_sensible_memories():
    # 84 words of 19 bits with what they say of their place: 4096 of them have 76 Kbit.
    for timesteps, depth in ((1, 256 + 1), (10, 2048 + 1), (99, 4096 + 1)):
        link = link_block("a_b", 0, conv().source, SimpleNamespace(pool=None), conv(), timesteps, 0)
        assert (link.words, link.depth) == (128, depth)


def test_bits_of_the_class_of_a_place():
    for classes, bits in (((1, 1), (0, 0)), ((2, 3), (1, 2)), ((4, 1), (2, 0)), ((3, 5), (2, 3))):
        border = Border(np.zeros(9, int), np.zeros(9, int), np.zeros((1, *classes, 2), int))
        assert class_bits(border) == bits


def test_an_engine_of_several_places():
    """Two places a cycle: an operation of each for all of its delay, and a third of a LUT for each
    bit of a sum that is chosen from two."""
    weights = np.ones((6, 5, 3, 2), np.int8)
    synapse = Conv(weights, np.ones(6, bool), Shape(5, 6, 7))
    geometry = ConvLines.of(synapse, Raster(Shape(5, 6, 7), 3), LayerPlan(2, 4, places=2))
    sums = StateRows(geometry.sums_raster.rows, 4 * 7, False)
    source = Carry("from", 0, False, 3, 1, 1, 1, 4)  # anything that has parts
    block = Synapses(source, geometry, 1, 3, 5, 0, delay=4, wait=2, sums=sums, sum_width=7)
    own = 5 + 5  # 32 rows of a bank, and five flags
    assert geometry.sums_raster.rows == 32
    assert same_parts(block._place_parts(), (
        Parts.delays(2 * (4 + 2) * own) + Parts.logic(4 * 7 / 3)))
    assert replace(block, geometry=conv())._place_parts() == Parts()


def test_a_table_has_the_columns_that_change():
    # Of values of four bits with their sign, three change in each of two channels.
    assert table_size(np.array([[0, 0], [7, 7]]), False) == TableSize(2, 4, 6, False)
    assert table_size(np.array([[5, 2], [4, 2], [5, 2]]), True) == TableSize(3, 4, 1, True)
