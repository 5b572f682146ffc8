"""What the header of each emitted file says of the layer that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.network import Conv, Shape, Synapse
from bsnn_hw.layout.blocks import Carry, Entry, Layer, Output, Synapses
from bsnn_hw.layout.build import Layout

__all__ = ["module_notes"]


def module_notes(layout: Layout, top: str, inside: str) -> dict[str, str]:
    """RTLIL name of a module -> a line for the modules in it.

    top : str, the top level's name; inside : str, the path of the network in it
    """
    notes = {top: _network(layout)}
    for block in layout.blocks:
        notes |= {f"{top}{inside}.{name}": note for name, note in _layer(layout, block)}
    return notes


def _network(layout: Layout) -> str:
    network = layout.network
    entry = layout.entry.geometry
    return (f"Network {network.name}: {network.input.size} inputs, T = {network.timesteps}, "
            f"{len(network.classes)} classes; port {layout.port.value}, engine "
            f"{entry.takes.value} behind it.")


def _layer(layout: Layout, block: Layer | Output) -> Iterator[tuple[str, str]]:
    """Names of submodules of the network, each with its line."""
    number = layout.blocks.index(block)
    layer = layout.network.layers[number]
    yield (f"layer_{layer.name}",
           f"Layer {layer.name}: {_synapses(layer.synapse)}; {_plan(block.synapses.geometry)}.")
    sources = block.shortcuts if isinstance(block, Layer) else ()
    for source in (block.synapses, *sources):
        yield from _between(layout, source, layer.name)
    if isinstance(block, Layer) and block.join is not None:
        carry = block.join.carry
        note = (f"From layer {layout.layers[carry.producer].name} to layer {layer.name}: spikes "
                "that its own are joined with.")
        yield from ((f"{kind}_{carry.name}", note) for kind in ("carry", "crop", "pool"))


def _between(layout: Layout, block: Synapses | Carry, to: str) -> Iterator[tuple[str, str]]:
    """What stands in front of layer ``to``."""
    if isinstance(block, Carry):
        of = layout.layers[block.producer].name
        kept = "currents" if block.current else "spikes"
        yield f"carry_{block.name}", f"From layer {of} to layer {to}: {kept} that it adds."
    elif isinstance(block.source, Entry):
        note = f"From the input to layer {to}: {_plan(block.geometry)}."
        yield from ((name, note) for name in ("frontend", "first", "lookup"))
    else:
        for link in block.links:
            of = layout.layers[link.producer].name
            for kind in ("pool", "link"):
                yield (f"{kind}_{link.name}",
                       f"From layer {of} to layer {to}: {_plan(block.geometry)}.")
        if block.summands:
            names = ", ".join(layout.layers[link.producer].name for link in block.links)
            yield f"merge_{block.source.name}", f"Layer {to}: spikes of {names}, which it adds."


def _shape(shape: Shape) -> str:
    return (f"{shape.channels}" if shape.positions == 1
            else f"{shape.channels}x{shape.height}x{shape.width}")


def _synapses(synapse: Synapse) -> str:
    bits = f"{synapse.weight_bits}-bit weights"
    if isinstance(synapse, Conv):
        of_groups = f" of {synapse.groups} groups" if synapse.groups > 1 else ""
        return (f"convolution {'x'.join(map(str, synapse.kernel))}{of_groups}, "
                f"{_shape(synapse.source)} inputs to {_shape(synapse.shape)} neurons, {bits}")
    return f"fully connected, {synapse.fan_in} inputs to {_shape(synapse.shape)} neurons, {bits}"


def _plan(geometry: Geometry) -> str:
    shared = "shared " if geometry.shared else ""
    return (f"engine {geometry.takes.value}, {shared}lanes {geometry.lanes}, "
            f"parallel {geometry.parallel}")
