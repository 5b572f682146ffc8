"""A gate that the sample makes; the reference is reference/gate.py."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.engines.registry import hardware
from bsnn_hw.hdl.formats import delayed, index_width, operation, rom_attributes, with_carry
from bsnn_hw.ir.network import Hidden
from bsnn_hw.layout.gate import Gate

__all__ = ["FACTOR_DELAY", "GateUnit"]

FACTOR_DELAY = 3  # cycles from an op to its factor


class GateUnit(wiring.Component):
    """The factor of a layer's current: a further neuron's sum over its whole map, looked up.

    It hears the same events as the layer's synapses, and of an event's walk only the first fold at
    each place.  The total starts from the offset, so that an index is some bits of it; the first
    row of a step takes it, and the factor stays until the next step's.

    Parameters
    ----------
    layer : Hidden, with a gate
    block : Gate, every number of it
    folds, rows, taps : int, of the layer's own geometry

    Members
    -------
    tap, rows, values : In, of the sequencer, ``Gate.delay`` cycles before their op
    op : In, ``operation``, as the accumulators have it
    factor : Out, unsigned, ``FACTOR_DELAY`` cycles after an op
    """

    def __init__(self, layer: Hidden, block: Gate, *, folds: int, rows: int, taps: int):
        require_instance(Hidden, layer=layer)
        require_instance(Gate, block=block)
        if layer.gate is None:
            raise ValueError("layer must have a gate")
        self._layer = layer
        self._gate = layer.gate
        self._block = block
        self._folds = folds
        self._taps = taps
        geometry = block.geometry
        super().__init__({
            "tap": In(index_width(taps)),
            "rows": In(data.ArrayLayout(index_width(geometry.rows), geometry.row_count)),
            "values": In(data.ArrayLayout(block.max_value.bit_length(), geometry.lanes)),
            "op": In(operation(folds=folds, timesteps=len(layer.neuron.leak), rows=rows)),
            "factor": Out(block.factor_width),
        })

    def elaborate(self, platform):
        m = Module()
        geometry, gate = self._block.geometry, self._gate
        m.submodules.synapses = synapses = hardware(geometry).synapses(
            geometry, self._layer.gate_synapse, self._block.max_value, self._block.pipelined)
        m.d.comb += [
            synapses.tap.eq(self._place(m)),
            synapses.rows.eq(self.rows),
            synapses.values.eq(self.values),
        ]
        total = Signal(signed(self._block.total_width), init=gate.offset)
        taken = Signal()
        m.d.comb += taken.eq(self.op.step & (self.op.row == 0))
        # A timestep's last events may come with the step's first row.
        whole = Signal.like(total)
        m.d.comb += whole.eq(total)
        with m.If(self.op.charge & (self.op.fold == 0)):
            m.d.comb += whole.eq(with_carry(total, synapses.deltas[0], synapses.carries[0]))
        m.d.sync += total.eq(Mux(taken & self.op.clear, gate.offset, whole))

        m.d.comb += self.factor.eq(
            delayed(m, self._look_up(m, self._index(m, whole), taken), FACTOR_DELAY - 1, "factor",
                    reset_less=True))
        return m

    def _place(self, m):
        """The kernel's position: the tap without its fold, which is 0 where it matters."""
        if self._folds == 1:
            return self.tap
        place = Signal(index_width(self._taps // self._folds))
        with m.Switch(self.tap):
            for number in range(self._taps // self._folds):
                with m.Case(number * self._folds):
                    m.d.comb += place.eq(number)
        return place

    def _index(self, m, total):
        """Some bits of the total, held within the table."""
        bits = self._gate.index_bits
        if bits == 0:
            return Const(0, 0)
        wide = total >> self._gate.shift
        above = wide[min(bits, len(wide) - 1):-1]
        last = Const((1 << bits) - 1)
        index = Signal(bits)
        m.d.comb += index.eq(Mux(wide[-1], 0, Mux(above.any(), last, wide[:bits])))
        return index

    def _look_up(self, m, index, taken):
        """The table's factor, from the cycle after ``taken`` on."""
        gate = self._gate
        table = gate.table[:1] if gate.constant_table else gate.table
        values = table.ravel().tolist()
        if len(values) == 1:
            return Const(values[0], self._block.factor_width)
        m.submodules.factors = rom = memory.Memory(
            shape=self._block.factor_width, depth=len(values), init=values,
            attrs=rom_attributes(len(values), self._block.block))
        read = rom.read_port()
        address = index if gate.constant_table else Cat(index, self.op.timestep)
        m.d.comb += [read.addr.eq(address), read.en.eq(taken)]
        return read.data
