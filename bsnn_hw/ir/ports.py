"""Bit positions of the network's two AXI4-Stream ports; hdl/frontend.py builds the same slots."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.ir.schedule import Schedule, network_geometries
from bsnn_hw.ir.words import WordGeometry

__all__ = ["PortLayout", "port_layout"]


@dataclass(frozen=True)
class PortLayout:
    """All widths in bits.

    An ``s_axis_tdata`` slot holds the value in its low ``value_width`` bits and the row above; a
    convolution's row is ``{y, x, channel}``, and all slots of a beat are of the place in slot 0.
    In front of a layer that takes words there is one slot, whose value is a word of spikes.
    ``m_axis_tdata`` is the score, sign-extended to whole bytes; ``m_axis_tuser`` is a class.
    """

    slots: int
    slot_width: int
    value_width: int
    has_mark: bool
    score_width: int
    class_width: int

    @property
    def input_width(self) -> int:
        """Bits of ``s_axis_tdata``."""
        return self.slots * self.slot_width

    @property
    def output_width(self) -> int:
        """Bits of ``m_axis_tdata``."""
        return -(-self.score_width // 8) * 8


def port_layout(network: Network, schedule: Schedule) -> PortLayout:
    """Ports of the network's top level."""
    shapes = network_geometries(network, schedule)
    events = network.input.coding is Coding.EVENTS
    words = isinstance(shapes[0], WordGeometry)
    value_width = shapes[0].lanes if words else network.input.bits
    return PortLayout(
        slots=1 if words else shapes[0].lanes,
        slot_width=-(-(value_width + shapes[0].address_bits) // 8) * 8,
        value_width=value_width,
        has_mark=events and network.timesteps > 1,
        score_width=network_bounds(network)[1].score.width,
        class_width=max(1, (shapes[-1].neurons - 1).bit_length()))
