"""What engines say of themselves, worked out by hand."""

import numpy as np

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.engines.feed import Feed
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from tests.for_each import for_each
from tests.planning.test_schedule import network


def conv(*, channels=8, side=4, kernel=(3, 3), stride=(1, 1), outputs=4, lanes=3, parallel=4,
         width=8, shared=True):
    source = Shape(channels, side, side)
    padding = (kernel[0] // 2, kernel[1] // 2)
    out = Shape(outputs, *(-(-side // step) for step in stride))
    return ConvEvents(Raster(source, width), out, kernel, stride, padding, lanes, parallel, shared)


def test_counts_of_flat_layers():
    # Words of 5 of 10 inputs; two banks have 3 and 2 slots of each, so 4 numbers a word.
    own = DenseEvents.flat(10, 5, 6, 2, 4)
    assert (own.slots_of_bank, own.slot_bits, own.rows, own.row_bits) == (3, 2, 8, 3)
    assert (own.folds, own.fold_first, own.depth, own.address_bits) == (2, False, 16, 3)
    # 5 rows of 3 folds: {row, fold} takes 5 * 4 words, {fold, row} 3 * 8.
    assert DenseEvents.flat(5, 1, 3, 1, 1).depth == 20
    # 9 rows of 5 folds: {fold, row} takes 5 * 16 words, {row, fold} would take 9 * 8.
    assert DenseEvents.flat(9, 1, 5, 1, 1).depth == 72
    # 7 rows of 5 folds: 5 * 8 words against 7 * 8.
    first = DenseEvents.flat(7, 1, 5, 1, 1)
    assert (first.fold_first, first.depth, first.address(6, 4)) == (True, 40, 4 * 8 + 6)
    assert DenseEvents.flat(1, 1, 1, 1, 1).row_bits == 0
    assert DenseEvents.flat(1, 1, 1, 1, 1).address_bits == 1


def test_cycles_from_an_address_to_a_sum():
    # A bank of LUTs or of a block RAM takes two; terms are of two lanes, or of one with 8 bits.
    for lanes, binary, wide in ((1, 3, 3), (2, 3, 4), (3, 4, 5), (4, 4, 5), (5, 5, 6), (8, 5, 6)):
        geometry = DenseEvents.flat(8, 8, 4, lanes, 2)
        assert (geometry.delay(1), geometry.delay(8)) == (binary, wide)
    assert DenseEvents.flat(3100, 1, 36, 1, 36).banks_delay(1) == 3  # a bank of several parts


@for_each("lanes, parallel, bits, worth", [
    (3, 288, 1, True), (3, 289, 1, False),  # one copy more, of 16 block RAMs or of 17
    (3, 36, 8, True), (3, 37, 8, False),
    (4, 288, 1, True), (5, 144, 1, True), (5, 145, 1, False),  # two copies more
    (2, 600, 1, True),  # both ports of one memory: no copy
])
def test_copies_of_shared_weights_of_a_kernel(lanes, parallel, bits, worth):
    geometry = conv(outputs=parallel, parallel=parallel, lanes=lanes)
    assert geometry.worth_sharing(bits) == worth


def test_an_encoder_keeps_shared_lanes_busy():
    # An event reaches one position of one fold, or of two, and the encoder gives an event a cycle.
    point = {"kernel": (1, 1), "lanes": 2}
    assert not conv(outputs=4, parallel=4, **point).worth_sharing(1)
    assert conv(outputs=8, parallel=4, **point).worth_sharing(1)
    assert conv(outputs=8, parallel=4, stride=(2, 2), **point).worth_sharing(1)  # 12 reach nothing
    # Corners reach 4 positions; five lanes wait one cycle at each: 4 of 100 on a map of 4 x 4.
    assert conv(lanes=5).worth_sharing(1) and not conv(lanes=7).worth_sharing(1)


def test_shared_banks_of_a_flat_layer_are_small():
    assert DenseEvents.flat(64, 8, 32, 4, 8, True).worth_sharing(8)  # 16 Kbit, four folds
    assert not DenseEvents.flat(64, 8, 36, 4, 9, True).worth_sharing(8)
    assert not DenseEvents.flat(64, 8, 32, 5, 8, True).worth_sharing(1)
    assert not DenseWords.flat(8, 8, 4, 8, 4).worth_sharing(1)


def test_what_a_walk_depends_on():
    # With one bank the words of the source are nothing to it.
    assert (DenseEvents.flat(12, 4, 6, 1, 2).walk_key()
            == DenseEvents.flat(12, 6, 6, 1, 3).walk_key())
    assert (DenseEvents.flat(12, 4, 6, 2, 2).walk_key()
            != DenseEvents.flat(12, 6, 6, 2, 2).walk_key())
    # Shared lanes are one bank, which an encoder may not fill fast enough for few folds.
    assert (DenseEvents.flat(12, 4, 6, 2, 2, True).walk_key()
            != DenseEvents.flat(12, 4, 6, 2, 3, True).walk_key())
    assert DenseWords.flat(12, 4, 6, 4, 2).walk_key() != DenseWords.flat(12, 4, 6, 2, 2).walk_key()
    assert DenseWords.flat(12, 4, 6, 4, 2).walk_key() == DenseWords.flat(12, 4, 6, 4, 3).walk_key()


def test_entries_of_a_queue():
    assert DenseEvents.flat(12, 4, 6, 2, 2).entries(3, 5, 7) == 3 * 5 + 7
    # Three rows make a word of 6; of 7 that may come late, 3 words.
    words = DenseWords.flat(12, 2, 6, 6, 2)
    assert words.entries(6, 5, 7) == 2 * 5 and words.entries(6, 1, 7) == 3 + 2


def test_how_fast_events_come():
    # An event of a kernel of 1 x 1 and one fold takes a cycle; with two folds, or more positions,
    # two or more, so that a queue of two is enough.
    assert not conv(kernel=(1, 1)).unhurried
    assert conv(kernel=(1, 1), outputs=8).unhurried and conv().unhurried
    assert not DenseEvents.flat(4, 4, 3, 1, 3).unhurried
    assert DenseEvents.flat(4, 4, 6, 1, 3).unhurried
    assert conv(kernel=(1, 1), stride=(9, 9), side=1).port_register is False
    assert DenseEvents.flat(4, 4, 6, 1, 3).port_register
    assert not DenseEvents.flat(4, 4, 3, 1, 3).port_register


@for_each("width, every, kept", [
    (7, [2, 4, 7], [7, 2]),
    (2, [1, 2, 4, 8], [8, 4, 2, 1]),  # four rows of the 7 neurons; three would save no word
    (1, [1, 2, 3, 4, 7], [7, 3, 1]),
])
def test_lanes_of_words_that_are_weighed(width, every, kept):
    net = network((6, 7, 5, 3))
    assert DenseWords.all_lanes(net, 1, [width, 1, 1]) == every
    assert DenseWords.lane_choices(net, 1, [width, 1, 1]) == kept


def test_no_word_that_is_not_asked_for_is_wider_than_64():
    net = network((6, 100, 3))
    assert DenseWords.all_lanes(net, 1, [100, 1]) == [2, 4, 7, 13, 25, 50]
    assert DenseWords.all_lanes(net, 1, [64, 1]) == [1, 2, 4, 8, 16, 32, 64]
    assert DenseWords.fitting_lanes(net, 1, 99, [7, 1]) == 98
    assert DenseWords.fitting_lanes(net, 1, 5, [7, 1]) == 5


def test_lanes_that_words_cannot_have():
    net = network((6, 7, 5, 3))
    assert DenseWords.lanes_problem(net, 1, 5, [2, 1, 1]) == (
        "1..2, the parallel neurons of 'fc1', or a multiple of it up to 8")
    assert DenseWords.lanes_problem(net, 1, 8, [7, 1, 1]) == "1..7, the parallel neurons of 'fc1'"
    assert DenseWords.lanes_problem(net, 0, 7, [7, 1, 1]) == "1..6, the inputs"
    assert DenseWords.lanes_problem(net, 1, 4, [2, 1, 1]) is None


def test_lanes_of_events_that_are_weighed():
    net = network((6, 7, 5, 3))
    assert DenseEvents.lane_choices(net, 1, [7, 1, 1]) == [1, 2, 3, 4, 5, 6]
    assert DenseEvents.lane_choices(net, 0, [7, 1, 1]) == [1, 2, 3, 4, 5, 6]
    assert DenseEvents.lane_choices(net, 2, [7, 2, 1]) == [1, 2]
    assert DenseEvents.fitting_lanes(net, 2, 9, [7, 2, 1]) == 2
    assert DenseEvents.lane_choices(network((40, 3)), 0, [1]) == [
        1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32]


def test_beats_of_words_by_hand():
    geometry = DenseWords.flat(10, 5, 6, 2, 3)  # rows of 5, each of three words of 2
    steps = np.zeros((3, 10), np.uint8)
    steps[0, [1, 4, 5, 6]] = 1
    steps[2, 9] = 1
    data, ends = geometry.beats(steps, 8, 2)
    # {row, value}: 0 has its second input, 2 its first, 4 both; then a lone mark; 6 its first.
    assert data.tolist() == [[0b10], [2 << 2 | 0b01], [4 << 2 | 0b11], [0], [6 << 2 | 0b01]]
    assert ends.tolist() == [3, 4, 5]


def test_beats_of_events_by_hand():
    geometry = DenseEvents.flat(10, 5, 6, 2, 4)  # rows of 4, the second word's begin at 4
    steps = np.zeros((3, 10), np.uint8)
    steps[0, [0, 2, 3, 5]] = [3, 1, 2, 1]
    steps[2, 9] = 2
    data, ends = geometry.beats(steps, 8, 2)
    # {row, value} of both lanes: 0 and 3, then 2 and what is not there, then 5.
    assert data.tolist() == [[0 << 2 | 3, 1 << 2 | 2], [1 << 2 | 1, 0], [4 << 2 | 1, 0], [0, 0],
                             [6 << 2 | 2, 0]]
    assert ends.tolist() == [3, 4, 5]


def test_beats_of_a_map_by_hand():
    geometry = conv(channels=3, side=2, kernel=(1, 1), width=3, lanes=2, shared=False)
    steps = np.zeros((2, 12), np.uint8)
    # Channels 0, 2 and 1 at (0, 1); channel 2 at (1, 0).
    steps[0, [0 * 4 + 1, 2 * 4 + 1, 1 * 4 + 1, 2 * 4 + 2]] = 1
    data, ends = geometry.beats(steps, 8, 1)
    place, last = 0b01 << 2, 0b10 << 2
    # {y, x, row, value}; the first slot says where, and the last beat is a silent timestep's.
    assert data.tolist() == [[place | 1, place | 1], [place | 1 << 1 | 1, 0],
                             [last | 1 << 1 | 1, 0], [0, 0]]
    assert ends.tolist() == [3, 4]


@for_each("shared", [False, True])
def test_a_single_channel_of_the_same_events(shared):
    for geometry in (conv(shared=shared), DenseEvents.flat(10, 5, 6, 2, 4, shared)):
        single = geometry.single()
        assert (single.raster.shape.channels, single.parallel, single.folds) == (1, 1, 1)
        assert (single.source, single.lanes, single.shared) == (
            geometry.source, geometry.lanes, geometry.shared)


def of_inputs(*inputs, count=10):
    """Events of these inputs in one timestep."""
    events = np.zeros((1, 1, count), bool)
    events[0, 0, list(inputs)] = True
    return Feed(events, Shape(count))


@for_each("inputs, groups, marked, eager", [
    # Words of 5, lanes that share an encoder: the first event goes alone where both lanes wait.
    ((), 0, False, False), ((0,), 1, True, False), ((0, 1), 2, False, True),
    ((0, 1, 2), 2, True, False), ((0, 1, 2, 3), 3, False, True),
    ((0, 5), 2, True, True), ((5,), 1, True, True),  # the end comes with what the last word has
])
def test_groups_of_shared_lanes(inputs, groups, marked, eager):
    geometry, feed = DenseEvents.flat(10, 5, 6, 2, 4, True), of_inputs(*inputs)
    assert geometry.eager_walk(feed).tolist() == [[groups]]
    assert geometry.marked(feed).tolist() == [[marked]]
    assert geometry.marked(feed, eager=True).tolist() == [[eager]]


@for_each("inputs, groups, eager, marked", [
    # Banks of inputs 0, 2, 4, 5, 7, 9 and of 1, 3, 6, 8; an end waits for the bank with the most.
    ((), 0, 0, False), ((0,), 1, 1, False), ((5,), 1, 1, True), ((0, 6), 1, 2, False),
    ((5, 6), 1, 1, True), ((0, 2, 6), 2, 2, False), ((0, 5, 6), 2, 2, True),
    ((0, 1), 1, 1, False), ((0, 2, 1), 2, 2, False), ((0, 5, 1), 2, 2, True),
])
def test_groups_of_lanes_with_their_own_banks(inputs, groups, eager, marked):
    geometry, feed = DenseEvents.flat(10, 5, 6, 2, 4), of_inputs(*inputs)
    assert geometry.walk(feed).tolist() == [[groups]]
    assert geometry.eager_walk(feed).tolist() == [[eager]]
    assert geometry.marked(feed).tolist() == [[marked]]


@for_each("inputs, groups, marked", [
    # Six rows of two, three in each of two words; the last word is that of the rows from 3 on.
    ((), 0, False), ((0, 5), 1, False), ((2,), 1, False), ((4,), 1, False),
    ((6,), 1, True), ((0, 11), 2, True), ((8, 9), 1, True),
])
def test_words_of_gathered_rows(inputs, groups, marked):
    geometry, feed = DenseWords.flat(12, 2, 4, 6, 4), of_inputs(*inputs, count=12)
    assert geometry.walk(feed).tolist() == geometry.even_walk(feed).tolist() == [[groups]]
    assert geometry.marked(feed).tolist() == [[marked]]
    assert geometry.queued(feed).tolist() == [[max(1, groups)]]


def test_rows_that_are_cut_wait_whole():
    """Two rows of five spikes, each in three parts of two."""
    for inputs, groups, rows in (((), 0, 1), ((0, 1, 4), 2, 1), ((0, 2, 5), 3, 2)):
        geometry, feed = DenseWords.flat(10, 5, 6, 2, 3), of_inputs(*inputs)
        assert geometry.walk(feed).tolist() == [[groups]]
        assert geometry.queued(feed).tolist() == [[rows]]


def test_counts_of_words():
    # Rows of five in three parts of two, whose numbers take two bits; rows of two, three a word.
    cut, gathered = DenseWords.flat(10, 5, 6, 2, 3), DenseWords.flat(12, 2, 4, 6, 4)
    assert (cut.parts, cut.gathered, cut.part_bits, cut.rows, cut.address_bits) == (3, 1, 2, 8, 3)
    assert (gathered.gathered, gathered.part_bits, gathered.rows, gathered.address_bits) == (
        3, 0, 2, 1)
    assert DenseWords.flat(10, 10, 6, 10, 3).address_bits == 1
    assert DenseWords.flat(15, 5, 6, 5, 3).address_bits == 2


def test_fields_of_a_place_fill_a_slot():
    """A row of channels, a column of 2 bits and a line in what the value leaves."""
    geometry = conv(channels=6, lanes=2, width=6, shared=False)
    fields = geometry.slot_facts(16, 3)["row"]["fields"]
    assert fields == {"r": {"low": 0, "width": geometry.row_bits},
                      "x": {"low": geometry.row_bits, "width": 2},
                      "y": {"low": geometry.row_bits + 2, "width": 16 - 3 - geometry.row_bits - 2}}
