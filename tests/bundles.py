"""Small networks and bundles of them, for the tests of emission, verification and the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.emission.bundle import write_bundle
from bsnn_hw.emission.design import Design
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Schedule
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.planning.schedule import make_schedule
from evidence.random_models import (
    random_document,
    random_inputs,
    random_norm,
    with_tensors,
)

__all__ = ["CHOICES", "Bundle", "make_bundle", "make_map_bundle", "make_network",
           "make_words_bundle", "map_document"]

# seed -> lanes, parallel: sizes that divide nothing evenly.
CHOICES = {
    24: ((3, 4), (5, 2)),      # direct, 19 inputs of 5 bits, T = 4, 14-2
    32: ((3, 2), (4, 3)),      # events, 11 inputs, T = 8, 10-3
    34: ((2, 1), (4, 1)),      # events, 3 inputs, T = 1, 6-1
}


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk and what it was made of."""

    folder: Path
    network: Network
    schedule: Schedule
    inputs: np.ndarray
    design: Design


def make_network(seed: int, samples: int = 24) -> tuple[Network, np.ndarray]:
    """The random network of ``seed`` and samples for it, from silent to saturated."""
    document = random_document(seed)
    inputs = random_inputs(seed, document, samples)
    request = PrecisionRequest(fraction_bits=2, leak_bits=4)
    return lower(describe(document, "test"), inputs, request).network, inputs


def make_bundle(seed: int, folder: Path, **options) -> Bundle:
    """Write the bundle of a seed in `CHOICES`."""
    network, inputs = make_network(seed)
    schedule = make_schedule(network, *CHOICES[seed])
    design = write_bundle(network, schedule, inputs, folder, **options)
    return Bundle(folder, network, schedule, inputs, design)


def make_words_bundle(folder: Path, **options) -> Bundle:
    """The network of seed 32, words at the port, and rows gathered in the readout."""
    network, inputs = make_network(32)
    schedule = make_schedule(network, (4, 8), (4, 3), [Engine.WORDS] * 2)
    design = write_bundle(network, schedule, inputs, folder, **options)
    return Bundle(folder, network, schedule, inputs, design)


def map_document():
    """Events, a 3x4x6 image, T = 2; pooling of two kinds and joins of all three."""
    rng = np.random.default_rng(5)

    def synapses(kind, *shape, **more):
        fan_in = int(np.prod(shape[1:]))
        return {"weight": rng.normal(size=shape), "norm": random_norm(rng, fan_in, shape[0], 0.4),
                **({"type": kind} if more.pop("layer", True) else {"kind": kind}), **more}

    neuron = {"type": "lif", "leak": 0.5, "threshold": 0.7, "reset": "soft", "comparison": ">="}
    return with_tensors({
        "format": "bsnn-hw/model", "version": 1, "name": "maps", "timesteps": 2,
        "input": {"coding": "events", "shape": [3, 4, 6]},
        "layers": [
            {"name": "c1", "neuron": neuron,
             **synapses("conv2d", 4, 3, 3, 3, padding=1)},
            {"name": "c2", "neuron": neuron, "pool": {"kind": "max", "size": 2},
             **synapses("conv2d", 4, 4, 3, 3, padding=1),
             "shortcuts": [{"from": "c1", **synapses("conv2d", 4, 4, 1, 1, stride=2,
                                                     layer=False)}]},
            {"name": "c3", "neuron": neuron, **synapses("conv2d", 4, 4, 2, 3, padding=[0, 1]),
             "stride": [1, 1]},
            {"name": "c4", "neuron": neuron, "input": "c2",
             **synapses("conv2d", 4, 4, 3, 3, padding=1),
             "shortcuts": [{"kind": "current", "from": "c2"},
                           {"kind": "spikes", "from": "c2", "scale": 0.5},
                           {"from": "c3", **synapses("conv2d", 4, 4, 2, 1, padding=[1, 0],
                                                     layer=False)}]},
            {"name": "out", "pool": {"kind": "sum", "size": [1, 3]},
             "neuron": {"type": "readout"}, **synapses("linear", 3, 8)},
        ]})


def make_map_bundle(folder: Path, parallel=(2, 3, 2, 3, 2), units=None, **options) -> Bundle:
    """Write the bundle of ``map_document``."""
    document = map_document()
    inputs = random_inputs(1, document, 24)
    request = PrecisionRequest(fraction_bits=2, leak_bits=4)
    network = lower(describe(document, "test"), inputs, request).network
    schedule = make_schedule(network, (2, 2, 3, 1, 2), parallel, units=units)
    design = write_bundle(network, schedule, inputs, folder, **options)
    return Bundle(folder, network, schedule, inputs, design)
