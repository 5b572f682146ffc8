"""A whole network between two AXI4-Streams; the reference is reference/network.py."""

from __future__ import annotations

from amaranth import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.buffer import StreamRegister
from bsnn_hw.hdl.carry import CarryQueue
from bsnn_hw.hdl.frontend import Frontend
from bsnn_hw.hdl.layer import HiddenLayer
from bsnn_hw.hdl.link import SpikeLink
from bsnn_hw.hdl.map_link import MapLink
from bsnn_hw.hdl.pooling import POOLING_DELAY, SpikePool
from bsnn_hw.hdl.reach import ReachLookup
from bsnn_hw.hdl.readout import ReadoutLayer
from bsnn_hw.hdl.word_link import WordLink
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.network import Coding, CurrentShortcut, Network, SynapseShortcut
from bsnn_hw.ir.ports import port_layout
from bsnn_hw.ir.schedule import (
    LayerGeometry,
    Schedule,
    has_register,
    most_queued,
    network_geometries,
    shortcut_geometries,
)
from bsnn_hw.ir.words import WordGeometry

__all__ = ["NetworkTop"]

INPUT_QUEUE_DEPTH = 17  # groups: what LUT memories of 16 hold, and one in the output register


class NetworkTop(wiring.Component):
    """The pipeline of all layers.

    Parameters
    ----------
    network : Network
    schedule : Schedule
        Legal for the network; ``planning.schedule`` checks.
    input_depth : int, groups that can wait at the input

    Members
    -------
    s_axis_* : AXI4-Stream input, a packet per inference
    m_axis_* : AXI4-Stream output, a packet of one beat per class and inference
    """

    def __init__(self, network: Network, schedule: Schedule, *,
                 input_depth: int = INPUT_QUEUE_DEPTH):
        self._network = network
        self._schedule = schedule
        self._input_depth = input_depth
        self.geometries = network_geometries(network, schedule)
        self._shortcuts = shortcut_geometries(network, schedule)
        self._bounds = network_bounds(network)
        self._direct = network.input.coding is Coding.DIRECT
        self._marks = 1 if self._direct else network.timesteps
        self.ports = port_layout(network, schedule)
        members = {
            "s_axis_tdata": In(self.ports.input_width),
            "s_axis_tvalid": In(1),
            "s_axis_tready": Out(1),
            "s_axis_tlast": In(1),
            "m_axis_tdata": Out(self.ports.output_width),
            "m_axis_tvalid": Out(1),
            "m_axis_tready": In(1),
            "m_axis_tlast": Out(1),
            "m_axis_tuser": Out(self.ports.class_width),
        }
        if self.ports.has_mark:
            members["s_axis_tuser"] = In(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        network, geometries = self._network, self.geometries
        value = network.input.max_value
        m.submodules.frontend = frontend = Frontend(
            geometries[0], max_value=value, timesteps=self._marks, depth=self._input_depth)
        groups = frontend.groups
        if isinstance(geometries[0], ConvGeometry):
            m.submodules.lookup = lookup = ReachLookup(geometries[0],
                                                       value_width=value.bit_length())
            connect(m, groups, lookup.placed)
            groups = lookup.groups
        elif has_register(geometries[0]):
            # The end of a walk, late in its cycle, says whether the layer is ready for a group.
            m.submodules.first = first = StreamRegister(groups.payload.shape())
            connect(m, groups, first.source)
            groups = first.words

        blocks: list[HiddenLayer] = []
        rooms: list[list] = []  # per layer, of all its readers
        for number, layer in enumerate(network.hidden):
            block = HiddenLayer(layer, self._bounds[0][number], geometries[number],
                                shortcuts=self._shortcuts[number],
                                max_value=value if number == 0 else 1,
                                direct=self._direct and number == 0,
                                block_rows=self._schedule.block_rows,
                                constant_rows=self._schedule.constant_rows)
            m.submodules[f"layer_{layer.name}"] = block
            if number:
                self._read(m, blocks, rooms, number, layer, geometries[number], block.groups)
            else:
                connect(m, groups, block.groups)
            for index, shortcut in enumerate(layer.shortcuts):
                self._join(m, blocks, rooms, number, index, shortcut, block)
            blocks.append(block)
            rooms.append([])

        last = network.readout
        assert isinstance(geometries[-1], LayerGeometry | WordGeometry)
        m.submodules[f"layer_{last.name}"] = readout = ReadoutLayer(
            last, self._bounds[1], geometries[-1], timesteps=network.timesteps,
            max_value=1 if blocks else value, block_rows=self._schedule.block_rows)
        if blocks:
            self._read(m, blocks, rooms, len(blocks), last, geometries[-1], readout.groups)
        else:
            connect(m, groups, readout.groups)
        for block, readers in zip(blocks, rooms, strict=True):
            m.d.comb += block.room.eq(Cat(readers).all())
        self._ports(m, frontend, readout)
        return m

    def _read(self, m, blocks, rooms, number, reader, geometry, groups):
        """Let the synapses behind ``groups`` have the spikes of the layer that gives them."""
        giver = number - reader.back
        block, name = blocks[giver], self._reader_name(giver, len(rooms[giver]))
        words, valid, margin = block.words, block.words_valid, block.margin
        count = geometry.source.rows
        mapped = isinstance(geometry, ConvGeometry)
        if mapped or reader.pool:
            m.submodules[f"pool_{name}"] = pool = SpikePool(geometry.source, reader.pool)
            m.d.comb += [pool.words.eq(words), pool.words_valid.eq(valid)]
            words, valid, margin = pool.placed, pool.placed_valid, margin + POOLING_DELAY
            count = geometry.source.rows if pool.gathers else 1 << len(pool.words.row)
        # All words of an inference, up to a sensible memory, so that a layer seldom waits for one
        # that is slower now and then.
        if isinstance(geometry, WordGeometry):  # wide ones, so none for those that come late
            count, late = -(-count // geometry.gathered), geometry.completed(margin)
            entries = max(count * self._network.timesteps, late + 2)
        else:
            late, entries = margin, count * self._network.timesteps + margin
        entries = min(entries, max(most_queued(geometry.source), late + 2))
        kind = (MapLink if mapped else WordLink if isinstance(geometry, WordGeometry)
                else SpikeLink)
        m.submodules[f"link_{name}"] = link = kind(geometry, margin=margin,
                                                   depth=queue_depth(entries))
        fields = link.words.shape().members if mapped else ("spikes", "row", "last")
        m.d.comb += [link.words[field].eq(words[field]) for field in fields]
        m.d.comb += link.words_valid.eq(valid)
        rooms[giver].append(link.room)
        connect(m, link.groups, groups)

    def _join(self, m, blocks, rooms, number, index, shortcut, block):
        """Let shortcut ``index`` of layer ``number`` have what it adds."""
        if isinstance(shortcut, SynapseShortcut):
            self._read(m, blocks, rooms, number, shortcut, self._shortcuts[number][index],
                       getattr(block, f"groups_{index}"))
            return
        giver = number - shortcut.back
        source = blocks[giver]
        carried = getattr(block, f"carried_{index}")
        name = self._reader_name(giver, len(rooms[giver]))
        m.submodules[f"carry_{name}"] = queue = CarryQueue(
            carried.shape(), rows=self.geometries[giver].raster.rows, timesteps=shortcut.back,
            margin=source.margin)
        current = isinstance(shortcut, CurrentShortcut)
        given = source.currents if current else source.words.spikes
        assert len(Value.cast(given)) == carried.shape().size
        m.d.comb += [
            queue.row.eq(given),
            queue.write.eq(source.currents_valid if current else source.words_valid),
            queue.last.eq(source.currents_last if current else source.words.last),
            queue.take.eq(block.take),
            queue.start.eq(block.starts),
            carried.eq(queue.head),
            getattr(block, f"whole_{index}").eq(queue.whole),
        ]
        rooms[giver].append(queue.room)

    def _reader_name(self, giver, others):
        """What stands between two layers: the giver's name, and before it a number from its second
        reader on, as a layer could have any name that begins with a letter."""
        name = self._network.hidden[giver].name
        return f"{others + 1}_{name}" if others else name

    def _ports(self, m, frontend, readout):
        beat = frontend.beats
        m.d.comb += [
            beat.payload.slots.eq(self.s_axis_tdata),
            beat.payload.last.eq(self.s_axis_tlast),
            beat.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(beat.ready),
            self.m_axis_tdata.eq(readout.beats.payload.score),
            self.m_axis_tuser.eq(readout.beats.payload.leader),
            self.m_axis_tlast.eq(readout.beats.payload.last),
            self.m_axis_tvalid.eq(readout.beats.valid),
            readout.beats.ready.eq(self.m_axis_tready),
        ]
        if self.ports.has_mark:
            m.d.comb += beat.payload.mark.eq(self.s_axis_tuser)


def queue_depth(entries: int) -> int:
    """The least depth for ``entries`` whose memory is a power of two; one more is in a register."""
    return (1 << (entries - 1).bit_length()) + 1
