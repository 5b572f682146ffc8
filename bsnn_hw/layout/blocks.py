"""The blocks of a circuit, with every number resolved: what hdl/ builds, and what reports read.

A block is asked for what it takes: ``parts()`` counts what the component of hdl/ that is built from
it is made of.  Weights and constants are the network's; a block has their sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.parts import Access, Memory, Parts, Product, bits_of, fifo_parts, pair_parts
from bsnn_hw.engines.costs import placed_bits
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Port, Store
from bsnn_hw.layout.gate import Gate
from bsnn_hw.layout.tables import TableSize
from bsnn_hw.ports.slots import Slots

__all__ = ["POOLING_DELAY", "Carry", "CurrentPool", "Entry", "Gain", "Gate", "Layer", "Link",
           "Neurons", "Output", "Scorer", "StateRows", "Synapses", "accumulator_parts", "gathers"]

POOLING_DELAY = 2  # cycles from a word to what becomes of it
CONTROL = 5  # bits of an operation: charge, step, clear, close, sweep


def gathers(pool: Pool | None) -> bool:
    """Whether pooling gives one word for a window of them."""
    return (pool is not None and pool.kind is PoolKind.MAX
            and (not pool.tiles or (pool.height, pool.width) != (1, 1)))


def operation_bits(raster: Raster, timesteps: int) -> int:
    """Bits of an operation that are registers: in a layer without a map row and fold are one."""
    fold = bits_of(raster.folds) if raster.shape.positions > 1 else 0
    return bits_of(raster.rows) + fold + bits_of(timesteps) + CONTROL


@dataclass(frozen=True)
class StateRows:
    """A memory that its owner reads every cycle and writes some cycles later.

    rows, width : words, and bits of each
    block : bool, in block RAM, which is read two cycles before; else one
    """

    rows: int
    width: int
    block: bool

    @property
    def ahead(self) -> int:
        """Cycles that a row is known before its operation."""
        return 2 if self.block else 1

    def memories(self) -> tuple[Memory, ...]:
        """None for a single row, which is a register."""
        access = Access.QUEUE if self.block else Access.STATE
        return (Memory(self.rows, self.width, access, block=self.block),) if self.rows > 1 else ()


@dataclass(frozen=True)
class Entry:
    """From the network's input port to the first layer's engine.

    geometry : of the first layer; port : Port, of the top level
    depth : int, groups of events that wait
    max_value : int, largest value of an event
    timesteps : int, marks of an inference; a direct-coded sample has one
    register : bool, a register stands behind the queue
    port_parts : Parts of what makes event slots of another port's words
    """

    geometry: Geometry
    port: Port
    slots: Slots
    depth: int
    max_value: int
    timesteps: int
    register: bool
    port_parts: Parts

    def parts(self) -> Parts:
        """hdl/frontend.py, and what its engine needs of an event's place."""
        geometry, value = self.geometry, self.max_value.bit_length()
        lanes, row = geometry.lanes, max(1, bits_of(geometry.rows))
        place = geometry.entry_bits
        width = geometry.row_count * row + lanes * value + place + 2
        queue = (pair_parts(width) if self.depth == 2
                 else fifo_parts(self.depth - 1, width, registered=False))
        return (queue + self.port_parts
                + (Parts.delays(width + 1) if self.register else Parts())
                + Parts.adders(row, geometry.row_count)
                + Parts.logic(lanes * (value + 2) + place + 8 + 8 * (self.timesteps > 1), 2)
                + (Parts.adders(bits_of(self.timesteps)) if self.timesteps > 1 else Parts())
                + geometry.lookup_parts(value))


@dataclass(frozen=True)
class Link:
    """From a layer's spike words to an engine behind it: pooling, queues, encoders.

    name : str, of what stands between two layers
    producer : int, number of the layer that sends; whole : Raster, of its words
    geometry : of the engine that receives
    pool : Pool or None; placed : bool, words go through pooling, which also says where they are
    words : int, words of a timestep that come, at most
    margin : int, words that may still come once a queue has no room
    depth : int, entries of each queue, one of them in its output register
    """

    name: str
    producer: int
    whole: Raster
    geometry: Geometry
    pool: Pool | None
    placed: bool
    words: int
    margin: int
    depth: int

    @property
    def kept_free(self) -> int:
        """Entries that are left for words that may still come."""
        return self.geometry.arrivals(self.margin)

    def parts(self) -> Parts:
        """What is built of it."""
        found = self.geometry.link_parts(self.depth) + self.geometry.lookup_parts(1)
        return found + (self._pool_parts() if self.placed else Parts())

    @property
    def cropped(self) -> Shape | None:
        """The part of the map that the windows cover, None where that is all of it."""
        pool, whole = self.pool, self.whole.shape
        if pool is None or not pool.tiles or pool.used(whole) == whole:
            return None
        return pool.used(whole)

    def _pool_parts(self) -> Parts:
        """hdl/pooling.py: counters of where a word belongs, and a line of windows; where windows
        leave a rest, hdl/map_crop.py before it, and where they overlap hdl/window_pool.py."""
        source, whole, pool = self.geometry.source, self.whole, self.pool
        places = placed_bits(source)
        counted = bits_of(whole.rows)
        if pool is not None and not pool.tiles:
            down, across = pool.open
            line = StateRows(source.folds, source.width * across, False)
            windows = StateRows(source.shape.width * source.folds, source.width * down, False)
            kept = source.width * (down + across)
            return (Parts.adders(counted, 2) + Parts.logic(2 * (counted + places) + 3 * kept)
                    + Parts.delays(source.width * 2 + 2 * places + 4 * counted)
                    + Parts(memories=(*line.memories(), *windows.memories())))
        crop = (Parts() if self.cropped is None else
                Parts.adders(counted, 2) + Parts.logic(2 * counted, 2 * counted))
        return crop + self._tile_parts(places)

    def _tile_parts(self, places: int) -> Parts:
        """hdl/pooling.py."""
        source = self.geometry.source
        parts = (Parts.adders(places / 3, 4) + Parts.logic(2 * places, places)
                 + Parts.delays(2 * (source.width + places + 2)))
        if not gathers(self.pool):
            return parts
        line = StateRows(source.shape.width * source.folds, source.width, False)
        return parts + Parts.logic(2 * source.width) + Parts(memories=line.memories())


@dataclass(frozen=True)
class Synapses:
    """An engine: sequencer, synapses, accumulators, and what brings their events.

    source : Entry at the network's input, else Link
    weight_bits : int; max_value : int, largest value of an event
    timesteps : int
    disconnected : int, channels whose sums stay 0
    delay : int, cycles from an operation to its accumulator if it does not wait
    wait : int, cycles that it waits for a slower engine of the same layer
    sums : StateRows of the accumulators
    sum_width : int, bits of a sum
    """

    source: Entry | Link
    geometry: Geometry
    weight_bits: int
    max_value: int
    timesteps: int
    disconnected: int
    delay: int
    wait: int
    sums: StateRows
    sum_width: int

    def parts(self) -> Parts:
        """Everything that depends on lanes."""
        return self.source_parts() + self.engine_parts() + self.weight_parts()

    def source_parts(self) -> Parts:
        """What hands it its events, and the sequencer's registers of them."""
        geometry, value = self.geometry, self.max_value.bit_length()
        lanes, rows = geometry.lanes, geometry.row_count * max(1, bits_of(geometry.rows))
        return (Parts(registers=rows + lanes * value, bare=rows, luts=lanes * value)
                + self.source.parts())

    def engine_parts(self) -> Parts:
        """Sequencer, synapses and accumulators; only what does not depend on the producer."""
        geometry, time = self.geometry, bits_of(self.timesteps)
        return (Parts.logic(12 + 3 * time, CONTROL + 2 * time + 1) + geometry.walk_parts()
                + Parts.delays((self.delay + self.wait)
                               * operation_bits(geometry.raster, self.timesteps))
                + geometry.synapse_parts(self.weight_bits, self.max_value)
                + self._accumulator_parts())

    def weight_parts(self) -> Parts:
        """The weight memory."""
        return self.geometry.weight_parts(self.weight_bits)

    def _accumulator_parts(self) -> Parts:
        raster = self.geometry.raster
        return (accumulator_parts(raster, self.sums)
                + Parts.logic(self.disconnected and raster.width * self.sum_width / 2))


def accumulator_parts(raster: Raster, sums: StateRows) -> Parts:
    """hdl/accumulator.py, all channels being connected."""
    row, number = sums.width, bits_of(sums.rows)
    parts = (Parts.adders(row / raster.width + 1, raster.width) + Parts.logic(row + 4)
             + Parts(memories=sums.memories()))
    if sums.block:
        hits = max(0, 3 - raster.folds)
        return parts + Parts.delays(2 * row + 3 * number + hits * row) + Parts.logic(hits * row)
    if sums.rows > 1:
        return parts + Parts(registers=row + number, bare=number)
    return parts + Parts(registers=2 * row, bare=row)


@dataclass(frozen=True)
class Carry:
    """The FIFO of a shortcut that carries rows past the layers between.

    name, producer : as in `Link`
    current : bool, currents are carried, else spikes
    width : int, bits of a row; rows : int, of a timestep
    timesteps : int, that it holds; margin : int, rows that may still come once it has no room
    depth : int, rows
    """

    name: str
    producer: int
    current: bool
    width: int
    rows: int
    timesteps: int
    margin: int
    depth: int

    def parts(self) -> Parts:
        """hdl/carry.py."""
        return (fifo_parts(self.depth - 1, self.width) + Parts.delays(self.width)
                + Parts.logic(12, 3))


@dataclass(frozen=True)
class Gain:
    """A term of the current that is multiplied, or chosen by a spike.

    table : TableSize; sum_width : int, bits of the sum that it multiplies, None for a spike
    """

    table: TableSize
    sum_width: int | None


@dataclass(frozen=True)
class CurrentPool:
    """What finds the largest sum of each window, between accumulators and neurons.

    summed, windows : Raster, of the sums and of the neurons
    size : (height, width), of a window; sum_width : int, bits of a sum
    """

    summed: Raster
    windows: Raster
    size: tuple[int, int]
    sum_width: int

    def parts(self) -> Parts:
        """hdl/current_pool.py: counters, comparisons, and a line of windows."""
        windows, row = self.windows, self.windows.width * self.sum_width
        line = StateRows(windows.shape.width * windows.folds, row, False)
        counted = bits_of(windows.rows) + bits_of(line.rows) + sum(
            bits_of(side) for side in (*self.size, windows.shape.width + 1,
                                       windows.shape.height + 1))
        parts = (Parts.adders(counted / 6, 6) + Parts.logic(counted, counted)
                 + Parts.delays(2 * bits_of(windows.rows) + bits_of(line.rows) + 2 * CONTROL))
        return (parts + Parts.adders(self.sum_width, windows.width) + Parts.logic(row)
                + Parts.delays(row) + Parts(memories=line.memories()))


@dataclass(frozen=True)
class Neurons:
    """Currents and the neuron step of a row.

    raster : of the neurons; timesteps : int
    current_delay : int, cycles from an operation to its currents
    delay : int, cycles from an operation of the sums to its word of spikes
    pool : CurrentPool, None where the sums' rows are the neurons'
    recovery : int, cycles between two steps of one row, at least
    leak_shift : int, right shift that is the leak of all timesteps; None where it takes a product
    leak_factor : int, the largest factor of that product; leak : TableSize, of factors per channel
    gated : bits of the current that a gate of the sample's multiplies, and of its factor; None
        without one
    soft : bool, a reset subtracts; reset_by : TableSize, where it is not the threshold
    potentials : StateRows, None with a single timestep
    """

    raster: Raster
    timesteps: int
    current_delay: int
    delay: int
    recovery: int
    leak_shift: int | None
    leak_bits: int
    leak_factor: int
    fraction_bits: int
    soft: bool
    acc_width: int
    current_width: int
    charged_width: int
    settled_width: int
    carried_width: int
    potentials: StateRows | None
    bias: TableSize
    threshold: TableSize
    reset_by: TableSize | None
    leak: TableSize | None
    gain: Gain | None
    shortcut_gains: tuple[Gain | None, ...]
    pool: CurrentPool | None = None
    gated: tuple[int, int] | None = None

    @property
    def tables(self) -> tuple[tuple[Store, TableSize], ...]:
        """All tables of constants."""
        gains = [each.table for each in (self.gain, *self.shortcut_gains) if each is not None]
        named = ((Store.BIASES, self.bias), (Store.THRESHOLDS, self.threshold),
                 (Store.RESETS, self.reset_by), (Store.LEAKS, self.leak),
                 *((Store.GAINS, table) for table in gains))
        return tuple((store, table) for store, table in named if table is not None)

    def parts(self) -> Parts:
        """hdl/current.py and hdl/neuron.py, and what pools before them."""
        parts = self._current_parts() + self._step_parts()
        return parts if self.pool is None else parts + self.pool.parts()

    def _current_parts(self) -> Parts:
        width, row = self.raster.width, self.raster.width * self.current_width
        op = operation_bits(self.raster, self.timesteps)
        parts = Parts.delays(2 * op + width * self.acc_width) + self.bias.parts()
        if self.gated is not None:
            own, factor = self.gated
            # The factor has no sign, and a signed product has a bit for one.
            return (parts + Parts.adders(own - self.fraction_bits, width)
                    + Parts.delays(width * self.current_width) + Parts(registers=width * own)
                    + Parts(products=(Product(own, factor + 1, width),)))
        if self.gain is None:
            return (parts + Parts.adders(self.current_width - self.fraction_bits, width)
                    + Parts(registers=row))
        parts += self._product_parts(self.gain)
        for gain in self.shortcut_gains:
            if gain is None:
                continue
            if gain.sum_width is None:
                parts += gain.table.parts() + Parts.logic(row)
            else:
                parts += Parts.delays(width * gain.sum_width) + self._product_parts(gain)
        terms = 2 + len(self.shortcut_gains)
        return (parts + Parts.adders(self.current_width, width * (terms - 1))
                + Parts(registers=row * (-(-terms // 2) + 1)))

    def _product_parts(self, gain: Gain) -> Parts:
        width = self.raster.width
        assert gain.sum_width is not None
        return (gain.table.parts() + Parts.delays(width * self.current_width)
                + Parts(products=(Product(gain.sum_width, gain.table.value_width, width),)))

    def _step_parts(self) -> Parts:
        width, charged, settled = self.raster.width, self.charged_width, self.settled_width
        parts = Parts.delays((self.delay + 1) * operation_bits(self.raster, self.timesteps))
        parts += self.threshold.parts()
        parts += Parts.adders(charged, width) if self.timesteps > 1 else Parts()
        parts += Parts(registers=width * charged) + Parts.adders(charged, width)  # and compare
        parts += Parts.logic(2 * width, width + bits_of(self.raster.rows) + 2)
        if self.potentials is None:
            return parts
        if self.soft:
            parts += self.reset_by.parts() if self.reset_by else Parts()
            parts += Parts.adders(settled, width) + Parts.logic(width * settled, width * settled)
        else:
            parts += Parts(registers=width * settled, cleared=width * settled)
        carried, store = self.carried_width, self.potentials
        parts += Parts(memories=store.memories())
        if store.rows > 1:
            parts += Parts.delays(store.width if store.block else bits_of(store.rows))
        else:
            parts += Parts(registers=store.width)
        if self.leak_shift is not None:
            return parts
        factor = self.leak_factor.bit_length()
        parts += self.leak.parts() if self.leak else Parts.logic(factor, factor)
        return (parts + Parts.delays(width * (carried + self.leak_bits))
                + Parts(products=(Product(settled, factor + 1, width),)))


@dataclass(frozen=True)
class Layer:
    """A spiking layer.

    direct : bool, a mark ends a sample whose sums serve every timestep
    shortcuts : Synapses or Carry of each
    gate : of the sample, None where there is none
    delay : int, cycles from a sequencer to its accumulator, the same in all engines
    margin : int, words that may still come from it once its consumer has no room
    """

    name: str
    direct: bool
    synapses: Synapses
    shortcuts: tuple[Synapses | Carry, ...]
    neurons: Neurons
    delay: int
    margin: int
    gate: Gate | None = None

    @property
    def in_blocks(self) -> frozenset[Store]:
        """Which of its memories lie in block RAM."""
        state = ((Store.SUMS, self.synapses.sums), (Store.POTENTIALS, self.neurons.potentials))
        return frozenset(store for store, memory in (*state, *self.neurons.tables)
                         if memory is not None and memory.block)

    def parts(self) -> Parts:
        """Everything of the layer, and what stands before it."""
        gate = self.gate.parts() if self.gate else Parts()
        return sum((each.parts() for each in self.shortcuts),
                   self.synapses.parts() + self.neurons.parts() + gate)


@dataclass(frozen=True)
class Scorer:
    """Sums to scores, a class a cycle.

    passes : int, times per inference that a row is scored
    gain, bias : TableSize, None for a constant
    gain_ones : int, bits of a constant gain that are set
    peak : int, bits of the largest leak factor, 0 for a shift, where the score is a membrane's
        largest value; else None
    """

    classes: int
    passes: int
    parallel: int
    acc_width: int
    score_width: int
    gain: TableSize | None
    gain_ones: int
    bias: TableSize | None
    peak: int | None = None

    @property
    def stages(self) -> int:
        """Registers of the pipeline from a class's sum to its score, all empty before the next
        pass where it keeps a membrane."""
        return 3 if self.peak is None else 4

    def parts(self) -> Parts:
        """hdl/readout.py behind the accumulators."""
        parallel, acc, score = self.parallel, self.acc_width, self.score_width
        index = bits_of(self.classes) + bits_of(self.passes)
        parts = (Parts.logic(parallel * acc + 20 + 2 * index, parallel * acc + 2 * index + 4)
                 + Parts.delays(acc + 2 * score + 3 * (index + 1))
                 + Parts.adders(score, 2) + Parts(registers=2 * score)
                 + Parts.adders(index) + Parts.adders(bits_of(parallel + 1)))
        if self.gain is not None:
            width = self.gain.value_width
            parts += Parts(memories=(Memory(self.gain.rows, width, Access.TABLE),),
                           products=(Product(acc, width),), registers=width)
        elif self.gain_ones > 1:
            parts += Parts.adders(score, self.gain_ones)  # a product by a constant
        if self.bias is not None:
            columns = self.bias.columns
            parts += Parts(memories=(Memory(self.bias.rows, columns, Access.TABLE),),
                           registers=columns)
        if self.peak is not None:
            # hdl/peak.py: the leak's product, the comparison, and both values of a class.
            return (parts + Parts(products=(Product(score, self.peak + 1),) if self.peak else (),
                                  memories=(Memory(self.classes, 2 * score, Access.STATE),))
                    + Parts.delays(3 * score + index) + Parts.adders(score, 2)
                    + Parts.logic(3 * score))
        if self.passes > 1:
            parts += Parts(memories=(Memory(self.classes, score, Access.STATE),),
                           registers=bits_of(self.classes), luts=2 * score)
        return parts


@dataclass(frozen=True)
class Output:
    """The readout.

    row_wait : int, cycles from a row to the next: synapses, two registers, a class a cycle
    """

    name: str
    synapses: Synapses
    scorer: Scorer
    row_wait: int

    @property
    def in_blocks(self) -> frozenset[Store]:
        """Which of its memories lie in block RAM."""
        return frozenset({Store.SUMS} if self.synapses.sums.block else ())

    def parts(self) -> Parts:
        """Everything of the readout, and what stands before it."""
        return self.synapses.parts() + self.scorer.parts()
