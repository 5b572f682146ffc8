"""From sums to spikes: pooling of currents, their terms, and the neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.devices.parts import Parts, Product, bits_of
from bsnn_hw.ir.border import Border
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.network import (
    CurrentShortcut,
    Hidden,
    Shortcut,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Rows, Store, Stores
from bsnn_hw.layout.held import HeldSums
from bsnn_hw.layout.state import CONTROL, StateRows, operation_bits
from bsnn_hw.layout.synaptic import SynapticCurrents, synaptic_block
from bsnn_hw.layout.tables import TableSize, table_rows, table_size
from bsnn_hw.layout.timing import (
    charge_delay,
    current_delay,
    leak_shift,
    neuron_delay,
    pooling_delay,
    recovery,
    synaptic_recovery,
)

__all__ = ["CurrentPool", "Gain", "Neurons", "neurons_block"]


@dataclass(frozen=True)
class Gain:
    """A term of the current that is multiplied, or chosen by a spike.

    table : TableSize; sum_width : int, bits of the sum that it multiplies, None for a spike
    """

    table: TableSize
    sum_width: int | None


@dataclass(frozen=True)
class CurrentPool:
    """What finds the largest sum of each window, between accumulators and neurons.

    summed, windows : Raster, of the sums and of the neurons
    size : (height, width), of a window; sum_width : int, bits of a sum
    """

    summed: Raster
    windows: Raster
    size: tuple[int, int]
    sum_width: int

    def parts(self) -> Parts:
        """hdl/current_pool.py: counters, comparisons, and a line of windows."""
        windows, row = self.windows, self.windows.width * self.sum_width
        line = StateRows(windows.shape.width * windows.folds, row, False)
        counted = bits_of(windows.rows) + bits_of(line.rows) + sum(
            bits_of(side) for side in (*self.size, windows.shape.width + 1,
                                       windows.shape.height + 1))
        parts = (Parts.adders(counted / 6, 6) + Parts.logic(counted, counted)
                 + Parts.delays(2 * bits_of(windows.rows) + bits_of(line.rows) + 2 * CONTROL))
        return (parts + Parts.adders(self.sum_width, windows.width) + Parts.logic(row)
                + Parts.delays(row) + Parts(memories=line.memories()))


@dataclass(frozen=True)
class Neurons:
    """Currents and the neuron step of a row.

    raster : of the neurons' steps; timesteps : int
    current_delay : int, cycles from an operation to its currents
    delay : int, cycles from an operation of the sums to its word of spikes
    pool : CurrentPool, None where the sums' rows are the neurons'
    held : HeldSums, None where a row steps as it comes
    recovery : int, cycles between two steps of one row, at least
    leak_shift : int, right shift that is the leak of all timesteps; None where it takes a product
    leak_factor : int, the largest factor of that product; leak : TableSize, of factors per channel
    gated : bits of the current that a gate of the sample's multiplies, and of its factor; None
        without one
    soft : bool, a reset subtracts; reset_by : TableSize, where it is not the threshold
    potentials : StateRows, None where none are kept: with a single timestep that starts anew
    rests : bool, it is kept too which neurons have fired, as they rest
    saturates : bool, potentials are cut to the bits that there are
    floor : TableSize, of neurons that have one which is not 0 throughout: that takes the sign of a
        potential, and nothing that is not there already
    synaptic : SynapticCurrents, of second-order neurons
    pipelined : bool, what is in block RAM, constants and products come through registers of their
        own, and neurons settle a cycle after they fired
    """

    raster: Raster
    timesteps: int
    current_delay: int
    delay: int
    recovery: int
    leak_shift: int | None
    leak_bits: int
    leak_factor: int
    fraction_bits: int
    soft: bool
    acc_width: int
    current_width: int
    charged_width: int
    settled_width: int
    carried_width: int
    potentials: StateRows | None
    bias: TableSize
    threshold: TableSize
    reset_by: TableSize | None
    leak: TableSize | None
    gain: Gain | None
    shortcut_gains: tuple[Gain | None, ...]
    pool: CurrentPool | None = None
    gated: tuple[int, int] | None = None
    synaptic: SynapticCurrents | None = None
    rests: bool = False
    saturates: bool = False
    floor: TableSize | None = None
    pipelined: bool = False
    held: HeldSums | None = None

    @property
    def words(self) -> Raster:
        """Of the words of spikes."""
        return self.held.summed if self.held else self.raster

    @property
    def tables(self) -> tuple[tuple[Store, TableSize], ...]:
        """All tables of constants."""
        gains = [each.table for each in (self.gain, *self.shortcut_gains) if each is not None]
        named = ((Store.BIASES, self.bias), (Store.THRESHOLDS, self.threshold),
                 (Store.RESETS, self.reset_by), (Store.FLOORS, self.floor),
                 (Store.LEAKS, self.leak),
                 (Store.LEAKS, self.synaptic.leak if self.synaptic else None),
                 *((Store.GAINS, table) for table in gains))
        return tuple((store, table) for store, table in named if table is not None)

    def parts(self) -> Parts:
        """hdl/current.py, hdl/synaptic.py and hdl/neuron.py, and what pools before them."""
        parts = self._current_parts() + self._step_parts()
        parts += self.synaptic.parts() if self.synaptic else Parts()
        parts += self._register_parts() if self.pipelined else Parts()
        parts += self.held.parts() if self.held else Parts()
        return parts if self.pool is None else parts + self.pool.parts()

    def _register_parts(self) -> Parts:
        """What is there only in a pipelined layer."""
        width = self.raster.width
        gains = [each for each in (self.gain, *self.shortcut_gains)
                 if each is not None and each.sum_width is not None]
        bits = (sum(table.columns for _, table in self.tables)
                + width * (self.acc_width + len(gains) * self.current_width))
        bits += 2 * operation_bits(self.raster, self.timesteps)
        if self.potentials is not None:
            bits += width * (self.charged_width + self.soft * self.settled_width)
            bits += self.potentials.block * self.potentials.width
            bits += (self.leak_shift is None) * width * (self.carried_width + self.leak_bits)
            bits += width + self.floor.columns if self.floor else 0
        return Parts.delays(bits)

    def _current_parts(self) -> Parts:
        width, row = self.raster.width, self.raster.width * self.current_width
        op = operation_bits(self.raster, self.timesteps)
        parts = Parts.delays(2 * op + width * self.acc_width) + self.bias.parts()
        if self.gated is not None:
            own, factor = self.gated
            # The factor has no sign, and a signed product has a bit for one.
            return (parts + Parts.adders(own - self.fraction_bits, width)
                    + Parts.delays(width * self.current_width) + Parts(registers=width * own)
                    + Parts(products=(Product(own, factor + 1, width),)))
        if self.gain is None:
            return (parts + Parts.adders(self.current_width - self.fraction_bits, width)
                    + Parts(registers=row))
        parts += self._product_parts(self.gain)
        for gain in self.shortcut_gains:
            if gain is None:
                continue
            if gain.sum_width is None:
                parts += gain.table.parts() + Parts.logic(row)
            else:
                parts += Parts.delays(width * gain.sum_width) + self._product_parts(gain)
        terms = 2 + len(self.shortcut_gains)
        return (parts + Parts.adders(self.current_width, width * (terms - 1))
                + Parts(registers=row * (-(-terms // 2) + 1)))

    def _product_parts(self, gain: Gain) -> Parts:
        width = self.raster.width
        assert gain.sum_width is not None
        return (gain.table.parts() + Parts.delays(width * self.current_width)
                + Parts(products=(Product(gain.sum_width, gain.table.value_width, width),)))

    def _step_parts(self) -> Parts:
        width, charged, settled = self.raster.width, self.charged_width, self.settled_width
        parts = Parts.delays((self.delay + 1) * operation_bits(self.raster, self.timesteps))
        parts += self.threshold.parts()
        parts += Parts.adders(charged, width) if self.potentials else Parts()
        parts += Parts(registers=width * charged, cleared=width * charged * self.rests)
        parts += Parts.adders(charged, width)  # compares
        parts += Parts.delays(width * (1 + (self.leak_shift is None)) * self.rests)
        parts += Parts.logic(2 * width, width + bits_of(self.raster.rows) + 2)
        if self.potentials is None:
            return parts
        if self.soft:
            parts += self.reset_by.parts() if self.reset_by else Parts()
            parts += Parts.adders(settled, width) + Parts.logic(width * settled, width * settled)
        else:
            parts += Parts(registers=width * settled, cleared=width * settled)
        parts += Parts.logic(width * (settled + 1) * self.saturates)
        parts += self._floor_parts()
        carried, store = self.carried_width, self.potentials
        parts += Parts(memories=store.memories())
        if store.rows > 1:
            parts += Parts.delays(store.width if store.block else bits_of(store.rows))
        else:
            parts += Parts(registers=store.width)
        if self.leak_shift is not None:
            return parts
        factor = self.leak_factor.bit_length()
        parts += self.leak.parts() if self.leak else Parts.logic(factor, factor)
        return (parts + Parts.delays(width * (carried + self.leak_bits))
                + Parts(products=(Product(settled, factor + 1, width),)))

    def _floor_parts(self) -> Parts:
        """A comparison, and the choice of what it says."""
        if self.floor is None:
            return Parts()
        width = self.raster.width
        return (self.floor.parts() + Parts.adders(self.charged_width, width)
                + Parts.logic(width * self.settled_width))


def neurons_block(layer: Hidden, bounds: HiddenBounds, raster: Raster,
                  memories: Rows | Stores, pipelined: bool = False, units: int | None = None,
                  direct: bool = False) -> Neurons:
    """Currents and neurons of a layer.

    raster : Raster, of the layer's sums
    memories, pipelined, units : as in `LayerPlan`
    direct : bool, the sums are a sample's, and serve every timestep
    """
    pool, summed = _current_pool(layer, raster, bounds.acc.width), raster
    raster = raster if pool is None else pool.windows
    raster = raster if units is None else Raster(raster.shape, units)
    spec, timesteps = layer.neuron, len(layer.neuron.leak)
    block = memories.hold(Store.POTENTIALS, raster.rows)

    def size(store: Store, table: np.ndarray, border: Border | None = None) -> TableSize:
        rows = table_rows(table, raster, border)
        return table_size(rows, memories.hold(store, len(rows)))

    def gain(shortcut: Shortcut, width: int) -> Gain | None:
        match shortcut:
            case CurrentShortcut():
                return None
            case SpikeShortcut():
                return Gain(size(Store.GAINS, shortcut.gain), None)
            case SynapseShortcut():
                return Gain(size(Store.GAINS, shortcut.gain), width)

    rests = max(recovery(spec, block, pipelined), synaptic_recovery(
        spec, memories.hold(Store.SYNAPTIC, raster.rows), pipelined))
    held = None if units is None else HeldSums(
        summed, raster, timesteps if direct else 1, timesteps,
        StateRows(summed.rows, summed.width * bounds.acc.width,
                  memories.hold(Store.HELD, summed.rows), pipelined), rests)
    return Neurons(
        raster=raster, timesteps=timesteps, current_delay=current_delay(layer, pipelined),
        delay=neuron_delay(charge_delay(layer, pipelined)) + pooling_delay(layer)
        + (held is not None and held.count > 1),
        recovery=rests, held=held,
        leak_shift=leak_shift(spec.leak, spec.leak_bits), leak_bits=spec.leak_bits,
        leak_factor=int(spec.leak.max()), fraction_bits=spec.fraction_bits,
        soft=spec.reset_by is not None, acc_width=bounds.acc.width,
        current_width=bounds.current.width, charged_width=bounds.charged.width,
        settled_width=bounds.settled.width, carried_width=bounds.carried.width,
        potentials=StateRows(raster.rows, raster.width * (bounds.carried.width + spec.rests),
                             block, pipelined) if spec.remembers else None, rests=spec.rests,
        saturates=spec.saturation is not None,
        floor=size(Store.FLOORS, spec.floor)
        if spec.floor is not None and spec.floor.any() else None,
        bias=size(Store.BIASES, spec.bias, spec.border),
        threshold=size(Store.THRESHOLDS, spec.threshold),
        reset_by=None if spec.separate_reset_by is None else
        size(Store.RESETS, spec.separate_reset_by),
        leak=size(Store.LEAKS, spec.next_leak) if spec.shared_leak is None else None,
        gain=None if spec.gain is None else Gain(size(Store.GAINS, spec.gain), bounds.acc.width),
        shortcut_gains=tuple(gain(each, sums.width) for each, sums in
                             zip(layer.shortcuts, bounds.shortcuts, strict=True)),
        pool=pool,
        gated=(bounds.gate.own.width, layer.gate.width) if layer.gate and bounds.gate else None,
        synaptic=synaptic_block(spec, bounds.synaptic, raster, memories, pipelined)
        if bounds.synaptic else None, pipelined=pipelined)


def _current_pool(layer: Hidden, summed: Raster, sum_width: int) -> CurrentPool | None:
    pool = layer.current_pool
    return None if pool is None else CurrentPool(
        summed, Raster(layer.shape, summed.width), (pool.height, pool.width), sum_width)
