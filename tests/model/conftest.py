"""Valid documents for the tests, small and random."""

from itertools import pairwise

import pytest
import torch

LIF = {"type": "lif", "leak": 0.5, "threshold": 1.0, "reset": "hard", "comparison": ">="}


def _norm(neurons, generator):
    """A random BatchNorm, with negative and zero scales among many neurons."""
    def values():
        return torch.randn(neurons, generator=generator)
    return {"gamma": values().round(decimals=0), "beta": values(), "mean": values(),
            "var": values().abs(), "eps": 1e-5}


def _linear(name, neurons, fan_in, generator, **more):
    """A linear layer with random latent weights."""
    return {"name": name, "type": "linear", "neuron": dict(LIF),
            "weight": torch.randn(neurons, fan_in, generator=generator), **more}


def build(seed=0, sizes=(6, 5, 4, 3), timesteps=3, coding="direct", **more):
    """A whole document: hidden layers fc1, fc2, ... and a readout."""
    generator = torch.Generator().manual_seed(seed)
    direct = {"bits": 4, "scale": 0.25, "offset": -1.0} if coding == "direct" else {}
    layers = []
    for index, (fan_in, neurons) in enumerate(pairwise(sizes)):
        layers.append(_linear(f"fc{index + 1}", neurons, fan_in, generator,
                             norm=_norm(neurons, generator),
                             bias=torch.randn(neurons, generator=generator)))
        layers[-1]["gate"] = {"kind": "constant",
                              "value": torch.rand(timesteps, generator=generator) + 0.25}
    layers[-1]["neuron"] = {"type": "readout"}
    return {"format": "bsnn-hw/model", "version": 1, "name": "test", "timesteps": timesteps,
            "input": {"coding": coding, "shape": [sizes[0]], **direct}, "layers": layers, **more}


def _scaling(channels, timesteps, generator):
    """What follows a synapse: bias, norm and gate."""
    return {"bias": torch.randn(channels, generator=generator),
            "norm": _norm(channels, generator),
            "gate": {"kind": "constant",
                     "value": torch.rand(timesteps, generator=generator) + 0.25}}


def build_maps(seed=0, timesteps=3, coding="direct", **neuron):
    """A document with every kind of synapse, pooling and shortcut, on small maps.

    conv1 4x6x6, conv2 4x6x6, conv3 5x4x2, conv4 5x4x2, fc1 6, fc2 6, out 3.
    """
    generator = torch.Generator().manual_seed(seed)

    def weights(*shape):
        return {"weight": torch.randn(shape, generator=generator),
                **_scaling(shape[0], timesteps, generator)}

    def layer(name, *shape, **more):
        return {"name": name, "type": "conv2d" if len(shape) == 4 else "linear",
                "neuron": LIF | neuron, **weights(*shape), **more}

    direct = {"bits": 4, "scale": 0.25, "offset": 0.0} if coding == "direct" else {}
    layers = [
        layer("conv1", 4, 1, 3, 3, padding=1),
        layer("conv2", 4, 4, 3, 3, padding=[1, 1], stride=1, groups=1, dilation=[1, 1],
              shortcuts=[{"kind": "current", "from": "conv1"}]),
        layer("conv3", 5, 4, 2, 3, padding=1, stride=[1, 2], pool={"kind": "max", "size": 2}),
        layer("conv4", 5, 5, 1, 1, shortcuts=[
            {"kind": "spikes", "from": "conv3", "scale": 0.5},
            {"kind": "conv2d", "from": "conv1", **weights(5, 4, 3, 5)},
            {"kind": "current", "from": "conv3"}]),
        layer("fc1", 6, 20, pool={"kind": "avg", "size": [2, 1]}),
        layer("fc2", 6, 48, input="conv2", pool={"kind": "sum", "size": [3, 1]}, shortcuts=[
            {"kind": "linear", "from": "conv3", "pool": {"kind": "sum", "size": [4, 2]},
             **weights(6, 5)},
            {"kind": "spikes", "from": "fc1"}]),
        layer("out", 3, 6, neuron={"type": "readout"}),
    ]
    return {"format": "bsnn-hw/model", "version": 1, "name": "maps", "timesteps": timesteps,
            "input": {"coding": coding, "shape": [1, 6, 6], **direct}, "layers": layers}


@pytest.fixture
def build_document():
    """The function that builds a valid document."""
    return build


@pytest.fixture
def document():
    """A valid document that a test may spoil."""
    return build()


@pytest.fixture
def build_maps_document():
    """The function that builds a valid document with maps and shortcuts."""
    return build_maps


@pytest.fixture
def maps():
    """A valid document with maps and shortcuts that a test may spoil."""
    return build_maps()
