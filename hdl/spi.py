"""A serial peripheral interface, the peripheral's side, mode 0: bytes in and bytes out."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.wire import Wire
from bsnn_hw.link.bridge import SPI_CYCLES
from bsnn_hw.link.frames import END

__all__ = ["PINS", "SpiWire"]

PINS = {"sck": In(1), "mosi": In(1), "cs_n": In(1, init=1), "miso": Out(1)}
BITS = 8


class SpiWire(Wire):
    """Bytes of a controller, and bytes to it, most significant bit first.

    While CS is low a byte goes each way with every eight periods of SCK; where there is none for
    the controller it gets END, which between frames says nothing.  MOSI is looked at where SCK
    rises, MISO changes where it falls, up to four cycles later: hence `SPI_CYCLES`, with SCK
    high and low for half of them each.  A byte that CS cuts off is broken.

    Members
    -------
    sck, mosi, cs_n : In, from the pins; they are synchronised here
    miso : Out; it has to be driven while CS is low
    """

    def __init__(self):
        super().__init__(PINS, byte_cycles=BITS * SPI_CYCLES)

    def elaborate(self, platform):
        m = Module()
        sck = Signal()
        mosi = Signal()
        cs_n = Signal(init=1)
        was_high = Signal()
        for pin, inside in ((self.sck, sck), (self.mosi, mosi), (self.cs_n, cs_n)):
            m.submodules += FFSynchronizer(pin, inside, init=inside.init)
        rises, falls = sck & ~was_high, ~sck & was_high
        m.d.sync += was_high.eq(sck)
        count = Signal(range(BITS))  # bits that have come
        self._receive(m, cs_n, rises, count, mosi)
        self._send(m, cs_n, rises, falls, count)
        return m

    def _receive(self, m, cs_n, rises, count, mosi):
        shift = Signal(BITS - 1)
        m.d.sync += [self.valid.eq(0), self.broken.eq(0)]
        with m.If(cs_n):
            m.d.sync += [count.eq(0), self.broken.eq(count != 0)]
        with m.Elif(rises):
            m.d.sync += [
                count.eq(count + 1),
                shift.eq(Cat(mosi, shift)),
                self.byte.eq(Cat(mosi, shift)),
                self.valid.eq(count == BITS - 1),
            ]

    def _send(self, m, cs_n, rises, falls, count):
        """What is sent next waits in a register, so that a frame's bytes follow each other."""
        waiting = Signal(BITS)
        waits = Signal()
        shift = Signal(BITS, init=END)
        begun = Signal()  # the controller has seen a bit of it
        m.d.comb += [self.bytes.ready.eq(~waits), self.miso.eq(shift[-1])]
        with m.If(self.bytes.valid & self.bytes.ready):
            m.d.sync += [waiting.eq(self.bytes.payload), waits.eq(1)]
        with m.If(rises):
            m.d.sync += begun.eq(1)
        with m.If(cs_n):
            # Also after a byte that was cut off; the frame is damaged, and asked for again.
            m.d.sync += begun.eq(0)
            with m.If(begun):
                m.d.sync += shift.eq(END)
        with m.Elif(falls & (count != 0)):
            m.d.sync += shift.eq(shift << 1)
        with m.Elif(falls & begun):
            m.d.sync += [shift.eq(END), begun.eq(0)]
            with m.If(waits):
                m.d.sync += [shift.eq(waiting), waits.eq(0)]
