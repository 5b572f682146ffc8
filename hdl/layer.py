"""One layer: sequencer, synapses, accumulators, and the neurons or the readout behind them."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.accumulator import Accumulator
from bsnn_hw.hdl.checks import require_instance, require_positive, require_shape
from bsnn_hw.hdl.formats import delayed, event_group, index_width, spike_word
from bsnn_hw.hdl.neuron import NEURON_DELAY, NeuronArray
from bsnn_hw.hdl.sequencer import Cadence, Sequencer
from bsnn_hw.hdl.synapse import SynapseArray, synapse_delay
from bsnn_hw.ir.bounds import hidden_bounds
from bsnn_hw.ir.network import Dense, Hidden
from bsnn_hw.ir.schedule import LayerGeometry

__all__ = ["HiddenLayer", "charge_pipeline"]


def charge_pipeline(m, groups, synapse: Dense, geometry: LayerGeometry, *, cadence: Cadence,
                    timesteps: int, max_value: int, sum_width: int, recovery: int):
    """The part that every layer has: events in, sums out.

    Adds the submodules ``sequencer``, ``synapses`` and ``accumulator`` to ``m`` and returns
    (sequencer, accumulator).
    """
    synapses = SynapseArray(geometry, synapse.weights, max_value=max_value)
    sequencer = Sequencer(
        lanes=geometry.lanes, folds=geometry.folds, timesteps=timesteps,
        row_width=index_width(geometry.rows), value_width=max_value.bit_length(),
        cadence=cadence, recovery=recovery)
    accumulator = Accumulator(
        synapse.connected, parallel=geometry.parallel, folds=geometry.folds, timesteps=timesteps,
        width=sum_width, delta_shape=synapses.deltas.shape().elem_shape)
    m.submodules.sequencer = sequencer
    m.submodules.synapses = synapses
    m.submodules.accumulator = accumulator

    next_op = delayed(m, sequencer.op, synapse_delay(geometry.lanes) - 1, "op")
    op = delayed(m, next_op, 1, "accumulator_op")
    m.d.comb += [
        accumulator.next_fold.eq(next_op.fold),
        accumulator.op.eq(op),
        accumulator.deltas.eq(synapses.deltas),
        accumulator.carries.eq(synapses.carries),
        synapses.fold.eq(sequencer.op.fold),
        synapses.rows.eq(sequencer.rows),
        synapses.values.eq(sequencer.values),
    ]
    connect(m, wiring.flipped(groups), sequencer.groups)
    return sequencer, accumulator


class HiddenLayer(wiring.Component):
    """A spiking layer: groups of events in, a word of spikes per fold and timestep out.

    Parameters
    ----------
    layer : Hidden
    geometry : LayerGeometry
    max_value : int, largest value of an input event
    direct : bool
        A mark ends a sample whose sums serve every timestep.

    Members
    -------
    groups : In stream of ``event_group``
    words, words_valid : Out, ``spike_word``
    room : In; ``margin`` words at most come in the cycle before it goes low and after
    """

    def __init__(self, layer: Hidden, geometry: LayerGeometry, *, max_value: int, direct: bool):
        require_positive(max_value=max_value)
        require_instance(Hidden, layer=layer)
        require_instance(LayerGeometry, geometry=geometry)
        require_shape((geometry.neurons, geometry.inputs), weights=layer.synapse.weights)
        self._layer = layer
        self._geometry = geometry
        self._max_value = max_value
        self._direct = direct
        group = event_group(lanes=geometry.lanes, row_width=index_width(geometry.rows),
                            value_width=max_value.bit_length())
        super().__init__({
            "groups": In(stream.Signature(group)),
            "words": Out(spike_word(parallel=geometry.parallel, folds=geometry.folds)),
            "words_valid": Out(1),
            "room": In(1),
        })

    @property
    def margin(self) -> int:
        """Words that a queue must still take when it finds that it has no room."""
        # Those in the synapses' and the neurons' stages, and one as `room` is a register.
        return synapse_delay(self._geometry.lanes) + NEURON_DELAY + 1

    def elaborate(self, platform):
        m = Module()
        bounds = hidden_bounds(self._layer, self._max_value)
        neurons = NeuronArray(self._layer.neuron, bounds, parallel=self._geometry.parallel)
        m.submodules.neurons = neurons
        sequencer, accumulator = charge_pipeline(
            m, self.groups, self._layer.synapse, self._geometry,
            cadence=Cadence.SAMPLE if self._direct else Cadence.EACH_MARK,
            timesteps=len(self._layer.neuron.leak), max_value=self._max_value,
            sum_width=bounds.acc.width, recovery=neurons.recovery)
        m.d.comb += [
            sequencer.room.eq(self.room),
            neurons.op.eq(accumulator.op),
            neurons.sums.eq(accumulator.sums),
            self.words.eq(neurons.words),
            self.words_valid.eq(neurons.words_valid),
        ]
        return m
