"""Who knows a bundle by its manifest.json only: packets in, scores out."""

from __future__ import annotations

import numpy as np

from bsnn_hw.sim.native_run import Beats, run_native

__all__ = ["beat", "drive", "entries_of", "fields_of", "joined", "packet"]


def slot(facts, row, value):
    """The bits of one slot."""
    parts = facts["s_axis"]["slot"]
    for part, number in (("row", row), ("value", value)):
        assert 0 <= number < 1 << parts[part]["width"], (part, number)
    return row << parts["row"]["low"] | value << parts["value"]["low"]


def packet(facts, timesteps):
    """Beats (tdata, tlast, tuser) of one inference; ``timesteps`` are lists of (input, value)."""
    beats = []
    for events in timesteps:
        words, here = [{}], None
        for address, value in events:
            place, entry, row = where(facts, address)
            if words[-1] and (entry in words[-1] or place != here):
                words.append({})
            here = place
            words[-1][entry] = row, value
        beats += [[beat(facts, word), False, False] for word in words]
        beats[-1][2] = facts["s_axis"]["tuser"] is not None
    beats[-1][1] = True
    return beats


def where(facts, address):
    """(place or None, slot, row) of an input; a word's bit is its slot, and its row the place."""
    slots, fields = entries_of(facts), fields_of(facts)
    if fields is None:
        row, entry = divmod(address, slots)
        return row if inputs_of(facts) else None, entry, row
    _, height, width = facts["network"]["input"]["map"]
    channel, place = divmod(address, height * width)
    y, x = divmod(place, width)
    r, entry = divmod(channel, slots)
    return place, entry, joined(fields, r=r, x=x, y=y)


def inputs_of(facts):
    """How many inputs' spikes a slot holds, None where it holds an event."""
    inputs = facts["s_axis"]["slot"]["value"]["inputs"]
    return inputs if inputs > 1 else None


def entries_of(facts):
    """Inputs that a beat has room for."""
    return inputs_of(facts) or facts["s_axis"]["slots"]


def fields_of(facts):
    """The parts of a row in front of a convolution, else None."""
    return facts["s_axis"]["slot"]["row"].get("fields")


def joined(fields, **parts):
    """A row of its parts."""
    row = 0
    for name, number in parts.items():
        assert 0 <= number < 1 << fields[name]["width"], (name, number)
        row |= number << fields[name]["low"]
    return row


def beat(facts, slots):
    """tdata of {slot: (row, value)}; slot 0 says the place in front of a convolution."""
    if inputs_of(facts):
        row = next(iter(slots.values()))[0] if slots else 0
        assert all(other == row for other, _ in slots.values())
        return slot(facts, row, sum(value << entry for entry, (_, value) in slots.items()))
    if fields_of(facts) and slots and 0 not in slots:
        row, _ = next(iter(slots.values()))
        slots = {**slots, 0: (row, 0)}
    return sum(slot(facts, *entry) << index * facts["s_axis"]["slot_width"]
               for index, entry in slots.items())


def drive(facts, model, packets, **pauses):
    """Scores (packets, classes) and answers of a list of packets, one result for each."""
    beats = [beat for beats in packets for beat in beats]
    words = -(-facts["s_axis"]["tdata_width"] // 64)
    data = np.array([[data >> 64 * i & (1 << 64) - 1 for i in range(words)]
                     for data, _, _ in beats], np.uint64)
    last, mark = (np.array([beat[i] for beat in beats], bool) for i in (1, 2))
    result = run_native(model, Beats(data, last, mark), len(packets), watchdog=5000, **pauses)
    classes, width = facts["m_axis"]["beats"], facts["m_axis"]["tdata_width"]
    ends = np.arange(len(packets) * classes) % classes == classes - 1
    np.testing.assert_array_equal(result.output.last, ends)
    raw = result.output.data[:, 0].astype(np.int64)
    scores = np.where(raw >> width - 1, raw - (1 << width), raw).reshape(-1, classes)
    return scores, result.output.user[ends]
