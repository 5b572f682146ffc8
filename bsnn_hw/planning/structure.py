"""The parts of every component of hdl/, from the widths that it is built with.

One function for each, in the order of the signal; what they count is what the component of the
same name says.  A layer's parts are cut by what decides on them, so that a search can combine them:

    supply   what hands it its events: lanes and the giver's parallel neurons
    engine   sequencer, synapses, accumulators: lanes and its own parallel neurons
    neurons  what lies behind them: its own parallel neurons
    banks    weights: all of these
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsnn_hw.ir.bounds import HiddenBounds, Interval, ReadoutBounds
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.memory import bank_parts, bank_readers
from bsnn_hw.ir.network import (
    Coding,
    CurrentShortcut,
    Hidden,
    Network,
    PoolKind,
    Readout,
    Reset,
    SpikeShortcut,
    Synapse,
    SynapseShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import BLOCK_ROWS, Geometry, most_queued, synapse_delay
from bsnn_hw.ir.words import WordGeometry
from bsnn_hw.planning.parts import Access, Memory, Parts, Product, Rows

__all__ = ["engine_delay", "engine_parts", "layer_delay", "leak_shift", "neuron_parts",
           "output_margin", "queue_rows", "supply_parts", "total", "weight_parts"]

WIDE = 16  # as in hdl/link.py
CHUNK = 8  # as in hdl/priority.py
LEAF = 4  # as in hdl/popcount.py
FRONTEND_ROWS = 16
CHOICE_LUTS = 0.5  # of a bit and a further part of a weight bank
CONTROL = 5  # of an operation: charge, step, clear, close, sweep


def bits_of(count: int) -> int:
    """Bits of an index into ``count`` things; 0 for a single one, whose bit is a constant."""
    return (count - 1).bit_length()


def engine_delay(geometry: Geometry, weight_bits: int) -> int:
    """Cycles from an operation to its accumulator, as hdl/layer.py has it."""
    if isinstance(geometry, WordGeometry):
        return 3 + _popcount_delay(geometry.lanes)
    return synapse_delay(geometry, weight_bits)


def leak_shift(layer: Hidden) -> bool:
    """Whether the leak is a shift throughout, and takes no product."""
    factors = {int(factor) for factor in layer.neuron.leak[1:]}
    return len(factors) <= 1 and factors <= {1 << bits
                                             for bits in range(layer.neuron.leak_bits + 1)}


def _popcount_delay(count):
    """As hdl/popcount.py has it."""
    return 0 if count <= LEAF else 1 + _popcount_delay(count // 2)


def output_margin(layer: Hidden, delay: int) -> int:
    """Words that may still come from a layer whose reader has no room; ``delay`` as below."""
    return delay + (5 if layer.neuron.gain is None else 7) + 1


def layer_delay(layer: Hidden, geometry: Geometry,
                shortcuts: Sequence[Geometry | None] = ()) -> int:
    """Cycles of the slowest of a layer's synapses."""
    engines = [(layer, geometry), *zip(layer.shortcuts, shortcuts, strict=False)]
    return max(engine_delay(shape, reader.synapse.weight_bits) for reader, shape in engines
               if isinstance(reader, Hidden | SynapseShortcut) and shape is not None)


# Supply: the input port, or what lies between two layers.


def supply_parts(network: Network, number: int, geometry: Geometry, margin: int,
                 reader: Hidden | Readout | SynapseShortcut | None = None) -> Parts:
    """What hands the engine its events, and the sequencer's registers of them.

    margin : of the giver, see ``output_margin``
    reader : the layer, or its shortcut whose synapses these are
    """
    reader = reader or network.layers[number]
    first = number < reader.back
    value = network.input.max_value.bit_length() if number == 0 else 1
    lanes, row = geometry.lanes, max(1, bits_of(geometry.rows))
    rows = 1 if isinstance(geometry, WordGeometry) else lanes
    group = Parts(registers=rows * row + lanes * value, bare=rows * row, luts=lanes * value)
    if first:
        supply = _frontend(network, geometry, value)
    elif isinstance(geometry, ConvGeometry):
        supply = _map_link(network, reader, geometry, margin)
    elif isinstance(geometry, WordGeometry):
        supply = _word_link(network, reader, geometry, margin)
    else:
        supply = _spike_link(network, reader, geometry, margin)
    if isinstance(geometry, ConvGeometry):
        supply += _reach_lookup(geometry, value)
    return group + supply


def _frontend(network, geometry, value):
    lanes, row = geometry.lanes, max(1, bits_of(geometry.rows))
    place = sum(geometry.place_bits) if isinstance(geometry, ConvGeometry) else 0
    rows = 1 if isinstance(geometry, WordGeometry) else lanes
    width = rows * row + lanes * value + place + 2
    marks = 1 if network.input.coding is Coding.DIRECT else network.timesteps
    return (_fifo(FRONTEND_ROWS, width, registered=False) + Parts.adders(row, rows)
            + Parts.logic(lanes * (value + 2) + place + 8 + 8 * (marks > 1), 2)
            + (Parts.adders(bits_of(marks)) if marks > 1 else Parts()))


def _fifo(rows, width, *, registered=True):
    """amaranth.lib.fifo.SyncFIFOBuffered of ``rows`` words behind its output, and, ``registered``,
    what hdl/queue.py adds."""
    index, level = bits_of(rows), bits_of(rows + 2)
    counters = (Parts.adders(index, 2) + Parts.adders(level, 4)
                + Parts.logic(2 * level + 8, 2 * index + 2 * level + 1))
    memory = Memory(rows, width, Access.QUEUE, enabled=True)
    ours = Parts.adders(level) + Parts.delays(width + 1) if registered else Parts()
    return counters + ours + Parts(memories=(memory,))


def queue_rows(network, reader, geometry, margin):
    source, mapped = geometry.source, isinstance(geometry, ConvGeometry)
    pool = reader.pool
    gathers = (pool is not None and pool.kind is PoolKind.MAX
               and (pool.height, pool.width) != (1, 1))
    count = source.rows
    if pool and not gathers:
        count = 1 << max(1, bits_of(source.rows * pool.height * pool.width))
    elif (mapped or pool) and not gathers:
        count = 1 << max(1, bits_of(source.rows))
    entries = count * network.timesteps + margin
    if isinstance(geometry, WordGeometry):
        count, margin = -(-count // geometry.gathered), geometry.completed(margin)
        entries = max(count * network.timesteps, margin + 2)
    entries = min(entries, max(most_queued(source), margin + 2))
    return 1 << (entries - 1).bit_length()


def _spike_link(network, reader, geometry, margin):
    margin += 2 * bool(reader.pool)
    rows = queue_rows(network, reader, geometry, margin)
    number, row = max(1, bits_of(geometry.words)), max(1, bits_of(geometry.rows))
    parts = Parts.delays(1)
    least, fuller = divmod(geometry.source_width, geometry.banks)
    for slots, banks in ((least + 1, fuller), (least, geometry.banks - fuller)):
        width = slots + number + 1
        bank = _fifo(rows, width) + Parts.logic(slots / 3 + 2)
        bank += Parts(registers=2 * width, bare=2 * width, luts=width) if slots > WIDE else Parts()
        parts += banks * (bank + _encoder(slots, number) + Parts.delays(row + 3))
    lanes = geometry.lanes
    if geometry.shared:
        parts += Parts.logic(5 * lanes + 8, lanes + 1 + bits_of(lanes)) + Parts.delays(lanes * row)
    else:
        parts += Parts.logic(5 * lanes + 3, lanes)
    return parts + (_pool(geometry.source, reader.pool) if reader.pool else Parts())


def _word_link(network, reader, geometry, margin):
    margin += 2 * bool(reader.pool)
    rows, width, row = (queue_rows(network, reader, geometry, margin), geometry.source_width,
                        max(1, bits_of(geometry.source.rows)))
    parts = Parts.delays(1) + (_pool(geometry.source, reader.pool) if reader.pool else Parts())
    if geometry.gathered > 1:
        row, count = max(1, bits_of(geometry.rows)), geometry.gathered
        parts += Parts.adders(row) + Parts.logic(
            1.7 * width * count + 8 + 2 * row, width * (count - 1) + row + bits_of(count))
        width = geometry.lanes
    parts += _fifo(rows, width + row + 1 + (geometry.parts == 1)) + Parts.logic(width / 3 + 2)
    if geometry.parts > 1:
        count, lanes = geometry.parts, geometry.lanes
        parts += (_encoder(count, row) + Parts.delays(width + row)
                  + Parts.logic(width / 3 + lanes * (count - 1) * 0.6, lanes + row + 2))
    return parts


def _encoder(slots, number):
    """hdl/encoder.py and hdl/priority.py: one lane's word in work."""
    chunks = -(-slots // CHUNK)
    return (Parts.logic(2.5 * slots + 3 * chunks + 6, slots + 2) + Parts.delays(number + 1)
            + (Parts.adders(min(slots, CHUNK), chunks) if slots > 1 else Parts()))


def _placed_bits(raster):
    """A placed word's row, place and fold."""
    shape = raster.shape
    return sum(max(1, bits_of(count)) for count in
               (raster.rows, shape.height, shape.width, raster.folds))


def _pool(pooled, pool):
    places = _placed_bits(pooled)
    counted = Parts.adders(places / 3, 4) + Parts.logic(2 * places, places)
    delays = Parts.delays(2 * (pooled.width + places + 2))
    if pool is None or pool.kind is not PoolKind.MAX or (pool.height, pool.width) == (1, 1):
        return counted + delays
    line = Memory(pooled.shape.width * pooled.folds, pooled.width, Access.STATE)
    return counted + delays + Parts.logic(2 * pooled.width) + Parts(memories=(line,))


def _map_link(network, reader, geometry, margin):
    source, lanes = geometry.source, geometry.lanes
    rows = queue_rows(network, reader, geometry, margin + 2)
    # Of what stands in a placed word, the encoder does not use the row.
    places = _placed_bits(source) - max(1, bits_of(source.rows))
    width = source.width + places + 1
    slots = [len(range(lane, source.width, lanes)) for lane in range(lanes)]
    parts = _pool(source, reader.pool) + _fifo(rows, width) + Parts.logic(source.width / 3 + 2)
    parts += Parts(registers=2 * width, bare=2 * width, luts=width)
    for each in slots:
        parts += _encoder(each, 0)
    row = max(1, geometry.row_bits)
    return parts + Parts.delays(2 * places + 1 + lanes * row + 2) + Parts.logic(lanes + 4, lanes)


def _reach_lookup(geometry, value):
    row, tap = bits_of(geometry.raster.rows), bits_of(geometry.taps)
    lanes, channel = geometry.lanes, max(1, geometry.row_bits)
    reach = row + tap + 4
    height, width = geometry.source.shape.height, geometry.source.shape.width
    tables = tuple(Memory(side, reach, Access.TABLE, enabled=True) for side in (height, width))
    return (Parts.delays(2 * lanes * (channel + value) + sum(geometry.place_bits) + 8)
            + Parts.adders(row) + Parts.adders(tap) + Parts.logic(10, row + tap)
            + Parts(memories=tables))


# Engine and neurons.


def engine_parts(network: Network, number: int, synapse: Synapse, sums: Interval,
                 geometry: Geometry, rows: Rows) -> Parts:
    """Sequencer, synapses and accumulators of layer ``number``, or of one of its shortcuts.

    sums : of the accumulators
    geometry : only what does not depend on the giver counts
    """
    raster, lanes, timesteps = geometry.raster, geometry.lanes, network.timesteps
    value = network.input.max_value if number == 0 else 1
    words = isinstance(geometry, WordGeometry)
    stages = engine_delay(geometry, synapse.weight_bits)
    return (_sequencer(raster, geometry, timesteps)
            + Parts.delays(stages * _operation(raster, timesteps))
            + (_word_synapses(lanes, raster.width) if words
               else _synapses(synapse.weight_bits, lanes, raster.width, value))
            + _accumulator(synapse, raster, sums.width, rows.state))


def neuron_parts(layer: Hidden | Readout, bounds: HiddenBounds | ReadoutBounds,
                 raster: Raster, rows: Rows) -> Parts:
    """What lies behind a layer's accumulators."""
    if isinstance(layer, Readout):
        assert isinstance(bounds, ReadoutBounds)
        return _scorer(layer, bounds, raster.width)
    assert isinstance(bounds, HiddenBounds)
    return (_currents(layer, bounds, raster, len(layer.neuron.leak), rows.constants)
            + _neurons(layer, bounds, raster, rows))


def _operation(raster, timesteps):
    """Bits of an operation that are registers: in a layer without a map row and fold are one."""
    rows = bits_of(raster.rows)
    fold = bits_of(raster.folds) if raster.shape.positions > 1 else 0
    return rows + fold + bits_of(timesteps) + CONTROL


def _sequencer(raster, geometry, timesteps):
    time, fold = bits_of(timesteps), bits_of(raster.folds)
    parts = Parts.logic(12 + 3 * time, CONTROL + 2 * time + 1)
    if not isinstance(geometry, ConvGeometry):
        return parts + (Parts.adders(fold) + Parts.logic(fold / 2, fold) if fold else Parts())
    row, tap = bits_of(raster.rows), bits_of(geometry.taps)
    place = bits_of(geometry.out.positions) + bits_of(geometry.kernel[0])
    return (parts + Parts.adders(row, 3) + Parts.adders(tap, 4) + Parts.adders(place / 2, 2)
            + Parts.adders(fold) + Parts.logic(3 * row + 3 * tap + 3 * place + fold,
                                               2 * row + 2 * tap + 2 * place + fold))


def _sum_width(lanes, largest):
    return (lanes * largest).bit_length() + 1


def _synapses(weight_bits, lanes, parallel, value):
    """hdl/synapse.py without the banks."""
    value_bits = value.bit_length()
    parts = Parts.delays(lanes * (parallel * weight_bits + value_bits))
    if weight_bits == 1:
        terms = []
        for lane in range(0, lanes, 2):
            pair = min(2, lanes - lane)
            width = _sum_width(pair, value)
            if pair == 2:
                parts += Parts.adders(width, 2) + Parts(registers=2 * width)
            else:
                parts += Parts.delays(value_bits)
            chosen = width if pair == 2 or value_bits > 1 else 2
            parts += Parts.logic(parallel * (chosen + 1), parallel * (chosen + 1))
            terms.append(width)
        covers, largest = 2, value
    else:
        largest = value * ((1 << weight_bits - 1) - 1)
        width = _sum_width(1, largest)
        terms, covers = [width] * lanes, 1
        if value_bits > 1:
            parts += Parts(products=(Product(weight_bits, value_bits + 1, lanes * parallel),))
            parts += Parts.delays(lanes * parallel * width + lanes * value_bits)
        else:
            parts += Parts.logic(lanes * parallel * weight_bits, lanes * parallel * weight_bits)
    while len(terms) > 1:
        covers = min(2 * covers, lanes)
        summed = []
        for first in range(0, len(terms), 2):
            if first + 1 < len(terms):
                width = _sum_width(covers, largest)
                parts += Parts.adders(width + 1, parallel) + Parts(registers=parallel * width)
            else:
                width = terms[first]
                parts += Parts.delays(parallel * width)
            summed.append(width)
            parts += Parts.delays(parallel * (weight_bits == 1))
        terms = summed
    return parts


def _word_synapses(lanes, parallel):
    """hdl/word_synapse.py without the memory: a popcount per neuron, and one of the spikes."""
    width = max(bits_of(lanes + 1), 1)
    return (Parts.delays(lanes * (parallel + 2)) + (parallel + 1) * _popcount(lanes)
            + Parts.adders(width + 1, parallel) + Parts(registers=parallel * width + 1))


def _popcount(count):
    """hdl/popcount.py, one position."""
    if count <= LEAF:
        return Parts.logic((0, 0, 2, 2, 3)[count])
    half, width = count // 2, count.bit_length()
    return (_popcount(half) + _popcount(count - half - 1) + Parts.adders(width + 1)
            + Parts(registers=width) + Parts.delays(_popcount_delay(count) - 1))


def _accumulator(synapse, raster, width, block_rows):
    row = raster.width * width
    cut = int((~synapse.connected).sum())
    parts = (Parts.adders(width + 1, raster.width) + Parts.logic(row + 4)
             + Parts.logic(cut and raster.width * width / 2))
    if raster.rows >= block_rows:
        hits = max(0, 3 - raster.folds)
        return (parts + Parts.delays(2 * row + 3 * bits_of(raster.rows) + hits * row)
                + Parts.logic(hits * row)
                + Parts(memories=(Memory(raster.rows, row, Access.QUEUE, block=True),)))
    if raster.rows > 1:
        return parts + Parts(registers=row + bits_of(raster.rows), bare=bits_of(raster.rows),
                             memories=(Memory(raster.rows, row, Access.STATE),))
    return parts + Parts(registers=2 * row, bare=row)


def _table(table: np.ndarray, raster: Raster, block_rows: int) -> Parts:
    """hdl/constants.py: a ROM of the columns that differ somewhere, and a register behind it."""
    fold_bits = bits_of(raster.folds)
    if (table == table[0]).all():
        table = table[:1]
    padded = np.zeros((len(table), raster.width << fold_bits), np.int64)
    padded[:, : table.shape[1]] = table
    rows = padded.reshape(-1, raster.width)
    if len(rows) == 1:
        return Parts()
    width = Interval(int(padded.min()), int(padded.max())).width
    # Bits that are the same in all rows need no memory.
    changes = np.bitwise_or.reduce(rows ^ rows[0], axis=0)
    columns = sum(int((changes >> bit & 1).sum()) for bit in range(width))
    block = len(rows) >= block_rows
    memory = Memory(len(rows), columns, Access.TABLE, block=block,
                    logic=not block and len(rows) >= BLOCK_ROWS)
    return Parts.delays(columns) + Parts(memories=(memory,) if columns else ())


def _currents(layer, bounds, raster, timesteps, block_rows):
    spec, width = layer.neuron, raster.width
    row, op = width * bounds.current.width, _operation(raster, timesteps)
    parts = Parts.delays(2 * op + width * bounds.acc.width) + _table(spec.bias, raster, block_rows)
    if spec.gain is None:
        return parts + Parts.adders(bounds.current.width - spec.fraction_bits, width) + Parts(
            registers=row)
    terms = [bounds.current] * 2
    parts += _gain_product(spec.gain, bounds.acc, row, raster, block_rows)
    for shortcut, sums in zip(layer.shortcuts, bounds.shortcuts, strict=True):
        terms.append(bounds.current)
        if isinstance(shortcut, SynapseShortcut):
            parts += Parts.delays(width * sums.width)
            parts += _gain_product(shortcut.gain, sums, row, raster, block_rows)
            continue
        carried = width * (sums.width if isinstance(shortcut, CurrentShortcut) else 1)
        rows = max(3, raster.rows * shortcut.back + output_margin(layer, 2))
        parts += _fifo(rows, carried) + Parts.delays(carried) + Parts.logic(12, 3)
        if isinstance(shortcut, SpikeShortcut):
            parts += _table(shortcut.gain, raster, block_rows) + Parts.logic(row)
    pairs = -(-len(terms) // 2)
    return (parts + Parts.adders(bounds.current.width, width * (len(terms) - 1))
            + Parts(registers=row * (pairs + 1)))


def _gain_product(gain, sums, row, raster, block_rows):
    width = Interval(int(gain.min(initial=0)), int(gain.max(initial=0))).width
    return (_table(gain, raster, block_rows) + Parts.delays(row)
            + Parts(products=(Product(sums.width, width, raster.width),)))


def _neurons(layer, bounds, raster, rows):
    spec, width = layer.neuron, raster.width
    timesteps = len(spec.leak)
    op = _operation(raster, timesteps)
    parts = Parts.delays((6 if spec.gain is None else 8) * op)
    parts += _table(spec.threshold, raster, rows.constants)
    charged, settled = bounds.charged.width, bounds.settled.width
    parts += Parts.adders(charged, width) if timesteps > 1 else Parts()
    parts += Parts(registers=width * charged) + Parts.adders(charged, width)  # charge, compare
    parts += Parts.logic(2 * width, width + bits_of(raster.rows) + 2)
    if timesteps == 1:
        return parts
    if spec.reset is Reset.SOFT:
        parts += Parts.adders(settled, width) + Parts.logic(width * settled, width * settled)
    else:
        parts += Parts(registers=width * settled, cleared=width * settled)
    carried = bounds.carried.width
    block = raster.rows >= rows.state
    if raster.rows > 1:
        parts += Parts(memories=(Memory(raster.rows, width * carried,
                                        Access.QUEUE if block else Access.STATE, block=block),))
        parts += Parts.delays(width * carried if block else bits_of(raster.rows))
    else:
        parts += Parts(registers=width * carried)
    if leak_shift(layer):
        return parts
    factor = int(max(spec.leak[1:])).bit_length()
    return (parts + Parts.logic(factor, factor) + Parts.delays(width * (carried + spec.leak_bits))
            + Parts(products=(Product(settled, factor + 1, width),)))


def _scorer(layer: Readout, bounds: ReadoutBounds, parallel: int) -> Parts:
    """hdl/readout.py behind the accumulators."""
    classes, score, acc = layer.synapse.neurons, bounds.score.width, bounds.acc.width
    passes = 1 if layer.constant_gain else len(layer.gain)
    index = bits_of(classes) + bits_of(passes)
    parts = (Parts.logic(parallel * acc + 20 + 2 * index, parallel * acc + 2 * index + 4)
             + Parts.delays(acc + 2 * score + 3 * (index + 1))
             + Parts.adders(score, 2) + Parts(registers=2 * score)
             + Parts.adders(index) + Parts.adders(bits_of(parallel + 1)))
    gains = layer.gain[:passes]
    if gains.min() != gains.max():
        width = Interval(int(gains.min()), int(gains.max())).width
        parts += Parts(memories=(Memory(gains.size, width, Access.TABLE, enabled=True),),
                       products=(Product(acc, width),), registers=width)
    elif (gain := int(abs(gains.flat[0]))).bit_count() > 1:
        parts += Parts.adders(score, gain.bit_count())  # a product by a constant
    if layer.bias.min() != layer.bias.max():
        changes = int(np.bitwise_or.reduce(layer.bias ^ layer.bias[0]))
        columns = (changes & ((1 << Interval(int(layer.bias.min()),
                                             int(layer.bias.max())).width) - 1)).bit_count()
        parts += Parts(memories=(Memory(classes, columns, Access.TABLE, enabled=True),),
                       registers=columns)
    if passes > 1:
        parts += Parts(memories=(Memory(classes, score, Access.STATE),), registers=bits_of(classes),
                       luts=2 * score)
    return parts


# Banks.


def weight_parts(synapse: Synapse, geometry: Geometry) -> Parts:
    """hdl/bank.py: the weight banks, and what chooses among the parts of one."""
    width, found = geometry.parallel * synapse.weight_bits, Parts()
    if geometry.depth == 1:
        return found  # constants
    if isinstance(geometry, WordGeometry):
        return Parts(memories=(Memory(geometry.depth, width * geometry.lanes, Access.TABLE,
                                      block=geometry.depth >= BLOCK_ROWS),))
    for readers in bank_readers(geometry.lanes, geometry.shared):
        rows = bank_parts(geometry.depth, width, readers)
        found += Parts(memories=tuple(
            Memory(part, width, Access.TABLE, block=part >= BLOCK_ROWS, readers=readers)
            for part in rows))
        if len(rows) > 1:
            registers = readers * len(rows) * width
            found += Parts(registers=registers, bare=registers - readers * width,
                           luts=readers * width * (len(rows) - 1) * CHOICE_LUTS)
    return found


def total(parts: Sequence[Parts]) -> Parts:
    """All of them together."""
    summed = Parts()
    for each in parts:
        summed += each
    return summed
