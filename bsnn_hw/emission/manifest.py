"""``manifest.json``: everything that a stranger must know to drive the emitted top level."""

from __future__ import annotations

from typing import Any

from bsnn_hw import __version__
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.manifest_layers import layer_facts, map_facts
from bsnn_hw.ir.network import Input
from bsnn_hw.ports.registry import PORTS

__all__ = ["FORMAT", "VERSION", "manifest"]

FORMAT, VERSION = "bsnn-hw/bundle", 2
STATEFUL = ("an inference starts from the membrane potentials, and the spikes of recurrent layers, "
            "that the one before left; from 0 after rst, and where s_axis_tuser says so; scores "
            "start anew in every inference")

_ODD_STATE = {
    "invariant": "every tlast on s_axis gives exactly one packet on m_axis, in order; what is odd "
                 "in a packet may be in the state until it is reset",
}


def manifest(design: Design, vectors: dict[str, Any], trained_on: str | None) -> dict[str, Any]:
    """The manifest as plain JSON values; ``files``, what `inventory` says of the rest, comes last.

    vectors : names and counts of the test vectors, put in as they are
    trained_on : name of the data set, or None
    """
    network, first, slots = design.network, design.geometries[0], design.layout.slots
    port = PORTS[design.port]
    return {
        "format": FORMAT,
        "version": VERSION,
        "generator": f"bsnn-hw {__version__}",
        "top": design.verilog.top,
        "sources": [f"rtl/{path.name}" for path in design.verilog.paths],
        "clock": {"port": "clk", "edge": "rising"},
        "reset": {"port": "rst", "active": "high", "kind": "synchronous",
                  "after": "ready one cycle later; the state is cleared by the circuit itself"},
        "network": {
            "name": network.name,
            "timesteps": network.timesteps,
            **({"stateful": STATEFUL} if network.stateful else {}),
            "input": {"coding": network.input.coding.value, "size": network.input.size,
                      "map": map_facts(network.input.features),
                      "bits": network.input.bits, "scale": network.input.scale,
                      "offset": network.input.offset, **_used(network.input),
                      "meaning": "the network was trained on scale * integer + offset"},
            "classes": list(network.classes),
            "score_scale": network.readout.scale,
            "parameters": "network.json",
            "trained_on": trained_on,
        },
        "port": design.port.value,
        "s_axis": _s_axis(design),
        "m_axis": port.output_facts(network, slots),
        "odd_input": port.odd_input(first, slots) | (_ODD_STATE if network.stateful else {}),
        "layers": [layer_facts(design, number)
                   for number in range(len(design.geometries))],
        "vectors": vectors,
    }


def _used(source: Input) -> dict[str, Any]:
    """Which values of a sample are sent, where they are not all."""
    if source.used is None:
        return {}
    return {"used": list(source.used.places), "sample": map_facts(source.used.shape),
            "sent": "only the sample's values with the indexes of used, in this order"}


def _s_axis(design: Design) -> dict[str, Any]:
    """What the port says, and of a stateful network which bit resets the state."""
    port, slots = PORTS[design.port], design.layout.slots
    facts = port.input_facts(design.network, design.geometries[0], slots)
    if not design.network.stateful:
        return facts
    bit = port.reset_bit(slots)
    mark = f"bit 0: {facts['tuser']}; " if facts.get("tuser") else ""
    reset = (f"bit {bit}: in the first beat of a packet, the state is reset before the packet, "
             "once the scores of all packets before are out")
    return facts | {"tuser": mark + reset, "tuser_width": bit + 1, "tuser_reset": bit}
