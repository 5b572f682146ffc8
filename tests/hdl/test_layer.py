"""HiddenLayer against reference.synapse and reference.neuron, its ``room`` coming and going."""

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.layer import HiddenLayer
from bsnn_hw.ir.schedule import LayerGeometry
from bsnn_hw.reference.network import run_hidden
from bsnn_hw.reference.synapse import sums
from tests.hdl.benches import Bench, send, stalls
from tests.hdl.nets import random_hidden

# inputs, source width, neurons, lanes, parallel: folds 1, 2, 3 and more
SHAPES = [(1, 1, 1, 1, 1), (6, 3, 4, 2, 4), (6, 6, 5, 3, 3), (5, 2, 3, 1, 1), (9, 4, 7, 3, 2)]


def lane_heads(geometry, steps):
    """Per lane its events in ascending order, a mark after each step of ``steps``."""
    lanes = [[] for _ in range(geometry.lanes)]
    for step in steps:
        last = [None] * geometry.lanes
        lane, row = geometry.lane_row(np.arange(geometry.inputs))
        for i in np.flatnonzero(step):
            head = {"address": int(row[i]) * geometry.folds, "value": int(step[i]),
                    "event": 1, "mark": 0}
            lanes[lane[i]].append(head)
            last[lane[i]] = head
        for heads, head in zip(lanes, last, strict=True):
            # Half of the lanes' marks come with an event, as the encoder gives them.
            if head is not None and head["address"] % 2:
                head["mark"] = 1
            else:
                heads.append({"address": 0, "value": 0, "event": 0, "mark": 1})
    return lanes


class Run:
    """Drives a layer with samples, and collects its words."""

    def __init__(self, layer, geometry, inputs, *, max_value, direct, pause=0.0, full=0.0):
        self.dut = HiddenLayer(layer, geometry, max_value=max_value, direct=direct)
        self.timesteps = len(layer.neuron.leak)
        self.count = len(inputs) * self.timesteps * geometry.folds
        self.words, self.overrun = [], 0
        self._room = stalls(7, full)
        bench = Bench(self.dut)
        heads = lane_heads(geometry, inputs.reshape(-1, geometry.inputs))
        bench.run(self._sink, background=[
            self._source(lane, heads[lane], stalls(lane, pause)) for lane in range(geometry.lanes)])
        self.cycles = bench.cycle

    def _source(self, lane, heads, pauses):
        async def process(context):
            await send(context, self.dut.heads[lane], heads, pauses)
        return process

    async def _sink(self, context):
        after = 0
        while len(self.words) < self.count or after < 20:
            # Long and short stretches without room.
            room = not next(self._room) or (after % 2 and not next(self._room))
            context.set(self.dut.room, room)
            *_, valid, word = await context.tick().sample(self.dut.words_valid, self.dut.words)
            if valid:
                self.words.append(word)
            after += len(self.words) >= self.count


def spikes_of(words, geometry, timesteps):
    fired = np.array([[word.spikes >> i & 1 for i in range(geometry.parallel)] for word in words])
    for number, word in enumerate(words):
        fold = number % geometry.folds
        assert (word.fold, word.last) == (fold, fold == geometry.folds - 1)
    return fired.reshape(-1, timesteps, geometry.folds * geometry.parallel)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("direct", [True, False], ids=["direct", "events"])
@pytest.mark.parametrize(("pause", "full"), [(0, 0), (0, .5), (.4, 0), (.2, .8)])
def test_every_spike(shape, direct, pause, full):
    geometry = LayerGeometry(*shape)
    rng = np.random.default_rng(sum(shape))
    timesteps, max_value = int(rng.integers(1, 6)), 7 if direct else 1
    layer = random_hidden(rng, "fc", geometry.neurons, geometry.inputs, timesteps, max_value)
    inputs = rng.integers(0, max_value + 1, (10, *(() if direct else (timesteps,)),
                                             geometry.inputs))
    inputs[3:5] = 0
    run = Run(layer, geometry, inputs, max_value=max_value, direct=direct, pause=pause, full=full)
    accs = sums(layer.synapse, torch.as_tensor(inputs), timesteps, max_value)
    fired = run_hidden(layer, accs)[1].numpy()
    given = spikes_of(run.words, geometry, timesteps)
    assert not given[..., geometry.neurons:].any(), "a spike where no neuron is"
    wrong = np.argwhere(given[..., : geometry.neurons] != fired)
    assert not len(wrong), "sample {}, timestep {}, neuron {}".format(*wrong[0])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_margin_is_what_follows_when_room_goes(shape):
    """A direct-coded layer of many timesteps gives a word a cycle, but for its recovery."""
    geometry = LayerGeometry(*shape)
    rng = np.random.default_rng(0)
    layer = random_hidden(rng, "fc", geometry.neurons, geometry.inputs, 40, 1)
    dut = HiddenLayer(layer, geometry, max_value=1, direct=True)

    async def sink(context):
        for lane in range(geometry.lanes):
            context.set(dut.heads[lane].payload, {"event": 0, "mark": 1})
            context.set(dut.heads[lane].valid, 1)
        context.set(dut.room, 1)
        await context.tick().repeat(30)
        words = context.get(dut.words_valid)
        await context.tick()
        context.set(dut.room, 0)
        for _ in range(40):
            words += context.get(dut.words_valid)
            await context.tick()
        if geometry.folds >= 3:
            assert words == dut.margin
        assert words <= dut.margin

    Bench(dut).run(sink)


def test_wrong_arguments():
    layer = random_hidden(np.random.default_rng(0), "fc", 3, 4, 2, 1)
    geometry = LayerGeometry(4, 4, 3, 1, 1)
    with pytest.raises(TypeError, match="layer must be a Hidden, not None"):
        HiddenLayer(None, geometry, max_value=1, direct=True)
    with pytest.raises(ValueError, match="max_value must be an integer of 1 or more, not 0"):
        HiddenLayer(layer, geometry, max_value=0, direct=True)
    with pytest.raises(ValueError, match=r"weights must have shape \(3, 5\), not \(3, 4\)"):
        HiddenLayer(layer, LayerGeometry(5, 5, 3, 1, 1), max_value=1, direct=True)
