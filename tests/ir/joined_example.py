"""A small network with each kind of shortcut."""

import numpy as np

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


def conv(source):
    """Two channels, a kernel 2 high and 1 wide: +1 above -1 in every input channel, and all +1."""
    weights = np.ones((2, source.channels, 2, 1), np.int8)
    weights[0, :, 1] = -1
    return Conv(weights, np.array([True, False]), source, (2, 1), (1, 0))


def spec(gain):
    table = np.array([[gain, -gain]])
    return NeuronSpec(1, 0, np.zeros(1, np.int64), table, table, Reset.HARD, Comparison.AT_LEAST,
                      table if gain else None)


def example():
    image, pooled = Shape(1, 2, 2), Pool(PoolKind.SUM, 1, 2)
    last = Shape(2, 2, 2)
    same = Conv(np.ones((2, 2, 1, 1), np.int8), np.ones(2, bool), last)
    fits = Conv(np.ones((2, 2, 1, 2), np.int8), np.ones(2, bool), Shape(2, 2, 1), (1, 1), (0, 1))
    return Network("maps", 1, Input(Coding.EVENTS, 4, 1, shape=image), (
        Hidden("a", conv(image), spec(1)),
        Hidden("b", same, spec(2), shortcuts=(CurrentShortcut(1),)),
        Hidden("c", same, spec(3), 2, None, (
            SpikeShortcut(1, np.array([[4, -5]])),
            SynapseShortcut(2, fits, np.array([[6, 7]]), pooled))),
        ), Readout("out", Dense(np.ones((1, 4), np.int8), np.ones(1, bool)), np.array([[1]]),
                   np.array([0]), 1.0, 1, Pool(PoolKind.MAX, 2, 1)), ("only",))
