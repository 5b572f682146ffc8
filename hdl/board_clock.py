"""A board's clock and reset: a divider, and a reset that is synchronised and held."""

from __future__ import annotations

from amaranth import Cat, ClockDomain, ClockSignal, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive

__all__ = ["HELD", "BoardReset", "ClockDivider"]

# Cycles of reset after configuration or a lost lock, as a power of 2. At 100 MHz they take 10 us;
# the block RAM of an iCE40 is not to be relied on in the first few.
HELD = 10


def _kept(m):
    """A domain of the same clock, whose registers no reset reaches."""
    m.domains.kept = ClockDomain(local=True, reset_less=True)
    m.d.comb += ClockSignal("kept").eq(ClockSignal())
    return m.d.kept


class BoardReset(wiring.Component):
    """A reset from the first cycle on, which ends some time after it was last asked for.

    It stays for 2 to the power of ``held`` cycles after that.

    Members
    -------
    asked : In, may change at any time; it is synchronised here, which takes two cycles
    reset : Out, from a register
    """

    def __init__(self, held: int = HELD):
        require_positive(held=held)
        self._held = held
        super().__init__({"asked": In(1), "reset": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        kept = _kept(m)
        seen = Signal(2, init=0b11)
        count = Signal(self._held)
        kept += [seen.eq(Cat(self.asked, seen[0])), self.reset.eq(seen[1] | ~count.all())]
        with m.If(seen[1]):
            kept += count.eq(0)
        with m.Elif(~count.all()):
            kept += count.eq(count + 1)
        return m


class ClockDivider(wiring.Component):
    """A clock halved as often as ``bits`` says.

    Members
    -------
    slow : Out, a register
    """

    def __init__(self, bits: int):
        require_positive(bits=bits)
        self._bits = bits
        super().__init__({"slow": Out(1)})

    def elaborate(self, platform):
        m = Module()
        count = Signal(self._bits)
        kept = _kept(m)
        kept += count.eq(count + 1)
        m.d.comb += self.slow.eq(count[-1])
        return m
