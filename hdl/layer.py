"""One layer: sequencer, synapses, accumulators, and the neurons or the readout behind them."""

from __future__ import annotations

from amaranth import Cat, Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.accumulator import Accumulator, lookahead
from bsnn_hw.hdl.checks import require_instance, require_positive, require_shape
from bsnn_hw.hdl.current import CurrentArray
from bsnn_hw.hdl.formats import delayed, event_group, index_width, spike_word
from bsnn_hw.hdl.neuron import NeuronArray
from bsnn_hw.hdl.sequencer import Cadence, Sequencer
from bsnn_hw.hdl.synapse import SynapseArray, weights_shape
from bsnn_hw.hdl.walk import FoldWalk, MapWalk, group_fields
from bsnn_hw.hdl.word_synapse import WordSynapseArray, word_synapse_delay
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.network import Dense, Hidden, Synapse, SynapseShortcut
from bsnn_hw.ir.schedule import BLOCK_ROWS, Geometry, synapse_delay
from bsnn_hw.ir.words import WordGeometry

__all__ = ["HiddenLayer", "charge_pipeline", "group_layout"]


def group_layout(geometry: Geometry, max_value: int) -> data.StructLayout:
    """What synapses of this geometry take at a time."""
    _require_spikes(geometry, max_value)
    return event_group(lanes=geometry.lanes, row_width=index_width(geometry.rows),
                       value_width=max_value.bit_length(), row_count=_row_count(geometry),
                       **group_fields(geometry))


def _require_spikes(geometry: Geometry, max_value: int) -> None:
    """Raise ValueError where words would have to hold values."""
    if isinstance(geometry, WordGeometry) and max_value != 1:
        raise ValueError(f"max_value must be 1 with words of spikes, not {max_value}")


def _row_count(geometry: Geometry) -> int:
    """Rows of a group: one for a word, else one per lane."""
    return 1 if isinstance(geometry, WordGeometry) else geometry.lanes


def _engine_delay(geometry: Geometry, synapse: Synapse) -> int:
    """Cycles from a sequencer to its accumulator."""
    if isinstance(geometry, WordGeometry):
        return word_synapse_delay(geometry.lanes)
    return synapse_delay(geometry, synapse.weight_bits)


def _synapses(geometry: Geometry, synapse: Synapse, max_value: int):
    """The component that weighs what the layer takes."""
    if not isinstance(geometry, WordGeometry):
        return SynapseArray(geometry, synapse, max_value=max_value)
    assert isinstance(synapse, Dense)
    return WordSynapseArray(geometry, synapse)


def charge_pipeline(m, groups, synapse: Synapse, geometry: Geometry, *, cadence: Cadence,
                    timesteps: int, max_value: int, sum_width: int, recovery: int,
                    delay: int | None = None, name: str = "", block_rows: int = BLOCK_ROWS):
    """The part that every layer has: events in, sums out.

    Adds the submodules ``sequencer``, ``synapses`` and ``accumulator`` to ``m`` and returns
    (sequencer, accumulator).

    delay : int, cycles from the sequencer to the accumulator; None for as few as there can be
    name : str, what the submodules' names end with
    block_rows : int, see `Schedule`
    """
    synapses = _synapses(geometry, synapse, max_value)
    walk = MapWalk(geometry) if isinstance(geometry, ConvGeometry) else FoldWalk(geometry.folds)
    sequencer = Sequencer(
        walk, lanes=geometry.lanes, timesteps=timesteps, row_count=_row_count(geometry),
        row_width=index_width(geometry.rows), value_width=max_value.bit_length(),
        cadence=cadence, recovery=recovery)
    accumulator = Accumulator(
        synapse.connected, geometry.raster, timesteps=timesteps,
        width=sum_width, delta_shape=synapses.deltas.shape().elem_shape, block_rows=block_rows)
    m.submodules[f"sequencer{name}"] = sequencer
    m.submodules[f"synapses{name}"] = synapses
    m.submodules[f"accumulator{name}"] = accumulator

    least = _engine_delay(geometry, synapse)
    wait, ahead = (delay or least) - least, lookahead(geometry.raster, block_rows)
    start = delayed(m, sequencer.op, wait, f"start{name}")
    next_op = delayed(m, start, least - ahead, f"op{name}")
    m.d.comb += [
        accumulator.next_row.eq(next_op.row),
        accumulator.op.eq(delayed(m, next_op, ahead, f"accumulator_op{name}")),
        accumulator.deltas.eq(synapses.deltas),
        accumulator.carries.eq(synapses.carries),
    ]
    for signal in ("tap", "rows", "values"):
        early = delayed(m, getattr(sequencer, signal), wait, f"{signal}{name}")
        m.d.comb += getattr(synapses, signal).eq(early)
    connect(m, wiring.flipped(groups), sequencer.groups)
    return sequencer, accumulator


class HiddenLayer(wiring.Component):
    """A spiking layer: groups of events in, a word of spikes per row and timestep out.

    Shortcuts with synapses have an engine of their own, which charges at the same time; the
    neurons step once all engines have the timestep's last event.

    Parameters
    ----------
    layer : Hidden
    bounds : HiddenBounds, of the layer
    geometry : LayerGeometry, ConvGeometry or WordGeometry
    shortcuts : tuple, geometry of each shortcut's synapses, None where it has none
    max_value : int, largest value of an input event
    direct : bool
        A mark ends a sample whose sums serve every timestep.
    block_rows : int, from how many rows on state lies in block RAM, see `Schedule`
    constant_rows : int, likewise of constants

    Members
    -------
    groups : In stream of ``group_layout``; groups_K : In, likewise for the synapses of shortcut K
    carried_K : In, ``carried_layout``: the row of shortcut K that is to be taken next
    whole_K : In, all rows of the next step of shortcut K are there
    starts : Out, a step starts; take : Out, it takes a row of each shortcut
    words, words_valid : Out, ``spike_word``
    currents, currents_valid, currents_last : Out, a row of the whole current, before its word
    room : In; ``margin`` words at most come in the cycle before it goes low and after
    """

    def __init__(self, layer: Hidden, bounds: HiddenBounds, geometry: Geometry, *,
                 shortcuts: tuple[Geometry | None, ...] = (), max_value: int, direct: bool,
                 block_rows: int = BLOCK_ROWS, constant_rows: int = BLOCK_ROWS):
        require_positive(max_value=max_value)
        require_instance(Hidden, layer=layer)
        require_instance(HiddenBounds, bounds=bounds)
        require_instance(Geometry, geometry=geometry)
        require_shape(weights_shape(geometry), weights=layer.synapse.weights)
        _require_spikes(geometry, max_value)
        self._layer = layer
        self._bounds = bounds
        self._max_value = max_value
        self._direct = direct
        self._block_rows = block_rows
        raster = geometry.raster
        self._currents = CurrentArray(layer, bounds, raster, constant_rows=constant_rows)
        self._neurons = NeuronArray(layer.neuron, bounds, raster,
                                    current_delay=self._currents.delay, block_rows=block_rows,
                                    constant_rows=constant_rows)
        # (what the members' names end with, synapses, geometry, width of a sum), the main one first
        self._engines = [("", layer.synapse, geometry, bounds.acc.width)]
        for number, (shortcut, shape) in enumerate(zip(layer.shortcuts, shortcuts, strict=True)):
            if isinstance(shortcut, SynapseShortcut) and shape is not None:
                self._engines.append((f"_{number}", shortcut.synapse, shape,
                                      bounds.shortcuts[number].width))
        self._carried = {number: getattr(self._currents, f"carried_{number}")
                         for number, shortcut in enumerate(layer.shortcuts)
                         if not isinstance(shortcut, SynapseShortcut)}
        self._delay = max(_engine_delay(shape, synapse)
                          for _, synapse, shape, _ in self._engines)
        super().__init__({
            **{f"groups{name}": In(stream.Signature(group_layout(shape, max_value)))
               for name, _, shape, _ in self._engines},
            **{f"carried_{number}": In(member.shape())
               for number, member in self._carried.items()},
            **{f"whole_{number}": In(1) for number in self._carried},
            "starts": Out(1),
            "take": Out(1),
            "words": Out(spike_word(parallel=raster.width, rows=raster.rows)),
            "words_valid": Out(1),
            "currents": Out(self._currents.currents.shape()),
            "currents_valid": Out(1),
            "currents_last": Out(1),
            "room": In(1),
        })

    @property
    def margin(self) -> int:
        """Words that a queue must still take when it finds that it has no room."""
        # Those in the synapses' and the neurons' stages, and one as `room` is a register.
        return self._delay + self._neurons.delay + 1

    def elaborate(self, platform):
        m = Module()
        m.submodules.currents = currents = self._currents
        m.submodules.neurons = neurons = self._neurons
        sequencers = []
        for name, synapse, geometry, width in self._engines:
            sequencer, accumulator = charge_pipeline(
                m, getattr(self, f"groups{name}"), synapse, geometry,
                cadence=Cadence.SAMPLE if self._direct else Cadence.EACH_MARK,
                timesteps=len(self._layer.neuron.leak), max_value=self._max_value,
                sum_width=width, recovery=neurons.recovery, delay=self._delay, name=name,
                block_rows=self._block_rows)
            m.d.comb += [
                sequencer.room.eq(self.room),
                getattr(currents, f"sums{name}").eq(accumulator.sums),
            ]
            sequencers.append((sequencer, accumulator))
        # All engines step together, and only on whole timesteps of what is carried.
        waits = [sequencer.due for sequencer, _ in sequencers]
        waits += [getattr(self, f"whole_{number}") for number in self._carried]
        m.d.comb += self.starts.eq(Cat(waits).all())
        m.d.comb += [sequencer.go.eq(self.starts) for sequencer, _ in sequencers]

        op, last_row = sequencers[0][1].op, self._engines[0][2].raster.rows - 1
        current_op = delayed(m, op, currents.delay, "current_op")
        m.d.comb += [
            currents.op.eq(op),
            neurons.op.eq(op),
            neurons.currents.eq(currents.currents),
            self.take.eq(currents.take),
            self.words.eq(neurons.words),
            self.words_valid.eq(neurons.words_valid),
            self.currents.eq(currents.currents),
            self.currents_valid.eq(current_op.step & ~current_op.sweep),
            self.currents_last.eq(current_op.row == last_row),
        ]
        m.d.comb += [member.eq(getattr(self, f"carried_{number}"))
                     for number, member in self._carried.items()]
        return m
