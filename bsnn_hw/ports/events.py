"""The port of event slots: as many events a beat as the first layer has lanes, a score a beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.feed import Feed
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.ir.schedule import Port
from bsnn_hw.ports.port import ODD_PACKETS, PortKind, Stimulus
from bsnn_hw.ports.slots import Slots, signed_values

__all__ = ["EventPort"]

_ODD_INPUT = {
    "address beyond the layer": "the slot is ignored",
    "value 0": "the slot is ignored",
    "packet without an event": "a silent inference with its scores",
    "input twice in a timestep":
        "counts twice; sums beyond what all inputs at their largest value give may wrap, which "
        "spoils the scores of this inference only",
    **ODD_PACKETS,
}
_ODD_TIMESTEPS = {
    "packet with too few timesteps": "the missing timesteps are silent",
    "packet with too many timesteps":
        "everything after the end of the last timestep is dropped, up to tlast",
}


class EventPort(PortKind):
    """Beats of event slots in, a score a beat out."""

    port = Port.EVENTS
    queue = 17  # what LUT memories of 16 hold, and one in the output register

    def stimulus(self, network: Network, first: Geometry, slots: Slots,
                 inputs: np.ndarray) -> Stimulus:
        """One packet per sample, each timestep's events lowest address first."""
        steps = inputs[:, None] if inputs.ndim == 2 else inputs
        samples, marks, size = steps.shape
        data, ends = first.beats(steps.reshape(samples * marks, size), slots.slot_width,
                                 slots.value_width)
        mark = np.zeros(len(data), bool)
        mark[ends - 1] = True
        last = np.zeros(len(data), bool)
        last[(ends - 1).reshape(samples, marks)[:, -1]] = True
        return Stimulus(data, last, mark)

    def reset_bit(self, slots: Slots) -> int:
        """As in `PortKind`."""
        return int(slots.ends_timesteps)

    def answer_beats(self, network: Network) -> int:
        """A beat per class."""
        return network.readout.synapse.neurons

    def answers(self, network: Network, slots: Slots, data: np.ndarray, user: np.ndarray,
                count: int) -> tuple[np.ndarray, np.ndarray]:
        """As in `PortKind`."""
        shape = count, network.readout.synapse.neurons
        scores = signed_values(data[:, 0], slots.output_width)
        return scores.reshape(shape), user.reshape(shape)[:, -1]

    def input_facts(self, network: Network, first: Geometry, slots: Slots) -> dict[str, Any]:
        """As in `PortKind`."""
        direct = network.input.coding is Coding.DIRECT
        marks = ("s_axis_tlast ends the sample; values count in every timestep" if direct else
                 "s_axis_tuser ends a timestep, s_axis_tlast the last one and the inference"
                 if slots.ends_timesteps else "s_axis_tlast ends the only timestep")
        facts = first.slot_facts(slots.slot_width, slots.value_width)
        return {
            "packet": f"one inference; {marks}",
            "tdata_width": slots.input_width,
            "slots": slots.slots,
            "slot_width": slots.slot_width,
            "slot": {
                "value": {"low": 0, "width": slots.value_width, **facts["value"]},
                "row": {"low": slots.value_width, "width": slots.slot_width - slots.value_width,
                        **facts["row"]},
            },
            "rows": first.rows,
            "tuser": ("end of timestep, in the beat with its last events" if slots.ends_timesteps
                      else None),
        }

    def output_facts(self, network: Network, slots: Slots) -> dict[str, Any]:
        """As in `PortKind`."""
        return {
            "packet": "one inference; a beat per class, in order",
            "tdata_width": slots.output_width,
            "tdata": f"score of the class, signed, {slots.score_width} bits sign-extended",
            "tuser_width": slots.class_width,
            "tuser": "class with the largest score so far, the lowest on a tie; "
                     "in the beat with tlast it is the network's answer",
            "beats": self.answer_beats(network),
        }

    def odd_input(self, first: Geometry, slots: Slots) -> dict[str, str]:
        """As in `PortKind`."""
        return _ODD_INPUT | (_ODD_TIMESTEPS if slots.ends_timesteps else {}) | first.odd_input

    def cycles(self, network: Network) -> float:
        """A beat per class."""
        return float(network.readout.synapse.neurons)

    def walks(self, geometries: Sequence[Geometry], feed: Feed) -> list[np.ndarray]:
        """As the lanes get the events; the port is as fast as any engine."""
        return [geometry.walk(feed) for geometry in geometries]

    def walk_key(self, geometry: Geometry) -> tuple[Any, ...]:
        """As behind another layer."""
        return geometry.walk_key()

    def parts(self, network: Network, first: Geometry, value_bits: int) -> Parts:
        """None: these are the slots."""
        return Parts()
