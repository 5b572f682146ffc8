"""A convolution that gives the classes: a linear layer, as the last layer of a model file is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.graph import Pool, Synapse
from bsnn_hw.convert.kernels import unrolled
from bsnn_hw.convert.trace import TraceError
from bsnn_hw.convert.weights import MAX_BITS, bits_of

__all__ = ["as_linear"]

OF_CONVOLUTIONS = ("stride", "padding", "dilation", "groups", "current_pool", "weight_bits")


def as_linear(layer: dict[str, Any], synapse: Synapse, pool: Pool | None) -> None:
    """Write a layer of type conv2d as one of type linear, neuron by neuron.

    synapse : its weights as they are written; pool : of its currents, None where nothing is pooled

    Raises
    ------
    TraceError
        Maxima of currents are pooled, or weights add up to more than 8 bits.
    """
    pool = pool if pool and pool.moves else None
    if pool and (pool.ceil or (pool.kind == "max" and pool.size != (1, 1))):
        raise TraceError("gives the largest currents of windows as scores, or as what the last "
                         "neurons get; average or sum them, or pool spikes")
    flat = unrolled(synapse, pool)
    bits, places = bits_of(flat.weight), pool.size[0] * pool.size[1] if pool else 1
    if bits > MAX_BITS:
        raise TraceError(f"averages or sums currents whose weights add up to "
                         f"{np.abs(flat.weight).max():.0f}, and 127 is the most; pool the spikes "
                         "in front of the convolution")
    if pool:
        _over_windows(layer, places, average=pool.kind != "sum", channels=synapse.shape[0])
    for key in OF_CONVOLUTIONS:
        layer.pop(key, None)
    each = len(flat.weight) // synapse.shape[0]
    layer["type" if "type" in layer else "kind"] = "linear"
    layer |= {"weight": torch.from_numpy(flat.weight.astype(np.int8))}
    layer |= {"weight_bits": bits} if bits > 1 else {}
    for table in (layer, layer.get("norm", {}), layer.get("neuron", {})):
        for key in table.keys() - {"weight", "gate"}:
            if isinstance(table[key], torch.Tensor) and table[key].ndim == 1:
                table[key] = table[key].repeat_interleave(each)


def _over_windows(layer: dict[str, Any], places: int, *, average: bool, channels: int) -> None:
    """Bias and norm of sums over so many places, of which the average is wanted or the sum."""
    ones = torch.ones(channels, dtype=torch.float64)
    norm = dict(layer.get("norm") or {"gamma": ones, "beta": 0 * ones, "mean": 0 * ones,
                                      "var": ones, "eps": 0.0})
    norm["mean"] = norm["mean"] * places
    norm |= {"gamma": norm["gamma"] / places} if average else {"beta": norm["beta"] * places}
    layer["norm"] = norm
    if "bias" in layer:
        layer["bias"] = layer["bias"] * places
