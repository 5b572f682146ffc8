"""A whole network between two AXI4-Streams; the reference is reference/network.py."""

from __future__ import annotations

from amaranth import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.activity import activity_layout, count_activity
from bsnn_hw.hdl.carry import CarryQueue
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.engines.registry import hardware
from bsnn_hw.hdl.feedback import Feedback
from bsnn_hw.hdl.frontend import Frontend
from bsnn_hw.hdl.layer import HiddenLayer
from bsnn_hw.hdl.map_crop import MapCrop
from bsnn_hw.hdl.merge import GroupMerge
from bsnn_hw.hdl.pooling import SpikePool
from bsnn_hw.hdl.readout import ReadoutLayer
from bsnn_hw.hdl.window_pool import WindowPool
from bsnn_hw.layout import blocks
from bsnn_hw.layout.blocks import Carry, Entry, JoinedRows, Link, Synapses
from bsnn_hw.layout.build import Layout

__all__ = ["NetworkTop"]


class NetworkTop(wiring.Component):
    """The pipeline of all layers.

    Parameters
    ----------
    layout : Layout
    counted : bool, with ``activity``

    Members
    -------
    s_axis_* : AXI4-Stream input, a packet per inference
    m_axis_* : AXI4-Stream output, a packet of one beat per class and inference
    activity : Out, ``activity_layout``
    """

    def __init__(self, layout: Layout, *, counted: bool = False):
        require_instance(Layout, layout=layout)
        self._layout = layout
        self.slots = slots = layout.slots
        members = {
            "s_axis_tdata": In(slots.input_width),
            "s_axis_tvalid": In(1),
            "s_axis_tready": Out(1),
            "s_axis_tlast": In(1),
            "m_axis_tdata": Out(slots.output_width),
            "m_axis_tvalid": Out(1),
            "m_axis_tready": In(1),
            "m_axis_tlast": Out(1),
            "m_axis_tuser": Out(slots.class_width),
        }
        if slots.ends_timesteps:
            members["s_axis_tuser"] = In(1)
        if counted:
            members["activity"] = Out(activity_layout(layout))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        layout, network = self._layout, self._layout.network
        frontend, groups = self._entry(m, layout.entry)
        layers: list[HiddenLayer] = []
        rooms: list[list] = [[] for _ in layout.layers]  # per layer, of all its consumers
        for layer, bounds, block, plan in zip(network.hidden, layout.hidden_bounds, layout.layers,
                                              layout.schedule.layers[:-1], strict=True):
            component = HiddenLayer(layer, bounds, block, memories=plan.memories)
            m.submodules[f"layer_{layer.name}"] = component
            layers.append(component)
            self._feed(m, layers, rooms, groups, block.synapses, component.groups)
            for number, each in enumerate(block.shortcuts):
                match each:
                    case Synapses():
                        self._feed(m, layers, rooms, groups, each,
                                   getattr(component, f"groups_{number}"))
                    case Carry():
                        self._carry(m, layers, rooms, number, each, component)
            if block.join is not None:
                self._join(m, layers, rooms, block.join, component)

        m.submodules[f"layer_{network.readout.name}"] = readout = ReadoutLayer(
            network.readout, layout.readout_bounds, layout.output)
        self._feed(m, layers, rooms, groups, layout.output.synapses, readout.groups)
        for component, consumers in zip(layers, rooms, strict=True):
            m.d.comb += component.room.eq(Cat(consumers).all())
        self._ports(m, frontend, readout)
        if "activity" in self.signature.members:
            count_activity(m, self.activity, [*layers, readout])
        return m

    def _entry(self, m, block: Entry):
        """What takes beats, and the groups that come of them."""
        m.submodules.frontend = frontend = Frontend(
            block.geometry, max_value=block.max_value, timesteps=block.timesteps,
            depth=block.depth)
        between = hardware(block.geometry).entry(block.geometry, block.max_value.bit_length(),
                                                 block.factors)
        if between is None:
            return frontend, frontend.groups
        name, component, given, taken = between
        m.submodules[name] = component
        connect(m, frontend.groups, given)
        return frontend, taken

    def _feed(self, m, layers, rooms, first, synapses: Synapses, groups):
        """Connect what an engine takes: the network's input, or spikes of an earlier layer, or of
        its own."""
        match synapses.source:
            case Entry():
                connect(m, first, groups)
            case Link() as link if not synapses.summands:
                self._link(m, layers[link.producer], rooms[link.producer], link, groups)
            case Link() as link:
                m.submodules[f"merge_{link.name}"] = merge = GroupMerge(
                    groups.payload.shape(), count=len(synapses.links))
                for each, source in zip(synapses.links, merge.sources, strict=True):
                    self._link(m, layers[each.producer], rooms[each.producer], each, source)
                connect(m, merge.groups, groups)

    def _link(self, m, producer, rooms, block: Link, groups):
        """Connect the producer's spikes to ``groups``: pool, queue, encoder."""
        geometry = block.geometry
        words, valid = producer.words, producer.words_valid
        if isinstance(block, blocks.Feedback):
            words, valid = self._feed_back(m, block, words, valid)
        if block.placed:
            words, valid = self._pool(m, block.name, block, geometry.source, words, valid)
        m.submodules[f"link_{block.name}"] = link = hardware(geometry).link(
            geometry, depth=block.depth, margin=block.margin, pipelined=block.pipelined)
        m.d.comb += [link.words[field].eq(words[field]) for field in link.words.shape().members]
        m.d.comb += link.words_valid.eq(valid)
        rooms.append(link.room)
        connect(m, link.groups, groups)

    def _feed_back(self, m, block, words, valid):
        """A layer's own words, as those of the timestep before."""
        m.submodules[f"feedback_{block.name}"] = feedback = Feedback(
            parallel=block.whole.width, rows=block.whole.rows, timesteps=block.timesteps,
            stateful=block.stateful)
        m.d.comb += [feedback.words.eq(words), feedback.words_valid.eq(valid)]
        return feedback.earlier, feedback.earlier_valid

    def _pool(self, m, name, block: Link | JoinedRows, source, words, valid):
        """Words with their place, pooled; ``source`` is their raster then."""
        if block.cropped is not None:
            m.submodules[f"crop_{name}"] = crop = MapCrop(block.whole, block.cropped)
            m.d.comb += [crop.words.eq(words), crop.words_valid.eq(valid)]
            words, valid = crop.inside, crop.inside_valid
        pool = (WindowPool(block.whole, source, block.pool)
                if block.pool is not None and not block.pool.tiles else
                SpikePool(source, block.pool))
        m.submodules[f"pool_{name}"] = pool
        m.d.comb += [pool.words.eq(words), pool.words_valid.eq(valid)]
        return pool.placed, pool.placed_valid

    def _carry(self, m, layers, rooms, number, block: Carry, layer):
        """Let shortcut ``number`` of ``layer`` have the rows that it adds."""
        producer, carried = layers[block.producer], getattr(layer, f"carried_{number}")
        m.submodules[f"carry_{block.name}"] = queue = CarryQueue(
            carried.shape(), rows=block.rows, depth=block.depth, margin=block.margin)
        given = producer.currents if block.current else producer.words.spikes
        assert len(Value.cast(given)) == carried.shape().size == block.width
        m.d.comb += [
            queue.row.eq(given),
            queue.write.eq(producer.currents_valid if block.current else producer.words_valid),
            queue.last.eq(producer.currents_last if block.current else producer.words.last),
            queue.take.eq(layer.take),
            queue.start.eq(layer.starts),
            carried.eq(queue.head),
            getattr(layer, f"whole_{number}").eq(queue.whole),
        ]
        rooms[block.producer].append(queue.room)

    def _join(self, m, layers, rooms, block: JoinedRows, layer):
        """Let ``layer`` have the rows of spikes that its own are joined with."""
        carry, producer = block.carry, layers[block.carry.producer]
        words, valid = producer.words, producer.words_valid
        if block.pool is not None:
            words, valid = self._pool(m, carry.name, block, block.source, words, valid)
        m.submodules[f"carry_{carry.name}"] = queue = CarryQueue(
            layer.joined.shape(), rows=carry.rows, depth=carry.depth, margin=carry.margin)
        m.d.comb += [
            queue.row.eq(words.spikes),
            queue.write.eq(valid),
            queue.last.eq(words.last),
            queue.take.eq(layer.take_joined),
            queue.start.eq(layer.starts),
            layer.joined.eq(queue.head),
            layer.whole_joined.eq(queue.whole),
        ]
        rooms[carry.producer].append(queue.room)

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
        if self.slots.ends_timesteps:
            m.d.comb += beat.payload.mark.eq(self.s_axis_tuser)
