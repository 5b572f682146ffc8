"""The parts of every component of hdl/, from the widths that it is built with.

One function for each, in the order of the signal; what they count is what the component of the
same name says.  A layer's parts are cut by what decides on them, so that a search can combine them:

    supply   what hands it its events (planning/supply.py): lanes and the giver's parallel neurons
    engine   sequencer, synapses, accumulators: lanes and its own parallel neurons
    neurons  what lies behind them: its own parallel neurons
    banks    weights: all of these
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, Product, Rows, bits_of, fifo_parts
from bsnn_hw.ir.bounds import HiddenBounds, Interval, ReadoutBounds
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.memory import bank_parts, bank_readers
from bsnn_hw.ir.network import (
    CurrentShortcut,
    Hidden,
    Network,
    Readout,
    SpikeShortcut,
    Synapse,
    SynapseShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import BLOCK_ROWS, Geometry, synapse_delay
from bsnn_hw.ir.words import WordGeometry

__all__ = ["engine_delay", "engine_parts", "layer_delay", "leak_shift", "neuron_parts",
           "output_margin", "total", "weight_parts"]

LEAF = 4  # as in hdl/popcount.py
CHOICE_LUTS = 0.5  # of a bit and a further part of a weight bank
CONTROL = 5  # of an operation: charge, step, clear, close, sweep


def engine_delay(geometry: Geometry, weight_bits: int) -> int:
    """Cycles from an operation to its accumulator, as hdl/layer.py has it."""
    if isinstance(geometry, WordGeometry):
        return 3 + _popcount_delay(geometry.lanes)
    return synapse_delay(geometry, weight_bits)


def leak_shift(layer: Hidden) -> bool:
    """Whether the leak is a shift throughout, and takes no product."""
    factors = set(layer.neuron.leak[1:].flat)
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
        parts += fifo_parts(rows, carried) + Parts.delays(carried) + Parts.logic(12, 3)
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
    if spec.reset_by is not None:
        if spec.separate_reset_by is not None:
            parts += _table(spec.separate_reset_by, raster, rows.constants)
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
    factor = int(spec.leak.max()).bit_length()
    parts += (_table(spec.next_leak, raster, rows.constants) if spec.shared_leak is None
              else Parts.logic(factor, factor))
    return (parts + Parts.delays(width * (carried + spec.leak_bits))
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
