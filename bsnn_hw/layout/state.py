"""Rows of state, and the operations that go over them."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.parts import Access, Memory, bits_of
from bsnn_hw.ir.raster import Raster

__all__ = ["CONTROL", "StateRows", "operation_bits"]

CONTROL = 5  # bits of an operation: charge, step, clear, close, sweep


def operation_bits(raster: Raster, timesteps: int) -> int:
    """Bits of an operation that are registers: in a layer without a map row and fold are one."""
    fold = bits_of(raster.folds) if raster.shape.positions > 1 else 0
    return bits_of(raster.rows) + fold + bits_of(timesteps) + CONTROL


@dataclass(frozen=True)
class StateRows:
    """A memory that its owner reads every cycle and writes some cycles later.

    rows, width : words, and bits of each
    block : bool, in block RAM, which is read two cycles before; else one
    pipelined : bool, block RAM is read a cycle earlier, through a register of its own
    """

    rows: int
    width: int
    block: bool
    pipelined: bool = False

    @property
    def ahead(self) -> int:
        """Cycles that a row is known before its operation."""
        return 2 + self.pipelined if self.block else 1

    def memories(self) -> tuple[Memory, ...]:
        """None for a single row, which is a register."""
        access = Access.QUEUE if self.block else Access.STATE
        return (Memory(self.rows, self.width, access, block=self.block),) if self.rows > 1 else ()
