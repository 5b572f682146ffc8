"""Random networks, schedules and inputs; seeds make them, and corner cases are frequent."""

from __future__ import annotations

import numpy as np

from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Readout,
    Reset,
)
from bsnn_hw.ir.schedule import Engine, LayerPlan, Rows, Schedule

__all__ = ["random_hidden", "random_inputs", "random_network", "random_schedule"]


def random_dense(rng, neurons, fan_in):
    """Weights of either sign; a tenth of the neurons is disconnected."""
    weights = np.where(rng.random((neurons, fan_in)) < .5, 1, -1).astype(np.int8)
    return Dense(weights, rng.random(neurons) < .9)


def random_hidden(rng, name, neurons, fan_in, timesteps, max_value):
    """Thresholds and biases of about the size that sums have."""
    fraction_bits, leak_bits = int(rng.integers(0, 4)), int(rng.integers(0, 5))
    leak = rng.integers(0, (1 << leak_bits) + 1, (timesteps, neurons))
    leak = leak[:, 0] if rng.random() < .5 else leak
    leak[0] = 0
    span = int(np.sqrt(fan_in) * max_value * (1 << fraction_bits)) + 1
    spec = NeuronSpec(
        fraction_bits, leak_bits, leak,
        bias=rng.integers(-span // 2, span // 2 + 1, (timesteps, neurons)),
        threshold=rng.integers(1, span + 1, (timesteps, neurons)),
        reset=list(Reset)[rng.integers(2)], comparison=list(Comparison)[rng.integers(2)],
        reset_by=rng.integers(0, span + 1, (timesteps, neurons)) if rng.random() < .5 else None)
    return Hidden(name, random_dense(rng, neurons, fan_in), spec)


def random_network(seed, *, coding=None, timesteps=None):
    """One to three hidden layers."""
    rng = np.random.default_rng(seed)
    timesteps = timesteps or int(rng.integers(1, 6))
    coding = coding or list(Coding)[rng.integers(2)]
    bits = int(rng.integers(1, 9)) if coding is Coding.DIRECT else 1
    source = Input(coding, int(rng.integers(1, 20)), bits)
    hidden, fan_in, value = [], source.size, source.max_value
    for index in range(int(rng.integers(1, 4))):
        neurons = int(rng.integers(1, 15))
        hidden.append(random_hidden(rng, f"fc{index}", neurons, fan_in, timesteps, value))
        fan_in, value = neurons, 1
    classes = int(rng.integers(1, 9))
    rows = timesteps if rng.random() < .5 else 1
    gain = np.repeat(rng.integers(-7, 8, (rows, classes)), timesteps // rows, axis=0)
    readout = Readout("out", random_dense(rng, classes, fan_in), gain,
                      rng.integers(-9, 10, classes), 1.0)
    return Network("net", timesteps, source, tuple(hidden), readout,
                   tuple(map(str, range(classes))))


def random_words(rng, width, rows, parallel):
    """A plan of words: parts of a row, a row, or several."""
    lanes = [rng.integers(1, width + 1), width, width * rng.integers(1, rows + 1)]
    return LayerPlan(int(rng.choice(lanes)), parallel, engine=Engine.WORDS)


def random_schedule(seed, network, *, words=0.0):
    """Any legal lanes and parallel neurons; the widest and the narrowest are frequent.

    words : chance that a layer takes words where it can
    """
    rng = np.random.default_rng(seed + 10_000)
    rows = 1
    plans, width = [], network.input.size
    for layer in (*network.hidden, network.readout):
        lanes = int(rng.integers(1, min(width, 5) + 1))
        parallel = int(rng.choice([1, layer.synapse.neurons,
                                   rng.integers(1, layer.synapse.neurons + 1)]))
        shared = bool(plans) and lanes > 1 and rng.random() < .5
        plan = LayerPlan(lanes, parallel, shared)
        if words and (plans or network.input.max_value == 1) and rng.random() < words:
            plan = random_words(rng, width, rows, parallel)
        plans.append(plan)
        width, rows = parallel, -(-layer.synapse.neurons // parallel)
    return Schedule(tuple(plans)).placed(Rows((33, 2)[seed % 2]))


def random_inputs(seed, network, count):
    """From all silent to all firing."""
    rng = np.random.default_rng(seed + 20_000)
    direct = network.input.coding is Coding.DIRECT
    shape = (count, *(() if direct else (network.timesteps,)), network.input.size)
    density = rng.choice([0, .1, .5, 1], (count, *[1] * (len(shape) - 1)))
    return rng.integers(1, network.input.max_value + 1, shape) * (rng.random(shape) < density)
