"""The address map of ConvGroups: by hand, and the sums that it makes against a convolution's."""

import numpy as np
import pytest
import torch

from bsnn_hw.devices.parts import Access, Memory, Parts
from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.engines.groups import GroupFolds, group_folds
from bsnn_hw.engines.registry import geometry_of, takes_events
from bsnn_hw.ir.network import Conv, Dense, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan
from bsnn_hw.reference.synapse import convolve
from tests.for_each import for_each
from tests.parts import same_parts

# source, channels out, groups, source width, lanes, parallel
CASES = [(Shape(6, 4, 3), 6, 6, 3, 1, 1), (Shape(6, 4, 3), 6, 6, 3, 3, 3),
         (Shape(6, 4, 3), 12, 3, 2, 2, 2), (Shape(6, 4, 3), 12, 3, 4, 1, 8),
         (Shape(6, 4, 3), 12, 3, 4, 4, 12), (Shape(5, 3, 3), 10, 5, 5, 1, 4),
         (Shape(4, 3, 3), 12, 2, 1, 1, 3), (Shape(9, 2, 2), 9, 3, 4, 1, 3)]


def conv_of(case, bits=1, seed=0):
    source, channels, groups, *_ = case
    levels = [-1, 1] if bits == 1 else [-3, -1, 0, 2, 3]
    weights = np.random.default_rng(seed).choice(
        np.array(levels, np.int8), (channels, source.channels // groups, 3, 2))
    return Conv(weights, np.ones(channels, bool), source, (1, 2), (1, 1), bits, groups)


def grouped(case, bits=1):
    """The geometry of a case, and its convolution."""
    source, *_, width, lanes, parallel = case
    conv = conv_of(case, bits)
    return geometry_of(conv, Raster(source, width), LayerPlan(lanes, parallel)), conv


def test_folds_by_hand():
    """Three groups of 2 channels in and 4 out."""
    channels = np.arange(6)
    two, whole, several = (GroupFolds(3, 2, 4, parallel) for parallel in (2, 4, 8))
    assert (two.folds, two.blocks, two.width, two.span) == (2, 1, 2, 2)
    assert two.first_fold(channels).tolist() == [0, 0, 2, 2, 4, 4]
    assert (whole.folds, whole.blocks, whole.width) == (1, 1, 4)
    assert (several.folds, several.blocks, several.width, several.span) == (1, 2, 4, 4)
    assert several.first_fold(channels).tolist() == [0, 0, 0, 0, 1, 1]
    assert several.block(channels).tolist() == [0, 0, 1, 1, 0, 0]
    assert two.words_fit(1) and two.words_fit(2) and not two.words_fit(4)
    assert several.words_fit(4) and not several.one_start and GroupFolds(3, 2, 4, 12).one_start


def test_folds_that_an_event_reaches():
    dense = Dense(np.ones((5, 2), np.int8), np.ones(5, bool))
    conv = conv_of((Shape(6, 4, 3), 12, 3, 1, 1, 1))
    for synapse, parallel, folds in ((dense, (1, 2, 5), [5, 3, 1]),
                                     (conv, (1, 2, 4, 8), [4, 2, 1, 1])):
        assert [takes_events(synapse).folds_reached(synapse, each) for each in parallel] == folds


def test_what_parallel_may_be():
    conv = conv_of((Shape(6, 4, 3), 12, 3, 1, 1, 1))
    assert takes_events(conv) is ConvGroups
    fitting = [count for count in range(1, 13) if not ConvGroups.parallel_problem(conv, count)]
    assert fitting == [1, 2, 4, 8, 12]
    assert ConvGroups.parallel_problem(conv, 3) == (
        "divide the 4 output channels of a group, or be a multiple of them")
    plain = Conv(np.ones((7, 2, 1, 1), np.int8), np.ones(7, bool), Shape(2, 1, 1))
    assert all(takes_events(plain).parallel_problem(plain, count) is None for count in range(1, 8))
    assert group_folds(plain, 3).folds == 3


@for_each("case", CASES)
@for_each("bits", [1, 3])
def test_sums_are_the_convolution(case, bits):
    geometry, conv = grouped(case, bits)
    assert isinstance(geometry, ConvGroups)
    inputs = np.random.default_rng(1).integers(0, 4, conv.source.size)
    wanted = convolve(conv, torch.as_tensor(inputs)[None], 3)[0].numpy()
    np.testing.assert_array_equal(_sums(geometry, conv, inputs), wanted)


def _sums(geometry, conv, inputs):
    """By the address maps alone."""
    words = geometry.bank_words(conv.weights, conv.weight_bits)
    assert all(len(bank) == geometry.depth for bank in words)
    sums = np.zeros((geometry.raster.rows, geometry.parallel), np.int64)
    across, own, (height, width) = geometry.word_weights, geometry.event_folds, geometry.kernel
    for i in np.flatnonzero(inputs):
        bank, address = (int(each[0]) for each in geometry.lane_row(np.array([i])))
        number = address & (1 << geometry.row_bits) - 1
        start, block = int(geometry.starts[number]), int(geometry.blocks[bank, number])
        y, x = divmod(int(i) % conv.source.positions, conv.source.width)
        for oy, ox, fold in np.ndindex(conv.shape.height, conv.shape.width, own):
            ky, kx = y + 1 - oy, x + 1 - 2 * ox
            if 0 <= ky < height and 0 <= kx < width:
                tap = ((height - 1 - ky) * width + width - 1 - kx) * own + fold
                word = words[bank][(tap << geometry.row_bits) + number]
                row = (oy * conv.shape.width + ox) * geometry.folds + start + fold
                sums[row, block * across:(block + 1) * across] += inputs[i] * _weights(
                    word, across, conv.weight_bits)
    return geometry.raster.by_neuron(sums)


def _weights(word, count, bits):
    each = [word >> i * bits & (1 << bits) - 1 for i in range(count)]
    if bits == 1:
        return np.array([2 * bit - 1 for bit in each])
    return np.array([value - (value >> bits - 1 << bits) for value in each])


@for_each("parallel", [1, 2, 8, 64])
def test_a_depthwise_convolution_stores_no_zeros(parallel):
    conv = Conv(np.ones((64, 1, 3, 3), np.int8), np.ones(64, bool), Shape(64, 8, 8), (1, 1),
                (1, 1), groups=64)
    geometry = geometry_of(conv, Raster(conv.source, 8), LayerPlan(1, parallel))
    assert sum(rows * width for rows, width, _ in geometry.weight_memories(1)) == conv.weights.size
    assert (geometry.event_folds, geometry.event_channels) == (1, 1)
    assert geometry.fan_out[4, 4] == geometry.walked[4, 4] == 9


def test_each_lane_of_a_whole_word_has_a_block():
    geometry, _ = grouped(CASES[1])
    assert geometry.blocks.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert geometry.starts.tolist() == [0, 1]


def test_a_lane_has_adders_in_the_blocks_that_it_reaches():
    """Three lanes, a neuron each: as three layers of one lane and one neuron, but for waiting."""
    geometry, _ = grouped(CASES[1])
    alone = ConvEvents(geometry.source, geometry.out, geometry.kernel, geometry.stride,
                       geometry.padding, 1, 1).synapse_parts(1, 1)
    parts = geometry.synapse_parts(1, 1)
    assert not parts.memories
    assert parts.luts == 3 * alone.luts
    assert parts.sum_bits == 3 * alone.sum_bits
    # A value and a weight of each neuron wait for the stage in which other layers add lanes.
    assert parts.registers == 3 * alone.registers + 1 * 3 * (1 + 1)


def test_a_walk_and_its_lookup_counted_by_hand():
    """12 x 4 x 2 out of 6 x 4 x 3, three groups, each of two folds; words of two, a lane each."""
    geometry, _ = grouped(CASES[2])
    # Rows of 6 bits, taps of 4; 8 positions and 3 lines of the kernel; six folds, from any on.
    assert same_parts(geometry.walk_parts(), (
        Parts.adders(6, 3) + Parts.adders(4, 4) + Parts.adders(5 / 2, 2) + Parts.adders(3)
        + Parts.logic(3 * (6 + 4 + 5) + 3, 2 * (6 + 4 + 5) + 3)
        + Parts.adders(3) + Parts.logic(2 * 3, 2 * 3)))
    # A channel of 2 bits; a line reaches up to three lines, a column one; a table of first folds.
    tables = (Memory(4, 6 + 4 + 2 + 1, Access.TABLE), Memory(3, 6 + 4 + 1 + 1, Access.TABLE),
              Memory(4, 3, Access.TABLE))
    assert same_parts(geometry.lookup_parts(1), (
        Parts.delays(2 * 2 * (2 + 1) + 4 + 8) + Parts.adders(6) + Parts.adders(4)
        + Parts.logic(10, 6 + 4) + Parts.adders(6) + Parts.delays(3) + Parts(memories=tables)
        + Parts.path("reach")))


def test_a_lane_that_reaches_several_blocks_has_a_table():
    case = (Shape(6, 4, 3), 6, 6, 2, 1, 6)
    geometry, _ = grouped(case)
    assert geometry.blocks.tolist() == [[0, 1, 2, 3, 4, 5, 0, 0]]
    table, = geometry.synapse_parts(1, 1).memories
    assert (table.rows, table.width, table.count) == (8, 3, 1)


@for_each("lanes, parallel, message", [
    (1, 3, "parallel must divide 4 or be a multiple of it, not 3"),
    (2, 4, "lanes must be 1 where they take channels that start at several folds, not 2")])
def test_wrong_counts(lanes, parallel, message):
    case = (Shape(6, 4, 3), 12, 3, 4, lanes, parallel)
    with pytest.raises(ValueError, match=message):
        grouped(case)


def test_a_lane_of_several_blocks_says_which():
    """Six blocks of a neuron, each with the adders of one lane; the lane's number of 3 bits."""
    geometry, _ = grouped((Shape(6, 4, 3), 6, 6, 2, 1, 6))
    alone = ConvEvents(geometry.source, geometry.out, geometry.kernel, geometry.stride,
                       geometry.padding, 1, 1).synapse_parts(1, 1)
    assert same_parts(geometry.synapse_parts(1, 1), (
        6 * alone + Parts.logic(6) + Parts.delays(3)
        + Parts(memories=(Memory(8, 3, Access.TABLE),))))
