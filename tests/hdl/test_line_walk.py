"""LineWalk against the rows and taps that ``ConvLines`` names, and its lookup."""

import numpy as np
import pytest

from bsnn_hw.hdl.line_walk import LineWalk
from tests.engines.test_conv_lines import CASES, lines_of
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.maps import geometry_of as one_place

SHAPES = [(5, 2), (3, 3)]  # channels, parallel


def reach_of(geometry, y, x):
    """What the lookup gives at (y, x); None where that reaches nothing."""
    down, columns = geometry.vertical, geometry.columns(x)
    if not (down.count[y] and any(columns)):
        return None
    return {"line": int(down.first[y]), "tap": int(down.tap[y]), "lines": int(down.count[y]) - 1,
            "places": [{"column": each[0], "tap": each[1], "active": 1} if each else
                       {"column": 0, "tap": 0, "active": 0} for each in columns]}


def walked(geometry, reach):
    """(fold, {bank: (row, tap)}) of every cycle of an event's walk."""
    for number in range(reach["lines"] + 1):
        line = reach["line"] + number
        tap = reach["tap"] + number * geometry.stride[0]
        for fold in range(geometry.folds):
            yield fold, {bank: (_row(geometry, line, each["column"], fold),
                                _tap(geometry, tap, each["tap"], fold))
                         for bank, each in enumerate(reach["places"]) if each["active"]}


def stepped(geometry):
    """(fold, {bank: row}) of every cycle of a step's walk."""
    for line in range(geometry.out.height):
        for x in range(geometry.out.width):
            column, bank = divmod(x, geometry.places)
            for fold in range(geometry.folds):
                yield fold, {bank: _row(geometry, line, column, fold)}


def _row(geometry, line, column, fold):
    return ((line << geometry.column_bits) + column << geometry.fold_bits) + fold


def _tap(geometry, down, right, fold):
    return ((down << geometry.tap_bits[1]) + right << geometry.fold_bits) + fold


def run(geometry, walks, pauses):
    """(row, fold, {bank: (row, tap)}) of every cycle; walks : a reach each, None for a step."""
    dut, visits, coming = LineWalk(geometry), [], iter([*walks, None])

    async def check(context):
        left, steps = dut.rows, True  # a reset starts with a walk over everything
        for _ in range(len(walks) + 1):
            while left:
                advance, last = not next(pauses), context.get(dut.last)
                assert last == (left == 1), f"visit {len(visits)}: last is {last}"
                context.set(dut.advance, advance)
                context.set(dut.load, advance and last)
                if advance and last:
                    reach = next(coming)
                    context.set(dut.whole, reach is None)
                    if reach is not None:
                        context.set(dut.reach, reach)
                *_, row, fold, places = await context.tick().sample(dut.row, dut.fold, dut.places)
                if advance:
                    visits.append((row if steps else None, fold, {
                        bank: (place.row, place.tap) for bank, place in enumerate(places)
                        if place.active}))
                    left -= 1
            steps = reach is None
            left = dut.rows if steps else (reach["lines"] + 1) * geometry.folds

    Bench(dut).run(check)
    return visits


@quick(2, wide=None)
@for_each("case", CASES)
@for_each("shape", SHAPES)
@for_each("pause", [0, .4])
def test_every_place_between_steps(case, shape, pause):
    _, geometry, _ = lines_of(case, channels=shape[0], parallel=shape[1])
    rng, height = np.random.default_rng(1), geometry.source.shape.height
    walks = []
    for place in rng.permutation(geometry.source.shape.positions).tolist():
        reach = reach_of(geometry, place % height, place // height)
        walks += [reach] if reach else []
        walks += [None] if rng.random() < .2 else []
    found = iter(run(geometry, walks, stalls(7, pause)))
    for reach in (None, *walks):
        for number, (fold, banks) in enumerate(
                stepped(geometry) if reach is None else walked(geometry, reach)):
            row, seen_fold, seen = next(found)
            assert seen_fold == fold
            if reach is not None:
                assert seen == banks
            else:
                assert row == number
                assert {bank: place for bank, (place, _) in seen.items()} == banks


def test_wrong_arguments():
    with pytest.raises(TypeError, match="geometry must be"):
        LineWalk(one_place((CASES[0][0], (3, 3), (1, 1), (1, 1), 3, 2, 1, 2)))
