"""The block of a gate that the sample makes."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.parts import Access, Memory, Parts, bits_of
from bsnn_hw.engines.events import EventGeometry
from bsnn_hw.ir.bounds import GateBounds
from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.memory import BLOCK_ROWS

__all__ = ["Gate", "gate_block"]


@dataclass(frozen=True)
class Gate:
    """Weight banks of one further neuron, its total, and a table.

    geometry : of that neuron, which takes the events of the layer
    weight_bits : int; max_value : int, largest value of an event
    delay : int, cycles from an event's address to its weight in the total if it does not wait
    wait : int, cycles that it waits for a slower engine of the layer
    total_width : int, bits
    rows, factor_width : int, of the table
    block : bool, the table is in block RAM
    pipelined : bool, weights come through registers of their own
    """

    geometry: EventGeometry
    weight_bits: int
    max_value: int
    delay: int
    wait: int
    total_width: int
    rows: int
    factor_width: int
    block: bool
    pipelined: bool = False

    def parts(self) -> Parts:
        """hdl/gate.py."""
        width, tap = self.total_width, bits_of(self.geometry.taps)
        table = Memory(self.rows, self.factor_width, Access.TABLE, block=self.block,
                       logic=not self.block)
        return (self.geometry.weight_parts(self.weight_bits)
                + self.geometry.synapse_parts(self.weight_bits, self.max_value)
                + Parts.adders(width) + Parts.logic(width + bits_of(self.rows) + tap, width)
                + Parts.delays(2 * self.factor_width)
                + (Parts(memories=(table,)) if self.rows > 1 else Parts()))


def gate_block(gate: SampleGate, geometry: EventGeometry, bounds: GateBounds, *,
               max_value: int, pipelined: bool = False) -> Gate:
    """The block of a layer's gate, which does not wait yet.

    geometry : of the layer's own synapses
    """
    own = geometry.single()
    rows = gate.entries * (1 if gate.constant_table else len(gate.table))
    return Gate(own, gate.weight_bits, max_value, own.delay(gate.weight_bits) + pipelined, 0,
                bounds.total.width, rows, gate.width, rows >= BLOCK_ROWS, pipelined)
