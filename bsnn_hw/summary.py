"""What a person reads: the network, its layout, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bsnn_hw.class_report import class_lines
from bsnn_hw.devices.chips import find_chip
from bsnn_hw.devices.families import Cost
from bsnn_hw.emission.vectors import most_vectors
from bsnn_hw.ir.layer import summed
from bsnn_hw.ir.network import (
    Conv,
    CurrentShortcut,
    Hidden,
    Network,
    Readout,
    Synapse,
    SynapseShortcut,
)
from bsnn_hw.ir.wording import (
    feature_map,
    join_words,
    lane_count,
    layer_kind,
    parallel_count,
    synapse_kind,
)
from bsnn_hw.pipeline import Built, Planned
from bsnn_hw.plan_report import plan_lines
from bsnn_hw.planning.cycles import event_bound, predicted_cycles
from bsnn_hw.planning.forecast import LayerCosts
from bsnn_hw.planning.memory import layer_memories
from bsnn_hw.samples import affordable
from bsnn_hw.text import percent, table
from bsnn_hw.verification.agreement import compare_with_real

__all__ = ["outline", "plan_summary", "summary"]

LARGEST = "ecp5-85k"  # of the parts that the synthesis knows


def summary(built: Built, out: Path) -> str:
    """What ``generate`` prints about the network, its integers and its layout."""
    design, network, planned = built.design, built.design.network, built.planned
    count = affordable(network, len(planned.samples.test))
    labels = planned.samples.labels
    agreement = compare_with_real(planned.model, network, planned.samples.test[:count],
                                  None if labels is None else labels[:count])
    bound = event_bound(network, design.schedule, planned.activity)
    return "\n".join([
        *_network_lines(planned),
        "",
        table(_layer_rows(built)),
        "",
        *_joins(network),
        *_gates(network),
        *(() if planned.plan.chip else (f"engine    {note}" for note in planned.plan.notes)),
        f"integers  {_agreement_line(network, agreement)}",
        *_notes(built),
        *class_lines(built),
        *_memory_lines(built),
        f"cycles    {bound:,.1f} per inference by the event bound, at the samples' activity",
        *(["", *plan_lines(network, planned.plan), ""] if planned.plan.chip else []),
        f"written   {out}/ (top level {design.verilog.top}, "
        f"{len(design.verilog.paths)} Verilog files)",
    ])


def plan_summary(planned: Planned) -> str:
    """What ``generate --dry-run`` prints."""
    network = planned.lowered.network
    return "\n".join([*_network_lines(planned), "", *plan_lines(network, planned.plan)])


def _network_lines(planned: Planned) -> Iterator[str]:
    network = planned.lowered.network
    counts = {bits: sum(synapse.weights.size for synapse in _synapses(network)
                        if synapse.weight_bits == bits) for bits in range(1, 9)}
    weights = f"{counts.pop(1):,} binary weights" + "".join(
        f", {count:,} of {bits} bits" for bits, count in counts.items() if count)
    yield (f"network   {network.name}: {outline(network)}, {weights}, "
           f"{network.timesteps} timestep(s), {network.input.coding.value} coding of "
           f"{network.input.bits} bit")
    if network.stateful:
        yield "state     kept from inference to inference, until a packet's s_axis_tuser resets it"
    yield f"samples   {planned.samples.source}"


def outline(network: Network) -> str:
    """The maps of the input and of all layers, in order."""
    return "-".join([feature_map(network.input.features),
                     *(feature_map(layer.shape) for layer in network.layers)])


def _synapses(network: Network) -> Iterator[Synapse]:
    for layer in network.layers:
        yield layer.synapse
    for hidden in network.hidden:
        yield from (each.synapse for each in hidden.shortcuts if isinstance(each, SynapseShortcut))


def _joins(network: Network) -> Iterator[str]:
    """What layers read and add to their currents, and what their spikes are joined with, a line
    each."""
    for number, layer in enumerate(network.layers):
        if layer.back > 1 or layer.summands:
            yield f"reads     {layer.name}: spikes of {_read(network, number, layer)}"
        for each in layer.shortcuts:
            producer = network.hidden[number - each.back]
            if isinstance(each, SynapseShortcut) and each.summands:
                yield (f"adds      {layer.name}: {synapse_kind(each.synapse, each.pool)} of the "
                       f"spikes of {_read(network, number, each)}")
                continue
            what = (f"{synapse_kind(each.synapse, each.pool)} of the spikes of"
                    if isinstance(each, SynapseShortcut) else
                    "the current of" if isinstance(each, CurrentShortcut) else "the spikes of")
            whose = producer.name if each.back else "its own, a timestep back"
            yield f"adds      {layer.name}: {what} {whose}"
        if isinstance(layer, Hidden) and layer.join:
            yield (f"joins     {layer.name}: {join_words(layer.join)} of "
                   f"{network.hidden[number - layer.join.back].name}")


def _read(network: Network, number: int, part: Hidden | Readout | SynapseShortcut) -> str:
    """The layers whose spikes come in."""
    return " + ".join(network.hidden[number - back].name for back in summed(part))


def _gates(network: Network) -> Iterator[str]:
    """The layers whose gate the sample makes, a line each."""
    for layer in network.hidden:
        if layer.gate is not None:
            gate = layer.gate
            yield (f"gate      {layer.name}: of each sample, {gate.weights.size:,} weights of "
                   f"{gate.weight_bits} bits, {gate.entries:,} factors of {gate.width} bits a "
                   "timestep")


def _memory_lines(built: Built) -> Iterator[str]:
    """What the memories take, and without a part to plan for what a large one's share is."""
    network = built.design.network
    memories = layer_memories(built.design.layout)
    parts = ", ".join(
        f"{name} {bits / 1024:,.1f}" for name in ("weights", "accumulators", "potentials",
                                                  "constants", "queues", "carried")
        if (bits := sum(getattr(memory, name) for memory in memories)))
    yield f"memory    {sum(memory.bits for memory in memories) / 1024:,.1f} kbit: {parts}"
    if built.planned.plan.chip is None:
        chip = find_chip(LARGEST)
        cost = sum(LayerCosts(network, chip.family).of(built.design.schedule), Cost())
        used = ", ".join(f"{round(needed):,} of {there:,} {words}"
                         for words, needed, there, _ in chip.resources(cost))
        yield f"size      about {used} of an {chip.name}"


def _notes(built: Built) -> Iterator[str]:
    """What was done that a user may not expect, a line each."""
    network, tolerance = built.design.network, built.request.precision.tolerance
    for layer, precision in zip(network.hidden, built.planned.lowered.precision, strict=False):
        if precision.mismatch is not None and precision.mismatch > tolerance:
            yield (f"note      layer {layer.name}: integers change {percent(precision.mismatch)} "
                   "of its calibration spikes, more than the tolerance of "
                   f"{percent(tolerance)}")
        silent = int((~layer.synapse.connected).sum())
        if silent:
            what = "channel(s)" if isinstance(layer.synapse, Conv) else "neuron(s)"
            yield (f"note      layer {layer.name}: {silent} {what} spike alike whatever comes "
                   "in (docs/ir.md, disconnected); their weights are not used")
    wanted = min(built.request.vectors, len(built.planned.samples.test))
    if (kept := most_vectors(network)) < wanted:
        yield (f"note      {kept} of {wanted} test vectors are in the bundle, as all layers' "
               "potentials would be too much")


def _agreement_line(network, agreement):
    spikes = ", ".join(f"{layer.name} {percent(share)}"
                       for layer, share in zip(network.hidden, agreement.spikes, strict=True))
    accuracy = ("" if agreement.real is None else
                f"accuracy {percent(agreement.integer)}, real-valued {percent(agreement.real)}; ")
    return (f"{accuracy}on {agreement.samples:,} samples {percent(agreement.predictions)} of the "
            f"classes differ" + (f", of the spikes {spikes}" if spikes else ""))


def _layer_rows(built):
    design, network = built.design, built.design.network
    cycles = predicted_cycles(network, design.schedule, built.planned.activity)
    memories = layer_memories(design.layout)
    rows = [["layer", "synapses", "inputs", "neurons", "engine", "lanes", "parallel", "folds",
             "fraction bits", "leak bits", "changed", "sum bits", "membrane bits", "kbit",
             "events/inf.", "cycles/inf."]]
    for index, layer in enumerate(network.layers):
        geometry, precision = design.geometries[index], built.planned.lowered.precision[index]
        plan = design.schedule.layers[index]
        hidden = index < len(network.hidden)
        bounds = design.layout.hidden_bounds[index] if hidden else design.layout.readout_bounds
        state = bounds.charged if hidden else bounds.score
        rows.append([
            layer.name, layer_kind(layer), feature_map(geometry.source.shape),
            feature_map(layer.shape), plan.engine.value,
            lane_count(geometry.lanes, geometry.places),
            parallel_count(plan.parallel, plan.units), geometry.folds,
            precision.fraction_bits,
            "-" if precision.leak_bits is None else precision.leak_bits,
            percent(precision.mismatch), bounds.acc.width,
            state.width, f"{memories[index].bits / 1024:.1f}",
            f"{built.planned.activity[index].events:,.1f}", f"{cycles[index].mean():,.1f}",
        ])
    return rows
