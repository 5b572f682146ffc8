"""What ``manifest.json`` says of each layer: its map, its synapses, its plan and its probe."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bsnn_hw.emission.design import Design
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.document import window_facts
from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import (
    Conv,
    CurrentShortcut,
    Hidden,
    Pool,
    Readout,
    Shape,
    Shortcut,
    SpikeJoin,
    SpikeShortcut,
    Synapse,
    SynapseShortcut,
)
from bsnn_hw.layout.blocks import Layer

__all__ = ["layer_facts", "map_facts"]


def layer_facts(design: Design, number: int) -> dict[str, Any]:
    """The facts of layer ``number`` as plain JSON values."""
    network, geometry = design.network, design.geometries[number]
    layer, plan = network.layers[number], design.schedule.layers[number]
    entry = {
        "name": layer.name, "from": _name(design, number - layer.back),
        **_added(design, number, layer), "pool": _pool(layer.pool),
        "synapses": _synapses(layer.synapse),
        "inputs": geometry.inputs, "neurons": layer.shape.size,
        "map": map_facts(layer.shape),
        "engine": geometry.takes.value,
        "lanes": geometry.lanes, "shared_lanes": geometry.shared,
        "parallel": geometry.parallel, **_places(geometry),
        **({"pipelined": True} if plan.pipelined else {}),
        **({} if plan.units is None else {"units": plan.units}),
        "folds": geometry.folds, "rows": _rows(design, number),
        "block_ram": sorted(store.value for store in design.layout.blocks[number].in_blocks),
    }
    if isinstance(layer, Hidden):
        return entry | _hidden_facts(design, number, layer)
    bounds = design.layout.readout_bounds
    return entry | {"acc": asdict(bounds.acc), "score": asdict(bounds.score)}


def _rows(design: Design, number: int) -> int:
    """Of the neurons' steps: fewer than those of the sums where currents are pooled, more where
    units of their own step."""
    block = design.layout.blocks[number]
    raster = block.neurons.raster if isinstance(block, Layer) else block.synapses.geometry.raster
    return raster.rows


def _places(geometry: Geometry) -> dict[str, int]:
    """Output places of a line that are charged per cycle, where they are several."""
    return {"places": geometry.places} if geometry.places > 1 else {}


def map_facts(shape: Shape) -> list[int]:
    """[channels, height, width]; neuron (c, y, x) has the index (c * height + y) * width + x."""
    return [shape.channels, shape.height, shape.width]


def _name(design: Design, number: int) -> str | None:
    """Of the layer that gives, None for the network's input."""
    return design.network.layers[number].name if number >= 0 else None


def _pool(pool: Pool | None) -> dict[str, Any] | None:
    return None if pool is None else window_facts(pool)


def _synapses(synapse: Synapse) -> dict[str, Any]:
    if not isinstance(synapse, Conv):
        return {"type": "linear", "weight_bits": synapse.weight_bits}
    return {"type": "conv2d", "weight_bits": synapse.weight_bits,
            "source": map_facts(synapse.source), "kernel": list(synapse.kernel),
            "stride": list(synapse.stride), "padding": list(synapse.padding),
            **({} if synapse.groups == 1 else {"groups": synapse.groups})}


def _shortcut(design: Design, number: int, shortcut: Shortcut) -> dict[str, Any]:
    producer = {"from": _name(design, number - shortcut.back)}
    match shortcut:
        case CurrentShortcut():
            return {"adds": "current", **producer}
        case SpikeShortcut():
            return {"adds": "spikes", **producer}
        case SynapseShortcut():
            return {"adds": "synapses", **producer, **_added(design, number, shortcut),
                    "pool": _pool(shortcut.pool),
                    "synapses": _synapses(shortcut.synapse)}


def _added(design: Design, number: int,
           part: Hidden | Readout | SynapseShortcut) -> dict[str, Any]:
    """The layers whose spikes are added to those that come in; left out where there are none."""
    return {} if not part.summands else {"added": [
        {"from": _name(design, number - each.back), "pool": _pool(each.pool)}
        for each in part.summands]}


def _join(design: Design, number: int, join: SpikeJoin | None) -> dict[str, Any]:
    """What leaves the layer; left out where that are its own spikes."""
    return {} if join is None else {"join": {
        "kind": join.kind.value, "from": _name(design, number - join.back),
        "pool": _pool(join.pool)}}


def _gate(gate: SampleGate | None) -> dict[str, Any] | None:
    return None if gate is None else {
        "weight_bits": gate.weight_bits, "index_bits": gate.index_bits,
        "factor_bits": gate.factor_bits, "factor_width": gate.width}


def _synaptic(bounds: HiddenBounds) -> dict[str, Any]:
    """The range of second-order neurons' synaptic currents, where a layer has any."""
    return {"synaptic": asdict(bounds.synaptic.current)} if bounds.synaptic else {}


def _hidden_facts(design: Design, number: int, layer: Hidden) -> dict[str, Any]:
    bounds, probe, neuron = design.layout.hidden_bounds[number], design.probes[number], layer.neuron
    return {
        "current_pool": _pool(layer.current_pool),
        "shortcuts": [_shortcut(design, number, shortcut) for shortcut in layer.shortcuts],
        "gate": _gate(layer.gate), **_join(design, number, layer.join),
        "fraction_bits": neuron.fraction_bits, "leak_bits": neuron.leak_bits,
        "reset": neuron.reset.value, "comparison": neuron.comparison.value,
        **({"refractory": True} if neuron.refractory else {}),
        **({"saturation": neuron.saturation} if neuron.saturation else {}),
        **({} if neuron.floor is None else {"floor": True}),
        "acc": asdict(bounds.acc), **_synaptic(bounds), "charged": asdict(bounds.charged),
        "charged_width": bounds.charged.width,
        "probe": {"path": probe.firing.path, "module": probe.firing.module,
                  "firing": probe.firing.signal,
                  "charged": probe.charged.signal, "fired": probe.fired.signal},
    }
