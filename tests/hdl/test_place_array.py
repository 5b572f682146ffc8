"""PlaceArray: places of a line in banks of their own, hammered walk after walk."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.hdl.place_array import PlaceArray
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.synapses import synapses_block
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench
from tests.hdl.maps import conv_of

IDLE = {"row": 0, "fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0,
        "sweep": 0}
SIDE = 4


def array_of(folds, block, pipelined):
    """3x3 on 4x4, one channel of a weight of +1 a fold, three places of a line at once."""
    case = Shape(1, SIDE, SIDE), (3, 3), (1, 1), (1, 1), folds, 1, 1, 1
    synapse = conv_of(case)
    synapse = replace(synapse, weights=np.ones_like(synapse.weights),
                      connected=np.ones(folds, bool))
    made = ConvLines(Raster(case[0], 1), synapse.shape, *case[1:4], 1, 1, False, places=3)
    synapses = synapses_block(None, synapse, made, sum_width=12, max_value=1, timesteps=1,
                              block=block, pipelined=pipelined)
    return synapse, synapses


def row_of(geometry, y, x, fold):
    """(bank, row) of a place's sum."""
    column, bank = divmod(x, geometry.places)
    return bank, (y << geometry.column_bits | column) << geometry.fold_bits | fold


def charges(geometry, rng, folds, count):
    """(fields of the operation, rows of the banks that are active) of walks at a few places."""
    for _ in range(count):
        y, x = rng.integers(SIDE, size=2) % 2
        reached = [place for place in (x - 1, x, x + 1) if 0 <= place < SIDE]
        for fold in range(folds):
            yield ({"charge": 1, "fold": fold},
                   dict(row_of(geometry, y, place, fold) for place in reached))
        for _ in range(rng.integers(2)):
            yield {}, {}


# Of three folds there are four numbers of rows, of five eight.
CASES = [(3, True, True), (1, True, True), (2, True, False)]
CASES += [case for case in itertools.product(range(1, 7), [True, False], [True, False])
          if case not in CASES]


@quick(1, wide=1)
@for_each("folds, block, pipelined", CASES)
def test_places_are_hammered_walk_after_walk(folds, block, pipelined):
    """A walk finds what the last one left at its places, however few folds lie between."""
    synapse, synapses = array_of(folds, block, pipelined)
    geometry, rng = synapses.geometry, np.random.default_rng(folds)
    dut = PlaceArray(synapse, synapses)
    steps = [({"step": 1, "fold": fold}, dict([row_of(geometry, y, x, fold)]))
             for y in range(SIDE) for x in range(SIDE) for fold in range(folds)]
    # A reset starts with a walk that clears.
    trace = ([({"step": 1, "clear": 1, "sweep": 1} | fields, places) for fields, places in steps]
             + list(charges(geometry, rng, folds, 60)) + steps)
    counts = {}
    for fields, places in trace:
        for place in places.items() if "charge" in fields else ():
            counts[place] = counts.get(place, 0) + 1
    given = sums_of(dut, synapses, trace)[-len(steps):]
    for (_, places), found in zip(steps, given, strict=True):
        (place,) = places.items()
        assert found == counts.get(place, 0), f"bank {place[0]}, row {place[1]}"
    assert max(counts.values()) > 10


def sums_of(dut, synapses, trace):
    """The sum of each operation that steps; an operation a cycle."""
    shown = []
    tap = 0

    async def drive(context):
        stepped = []
        for fields, places in trace + [({}, {})] * (synapses.delay + 2):
            context.set(dut.start, IDLE | fields)
            context.set(dut.values, [fields.get("charge", 0)])
            for bank in range(synapses.geometry.places):
                context.set(dut.places[bank], {"row": places.get(bank, 0), "tap": tap,
                                               "active": bank in places})
            *_, op, found = await context.tick().sample(dut.op.step, dut.sums)
            if stepped and stepped[-1]:
                shown.append(int(found[0]))
            stepped.append(int(op))

    Bench(dut, deadline=len(trace) + 99).run(drive)
    return shown


def test_wrong_arguments():
    synapse, synapses = array_of(2, True, True)
    events = ConvEvents(Raster(Shape(1, SIDE, SIDE), 1), synapse.shape, (3, 3), (1, 1), (1, 1), 1,
                        1)
    with pytest.raises(TypeError, match="ConvLines"):
        PlaceArray(synapse, replace(synapses, geometry=events))
