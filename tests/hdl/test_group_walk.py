"""GroupWalk, GroupLookup and GroupSynapses against what ``ConvGroups`` names."""

import itertools

import numpy as np

from bsnn_hw.hdl.engines.registry import hardware
from bsnn_hw.hdl.group_synapse import GroupSynapses
from bsnn_hw.hdl.group_walk import GroupWalk
from bsnn_hw.hdl.walk import MapWalk
from tests.engines.test_conv_groups import CASES, grouped
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.test_walk import run

WALKED = [case for case in CASES if not grouped(case)[0].group_folds.one_start]


def reach_of(geometry, y, x, start):
    """The reach of an event at (y, x) of a channel whose events start at fold ``start``; None where
    it reaches nothing."""
    down, right = geometry.vertical, geometry.horizontal
    if not (down.count[y] and right.count[x]):
        return None
    row = int(down.first[y] * geometry.out.width + right.first[x]) * geometry.folds + start
    tap = int(down.tap[y] * geometry.kernel[1] + right.tap[x]) * geometry.event_folds
    return {"row": row, "tap": tap, "fold": start, "columns": int(right.count[x]) - 1,
            "lines": int(down.count[y]) - 1}


def walk_of(geometry, y, x, start):
    """(row, fold, tap) of every cycle of such a walk."""
    down, right, own = geometry.vertical, geometry.horizontal, geometry.event_folds
    for line, column, fold in itertools.product(range(down.count[y]), range(right.count[x]),
                                                range(own)):
        oy, ox = int(down.first[y]) + line, int(right.first[x]) + column
        ty = int(down.tap[y]) + line * geometry.stride[0]
        tx = int(right.tap[x]) + column * geometry.stride[1]
        yield ((oy * geometry.out.width + ox) * geometry.folds + start + fold, start + fold,
               (ty * geometry.kernel[1] + tx) * own + fold)


@quick(2, wide=None)
@for_each("case", WALKED)
@for_each("pause", [0, .4])
def test_every_place_and_group_between_steps(case, pause):
    """From each place and first fold a walk, in random order, every fourth behind a step's."""
    geometry, _ = grouped(case)
    shape, sweep = geometry.source.shape, [(row, row % geometry.folds, None)
                                           for row in range(geometry.raster.rows)]
    events = list(itertools.product(range(shape.height), range(shape.width),
                                    np.unique(geometry.starts).tolist()))
    walks, right = [], list(sweep)
    for number, at in enumerate(np.random.default_rng(1).permutation(len(events)).tolist()):
        if number % 4 == 0:
            walks.append((None, geometry.raster.rows))
            right += sweep
        if reach_of(geometry, *events[at]):
            visits = list(walk_of(geometry, *events[at]))
            walks.append((reach_of(geometry, *events[at]), len(visits)))
            right += visits
    given = run(GroupWalk(geometry), walks, stalls(2, pause))
    assert len(given) == len(right)
    # A step looks at no weights.
    assert [visit if wanted[2] is not None else (*visit[:2], None)
            for visit, wanted in zip(given, right, strict=True)] == right


def test_where_all_events_start_alike_the_walk_is_that_without_groups():
    geometry, _ = grouped(CASES[4])
    dut = hardware(geometry).walk(geometry)
    assert type(dut) is MapWalk
    assert len(run(dut, [], stalls(0, 0))) == geometry.raster.rows
    assert "fold" not in hardware(geometry).reach(geometry).members


@quick(1, wide=None)
@for_each("case", [case for case in CASES if grouped(case)[0].group_folds.blocks > 1])
@for_each("bits", [1, 3])
def test_each_block_gets_its_own_events(case, bits):
    """A random group of events of one word a cycle, at any tap."""
    geometry, conv = grouped(case, bits)
    rng, largest, across = np.random.default_rng(0), 3, geometry.word_weights
    dut = hardware(geometry).synapses(geometry, conv, largest)
    assert isinstance(dut, GroupSynapses)
    weights = _unpacked(geometry, conv)
    shape = geometry.source.shape
    banks, numbers = geometry.lane_row(np.arange(shape.channels) * shape.positions)
    groups, wanted = [], []
    for _ in range(40):
        tap, rows = int(rng.integers(geometry.taps)), np.zeros(geometry.lanes, int)
        values, sums = np.zeros(geometry.lanes, int), np.zeros(geometry.parallel, int)
        for lane in np.flatnonzero(rng.random(geometry.lanes) < .7):
            rows[lane] = rng.choice(numbers[banks == lane % geometry.banks])
            values[lane] = rng.integers(1, largest + 1)
            bank = lane % geometry.banks
            first = int(geometry.blocks[bank, rows[lane]]) * across
            sums[first:first + across] += values[lane] * weights[bank, tap, rows[lane]]
        groups.append((tap, rows.tolist(), values.tolist()))
        wanted.append(sums.tolist())
    assert _added(dut, geometry.delay(bits), groups) == wanted


def _unpacked(geometry, conv):
    """Weights (banks, taps, numbers, of a word)."""
    bits, across = conv.weight_bits, geometry.word_weights
    words = np.array(geometry.bank_words(conv.weights, bits), dtype=object)
    each = np.array([[[int(word) >> i * bits & (1 << bits) - 1 for i in range(across)]
                      for word in bank] for bank in words])
    signed = 2 * each - 1 if bits == 1 else each - (each >> bits - 1 << bits)
    return signed.reshape(geometry.banks, geometry.taps, 1 << geometry.row_bits, across)


def _added(dut, delay, groups):
    totals = []

    async def check(context):
        for cycle in range(len(groups) + delay):
            tap, rows, values = groups[min(cycle, len(groups) - 1)]
            context.set(dut.tap, tap)
            context.set(dut.rows, rows)
            context.set(dut.values, values)
            *_, deltas, carries = await context.tick().sample(dut.deltas, dut.carries)
            if cycle >= delay:
                totals.append([delta + (carries >> i & 1) for i, delta in enumerate(deltas)])

    Bench(dut).run(check)
    return totals
