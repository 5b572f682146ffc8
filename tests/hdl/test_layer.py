"""HiddenLayer against reference.synapse and reference.neuron, its ``room`` coming and going."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.layer import HiddenLayer
from bsnn_hw.ir.bounds import hidden_bounds
from bsnn_hw.ir.network import CurrentShortcut
from bsnn_hw.ir.schedule import LayerPlan
from bsnn_hw.reference.network import run_hidden
from bsnn_hw.reference.synapse import sums
from evidence.proofs.small import dense, laid_out, small_network, spiking
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.blocks import hidden_block
from tests.hdl.groups import GroupSource, lane_periods
from tests.hdl.nets import random_hidden

# inputs, source width, neurons, lanes, parallel: folds 1, 2, 3 and more
SHAPES = [(1, 1, 1, 1, 1), (6, 3, 4, 2, 4), (6, 6, 5, 3, 3), (5, 2, 3, 1, 1), (9, 4, 7, 3, 2)]


LEAKS = {"shift": 4, "product": 5}  # of 8: the potential is back sooner where it is a shift


def random_layer(rng, geometry, timesteps, max_value, leaks):
    layer = random_hidden(rng, "fc", geometry.neurons, geometry.inputs, timesteps, max_value)
    leak = np.array([0] + [LEAKS[leaks]] * (timesteps - 1))
    return replace(layer, neuron=replace(layer.neuron, leak_bits=3, leak=leak))


def component(layer, geometry, *, max_value, direct):
    bounds = hidden_bounds(layer, max_value)
    return HiddenLayer(layer, bounds, hidden_block(layer, bounds, geometry, max_value=max_value,
                                                   direct=direct))


def stretches(seed, chance):
    """Long and short stretches without room."""
    lengths = np.random.default_rng(seed)
    for stall in stalls(seed, chance):
        yield from [stall] * int(lengths.integers(1, 10))


class Run:
    """Drives a layer with samples, and collects its words."""

    def __init__(self, layer, geometry, inputs, *, max_value, direct, pause=0.0, full=0.0):
        self.dut = component(layer, geometry, max_value=max_value, direct=direct)
        self.timesteps = len(layer.neuron.leak)
        self.count = len(inputs) * self.timesteps * geometry.folds
        self.words = []
        self._room = stretches(7, full)
        bench = Bench(self.dut)
        periods = lane_periods(geometry, inputs.reshape(-1, geometry.inputs))
        source = GroupSource(self.dut.groups, periods, stalls(1, pause))
        bench.run(self._sink, background=[source.run])

    async def _sink(self, context):
        after = 0
        while len(self.words) < self.count or after < 20:
            context.set(self.dut.room, not next(self._room))
            *_, valid, word = await context.tick().sample(self.dut.words_valid, self.dut.words)
            if valid:
                self.words.append(word)
            after += len(self.words) >= self.count


def spikes_of(words, geometry, timesteps):
    fired = np.array([[word.spikes >> i & 1 for i in range(geometry.parallel)] for word in words])
    for number, word in enumerate(words):
        fold = number % geometry.folds
        assert (word.row, word.last) == (fold, fold == geometry.folds - 1)
    return fired.reshape(-1, timesteps, geometry.folds * geometry.parallel)


@quick(2, wide=4)
@for_each("shape", SHAPES)
@for_each("direct", [True, False])
@for_each("leaks", LEAKS)
@for_each("pause, full", [(0, 0), (.2, .6)])
def test_every_spike(shape, direct, leaks, pause, full):
    geometry = DenseEvents.flat(*shape)
    rng = np.random.default_rng(sum(shape))
    timesteps, max_value = 3, 7 if direct else 1
    layer = random_layer(rng, geometry, timesteps, max_value, leaks)
    inputs = rng.integers(0, max_value + 1, (4, *(() if direct else (timesteps,)),
                                             geometry.inputs))
    inputs[1] = 0
    run = Run(layer, geometry, inputs, max_value=max_value, direct=direct, pause=pause, full=full)
    accs = sums(layer.synapse, torch.as_tensor(inputs), timesteps, max_value)
    assert_fired(run, geometry, run_hidden(layer, accs)[1].numpy())


def assert_fired(run, geometry, fired):
    """The words of ``run`` are the spikes ``fired``, (N, T, neurons)."""
    given = spikes_of(run.words, geometry, fired.shape[1])
    assert not given[..., geometry.neurons:].any(), "a spike where no neuron is"
    wrong = np.argwhere(given[..., : geometry.neurons] != fired)
    assert not len(wrong), "sample {}, timestep {}, neuron {}".format(*wrong[0])


@quick(3, wide=2)
@for_each("shape", SHAPES)
@for_each("leaks", LEAKS)
def test_the_margin_is_what_follows_when_room_goes(shape, leaks):
    """A direct-coded layer of many timesteps gives a word a cycle, but for its recovery."""
    geometry = DenseEvents.flat(*shape)
    rng = np.random.default_rng(0)
    layer = random_layer(rng, geometry, 40, 1, leaks)
    dut = component(layer, geometry, max_value=1, direct=True)
    margin = hidden_block(layer, hidden_bounds(layer, 1), geometry, max_value=1,
                          direct=True).margin

    async def sink(context):
        context.set(dut.groups.payload, {"mark": 1})
        context.set(dut.groups.valid, 1)
        context.set(dut.room, 1)
        await context.tick().repeat(30)
        words = context.get(dut.words_valid)
        await context.tick()
        context.set(dut.room, 0)
        for _ in range(40):
            words += context.get(dut.words_valid)
            await context.tick()
        if geometry.folds >= {"shift": 3, "product": 4}[leaks]:
            assert words == margin
        assert words <= margin

    Bench(dut).run(sink)


def test_wrong_arguments():
    layer = random_hidden(np.random.default_rng(0), "fc", 3, 4, 2, 1)
    bounds = hidden_bounds(layer, 1)

    def block(geometry, max_value=1):
        return hidden_block(layer, bounds, geometry, max_value=max_value, direct=True)

    right = block(DenseEvents.flat(4, 4, 3, 1, 1))
    with pytest.raises(TypeError, match="layer must be a Hidden, not None"):
        HiddenLayer(None, bounds, right)
    with pytest.raises(TypeError, match="bounds must be a HiddenBounds, not None"):
        HiddenLayer(layer, None, right)
    with pytest.raises(TypeError, match="block must be a Layer, not 1"):
        HiddenLayer(layer, bounds, 1)
    with pytest.raises(ValueError, match=r"weights must have shape \(3, 5\), not \(3, 4\)"):
        HiddenLayer(layer, bounds, block(DenseEvents.flat(5, 5, 3, 1, 1)))
    with pytest.raises(ValueError, match="max_value must be 1 with words of spikes, not 3"):
        HiddenLayer(layer, bounds, block(DenseWords.flat(4, 4, 3, 4, 1), 3))


def test_a_step_waits_for_what_is_carried():
    network = small_network(1, spiking("a", dense(1, 1), gained=True),
                            spiking("b", dense(1, 1), CurrentShortcut(1)))
    layout = laid_out(network, LayerPlan(1, 1), LayerPlan(1, 1))
    dut = HiddenLayer(network.hidden[1], layout.hidden_bounds[1], layout.layers[1])

    async def marks(context):
        context.set(dut.room, 1)
        context.set(dut.groups.payload, {"mark": 1})
        context.set(dut.groups.valid, 1)
        for whole in (0, 1):
            context.set(dut.whole_0, whole)
            starts = 0
            for _ in range(30):
                *_, start = await context.tick().sample(dut.starts)
                starts += start
            assert bool(starts) == whole

    Bench(dut).run(marks)
