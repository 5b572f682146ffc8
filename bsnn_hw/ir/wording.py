"""Maps and synapses as a person reads them."""

from __future__ import annotations

from bsnn_hw.ir.network import Conv, Hidden, Pool, Readout, Shape, SpikeJoin, Synapse

__all__ = ["feature_map", "join_words", "lane_count", "layer_kind", "parallel_count",
           "synapse_kind"]


def feature_map(shape: Shape) -> str:
    """A map as channels x height x width; a number where it is none."""
    if shape.positions == 1:
        return str(shape.channels)
    return f"{shape.channels}x{shape.height}x{shape.width}"


def layer_kind(layer: Hidden | Readout) -> str:
    """What a layer does with its inputs, its sums and its currents, in a few words."""
    words = [synapse_kind(layer.synapse, layer.pool)]
    if isinstance(layer, Hidden):
        words += [_windows(layer.current_pool)] if layer.current_pool else []
        words += ["second order"] if layer.neuron.current_leak is not None else []
        words += ["refractory"] if layer.neuron.refractory else []
        words += ["floor"] if layer.neuron.floor is not None else []
        words += [f"saturates at {layer.neuron.saturation} bits"] if layer.neuron.saturation else []
    return ", ".join(words)


def synapse_kind(synapse: Synapse, pool: Pool | None) -> str:
    """What a layer does with its inputs, in a word or two."""
    words = [_windows(pool)] if pool else []
    if not isinstance(synapse, Conv):
        return " ".join([*words, "linear"])
    kernel = _across(synapse.kernel, synapse.stride, (1, 1))
    return " ".join([*words, "conv", *_groups(synapse), kernel])


def _groups(conv: Conv) -> list[str]:
    """That a convolution is grouped, or depthwise: a group for each channel that comes in."""
    if conv.groups == 1:
        return []
    depthwise = conv.groups == conv.source.channels
    return ["depthwise" if depthwise else f"{conv.groups} groups"]


def join_words(join: SpikeJoin) -> str:
    """What leaves a layer with a join; the other layer's name follows behind "of"."""
    pooled = f"the {_windows(join.pool)} of " if join.pool else ""
    return f"{join.kind.value.upper()} of its spikes and {pooled}those"


def lane_count(lanes: int, places: int) -> str:
    """Lanes, and to how many places at once where it is not one: ``"4x3"``."""
    return f"{lanes}x{places}" if places > 1 else str(lanes)


def parallel_count(parallel: int, units: int | None) -> str:
    """Parallel neurons, and in how many units they step where these are their own: ``"8/2"``."""
    return str(parallel) if units is None else f"{parallel}/{units}"


def _windows(pool: Pool) -> str:
    """A pool's kind and its windows."""
    size = (pool.height, pool.width)
    return f"{pool.kind.value} {_across(size, pool.stride, size)}"


def _across(size: tuple[int, int], stride: tuple[int, int], usual: tuple[int, int]) -> str:
    """Height x width, and the stride where it is not the usual one."""
    if stride == usual:
        return f"{size[0]}x{size[1]}"
    return f"{size[0]}x{size[1]}/{','.join(map(str, dict.fromkeys(stride)))}"
