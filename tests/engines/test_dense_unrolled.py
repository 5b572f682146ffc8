"""DenseUnrolled: counts of full adders, words of planes, and what a plan may ask for."""

import numpy as np
import pytest

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.dense_unrolled import DenseUnrolled, adder_heights
from bsnn_hw.engines.registry import engine_problem, find_engine
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Engine
from bsnn_hw.planning.schedule import make_schedule
from tests.for_each import for_each
from tests.hdl import nets
from tests.parts import same_parts


def unrolled(inputs, neurons, bits=1, width=None):
    width = width or inputs
    source = Raster(Shape(inputs), width, bits)
    return DenseUnrolled(source, neurons, width * source.rows, neurons)


def test_heights_by_hand():
    assert adder_heights(1) == [[1, 0, 0]]
    assert adder_heights(8) == [[2, 2, 2]]
    # Three counts of 0 to 4: a full adder for each weight, and its carry in the next column.
    assert adder_heights(12) == [[3, 3, 3], [1, 2, 2, 1]]
    assert adder_heights(10)[0] == [3, 3, 2]


@for_each("inputs", [13, 64, 196, 1024])
def test_two_numbers_are_left(inputs):
    *before, last = adder_heights(inputs)
    assert max(last) <= 2 < min(max(heights) for heights in before)


def test_delay_by_hand():
    # Counts, sum of two numbers, difference.
    assert unrolled(8, 3).delay() == 3
    # One level of full adders, and a shift by one of four planes, of a bit each.
    assert unrolled(12, 3, bits=4).delay() == 3 + 1 + 2


@for_each("width", [3, 4, 10])
def test_every_lane_has_its_weight(width):
    geometry = unrolled(10, 2, width=width)
    weights = np.where(np.arange(20).reshape(2, 10) % 3, 1, -1).astype(np.int8)
    lane, row = geometry.lane_row(np.arange(10))
    assert len(set(lane.tolist())) == 10 and not row.any()
    found = geometry.lane_weights(weights)
    assert found.shape == (2, geometry.lanes)
    np.testing.assert_array_equal(found[:, lane], weights > 0)
    assert found.sum() == (weights > 0).sum()


def test_beats_by_hand():
    geometry = unrolled(3, 2, bits=4)
    data, ends = geometry.beats(np.array([[1, 15, 2], [0, 0, 0]]), 16, 12)
    assert data.tolist() == [[0xf1, 0x02], [0, 0]] and ends.tolist() == [1, 2]


def test_what_it_has_none_of():
    geometry = unrolled(9, 4)
    assert (geometry.depth, geometry.weight_memories(1), geometry.bank_words(np.ones((4, 9)))) == (
        0, [], [])


def test_what_a_plan_may_ask_for():
    network = nets.random_network(4)
    number = next(number for number in range(len(network.layers))
                  if engine_problem(network, number, Engine.UNROLLED) is None)
    layer = network.layers[number]
    count = len(network.layers)
    engines = [Engine.EVENTS] * count
    engines[number] = Engine.UNROLLED
    parallel = [each.synapse.shape.channels for each in network.layers]
    lanes = [1] * count
    lanes[number] = find_engine(network, number, Engine.UNROLLED).fitting_lanes(
        network, number, 1, parallel)
    assert make_schedule(network, lanes, parallel, engines).layers[number].engine is Engine.UNROLLED
    few = list(parallel)
    few[number] = 1
    with pytest.raises(InputError, match=rf"layer '{layer.name}': parallel must be "
                       f"{layer.synapse.neurons}, all its neurons, as it is unrolled, not 1"):
        make_schedule(network, lanes, few, engines)
    wide = list(lanes)
    wide[number] += 1
    with pytest.raises(InputError, match=f"lanes of words must be {lanes[number]}, all inputs, "
                                         f"not {wide[number]}"):
        make_schedule(network, wide, parallel, engines)


def test_what_is_built_for_three_inputs():
    # Of seven patterns, three have one input, three two and one three: 3 + 6 + 2 bits.  Half of
    # the eighths that a neuron has are its own; its two numbers are added with no adder before.
    counts = 11 * (1 - (7 / 8) ** 2)
    each = Parts.adders(2) + Parts(registers=2)
    assert same_parts(unrolled(3, 2).synapse_parts(1, 1), (
        Parts.logic(counts, counts) + 3 * each + Parts.adders(3, 2) + Parts(registers=2 * 3)))


def test_what_is_built_of_several_groups_and_planes():
    # Three groups of 4: of 15 patterns four have one, six two, four three and one four inputs.
    bits, width = 3 * (4 * 1 + 6 * 2 + 4 * 2 + 1 * 3) / 16, 4
    counts = 16 * bits * (1 - (15 / 16) ** 5)
    # A level of adders leaves two numbers of 4 bits or fewer; sums of 5 are shifted by a bit.
    each = Parts.logic(0, 6) + Parts.adders(width) + Parts(registers=width)
    assert bits < 1.5 * width
    assert same_parts(unrolled(12, 5, bits=2).synapse_parts(1, 3), (
        Parts.logic(counts, counts) + 6 * each + Parts.adders(5, 5) + Parts(registers=5 * 5)
        + Parts.logic(5 * (4 + 2), 5 * (4 + 2))))


def test_what_full_adders_leave():
    # Sixteen groups of four count 27 bits; two numbers of 7 bits have 10.5 of them on average.
    geometry = unrolled(64, 2)
    assert geometry.levels == 6
    # Two levels between registers, and each leaves two thirds of the bits: 12, then what is left.
    kept = 27 * 4 / 9 + 10.5 + 10.5
    counts = 16 * 27 * (1 - (15 / 16) ** 2)
    each = Parts.logic(2.6 * (27 - 10.5), kept) + Parts.adders(7) + Parts(registers=7)
    assert same_parts(geometry.synapse_parts(1, 1), (
        Parts.logic(counts, counts) + 3 * each + Parts.adders(8, 2) + Parts(registers=2 * 8)))
