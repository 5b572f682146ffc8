"""Amaranth designs with everything that the emitter may meet; no network in them."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Mixed"]


class Bank(wiring.Component):
    """A ROM that is read synchronously."""

    def __init__(self):
        super().__init__({"address": In(5), "enable": In(1), "row": Out(24)})

    def elaborate(self, platform):
        m = Module()
        rows = [(i * 7919123 + 13) & 0xFFFFFF for i in range(32)]
        m.submodules.rom = rom = memory.Memory(shape=24, depth=32, init=rows)
        port = rom.read_port()
        m.d.comb += [
            port.addr.eq(self.address), port.en.eq(self.enable), self.row.eq(port.data),
        ]
        return m


class Neuron(wiring.Component):
    """An FSM, a transparent read port, an asynchronously read table, mixed signed widths."""

    def __init__(self):
        super().__init__({
            "currents": In(stream.Signature(signed(5))),
            "spikes": Out(stream.Signature(1)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.potentials = potentials = memory.Memory(shape=signed(9), depth=4, init=[])
        write = potentials.write_port()
        read = potentials.read_port(transparent_for=(write,))
        m.submodules.gains = gains = memory.Memory(
            shape=signed(7), depth=6, init=[1, 2, -3, 4, 5, -6])
        gain = gains.read_port(domain="comb")
        fold = Signal(2)
        index = Signal(range(6))
        count = Signal(range(13))
        charged = Signal(signed(12))
        fired = Signal()
        settled = Signal(signed(9))
        bias = Array([-3, 5, 17, -30])
        m.d.comb += gain.addr.eq(index)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.currents.ready.eq(1), read.addr.eq(fold)]
                with m.If(self.currents.valid):
                    m.next = "CHARGE"
            with m.State("CHARGE"):
                leaked = (read.data * 3) >> 2
                m.d.sync += [
                    charged.eq(leaked + self.currents.payload * gain.data + bias[fold]),
                    count.eq(Mux(count == 12, 0, count + 1)),
                ]
                m.next = "FIRE"
            with m.State("FIRE"):
                m.d.comb += [
                    fired.eq(charged >= 20),
                    settled.eq(Mux(fired, charged - 20, Mux(charged < -200, -200, charged))),
                    write.addr.eq(fold), write.data.eq(settled), write.en.eq(self.spikes.ready),
                    self.spikes.valid.eq(1), self.spikes.payload.eq(fired ^ (count == 7)),
                ]
                with m.If(self.spikes.ready):
                    m.d.sync += [fold.eq(fold + 1), index.eq(Mux(index == 5, 0, index + 1))]
                    m.next = "IDLE"
        return m


class Pool(wiring.Component):
    """Registers in arrays, a popcount, saturation, indexing, dynamic slices, a priority encoder."""

    def __init__(self):
        super().__init__({
            "bits": In(data.ArrayLayout(6, 4)), "step": In(1), "select": In(2),
            "sums": Out(data.ArrayLayout(signed(4), 4)), "hot": Out(3), "picked": Out(signed(4)),
            "parity": Out(1), "difference": Out(signed(5)),
            "slice": Out(3), "byte": Out(6), "scaled": Out(signed(7)), "ratio": Out(4),
        })

    def elaborate(self, platform):
        m = Module()
        accumulators = Signal(data.ArrayLayout(signed(6), 4))
        potential = [Signal(signed(6), name=f"potential_{i}", init=-i) for i in range(4)]
        for i in range(4):
            bits = self.bits[i]
            with m.If(self.step):
                popcount = sum(bits[k] for k in range(6))
                m.d.sync += [
                    accumulators[i].eq(accumulators[i] + (popcount << 1) - 6),
                    potential[i].eq(Mux(bits[0], potential[i] + 1, potential[i] - 1)),
                ]
            total = accumulators[i] + potential[i]
            m.d.comb += self.sums[i].eq(
                Mux(accumulators[i] > 7, 7, Mux(accumulators[i] < -8, -8, total)))
        flat = self.bits.as_value()
        # A vector whose bits follow from each other, and a register of which one bit is a copy.
        ripple = Signal(6)
        gap = Signal(signed(5), init=-3)
        m.d.comb += [ripple[k].eq(flat[k] ^ (ripple[k - 1] if k else 0)) for k in range(6)]
        m.d.sync += gap.eq(self.bits[0][:3] - self.bits[1][:3])
        m.d.comb += [
            self.parity.eq(ripple[5]),
            self.difference.eq(Mux(ripple[3], gap, gap >> 1)),
        ]
        m.d.comb += [
            self.picked.eq(Array(accumulators)[self.select]),
            self.slice.eq(flat.bit_select(potential[0][:5], 3)),
            self.byte.eq(flat.word_select(self.select, 6) << self.bits[3][:2]),
            self.scaled.eq((total * self.picked) >> self.select),
            self.ratio.eq(flat[:9] // self.bits[2] + flat[3:9] % 5),
        ]
        with m.Switch(self.bits[0]):
            for i in range(6):
                with m.Case("-" * (5 - i) + "1" + "0" * i):
                    m.d.comb += self.hot.eq(i)
        return m


class Mixed(wiring.Component):
    """All of it between two AXI4-Streams; some bits of its busses nobody reads."""

    def __init__(self, width=16, output_width=32):
        self._width, self._output_width = width, output_width
        super().__init__({
            "s_axis_tdata": In(width), "s_axis_tvalid": In(1), "s_axis_tready": Out(1),
            "s_axis_tlast": In(1), "s_axis_tuser": In(1),
            "m_axis_tdata": Out(output_width), "m_axis_tvalid": Out(1), "m_axis_tready": In(1),
            "m_axis_tlast": Out(1), "m_axis_tuser": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=self._width + 2, depth=6)
        m.submodules.results = results = fifo.SyncFIFO(width=self._output_width + 2, depth=3)
        m.submodules.table = bank = Bank()  # `table` is a reserved word of Verilog
        m.submodules.neuron = neuron = Neuron()
        m.submodules.pool = pool = Pool()
        word, last, user = queue.r_data[:-2], queue.r_data[-2], queue.r_data[-1]
        taken = Signal()
        seen = Signal(10)
        m.d.comb += [
            queue.w_data.eq(Cat(self.s_axis_tdata, self.s_axis_tlast, self.s_axis_tuser)),
            queue.w_en.eq(self.s_axis_tvalid), self.s_axis_tready.eq(queue.w_rdy),
            bank.address.eq(word[:5]), bank.enable.eq(queue.r_rdy),
            pool.bits.eq(bank.row), pool.step.eq(taken), pool.select.eq(word[6:8]),
            neuron.currents.payload.eq(pool.picked + word[8:10]),
            # The result's last and user bits are those of the beat that is still in the queue.
            neuron.currents.valid.eq(queue.r_rdy), neuron.spikes.ready.eq(results.w_rdy),
            taken.eq(neuron.spikes.valid & neuron.spikes.ready), queue.r_en.eq(taken),
        ]
        with m.If(taken):
            m.d.sync += seen.eq(seen + word[:3] * word[3:7])
        # Unknown bits of the ROM's output before its first read must not come out: the row is
        # looked at two cycles after its address.
        summary = Cat(neuron.spikes.payload, pool.sums[1][:3], pool.slice, pool.byte[:4],
                      pool.scaled[:5], pool.ratio, pool.hot, pool.parity,
                      pool.difference[:3], seen)
        m.d.comb += [
            results.w_data.eq(Cat(summary[:self._output_width], last, user)),
            results.w_en.eq(neuron.spikes.valid),
            Cat(self.m_axis_tdata, self.m_axis_tlast, self.m_axis_tuser).eq(results.r_data),
            self.m_axis_tvalid.eq(results.r_rdy), results.r_en.eq(self.m_axis_tready),
        ]
        return m
