"""A gate that the sample makes, the reference of hdl/gate.py."""

from __future__ import annotations

import torch

from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import Hidden, Shape
from bsnn_hw.reference import synapse

__all__ = ["factors", "looked_up", "totals"]


def factors(layer: Hidden, inputs: torch.Tensor, timesteps: int, max_value: int,
            source: Shape) -> torch.Tensor | None:
    """The factor of each sample and timestep, int64 (N, T); None of a layer without a gate.

    inputs, timesteps, max_value, source : as in `synapse.sums`, before the layer's pooling
    """
    if layer.gate is None:
        return None
    return looked_up(layer.gate, totals(layer, inputs, timesteps, max_value, source))


def totals(layer: Hidden, inputs: torch.Tensor, timesteps: int, max_value: int,
           source: Shape) -> torch.Tensor:
    """The gate's totals, int64 (N, T): one further output channel, summed over its map."""
    return synapse.sums(layer.gate_synapse, inputs, timesteps, max_value, layer.pool,
                        source).sum(dim=2)


def looked_up(gate: SampleGate, total: torch.Tensor) -> torch.Tensor:
    """What the table has for totals (N, T), int64."""
    index = ((total + gate.offset) >> gate.shift).clamp(0, gate.entries - 1)
    table = torch.as_tensor(gate.table)
    return table[torch.arange(total.shape[1]), index]
