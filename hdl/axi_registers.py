"""The registers of a circuit on AXI4-Lite; the description is link/registers.py."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from bsnn_hw.hdl.axi_lite import AxiLite, axi_lite_signature
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.link.registers import COUNTER_BITS, Access, RegisterMap

__all__ = ["AxiRegisters"]


class AxiRegisters(wiring.Component):
    """Control, facts and counters.

    Parameters
    ----------
    registers : RegisterMap
    steps : counter's name -> int, bits of what it may grow by in a cycle

    Members
    -------
    bus : In, of `axi_lite_signature`
    enable : Out; reset, clear : Out, for one cycle after they are written
    restart : Out, in a map that has it, from when it is written until ``restart_done``, In
    busy : In
    NAME : In, what the counter NAME grows by
    """

    def __init__(self, registers: RegisterMap, *, steps: dict[str, int]):
        require_instance(RegisterMap, registers=registers)
        if list(steps) != [counter.name for counter in registers.counters]:
            raise ValueError(f"steps must be of every counter in order, not of {list(steps)}")
        self._registers = registers
        self._steps = steps
        super().__init__({
            "bus": In(axi_lite_signature(registers.address_bits)),
            "enable": Out(1, init=1),
            "reset": Out(1),
            "clear": Out(1),
            "busy": In(1),
            **{name: member for field in self._fields(Access.ONCE)
               for name, member in ((field.name, Out(1)), (f"{field.name}_done", In(1)))},
            **{name: In(width) for name, width in steps.items()},
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.port = port = AxiLite(address_bits=self._registers.address_bits)
        connect(m, flipped(self.bus), port.bus)
        counts = {name: self._count(m, name) for name in self._steps}
        high = Signal(COUNTER_BITS - 32)  # of the counter whose low half was read last

        values = {}  # address -> what is read there
        for register in self._registers.plain:
            values[register.address] = Cat(self._field(field) for field in register.fields)
        for counter in self._registers.counters:
            count = counts[counter.name]
            values[counter.address] = count[:32]
            values[counter.address + 4] = high
            with m.If(port.read & (port.read_address == counter.address)):
                m.d.sync += high.eq(count[32:])
        with m.Switch(port.read_address):
            for address, value in values.items():
                with m.Case(address):
                    m.d.comb += [port.read_data.eq(value), port.read_known.eq(1)]
        self._writes(m, port)
        return m

    def _field(self, field):
        """What is read of it; fields follow each other without a gap."""
        match field.access:
            case Access.READ if field.value is None:
                return getattr(self, field.name)
            case Access.READ:
                return Const(field.value, field.width)
            case Access.WRITE | Access.ONCE:
                return getattr(self, field.name)
            case Access.PULSE:
                return Const(0, field.width)

    def _fields(self, access):
        return [field for register in self._registers.plain for field in register.fields
                if field.access is access]

    def _count(self, m, name):
        count = Signal(COUNTER_BITS, name=f"count_{name}")
        m.d.sync += count.eq(Mux(self.clear, 0, count + getattr(self, name)))
        return count

    def _writes(self, m, port):
        """Fields that software writes lie in the lowest byte of their registers."""
        m.d.sync += [self.reset.eq(0), self.clear.eq(0)]
        for field in self._fields(Access.ONCE):
            with m.If(getattr(self, f"{field.name}_done")):
                m.d.sync += getattr(self, field.name).eq(0)
        for register in self._registers.plain:
            fields = [field for field in register.fields if field.access is not Access.READ]
            if not fields:
                continue
            hit = port.write_address == register.address
            with m.If(hit):
                m.d.comb += port.write_known.eq(1)
            with m.If(port.write & hit & port.write_strobes[0]):
                for field in fields:
                    asked, value = port.write_data[field.low], getattr(self, field.name)
                    if field.access is not Access.ONCE:
                        m.d.sync += value.eq(asked)
                        continue
                    with m.If(asked):
                        m.d.sync += value.eq(1)
