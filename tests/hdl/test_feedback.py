"""Feedback against a list of timesteps."""

import numpy as np
import pytest

from bsnn_hw.hdl.feedback import Feedback
from tests.for_each import for_each
from tests.hdl.benches import Bench, stalls


def came_back(words, timesteps):
    """What must come of timesteps of words, each (spikes, row, last)."""
    found = []
    for number, timestep in enumerate(words):
        closing = number % timesteps == timesteps - 1
        found += [(0 if closing else spikes, row, last) for spikes, row, last in timestep]
    return found


def run(dut, words, pause):
    """All words that come back; the first of ``words`` is given in the second cycle."""
    taken, pauses = [], stalls(3, pause)

    async def look(context):
        async for _, _, valid, word in context.tick().sample(dut.earlier_valid, dut.earlier):
            if valid:
                taken.append((word.spikes, word.row, word.last))

    async def give(context):
        await context.tick()
        for word in [word for timestep in words for word in timestep]:
            while next(pauses):
                context.set(dut.words_valid, 0)
                context.set(dut.words, {"spikes": 3, "row": 0, "last": 1})  # of no meaning
                await context.tick()
            context.set(dut.words, dict(zip(("spikes", "row", "last"), word, strict=True)))
            context.set(dut.words_valid, 1)
            await context.tick()
        context.set(dut.words_valid, 0)
        await context.tick()

    Bench(dut).run(give, background=[look])
    return taken


@for_each("rows, timesteps", [(1, 1), (1, 3), (2, 2), (5, 4), (3, 1)])
@for_each("pause", [0, 0.5])
def test_a_lone_mark_then_each_timestep_but_the_last_with_its_spikes(rows, timesteps, pause):
    rng = np.random.default_rng(rows)
    words = [[(int(rng.integers(0, 4)), row, int(row == rows - 1)) for row in range(rows)]
             for _ in range(3 * timesteps + 1)]
    dut = Feedback(parallel=2, rows=rows, timesteps=timesteps)
    assert run(dut, words, pause) == [(0, 0, 1), *came_back(words, timesteps)]


def test_of_a_stateful_layer_the_last_timestep_comes_back_too():
    words = [[(number % 4, 0, 1)] for number in range(9)]
    dut = Feedback(parallel=2, rows=1, timesteps=3, stateful=True)
    assert run(dut, words, 0.3) == [(0, 0, 1), *(word for timestep in words for word in timestep)]


def test_wrong_arguments():
    right = {"parallel": 2, "rows": 3, "timesteps": 4}
    for name in right:
        with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
            Feedback(**right | {name: 0})
