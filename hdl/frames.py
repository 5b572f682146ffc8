"""Frames of the serial link, both ways; the reference is link/frames.py."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.byte_port import byte_layout
from bsnn_hw.link.frames import CRC_BYTES, END, ESCAPE, ESCAPED

__all__ = ["FrameReceiver", "FrameSender"]

_CRC = catalog.CRC32_ISO_HDLC(data_width=8)


class FrameReceiver(wiring.Component):
    """Bytes of a line to those of frames, and a verdict at the end of each.

    Members
    -------
    byte, valid : In, a byte has come; broken : In, or it came damaged
    data, index : Out, a byte of a frame and its place there, with ``write``; the checksum's too
    write : Out
    good, bad : Out, a frame has ended; never both, neither for a frame without bytes
    length : Out, bytes of the frame that has ended, less its checksum, with ``good``
    """

    def __init__(self, *, longest: int):
        self._longest = longest + CRC_BYTES
        super().__init__({
            "byte": In(8),
            "valid": In(1),
            "broken": In(1),
            "data": Out(8),
            "index": Out(range(self._longest + 1)),
            "write": Out(1),
            "good": Out(1),
            "bad": Out(1),
            "length": Out(range(self._longest + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = _CRC.create()
        count = Signal(range(self._longest + 2))  # bytes so far, one more than the longest at most
        escaped = Signal()
        spoilt = Signal()
        ended = Signal()
        is_end = Signal()
        m.d.comb += [
            is_end.eq(self.valid & (self.byte == END)),
            crc.start.eq(ended),
            crc.data.eq(self.data),
            crc.valid.eq(self.write),
            self.length.eq(count - CRC_BYTES),
        ]
        m.d.sync += [self.write.eq(0), ended.eq(is_end)]
        with m.If(self.broken):
            m.d.sync += spoilt.eq(1)
        with m.If(self.valid & ~is_end):
            escape = self.byte == ESCAPE
            known = (self.byte == ESCAPED[END]) | (self.byte == ESCAPED[ESCAPE])
            m.d.sync += escaped.eq(escape & ~escaped)
            with m.If(escaped & ~known):
                m.d.sync += spoilt.eq(1)
            with m.If(escaped | ~escape):
                meant = Mux(self.byte == ESCAPED[END], END, ESCAPE)
                m.d.sync += [
                    self.data.eq(Mux(escaped, meant, self.byte)),
                    self.index.eq(count),
                    self.write.eq(count <= self._longest),
                ]
                with m.If(count <= self._longest):
                    m.d.sync += count.eq(count + 1)
        # The verdict is a cycle behind END, where the checksum has seen the last byte.
        fits = (count >= CRC_BYTES) & (count <= self._longest)
        whole = ~spoilt & ~escaped & fits & crc.match_detected
        m.d.comb += [
            self.good.eq(ended & (count != 0) & whole),
            self.bad.eq(ended & ((count != 0) | spoilt | escaped) & ~whole),
        ]
        with m.If(ended):
            m.d.sync += [count.eq(0), escaped.eq(0), spoilt.eq(0)]
        return m


class FrameSender(wiring.Component):
    """Bodies of frames to bytes of a line, with checksum, escapes and END.

    Members
    -------
    body : In stream of ``byte_layout``, a packet for each frame
    bytes : Out stream of 8 bits
    """

    def __init__(self):
        super().__init__({
            "body": In(stream.Signature(byte_layout())),
            "bytes": Out(stream.Signature(8)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = _CRC.create()
        byte = Signal(8)  # of a frame
        second = Signal()  # its code is what is offered
        place = Signal(range(CRC_BYTES))  # of this byte in the checksum
        special = (byte == END) | (byte == ESCAPE)
        body = self.body
        taken = Signal()
        m.d.comb += [crc.data.eq(body.payload.byte), taken.eq(self.bytes.valid & self.bytes.ready)]

        def offer(then):
            """Write `byte`, as one or two; ``then`` once it is written."""
            m.d.comb += [
                self.bytes.valid.eq(1),
                self.bytes.payload.eq(Mux(
                    second, Mux(byte == END, ESCAPED[END], ESCAPED[ESCAPE]),
                    Mux(special, ESCAPE, byte))),
            ]
            with m.If(taken):
                m.d.sync += second.eq(special & ~second)
                with m.If(second | ~special):
                    then()

        with m.FSM():
            with m.State("START"):
                m.d.comb += crc.start.eq(1)
                m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += [body.ready.eq(1), crc.valid.eq(body.valid)]
                m.d.sync += byte.eq(body.payload.byte)
                with m.If(body.valid & ~body.payload.last):
                    m.next = "BODY"
                with m.Elif(body.valid):
                    m.next = "LAST"
            with m.State("BODY"):
                def more():
                    m.next = "TAKE"
                offer(more)
            with m.State("LAST"):
                def checksum():
                    m.d.sync += [byte.eq(crc.crc[:8]), place.eq(0)]
                    m.next = "CHECKSUM"
                offer(checksum)
            with m.State("CHECKSUM"):
                def more_of_it():
                    following = Cat(crc.crc[8:], crc.crc[:8])  # of each byte the next
                    m.d.sync += [place.eq(place + 1), byte.eq(following.word_select(place, 8))]
                    with m.If(place == CRC_BYTES - 1):
                        m.next = "END"
                offer(more_of_it)
            with m.State("END"):
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(END)]
                with m.If(taken):
                    m.next = "START"
        return m
