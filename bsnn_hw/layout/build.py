"""A network and its schedule to a layout: the only place that knows how blocks follow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.events import EventGeometry
from bsnn_hw.engines.registry import network_geometries, shortcut_geometries
from bsnn_hw.ir.bounds import HiddenBounds, ReadoutBounds, network_bounds
from bsnn_hw.ir.network import (
    Coding,
    CurrentShortcut,
    Hidden,
    Network,
    NeuronSpec,
    Readout,
    Shortcut,
    SpikeShortcut,
    Synapse,
    SynapseShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Port, Rows, Schedule, Store, Stores
from bsnn_hw.layout.blocks import (
    POOLING_DELAY,
    Carry,
    CurrentPool,
    Entry,
    Gain,
    Layer,
    Link,
    Neurons,
    Output,
    Scorer,
    StateRows,
    Synapses,
    gathers,
)
from bsnn_hw.layout.check import problems
from bsnn_hw.layout.gate import Gate, gate_block
from bsnn_hw.layout.tables import TableSize, table_rows, table_size
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.ports.slots import Slots, network_slots

__all__ = ["Builder", "Layout", "build_layout", "carry_block", "layer_block", "leak_shift",
           "neurons_block", "output_block", "pooling_delay", "recovery", "synapses_block"]

# What a queue of spikes holds at most, however many an inference has: beyond a few block RAMs the
# memory costs more than the waiting.
MOST_QUEUED = 512
SHORT_QUEUE = 2  # groups at the input, where no more are needed
MOST_QUEUED_BITS = 1 << 17  # of a map, whose words have a position and a mark of about 16 bits
# A layer with a map has a word per position, and waits in its step for the consumer of all.


@dataclass(frozen=True)
class Layout:
    """All blocks of a circuit.

    hidden_bounds, readout_bounds : ranges of all integers, which widths follow from
    layers : per hidden layer
    """

    network: Network
    schedule: Schedule
    port: Port
    hidden_bounds: tuple[HiddenBounds, ...]
    readout_bounds: ReadoutBounds
    slots: Slots
    layers: tuple[Layer, ...]
    output: Output

    @property
    def blocks(self) -> tuple[Layer | Output, ...]:
        """Of every layer, the readout last."""
        return *self.layers, self.output

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """Every layer's own synapses laid out, the readout last."""
        return tuple(block.synapses.geometry for block in self.blocks)

    @property
    def entry(self) -> Entry:
        """What stands behind the network's input port."""
        source = self.blocks[0].synapses.source
        assert isinstance(source, Entry)
        return source


def leak_shift(spec: NeuronSpec) -> int | None:
    """Right shift that is the leak of all timesteps; None where it takes a product."""
    factors = set(spec.leak[1:].flat)
    shifts = {1 << bits for bits in range(spec.leak_bits + 1)}
    if len(factors) > 1 or not factors <= shifts:
        return None
    return spec.leak_bits - int((factors or {1}).pop()).bit_length() + 1


def recovery(spec: NeuronSpec, block: bool) -> int:
    """Cycles between two steps of one row, at least; ``block``: potentials are in block RAM."""
    return 3 + (leak_shift(spec) is None) + 2 * block


def current_delay(layer: Hidden) -> int:
    """Cycles from an operation to its currents: with a gain, products and then sums of pairs; with
    a gate of the sample's a product behind the sum."""
    if layer.gate is not None:
        return 4
    return 3 if layer.neuron.gain is None else 5


def neuron_delay(current_delay: int) -> int:
    """Cycles from an operation to its word of spikes: charge, and fire."""
    return current_delay + 2


def pooling_delay(layer: Hidden) -> int:
    """Cycles that the largest of a window takes, before the currents."""
    return 0 if layer.current_pool is None else 1


def neurons_block(layer: Hidden, bounds: HiddenBounds, raster: Raster,
                  memories: Rows | Stores) -> Neurons:
    """Currents and neurons of a layer.

    raster : Raster, of the layer's sums
    """
    pool = _current_pool(layer, raster, bounds.acc.width)
    raster = raster if pool is None else pool.windows
    spec, timesteps = layer.neuron, len(layer.neuron.leak)
    currents, block = current_delay(layer), memories.hold(Store.POTENTIALS, raster.rows)

    def size(store: Store, table: np.ndarray) -> TableSize:
        rows = table_rows(table, raster)
        return table_size(rows, memories.hold(store, len(rows)))

    def gain(shortcut: Shortcut, width: int) -> Gain | None:
        match shortcut:
            case CurrentShortcut():
                return None
            case SpikeShortcut():
                return Gain(size(Store.GAINS, shortcut.gain), None)
            case SynapseShortcut():
                return Gain(size(Store.GAINS, shortcut.gain), width)

    return Neurons(
        raster=raster, timesteps=timesteps, current_delay=currents,
        delay=neuron_delay(currents) + pooling_delay(layer),
        recovery=recovery(spec, block), leak_shift=leak_shift(spec), leak_bits=spec.leak_bits,
        leak_factor=int(spec.leak.max()), fraction_bits=spec.fraction_bits,
        soft=spec.reset_by is not None, acc_width=bounds.acc.width,
        current_width=bounds.current.width, charged_width=bounds.charged.width,
        settled_width=bounds.settled.width, carried_width=bounds.carried.width,
        potentials=StateRows(raster.rows, raster.width * bounds.carried.width, block)
        if timesteps > 1 else None,
        bias=size(Store.BIASES, spec.bias), threshold=size(Store.THRESHOLDS, spec.threshold),
        reset_by=None if spec.separate_reset_by is None else
        size(Store.RESETS, spec.separate_reset_by),
        leak=size(Store.LEAKS, spec.next_leak) if spec.shared_leak is None else None,
        gain=None if spec.gain is None else Gain(size(Store.GAINS, spec.gain), bounds.acc.width),
        shortcut_gains=tuple(gain(each, sums.width) for each, sums in
                             zip(layer.shortcuts, bounds.shortcuts, strict=True)),
        pool=pool,
        gated=(bounds.gate.own.width, layer.gate.width) if layer.gate and bounds.gate else None)


def _current_pool(layer: Hidden, summed: Raster, sum_width: int) -> CurrentPool | None:
    pool = layer.current_pool
    return None if pool is None else CurrentPool(
        summed, Raster(layer.shape, summed.width), (pool.height, pool.width), sum_width)


def synapses_block(source: Entry | Link, synapse: Synapse, geometry: Geometry, *, sum_width: int,
                   max_value: int, timesteps: int, block: bool) -> Synapses:
    """An engine, its sums in block RAM or not; it does not wait for another one yet."""
    raster = geometry.raster
    return Synapses(
        source=source, geometry=geometry, weight_bits=synapse.weight_bits, max_value=max_value,
        timesteps=timesteps, disconnected=int((~synapse.connected).sum()),
        delay=geometry.delay(synapse.weight_bits), wait=0,
        sums=StateRows(raster.rows, raster.width * sum_width, block),
        sum_width=sum_width)


def link_block(name: str, producer: int, whole: Raster, reader: Hidden | Readout | SynapseShortcut,
               geometry: Geometry, timesteps: int, margin: int) -> Link:
    """What stands between a layer, which may send ``margin`` words late, and an engine."""
    source, pool = geometry.source, reader.pool
    placed = geometry.placed or pool is not None
    words = source.rows
    if placed:
        margin += POOLING_DELAY
        if not gathers(pool):
            window = pool.height * pool.width if pool else 1
            words = 1 << max(1, (source.rows * window - 1).bit_length())
    # All words of an inference, up to a sensible memory, so that a layer seldom waits for one that
    # is slower now and then.
    late = geometry.arrivals(margin)
    entries = min(geometry.entries(words, timesteps, margin), max(_most_queued(source), late + 2))
    return Link(name, producer, whole, geometry, pool, placed, words, margin, queue_depth(entries))


def queue_depth(entries: int) -> int:
    """The least depth for ``entries`` whose memory is a power of two; one more is in a register."""
    return (1 << (entries - 1).bit_length()) + 1


def _most_queued(source: Raster) -> int:
    if source.shape.positions == 1:
        return MOST_QUEUED
    fitting = MOST_QUEUED_BITS // (source.width + 16)
    return max(MOST_QUEUED, 1 << fitting.bit_length() - 1)


def carry_block(name: str, producer: int, *, current: bool, width: int, rows: int, timesteps: int,
                margin: int) -> Carry:
    """A FIFO of whole timesteps.  One is all that it takes for the producer to end its own,
    whatever the consumer waits for; one per layer between lets all of them work at once.

    width : int, bits of a row
    """
    return Carry(name, producer, current, width, rows, timesteps, margin,
                 max(3, rows * timesteps + margin))


def layer_block(name: str, direct: bool, synapses: Synapses,
                shortcuts: tuple[Synapses | Carry, ...], neurons: Neurons,
                gate: Gate | None = None) -> Layer:
    """A spiking layer whose engines, and gate, work in step: the faster ones wait."""
    engines = [each for each in (synapses, *shortcuts) if isinstance(each, Synapses)]
    delay = max(*(each.delay for each in engines), gate.delay if gate else 0)
    # Words in the stages of synapses and neurons, and one as `room` is a register.
    margin = delay + neurons.delay + 1
    return Layer(name, direct, replace(synapses, wait=delay - synapses.delay),
                 tuple(replace(each, wait=delay - each.delay) if isinstance(each, Synapses)
                       else each for each in shortcuts), neurons, delay, margin,
                 replace(gate, wait=delay - gate.delay) if gate else None)


def output_block(layer: Readout, bounds: ReadoutBounds, synapses: Synapses) -> Output:
    """The readout."""
    parallel = synapses.geometry.parallel
    passes = 1 if layer.constant_gain else len(layer.gain)
    gains = layer.gain[:passes].reshape(-1, 1)
    bias = layer.bias if layer.peak is None else layer.peak.bias
    constant = gains.min() == gains.max()
    scorer = Scorer(
        classes=layer.synapse.neurons, passes=passes, parallel=parallel,
        acc_width=bounds.acc.width, score_width=bounds.score.width,
        gain=None if constant else table_size(gains, block=False),
        gain_ones=int(abs(gains[0, 0])).bit_count() if constant else 0,
        bias=None if bias.min() == bias.max() else
        table_size(bias.reshape(-1, 1), block=False),
        peak=None if layer.peak is None else _factor_bits(layer.peak.leak))
    wait = 2 if layer.peak is None else 2 + scorer.stages
    return Output(layer.name, synapses, scorer, parallel + synapses.delay + wait)


def _factor_bits(leak: np.ndarray) -> int:
    """Bits of the largest leak factor, 0 where it is the same power of two for all, or none."""
    most = int(leak.max())
    return 0 if (leak == most).all() and most & (most - 1) == 0 else most.bit_length()


class Builder:
    """Makes layouts and single blocks of a network; what plans have in common is worked out once.

    network : Network; port : Port, of the top level
    """

    def __init__(self, network: Network, port: Port = Port.EVENTS):
        self.network, self.port = network, port
        self.hidden_bounds, self.readout_bounds = network_bounds(network)
        self._neurons: dict[tuple[int, int, Rows | Stores], Neurons] = {}

    def layout(self, schedule: Schedule) -> Layout:
        """All blocks of ``schedule``, which is legal for the network."""
        network = self.network
        geometries = network_geometries(network, schedule)
        beside = (*shortcut_geometries(network, schedule), ())
        layers: list[Layer] = []
        readers = [0] * len(network.hidden)

        def name(producer: int) -> str:
            """What stands between two layers: the producer's name, and before it a number from its
            second consumer on, as a layer could have any name that begins with a letter."""
            readers[producer] += 1
            count, of = readers[producer], network.hidden[producer].name
            return f"{count}_{of}" if count > 1 else of

        def engine(number: int, reader: Hidden | Readout | SynapseShortcut, geometry: Geometry,
                   sum_width: int) -> Synapses:
            producer = number - reader.back
            margin = layers[producer].margin if producer >= 0 else 0
            return self.synapses(number, reader, geometry, sum_width, margin=margin,
                                 memories=schedule.layers[number].memories,
                                 name=name(producer) if producer >= 0 else "")

        for number, layer in enumerate(network.hidden):
            bounds = self.hidden_bounds[number]
            main = engine(number, layer, geometries[number], bounds.acc.width)
            shortcuts: list[Synapses | Carry] = []
            for shortcut, geometry, sums in zip(layer.shortcuts, beside[number], bounds.shortcuts,
                                                strict=True):
                if isinstance(shortcut, SynapseShortcut):
                    assert geometry is not None
                    shortcuts.append(engine(number, shortcut, geometry, sums.width))
                    continue
                producer = layers[number - shortcut.back]
                shortcuts.append(self.carry(number, shortcut, producer.neurons.raster,
                                            sums.width, margin=producer.margin,
                                            name=name(number - shortcut.back)))
            layers.append(layer_block(layer.name, self._direct(number), main, tuple(shortcuts),
                                      self.neurons(number, geometries[number].raster,
                                                   schedule.layers[number].memories),
                                      self.gate(number, geometries[number])))
        last = len(layers)
        output = output_block(network.readout, self.readout_bounds, engine(
            last, network.readout, geometries[last], self.readout_bounds.acc.width))
        wrong = list(problems((*layers, output)))
        assert not wrong, wrong
        return Layout(network, schedule, self.port, self.hidden_bounds, self.readout_bounds,
                      network_slots(network, geometries[0], self.readout_bounds),
                      tuple(layers), output)

    def neurons(self, number: int, raster: Raster, memories: Rows | Stores) -> Neurons:
        """Currents and neurons of layer ``number``."""
        key = number, raster.width, memories
        if key not in self._neurons:
            self._neurons[key] = neurons_block(self.network.hidden[number],
                                               self.hidden_bounds[number], raster, memories)
        return self._neurons[key]

    def gate(self, number: int, geometry: Geometry) -> Gate | None:
        """The gate of layer ``number``, None where the sample makes none."""
        network, layer = self.network, self.network.layers[number]
        if not isinstance(layer, Hidden) or layer.gate is None:
            return None
        bounds = self.hidden_bounds[number].gate
        assert isinstance(geometry, EventGeometry) and bounds is not None
        return gate_block(layer.gate, geometry, bounds,
                          max_value=network.input.max_value if number < layer.back else 1)

    def synapses(self, number: int, reader: Hidden | Readout | SynapseShortcut,
                 geometry: Geometry, sum_width: int, *, margin: int, memories: Rows | Stores,
                 name: str = "") -> Synapses:
        """The engine of layer ``number``, or of its shortcut ``reader``.

        margin : int, words that its producer may send late
        """
        network, producer = self.network, number - reader.back
        first = producer < 0
        max_value = network.input.max_value if first else 1
        whole = Raster(network.features(producer), geometry.source.width)
        source = (self.entry(geometry) if first else
                  link_block(name, producer, whole, reader, geometry, network.timesteps, margin))
        return synapses_block(source, reader.synapse, geometry, sum_width=sum_width,
                              max_value=max_value, timesteps=network.timesteps,
                              block=memories.hold(Store.SUMS, geometry.raster.rows))

    def carry(self, number: int, shortcut: CurrentShortcut | SpikeShortcut, raster: Raster,
              sum_width: int, *, margin: int, name: str = "") -> Carry:
        """The FIFO of a shortcut of layer ``number``, whose rows are those of ``raster``."""
        current = isinstance(shortcut, CurrentShortcut)
        return carry_block(name, number - shortcut.back, current=current,
                           width=raster.width * (sum_width if current else 1), rows=raster.rows,
                           timesteps=shortcut.back, margin=margin)

    def entry(self, geometry: Geometry) -> Entry:
        """What stands behind the network's input port, the first layer being ``geometry``."""
        network, kind = self.network, PORTS[self.port]
        direct, value = network.input.coding is Coding.DIRECT, network.input.max_value
        return Entry(
            geometry=geometry, port=self.port,
            depth=SHORT_QUEUE if geometry.unhurried else kind.queue, max_value=value,
            timesteps=1 if direct else network.timesteps, register=geometry.port_register,
            slots=network_slots(network, geometry, self.readout_bounds),
            port_parts=kind.parts(network, geometry, value.bit_length()))

    def _direct(self, number: int) -> bool:
        """Whether layer ``number`` takes whole samples."""
        return self.network.input.coding is Coding.DIRECT and number < self.network.layers[
            number].back


def build_layout(network: Network, schedule: Schedule, port: Port = Port.EVENTS) -> Layout:
    """The blocks of ``network``'s circuit with ``schedule``, which is legal for it."""
    return Builder(network, port).layout(schedule)
