"""Synapses of a fold that holds several groups: a lane's events reach one block of its neurons."""

from __future__ import annotations

from amaranth import Const, Mux, Signal, Value
from amaranth.lib import memory

from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.hdl.formats import delayed, rom_attributes
from bsnn_hw.hdl.synapse import SynapseArray

__all__ = ["GroupSynapses"]


class GroupSynapses(SynapseArray):
    """As `SynapseArray`, of a geometry `ConvGroups`: a lane's word is for the block that its
    channel reaches, and the other blocks get nothing of it.

    Where all channels of a lane's bank reach one block, as those of a depthwise convolution with as
    many lanes as parallel neurons, the lane has adders in that block only.
    """

    _geometry: ConvGroups

    def _given(self, m, values):
        """Of each lane its value, 0 unless it is for the block, in each block; None where it never
        is."""
        tables = self._geometry.blocks
        return [self._of_lane(m, lane, value, tables[lane % len(tables)].tolist())
                for lane, value in enumerate(values)]

    def _of_lane(self, m, lane, value, table) -> list[Value | None]:
        blocks = range(self._geometry.group_folds.blocks)
        if len(set(table)) == 1:
            return [value if block == table[0] else None for block in blocks]
        m.submodules[f"blocks_{lane}"] = rom = memory.Memory(
            shape=range(len(blocks)), depth=len(table), init=table, attrs=rom_attributes(0))
        read = rom.read_port()
        m.d.comb += read.addr.eq(self.rows[lane][:self._geometry.row_bits])
        at = delayed(m, read.data, self._banks_delay - 2, f"block_{lane}", reset_less=True)
        found = []
        for block in blocks:
            given = Signal.like(value, name=f"value_{lane}_{block}")
            m.d.comb += given.eq(Mux(at == block, value, 0))
            found.append(given)
        return found

    def _choose(self, m, lane, words, values):
        shape, across = self._sum_shape(len(words)), self._geometry.word_weights
        chosen = self._signals(f"chosen_{lane}", shape)
        carries = self._signal(f"carries_{lane}", self._geometry.parallel)
        for block in range(self._geometry.group_folds.blocks):
            there = [(word, value[block]) for word, value in zip(words, values, strict=True)
                     if value[block] is not None]
            if not there:
                continue  # they stay 0
            sizes = self._sizes(m, f"{lane}_{block}", shape, [value for _, value in there])
            of_lanes = [word for word, _ in there]
            for i in range(across):
                minus = of_lanes[0][i]
                size = (Mux(minus ^ of_lanes[1][i], sizes[1], sizes[0]) if len(there) == 2
                        else sizes[0])
                m.d.sync += [
                    chosen[block * across + i].eq(size ^ minus.replicate(shape.width)),
                    carries[block * across + i].eq(minus),
                ]
        return list(chosen), carries

    def _sizes(self, m, name, shape, values):
        """The sum of one or two values, and of two their difference, as registers."""
        alike = self._signal(f"lane_{name}_sum", shape)
        m.d.sync += alike.eq(sum(values[1:], values[0]))
        if len(values) == 1:
            return [alike]
        unlike = self._signal(f"lane_{name}_difference", shape)
        m.d.sync += unlike.eq(values[0] - values[1])
        return [alike, unlike]

    def _weigh(self, m, lane, word, values):
        products = self._signals(f"product_{lane}", self._sum_shape(1))
        across, bits = self._geometry.word_weights, self._bits
        for block, value in enumerate(values):
            if value is None:
                continue  # its products stay 0
            late = delayed(m, value, 1, f"late_{lane}_{block}", reset_less=True)
            for i in range(across):
                weight = word[i * bits:(i + 1) * bits].as_signed()
                m.d.sync += products[block * across + i].eq(
                    Mux(late, weight, 0) if len(late) == 1 else weight * late)
        return list(products), Const(0, self._geometry.parallel)
