"""Gates that samples make, for random networks."""

from dataclasses import replace

import numpy as np

from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import CurrentShortcut

__all__ = ["random_gate", "with_gates"]


def random_gate(rng, synapse, timesteps):
    """Weights, indexes and factors of any number of bits, the table often flat or of one entry."""
    shape, bits = synapse.weights.shape[1:], int(rng.integers(2, 9))
    largest = (1 << bits - 1) - 1
    weights = rng.integers(-largest, largest + 1, shape).astype(np.int8)
    weights.flat[rng.integers(weights.size)] = rng.choice([-largest, largest])
    entries, width = 1 << int(rng.integers(0, 5)), int(rng.integers(1, 10))
    table = rng.integers(0, 1 << width, (timesteps, entries))
    if rng.random() < .3:
        table[:] = table[0]
    return SampleGate(weights, bits, int(rng.integers(-40, 41)), int(rng.integers(0, 5)), table,
                      int(rng.integers(0, width + 1)))


def with_gates(rng, network, share=.7):
    """``network``, most of its layers that join nothing with a gate and without a gain."""
    joined = {number - shortcut.back for number, layer in enumerate(network.hidden)
              for shortcut in layer.shortcuts if isinstance(shortcut, CurrentShortcut)}
    return replace(network, hidden=tuple(
        layer if layer.shortcuts or layer.current_pool or number in joined
        or rng.random() > share else
        replace(layer, neuron=replace(layer.neuron, gain=None),
                gate=random_gate(rng, layer.synapse, network.timesteps))
        for number, layer in enumerate(network.hidden)))
