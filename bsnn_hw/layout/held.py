"""Sums that are held while a few neurons at a time step on them, beside the next timestep's events.
"""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.parts import Parts, bits_of
from bsnn_hw.ir.network import CurrentShortcut, Hidden, Network
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.state import StateRows, operation_bits

__all__ = ["HeldSums", "units_problem"]


@dataclass(frozen=True)
class HeldSums:
    """What stands between accumulators and neurons where a plan has units of its own for these.

    summed : Raster, of the sums, and of the words of spikes
    units : Raster, of the neurons' steps
    walks : int, over the same sums: T of a direct-coded sample's, else 1
    timesteps : int
    store : StateRows, the memory of sums
    recovery : int, cycles between two steps of one row, at least
    """

    summed: Raster
    units: Raster
    walks: int
    timesteps: int
    store: StateRows
    recovery: int

    @property
    def count(self) -> int:
        """Steps of a row of sums."""
        return self.summed.width // self.units.width

    @property
    def sum_width(self) -> int:
        """Bits of a sum."""
        return self.store.width // self.summed.width

    @property
    def pass_cycles(self) -> int:
        """Cycles from a step of all rows to the next, at least."""
        return max(self.units.rows, self.recovery)

    def parts(self) -> Parts:
        """hdl/held_sums.py, and hdl/row_gather.py behind the neurons."""
        units, count, rows = self.units, self.count, bits_of(self.summed.rows)
        counted = bits_of(units.rows) + 2 * rows + bits_of(count) + bits_of(self.timesteps)
        counted += bits_of(units.folds) * (units.shape.positions > 1)
        row = units.width * self.sum_width
        parts = (Parts.adders(counted / 5, 5) + Parts.adders(rows, 2)
                 + Parts.logic(counted + 12, counted + 8)
                 + Parts.delays(self.store.ahead * operation_bits(units, self.timesteps) + rows)
                 + Parts(memories=self.store.memories()))
        # A LUT takes two of the sums that are chosen among.
        parts += Parts.logic(row * (count - 1) * 0.7, row)
        if self.store.rows == 1:
            parts += Parts(registers=self.store.width)
        if count > 1:
            word = bits_of(self.summed.rows)
            parts += Parts.adders(word) + Parts.logic(
                1.7 * self.summed.width + 8 + 2 * word,
                2 * self.summed.width - units.width + 2 * word + bits_of(count))
        return parts


def units_problem(network: Network, number: int) -> str | None:
    """Why layer ``number`` cannot hold its sums for units of its own; None where it can."""
    layer = network.layers[number]
    if not isinstance(layer, Hidden):
        return "it has no neurons"
    if layer.shortcuts or layer.join is not None:
        return "its step waits for another layer's rows"
    if layer.gate is not None:
        return "each sample makes its gate"
    if layer.current_pool is not None:
        return "its currents are pooled"
    for after, other in enumerate(network.hidden):
        if any(isinstance(each, CurrentShortcut) and after - each.back == number
               for each in other.shortcuts):
            return f"'{other.name}' takes its currents"
    return None
