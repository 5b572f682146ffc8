"""NetworkTop of layers whose spikes are joined or added, its queues as shallow as may be."""

import itertools

import numpy as np
import pytest

from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import (
    Coding,
    Dense,
    Hidden,
    Input,
    JoinKind,
    Network,
    Pool,
    PoolKind,
    Readout,
    Shape,
    SpikeJoin,
    SpikeShortcut,
    Summand,
    SynapseShortcut,
)
from bsnn_hw.ir.schedule import LayerPlan, Schedule
from tests.for_each import for_each, quick
from tests.hdl.test_maps import TIMESTEPS, constants, conv, drive, saturated, shallow, spec

HALVED = Pool(PoolKind.MAX, 2, 2)
OVERLAPPING = Pool(PoolKind.MAX, 3, 3, (2, 2), (1, 1))
SUM = Pool(PoolKind.SUM, 2, 2)


def joined(seed, coding, *, eager):
    """A stem whose maxima are joined; two blocks behind it of which the first is added, the second
    joined; spikes of three layers that come to a convolution, a shortcut and a readout."""
    rng = np.random.default_rng(seed)
    source, small = Shape(2, 4, 4), Shape(3, 2, 2)

    def layer(name, back=1, **more):
        return Hidden(name, conv(rng, 3, small), spec(rng, 3, eager), back, **more)

    kinds = list(JoinKind)
    hidden = (
        Hidden("stem", conv(rng, 3, source), spec(rng, 3, eager)),
        layer("one", pool=HALVED,
              join=SpikeJoin(kinds[seed % 3], 1, HALVED)),
        layer("two"),
        # two + one, and + the maxima of the stem.
        layer("three", summands=(Summand(3, OVERLAPPING), Summand(2))),
        layer("four", back=2, join=SpikeJoin(kinds[(seed + 1) % 3], 1), shortcuts=(
            SynapseShortcut(2, conv(rng, 3, small, 1), constants(rng, 3, 3),
                            summands=(Summand(4, HALVED), Summand(3))),
            SpikeShortcut(1, constants(rng, 3, 3)), SpikeShortcut(3, constants(rng, 3, 3)))),
        layer("five", join=SpikeJoin(kinds[(seed + 2) % 3], 4)),
    )
    readout = Readout("out", Dense(rng.choice(np.array([-1, 1], np.int8), (3, 3)),
                                   np.ones(3, bool)), constants(rng, 5, 3), np.arange(3), 1.0,
                      pool=SUM, summands=(Summand(3, SUM), Summand(2, SUM)))
    bits = 3 if coding is Coding.DIRECT else 1
    return Network("joins", TIMESTEPS, Input(coding, source.size, bits, shape=source), hidden,
                   readout, ("a", "b", "c"))


PLANS = {
    "wide": Schedule((LayerPlan(2, 3), LayerPlan(3, 3), LayerPlan(1, 3), LayerPlan(2, 3),
                      LayerPlan(3, 3), LayerPlan(2, 3), LayerPlan(2, 3))),
    "narrow": Schedule((*[LayerPlan(1, 1)] * 6, LayerPlan(1, 1))),
    "uneven": Schedule((*[LayerPlan(2, 2)] * 3, LayerPlan(2, 2, True), LayerPlan(1, 2),
                        LayerPlan(2, 2, True), LayerPlan(2, 2, True))),
}


def test_the_network_is_legal():
    for seed in range(3):
        assert problem(joined(seed, Coding.EVENTS, eager=False)) is None


@quick(0, wide=1)
@for_each("plan, coding, eager, pause, full", [
    ("uneven", Coding.EVENTS, True, .4, .7), ("wide", Coding.DIRECT, True, 0, .9),
    ("narrow", Coding.DIRECT, False, 0, 0)])
def test_shallow_queues_and_saturated_input(plan, coding, eager, pause, full):
    network = joined(len(plan), coding, eager=eager)
    drive(network, PLANS[plan], saturated(network, 2), pause, full, shallow)


@pytest.mark.slow
@for_each("plan, coding, eager", [*itertools.product(PLANS, Coding, [False, True])])
def test_shallow_queues_at_any_pace(plan, coding, eager):
    seed = len(plan) + eager
    network = joined(seed, coding, eager=eager)
    rng = np.random.default_rng(seed)
    inputs = saturated(network, 4)
    inputs[::2] = rng.integers(network.input.max_value + 1, size=inputs[::2].shape)
    drive(network, PLANS[plan], inputs, 0, .9, shallow)
