"""A serial line, 8 data bits, no parity, one stop bit: bytes in and bytes out."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.wire import Wire

__all__ = ["LEAST_DIVISOR", "PINS", "UartReceiver", "UartTransmitter", "UartWire"]

PINS = {"rx": In(1, init=1), "tx": Out(1, init=1)}
LEAST_DIVISOR = 4  # clock cycles of a bit, below which its middle is no place to look
FRAME_BITS = 10  # start, eight of data, stop


def _require_divisor(divisor: int) -> None:
    require_positive(divisor=divisor)
    if divisor < LEAST_DIVISOR:
        raise ValueError(f"divisor must be {LEAST_DIVISOR} or more, not {divisor}")


class UartReceiver(wiring.Component):
    """Bytes from a line; each is there for one cycle.

    Parameters
    ----------
    divisor : int, clock cycles of a bit

    Members
    -------
    rx : In, from the pin; it is synchronised here
    byte, valid : Out, a byte has come
    broken : Out, instead of ``valid`` where its stop bit was 0
    """

    def __init__(self, divisor: int):
        _require_divisor(divisor)
        self._divisor = divisor
        super().__init__({
            "rx": In(1, init=1),
            "byte": Out(8),
            "valid": Out(1),
            "broken": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        wait = Signal(range(self._divisor))
        bits = Signal(range(FRAME_BITS + 1))  # that are still to come
        shift = Signal(FRAME_BITS - 1)
        m.d.sync += [self.valid.eq(0), self.broken.eq(0)]
        with m.If(bits == 0):
            # Half a bit to the middle of the start bit, less the cycle that sees it.
            m.d.sync += wait.eq(self._divisor // 2 - 1)
            with m.If(~line):
                m.d.sync += bits.eq(FRAME_BITS)
        with m.Elif(wait == 0):
            m.d.sync += wait.eq(self._divisor - 1)
            m.d.sync += shift.eq(Cat(shift[1:], line))
            m.d.sync += bits.eq(bits - 1)
            with m.If((bits == FRAME_BITS) & line):
                m.d.sync += bits.eq(0)  # no start bit but a spike
            with m.If(bits == 1):
                m.d.sync += [self.byte.eq(shift[1:]), self.valid.eq(line), self.broken.eq(~line)]
        with m.Else():
            m.d.sync += wait.eq(wait - 1)
        return m


class UartTransmitter(wiring.Component):
    """A stream of bytes to a line.

    Parameters
    ----------
    divisor : int, clock cycles of a bit

    Members
    -------
    bytes : In stream of 8 bits; tx : Out, to the pin
    """

    def __init__(self, divisor: int):
        _require_divisor(divisor)
        self._divisor = divisor
        super().__init__({"bytes": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        wait = Signal(range(self._divisor))
        left = Signal(range(FRAME_BITS + 1))
        shift = Signal(FRAME_BITS - 1, init=-1)
        m.d.comb += self.bytes.ready.eq(left == 0)
        with m.If(left == 0), m.If(self.bytes.valid):
            m.d.sync += [
                self.tx.eq(0),
                shift.eq(Cat(self.bytes.payload, 1)),
                wait.eq(self._divisor - 1),
                left.eq(FRAME_BITS),
            ]
        with m.Else():
            m.d.sync += wait.eq(Mux(wait == 0, self._divisor - 1, wait - 1))
            with m.If(wait == 0):
                m.d.sync += [self.tx.eq(shift[0]), shift.eq(Cat(shift[1:], 1)), left.eq(left - 1)]
        return m


class UartWire(Wire):
    """Receiver and transmitter.

    Parameters
    ----------
    divisor : int, clock cycles of a bit

    Members
    -------
    rx : In; tx : Out, the line
    """

    def __init__(self, divisor: int):
        _require_divisor(divisor)
        self._divisor = divisor
        super().__init__(PINS, byte_cycles=divisor * FRAME_BITS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self._divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(self._divisor)
        connect(m, flipped(self.bytes), transmitter.bytes)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            self.byte.eq(receiver.byte),
            self.valid.eq(receiver.valid),
            self.broken.eq(receiver.broken),
        ]
        return m
