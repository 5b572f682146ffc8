"""Whether a network holds together and can be executed in 64 bits without overflow."""

from __future__ import annotations

from collections.abc import Iterator

from bsnn_hw.ir.bounds import HiddenBounds, network_bounds, pooled_value
from bsnn_hw.ir.check_spikes import sides, unfit_join, unfit_summands, unfit_windows
from bsnn_hw.ir.layer import backs, synapse_shortcuts
from bsnn_hw.ir.network import (
    Coding,
    Conv,
    CurrentShortcut,
    Hidden,
    Network,
    NeuronSpec,
    Pool,
    PoolKind,
    Readout,
    Shape,
    Shortcut,
    Synapse,
    SynapseShortcut,
    largest_weight,
)

__all__ = ["WORD_BITS", "leak_width", "problem"]

WORD_BITS = 64  # what the reference computes with
LAYER_REACH = 1 << 53  # synaptic sums up to here are exact in floating point


def problem(network: Network) -> str | None:
    """The first thing that is wrong with the network, None if all is well."""
    return next(_problems(network), None)


def leak_width(bounds: HiddenBounds, spec: NeuronSpec) -> int:
    """Bits that hold every product of a potential, or of a synaptic current, and a leak factor,
    before the shift."""
    kept = bounds.synaptic.kept.width if bounds.synaptic else 0
    return max(bounds.carried.width, kept) + spec.leak_bits


def _problems(network: Network) -> Iterator[str]:
    if network.timesteps < 1 or network.input.size < 1:
        yield "timesteps and inputs must be 1 or more"
    for name in (network.name, *network.classes):
        if not (0 < len(name) <= 64 and name.isprintable()):
            yield "names must be 1 to 64 printable characters"
    layers = network.layers
    yield from _unfit_factors(network)
    if network.input.features.size != network.input.size:
        yield f"input: shape must have {network.input.size} values, not {network.input.shape}"
        return
    used = network.input.used
    if used is not None and not used.fits(network.input.size):
        yield (f"input: used must be {network.input.size} indexes of the {used.shape.size} values "
               "of a sample, ascending")
        return
    for number, layer in enumerate(layers):
        wrong = next(_unfit(network, number, layer), None)
        if wrong:
            yield f"layer '{layer.name}': {wrong}"
            return
    read = {number - back for number, layer in enumerate(layers) for back in backs(layer)
            if back}
    for number, layer in enumerate(network.hidden):
        if number not in read:
            yield f"layer '{layer.name}': a later layer must use it"
    if len({layer.name.casefold() for layer in layers}) < len(layers):
        yield "layers must have distinct names, also without regard to case"
    outputs = network.readout.synapse.neurons
    if len(network.classes) != outputs:
        yield f"classes must name each of the {outputs} outputs, not {len(network.classes)}"
    for layer in network.hidden:
        spec = layer.neuron
        for name in ("leak", "current_leak"):
            leak = getattr(spec, name)
            if leak is not None and (leak.min() < 0 or (leak[0].any() and not spec.stateful)):
                yield (f"layer '{layer.name}': {name} must be 0 in the first timestep and never "
                       "negative")
                return
        if spec.refractory and spec.reset_by is not None:
            yield f"layer '{layer.name}': refractory neurons must have a hard reset"
            return
        if spec.saturation is not None and not 2 <= spec.saturation <= WORD_BITS:
            yield (f"layer '{layer.name}': saturation must be 2 to {WORD_BITS} bits, not "
                   f"{spec.saturation}")
            return
        if spec.floor is not None and (spec.floor > spec.room).any():
            yield (f"layer '{layer.name}': floor must be 0 or less, and at most threshold - "
                   "reset_by")
            return
        if spec.stateful != network.stateful:
            yield f"layer '{layer.name}': must keep its state as the other layers do"
            return
    peak = network.readout.peak
    if peak and (peak.leak.min() < 0 or network.readout.bias.any()):
        yield f"layer '{network.readout.name}': a peak's leak must not be negative, and bias be 0"
    if peak and not network.hidden and network.input.coding is Coding.DIRECT:
        yield f"layer '{network.readout.name}': a peak must stand behind a layer with neurons"
    yield from _too_wide(network)


def _unfit_factors(network: Network) -> Iterator[str]:
    factors, first = network.input.factors, network.layers[0].synapse
    channels = network.input.features.channels
    if factors and (not isinstance(first, Conv) or len(factors) != channels or min(factors) < 1):
        yield (f"input: factors must be {channels} numbers of 1 or more in front of a "
               f"convolution, not {len(factors)}")


def _unfit(network: Network, number: int, layer: Hidden | Readout) -> Iterator[str]:
    """What does not fit to the layers before."""
    if number == 0:
        if layer.back != 1 or any(backs(layer)[1:]) or layer.pool:
            yield ("the first layer must take the network's input, as it is and without shortcuts "
                   "but its own spikes")
            return
    elif not all(1 <= back <= number for back in backs(layer) if back) or not layer.back:
        yield "back must lead to an earlier layer"
        return
    source = network.features(number - layer.back)
    largest = network.largest(number)
    yield from _unfit_synapse(layer.synapse, source, layer.pool, largest)
    if isinstance(layer, Hidden):
        yield from _unfit_current_pool(layer)
        yield from _unfit_border(layer)
        yield from _unfit_gate(layer, largest)
        for shortcut in layer.shortcuts:
            yield from _unfit_shortcut(layer, shortcut, network.hidden[number - shortcut.back])
        if layer.join is not None:
            yield from unfit_join(layer, layer.join, network.features(number - layer.join.back))
    for part in (layer, *synapse_shortcuts(layer)):
        yield from unfit_summands(network, number, part)


def _unfit_synapse(synapse: Synapse, source: Shape, pool: Pool | None,
                   largest: int) -> Iterator[str]:
    if pool is not None:
        wrong = next(unfit_windows(pool, source), None)
        if wrong:
            yield wrong
            return
        source, largest = pool.shape(source), pooled_value(pool, largest)
    if synapse.fan_in != source.size:
        yield (f"fan_in must be {source.size}, the size of the layer before, "
               f"not {synapse.fan_in}")
    elif isinstance(synapse, Conv):
        yield from _unfit_kernel(synapse, source)
    if synapse.weights[0].size * largest * largest_weight(synapse.weight_bits) >= LAYER_REACH:
        yield f"{synapse.weights[0].size} inputs are more than can be summed exactly"


def _unfit_current_pool(layer: Hidden) -> Iterator[str]:
    pool, shape = layer.current_pool, layer.synapse.shape
    if pool is None:
        return
    if pool.kind is not PoolKind.MAX or not pool.tiles or not isinstance(layer.synapse, Conv):
        yield ("current_pool must be a maximum over the sums of a convolution, of windows side by "
               "side")
    elif wrong := next(unfit_windows(pool, shape), None):
        yield f"current_pool: {wrong}"
    elif layer.neuron.gain is not None or layer.shortcuts:
        yield "current_pool must stand in a layer without gain and shortcuts"


def _unfit_border(layer: Hidden) -> Iterator[str]:
    border, shape = layer.neuron.border, layer.shape
    if border is None:
        return
    if not isinstance(layer.synapse, Conv) or layer.current_pool is not None:
        yield "a border must be in a convolution whose currents are not pooled"
    elif (len(border.lines), len(border.columns)) != (shape.height, shape.width):
        yield (f"the border must have classes of {shape.height} lines and {shape.width} columns, "
               f"not {len(border.lines)} and {len(border.columns)}")


def _unfit_kernel(conv: Conv, source: Shape) -> Iterator[str]:
    inputs = conv.weights.shape[1] * conv.groups
    if conv.source != source or inputs != source.channels:
        yield (f"the kernel must be for a map of {sides(source)}, not of {sides(conv.source)} with "
               f"{inputs} channels")
    elif len(conv.weights) % conv.groups:
        yield f"groups must divide the {len(conv.weights)} channels out, not {conv.groups}"
    elif not all(0 <= padding < kernel
                 for padding, kernel in zip(conv.padding, conv.kernel, strict=True)):
        yield f"padding must be less than the kernel's sides, not {conv.padding}"
    elif min(conv.stride) < 1 or min(conv.shape.height, conv.shape.width) < 1:
        yield "the kernel must fit the padded map"


def _unfit_gate(layer: Hidden, largest: int) -> Iterator[str]:
    gate = layer.gate
    if gate is None:
        return
    if layer.neuron.gain is not None or layer.current_pool is not None:
        yield "a gate must multiply the layer's own currents, neither joined nor pooled"
    wanted, widest = layer.synapse.weights.shape[1:], largest_weight(gate.weight_bits)
    if isinstance(layer.synapse, Conv) and layer.synapse.groups > 1:
        yield "a gate must stand in a convolution without groups"
    elif gate.weights.shape != wanted:
        yield f"the gate's weights must have the shape {wanted}, not {gate.weights.shape}"
    elif abs(gate.weights.astype(int)).max() > widest:
        yield f"the gate's weights must be at most {widest}, as they have {gate.weight_bits} bits"
    elif gate.weights.size * pooled_value(layer.pool, largest) * widest >= LAYER_REACH:
        yield f"{gate.weights.size} inputs are more than the gate can sum exactly"
    if gate.entries & gate.entries - 1 or gate.table.min() < 0:
        yield "the gate's table must have a power of two of entries, each 0 or more"


def _unfit_shortcut(layer: Hidden, shortcut: Shortcut, source: Hidden) -> Iterator[str]:
    shape, gains = source.shape, [layer.neuron.gain]
    if isinstance(shortcut, SynapseShortcut):
        if shortcut.recurrent and (isinstance(shortcut.synapse, Conv) or shortcut.pool):
            yield "a recurrence must be fully connected, and pool nothing"
        yield from _unfit_synapse(shortcut.synapse, shape, shortcut.pool,
                                  1 + len(shortcut.summands))
        shape = shortcut.synapse.shape
    elif isinstance(shortcut, CurrentShortcut):
        gains.append(source.neuron.gain)
    if shape != layer.shape:
        yield (f"the shortcut from '{source.name}' must have the shape {sides(layer.shape)} of the "
               f"layer, not {sides(shape)}")
    if any(gain is None for gain in gains):
        yield (f"the shortcut from '{source.name}' needs a gain in the layer" + (
            "" if len(gains) == 1 else ", and in that one"))


def _too_wide(network: Network) -> Iterator[str]:
    hidden, readout = network_bounds(network)
    widths = [max(bounds.charged.width, bounds.settled.width, bounds.carried.width,
                  bounds.current.width, bounds.charging.width, leak_width(bounds, layer.neuron),
                  *((bounds.gate.total.width, bounds.gate.product.width) if bounds.gate else ()))
              for layer, bounds in zip(network.hidden, hidden, strict=True)]
    peak = network.readout.peak
    widths.append(readout.score.width + (peak.leak_bits if peak else 0))
    names = [layer.name for layer in network.hidden] + [network.readout.name]
    for name, width in zip(names, widths, strict=True):
        if width > WORD_BITS:
            kept = " over any number of inferences" if network.stateful else ""
            yield (f"layer '{name}': potentials and scores must fit {WORD_BITS} bits{kept}, "
                   f"not {width}")
