"""HiddenLayer of a convolution, with shortcuts of every kind, against reference.network."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.hdl.layer import HiddenLayer
from bsnn_hw.ir.bounds import current_bounds, hidden_bounds
from bsnn_hw.ir.network import (
    Comparison,
    CurrentShortcut,
    Hidden,
    NeuronSpec,
    Reset,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.reference.gate import factors
from bsnn_hw.reference.network import currents, gained, run_hidden
from bsnn_hw.reference.synapse import sums
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, send, stalls
from tests.hdl.blocks import hidden_block
from tests.hdl.maps import CONVS, conv_of, geometry_of, reaching_groups, words_of
from tests.hdl.test_layer import stretches

TIMESTEPS = 3
# Rows: 1, 2 and 2 of one fold, 9 of three folds; and 33, in block RAM.
SMALL = [
    (Shape(1, 1, 1), (1, 1), (1, 1), (0, 0), 2, 1, 1, 2),
    (Shape(2, 2, 1), (2, 1), (1, 1), (1, 0), 3, 2, 2, 3),
    (Shape(2, 1, 2), (1, 1), (1, 1), (0, 0), 2, 2, 2, 2),
    (Shape(3, 3, 1), (3, 1), (1, 1), (1, 0), 5, 3, 1, 2),
    (Shape(1, 3, 11), (3, 3), (1, 1), (1, 1), 2, 1, 1, 2),
]


class Case:
    """A random layer of a convolution, its inputs, and what the reference makes of them.

    kinds : a letter per shortcut, c(urrent), s(pikes) or (s)y(napse)
    """

    def __init__(self, seed, case, kinds="", *, max_value=1, samples=2, leak=3):
        rng = np.random.default_rng(seed)
        self.geometry, self.kinds, self.max_value = geometry_of(case), kinds, max_value
        self.geometries = tuple(self._lone(case) if kind == "y" else None for kind in kinds)
        self.layer = self._layer(rng, case, leak)
        # What is carried is of one layer that gives the same current as an empty chain would.
        producer = Hidden("producer", conv_of(case, seed + 1), self._spec(rng, case[4], leak, True))
        carried = [current_bounds(producer, 1)] * kinds.count("c")
        self.bounds = hidden_bounds(self.layer, max_value, carried)
        steps = (samples,) if max_value > 1 else (samples, TIMESTEPS)
        self.inputs = self._spikes(rng, (*steps, case[0].size)) * rng.integers(
            1, max_value + 1, (*steps, case[0].size))
        self.carried, joined = [], []
        for kind, shortcut in zip(kinds, self.layer.shortcuts, strict=True):
            spikes = self._spikes(rng, (samples, TIMESTEPS, case[0].size))
            acc = sums(producer.synapse, torch.as_tensor(spikes), TIMESTEPS, 1)
            fired = torch.as_tensor(self._spikes(rng, acc.shape))
            if kind == "c":
                self.carried.append(currents(producer, acc))
                joined.append(self.carried[-1])
            elif kind == "s":
                self.carried.append(fired)
                joined.append(gained(shortcut.gain, fired))
            else:
                self.carried.append(spikes)
                joined.append(gained(shortcut.gain, sums(shortcut.synapse, torch.as_tensor(spikes),
                                                         TIMESTEPS, 1)))
        accs = sums(self.layer.synapse, torch.as_tensor(self.inputs), TIMESTEPS, max_value)
        extra = sum(joined) if joined else None
        gates = factors(self.layer, torch.as_tensor(self.inputs), TIMESTEPS, max_value, case[0])
        self.fired = run_hidden(self.layer, accs, extra, gates)[1].numpy()
        self.currents = currents(self.layer, accs, extra, gates).numpy()

    def _lone(self, case):
        """A shortcut's synapses: words of one channel, one lane."""
        source, kernel, stride, padding, *_, parallel = case
        return ConvEvents(Raster(source, 1), self.geometry.out, kernel, stride, padding, 1,
                            parallel)

    def _layer(self, rng, case, leak):
        def gain(end):
            return rng.integers(-end, end + 1, (TIMESTEPS, case[4]))

        make = {"c": lambda: CurrentShortcut(1), "s": lambda: SpikeShortcut(1, gain(9)),
                "y": lambda: SynapseShortcut(1, conv_of(case, int(rng.integers(99))), gain(4))}
        shortcuts = tuple(make[kind]() for kind in self.kinds)
        return Hidden("conv", conv_of(case), self._spec(rng, case[4], leak, bool(shortcuts)),
                      shortcuts=shortcuts)

    def _spec(self, rng, channels, leak, gain):
        size = TIMESTEPS, channels
        return NeuronSpec(1, 2, np.array([0, leak, leak]), rng.integers(-4, 5, size),
                          rng.integers(1, 9, size), list(Reset)[rng.integers(2)],
                          list(Comparison)[rng.integers(2)],
                          rng.integers(-3, 4, size) if gain else None)

    def _spikes(self, rng, shape):
        return rng.random(shape) < rng.choice([0, .3, 1], (shape[0], *[1] * (len(shape) - 1)))

    def component(self):
        return HiddenLayer(self.layer, self.bounds, self.block())

    def block(self):
        return hidden_block(self.layer, self.bounds, self.geometry, shortcuts=self.geometries,
                            max_value=self.max_value, direct=self.max_value > 1)


class Run:
    """Drives a layer, all its streams at paces of their own, and collects its rows."""

    def __init__(self, case, *, pause=0.0, full=0.0, wait=0.0):
        self.case, self.dut = case, case.component()
        self.words, self.cycles, self.currents = [], [], []
        self.raster = case.geometry.raster
        self.count = case.fired.shape[0] * TIMESTEPS * self.raster.rows
        sources = [self._source("groups", case.geometry, case.inputs, pause)]
        held = []
        for number, (kind, values) in enumerate(zip(case.kinds, case.carried, strict=True)):
            if kind == "y":
                sources.append(self._source(f"groups_{number}", case.geometries[number], values,
                                            pause))
            else:
                flat = np.asarray(values).reshape(-1, self.raster.shape.size)
                held.append((number, np.concatenate([words_of(self.raster, step)
                                                     for step in flat]).tolist()))
        self._room = stretches(7, full)
        self._bench = Bench(self.dut)
        self._bench.run(self._sink, background=[*sources, self._carry(held, wait)])

    def _source(self, name, geometry, values, pause):
        groups = reaching_groups(geometry, values.reshape(-1, geometry.inputs))
        payloads = []
        for reach, events, mark in groups:
            lanes = [events.get(lane, (0, 0)) for lane in range(geometry.lanes)]
            payloads.append({"rows": [row for row, _ in lanes], "values": [v for _, v in lanes],
                             "charge": bool(events), "mark": mark}
                            | ({"reach": reach} if reach else {}))

        async def source(context):
            await send(context, getattr(self.dut, name), payloads, stalls(len(name), pause))
        return source

    def _carry(self, held, wait):
        """Shows each shortcut's rows one by one, timestep by timestep after some wait."""
        async def carry(context):
            dut, taken, started = self.dut, 0, 0
            waits = [stalls(number, wait) for number, _ in held]
            while held:
                for (number, rows), pauses in zip(held, waits, strict=True):
                    whole = getattr(dut, f"whole_{number}")
                    more = started * self.raster.rows < len(rows)
                    context.set(whole, more and (context.get(whole) or not next(pauses)))
                    context.set(getattr(dut, f"carried_{number}"),
                                rows[min(taken, len(rows) - 1)])
                *_, starts, take = await context.tick().sample(dut.starts, dut.take)
                taken += take
                started += starts
                if starts:
                    for number, _ in held:
                        context.set(getattr(dut, f"whole_{number}"), 0)
        return carry

    async def _sink(self, context):
        dut, after = self.dut, 0
        while len(self.words) < self.count or after < 20:
            context.set(dut.room, not next(self._room))
            *_, valid, word, given, last, row = await context.tick().sample(
                dut.words_valid, dut.words, dut.currents_valid, dut.currents_last, dut.currents)
            if given:
                assert last == (len(self.currents) % self.raster.rows == self.raster.rows - 1)
                self.currents.append(list(row))
            if valid:
                assert len(self.currents) > len(self.words), "a word before its current"
                self.words.append(word)
                self.cycles.append(self._bench.cycle)
            after += len(self.words) >= self.count

    def check(self):
        rows, width = self.raster.rows, self.raster.width
        assert [(word.row, word.last) for word in self.words] == [
            (n % rows, n % rows == rows - 1) for n in range(self.count)]
        shape = (*self.case.fired.shape[:2], rows, width)
        fired = np.array([[word.spikes >> i & 1 for i in range(width)] for word in self.words])
        for name, given, right in (("current", self.currents, self.case.currents),
                                   ("spike", fired, self.case.fired)):
            neurons = self.raster.by_neuron(np.array(given).reshape(shape))
            wrong = np.argwhere(neurons != right)
            assert not len(wrong), "{}: sample {}, timestep {}, neuron {}".format(name, *wrong[0])
        recovery = self.dut._neurons.recovery
        apart = np.array(self.cycles[rows:]) - np.array(self.cycles[:-rows])
        assert apart.min() >= recovery, f"a row steps after {apart.min()} cycles"


BUSY, IDLE = (0, 0, 0), (.4, .6, .9)


@quick(2, wide=3)
@for_each("case, kinds, stalled", [
    *((case, kinds, BUSY) for case in SMALL[:-1] for kinds in ("", "scy")),
    *((case, kinds, IDLE) for case in SMALL[:-1] for kinds in ("", "c", "s", "y", "scy")),
    (SMALL[-1], "", BUSY), (SMALL[-1], "c", IDLE), (SMALL[-1], "sy", IDLE)])
def test_every_spike_and_current(case, kinds, stalled):
    pause, full, wait = stalled
    Run(Case(len(kinds), case, kinds), pause=pause, full=full, wait=wait).check()


@quick(1, wide=2)
@for_each("case, max_value", [*zip(CONVS, [1, 7] * 4, strict=True)])
def test_every_kind_of_convolution(case, max_value):
    Run(Case(1, case, max_value=max_value), pause=.1, full=.2).check()


@pytest.mark.wide
@for_each("case, leak", [*zip(SMALL, [2, 3, 2, 3, 3], strict=True)])
def test_silent_timesteps_step_as_often_as_potentials_allow(case, leak):
    """A leak of 2 quarters is a shift, one of 3 a product."""
    silent = Case(0, case, leak=leak, samples=1)
    silent.inputs = silent.inputs & 0
    run = Run(silent)
    rows, recovery = run.raster.rows, run.dut._neurons.recovery
    apart = np.array(run.cycles[rows:]) - np.array(run.cycles[:-rows])
    assert apart.max() == max(rows, recovery)


@quick(1, wide=None)
@for_each("case, kinds", [*zip(SMALL, ["", "y", "", "y", ""], strict=True)])
def test_the_margin_is_what_follows_when_room_goes(case, kinds):
    """Lone marks let the layer step again and again, a row a cycle but for its recovery."""
    case_of = Case(0, case, kinds)
    dut, margin = case_of.component(), case_of.block().margin

    async def sink(context):
        for name in ("groups", *(["groups_0"] if kinds else [])):
            context.set(getattr(dut, name).payload, {"mark": 1})
            context.set(getattr(dut, name).valid, 1)
        context.set(dut.room, 1)
        await context.tick().repeat(60)
        words = context.get(dut.words_valid)
        await context.tick()
        context.set(dut.room, 0)
        for _ in range(60):
            words += context.get(dut.words_valid)
            await context.tick()
        assert words <= margin
        assert words == margin or case[0].positions < 3, "fewer rows than a step's recovery"

    Bench(dut).run(sink)


def test_wrong_shortcuts():
    case = Case(0, SMALL[1], "cy")
    with pytest.raises(ValueError, match="zip"):
        HiddenLayer(case.layer, case.bounds, replace(case.block(), shortcuts=()))
