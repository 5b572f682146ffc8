"""Small networks of maps with plain constants, for the tests of planning."""

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
    Readout,
    Reset,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)

__all__ = ["chain", "conv", "hidden", "joined", "network"]


def conv(source, channels, kernel=(3, 3), stride=(1, 1), padding=(1, 1)):
    weights = np.ones((channels, source.channels, *kernel), np.int8)
    return Conv(weights, np.ones(channels, bool), source, stride, padding)


def hidden(name, synapse, timesteps=2, **more):
    """Every weight +1; with shortcuts a gain of 1."""
    channels = synapse.shape.channels
    rows = (timesteps, channels)
    gain = np.ones(rows, np.int64) if more.pop("gained", "shortcuts" in more) else None
    spec = NeuronSpec(0, 0, np.zeros(timesteps, np.int64), np.zeros(rows, np.int64),
                      np.ones(rows, np.int64), Reset.HARD, Comparison.AT_LEAST, gain)
    return Hidden(name, synapse, spec, **more)


def network(shape, layers, coding=Coding.EVENTS, timesteps=2, pool=None, classes=2):
    last = layers[-1].shape if layers else shape
    fan_in = (pool.shape(last) if pool else last).size
    readout = Readout("out", Dense(np.ones((classes, fan_in), np.int8), np.ones(classes, bool)),
                      np.ones((timesteps, classes), np.int64), np.zeros(classes, np.int64), 1.0,
                      pool=pool)
    return Network("maps", timesteps, Input(coding, shape.size, 1, shape=shape), tuple(layers),
                   readout, tuple(map(str, range(classes))))


IMAGE = Shape(3, 3, 4)


def chain(shape=IMAGE, channels=(4, 5), **more):
    """Convolutions of 3x3, padded."""
    layers = []
    for number, count in enumerate(channels):
        layers.append(hidden(f"c{number + 1}", conv(shape if not number else layers[-1].shape,
                                                    count)))
    return network(shape, layers, **more)


def joined(channels=4):
    """c1 -> c2 -> c3 -> c4: c3 adds c1's current, c4 c3's spikes, and a 1x1 of c2's spikes."""
    shape = Shape(2, 3, 3)
    first = hidden("c1", conv(shape, channels), gained=True)
    inner = conv(first.shape, channels)
    gain = np.ones((2, channels), np.int64)
    point = conv(first.shape, channels, (1, 1), padding=(0, 0))
    return network(shape, [
        first, hidden("c2", inner),
        hidden("c3", inner, shortcuts=(CurrentShortcut(2),)),
        hidden("c4", inner, shortcuts=(SpikeShortcut(1, gain), SynapseShortcut(2, point, gain))),
    ])
