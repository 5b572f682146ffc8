"""Samples from a wire and results back to it, in frames; the reference is link/frames.py.

A sample comes in blocks, each in a frame of its own.  A frame whose checksum is wrong changes
nothing: a block is written where it belongs only once it has come whole.  So a byte that is lost
on the line costs a block, which the host sends again when it hears that it is missing, and no
sample is ever mixed with another.
"""

from __future__ import annotations

from amaranth import Array, C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.byte_port import byte_layout
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.frames import FrameReceiver, FrameSender
from bsnn_hw.hdl.wire import Wire, connect_pins
from bsnn_hw.link.frames import Kind, LinkShape

__all__ = ["SerialLink"]

HEADER = 4  # bytes of a DATA in front of the block; of every frame that goes to the host
COPY_BYTES = 4  # a block is copied while the next frame's header comes: bytes of it, with its END


class SerialLink(wiring.Component):
    """One sample at a time, from the wire to the network and its result back.

    Parameters
    ----------
    shape : LinkShape
    wire : Wire

    Members
    -------
    NAME : of every pin of the wire
    sample : Out stream of ``byte_layout``, a packet for each GO whose sample is complete
    result : In stream of ``byte_layout``
    active : Out, a sample is with the network
    anew : Out, of a stateful network: it starts from a state of 0
    """

    def __init__(self, shape: LinkShape, wire: Wire):
        require_instance(LinkShape, shape=shape)
        require_instance(Wire, wire=wire)
        if wire.byte_cycles * COPY_BYTES < shape.block + 4:
            raise ValueError(f"wire must leave the time to copy {shape.block} bytes while "
                             f"{COPY_BYTES} come, one of {wire.byte_cycles} cycles does not")
        self._shape = shape
        self._wire = wire
        super().__init__({
            **wire.pins,
            "sample": Out(stream.Signature(byte_layout())),
            "result": In(stream.Signature(byte_layout())),
            "active": Out(1),
            **({"anew": Out(1)} if shape.stateful else {}),
        })

    def elaborate(self, platform):
        m = Module()
        shape = self._shape
        m.submodules.wire = wire = self._wire
        connect_pins(m, wire.pins, wire, self)
        m.submodules.frames = frames = FrameReceiver(longest=HEADER + shape.block)
        m.submodules.memory = memory = Memory(shape=8, depth=shape.blocks * shape.block, init=[])
        self._fill = memory.write_port()
        self._drain = memory.read_port()
        m.d.comb += [
            frames.byte.eq(wire.byte),
            frames.valid.eq(wire.valid),
            frames.broken.eq(wire.broken),
        ]
        # How many frames came damaged, for the host's statistics.
        self._bad = Signal(16)
        with m.If(frames.bad & ~self._bad.all()):
            m.d.sync += self._bad.eq(self._bad + 1)

        self._number = Signal(8)  # of the sample in memory
        self._there = Signal(shape.blocks)  # its blocks that have come
        self._greeted = Signal(8)  # the number of the last HELLO
        self._reading = Signal()  # memory is being read, and must not change
        self._wanted = {kind: Signal(name=f"wanted_{kind.name.lower()}")
                        for kind in (Kind.HELLO, Kind.GO)}
        if shape.stateful:
            self._remember(m, frames)
        self._take(m, frames)
        self._answer(m)
        return m

    def _remember(self, m, frames):
        """What a network needs that keeps its state: the last result, as each sample is computed
        once, however often it is asked for; and whether one is to start from a state of 0."""
        m.submodules.results = results = Memory(shape=8, depth=self._shape.result, init=[])
        self._result_write = results.write_port()
        self._result_read = results.read_port(domain="comb")
        self._computed = Signal()  # the sample `computed_number`, whose result is kept
        self._computed_number = Signal(8)
        self._starts = Signal()  # the last question was START

    def _take(self, m, frames):
        """Frames of the host: keep a block, or note what is asked for."""
        shape = self._shape
        header = Array(Signal(8, name=f"header_{place}") for place in range(HEADER))
        m.submodules.staging = staging = Memory(shape=8, depth=shape.block, init=[])
        write = staging.write_port()
        read = staging.read_port()
        in_block = (frames.index >= HEADER) & (frames.index < HEADER + shape.block)
        m.d.comb += [
            write.addr.eq(frames.index - HEADER),
            write.data.eq(frames.data),
            write.en.eq(frames.write & in_block),
        ]
        with m.If(frames.write & (frames.index < HEADER)):
            m.d.sync += header[frames.index].eq(frames.data)
        kind, number, block = header[0], header[1], Cat(header[2], header[3])
        whole = frames.length == HEADER + shape.block

        copied = Signal(range(shape.block + 1), init=shape.block)  # rows of the staging memory
        place = Signal(range(shape.blocks))
        m.d.comb += [
            read.addr.eq(copied),
            self._fill.data.eq(read.data),
        ]
        # The staging memory shows a row in the cycle after its address.
        m.d.sync += self._fill.en.eq(copied != shape.block)
        m.d.sync += self._fill.addr.eq(place * shape.block + copied)
        with m.If(copied != shape.block):
            m.d.sync += copied.eq(copied + 1)
            with m.If(copied == shape.block - 1):
                m.d.sync += self._there.bit_select(place, 1).eq(1)

        stateful = self._shape.stateful
        with m.If(frames.good & (number != self._number) & (kind != Kind.HELLO)):
            m.d.sync += [self._number.eq(number), self._there.eq(0)]
            if stateful:
                m.d.sync += self._computed.eq(0)
        with m.If(frames.good & (kind == Kind.DATA) & whole & (block < shape.blocks)
                  & ~self._reading):
            m.d.sync += [copied.eq(0), place.eq(block)]
        with m.If(frames.good & (kind == Kind.HELLO)):
            # A later host may begin with the number at which an earlier one stopped.
            m.d.sync += [self._greeted.eq(number), self._there.eq(0)]
            if stateful:
                m.d.sync += self._computed.eq(0)
        if stateful:
            asked_anew = frames.good & (kind == Kind.START)
            with m.If(asked_anew | frames.good & (kind == Kind.GO)):
                m.d.sync += [self._wanted[Kind.GO].eq(1), self._starts.eq(asked_anew)]
        for asked, wanted in self._wanted.items():
            with m.If(frames.good & (kind == asked)):
                m.d.sync += wanted.eq(1)

    def _answer(self, m):
        """What is asked for, one after the other: the sample to the network, frames to the host."""
        shape = self._shape
        m.submodules.sender = sender = FrameSender()
        connect(m, sender.bytes, self._wire.bytes)
        kind = Signal(8)
        number = Signal(8)
        count = Signal(range(max(shape.sample, HEADER + len(shape.hello()), shape.result,
                                 HEADER + shape.blocks) + 1))
        bitmap = Cat(self._there, C(0, -shape.blocks % 8))
        body, payload = sender.body, sender.body.payload
        last_row = count == shape.sample - 1
        m.d.comb += [
            self._drain.addr.eq(count),
            self._drain.en.eq(1),
            self.sample.payload.byte.eq(self._drain.data),
            self.sample.payload.last.eq(last_row),
        ]

        with m.FSM() as fsm:
            with m.State("IDLE"):
                m.d.sync += [count.eq(0), number.eq(self._number)]
                with m.If(self._wanted[Kind.HELLO]):
                    m.d.sync += [self._wanted[Kind.HELLO].eq(0), kind.eq(Kind.HELLO)]
                    m.d.sync += number.eq(self._greeted)
                    m.next = "HEADER"
                with m.Elif(self._wanted[Kind.GO]):
                    complete = self._there.all()
                    m.d.sync += self._wanted[Kind.GO].eq(0)
                    m.d.sync += kind.eq(Mux(complete, Kind.RESULT, Kind.MISSING))
                    m.next = "HEADER"
                    with m.If(self._fresh(m, complete)):
                        m.next = "READ"
                        self._compute(m)
            with m.State("READ"):
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += self.sample.valid.eq(1)
                with m.If(self.sample.ready):
                    m.d.sync += count.eq(Mux(last_row, 0, count + 1))
                    m.next = "READ"
                    with m.If(last_row):
                        m.next = "RESULT"
            # On some wires a frame's bytes must follow each other once it has begun.
            with m.State("RESULT"), m.If(self.result.valid):
                m.next = "HEADER"
            with m.State("HEADER"):
                first = Cat(kind, number, self._bad)
                m.d.comb += [body.valid.eq(1), payload.byte.eq(first.word_select(count, 8))]
                with m.If(body.ready):
                    m.d.sync += count.eq(count + 1)
                    with m.If(count == HEADER - 1):
                        m.d.sync += count.eq(0)
                        m.next = "PAYLOAD"
                # The header's bytes are one moment's, but for the count of bad frames.
            with m.State("PAYLOAD"):
                with m.Switch(kind):
                    with m.Case(Kind.RESULT):
                        m.d.comb += [
                            body.valid.eq(self.result.valid),
                            payload.eq(self.result.payload),
                            self.result.ready.eq(body.ready),
                        ]
                        if shape.stateful:
                            self._keep(m, body, count)
                    for each, text in ((Kind.MISSING, bitmap),
                                       (Kind.HELLO, C(int.from_bytes(shape.hello(), "little"),
                                                      8 * len(shape.hello())))):
                        with m.Case(each):
                            m.d.comb += [
                                body.valid.eq(1),
                                payload.byte.eq(text.word_select(count, 8)),
                                payload.last.eq(count == len(text) // 8 - 1),
                            ]
                with m.If(body.valid & body.ready):
                    m.d.sync += count.eq(count + 1)
                    with m.If(payload.last):
                        m.next = "IDLE"
        answering = fsm.ongoing("HEADER") | fsm.ongoing("PAYLOAD")
        m.d.comb += [
            self._reading.eq(fsm.ongoing("READ") | fsm.ongoing("OFFER")),
            self.active.eq(self._reading | fsm.ongoing("RESULT")
                           | (kind == Kind.RESULT) & answering),
        ]

    def _fresh(self, m, complete):
        """Whether a ``complete`` sample is to be computed; else its result is told again."""
        if not self._shape.stateful:
            return complete
        self._replays = Signal()
        again = self._computed & (self._computed_number == self._number)
        m.d.sync += self._replays.eq(again)
        return complete & ~again

    def _compute(self, m):
        """Note that the sample goes to the network, once."""
        if self._shape.stateful:
            m.d.sync += [self._computed.eq(1), self._computed_number.eq(self._number),
                         self.anew.eq(self._starts)]

    def _keep(self, m, body, count):
        """Keep byte ``count`` of a result on its way out, or tell it again."""
        m.d.comb += [
            self._result_write.addr.eq(count),
            self._result_write.data.eq(self.result.payload.byte),
            self._result_write.en.eq(~self._replays),
            self._result_read.addr.eq(count),
        ]
        with m.If(self._replays):
            m.d.comb += [
                body.valid.eq(1),
                body.payload.byte.eq(self._result_read.data),
                body.payload.last.eq(count == self._shape.result - 1),
                self.result.ready.eq(0),
            ]
