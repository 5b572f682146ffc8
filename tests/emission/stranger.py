"""Who knows a bundle by its manifest.json only: packets in, scores out."""

from __future__ import annotations

import numpy as np

from bsnn_hw.sim.native_run import Beats, run_native

__all__ = ["drive", "packet"]


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
        words = [{}]
        for address, value in events:
            row, place = divmod(address, facts["s_axis"]["slots"])
            if place in words[-1]:
                words.append({})
            words[-1][place] = slot(facts, row, value)
        for word in words:
            data = sum(bits << place * facts["s_axis"]["slot_width"]
                       for place, bits in word.items())
            beats.append([data, False, False])
        beats[-1][2] = facts["s_axis"]["tuser"] is not None
    beats[-1][1] = True
    return beats


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
