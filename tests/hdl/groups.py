"""Both ends of a stream of ``event_group``: groups that grow until they are taken.

A *period* is what comes before a mark: per lane a list of events (row, value).
"""

from __future__ import annotations

import numpy as np

__all__ = ["GroupSource", "lane_periods", "read_group", "receive_groups"]


def lane_periods(geometry, steps):
    """A period for each step, events in ascending order; ``steps`` is (periods, inputs)."""
    lane, row = geometry.lane_row(np.arange(geometry.inputs))
    return [[[(int(row[i]), int(step[i])) for i in np.flatnonzero(step) if lane[i] == number]
             for number in range(geometry.lanes)] for step in steps]


class GroupSource:
    """Offers periods on ``port`` in every way that a group may come.

    Each cycle a lane adds its next event to the offer unless ``pauses`` says no; the mark comes
    with the last events, grows into a group that waits, or comes alone.  While nothing is offered,
    and where a lane has no event, the payload is anything.
    """

    def __init__(self, port, periods, pauses, *, seed=0, lone=0.5):
        self._port, self._periods, self._pauses = port, periods, pauses
        self._rng = np.random.default_rng(seed)
        self._lone = lone
        payload = port.payload
        self._lanes = len(payload.rows)
        self._row_end, self._value_end = (1 << len(field[0])
                                          for field in (payload.rows, payload.values))

    async def run(self, context):
        for period in self._periods:
            left = [list(events) for events in period]
            lone = not any(left) or self._rng.random() < self._lone
            marked = False
            while not marked:
                shown, marked = await self._offer(context, left, lone)
                left = [events[seen:] for events, seen in zip(left, shown, strict=True)]
        context.set(self._port.valid, 0)

    async def _offer(self, context, left, lone):
        """One group, until it is taken; returns which lanes' events and whether the mark went."""
        shown, mark = [False] * self._lanes, False
        while True:
            for lane, events in enumerate(left):
                shown[lane] = shown[lane] or (bool(events) and not next(self._pauses))
            last = all(len(events) == seen for events, seen in zip(left, shown, strict=True))
            if last and not (lone and any(shown)):
                mark = mark or not next(self._pauses)
            valid = any(shown) or mark
            context.set(self._port.payload, self._payload(left, shown, mark, valid))
            context.set(self._port.valid, valid)
            *_, ready = await context.tick().sample(self._port.ready)
            if valid and ready:
                return shown, mark

    def _payload(self, left, shown, mark, valid):
        rows = self._rng.integers(self._row_end, size=self._lanes).tolist()
        values = [0] * self._lanes
        if not valid:
            values = self._rng.integers(self._value_end, size=self._lanes).tolist()
            return {"rows": rows, "values": values, "charge": any(values),
                    "mark": int(self._rng.integers(2))}
        for lane, events in enumerate(left):
            if shown[lane]:
                rows[lane], values[lane] = events[0]
        return {"rows": rows, "values": values, "charge": any(shown), "mark": mark}


def read_group(payload):
    """``({lane: (row, value)}, mark)`` of a group."""
    events = {lane: (row, value) for lane, (row, value)
              in enumerate(zip(payload.rows, payload.values, strict=True)) if value}
    assert payload.charge == bool(events), "charge must say whether there is an event"
    return events, bool(payload.mark)


async def receive_groups(context, port, marks, pauses, taken):
    """Append a stream's groups to ``taken`` until ``marks`` of them had the mark.

    An offer must stay; it may grow by events of other lanes and by the mark, and not behind that.
    """
    before, marked = {}, False
    while marks:
        ready = not next(pauses)
        context.set(port.ready, ready)
        *_, valid, payload = await context.tick().sample(port.valid, port.payload)
        assert valid or not (before or marked), "an offer was taken back"
        if not valid:
            continue
        events, mark = read_group(payload)
        assert events or mark, "a group of nothing"
        assert before.items() <= events.items(), "an event changed before it was taken"
        assert not marked or (mark and before == events), "a group grew behind its mark"
        before, marked = events, mark
        if ready:
            taken.append((events, mark))
            marks -= mark
            before, marked = {}, False
    context.set(port.ready, 0)
