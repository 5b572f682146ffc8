"""Whether a network holds together and can be executed in 64 bits without overflow."""

from __future__ import annotations

from collections.abc import Iterator

from bsnn_hw.ir.bounds import HiddenBounds, network_bounds
from bsnn_hw.ir.network import Coding, Hidden, Network, NeuronSpec, Readout

__all__ = ["WORD_BITS", "leak_width", "problem"]

WORD_BITS = 64  # what the reference computes with
LAYER_REACH = 1 << 53  # synaptic sums up to here are exact in floating point


def problem(network: Network) -> str | None:
    """The first thing that is wrong with the network, None if all is well."""
    return next(_problems(network), None)


def leak_width(bounds: HiddenBounds, spec: NeuronSpec) -> int:
    """Bits that hold every product of a potential and a leak factor, before the shift."""
    return bounds.carried.width + spec.leak_bits


def _problems(network: Network) -> Iterator[str]:
    if network.timesteps < 1 or network.input.size < 1:
        yield "timesteps and inputs must be 1 or more"
    if network.input.coding is Coding.EVENTS and network.input.bits != 1:
        yield f"input: events have 1 bit, not {network.input.bits}"
    for name in (network.name, *network.classes):
        if not (0 < len(name) <= 64 and name.isprintable()):
            yield "names must be 1 to 64 printable characters"
    layers: tuple[Hidden | Readout, ...] = (*network.hidden, network.readout)
    fan_in = network.input.size
    for layer in layers:
        if layer.synapse.fan_in != fan_in:
            yield (f"layer '{layer.name}': fan_in must be {fan_in}, the size of the layer before, "
                   f"not {layer.synapse.fan_in}")
            return
        if fan_in * network.input.max_value >= LAYER_REACH:
            yield f"layer '{layer.name}': {fan_in} inputs are more than can be summed exactly"
        fan_in = layer.synapse.neurons
    if len({layer.name.casefold() for layer in layers}) < len(layers):
        yield "layers must have distinct names, also without regard to case"
    if len(network.classes) != fan_in:
        yield f"classes must name each of the {fan_in} outputs, not {len(network.classes)}"
    for layer in network.hidden:
        if layer.neuron.leak[0] != 0 or layer.neuron.leak.min() < 0:
            yield f"layer '{layer.name}': leak must be 0 in the first timestep and never negative"
            return
    yield from _too_wide(network)


def _too_wide(network: Network) -> Iterator[str]:
    hidden, readout = network_bounds(network)
    widths = [max(bounds.charged.width, bounds.settled.width, bounds.carried.width,
                  bounds.current.width, leak_width(bounds, layer.neuron))
              for layer, bounds in zip(network.hidden, hidden, strict=True)]
    widths.append(readout.score.width)
    names = [layer.name for layer in network.hidden] + [network.readout.name]
    for name, width in zip(names, widths, strict=True):
        if width > WORD_BITS:
            yield (f"layer '{name}': potentials and scores must fit {WORD_BITS} bits, "
                   f"not {width}")
