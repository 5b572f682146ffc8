"""Proofs of walks: an event reaches each of its neurons, by the right weight, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth import Cat, Mux, Signal, Value

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.ir.network import Conv, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan
from evidence.proofs.events import Expected
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.small import grouped
from evidence.proofs.streams import held

__all__ = ["PROOFS"]


@dataclass(frozen=True)
class _Event:
    """What an event at a place does, worked out from the convolution's definition.

    visits : (row, tap, fold) of each operation, in order; a tap is the turned kernel's place, and
        behind it the fold among those of the group
    """

    y: int
    x: int
    number: int
    visits: tuple[tuple[int, int, int], ...]


def _events(conv: Conv, parallel: int, numbers: int) -> list[_Event]:
    """Events of all places and of channels 0 to ``numbers``; output places in raster order."""
    source, out, (height, width) = conv.source, conv.shape, conv.kernel
    folds, own = -(-out.channels // parallel), out.channels // conv.groups
    group_folds = -(-own // parallel) if conv.groups > 1 else folds
    found = []
    for y, x, number in np.ndindex(source.height, source.width, numbers):
        first = number // (source.channels // conv.groups) * own // parallel
        visits = []
        for oy, ox in np.ndindex(out.height, out.width):
            ky = y + conv.padding[0] - oy * conv.stride[0]
            kx = x + conv.padding[1] - ox * conv.stride[1]
            if not (0 <= ky < height and 0 <= kx < width):
                continue
            tap = (height - 1 - ky) * width + width - 1 - kx
            visits += [((oy * out.width + ox) * folds + first + fold, tap * group_folds + fold,
                        first + fold) for fold in range(group_folds)]
        found.append(_Event(y, x, number, tuple(visits)))
    return found


def _walked(parts: Parts, geometry: ConvEvents, conv: Conv, lookup: str, walk: str,
            numbers: int) -> Harness:
    """Lookup and walk, one behind the other: an event is walked over as the definition says.

    lookup, walk : names of modules, whose classes are the only public ones of their kind
    numbers : channels that events come from
    """
    looked = getattr(parts(lookup), {"reach": "ReachLookup", "group_lookup": "GroupLookup"}[lookup])
    walks = getattr(parts(walk), {"walk": "MapWalk", "group_walk": "GroupWalk"}[walk])
    dut, first = walks(geometry), looked(geometry, value_width=1)
    h = Harness(dut=dut, lookup=first)
    m, events = h.m, _events(conv, geometry.parallel, numbers)
    most = max(len(each.visits) for each in events)
    index = _offered(h, first, events)
    groups = first.groups
    # The event that is looked up, and the one in work; a walk over everything clears.
    code, busy, whole, step = (Signal(range(len(events)), name="code"), Signal(name="busy"),
                               Signal(init=1, name="whole"),
                               Signal(range(max(most, geometry.raster.rows) + 1), name="step_of"))
    waiting = _behind(h, first, index)
    free, sweep, go = Signal(), h.anything("sweep"), h.anything("advance")
    m.d.comb += [
        dut.whole.eq(sweep), dut.reach.eq(groups.payload.reach),
        free.eq(~(busy | whole) | dut.last & go), groups.ready.eq(free & ~sweep),
        dut.load.eq(free & (sweep | groups.valid)), dut.advance.eq(go & (busy | whole)),
    ]
    with m.If(dut.load):
        m.d.sync += [step.eq(0), whole.eq(sweep), busy.eq(~sweep), code.eq(waiting)]
    with m.Elif(dut.advance):
        m.d.sync += step.eq(step + 1)
        with m.If(dut.last):
            m.d.sync += [busy.eq(0), whole.eq(0)]
    for name in ("row", "tap", "fold", "last"):
        h.show(name, getattr(dut, name))
    _visited(h, dut, geometry, events, most, (code, busy, whole, step))
    return h


def _offered(h: Harness, lookup: Any, events: list[_Event]) -> Value:
    """Let events of any place come; returns the number of the one that is offered."""
    placed = lookup.placed
    index = h.anything("event", range(len(events)))
    h.drive(("valid", placed.valid))
    h.limit(index < len(events))
    h.m.d.comb += [
        placed.payload.place.y.eq(table([each.y for each in events], 4, index)),
        placed.payload.place.x.eq(table([each.x for each in events], 4, index)),
        placed.payload.rows[0].eq(table([each.number for each in events], 4, index)),
        placed.payload.values[0].eq(1), placed.payload.charge.eq(1),
    ]
    return index


def _behind(h: Harness, lookup: Any, index: Value) -> Value:
    """The number of the event that the lookup gives, kept beside it."""
    m = h.m
    first, second = Signal.like(index, name="looked_up"), Signal.like(index, name="given_event")
    moves = ~lookup.groups.valid | lookup.groups.ready
    with m.If(lookup.placed.ready):
        m.d.sync += first.eq(index)
    with m.If(moves):
        m.d.sync += second.eq(first)
    return second


def _visited(h: Harness, dut: Any, geometry: ConvEvents, events: list[_Event], most: int,
             state: tuple[Signal, ...]) -> None:
    code, busy, whole, step = state
    at = Signal(range(len(events) * most))
    h.m.d.comb += at.eq(code * most + step)
    flat = [visit for each in events
            for visit in (*each.visits, *[(0, 0, 0)] * (most - len(each.visits)))]
    counts = table([len(each.visits) for each in events], 8, code)
    for place, name in enumerate(("row", "tap", "fold")):
        right = table([visit[place] for visit in flat], 8, at)
        h.must(f"an event's {name} is the definition's", ~busy | (getattr(dut, name) == right))
    h.must("an event ends with its last place", ~busy | (dut.last == (step + 1 == counts)))
    folds, rows = geometry.folds, geometry.raster.rows
    h.must("a step's walk goes over all rows in order", ~whole | (dut.row == step) & (
        dut.last == (step == rows - 1)))
    fold = Signal(range(max(2, folds)), name="whole_fold")
    with h.m.If(dut.load):
        h.m.d.sync += fold.eq(0)
    with h.m.Elif(dut.advance):
        h.m.d.sync += fold.eq(Mux(fold == folds - 1, 0, fold + 1))
    h.must("and each row's fold is its own", ~whole | (dut.fold == fold))


def _map(parts: Parts) -> Harness:
    conv = grouped(3, (2, 3), Shape(1, 3, 3), stride=(1, 2), padding=(0, 1))
    geometry = ConvEvents.of(conv, Raster(conv.source, 1), LayerPlan(1, 2))
    return _walked(parts, geometry, conv, "reach", "walk", 1)


def _groups(parts: Parts) -> Harness:
    """Two groups of two channels each way, a fold for each channel that goes out."""
    conv = grouped(4, (2, 2), Shape(4, 2, 3), groups=2, padding=(0, 1))
    geometry = ConvGroups.of(conv, Raster(conv.source, 1), LayerPlan(1, 1))
    return _walked(parts, geometry, conv, "group_lookup", "group_walk", 4)


def _depthwise(parts: Parts) -> Harness:
    """Four channels, two in a fold."""
    conv = grouped(4, (1, 2), Shape(4, 2, 2), groups=4)
    geometry = ConvGroups.of(conv, Raster(conv.source, 1), LayerPlan(1, 2))
    return _walked(parts, geometry, conv, "group_lookup", "group_walk", 4)


def _reaches(geometry: ConvLines, conv: Conv) -> list[tuple[int, ...]]:
    """Of each place what it reaches: first line, its turned kernel line, lines more, then of each
    bank the column, its turned kernel column, and 1; zeros where it is none."""
    found, out, (height, width) = [], conv.shape, conv.kernel
    for y, x in np.ndindex(conv.source.height, conv.source.width):
        lines = [(oy, height - 1 - ky) for oy in range(out.height)
                 for ky in [y + conv.padding[0] - oy * conv.stride[0]] if 0 <= ky < height]
        columns = {ox % geometry.places: (ox // geometry.places, width - 1 - kx, 1)
                   for ox in range(out.width)
                   for kx in [x + conv.padding[1] - ox * conv.stride[1]] if 0 <= kx < width}
        banks = [columns.get(bank, (0, 0, 0)) for bank in range(geometry.places)]
        first = (*lines[0], len(lines) - 1) if lines else (0, 0, 0)
        found.append((int(bool(lines and columns)), *first, *(n for bank in banks for n in bank)))
    return found


def _lines(parts: Parts) -> Harness:
    """Events of any place, and marks: what the group that comes reaches is the definition's."""
    conv = grouped(1, (2, 2), Shape(1, 3, 4), stride=(2, 1), padding=(1, 0))
    geometry = ConvLines.of(conv, Raster(conv.source, 1), LayerPlan(1, 1, places=2))
    dut = parts("line_lookup").LineLookup(geometry, value_width=1)
    h = Harness(dut=dut)
    m, placed, group = h.m, dut.placed, dut.groups.payload
    width = conv.source.width
    h.drive(("valid", placed.valid), ("place", placed.payload.place),
            ("charge", placed.payload.charge), ("mark", placed.payload.mark),
            ("ready", dut.groups.ready))
    place = placed.payload.place
    h.limit(place.y < conv.source.height)
    m.d.comb += placed.payload.values[0].eq(placed.payload.charge)
    taken = dut.groups.valid & dut.groups.ready
    for name, value in (("given", dut.groups.valid), ("reach", Value.cast(group.reach)),
                        ("mark_given", group.mark)):
        h.show(name, value)
    reaches = _reaches(geometry, conv)
    index = Signal(range(len(reaches)))
    m.d.comb += index.eq(place.y * width + place.x)
    there = table([each[0] for each in reaches], 1, index)
    charge = placed.payload.charge & there
    entry = Cat(index, charge, placed.payload.mark)
    waits = placed.valid & placed.ready & (charge | placed.payload.mark)
    expected = Expected(h, len(entry), 2, push=waits, entry=entry, pop=taken)
    at, (charges, mark) = expected.front[:len(index)], expected.front[len(index):]
    given = dut.groups.valid
    h.must("nothing comes that is not expected", ~given | (expected.count != 0))
    h.must("where the sink is ready, what is expected comes", h.soon(
        "awaited", (expected.count != 0) & dut.groups.ready & ~given, 2))
    h.must("a group charges where its event reaches anything, and has its mark",
           ~given | (group.charge == charges) & (group.mark == mark))
    fields: list[tuple[str, Any]] = [("line", group.reach.line), ("kernel line", group.reach.tap),
                                     ("lines", group.reach.lines)]
    for bank, each in enumerate(group.reach.places):
        fields += [(f"column of bank {bank}", each.column),
                   (f"kernel column of bank {bank}", each.tap),
                   (f"whether bank {bank} has one", each.active)]
    for number, (name, value) in enumerate(fields, start=1):
        right = table([each[number] for each in reaches], 4, at)
        counts = given & charges
        if "column of" in name:  # of a bank without any it says nothing
            bank = (number - 4) // 3
            counts &= table([each[6 + 3 * bank] for each in reaches], 1, at)
        h.must(f"{name} is the definition's", ~counts | (value == right))
    held(h, "groups", dut.groups)
    return h


PROOFS = (
    Proof("walk of a convolution", _map, Fault(
        "walk", "next_line = geometry.stride[0] * geometry.kernel[1] * folds",
        "next_line = geometry.kernel[1] + folds")),
    Proof("walk of groups", _groups, Fault(
        "group_walk", "self.row.eq(self.row + Mux(whole, 1, 1 + folds - own))",
        "self.row.eq(self.row + 1)")),
    Proof("walk of a depthwise convolution", _depthwise, Fault(
        "group_lookup", "reach.row.eq(line.row + column.row + self._fold)",
        "reach.row.eq(line.row + column.row)")),
    Proof("lookup of lines", _lines, Fault(
        "line_lookup", '"tap": int(tap), "more"', '"tap": 0 * int(tap), "more"')),
)
