"""The synaptic currents of second-order neurons, between currents and membranes."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.parts import Parts, Product, bits_of
from bsnn_hw.ir.bounds import SynapticBounds
from bsnn_hw.ir.network import NeuronSpec
from bsnn_hw.ir.neuron import next_factors, shared_factors
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Rows, Store, Stores
from bsnn_hw.layout.state import StateRows
from bsnn_hw.layout.tables import TableSize, table_rows, table_size
from bsnn_hw.layout.timing import leak_shift

__all__ = ["SynapticCurrents", "synaptic_block"]


@dataclass(frozen=True)
class SynapticCurrents:
    """A row of synaptic currents, and their memory.

    parallel : int, neurons of a row; current_width, kept_width : bits of I, and behind its leak
    leak_shift, leak_bits, leak_factor, leak : as of `Neurons`, for these
    store : StateRows, what is kept
    """

    parallel: int
    current_width: int
    kept_width: int
    leak_shift: int | None
    leak_bits: int
    leak_factor: int
    leak: TableSize | None
    store: StateRows

    def parts(self) -> Parts:
        """hdl/synaptic.py."""
        width, row = self.parallel, self.parallel * self.current_width
        parts = Parts.adders(self.current_width, width) + Parts(registers=row)
        parts += Parts(memories=self.store.memories())
        if self.store.rows > 1:
            parts += Parts.delays((1 + self.store.pipelined) * self.store.width
                                  if self.store.block else bits_of(self.store.rows))
        else:
            parts += Parts(registers=self.store.width)
        if self.leak_shift is not None:
            return parts + Parts.logic(self.store.width)
        factor = self.leak_factor.bit_length()
        parts += self.leak.parts() if self.leak else Parts.logic(factor, factor)
        product = width * (self.kept_width + self.leak_bits)
        return (parts + Parts.delays((1 + self.store.pipelined) * product)
                + Parts(products=(Product(self.current_width, factor + 1, width),)))


def synaptic_block(spec: NeuronSpec, bounds: SynapticBounds, raster: Raster,
                   memories: Rows | Stores, pipelined: bool = False) -> SynapticCurrents:
    """The synaptic currents of second-order neurons, a row of ``raster`` at a time."""
    assert spec.current_leak is not None
    leak = None
    if shared_factors(spec.current_leak) is None:
        rows = table_rows(next_factors(spec.current_leak), raster)
        leak = table_size(rows, memories.hold(Store.LEAKS, len(rows)))
    return SynapticCurrents(
        raster.width, bounds.current.width, bounds.kept.width,
        leak_shift(spec.current_leak, spec.leak_bits), spec.leak_bits,
        int(spec.current_leak.max()), leak,
        StateRows(raster.rows, raster.width * bounds.kept.width,
                  memories.hold(Store.SYNAPTIC, raster.rows), pipelined))
