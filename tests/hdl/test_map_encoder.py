"""MapEncoder against ``ConvEvents.lane_row``."""

import itertools

import numpy as np
import pytest

from bsnn_hw.hdl.map_encoder import MapEncoder
from bsnn_hw.ir.network import Shape
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls
from tests.hdl.groups import read_group
from tests.hdl.maps import CONVS, expected_groups, geometry_of, placed_words, random_steps

WIDE = (Shape(9, 2, 2), (1, 1), (1, 1), (0, 0), 1, 7, 3, 1)  # lanes have 3, 2 and 2 slots
CASES = [*CONVS, WIDE]


def written(geometry, steps):
    """The words that a queue lets through: those with spikes, and the last of a timestep."""
    return [word for spikes in steps for word in placed_words(geometry.source, spikes)
            if word["spikes"] or word["last"]]


def readable(payload):
    events, mark = read_group(payload)
    return (payload.place.y, payload.place.x) if events else None, events, mark


def encode(geometry, steps, *, pause=0.0, full=0.0):
    """Groups, and the cycles from the first to the last."""
    dut, taken, start = MapEncoder(geometry), [], []
    right = [group for spikes in steps for group in expected_groups(geometry, spikes)]
    bench = Bench(dut)

    async def source(context):
        await send(context, dut.words, written(geometry, steps), stalls(1, pause))

    async def sink(context):
        await context.tick().until(dut.groups.valid)
        start.append(bench.cycle)
        await receive(context, dut.groups, len(right), stalls(2, full), taken)

    bench.run(sink, background=[source])
    assert list(map(readable, taken)) == right
    return bench.cycle - start[0]


@quick(2, wide=7)
@for_each("shared", [False, True])
@for_each("case", CASES)
@for_each("pause, full", [(0, 0), (.5, 0), (0, .5), (.4, .4)])
def test_every_spike_at_its_place(case, shared, pause, full):
    geometry = geometry_of(case, shared)
    steps = random_steps(np.random.default_rng(1), geometry.source.shape.size, 6)
    cycles = encode(geometry, steps, pause=pause, full=full)
    if not pause and not full:
        right = sum(len(expected_groups(geometry, spikes)) for spikes in steps)
        assert cycles == right, "a group a cycle"


@quick(1, wide=None)
@for_each("lanes", [1, 2, 3])
def test_every_pattern_of_tiny_words(lanes):
    """Words of three channels at two places, each of the 64 timesteps after four others."""
    geometry = geometry_of((Shape(3, 1, 2), (1, 1), (1, 1), (0, 0), 1, 3, lanes, 1))
    patterns = np.array(list(itertools.product((0, 1), repeat=6)), bool)
    rng = np.random.default_rng(lanes)
    encode(geometry, patterns[np.concatenate([rng.permutation(64) for _ in range(4)])])


def test_wrong_geometry():
    with pytest.raises(TypeError, match="geometry must be a ConvEvents, not 'map'"):
        MapEncoder("map")
