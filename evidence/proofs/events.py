"""Proofs of what turns spikes into events and events into groups."""

from __future__ import annotations

from typing import Any

from amaranth import Array, Cat, Mux, Signal, Value
from amaranth.hdl import ShapeLike
from amaranth.lib import data

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.formats import event_group
from bsnn_hw.ir.network import Conv, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan
from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.streams import held

__all__ = ["PROOFS", "Expected"]


class Expected:
    """What must come next, kept in order: a list that is as plain as can be.

    count : Signal, entries; front : the oldest
    """

    def __init__(self, h: Harness, shape: ShapeLike, depth: int, *, push: Value, entry: Value,
                 pop: Value):
        self.count = Signal(range(depth + 2), name="expected")
        entries = [Signal(shape, name=f"expected_{i}") for i in range(depth)]
        self.front = entries[0]
        place = Signal.like(self.count, name="expected_place")
        h.m.d.comb += place.eq(self.count - pop)
        h.m.d.sync += self.count.eq(place + push)
        for i, (each, behind) in enumerate(zip(entries, [*entries[1:], entries[-1]], strict=True)):
            with h.m.If(push & (place == i)):
                h.m.d.sync += Value.cast(each).eq(entry)
            with h.m.Elif(pop):
                h.m.d.sync += Value.cast(each).eq(Value.cast(behind))
        h.must(f"{depth} of them can wait at most", self.count <= depth)


def _spikes_in_turn(h: Harness, source: Any, sink: Any, depth: int) -> tuple[Expected, Signal]:
    """Words of spikes that must come out as events: what is expected, and which of the oldest
    word's spikes are still to come, before this cycle's."""
    word = Value.cast(source.payload)
    h.drive(("valid", source.valid), ("word", source.payload), ("ready", sink.ready))
    h.limit(source.payload.spikes.any() | source.payload.last)
    done = Signal(source.payload.spikes.shape(), name="done")  # spikes of the oldest that came
    left = Signal.like(done, name="left")
    pop = Signal()
    taken = Signal()
    expected = Expected(h, source.payload.shape(), depth, push=source.valid & source.ready,
                        entry=word, pop=pop)
    h.m.d.comb += [left.eq(expected.front.spikes & ~done), taken.eq(sink.valid & sink.ready)]
    for name in ("expected", "left"):
        h.show(name, expected.count if name == "expected" else left)
    h.show("given", sink.valid)
    h.show("seen", sink.payload)
    h.must("nothing comes that is not expected", ~sink.valid | (expected.count != 0))
    h.must("where the sink is ready, what is expected comes",
           h.soon("awaited", (expected.count != 0) & sink.ready & ~sink.valid, 1))
    held(h, "events", sink)
    # The caller says which spikes this event is of.
    h.now = Signal.like(done, name="now")
    h.m.d.comb += pop.eq(taken & ((left & ~h.now) == 0))
    with h.m.If(pop):
        h.m.d.sync += done.eq(0)
    with h.m.Elif(taken):
        h.m.d.sync += done.eq(done | h.now)
    h.must("the mark is with the last of a timestep",
           ~sink.valid | (sink.payload.mark == (expected.front.last & ((left & ~h.now) == 0))))
    return expected, left


def _lowest(bits: Value) -> Value:
    return (bits & -bits)[:len(bits)]


def _encoder(parts: Parts, pipelined: bool = False) -> Harness:
    dut = parts("encoder").SpikeEncoder(slots=3, slot_bits=2, words=2, pipelined=pipelined)
    h = Harness(dut=dut)
    event = dut.events.payload
    expected, left = _spikes_in_turn(h, dut.words, dut.events, 2)
    h.m.d.comb += h.now.eq(_lowest(left))
    h.must("a word's spikes come in order, a word without any is a lone mark",
           ~dut.events.valid | (event.event == left.any()))
    number = Signal(2)
    for slot in reversed(range(3)):
        with h.m.If(left[slot]):
            h.m.d.comb += number.eq(slot)
    h.must("an event's row is {word, slot}", ~(dut.events.valid & event.event)
           | (event.row == Cat(number, expected.front.row)))
    return h


def _pipelined_encoder(parts: Parts) -> Harness:
    return _encoder(parts, pipelined=True)


def _map_encoder(parts: Parts) -> Harness:
    # Three channels, two a word, two banks; the place is any.
    geometry = ConvEvents.of(_conv(Shape(3, 1, 2)), Raster(Shape(3, 1, 2), 3), LayerPlan(2, 1))
    dut = parts("map_encoder").MapEncoder(geometry)
    h = Harness(dut=dut)
    group = dut.groups.payload
    expected, left = _spikes_in_turn(h, dut.words, dut.groups, 2)
    lanes = [left[bank::2] for bank in range(2)]
    firsts = [_lowest(Value.cast(lane)) for lane in lanes]
    h.m.d.comb += h.now.eq(Cat(firsts[0][0], firsts[1][0], firsts[0][1]))
    valid = dut.groups.valid
    h.must("each bank gives its lowest spike",
           ~valid | (Cat(group.values) == Cat(Value.cast(lane).any() for lane in lanes)))
    h.must("a group with a spike charges", ~valid | (group.charge == left.any()))
    h.must("a group is at its word's place",
           ~valid | (Value.cast(group.place) == Value.cast(expected.front.place)))
    h.must("a row is {fold, slot}", ~(valid & lanes[0].any())
           | (group.rows[0] == Cat(~firsts[0][0], expected.front.fold)[:len(group.rows[0])]))
    return h


def _conv(source: Shape) -> Conv:
    import numpy as np

    return Conv(np.ones((1, source.channels, 1, 1), np.int8), np.ones(1, bool), source)


def _row_parts(parts: Parts) -> Harness:
    geometry = DenseWords.flat(12, 6, 2, 2, 2)  # rows of 6 in three parts
    dut = parts("row_parts").RowParts(geometry)
    h = Harness(dut=dut)
    group = dut.groups.payload
    expected, left = _spikes_in_turn(h, dut.rows, dut.groups, 2)
    pairs = [left[start:start + 2] for start in (0, 2, 4)]
    number = Signal(2)
    for part in reversed(range(3)):
        with h.m.If(pairs[part].any()):
            h.m.d.comb += number.eq(part)
    h.m.d.comb += h.now.eq(Mux(left.any(), 3 << (number << 1), 0) & left)
    valid = dut.groups.valid
    h.must("a group is the row's lowest part with spikes",
           ~valid | (Cat(group.values) == Mux(left.any(), Array(pairs)[number], 0)))
    h.must("a group with a spike charges", ~valid | (group.charge == left.any()))
    h.must("its row is {row, part}",
           ~(valid & group.charge) | (group.rows[0] == Cat(number, expected.front.row)))
    return h


def _gather(parts: Parts) -> Harness:
    # Rows of 1, four in a word: a word of 4, one of 2.
    dut = parts("row_gather").RowGather(width=1, rows=6, gathered=4, words=2)
    h = Harness(dut=dut)
    h.drive(("valid", dut.rows_valid), ("spike", dut.rows.spikes))
    m = h.m
    number = Signal(range(6))
    seen = Signal(6)  # the timestep's rows so far
    now = Signal(6)
    m.d.comb += [dut.rows.row.eq(number), dut.rows.last.eq(number == 5),
                 now.eq(seen | dut.rows.spikes << number)]
    with m.If(dut.rows_valid):
        m.d.sync += [number.eq(Mux(dut.rows.last, 0, number + 1)),
                     seen.eq(Mux(dut.rows.last, 0, now))]
    for name, value in (("given", dut.words_valid), ("seen", dut.words)):
        h.show(name, value)
    h.must("a word comes with its last row",
           dut.words_valid == (dut.rows_valid & ((number == 3) | (number == 5))))
    h.must("a word holds its rows", ~dut.words_valid | (
        dut.words.spikes == Mux(number == 3, now[:4], now[4:])))
    h.must("words are numbered and the last is marked", ~dut.words_valid
           | (dut.words.row == (number == 5)) & (dut.words.last == (number == 5)))
    return h


def _join(parts: Parts) -> Harness:
    lanes = 3
    dut = parts("join").EventJoin(lanes=lanes, row_width=1)
    h = Harness(dut=dut)
    group, heads = dut.groups.payload, dut.heads
    h.drive(("ready", dut.groups.ready))
    taken = dut.groups.valid & dut.groups.ready
    for lane, head in enumerate(heads):
        h.drive((f"valid_{lane}", head.valid), (f"head_{lane}", head.payload))
        # What an encoder offers: an event, a mark or both, until it is taken.
        h.limit(~head.valid | head.payload.event | head.payload.mark)
        waits = h.register(head.valid & ~head.ready, f"head_waits_{lane}")
        was = h.register(head.payload, f"head_was_{lane}")
        h.limit(~waits | head.valid & (Value.cast(head.payload) == was))
        accepted = head.valid & head.ready
        ahead = Signal(name=f"ahead_{lane}")  # the lane has given this timestep's mark
        with h.m.If(taken & group.mark):
            h.m.d.sync += ahead.eq(0)
        with h.m.Elif(accepted & head.payload.mark):
            h.m.d.sync += ahead.eq(1)
        h.must(f"lane {lane}: an event goes with the group that has it",
               (accepted & head.payload.event) == (taken & group.values[lane]))
        h.must(f"lane {lane}: its row is the event's",
               ~(taken & group.values[lane]) | (group.rows[lane] == head.payload.row))
        h.must(f"lane {lane}: nothing behind its mark before the group's", ~(accepted & ahead))
        h.must(f"lane {lane}: the group's mark is behind its own",
               ~(taken & group.mark) | ahead | accepted & head.payload.mark)
    h.show("given", dut.groups.valid)
    h.show("seen", group)
    _grows(h, dut.groups, lanes)
    # A lane that waits is behind its mark; where all offer and the sink is ready, one goes on.
    offers = Cat(head.valid for head in heads).all()
    goes = Cat(head.valid & head.ready for head in heads).any()
    h.must("where all lanes offer and the sink is ready, one goes on",
           ~(offers & dut.groups.ready) | goes | taken)
    return h


def _merge(parts: Parts) -> Harness:
    """Three streams of groups of two lanes, each of which may grow until it is taken."""
    count = 3
    dut = parts("merge").GroupMerge(
        event_group(lanes=2, row_width=1, value_width=1), count=count)
    h = Harness(dut=dut)
    group, taken = dut.groups.payload, dut.groups.valid & dut.groups.ready
    h.drive(("ready", dut.groups.ready))
    turn = Signal(range(count), name="due")  # whose groups come
    h.show("given", dut.groups.valid)
    h.show("seen", group)
    charged, closes, moves = Signal(), Signal(), Signal()
    for number, source in enumerate(dut.sources):
        offered = source.payload
        h.drive((f"valid_{number}", source.valid), (f"rows_{number}", offered.rows),
                (f"values_{number}", offered.values), (f"mark_{number}", offered.mark))
        h.m.d.comb += offered.charge.eq(Cat(offered.values).any())
        h.limit(~source.valid | offered.charge | offered.mark)
        _may_grow(h, source, f"source_{number}")
        accepted, mine = source.valid & source.ready, turn == number
        h.must(f"stream {number}: nothing is taken out of its turn", ~accepted | mine)
        h.must(f"stream {number}: events go on as they came", ~(mine & dut.groups.valid) | (
            Cat(group.values, group.charge) == Cat(offered.values, offered.charge)) & (
                Value.cast(group.rows) == Value.cast(offered.rows)))
        with h.m.If(mine):
            h.m.d.comb += [charged.eq(accepted & offered.charge),
                           closes.eq(accepted & offered.mark & (number == count - 1)),
                           moves.eq(~source.valid | accepted)]
        with h.m.If(accepted & offered.mark):
            h.m.d.sync += turn.eq((number + 1) % count)
    h.must("a group has an event or the mark", ~dut.groups.valid | group.charge | group.mark)
    h.must("a group with events is taken where it goes on", charged == (taken & group.charge))
    h.must("the mark of the last stream goes on, and no other", closes == (taken & group.mark))
    h.must("where the sink is ready, what is in its turn is taken", ~dut.groups.ready | moves)
    _grows(h, dut.groups, 2)
    return h


def _may_grow(h: Harness, source: Any, name: str) -> None:
    """Let ``source`` keep what it has offered until it is taken; nothing comes behind the mark."""
    offered = source.payload
    waits = h.register(source.valid & ~source.ready, f"{name}_waits")
    values, rows, mark = (h.register(Value.cast(each), f"{name}_{field}_before")
                          for field, each in (("values", offered.values), ("rows", offered.rows),
                                              ("mark", offered.mark)))
    width = len(offered.rows[0])
    for lane, value in enumerate(offered.values):
        h.limit(~(waits & values[lane]) | value & (
            offered.rows[lane] == rows.word_select(lane, width)))
    h.limit(~waits | source.valid & (~mark | offered.mark & (Cat(offered.values) == values)))


def _grows(h: Harness, groups: Any, lanes: int) -> None:
    """What a group has offered stays until it is taken."""
    group = groups.payload
    waits = h.register(groups.valid & ~groups.ready, "group_waits")
    values = h.register(Cat(group.values), "values_before")
    rows = h.register(group.rows, "rows_before")
    mark = h.register(group.mark, "mark_before")
    width = len(group.rows[0])
    same = [~values[lane] | group.values[lane]
            & (group.rows[lane] == rows.word_select(lane, width)) for lane in range(lanes)]
    h.must("what a group has offered stays", ~waits | groups.valid & Cat(same).all()
           & (~mark | group.mark & (Cat(group.values) == values)))


def _collector(parts: Parts) -> Harness:
    lanes, place = 2, data.StructLayout({"y": 1, "x": 1})
    dut = parts("collector").EventCollector(lanes=lanes, row_width=1, place=place)
    h = Harness(dut=dut)
    event, group = dut.events.payload, dut.groups.payload
    h.drive(("valid", dut.events.valid), ("event", event), ("ready", dut.groups.ready))
    h.limit(~dut.events.valid | event.event | event.mark)
    taken = dut.groups.valid & dut.groups.ready
    accepted = dut.events.valid & dut.events.ready
    m = h.m
    turn = Signal(range(lanes))
    events = Signal(lanes, name="due_lanes")  # what the group that is there must have
    rows = Signal(lanes)
    marked = Signal(name="due_mark")
    where = Signal(place)
    with m.If(taken):
        m.d.sync += [events.eq(0), marked.eq(0)]
    with m.If(accepted):
        m.d.sync += marked.eq(event.mark)
        with m.If(event.event):
            m.d.sync += [turn.eq(Mux(turn == lanes - 1, 0, turn + 1)), where.eq(event.place),
                         events.eq(Mux(taken, 0, events) | 1 << turn),
                         rows.eq((rows & ~(1 << turn)) | event.row << turn)]
    h.show("given", dut.groups.valid)
    for name in ("rows", "values", "mark", "place"):
        h.show(name, group[name])
    h.must("a group has the events that came since the last, each in its lane's turn",
           Cat(group.values) == events)
    h.must("rows are the events'", Cat(~events[lane] | (group.rows[lane] == rows[lane])
                                       for lane in range(lanes)).all())
    h.must("the mark comes through", (group.mark == marked) & (
        dut.groups.valid == (marked | events.any())))
    h.must("all events of a group are at its place",
           ~events.any() | (Value.cast(group.place) == Value.cast(where)))
    h.must("no event joins a group of another place", ~(accepted & event.event & events.any())
           | taken | (Value.cast(event.place) == Value.cast(where)))
    h.must("nothing joins a group behind its mark", ~(accepted & marked) | taken)
    h.must("an event of the group's place joins where a lane is free", dut.events.ready | marked
           | Array(events)[turn] | event.event & (Value.cast(event.place) != Value.cast(where)))
    h.must("a group that is taken makes way", ~taken | dut.events.ready)
    _grows(h, dut.groups, lanes)
    return h


def _frontend(parts: Parts) -> Harness:
    # Three inputs in two lanes, so that a row of the second is none; three timesteps.
    geometry, timesteps = DenseEvents.flat(3, 3, 2, 2, 2), 3
    dut = parts("frontend").Frontend(geometry, max_value=1, timesteps=timesteps, depth=3)
    h = Harness(dut=dut)
    beat, group = dut.beats.payload, dut.groups.payload
    h.drive(("valid", dut.beats.valid), ("mark", beat.mark), ("last", beat.last),
            ("ready", dut.groups.ready))
    present, rows = [], []
    for lane, slot in enumerate(beat.slots):
        h.drive((f"value_{lane}", slot.value), (f"row_{lane}", slot.row[:2]))
        inside = slot.row[:2] <= (0 if lane else 1)
        present.append(slot.value & inside)
        rows.append(slot.row[0])
    m = h.m
    accepted = dut.beats.valid & dut.beats.ready
    step = Signal(range(timesteps + 1))  # marks of this packet so far
    live = Signal()
    mark = Signal()
    more = Signal(range(timesteps + 1))  # lone marks that must follow
    m.d.comb += [
        live.eq(step != timesteps),
        mark.eq((beat.mark | beat.last) & live),
        more.eq(Mux(beat.last & live, timesteps - 1 - step, 0)),
    ]
    with m.If(accepted):
        m.d.sync += step.eq(Mux(beat.last, 0, step + mark))
    entry = data.StructLayout({"values": 2, "rows": 2, "mark": 1, "more": len(more)})
    values = Cat(present) & live.replicate(2)
    given = Signal(range(timesteps + 1))  # lone marks of the front that came
    taken = dut.groups.valid & dut.groups.ready
    pop = Signal()
    expected = Expected(h, entry, 6, push=accepted & (values.any() | mark),
                        entry=Cat(values, Cat(rows), mark, more), pop=pop)
    front = expected.front
    m.d.comb += pop.eq(taken & (given == front.more))
    with m.If(taken):
        m.d.sync += given.eq(Mux(pop, 0, given + 1))
    h.show("taken", accepted)
    h.show("given", dut.groups.valid)
    for name in ("rows", "values", "mark"):
        h.show(name, group[name])
    right = Mux(given == 0, front.values, 0)
    h.must("a group is the next beat's that has an event or a mark, or a silent timestep's",
           ~dut.groups.valid | (expected.count != 0) & (Cat(group.values) == right)
           & (group.mark == (front.mark | (given != 0))) & (group.charge == right.any()))
    h.must("rows are the events'", ~dut.groups.valid | Cat(
        ~right[lane] | (group.rows[lane] == front.rows[lane]) for lane in range(2)).all())
    h.must("where the sink is ready, what is expected comes", h.soon(
        "awaited", (expected.count != 0) & dut.groups.ready & ~dut.groups.valid, 3))
    h.must("an empty one takes a beat, but for the first cycle", h.soon(
        "closed", ~dut.beats.ready & (expected.count == 0), 1))
    held(h, "groups", dut.groups)
    return h


PROOFS = (
    Proof("spike encoder", _encoder, Fault(
        "encoder", "self.events.payload.mark.eq(last & finished)",
        "self.events.payload.mark.eq(last)")),
    Proof("spike encoder, pipelined", _pipelined_encoder, Fault(
        "priority", "bit & chunk[:index].any() if index", "bit & chunk[0] if index")),
    Proof("map encoder", _map_encoder, Fault(
        "map_encoder", "group.values[bank].eq(spikes.any())", "group.values[bank].eq(1)")),
    Proof("parts of rows", _row_parts, Fault(
        "row_parts", "Array(parts(spikes))[lowest]", "Array(parts(spikes))[0]")),
    Proof("gathered rows", _gather, Fault(
        "row_gather", "before.eq(0)", "before.eq(before)")),
    Proof("join", _join, Fault(
        "join", "offered.eq(head.valid & ~waiting[lane])", "offered.eq(head.valid)")),
    Proof("merged groups", _merge, Fault(
        "merge", "self.groups.valid.eq(source.valid & offered.charge)",
        "self.groups.valid.eq(source.valid)")),
    Proof("collector", _collector, Fault(
        "collector", "| (event.place == group.place)", "| (event.place.x == group.place.x)")),
    Proof("frontend", _frontend, Fault(
        "frontend", "filling.eq(~last_timestep)", "filling.eq(timestep == 0)")),
)
