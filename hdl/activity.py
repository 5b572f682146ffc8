"""What every layer does, as numbers of a cycle: events that it takes and neurons that fire."""

from __future__ import annotations

from amaranth import Cat, Signal
from amaranth.lib import data

from bsnn_hw.hdl.popcount import popcount
from bsnn_hw.layout.blocks import Synapses
from bsnn_hw.layout.build import Layout

__all__ = ["activity_layout", "count_activity"]


def activity_layout(layout: Layout) -> data.StructLayout:
    """``events_K`` of every layer and ``spikes_K`` of those that spike, the readout last."""
    fields = {}
    for number, layer in enumerate(layout.layers):
        engines = [layer.synapses, *(each for each in layer.shortcuts
                                     if isinstance(each, Synapses))]
        fields[f"events_{number}"] = sum(each.geometry.lanes for each in engines).bit_length()
        fields[f"spikes_{number}"] = layer.neurons.words.width.bit_length()
    lanes = layout.output.synapses.geometry.lanes
    return data.StructLayout({**fields, f"events_{len(layout.layers)}": lanes.bit_length()})


def count_activity(m, activity, layers) -> None:
    """Have ``activity``, of ``activity_layout``, say what ``layers`` have done some cycles before.

    layers : components, the readout last
    """
    for number, layer in enumerate(layers):
        groups = [getattr(layer, name) for name in layer.signature.members
                  if name.startswith("groups")]
        events = Cat(_events(group) for group in groups)
        _count(m, activity, f"events_{number}", events)
        if number < len(layers) - 1:
            _count(m, activity, f"spikes_{number}",
                   layer.words.spikes & layer.words_valid.replicate(len(layer.words.spikes)))


def _events(groups):
    """A bit for each lane that has an event in a group that is taken."""
    group = groups.payload
    taken = groups.valid & groups.ready & group.charge
    return Cat((value != 0) & taken for value in group.values)


def _count(m, activity, name, bits):
    """How many of ``bits`` are set; they are far apart, and wait in registers."""
    register = Signal(len(bits), name=f"{name}_bits")
    m.d.sync += register.eq(bits)
    m.d.comb += activity[name].eq(popcount(m, name, list(register))[0])
