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


@pytest.fixture
def build_document():
    """The function that builds a valid document."""
    return build


@pytest.fixture
def document():
    """A valid document that a test may spoil."""
    return build()
