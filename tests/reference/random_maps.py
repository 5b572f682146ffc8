"""Random integer networks of convolutions, pooling and shortcuts; corner cases are frequent."""

from __future__ import annotations

from dataclasses import replace

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

__all__ = ["random_inputs", "random_network"]

SIDES = (1, 1, 2, 3, 4, 5, 6, 7)


def random_network(rng, *, coding=None, timesteps=None, depth=None, wide=False):
    """Any legal graph: every layer's spikes or current is used by a later layer.

    rng : numpy Generator; what is None is drawn: timesteps 1..4, depth (hidden layers) 1..5
    wide : whether the first layer and the readout have weights of 8 bits
    """
    coding = coding or list(Coding)[rng.integers(2)]
    timesteps = timesteps or int(rng.integers(1, 5))
    depth = depth or int(rng.integers(1, 6))
    shape = Shape(int(rng.integers(1, 5)), *map(int, rng.choice(SIDES, 2)))
    bits = int(rng.integers(1, 5)) if coding is Coding.DIRECT else 1
    source = Input(coding, shape.size, bits, shape=shape)
    hidden = []
    for number in range(depth):
        hidden.append(_layer(rng, hidden, shape, source.max_value if not number else 1, timesteps))
    last, pool = hidden[-1].shape, _pool(rng, hidden[-1].shape)
    classes = int(rng.integers(1, 5))
    rows = timesteps if rng.random() < .5 else 1
    gain = np.repeat(rng.integers(-5, 6, (rows, classes)), timesteps // rows, axis=0)
    readout = Readout("out", _dense(rng, classes, (pool.shape(last) if pool else last).size), gain,
                      rng.integers(-3, 4, classes), 1.0, pool=pool)
    if wide:
        first = hidden[0]
        hidden[0] = replace(first, synapse=_wide(rng, first.synapse))
        readout = replace(readout, synapse=_wide(rng, readout.synapse))
    return Network("maps", timesteps, source, tuple(hidden), readout,
                   tuple(map(str, range(classes))))


def random_inputs(network, rng, count):
    """From silent to all firing, uint8 (count, size) or (count, T, size)."""
    direct = network.input.coding is Coding.DIRECT
    shape = (count, *(() if direct else (network.timesteps,)), network.input.size)
    density = rng.choice([0, .1, .4, .4, 1], (count, *[1] * (len(shape) - 1)))
    values = rng.integers(1, network.input.max_value + 1, shape)
    return (values * (rng.random(shape) < density)).astype(np.uint8)


def _layer(rng, before, entry, max_value, timesteps):
    """The next hidden layer: usually from the layer before, else that one is in a shortcut."""
    number = len(before)
    back = int(rng.integers(1, number + 1)) if number and rng.random() < .3 else 1
    shape = before[number - back].shape if number else entry
    pool = _pool(rng, shape) if number else None
    synapse = _synapse(rng, pool.shape(shape) if pool else shape)
    channels = synapse.shape.channels
    shortcuts = []
    for other in range(number):
        needed = back > 1 and other == number - 1
        if needed or rng.random() < .4:
            shortcut = _shortcut(rng, number, before, other, synapse.shape, timesteps)
            shortcuts += [shortcut] if shortcut else []
    if back > 1 and not any(shortcut.back == 1 for shortcut in shortcuts):
        return _layer(rng, before, entry, max_value, timesteps)
    gained = bool(shortcuts) or rng.random() < .6
    value = max_value * (pool.height * pool.width if pool and pool.kind is PoolKind.SUM else 1)
    spec = _neuron(rng, synapse.weights[0].size * value, channels, timesteps, gained)
    return Hidden(f"l{number}", synapse, spec, back, pool, tuple(shortcuts))


def _neuron(rng, reach, channels, timesteps, gained):
    """Constants of about the size that sums have, so that ties and resets are common."""
    fraction_bits, leak_bits = int(rng.integers(0, 3)), int(rng.integers(0, 4))
    leak = rng.integers(0, (1 << leak_bits) + 2, (timesteps, channels))
    leak = leak[:, 0] if rng.random() < .5 else leak
    leak[0] = 0
    span = (int(np.sqrt(reach)) + 1) << fraction_bits
    rows = (timesteps, channels)
    return NeuronSpec(
        fraction_bits, leak_bits, leak, rng.integers(-span // 2, span // 2 + 1, rows),
        rng.integers(-1, span + 1, rows), list(Reset)[rng.integers(2)],
        list(Comparison)[rng.integers(2)],
        rng.integers(-3 << fraction_bits, (3 << fraction_bits) + 1, rows) if gained else None,
        rng.integers(-1, span + 1, rows) if rng.random() < .5 else None)


def _shortcut(rng, number, before, other, target, timesteps):
    """From layer ``other`` to layer ``number`` of shape ``target``; None where nothing fits."""
    source, back = before[other], number - other
    gain = rng.integers(-5, 6, (timesteps, target.channels))
    kinds = [SynapseShortcut]
    if source.shape == target:
        kinds += [SpikeShortcut] + [CurrentShortcut] * 2 * (source.neuron.gain is not None)
    kind = kinds[rng.integers(len(kinds))]
    if kind is CurrentShortcut:
        return CurrentShortcut(back)
    if kind is SpikeShortcut:
        return SpikeShortcut(back, gain)
    pool = _pool(rng, source.shape)
    shape = pool.shape(source.shape) if pool else source.shape
    sides = [_fitting(rng, side, wanted) for side, wanted in (
        (shape.height, target.height), (shape.width, target.width))]
    if target.positions == 1 and rng.random() < .3:
        synapse = _dense(rng, target.channels, shape.size)
    elif all(sides):
        synapse = _conv(rng, target.channels, shape, *sides)
    else:
        return None
    return SynapseShortcut(back, synapse, gain, pool)


def _fitting(rng, side, wanted):
    """(kernel, stride, padding) that make ``wanted`` of ``side`` positions; None if none do."""
    choices = [(kernel, stride, padding) for kernel in range(1, 6) for stride in range(1, 4)
               for padding in range(min(kernel, 3)) if kernel <= side + 2 * padding
               and (side + 2 * padding - kernel) // stride + 1 == wanted]
    return choices[rng.integers(len(choices))] if choices else None


def _synapse(rng, shape):
    """A convolution that keeps the map (half of all), any other, or a dense layer."""
    draw = rng.random()
    if draw < .12:
        return _dense(rng, int(rng.integers(1, 9)), shape.size)
    if draw < .6:
        sides = [(kernel, 1, kernel // 2) for kernel in map(int, rng.choice([1, 3, 3, 5], 2))]
        channels = shape.channels
    else:
        sides = [_fitting(rng, side, wanted) for side in (shape.height, shape.width) for wanted in (
            int(rng.integers(1, side + 1)),)]
        channels = int(rng.choice([1, 2, 3, 4, 5, 9]))
    return _conv(rng, channels, shape, *sides) if all(sides) else _synapse(rng, shape)


def _conv(rng, channels, shape, vertical, horizontal):
    kernel, stride, padding = zip(vertical, horizontal, strict=True)
    weights = rng.choice(np.array([-1, 1], np.int8), (channels, shape.channels, *kernel))
    return Conv(weights, rng.random(channels) > .15, shape, stride, padding)


def _dense(rng, neurons, fan_in):
    return Dense(rng.choice(np.array([-1, 1], np.int8), (neurons, fan_in)),
                 rng.random(neurons) > .15)


def _wide(rng, synapse):
    weights = rng.choice(np.array([-127, -9, -2, -1, 0, 1, 2, 9, 127], np.int8),
                         synapse.weights.shape)
    return replace(synapse, weights=weights, weight_bits=8)


def _pool(rng, shape):
    """Windows that divide the map, or none."""
    if rng.random() < .5:
        return None
    sides = [[size for size in range(1, side + 1) if side % size == 0]
             for side in (shape.height, shape.width)]
    height, width = (int(rng.choice(sizes)) for sizes in sides)
    return Pool(list(PoolKind)[rng.integers(2)], height, width)
