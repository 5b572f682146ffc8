"""Frontend in front of a layer that takes words: the same contract, a word a beat."""

import numpy as np
import pytest

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.frontend import Frontend
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls

# inputs, lanes, timesteps
SHAPES = [(1, 1, 1), (9, 3, 3), (7, 4, 2), (6, 6, 4), (40, 32, 1)]


def random_packets(rng, shape, count, *, wild):
    """Per packet a list of beats (word, row, mark); wild ones have rows and bits beyond."""
    inputs, lanes, timesteps = shape
    rows = -(-inputs // lanes)
    packets = []
    for _ in range(count):
        beats = []
        marks = int(rng.integers(0, timesteps + 3)) if wild else timesteps
        for _ in range(marks):
            for left in reversed(range(int(rng.integers(1, 4)))):
                bits = rng.random(lanes) < rng.choice([0, .2, 1])
                row = int(rng.integers(rows + 2 * wild))
                beats.append((sum(1 << int(i) for i in np.flatnonzero(bits)), row, left == 0))
        packets.append(beats or [(0, 0, False)])
    return packets


def expected(shape, packets):
    """(spikes, row or None, mark) of every group."""
    inputs, lanes, timesteps = shape
    for beats in packets:
        done = 0
        for number, (word, row, mark) in enumerate(beats):
            if done == timesteps:
                break  # the rest is surplus
            word &= (1 << max(0, min(lanes, inputs - row * lanes))) - 1
            mark = (mark and timesteps > 1) or number == len(beats) - 1
            if word or mark:
                yield word, row if word else None, mark
            done += mark
        for _ in range(timesteps - done):
            yield 0, None, True


@quick(3, wide=11)
@for_each("shape", SHAPES)
@for_each("pause, full", [(0, 0), (.3, .5)])
@for_each("wild", [False, True])
def test_every_packet_is_one_inference(shape, pause, full, wild):
    inputs, lanes, timesteps = shape
    packets = random_packets(np.random.default_rng(sum(shape)), shape, 8, wild=wild)
    geometry = DenseWords.flat(inputs, lanes, 1, lanes, 1)
    dut = Frontend(geometry, max_value=1, timesteps=timesteps, depth=4)
    payloads = [{"slots": [{"row": row, "value": word}], "last": number == len(beats) - 1}
                | ({"mark": mark} if timesteps > 1 else {})
                for beats in packets for number, (word, row, mark) in enumerate(beats)]
    wanted, taken = list(expected(shape, packets)), []

    async def source(context):
        await send(context, dut.beats, payloads, stalls(1, pause))

    async def sink(context):
        await receive(context, dut.groups, len(wanted), stalls(5, full), taken)
        await context.tick().repeat(10)
        assert not context.get(dut.groups.valid), "something after the last mark"

    Bench(dut).run(sink, background=[source])
    groups = [(sum(int(bit) << i for i, bit in enumerate(group.values)), group.rows[0],
               group.charge, bool(group.mark)) for group in taken]
    assert [(word, row if charge else None, mark) for word, row, charge, mark in groups] == wanted


def test_wrong_values():
    with pytest.raises(ValueError, match="max_value must be 1 with words of spikes, not 15"):
        Frontend(DenseWords.flat(4, 2, 1, 2, 1), max_value=15, timesteps=1, depth=4)
