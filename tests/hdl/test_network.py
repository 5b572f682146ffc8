"""NetworkTop against reference.network, packet by packet."""

import itertools

import numpy as np

from bsnn_hw.hdl.network import NetworkTop
from bsnn_hw.ir.network import Coding
from bsnn_hw.layout.build import build_layout
from bsnn_hw.ports.events import EventPort
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.nets import random_inputs, random_network, random_schedule


class Driver:
    """A network under a clock; packets go in, and (score, class) beats come out."""

    def __init__(self, network, schedule, *, deadline=20_000, change=lambda layout: layout):
        self.network = network
        self.layout = change(build_layout(network, schedule))
        self.top = NetworkTop(self.layout)
        self.bench = Bench(self.top, deadline=deadline)
        self.beats = []

    def packets(self, inputs):
        """A list of (tdata, tlast, tuser) for each sample."""
        stimulus = EventPort().stimulus(self.network, self.layout.geometries[0],
                                        self.layout.slots, inputs)
        beats = [(int.from_bytes(bytes(data), "little"), bool(last), bool(mark))
                 for data, last, mark in zip(stimulus.data, stimulus.last, stimulus.mark,
                                             strict=True)]
        ends = [number + 1 for number, beat in enumerate(beats) if beat[1]]
        return [beats[start:end] for start, end in itertools.pairwise([0, *ends])]

    async def send(self, context, beats, pauses):
        top = self.top
        ticks = aiter(context.tick().sample(top.s_axis_tready))
        for data, last, mark in beats:
            while next(pauses):
                context.set(top.s_axis_tvalid, 0)
                await anext(ticks)
            context.set(top.s_axis_tdata, data)
            context.set(top.s_axis_tlast, last)
            if top.slots.ends_timesteps:
                context.set(top.s_axis_tuser, mark)
            context.set(top.s_axis_tvalid, 1)
            while not (await anext(ticks))[-1]:
                pass
        context.set(top.s_axis_tvalid, 0)

    async def receive(self, context, samples, pauses):
        top, offered = self.top, None
        end = len(self.beats) + samples * self.network.readout.synapse.neurons
        ticks = aiter(context.tick().sample(
            top.m_axis_tvalid, top.m_axis_tdata, top.m_axis_tuser, top.m_axis_tlast))
        while len(self.beats) < end:
            ready = not next(pauses)
            context.set(top.m_axis_tready, ready)
            *_, valid, data, user, last = await anext(ticks)
            beat = (data, user, last) if valid else None
            assert offered in (None, beat), "an offer changed before it was taken"
            if beat and ready:
                self.beats.append(beat)
            offered = None if ready else beat
        context.set(top.m_axis_tready, 0)

    def check(self, inputs):
        """Every score, the class and the packets' ends."""
        right = run(self.network, inputs)
        samples, classes = right.scores.shape
        width = self.layout.slots.output_width
        given = np.array([(data ^ 1 << width - 1) - (1 << width - 1) for data, _, _ in self.beats])
        np.testing.assert_array_equal(given.reshape(samples, classes), right.scores)
        winners = [user for _, user, _ in self.beats][classes - 1::classes]
        assert winners == right.classes.tolist()
        assert [last for *_, last in self.beats] == ([0] * (classes - 1) + [1]) * samples


def flat(lists):
    return list(itertools.chain(*lists))


def drive(seed, *, pause, full, samples=4, words=0.0, **options):
    network = random_network(seed, **options)
    driver = Driver(network, random_schedule(seed, network, words=words))
    inputs = random_inputs(seed, network, samples)
    beats = flat(driver.packets(inputs))

    async def source(context):
        await driver.send(context, beats, stalls(seed, pause))

    async def sink(context):
        await driver.receive(context, samples, stalls(seed + 1, full))

    driver.bench.run(sink, background=[source])
    driver.check(inputs)


@quick(1, wide=1)
@for_each("seed", range(10))
def test_random_networks(seed):
    pause, full = [(0, 0), (.5, 0), (0, .8), (.3, .3)][seed % 4]
    drive(seed, pause=pause, full=full)


@quick(1, wide=1)
@for_each("seed", range(100, 112))
def test_random_networks_of_words(seed):
    """Words of every width, before and behind layers of events, and at the port."""
    pause, full = [(0, 0), (.5, 0), (0, .8), (.3, .3)][seed % 4]
    drive(seed, pause=pause, full=full, words=.8, coding=list(Coding)[seed % 3 == 0])


@quick(0, wide=None)
@for_each("coding", Coding)
def test_one_timestep(coding):
    drive(50, pause=.2, full=.2, coding=coding, timesteps=1)


@quick(0, wide=None)
@for_each("coding", Coding)
def test_an_output_stopped_for_long_loses_nothing(coding):
    network = random_network(60, coding=coding, timesteps=4)
    driver = Driver(network, random_schedule(60, network))
    inputs = random_inputs(60, network, 20)
    sent = []

    async def source(context):
        for packet in driver.packets(inputs):
            await driver.send(context, packet, stalls(0, 0))
            sent.append(packet)

    async def sink(context):
        await context.tick().repeat(900)
        full = len(sent)
        await context.tick().repeat(200)
        assert len(sent) == full < 20, "the stop must reach the input port"
        await driver.receive(context, 20, stalls(0, 0))

    driver.bench.run(sink, background=[source])
    driver.check(inputs)


@quick(1, wide=1)
@for_each("seed", range(4))
def test_a_reset_in_an_inference_leaves_no_trace(seed):
    """One cycle of reset, at any point of the work on earlier packets."""
    rng = np.random.default_rng(seed)
    network = random_network(70 + seed, coding=list(Coding)[seed % 2], timesteps=3)
    driver = Driver(network, random_schedule(70 + seed, network))
    inputs = random_inputs(70 + seed, network, 6)
    before, after = (flat(driver.packets(part)) for part in (inputs[:3] | 1, inputs))
    before = before[: int(rng.integers(1, len(before) + 1))]
    top = driver.top

    over = []

    async def source(context):
        await driver.send(context, before, stalls(seed, .1))
        await context.tick().repeat(int(rng.integers(1, 40)))
        context.set(driver.bench.reset, 1)
        await context.tick()
        context.set(driver.bench.reset, 0)
        assert not context.get(top.m_axis_tvalid)
        over.append(True)
        await driver.send(context, after, stalls(seed, .1))

    async def sink(context):
        while not over:
            context.set(top.m_axis_tready, seed % 3 != 0)
            await context.tick()
        await driver.receive(context, len(inputs), stalls(3, .2))

    driver.bench.run(sink, background=[source])
    driver.check(inputs)
