"""``manifest.json``: everything that a stranger must know to drive the emitted top level."""

from __future__ import annotations

from typing import Any

from bsnn_hw import __version__
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.manifest_layers import layer_facts, map_facts
from bsnn_hw.ir.byte_port import Port
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.network import Coding
from bsnn_hw.ir.words import WordGeometry

__all__ = ["FORMAT", "VERSION", "manifest"]

FORMAT, VERSION = "bsnn-hw/bundle", 2

_ODD_INPUT = {
    "address beyond the layer": "the slot is ignored",
    "value 0": "the slot is ignored",
    "packet without an event": "a silent inference with its scores",
    "input twice in a timestep":
        "counts twice; sums beyond what all inputs at their largest value give may wrap, which "
        "spoils the scores of this inference only",
    "reset in the middle of a packet":
        "the inference is forgotten; the next beat after reset starts a new packet",
    "invariant": "every tlast on s_axis gives exactly one packet on m_axis, in order, and no input "
                 "changes a later inference",
}
_ODD_MAP = {
    "address beyond the layer": "coordinates beyond the map and channels beyond the input's: the "
                                "slot is ignored",
    "slots of different places in a beat": "all count as events of slot 0's place",
}
_ODD_WORD = {
    "address beyond the layer": "the bit is ignored",
    "value 0": "a word without spikes; nothing happens",
}
_ODD_MARKS = {
    "packet with too few timestep marks": "the missing timesteps are silent",
    "packet with too many timestep marks":
        "everything after the last timestep's mark is dropped, up to tlast",
}


_ODD_BYTES = {
    "packet of too few bytes": "the missing values are 0",
    "packet of too many bytes": "everything after the last value is dropped, up to tlast",
    "a value above the largest": "the bits above are ignored",
    "reset in the middle of a packet": _ODD_INPUT["reset in the middle of a packet"],
    "invariant": _ODD_INPUT["invariant"],
}


def manifest(design: Design, vectors: dict[str, Any], trained_on: str | None) -> dict[str, Any]:
    """The manifest as plain JSON values; ``files``, what `inventory` says of the rest, comes last.

    vectors : names and counts of the test vectors, put in as they are
    trained_on : name of the data set, or None
    """
    network, narrow = design.network, design.port is Port.BYTES
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
            "input": {"coding": network.input.coding.value, "size": network.input.size,
                      "map": map_facts(network.input.features),
                      "bits": network.input.bits, "scale": network.input.scale,
                      "offset": network.input.offset,
                      "meaning": "the network was trained on scale * integer + offset"},
            "classes": list(network.classes),
            "score_scale": network.readout.scale,
            "parameters": "network.json",
            "trained_on": trained_on,
        },
        "port": design.port.value,
        "s_axis": _input_bytes(design) if narrow else _input_port(design),
        "m_axis": _output_bytes(design) if narrow else _output_port(design),
        "odd_input": _ODD_BYTES if narrow else _odd_slots(design),
        "block_rows": {"state": design.schedule.block_rows,
                       "constants": design.schedule.constant_rows},
        "layers": [layer_facts(design, number)
                   for number in range(len(design.geometries))],
        "vectors": vectors,
    }


def _input_port(design):
    ports, direct = design.ports, design.network.input.coding is Coding.DIRECT
    marks = ("s_axis_tlast ends the sample; values count in every timestep" if direct else
             "s_axis_tuser ends a timestep, s_axis_tlast the last one and the inference"
             if ports.has_mark else "s_axis_tlast ends the only timestep")
    return {
        "packet": f"one inference; {marks}",
        "tdata_width": ports.input_width,
        "slots": ports.slots,
        "slot_width": ports.slot_width,
        "slot": {
            "value": {"low": 0, "width": ports.value_width, **_value(design)},
            "row": {"low": ports.value_width, "width": ports.slot_width - ports.value_width,
                    **_row(design)},
        },
        "rows": design.geometries[0].rows,
        "tuser": "end of timestep, in the beat with its last events" if ports.has_mark else None,
    }


def _value(design):
    """What the value of a slot says, and of how many inputs."""
    if not isinstance(design.geometries[0], WordGeometry):
        return {"meaning": "of the event; 0 means that the slot is empty", "inputs": 1}
    return {"meaning": "bit e is 1 where input e of the row spikes",
            "inputs": design.geometries[0].lanes}


def _row(design):
    """What the row of a slot says."""
    geometry, ports = design.geometries[0], design.ports
    if isinstance(geometry, WordGeometry):
        return {"meaning": f"bit e of row r is input r * {geometry.lanes} + e"}
    if not isinstance(geometry, ConvGeometry):
        return {"meaning": f"slot e of row r is input r * {ports.slots} + e; each slot of a "
                           "beat has a row of its own"}
    channel, (_, horizontal) = geometry.row_bits, geometry.place_bits
    rest = ports.slot_width - ports.value_width - channel - horizontal
    return {
        "meaning": f"slot e with {{y, x, r}} is channel r * {ports.slots} + e at line y, column x; "
                   "all slots of a beat are of one place, which slot 0 says even if it is empty",
        "fields": {"r": {"low": 0, "width": channel}, "x": {"low": channel, "width": horizontal},
                   "y": {"low": channel + horizontal, "width": rest}},
    }


def _odd_slots(design):
    """What a beat of event slots may hold that no sample gives."""
    return (_ODD_INPUT | (_ODD_MARKS if design.ports.has_mark else {})
            | (_ODD_MAP if isinstance(design.geometries[0], ConvGeometry) else {})
            | (_ODD_WORD if isinstance(design.geometries[0], WordGeometry) else {}))


def _input_bytes(design):
    port, source = design.byte_port, design.network.input
    order = ("line by line, at each place channel by channel"
             if isinstance(design.geometries[0], ConvGeometry) else "in the order of their index")
    steps = f", timestep by timestep ({port.timesteps})" if port.timesteps > 1 else ""
    return {
        "packet": f"one inference; {port.step} value(s) {order}{steps}; s_axis_tlast with the "
                  "last",
        "tdata_width": 8,
        "tdata": f"a value, 0..{source.max_value}",
        "beats": port.step * port.timesteps,
    }


def _output_bytes(design):
    port = design.byte_port
    return {
        "packet": f"one inference; {port.classes} score(s) of {port.score} byte(s), low end first, "
                  f"then the class in {port.answer}; m_axis_tlast with the last byte",
        "tdata_width": 8,
        "tdata": "a byte; scores are signed, the class is the one with the largest score, the "
                 "lowest on a tie",
        "score_bytes": port.score, "class_bytes": port.answer,
        "beats": port.output,
    }


def _output_port(design):
    ports = design.ports
    return {
        "packet": "one inference; a beat per class, in order",
        "tdata_width": ports.output_width,
        "tdata": f"score of the class, signed, {ports.score_width} bits sign-extended",
        "tuser_width": ports.class_width,
        "tuser": "class with the largest score so far, the lowest on a tie; "
                 "in the beat with tlast it is the network's answer",
        "beats": design.network.readout.synapse.neurons,
    }
