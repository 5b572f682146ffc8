"""Real-valued networks of convolutions, pooling and shortcuts for the tests of lowering."""

from dataclasses import replace

import numpy as np
from models import norm

from bsnn_hw.model.description import (
    Coding,
    Comparison,
    Conv2d,
    CurrentShortcut,
    Feed,
    Input,
    Layer,
    Linear,
    Model,
    Neuron,
    Pooling,
    PoolingKind,
    Reset,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)

SIDES = (1, 2, 4, 4, 6)


def random_model(seed, *, coding=None, dyadic=False, joined=True, depth=None, timesteps=None,
                 wide=False):
    """Every option of the graph; ``dyadic`` parameters are exact in 12 fraction bits and hit
    thresholds exactly; ``wide`` weights of the first layer and the readout have 8 bits."""
    rng = np.random.default_rng(seed)
    coding = coding or list(Coding)[rng.integers(2)]
    timesteps = timesteps or int(rng.integers(1, 5))
    draw = _Draw(rng, timesteps, dyadic)
    shape = Shape(int(rng.integers(1, 4)), *map(int, rng.choice(SIDES, 2)))
    direct = coding is Coding.DIRECT
    source = Input(coding, shape.size, int(rng.integers(1, 4)) if direct else 1,
                   (1.0 if dyadic else 0.3) if direct else 1.0, 0.0, shape)
    layers = []
    for number in range(depth or int(rng.integers(1, 6))):
        feed = Feed(layers[-1].name, draw.pool(layers[-1].shape), shape) if layers else Feed(
            None, None, shape)
        if feed.pool:
            feed = Feed(feed.source, feed.pool, _pooled(feed.pool, shape))
        synapse = draw.synapse(feed.shape)
        target = synapse.output(feed.shape)
        shortcuts = tuple(draw.shortcut(other, target) for other in layers
                          if joined and rng.random() < .5)
        layers.append(Layer(
            f"l{number}", synapse, draw.norm(target.channels), draw.gate(), draw.neuron(), feed,
            tuple(each for each in shortcuts if each)))
        shape = target
    feed = Feed(layers[-1].name, draw.pool(shape), shape)
    if feed.pool:
        feed = Feed(feed.source, feed.pool, _pooled(feed.pool, shape))
    classes = int(rng.integers(1, 4))
    readout = Layer("out", draw.linear(classes, feed.shape.size), draw.norm(classes), draw.gate(),
                    None, feed)
    if wide:
        layers[0], readout = draw.wide(layers[0]), draw.wide(readout)
    return Model("maps", timesteps, source, (*layers, readout), tuple(map(str, range(classes))))


def _pooled(pool, shape):
    return Shape(shape.channels, shape.height // pool.size[0], shape.width // pool.size[1])


class _Draw:
    """Parameters, drawn at random."""

    def __init__(self, rng, timesteps, dyadic):
        self._rng, self._timesteps, self._dyadic = rng, timesteps, dyadic

    def pool(self, shape):
        if self._rng.random() < .5:
            return None
        sizes = (1, 2, 4) if self._dyadic else (1, 2, 3, 4)
        size = tuple(int(self._rng.choice([each for each in sizes if side % each == 0]))
                     for side in (shape.height, shape.width))
        return Pooling(list(PoolingKind)[self._rng.integers(3)], size)

    def synapse(self, shape):
        rng = self._rng
        if rng.random() < .1:
            return self.linear(int(rng.integers(1, 6)), shape.size)
        if rng.random() < .6:
            kernel = rng.choice([1, 3], 2)
            return self._conv(shape.channels, shape.channels, kernel, (1, 1), kernel // 2)
        while True:
            kernel, stride, padding = rng.integers(1, 5, 2), rng.integers(1, 4, 2), rng.integers(
                0, 3, 2)
            conv = self._conv(int(rng.integers(1, 6)), shape.channels, kernel, stride,
                              np.minimum(padding, kernel - 1))
            output = conv.output(shape)
            if min(output.height, output.width) > 0:
                return conv

    def _conv(self, channels, inputs, kernel, stride, padding):
        weight = self._rng.normal(size=(channels, inputs, *kernel)).round(1)
        return Conv2d(weight, self._bias(channels), tuple(map(int, stride)),
                      tuple(map(int, padding)))

    def linear(self, neurons, fan_in):
        return Linear(self._rng.normal(size=(neurons, fan_in)).round(1), self._bias(neurons))

    def shortcut(self, other, target):
        """From the layer ``other`` to a layer of this shape; None where nothing fits."""
        rng = self._rng
        draw = rng.random()
        if other.shape == target and draw < .7:
            if draw < .35:
                return CurrentShortcut(other.name)
            return SpikeShortcut(other.name, float(rng.choice([0.5, 1.0, 2.0])) if self._dyadic
                                 else float(rng.random() + .1))
        shape, size = other.shape, (1, 1)
        rows, columns = (-(-shape.height // target.height), -(-shape.width // target.width))
        feed = Feed(other.name, None, shape)
        if rng.random() < .3 and shape.height == rows * target.height and (
                shape.width == columns * target.width) and rows * columns in (1, 2, 4, 8, 16):
            size = (rows, columns)
            pool = Pooling(list(PoolingKind)[rng.integers(3)], size)
            feed = Feed(other.name, pool, _pooled(pool, shape))
            rows = columns = 1
        conv = self._conv(target.channels, shape.channels, (1, 1), (rows, columns), (0, 0))
        if conv.output(feed.shape) != target:
            return None
        return SynapseShortcut(feed, conv, self.norm(target.channels), self.gate())

    def wide(self, layer):
        weight = self._rng.integers(-7, 8, layer.synapse.weight.shape).astype(float)
        return replace(layer, synapse=replace(layer.synapse, weight=weight, weight_bits=4))

    def _bias(self, channels):
        return self._rng.integers(-2, 3, channels) / 2 if self._dyadic else self._rng.normal(
            size=channels)

    def norm(self, channels):
        rng = self._rng
        if self._dyadic:
            return norm(channels, rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0], channels),
                        rng.integers(-4, 5, channels) / 4, rng.integers(-4, 5, channels) / 4,
                        rng.choice([0.25, 1.0, 4.0], channels))
        return norm(channels, rng.normal(size=channels), rng.normal(size=channels),
                    rng.normal(size=channels), rng.random(channels) + .1, 1e-5)

    def gate(self):
        if self._dyadic:
            return np.full(self._timesteps, self._rng.choice([0.5, 1.0, 2.0]))
        return self._rng.random(self._timesteps) + .3

    def neuron(self):
        rng = self._rng
        leak = rng.choice([1.0, 0.5] if self._dyadic else [1.0, 0.5, 0.83, 0.1])
        threshold = float(rng.integers(1, 9)) / 4 if self._dyadic else 0.7
        scale = rng.choice([1.0, 0.5] if self._dyadic else [1.0, 0.4])
        return Neuron(float(leak), threshold, list(Reset)[rng.integers(2)],
                      list(Comparison)[rng.integers(2)], float(scale))
