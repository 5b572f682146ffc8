"""NetworkTop of residual networks against reference.network, its queues as shallow as may be."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Fragment

from bsnn_hw.hdl.network import NetworkTop
from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Conv,
    CurrentShortcut,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Pool,
    PoolKind,
    Readout,
    Reset,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.ir.schedule import LayerPlan, Schedule
from bsnn_hw.layout.blocks import Carry, Entry, JoinedRows, Layer, Link, Output, Synapses
from bsnn_hw.layout.build import build_layout
from tests.for_each import for_each, quick
from tests.hdl.benches import stalls
from tests.hdl.test_network import Driver, flat

TIMESTEPS = 3


def constants(rng, end, channels, low=None):
    return rng.integers(-end if low is None else low, end + 1, (TIMESTEPS, channels))


def spec(rng, channels, eager):
    """With a gain; ``eager`` neurons fire at nearly every step."""
    return NeuronSpec(1, 2, np.array([0, 3, 2]), constants(rng, 4, channels),
                      constants(rng, 1 if eager else 12, channels, low=-9 if eager else 1),
                      list(Reset)[rng.integers(2)], list(Comparison)[rng.integers(2)],
                      constants(rng, 3, channels), constants(rng, 12, channels, low=0))


def conv(rng, channels, source, kernel=3, stride=1):
    weights = rng.choice(np.array([-1, 1], np.int8), (channels, source.channels, kernel, kernel))
    return Conv(weights, np.ones(channels, bool), source, (stride, stride), (kernel // 2,) * 2)


def residual(seed, coding, *, eager):
    """A stem; two convolutions with identities of currents and of spikes around them; one of half
    the size with a 1x1 convolution around it; and pooling before it and before the readout."""
    rng = np.random.default_rng(seed)
    source = Shape(2, 4, 4)
    big, small = Shape(3, 4, 4), Shape(4, 2, 2)
    halved = Pool(PoolKind.MAX, 2, 2)
    hidden = (
        Hidden("stem", conv(rng, 3, source), spec(rng, 3, eager)),
        Hidden("one", conv(rng, 3, big), spec(rng, 3, eager),
               shortcuts=(CurrentShortcut(1),)),
        Hidden("two", conv(rng, 3, big), spec(rng, 3, eager),
               shortcuts=(CurrentShortcut(1), SpikeShortcut(2, constants(rng, 9, 3)))),
        Hidden("down", conv(rng, 4, Shape(3, 2, 2)), spec(rng, 4, eager), pool=halved,
               shortcuts=(SynapseShortcut(2, conv(rng, 4, big, 1, 2), constants(rng, 3, 4)),
                          SynapseShortcut(3, conv(rng, 4, Shape(3, 2, 2), 1), constants(rng, 3, 4),
                                          Pool(PoolKind.SUM, 2, 2)))),
        Hidden("last", conv(rng, 4, small), spec(rng, 4, eager),
               shortcuts=(CurrentShortcut(1),)),
    )
    readout = Readout("out", Dense(rng.choice(np.array([-1, 1], np.int8), (3, 4)),
                                   np.ones(3, bool)), constants(rng, 5, 3), np.arange(3), 1.0,
                      pool=Pool(PoolKind.SUM, 2, 2))
    bits = 3 if coding is Coding.DIRECT else 1
    return Network("maps", TIMESTEPS, Input(coding, source.size, bits, shape=source), hidden,
                   readout, ("a", "b", "c"))


PLANS = {
    "wide": Schedule((LayerPlan(2, 3), LayerPlan(3, 3), LayerPlan(1, 3), LayerPlan(2, 4),
                      LayerPlan(4, 4), LayerPlan(2, 3))),
    "narrow": Schedule((*[LayerPlan(1, 1)] * 5, LayerPlan(1, 1))),
    "uneven": Schedule((*[LayerPlan(2, 2)] * 3, LayerPlan(2, 3), LayerPlan(3, 3),
                        LayerPlan(2, 2, True))),
}


def shallow(layout):
    """The layout with one entry more than what is under way in each queue, and one timestep of what
    is carried."""
    def of(block):
        match block:
            case Entry():
                return replace(block, depth=2)
            case Link():
                return replace(block, depth=max(3, block.kept_free + 1))
            case Carry():
                return replace(block, depth=max(3, block.rows + block.margin))
            case Synapses():
                return replace(block, source=of(block.source),
                               summands=tuple(map(of, block.summands)))
            case JoinedRows():
                return replace(block, carry=of(block.carry))
            case Layer():
                return replace(block, synapses=of(block.synapses),
                               shortcuts=tuple(map(of, block.shortcuts)),
                               join=block.join and of(block.join))
            case Output():
                return replace(block, synapses=of(block.synapses))

    return replace(layout, layers=tuple(map(of, layout.layers)), output=of(layout.output))


def saturated(network, count):
    """All firing, and all silent, in turn."""
    direct = network.input.coding is Coding.DIRECT
    shape = (count, *(() if direct else (network.timesteps,)), network.input.size)
    inputs = np.full(shape, network.input.max_value)
    inputs[2::3] = 0
    return inputs


def drive(network, schedule, inputs, pause, full, change=lambda layout: layout):
    driver = Driver(network, schedule, deadline=60_000, change=change)
    beats = flat(driver.packets(inputs))

    async def source(context):
        await driver.send(context, beats, stalls(1, pause))

    async def sink(context):
        await driver.receive(context, len(inputs), stalls(2, full))

    driver.bench.run(sink, background=[source])
    driver.check(inputs)


@quick(0, wide=1)
@for_each("plan, coding, eager, pause, full", [
    ("wide", Coding.DIRECT, True, 0, .9), ("uneven", Coding.EVENTS, False, .4, .7)])
def test_shallow_queues_and_saturated_input(plan, coding, eager, pause, full):
    network = residual(3, coding, eager=eager)
    drive(network, PLANS[plan], saturated(network, 2), pause, full, shallow)


@pytest.mark.slow
@for_each("plan, coding, eager", [*itertools.product(PLANS, Coding, [False, True])])
@for_each("pause, full", [(0, 0), (0, .9)])
def test_shallow_queues_at_any_pace(plan, coding, eager, pause, full):
    seed = len(plan) + eager
    network = residual(seed, coding, eager=eager)
    rng = np.random.default_rng(seed)
    inputs = saturated(network, 4)
    inputs[::2] = rng.integers(network.input.max_value + 1, size=inputs[::2].shape)
    drive(network, PLANS[plan], inputs, pause, full, shallow)


@pytest.mark.wide
def test_any_names_of_layers():
    """What stands between two layers has the name of no layer."""
    network = residual(1, Coding.EVENTS, eager=False)
    names = ("stem", "down", "stem_down_3", "d", "stem_d_3")
    network = replace(network, hidden=tuple(replace(layer, name=name) for layer, name
                                            in zip(network.hidden, names, strict=True)))
    assert Fragment.get(NetworkTop(build_layout(network, PLANS["wide"])), None)


@pytest.mark.slow
def test_queues_as_deep_as_in_a_bundle():
    network = residual(7, Coding.EVENTS, eager=False)
    drive(network, PLANS["uneven"], saturated(network, 3), .1, .1)


@pytest.mark.wide
def test_a_reset_amid_an_inference_leaves_no_trace():
    network = residual(9, Coding.DIRECT, eager=True)
    driver = Driver(network, PLANS["wide"])
    inputs = saturated(network, 2)
    before, after = flat(driver.packets(inputs[:1])), flat(driver.packets(inputs))
    top, over = driver.top, []

    async def source(context):
        await driver.send(context, before[:-1], stalls(0, 0))  # a packet without its end
        await driver.send(context, before, stalls(0, 0))
        await context.tick().repeat(150)
        context.set(driver.bench.reset, 1)
        await context.tick()
        context.set(driver.bench.reset, 0)
        over.append(True)
        await driver.send(context, after, stalls(0, .1))

    async def sink(context):
        while not over:
            await context.tick()
        assert not context.get(top.m_axis_tvalid)
        await driver.receive(context, len(inputs), stalls(3, .2))

    driver.bench.run(sink, background=[source])
    driver.check(inputs)
