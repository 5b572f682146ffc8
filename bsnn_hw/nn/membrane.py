"""How far membranes can go in a network in training, and a penalty on what is beyond a width."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Reset
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.network import Network

__all__ = ["Membranes"]

_STILL = 1e-6  # of a neuron's scale, below which its inputs do not move it
_ROOM = 0.97  # of the width, that training aims at: constants are rounded after it


class Membranes:
    """The charged membranes of a network without shortcuts and pools, in counts of a synapse: the
    integers of the circuit without fraction bits (docs/ir.md, widths).

    Parameters
    ----------
    network : Network, all of whose gates are constants at inference
    input_bits : int, of the network's input, whose largest value is 1 in real numbers
    """

    def __init__(self, network: Network, input_bits: int):
        self._hidden: dict[str, Any] = dict(network.hidden)
        self._timesteps = network.timesteps
        most = (1 << input_bits) - 1
        self._largest = {name: most if index == 0 else 1
                         for index, name in enumerate(self._hidden)}

    def check(self, bits: int) -> None:
        """Refuse `bits` that no signs can reach: half of the weights of a neuron are negative then.

        Raises
        ------
        InputError
            Names the first layer, and what it takes.
        """
        for name, layer in self._hidden.items():
            weights = layer.synapse.weight
            inputs = weights[0].numel() * self._largest[name]
            if layer.synapse.weight_bits == 1:
                least = inputs / 2 * sum(layer.neuron.leak ** i
                                         for i in range(self._timesteps))
                if _width(least) > bits:
                    raise InputError(
                        f"membrane_bits: must be at least {_width(least)} for layer {name}, of "
                        f"{weights[0].numel()} inputs up to {self._largest[name]}, not {bits}; or "
                        "take fewer `inputs_used`, `hidden` neurons, `bits` or `timesteps`")

    def widths(self) -> dict[str, int]:
        """Bits of each layer's membranes without fraction bits, by what any input can cause."""
        with torch.no_grad():
            return {name: _width(float(self._reach(name, layer).max()))
                    for name, layer in self._hidden.items()}

    def excess(self, bits: int) -> Tensor:
        """How far neurons can go beyond `bits`, as shares of what these hold, summed up."""
        limit = _ROOM * (1 << bits - 1)
        return torch.stack([(self._reach(name, layer) / limit - 1).clamp(min=0).sum()
                            for name, layer in self._hidden.items()]).sum()

    def _reach(self, name: str, layer: Any) -> Tensor:
        """The largest potential of each channel, of either sign, in counts; (channels,)."""
        scale, shift, worth = _affine(layer.norm)
        weights, largest = layer.synapse.effective().flatten(1), self._largest[name]
        down, up = ((side * weights).clamp(min=0).sum(1) * largest for side in (-1, 1))
        down, up = (torch.where(scale < 0, *pair) for pair in ((up, down), (down, up)))
        unit = worth / largest
        bias = shift / unit
        gates = _gates(layer.gate, self._timesteps).to(unit.device)
        low = high = reach = torch.zeros_like(unit)
        soft = layer.neuron.reset is Reset.SOFT
        for t, gate in enumerate(gates.unbind()):
            leak = layer.neuron.leak * (gates[t - 1] / gate if t else 0)
            low, high = leak * low - down + bias, leak * high + up + bias
            reach = torch.maximum(reach, torch.maximum(-low, high))
            # What rests is below the threshold; a soft reset leaves the rest of what fires.
            threshold = layer.neuron.threshold / (gate * unit * layer.neuron.input_scale)
            rests = torch.minimum(high, threshold)
            high = torch.maximum(rests, high - threshold if soft else torch.zeros_like(high))
            low = low.clamp(max=0)
        return reach


def _affine(norm: Any) -> tuple[Tensor, Tensor, Tensor]:
    """What a norm multiplies with and adds at inference, and what a count of 1 is worth, without
    end for a neuron that its inputs do not move; each (channels,).  Only what is added learns from
    membranes: a scale near 0 would have gradients without bound."""
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
    worth = torch.where(scale.abs() < _STILL, torch.full_like(scale, math.inf), scale.abs())
    return scale, norm.bias - norm.running_mean * scale, worth


def _gates(gate: AGMMGate | None, timesteps: int) -> Tensor:
    return torch.ones(timesteps) if gate is None else gate.values()


def _width(reach: float) -> int:
    """Bits of a two's complement that holds -reach … reach - 1."""
    return math.ceil(math.log2(max(reach, 1.0))) + 1
