"""A network and its schedule to a layout: the only place that knows how blocks follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.events import EventGeometry
from bsnn_hw.engines.registry import network_geometries, shortcut_geometries
from bsnn_hw.ir.bounds import HiddenBounds, ReadoutBounds, network_bounds
from bsnn_hw.ir.network import (
    Coding,
    CurrentShortcut,
    Hidden,
    Network,
    Readout,
    SpikeShortcut,
    Summand,
    SynapseShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Port, Rows, Schedule, Store, Stores
from bsnn_hw.layout.blocks import (
    Carry,
    Entry,
    JoinedRows,
    Layer,
    Link,
    Neurons,
    Output,
    Synapses,
    carry_block,
    feedback_block,
    joined_rows,
    layer_block,
    layer_margin,
    link_block,
    neurons_block,
    output_block,
    synapses_block,
)
from bsnn_hw.layout.check import problems
from bsnn_hw.layout.gate import Gate, gate_block
from bsnn_hw.layout.timing import charge_delay, neuron_delay, pooling_delay
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.ports.slots import Slots, network_slots

__all__ = ["Builder", "Layout", "build_layout"]

SHORT_QUEUE = 2  # groups at the input, where no more are needed


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
    def full_adders(self) -> bool:
        """Whether much of it is full adders, which LUTs of many inputs are no good for."""
        return any(geometry.full_adders for geometry in self.geometries)

    @property
    def entry(self) -> Entry:
        """What stands behind the network's input port."""
        source = self.blocks[0].synapses.source
        assert isinstance(source, Entry)
        return source


class Builder:
    """Makes layouts and single blocks of a network; what plans have in common is worked out once.

    network : Network; port : Port, of the top level
    """

    def __init__(self, network: Network, port: Port = Port.EVENTS):
        self.network, self.port = network, port
        self.hidden_bounds, self.readout_bounds = network_bounds(network)
        self._neurons: dict[tuple[int, int, Rows | Stores, bool, int | None], Neurons] = {}

    def layout(self, schedule: Schedule) -> Layout:
        """All blocks of ``schedule``, which is legal for the network."""
        network = self.network
        geometries = network_geometries(network, schedule)
        beside = (*shortcut_geometries(network, schedule), ())
        layers: list[Layer] = []
        consumers = [0] * len(network.hidden)

        def name(producer: int) -> str:
            """What stands between two layers: the producer's name, and before it a number from its
            second consumer on, as a layer could have any name that begins with a letter."""
            consumers[producer] += 1
            count, of = consumers[producer], network.hidden[producer].name
            return f"{count}_{of}" if count > 1 else of

        def engine(number: int, consumer: Hidden | Readout | SynapseShortcut, geometry: Geometry,
                   sum_width: int) -> Synapses:
            producer = number - consumer.back
            plan = schedule.layers[number]
            margin = (0 if producer < 0 else layers[producer].margin if producer < number else
                      self._own_margin(number, (geometries[number], *beside[number]),
                                       plan.pipelined))
            added = [number - each.back for each in consumer.summands]
            return self.synapses(number, consumer, geometry, sum_width, margin=margin,
                                 memories=plan.memories, pipelined=plan.pipelined,
                                 held=plan.units is not None,
                                 name=name(producer) if producer >= 0 else "",
                                 summands=[(layers[each].margin, name(each)) for each in added])

        def joined(number: int, layer: Hidden) -> JoinedRows | None:
            if layer.join is None:
                return None
            producer = layers[number - layer.join.back]
            return self.join(number, geometries[number].raster.width, margin=producer.margin,
                             name=name(number - layer.join.back))

        for number, (layer, plan) in enumerate(zip(network.hidden, schedule.layers, strict=False)):
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
                shortcuts.append(self.carry(number, shortcut, producer.neurons.words,
                                            sums.width, margin=producer.margin,
                                            name=name(number - shortcut.back)))
            layers.append(layer_block(layer.name, self.direct(number), main, tuple(shortcuts),
                                      self.neurons(number, geometries[number].raster,
                                                   plan.memories, plan.pipelined, plan.units),
                                      self.gate(number, geometries[number], plan.pipelined),
                                      joined(number, layer)))
        last = len(layers)
        output = output_block(network.readout, self.readout_bounds, engine(
            last, network.readout, geometries[last], self.readout_bounds.acc.width))
        wrong = list(problems((*layers, output)))
        assert not wrong, wrong
        return Layout(network, schedule, self.port, self.hidden_bounds, self.readout_bounds,
                      network_slots(network, geometries[0], self.readout_bounds),
                      tuple(layers), output)

    def _own_margin(self, number: int, engines: Sequence[Geometry | None],
                    pipelined: bool) -> int:
        """The `Layer.margin` of a layer with shortcuts, laid out as ``engines`` and None."""
        layer = self.network.hidden[number]
        synapses = layer.synapse, *(each.synapse if isinstance(each, SynapseShortcut) else None
                                    for each in layer.shortcuts)
        delay = max(engine.delay(synapse.weight_bits) for engine, synapse in
                    zip(engines, synapses, strict=True) if engine and synapse)
        return layer_margin(delay + pipelined, neuron_delay(charge_delay(layer, pipelined))
                            + pooling_delay(layer))

    def neurons(self, number: int, raster: Raster, memories: Rows | Stores,
                pipelined: bool = False, units: int | None = None) -> Neurons:
        """Currents and neurons of layer ``number``."""
        key = number, raster.width, memories, pipelined, units
        if key not in self._neurons:
            self._neurons[key] = neurons_block(
                self.network.hidden[number], self.hidden_bounds[number], raster, memories,
                pipelined, units, self.direct(number))
        return self._neurons[key]

    def gate(self, number: int, geometry: Geometry, pipelined: bool = False) -> Gate | None:
        """The gate of layer ``number``, None where the sample makes none."""
        network, layer = self.network, self.network.layers[number]
        if not isinstance(layer, Hidden) or layer.gate is None:
            return None
        bounds = self.hidden_bounds[number].gate
        assert isinstance(geometry, EventGeometry) and bounds is not None
        return gate_block(layer.gate, geometry, bounds,
                          max_value=network.input.largest if number < layer.back else 1,
                          pipelined=pipelined)

    def synapses(self, number: int, consumer: Hidden | Readout | SynapseShortcut,
                 geometry: Geometry, sum_width: int, *, margin: int, memories: Rows | Stores,
                 pipelined: bool = False, held: bool = False,
                 name: str = "", summands: Sequence[tuple[int, str]] = ()) -> Synapses:
        """The engine of layer ``number``, or of its shortcut ``consumer``.

        margin : int, words that its producer may send late
        held : bool, its sums are handed over once per timestep or sample
        summands : the same, and the link's name, of each layer whose spikes are added
        """
        network, producer = self.network, number - consumer.back
        first = producer < 0
        max_value = network.input.largest if first else 1
        whole = Raster(network.features(producer), geometry.source.width)
        source = (self.entry(geometry) if first else
                  link_block(name, producer, whole, consumer, geometry, network.timesteps, margin,
                             pipelined))
        if isinstance(source, Link) and not consumer.back:
            source = feedback_block(source, network.timesteps, network.stateful)
        return synapses_block(
            source, consumer.synapse, geometry, sum_width=sum_width, max_value=max_value,
            timesteps=1 if held else network.timesteps,
            block=memories.hold(Store.SUMS, geometry.sums_raster.rows), pipelined=pipelined,
            summands=tuple(self._summand(number, each, geometry, pipelined, *given)
                           for each, given in zip(consumer.summands, summands, strict=True)))

    def _summand(self, number: int, summand: Summand, geometry: Geometry, pipelined: bool,
                 margin: int, name: str) -> Link:
        """What brings an engine of layer ``number`` the spikes of a further layer."""
        producer, network = number - summand.back, self.network
        return link_block(name, producer,
                          Raster(network.features(producer), geometry.source.width), summand,
                          geometry, network.timesteps, margin, pipelined)

    def join(self, number: int, width: int, *, margin: int, name: str = "") -> JoinedRows:
        """What brings layer ``number``, of ``width`` parallel neurons, the spikes that its own are
        joined with; ``margin`` words may come late."""
        layer, network = self.network.hidden[number], self.network
        assert layer.join is not None
        whole = Raster(network.features(number - layer.join.back), width)
        return joined_rows(name, number, layer.join, whole, Raster(layer.shape, width),
                           margin=margin)

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
            port_parts=kind.parts(network, geometry, value.bit_length()),
            factors=network.input.factors)

    def direct(self, number: int) -> bool:
        """Whether layer ``number`` takes whole samples."""
        return self.network.input.coding is Coding.DIRECT and number < self.network.layers[
            number].back


def build_layout(network: Network, schedule: Schedule, port: Port = Port.EVENTS) -> Layout:
    """The blocks of ``network``'s circuit with ``schedule``, which is legal for it."""
    return Builder(network, port).layout(schedule)
