"""A framework of one neuron, so that the converter is tested without any."""

import torch
from torch import nn

from bsnn_hw.convert.converter import Converter
from bsnn_hw.convert.family import Family, called, numbers


class Fire(nn.Module):
    """Integrates, fires from the threshold on, resets to 0; gives spikes and its membrane."""

    def __init__(self, threshold=1.0, state=False):
        super().__init__()
        self.threshold, self.state, self.v = threshold, state, None

    def forward(self, x, v=None):
        v = self.v if v is None else v
        v = x if v is None else v + x
        spikes = (v >= self.threshold).float()
        self.v = v * (1 - spikes)
        return (spikes, self.v) if self.state else spikes


class Strange(Fire):
    """A class of its own below a known one."""


class Twice(nn.Module):
    """A neuron that is refused by name."""

    def forward(self, x):
        return x


def _leaf(trace, path, module, args, out):
    spikes, membrane = out if isinstance(out, tuple) else (out, None)
    state = args[1] if len(args) > 1 else None
    called(trace, path, module, trace.value(args[0]), ("N",), spikes, membrane, state)


def _reset(module):
    for part in module.modules():
        if isinstance(part, Fire):
            part.v = None


def _fire(module):
    return {"type": "if", "threshold": numbers(module.threshold), "reset": "hard",
            "comparison": ">="}


TOY = Family(__name__.split(".")[0], {"Fire": _fire},
             {"Twice": "a second-order neuron (twice)"}, ("Fire",), _leaf, reset=_reset)
toy = Converter("toy", (TOY,))


def looped(body, timesteps=3, reduce=lambda record: torch.stack(record).mean(0)):
    """A module whose forward runs ``body`` at every timestep."""

    class Looped(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = body

        def forward(self, x):
            return reduce([self.body(x) for _ in range(timesteps)])

    return Looped()
