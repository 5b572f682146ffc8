"""FoldWalk and MapWalk against the rows and taps that ``ConvEvents`` names."""

import numpy as np
import pytest

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.engines.registry import hardware
from bsnn_hw.hdl.walk import FoldWalk, MapWalk, reach_layout
from bsnn_hw.ir.network import Shape
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.maps import CONVS, geometry_of, reach_of, walk_of


def run(dut, walks, pauses, seed=0):
    """(row, fold, tap, last) of every cycle of every walk, one walk right behind the other.

    walks : list of (reach or None, rows that are visited); a reach of None is a step
    """
    rng, visits = np.random.default_rng(seed), []
    coming = iter([*walks, (None, 0)])

    async def check(context):
        left = dut.rows  # a reset starts with a walk over everything
        while left:
            advance = not next(pauses)
            context.set(dut.advance, advance)
            last = context.get(dut.last)
            assert last == (left == 1), f"visit {len(visits)}: last is {last}"
            context.set(dut.load, advance and last)
            if advance and last:
                reach, left = next(coming)
                _load(context, dut, rng, reach)
            else:
                left -= advance
            *_, row, fold, tap = await context.tick().sample(dut.row, dut.fold, dut.tap)
            if advance:
                visits.append((row, fold, tap))

    Bench(dut).run(check)
    return visits


def _load(context, dut, rng, reach):
    context.set(dut.whole, reach is None)
    if isinstance(dut, MapWalk):
        # With a step, whatever is offered does not matter.
        fields = reach or {name: int(rng.integers(1 << field.width))
                           for name, field in dut.reach.shape()}
        context.set(dut.reach, fields)


@for_each("folds", [1, 2, 3, 5, 8])
@for_each("pause", [0, .5])
def test_all_folds_again_and_again(folds, pause):
    walks = [(None, folds)] * 4
    visits = run(FoldWalk(folds), walks, stalls(folds, pause))
    assert visits == [(fold, fold, fold) for fold in range(folds)] * 5


@quick(3, wide=None)
@for_each("case", CONVS)
@for_each("pause", [0, .4])
def test_every_place_of_the_map_between_steps(case, pause):
    """From each place a walk, in random order, every fourth of them behind a step's."""
    geometry = geometry_of(case)
    rng = np.random.default_rng(1)
    places = [divmod(place, geometry.source.shape.width)
              for place in rng.permutation(geometry.source.shape.positions).tolist()]
    walks, right = [], []
    for number, place in enumerate(places):
        if number % 4 == 0:
            walks.append((None, geometry.raster.rows))
            right += [(row, row % geometry.folds, None) for row in range(geometry.raster.rows)]
        if reach_of(geometry, *place):
            visits = list(walk_of(geometry, *place))
            walks.append((reach_of(geometry, *place), len(visits)))
            right += visits
    sweep = [(row, row % geometry.folds, None) for row in range(geometry.raster.rows)]
    given = run(MapWalk(geometry), walks, stalls(2, pause))
    right = sweep + right
    assert len(given) == len(right)
    # A step looks at no weights.
    given = [visit if wanted[2] is not None else (*visit[:2], None)
             for visit, wanted in zip(given, right, strict=True)]
    assert given == right


def test_known_walk():
    """3x3, padding 1, on 3x3: the middle reaches all nine places, by the taps from 8 down in the
    kernel, which is turned, so from 0 up."""
    geometry = geometry_of((Shape(1, 3, 3), (3, 3), (1, 1), (1, 1), 1, 1, 1, 1))
    dut = MapWalk(geometry)
    visits = run(dut, [({"row": 0, "tap": 0, "columns": 2, "lines": 2}, 9),
                       ({"row": 4, "tap": 0, "columns": 1, "lines": 1}, 4)], stalls(0, 0))
    assert [(row, tap) for row, _, tap in visits[9:]] == [
        *((n, n) for n in range(9)), (4, 0), (5, 1), (7, 3), (8, 4)]


def test_only_a_convolution_has_a_reach():
    dense, geometry = DenseEvents.flat(4, 4, 4, 1, 1), geometry_of(CONVS[2])
    assert "reach" not in hardware(dense).group(dense, 1).members
    assert hardware(geometry).group(geometry, 1)["reach"].shape == reach_layout(geometry)


@for_each("folds", [0, -1, 1.5])
def test_wrong_folds(folds):
    with pytest.raises(ValueError, match=f"folds must be an integer of 1 or more, not {folds}"):
        FoldWalk(folds)


def test_wrong_geometry():
    with pytest.raises(TypeError, match="geometry must be a ConvEvents, not None"):
        MapWalk(None)
