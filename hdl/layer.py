"""One layer: sequencer, synapses, accumulators, and the neurons or the readout behind them."""

from __future__ import annotations

from amaranth import Cat, Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.accumulator import Accumulator
from bsnn_hw.hdl.checks import require_instance, require_shape
from bsnn_hw.hdl.current import CurrentArray
from bsnn_hw.hdl.current_pool import LargestSums
from bsnn_hw.hdl.engines.registry import hardware
from bsnn_hw.hdl.formats import delayed, index_width, spike_word
from bsnn_hw.hdl.gate import GateUnit
from bsnn_hw.hdl.held_sums import HeldSums
from bsnn_hw.hdl.neuron import NeuronArray
from bsnn_hw.hdl.place_array import PlaceArray
from bsnn_hw.hdl.row_gather import RowGather
from bsnn_hw.hdl.sequencer import Cadence, Sequencer
from bsnn_hw.hdl.synaptic import SynapticArray
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.network import Hidden, Synapse, SynapseShortcut
from bsnn_hw.ir.schedule import USUAL_ROWS, Rows, Stores
from bsnn_hw.layout.blocks import Carry, Layer, Synapses
from bsnn_hw.layout.timing import charge_delay

__all__ = ["HiddenLayer", "charge_pipeline", "group_stream"]


def charge_pipeline(m, groups, synapse: Synapse, block: Synapses, *, cadence: Cadence,
                    recovery: int, name: str = ""):
    """The part that every layer has: events in, sums out.

    Adds the submodules ``sequencer``, ``synapses`` and ``accumulator`` to ``m`` and returns
    (sequencer, accumulator); in the place of the last two `PlaceArray` where there are several.

    name : str, what the submodules' names end with
    """
    geometry, ahead = block.geometry, block.sums.ahead
    engine = hardware(geometry)
    sequencer = Sequencer(
        engine.walk(geometry), lanes=geometry.lanes, timesteps=block.timesteps,
        row_count=geometry.row_count, row_width=index_width(geometry.rows),
        value_width=geometry.lane_bits(block.max_value.bit_length()), cadence=cadence,
        recovery=recovery)
    m.submodules[f"sequencer{name}"] = sequencer
    if geometry.places > 1:
        return sequencer, _charge_places(m, sequencer, groups, synapse, block, name)
    synapses = engine.synapses(geometry, synapse, block.max_value, block.pipelined)
    accumulator = Accumulator(
        synapse.connected, geometry.raster, timesteps=block.timesteps, width=block.sum_width,
        delta_shape=synapses.deltas.shape().elem_shape, block=block.sums.block,
        event_folds=geometry.event_folds, pipelined=block.pipelined)
    m.submodules[f"synapses{name}"] = synapses
    m.submodules[f"accumulator{name}"] = accumulator

    start = delayed(m, sequencer.op, block.wait, f"start{name}")
    next_op = delayed(m, start, block.delay - ahead, f"op{name}")
    m.d.comb += [
        accumulator.next_row.eq(next_op.row),
        accumulator.op.eq(delayed(m, next_op, ahead, f"accumulator_op{name}")),
        accumulator.deltas.eq(synapses.deltas),
        accumulator.carries.eq(synapses.carries),
    ]
    for signal in ("tap", "rows", "values"):
        early = delayed(m, getattr(sequencer, signal), block.wait, f"{signal}{name}")
        m.d.comb += getattr(synapses, signal).eq(early)
    connect(m, wiring.flipped(groups), sequencer.groups)
    return sequencer, accumulator


def _charge_places(m, sequencer, groups, synapse: Synapse, block: Synapses,
                   name: str) -> PlaceArray:
    """The submodule ``places``, which has synapses and sums for several places at once."""
    places = PlaceArray(synapse, block)
    m.submodules[f"places{name}"] = places
    for signal, given in (("start", "op"), ("places", "places"), ("rows", "rows"),
                          ("values", "values")):
        m.d.comb += getattr(places, signal).eq(
            delayed(m, getattr(sequencer, given), block.wait, f"{signal}{name}"))
    connect(m, wiring.flipped(groups), sequencer.groups)
    return places


def group_stream(block: Synapses) -> stream.Signature:
    """What the synapses take at a time."""
    if block.geometry.binary and block.max_value != 1:
        raise ValueError(f"max_value must be 1 with words of spikes, not {block.max_value}")
    return stream.Signature(hardware(block.geometry).group(block.geometry,
                                                           block.max_value.bit_length()))


class HiddenLayer(wiring.Component):
    """A spiking layer: groups of events in, a word of spikes per row and timestep out.

    Shortcuts with synapses have an engine of their own, which charges at the same time; the
    neurons step once all engines have the timestep's last event.

    Parameters
    ----------
    layer : Hidden
    bounds : HiddenBounds, of the layer
    block : Layer, every number of it
    memories : which memories lie in block RAM, see `LayerPlan`; those of the block

    Members
    -------
    groups : In, ``group_stream``; groups_K : In, likewise of the synapses of shortcut K
    carried_K : In, ``carried_layout``: the row of shortcut K that is to be taken next
    whole_K : In, all rows of the next step of shortcut K are there
    joined, whole_joined, take_joined : likewise, of the spikes that its own are joined with
    starts : Out, a step starts; take : Out, it takes a row of each shortcut
    words, words_valid : Out, ``spike_word``
    currents, currents_valid, currents_last : Out, a row of the whole current, before its word
    room : In; ``block.margin`` words at most come in the cycle before it goes low and after
    """

    def __init__(self, layer: Hidden, bounds: HiddenBounds, block: Layer, *,
                 memories: Rows | Stores = USUAL_ROWS):
        require_instance(Hidden, layer=layer)
        require_instance(HiddenBounds, bounds=bounds)
        require_instance(Layer, block=block)
        require_shape(block.synapses.geometry.weights_shape, weights=layer.synapse.weights)
        self._layer = layer
        self._block = block
        raster, words = block.neurons.raster, block.neurons.words
        self._pipelined = pipelined = block.neurons.pipelined
        self._charge_delay = charge_delay(layer, pipelined)
        self._currents = CurrentArray(layer, bounds, raster, memories=memories,
                                      pipelined=pipelined)
        self._synaptic = (None if block.neurons.synaptic is None else SynapticArray(
            layer.neuron, bounds, raster, current_delay=self._currents.delay, memories=memories,
            pipelined=pipelined))
        self._neurons = NeuronArray(
            layer.neuron, bounds, raster, current_delay=self._charge_delay, memories=memories,
            join=layer.join.kind if layer.join else None, pipelined=pipelined)
        # (what the members' names end with, synapses, their block), the main one first
        self._engines: list = [("", layer.synapse, block.synapses)]
        for number, (shortcut, each) in enumerate(zip(layer.shortcuts, block.shortcuts,
                                                      strict=True)):
            if isinstance(shortcut, SynapseShortcut):
                self._engines.append((f"_{number}", shortcut.synapse, each))
        self._carried = {number: getattr(self._currents, f"carried_{number}")
                         for number, each in enumerate(block.shortcuts)
                         if isinstance(each, Carry)}
        joined = {} if layer.join is None else {
            "joined": In(data.ArrayLayout(1, raster.width)), "whole_joined": In(1),
            "take_joined": Out(1)}
        super().__init__({
            **joined,
            **{f"groups{name}": In(group_stream(each)) for name, _, each in self._engines},
            **{f"carried_{number}": In(member.shape())
               for number, member in self._carried.items()},
            **{f"whole_{number}": In(1) for number in self._carried},
            "starts": Out(1),
            "take": Out(1),
            "words": Out(spike_word(parallel=words.width, rows=words.rows)),
            "words_valid": Out(1),
            "currents": Out(self._currents.currents.shape()),
            "currents_valid": Out(1),
            "currents_last": Out(1),
            "room": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.current = currents = self._currents
        m.submodules.neurons = neurons = self._neurons
        sequencers = []
        for name, synapse, block in self._engines:
            sequencer, accumulator = charge_pipeline(
                m, getattr(self, f"groups{name}"), synapse, block,
                cadence=Cadence.SAMPLE if self._block.direct and block is self._block.synapses
                and self._block.neurons.held is None else Cadence.EACH_MARK,
                recovery=self._block.neurons.recovery if self._block.neurons.held is None else 1,
                name=name)
            op, sums, room = accumulator.op, accumulator.sums, self.room
            if self._block.neurons.pool is not None:
                op, sums = self._pooled(m, self._block.neurons, op, sums)
            if self._block.neurons.held is not None:
                op, sums, room = self._held(m, self._block.neurons.held, sequencer, op, sums)
            m.d.comb += [
                sequencer.room.eq(room),
                getattr(currents, f"sums{name}").eq(sums),
            ]
            sequencers.append((sequencer, op))
        # All engines step together, and only on whole timesteps of what is carried.
        waits = [sequencer.due for sequencer, _ in sequencers]
        waits += [getattr(self, f"whole_{number}") for number in self._carried]
        waits += [self.whole_joined] if self._layer.join is not None else []
        m.d.comb += self.starts.eq(Cat(waits).all())
        m.d.comb += [sequencer.go.eq(self.starts) for sequencer, _ in sequencers]

        if self._block.gate is not None:
            self._connect_gate(m, self._block.gate, currents, *sequencers[0])
        op = sequencers[0][1]
        last_row = self._block.neurons.raster.rows - 1
        current_op = delayed(m, op, currents.delay, "current_op")
        m.d.comb += [
            currents.op.eq(op),
            neurons.op.eq(op),
            neurons.currents.eq(self._charging(m, currents.currents, op)),
            self.take.eq(currents.take),
            *self._leaving(m, neurons),
            self.currents.eq(currents.currents),
            self.currents_valid.eq(current_op.step & ~current_op.sweep),
            self.currents_last.eq(current_op.row == last_row),
        ]
        m.d.comb += [member.eq(getattr(self, f"carried_{number}"))
                     for number, member in self._carried.items()]
        if self._layer.join is not None:
            # Nothing between the queue's block RAM and this register.
            joined = delayed(m, self.joined, 1, "joined_row", reset_less=True)
            taken = delayed(m, current_op, self._charge_delay - currents.delay, "joined_op")
            m.d.comb += [self.take_joined.eq(taken.step & ~taken.sweep),
                         neurons.joined.eq(joined)]
        return m

    def _charging(self, m, currents, op):
        """What charges the membranes."""
        if self._synaptic is None:
            return currents
        m.submodules.synaptic = synaptic = self._synaptic
        m.d.comb += [synaptic.op.eq(op), synaptic.currents.eq(currents)]
        return synaptic.synaptic

    def _pooled(self, m, block, op, sums):
        """The operations that step neurons, and the largest sums that these get."""
        m.submodules.current_pool = pool = LargestSums(block.pool, timesteps=block.timesteps)
        m.d.comb += [pool.op.eq(op), pool.sums.eq(sums)]
        return pool.pooled_op, pool.largest

    def _held(self, m, block, sequencer, op, sums):
        """The operations that units of neurons step with, the sums that these get, and whether the
        sequencer may hand over a row of more."""
        m.submodules.held = held = HeldSums(block)
        m.d.comb += [
            held.handed.eq(sequencer.op.step & ~sequencer.op.sweep),
            held.op.eq(op),
            held.sums.eq(sums),
            held.room.eq(self.room),
        ]
        return held.unit_op, held.unit_sums, held.free

    def _leaving(self, m, neurons):
        """The neurons' words; several rows of units make one."""
        block, held = self._block.neurons, self._block.neurons.held
        if held is None or held.count == 1:
            return [self.words.eq(neurons.words), self.words_valid.eq(neurons.words_valid)]
        m.submodules.gather = gather = RowGather(
            width=block.raster.width, rows=block.raster.rows, gathered=held.count,
            words=block.words.rows,
            folds=block.raster.folds if block.raster.shape.positions > 1 else None)
        m.d.comb += [gather.rows.eq(neurons.words), gather.rows_valid.eq(neurons.words_valid)]
        return [self.words.eq(delayed(m, gather.words, 1, "words")),
                self.words_valid.eq(delayed(m, gather.words_valid, 1, "words_valid"))]

    def _connect_gate(self, m, block, currents, sequencer, op):
        """Let the sample make the factor of its currents."""
        geometry = self._block.synapses.geometry
        m.submodules.gate = gate = GateUnit(self._layer, block, folds=geometry.folds,
                                            rows=geometry.raster.rows, taps=geometry.taps)
        for signal in ("tap", "rows", "values"):
            early = delayed(m, getattr(sequencer, signal), block.wait, f"{signal}_gate")
            m.d.comb += getattr(gate, signal).eq(early)
        factor = delayed(m, gate.factor, int(self._pipelined), "factor", reset_less=True)
        m.d.comb += [gate.op.eq(op), currents.factor.eq(factor)]
