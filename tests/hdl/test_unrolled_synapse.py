"""UnrolledSynapses against sums of weights, and Planes against the bits of values."""

import itertools

import numpy as np
import pytest

from bsnn_hw.engines.dense_unrolled import DenseUnrolled
from bsnn_hw.hdl.planes import Planes
from bsnn_hw.hdl.unrolled_synapse import UnrolledSynapses
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls
from tests.hdl.test_synapse import dense, random_weights


def unrolled(inputs, neurons, bits=1):
    return DenseUnrolled(Raster(Shape(inputs), inputs, bits), neurons, inputs, neurons)


def run(geometry, weights, spikes, planes, pipelined=False):
    """``deltas + carries``, int64 (cycles, neurons), of one word per cycle."""
    dut = UnrolledSynapses(geometry, dense(weights), pipelined=pipelined)
    delay, totals = geometry.delay() + pipelined, []

    async def check(context):
        for cycle in range(len(spikes) + delay):
            if cycle < len(spikes):
                context.set(dut.values, spikes[cycle].tolist())
                context.set(dut.rows, [int(planes[cycle])])
            *_, deltas, carries = await context.tick().sample(dut.deltas, dut.carries)
            if cycle >= delay:
                totals.append([delta + (carries >> i & 1) for i, delta in enumerate(deltas)])

    Bench(dut).run(check)
    return np.array(totals)


@quick(1, wide=None)
@for_each("inputs, neurons, bits", [(1, 1, 1), (3, 2, 1), (7, 5, 2), (12, 20, 4), (33, 9, 1),
                                    (20, 14, 8), (70, 12, 3)])
@for_each("pipelined", [False, True])
def test_sums(inputs, neurons, bits, pipelined):
    rng = np.random.default_rng(inputs)
    weights = random_weights(rng, neurons, inputs)
    share = rng.choice([0, .1, .5, 1], (60, 1))  # from silent to saturated words
    spikes, planes = rng.random((60, inputs)) < share, rng.integers(bits, size=60)
    found = run(unrolled(inputs, neurons, bits), weights, spikes, planes, pipelined)
    np.testing.assert_array_equal(found, spikes @ weights.astype(int).T << planes[:, None])


def test_all_weights_and_spikes_of_a_group():
    weights = np.array(list(itertools.product((-1, 1), repeat=5)), np.int8)
    spikes = np.array(list(itertools.product((0, 1), repeat=5)))
    found = run(unrolled(5, 32), weights, spikes, np.zeros(32))
    np.testing.assert_array_equal(found, spikes @ weights.astype(int).T)


@quick(6, wide=None)
@for_each("inputs", [1, 3, 4, 5, 16, 17, *range(1, 41)])
def test_the_largest_sums(inputs):
    """All weights one way and all inputs at once, of counts of one to 40 inputs."""
    weights = np.stack([np.ones(inputs, np.int8), -np.ones(inputs, np.int8)])
    found = run(unrolled(inputs, 2), weights, np.ones((1, inputs), int), [0])
    assert found.tolist() == [[inputs, -inputs]]


def test_wrong_weights():
    with pytest.raises(ValueError, match="weight_bits must be 1, not 2"):
        UnrolledSynapses(unrolled(2, 1), dense(np.ones((1, 2), np.int8), 2))


@for_each("pause, full", [(0, 0), (.5, 0), (0, .5), (.4, .4)])
def test_planes(pause, full):
    geometry = unrolled(3, 1, bits=3)
    rng, groups = np.random.default_rng(1), []
    for number in range(40):
        values = rng.integers(8, size=3) * (number % 5 > 0)
        groups.append({"values": values.tolist(), "charge": bool(values.any()),
                       "mark": number % 3 == 0 or not values.any()})
    wanted = [([value >> plane & 1 for value in group["values"]], plane, group["charge"],
               group["mark"] and plane == last)
              for group in groups for last in [2 if group["charge"] else 0]
              for plane in range(last + 1)]
    dut, taken = Planes(geometry), []
    bench = Bench(dut)

    async def source(context):
        await send(context, dut.values, groups, stalls(1, pause))

    async def sink(context):
        await receive(context, dut.groups, len(wanted), stalls(2, full), taken)

    bench.run(sink, background=[source])
    assert [(list(each.values), each.rows[0], each.charge, each.mark)
            for each in taken] == wanted
    if not pause and not full:
        assert bench.cycle == len(wanted), "a plane every cycle"


def test_wrong_planes():
    with pytest.raises(ValueError, match="geometry must have 2 planes or more, not 1"):
        Planes(unrolled(3, 1))
