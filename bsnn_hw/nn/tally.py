"""What happened in an epoch: means over its steps, and the weights that changed their sign."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bsnn_hw.nn.network import Network, Output

__all__ = ["Tally", "by_layer"]


class Tally:
    """Sums over the batches of an epoch, and the signs that flipped from step to step."""

    def __init__(self, network: Network):
        self._network = network
        self._signs = self._first = _signs(network)
        # On the network's device, so that no step waits for a transfer.
        zero = torch.zeros((), dtype=torch.int64, device=network.readout.synapse.weight.device)
        self._flips = {name: zero.clone() for name in self._signs}
        self._loss, self._correct = zero.float(), zero.clone()
        self._rates = torch.zeros(len(network.hidden), device=zero.device)
        self._neurons: list[int] = []
        self._seen = self._steps = 0

    def add(self, loss: Tensor, output: Output, labels: Tensor) -> None:
        """Count one step."""
        self._steps += 1
        self._seen += len(labels)
        self._loss += loss
        self._correct += (output.logits.detach().argmax(1) == labels).sum()
        self._rates += output.rates.detach()
        self._neurons = [spikes[0, 0].numel() for spikes in output.spikes]
        signs = _signs(self._network)
        for name, before in self._signs.items():
            self._flips[name] += (signs[name] != before).sum()
        self._signs = signs

    def means(self) -> dict[str, Any]:
        """Return loss, accuracy, firing rates, and flip ratios, by layer and in total; None where
        no weight is binary."""
        flips = {name: int(count) for name, count in self._flips.items()}
        ratios = {name: count / (self._steps * self._signs[name].numel())
                  for name, count in flips.items()}
        weights = sum(signs.numel() for signs in self._signs.values())
        rates = self._rates / self._steps
        spikes = rates.cpu() * self._network.timesteps * torch.tensor(self._neurons)
        changed = sum(int((signs != self._first[name]).sum())
                      for name, signs in self._signs.items())
        return {"loss": float(self._loss) / self._steps,
                "train_accuracy": int(self._correct) / self._seen,
                "flip_ratio": sum(flips.values()) / (self._steps * weights) if weights else None,
                "flip_ratios": ratios,
                "epoch_flip_ratio": changed / weights if weights else None,
                "rates": by_layer(self._network, rates),
                "spikes_per_inference": by_layer(self._network, spikes)}


def by_layer(network: Network, values: Tensor) -> dict[str, float]:
    """Return one number per hidden layer, by its name."""
    return {name: float(value) for name, value in zip(network.hidden, values, strict=True)}


def _signs(network: Network) -> dict[str, Tensor]:
    """Return which weights are +1, by layer name; those of 8 bits have no sign that flips."""
    return {name: synapse.weight.detach() >= 0 for name, synapse in network.synapses().items()
            if getattr(synapse, "weight_bits", 1) == 1}
