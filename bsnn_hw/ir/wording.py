"""Maps and synapses as a person reads them."""

from __future__ import annotations

from bsnn_hw.ir.network import Conv, Hidden, Pool, Readout, Shape, Synapse

__all__ = ["feature_map", "layer_kind", "synapse_kind"]


def feature_map(shape: Shape) -> str:
    """A map as channels x height x width; a number where it is none."""
    if shape.positions == 1:
        return str(shape.channels)
    return f"{shape.channels}x{shape.height}x{shape.width}"


def layer_kind(layer: Hidden | Readout) -> str:
    """What a layer does with its inputs and its sums, in a few words."""
    kind = synapse_kind(layer.synapse, layer.pool)
    pool = layer.current_pool if isinstance(layer, Hidden) else None
    return kind if pool is None else f"{kind}, {pool.kind.value} {pool.height}x{pool.width}"


def synapse_kind(synapse: Synapse, pool: Pool | None) -> str:
    """What a layer does with its inputs, in a word or two."""
    words = [f"{pool.kind.value} {pool.height}x{pool.width}"] if pool else []
    if not isinstance(synapse, Conv):
        return " ".join([*words, "linear"])
    words.append(f"conv {synapse.kernel[0]}x{synapse.kernel[1]}")
    words += [f"/{synapse.stride[0]}" if len(set(synapse.stride)) == 1 else
              f"/{synapse.stride[0]},{synapse.stride[1]}"] if synapse.stride != (1, 1) else []
    return " ".join(words)
