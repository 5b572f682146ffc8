"""Bit positions of the event slots that a network takes, and of the scores that it gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.bounds import ReadoutBounds
from bsnn_hw.ir.network import Coding, Network

__all__ = ["Slots", "network_slots", "signed_values"]


@dataclass(frozen=True)
class Slots:
    """All widths in bits.

    An ``s_axis_tdata`` slot holds the value in its low ``value_width`` bits and the row above; a
    convolution's row is ``{y, x, channel}``, and all slots of a beat are of the position in slot 0.
    In front of a layer that takes words there is one slot, whose value is a word of spikes.
    ``m_axis_tdata`` is the score, sign-extended to whole bytes; ``m_axis_tuser`` is a class.
    """

    slots: int
    slot_width: int
    value_width: int
    ends_timesteps: bool
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


def signed_values(raw: np.ndarray, width: int) -> np.ndarray:
    """Read the low ``width`` bits (1..64) of uint64 numbers as two's complement, int64."""
    shift = np.uint64(64 - width)
    return (raw << shift).view(np.int64) >> np.int64(64 - width)


def network_slots(network: Network, first: Geometry, readout: ReadoutBounds) -> Slots:
    """The slots of a network whose first layer is laid out as ``first``."""
    value_width = first.value_bits(network.input.bits)
    return Slots(
        slots=first.slots,
        slot_width=-(-(value_width + first.address_bits) // 8) * 8,
        value_width=value_width,
        ends_timesteps=network.input.coding is Coding.EVENTS and network.timesteps > 1,
        score_width=readout.score.width,
        class_width=max(1, (network.readout.synapse.neurons - 1).bit_length()))
