"""What engines are made of, counted by hand from the components of hdl/ at small sizes.

Shares of LUTs are what nextpnr packed, see docs/planning.md; all else is bits of what stands there.
"""

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, Product
from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.engines.costs import collector_parts, encoder_parts, placed_bits
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.ir.network import Conv, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan
from tests.parts import same_parts


def fifo(rows, width, index, level):
    """hdl/queue.py: two pointers, four levels, a register of a word and its flag."""
    return Parts(sum_bits=2 * index + 5 * level, chains=7, luts=2 * level + 8,
                 registers=2 * index + 2 * level + 1 + width + 1, bare=width + 1,
                 memories=(Memory(rows, width, Access.QUEUE),))


def conv(lanes=2, shared=False):
    """5 x 6 x 7 in words of 3, by a kernel of 3 x 2 to 6 x 4 x 6 with 4 in parallel."""
    weights = np.ones((6, 5, 3, 2), np.int8)
    synapse = Conv(weights, np.ones(6, bool), Shape(5, 6, 7))
    return ConvEvents.of(synapse, Raster(Shape(5, 6, 7), 3), LayerPlan(lanes, 4, shared))


def test_an_encoder_a_collector_and_a_placed_word():
    # 11 slots in two chunks; a register each, two flags, and a number of 3 bits with its flag.
    assert encoder_parts(11, 3) == Parts(16, 2, 27.5 + 6 + 6, 13 + 4, 4)
    assert encoder_parts(3, 1) == Parts(3, 1, 7.5 + 3 + 6, 5 + 2, 2)
    assert encoder_parts(1, 2) == Parts(0, 0, 2.5 + 3 + 6, 3 + 3, 3)  # there is nothing to find
    assert collector_parts(3, 5) == Parts(0, 0, 23, 3 + 1 + 2 + 15, 15)
    assert placed_bits(Raster(Shape(5, 3, 7), 2)) == 6 + 2 + 3 + 2  # row, line, column, fold
    assert placed_bits(Raster(Shape(1, 1, 1), 1)) == 4


def test_signs_summed_over_five_lanes():
    geometry = DenseEvents.flat(10, 5, 6, 5, 3)
    # Two pairs have a sum and a difference of 3 bits; the fifth lane waits.  Then two levels of
    # a tree, three neurons each, the first of one adder and one that waits.
    pairs = Parts.adders(3, 4) + Parts(registers=4 * 3) + Parts.delays(1)
    chosen = Parts.logic(3 * (4 + 4 + 3), 3 * (4 + 4 + 3))
    tree = Parts.adders(5, 6) + Parts(registers=6 * 4) + Parts.delays(3 * 2)
    carries = Parts.delays(3 * 3)
    taken = Parts.delays(5 * (3 + 1))
    assert same_parts(geometry.synapse_parts(1, 1), taken + pairs + chosen + tree + carries)


def test_signs_of_values_of_two_bits():
    geometry = DenseEvents.flat(6, 3, 4, 3, 2)
    # A pair's sums have 4 bits, the third lane's 3; the sum of three needs 5.
    assert same_parts(geometry.synapse_parts(1, 3), (
        Parts.delays(3 * (2 + 2)) + Parts.adders(4, 2) + Parts(registers=8) + Parts.delays(2)
        + Parts.logic(2 * (5 + 4), 2 * (5 + 4))
        + Parts.adders(6, 2) + Parts(registers=2 * 5) + Parts.delays(2)))


def test_weights_of_eight_bits():
    geometry = DenseEvents.flat(6, 3, 4, 3, 2)
    # 3 * 127 needs 10 bits with its sign, two of them 11, three of them 12.
    assert same_parts(geometry.synapse_parts(8, 3), (
        Parts.delays(3 * (2 * 8 + 2)) + Parts(products=(Product(8, 3, 6),))
        + Parts.path("product") + Parts.delays(3 * 2 * 10 + 3 * 2)
        + Parts.adders(12, 2) + Parts(registers=22) + Parts.delays(20)
        + Parts.adders(13, 2) + Parts(registers=24)))
    # A spike takes the weight as it is.
    assert same_parts(geometry.synapse_parts(8, 1), (
        Parts.delays(3 * (2 * 8 + 1)) + Parts.logic(3 * 2 * 8, 3 * 2 * 8)
        + Parts.adders(10, 2) + Parts(registers=18) + Parts.delays(16)
        + Parts.adders(11, 2) + Parts(registers=20)))


def banks(*rows, width, readers=1):
    return tuple(Memory(each, width, Access.TABLE, block=each >= 33, readers=readers)
                 for each in rows)


def test_weight_banks_and_the_choice_among_their_parts():
    assert DenseEvents.flat(2, 2, 3, 2, 3).weight_parts(1) == Parts()  # a row each: constants
    assert same_parts(DenseEvents.flat(10, 5, 6, 2, 4).weight_parts(1),
                      Parts(memories=banks(16, 16, width=4)))
    # Three parts of 1024 rows and one of 28, each with a register, then one that is chosen.
    assert same_parts(DenseEvents.flat(3100, 1, 36, 1, 36).weight_parts(1), Parts(
        registers=4 * 36, bare=3 * 36, luts=3 * 36 / 2,
        memories=banks(1024, 1024, 1024, 28, width=36)))
    # With two readers all of that twice.
    assert same_parts(DenseEvents.flat(2100, 1, 36, 2, 36, True).weight_parts(1), Parts(
        registers=2 * 2 * 36, bare=2 * 36, luts=2 * 36 / 2,
        memories=banks(2048, 52, width=36, readers=2)))
    assert same_parts(DenseEvents.flat(10, 5, 6, 3, 4, True).weight_parts(8), Parts(
        memories=banks(32, width=32, readers=2) + banks(32, width=32)))


def test_a_queue_and_an_encoder_for_each_lane():
    # Words of 5 spikes with a number of one bit and a mark: 3 in the first lane, 2 in the second.
    own = DenseEvents.flat(10, 5, 6, 2, 4)
    event = Parts.delays(3 + 3)  # a row, and three flags
    assert own.walk_parts() == Parts(1, 1, 0.5, 1)
    assert same_parts(own.link_parts(6), (
        fifo(5, 5, 3, 3) + Parts.logic(3 / 3 + 2) + encoder_parts(3, 1) + event
        + fifo(5, 4, 3, 3) + Parts.logic(2 / 3 + 2) + encoder_parts(2, 1) + event
        + Parts.delays(1) + Parts.logic(5 * 2 + 3, 2)))
    shared = DenseEvents.flat(10, 5, 6, 2, 4, True)
    assert same_parts(shared.link_parts(6), (
        fifo(5, 7, 3, 3) + Parts.logic(5 / 3 + 2) + encoder_parts(5, 1) + Parts.delays(4 + 3)
        + Parts.delays(1) + collector_parts(2, 4)))


def test_an_entry_of_each_queue():
    """Spikes of a word or of a lane's share, and a mark; a number, or row and place of a map."""
    assert DenseEvents.flat(10, 5, 6, 2, 4).queue_widths == [3 + 1 + 1, 2 + 1 + 1]
    assert DenseEvents.flat(10, 5, 6, 2, 4, True).queue_widths == [5 + 1 + 1]
    assert DenseWords.flat(10, 5, 6, 2, 3).queue_widths == [5 + 1 + 1]
    assert DenseWords.flat(12, 2, 4, 6, 4).queue_widths == [6 + 1 + 2]  # that has one or not
    assert conv().queue_widths == conv(shared=True).queue_widths == [3 + (3 + 3 + 1) + 1]


def test_a_wide_encoder_has_a_register_pair():
    for slots, row in ((16, 4), (17, 5)):
        pair = 2 * (slots + 2) if slots > 16 else 0
        assert same_parts(DenseEvents.flat(slots, slots, 3, 1, 1).link_parts(3), (
            fifo(2, slots + 2, 1, 2) + Parts.logic(slots / 3 + 2)
            + Parts(registers=pair, bare=pair, luts=pair / 2) + encoder_parts(slots, 1)
            + Parts.delays(row + 3) + Parts.delays(1) + Parts.logic(5 + 3, 1)))


def test_words_weighed():
    # The popcount of 11: two of 5, which are two of 2 each, and a bit goes in with each sum.
    five = Parts.logic(2 + 2) + Parts.adders(4) + Parts(registers=3)
    eleven = 2 * five + Parts.adders(5) + Parts(registers=4) + Parts.delays(1)
    geometry = DenseWords.flat(22, 11, 6, 11, 3)
    assert same_parts(geometry.synapse_parts(1, 1), (
        Parts.delays(11 * (3 + 2)) + 4 * eleven + Parts.adders(5, 3) + Parts(registers=3 * 4 + 1)))
    for lanes, luts, width in ((1, 0, 1), (2, 2, 2), (3, 2, 2), (4, 3, 3)):
        assert same_parts(DenseWords.flat(lanes, lanes, 1, lanes, 1).synapse_parts(1, 1), (
            Parts.delays(3 * lanes) + Parts.logic(2 * luts) + Parts.adders(width + 1)
            + Parts(registers=width + 1)))


def test_the_memory_of_words():
    assert DenseWords.flat(3, 3, 2, 3, 2).weight_parts(1) == Parts()
    for inputs, width, lanes, parallel, depth, bits in (
            (10, 5, 2, 3, 16, 6), (40, 5, 1, 3, 128, 3),
            (32, 1, 1, 6, 32, 6), (33, 1, 1, 6, 33, 6)):
        geometry = DenseWords.flat(inputs, width, 6, lanes, parallel)
        memory = Memory(depth, bits, Access.TABLE, block=depth >= 33)
        assert geometry.weight_parts(1) == Parts(memories=(memory,))
    assert DenseWords.flat(40, 5, 6, 1, 1).walk_parts() == Parts(3, 1, 1.5, 3)
    assert DenseWords.flat(40, 5, 6, 1, 6).walk_parts() == Parts()


def test_rows_cut_to_words_and_gathered():
    cut = DenseWords.flat(10, 5, 6, 2, 3)  # rows of 5 spikes in three parts of 2
    assert same_parts(cut.link_parts(6), (
        Parts.delays(1) + fifo(5, 5 + 1 + 1, 3, 3) + Parts.logic(5 / 3 + 2)
        + encoder_parts(3, 1) + Parts.delays(5 + 1)
        + Parts.logic(5 / 3 + 2 * 2 * 0.6, 2 + 1 + 2)))
    gathered = DenseWords.flat(12, 2, 4, 6, 4)  # three rows of 2 in each of two words
    assert same_parts(gathered.link_parts(6), (
        Parts.delays(1) + Parts.adders(1) + Parts.logic(1.7 * 6 + 8 + 2, 2 * 2 + 1 + 2)
        + fifo(5, 6 + 1 + 2, 3, 3) + Parts.logic(6 / 3 + 2)))


def test_a_walk_over_a_map():
    # Rows of 6 bits, taps of 4; 24 positions and 3 lines of the kernel; two folds.
    assert same_parts(conv().walk_parts(), (
        Parts.adders(6, 3) + Parts.adders(4, 4) + Parts.adders(7 / 2, 2) + Parts.adders(1)
        + Parts.logic(3 * (6 + 4 + 7) + 1, 2 * (6 + 4 + 7) + 1)))


def test_a_walk_over_lines():
    # Rows of 6 bits, a fold, 4 lines twice and 3 of the kernel; in each of two banks a column of
    # 2 bits, a tap of 1 and a flag.
    synapse = Conv(np.ones((6, 5, 3, 2), np.int8), np.ones(6, bool), Shape(5, 6, 7))
    lines = ConvLines.of(synapse, Raster(Shape(5, 6, 7), 3), LayerPlan(2, 4, places=2))
    counted, held = 6 + 1 + 2 + 2 + 2, 2 * (2 + 1 + 1)
    assert same_parts(lines.walk_parts(), (
        Parts.adders(counted / 5, 5) + Parts.adders(2, 2)
        + Parts.logic(counted + held, counted + held)))


def test_a_queue_of_placed_words_and_an_encoder_for_each_bank():
    # A word: 3 spikes, a mark, a position of 3 + 3 + 1 bits.
    pair = Parts(registers=22, bare=22, luts=11)
    queue = fifo(8, 11, 3, 4) + Parts.logic(3 / 3 + 2) + pair
    assert same_parts(conv().link_parts(9), (
        queue + encoder_parts(2, 0) + encoder_parts(1, 0)
        + Parts.delays(2 * 7 + 1 + 2 * 2 + 2) + Parts.logic(2 + 4, 2)))
    assert same_parts(conv(shared=True).link_parts(9), (
        queue + encoder_parts(3, 0) + Parts.delays(2 * 7 + 1 + 3 + 2) + Parts.logic(1 + 4, 1)
        + collector_parts(2, 3 + 7 / 2)))


def test_where_a_walk_goes():
    # A table per axis: first row and tap, how many more, and whether there is any.
    tables = Memory(6, 6 + 4 + 2 + 1, Access.TABLE), Memory(7, 6 + 4 + 1 + 1, Access.TABLE)
    assert same_parts(conv().lookup_parts(3), (
        Parts.delays(2 * 2 * (2 + 3) + 6 + 8) + Parts.adders(6) + Parts.adders(4)
        + Parts.logic(10, 6 + 4) + Parts(memories=tables) + Parts.path("reach")))
    # Of three lanes, two channels each: a number of one bit.
    assert same_parts(conv(lanes=3).lookup_parts(3), (
        Parts.delays(2 * 3 * (1 + 3) + 6 + 8) + Parts.adders(6) + Parts.adders(4)
        + Parts.logic(10, 6 + 4) + Parts(memories=tables) + Parts.path("reach")))
    assert conv().entry_bits == 3 + 3
    assert conv().value_counters == [1, 2, 3, 3]


def test_where_a_walk_over_lines_goes():
    # A line of 2 bits, a tap of 2, how many more of 2, and whether any; of each of two banks a
    # column of 2 bits, a tap of 1 and a flag, and whether any.
    synapse = Conv(np.ones((6, 5, 3, 2), np.int8), np.ones(6, bool), Shape(5, 6, 7))
    lines = ConvLines.of(synapse, Raster(Shape(5, 6, 7), 3), LayerPlan(2, 4, places=2))
    down, right = 2 + 2 + 2 + 1, 2 * (2 + 1 + 1) + 1
    # Each lane has one of three rows and a value of 3 bits, twice.
    assert same_parts(lines.lookup_parts(3), (
        Parts.delays(2 * 2 * (2 + 3) + 6 + 8) + Parts.logic(10, 0) + Parts.delays(down + right)
        + Parts(memories=(Memory(6, down, Access.TABLE), Memory(7, right, Access.TABLE)))
        + Parts.path("reach")))


def test_a_queue_of_single_spikes():
    # Two words of a spike: a number, a mark and a row of one bit each.
    assert same_parts(DenseEvents.flat(2, 1, 3, 1, 1).link_parts(3), (
        fifo(2, 3, 1, 2) + Parts.logic(1 / 3 + 2) + encoder_parts(1, 1) + Parts.delays(1 + 3)
        + Parts.delays(1) + Parts.logic(5 + 3, 1)))


def test_words_of_weights_in_banks():
    own, shared = DenseEvents.flat(10, 5, 6, 2, 4), DenseEvents.flat(10, 5, 6, 3, 4, True)
    assert own.weight_memories(1) == [(16, 4, 1)] * 2
    assert own.weight_memories(8) == [(16, 4 * 8, 1)] * 2
    assert shared.weight_memories(3) == [(32, 4 * 3, 2), (32, 4 * 3, 1)]
