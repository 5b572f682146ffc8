"""Random networks of the frameworks' own modules, and how each is converted."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.convert.signs import BinaryConv2d, BinaryLinear, CentredConv2d, stirred

PIXELS = {"coding": "direct", "bits": 8, "scale": 1 / 255}
EVENTS = {"coding": "events"}
FRAMEWORKS = ("snntorch", "spikingjelly", "sinabs", "norse", "brevitas")


@dataclass(frozen=True)
class Case:
    """A module and the arguments of its converter."""

    module: nn.Module
    shape: tuple[int, ...]
    timesteps: int
    options: dict[str, Any] = field(default_factory=dict)


def random_case(framework, seed):
    """The network of a seed: 1 or 2 convolutions or none, and 1 or 2 hidden linear layers."""
    torch.manual_seed(seed)
    return globals()[f"_{framework}"](np.random.default_rng(seed))


def _layers(rng, neuron, shape, spiking, wrap=lambda module: module, flatten=1, quantised=None):
    """Modules up to a last layer, ``spiking`` or not; ``neuron`` makes the neurons of a shape."""
    channels, side = shape[0], shape[1]
    modules = []
    for _ in range(int(rng.integers(0, 3))):
        made = int(rng.integers(2, 6))
        kind = quantised["conv"] if quantised else rng.choice([BinaryConv2d, CentredConv2d])
        modules.append(wrap(kind(channels, made, 3, padding=1, bias=bool(rng.integers(2)))))
        if rng.integers(2):
            modules.append(wrap(nn.BatchNorm2d(made)))
        modules.append(neuron((made, side, side)))
        channels = made
        if side % 2 == 0 and rng.integers(3):
            modules.append(wrap(rng.choice([nn.MaxPool2d, nn.AvgPool2d])(2)))
            side //= 2
    modules.append(nn.Flatten(flatten))
    width = channels * side * side
    linear = quantised["linear"] if quantised else BinaryLinear
    for _ in range(int(rng.integers(1, 3))):
        made = int(rng.integers(4, 12))
        modules += [linear(width, made, bias=bool(rng.integers(2))), neuron((made,))]
        width = made
    modules.append(linear(width, 4, bias=bool(rng.integers(2))))
    return [*modules, neuron((4,))] if spiking else modules


def _ends(rng):
    """Whether the last layer spikes, and what is said of the scores then."""
    spiking = bool(rng.integers(2))
    return spiking, {"readout": "spike_count" if spiking else str(rng.choice(["mean", "sum",
                                                                              "last"]))}


def _parts(rng):
    """Coding, shape and timesteps."""
    shape = (int(rng.integers(1, 3)), 8, 8)
    return (PIXELS if rng.integers(2) else EVENTS), shape, int(rng.integers(2, 7))


def _leaky(rng, thresholds=(0.05, 0.125, 0.3, 1.0)):
    import snntorch

    def neuron(shape):
        beta = float(rng.choice([0.5, 0.9, 0.95, 1.0]))
        return snntorch.Leaky(
            beta=beta, threshold=float(rng.choice(thresholds)), init_hidden=True,
            reset_mechanism=str(rng.choice(["subtract", "zero", "none"])))

    return neuron


def _snntorch(rng):
    coding, shape, timesteps = _parts(rng)
    spiking, scores = _ends(rng)
    modules = _layers(rng, _leaky(rng), shape, spiking)
    module = stirred(nn.Sequential(*modules), int(rng.integers(99)))
    return Case(module, shape, timesteps, {**coding, **scores})


class Repeated(nn.Module):
    """All timesteps in one forward, as SpikingJelly's examples have it."""

    def __init__(self, timesteps, *modules):
        super().__init__()
        self.timesteps, self.body = timesteps, nn.Sequential(*modules)

    def forward(self, x):
        x = x.unsqueeze(0).repeat(self.timesteps, *[1] * x.dim())
        return self.body(x).mean(0)


def _spikingjelly(rng):
    from spikingjelly.activation_based import functional, layer, neuron

    def made(shape):
        rest = rng.choice([0.0, None, -0.25])
        rules = {"v_threshold": float(rng.choice([0.05, 0.125, 0.5])),
                 "v_reset": None if rest is None else float(rest)}
        kind = int(rng.integers(3))
        if kind == 0:
            return neuron.IFNode(**rules)
        decays = {"decay_input": bool(rng.integers(2))}
        if kind == 1:
            return neuron.LIFNode(float(rng.choice([1.5, 2.0, 4.0])), **decays, **rules)
        return neuron.ParametricLIFNode(float(rng.choice([1.5, 2.0, 4.0])), **decays, **rules)

    coding, shape, timesteps = _parts(rng)
    spiking, scores = _ends(rng)
    modules = _layers(rng, made, shape, spiking, wrap=layer.SeqToANNContainer, flatten=2)
    if coding is PIXELS:
        module, more = Repeated(timesteps, *modules), {}
    else:
        module, more = nn.Sequential(*modules), {"sequence": True, **scores}
    functional.set_step_mode(module, "m")
    return Case(stirred(module, int(rng.integers(99))), shape, timesteps, coding | more)


def _sinabs(rng):
    import sinabs.layers as layers
    from sinabs.activation import MembraneReset, MembraneSubtract, SingleSpike

    def made(shape):
        rules = {"spike_fn": SingleSpike, "spike_threshold": torch.tensor(
                    float(rng.choice([0.05, 0.125, 0.5]))),
                 "reset_fn": rng.choice([MembraneSubtract(), MembraneReset(),
                                         MembraneSubtract(0.75)])}
        if rng.integers(2):
            return layers.IAF(**rules)
        return layers.LIF(tau_mem=float(rng.choice([2.0, 5.0, 20.0])),
                          norm_input=bool(rng.integers(2)), **rules)

    coding, shape, timesteps = _parts(rng)
    spiking, scores = _ends(rng)
    modules = _layers(rng, made, shape, spiking, wrap=layers.Repeat, flatten=2)
    module = stirred(nn.Sequential(*modules), int(rng.integers(99)))
    for part in modules:
        if isinstance(part, layers.LIF) and rng.integers(2):
            part.min_v_mem = nn.Parameter(torch.tensor(float(rng.choice([-1.0, -0.7]))))
    return Case(module, shape, timesteps, {**coding, **scores})


def _norse(rng):
    import norse.torch as norse

    def made(shape):
        rules = norse.LIFBoxParameters(
            v_th=torch.tensor(float(rng.choice([0.01, 0.03, 0.1]))),
            tau_mem_inv=torch.tensor(float(rng.choice([100.0, 250.0, 500.0]))))
        return norse.LIFBoxCell(rules)

    coding, shape, timesteps = _parts(rng)
    spiking, scores = _ends(rng)
    module = norse.SequentialState(*_layers(rng, made, shape, spiking))
    return Case(stirred(module, int(rng.integers(99))), shape, timesteps,
                {**coding, **scores})


def _brevitas(rng):
    import brevitas.nn as quantised
    from brevitas.quant import SignedBinaryWeightPerTensorConst
    from spikingjelly.activation_based import neuron as jelly

    def conv(*args, **more):
        return quantised.QuantConv2d(*args, weight_quant=SignedBinaryWeightPerTensorConst, **more)

    def linear(*args, **more):
        return quantised.QuantLinear(*args, weight_quant=SignedBinaryWeightPerTensorConst, **more)

    leaky = _leaky(rng, (0.01, 0.03))  # their weights are 0.1
    neuron = rng.choice([leaky, lambda shape: jelly.LIFNode(2.0, v_threshold=0.02,
                                                                v_reset=None)])
    coding, shape, timesteps = _parts(rng)
    spiking, scores = _ends(rng)
    modules = _layers(rng, neuron, shape, spiking, quantised={"conv": conv, "linear": linear})
    module = stirred(nn.Sequential(*modules), int(rng.integers(99)))
    return Case(module, shape, timesteps, {**coding, **scores})
