"""Proofs of synapses and accumulators: equal to the reference for all that comes in."""

from __future__ import annotations

import numpy as np
import torch
from amaranth import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords, popcount_delay
from bsnn_hw.ir.network import Dense, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan
from bsnn_hw.reference.synapse import accumulate, convolve
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.small import grouped

__all__ = ["PROOFS"]


class _Popcount(wiring.Component):
    """The function `popcount` as a component, of a single position."""

    def __init__(self, parts: Parts, bits: int):
        self._parts = parts
        super().__init__({"bits": In(bits), "count": Out(bits.bit_length())})

    def elaborate(self, platform):
        m = Module()
        total, = self._parts("popcount").popcount(m, "ones", list(self.bits))
        m.d.comb += self.count.eq(total)
        return m


def _popcount(parts: Parts) -> Harness:
    bits = 11
    dut = _Popcount(parts, bits)
    h = Harness(dut=dut)
    h.drive(("bits", dut.bits))
    h.show("count", dut.count)
    delay = popcount_delay(bits)
    came = h.delayed(1, delay, "came")
    total = Signal(range(bits + 1))
    h.m.d.comb += total.eq(sum(dut.bits))
    h.must(f"{delay} cycles later the count is the sum of the bits",
           ~came | (dut.count == h.delayed(total, delay, "total")))
    return h


def _sums_of(synapse: Dense, inputs: np.ndarray, max_value: int) -> np.ndarray:
    """The reference's sums, (N, neurons), of ``inputs`` (N, inputs)."""
    return accumulate(torch.as_tensor(synapse.weights), torch.as_tensor(synapse.connected),
                      torch.as_tensor(inputs), max_value).numpy()


def _digits(number: np.ndarray, *bases: int) -> list[np.ndarray]:
    """``number`` in digits, the lowest first."""
    found = []
    for base in bases:
        number, digit = np.divmod(number, base)
        found.append(digit)
    return found


def _synapse(parts: Parts, max_value: int, weight_bits: int, lanes: int,
             pipelined: bool = False) -> Harness:
    """Two rows in each lane's bank, two neurons side by side in two folds, all their sums."""
    rng = np.random.default_rng(7)
    weights = (rng.choice([-1, 1], (4, 2 * lanes)) if weight_bits == 1 else
               rng.integers(-127, 128, (4, 2 * lanes))).astype(np.int8)
    synapse = Dense(weights, np.ones(4, bool), weight_bits)
    geometry = DenseEvents.flat(2 * lanes, 2 * lanes, 4, lanes, 2)
    dut = parts("synapse").SynapseArray(geometry, synapse, max_value=max_value,
                                        pipelined=pipelined)
    h = Harness(dut=dut)
    h.drive(("tap", dut.tap), ("rows", dut.rows), ("values", dut.values))
    h.show("deltas", dut.deltas)
    h.show("carries", dut.carries)

    # Every combination of a row and a value per lane, as an input to the reference.
    value_bits = max_value.bit_length()
    count = 1 << lanes * (1 + value_bits)
    digits = _digits(np.arange(count), *[2] * lanes, *[1 << value_bits] * lanes)
    inputs = np.zeros((count, 2 * lanes), np.int64)
    for lane, (row, value) in enumerate(zip(digits[:lanes], digits[lanes:], strict=True)):
        inputs[np.arange(count), row * lanes + lane] = value
    sums = _sums_of(synapse, inputs, max_value)

    delay, index = geometry.delay(weight_bits) + pipelined, Cat(dut.rows, dut.values)
    came = h.delayed(1, delay, "came")
    fold = h.delayed(dut.tap, delay, "fold")
    for position in range(2):
        right = [h.delayed(table(sums[:, 2 * each + position].tolist(), 16, index), delay,
                           f"right_{position}_{each}") for each in range(2)]
        total = Signal(signed(16), name=f"total_{position}")
        h.m.d.comb += total.eq(dut.deltas[position] + dut.carries[position])
        h.must(f"neuron {position} of each fold gets the sum of the reference",
               ~came | (total == Mux(fold, right[1], right[0]).as_signed()))
    return h


def _groups(parts: Parts, channels: int, groups: int, lanes: int, weight_bits: int) -> Harness:
    """A map of a single position, all channels that go out in one fold, which is several blocks;
    ``lanes`` channels in a word that comes in."""
    source = Shape(channels)
    conv = grouped(channels, (1, 1), source, groups, weight_bits=weight_bits)
    geometry = ConvGroups.of(conv, Raster(source, lanes), LayerPlan(lanes, channels))
    dut = parts("group_synapse").GroupSynapses(geometry, conv, max_value=1)
    h = Harness(dut=dut)
    h.drive(("rows", dut.rows), ("values", dut.values))
    h.show("deltas", dut.deltas)
    h.show("carries", dut.carries)
    # Every combination of a row and a value per lane; a lane's channel is {row, lane}.
    row_bits = len(dut.rows[0])
    count = 1 << lanes * (row_bits + 1)
    digits = _digits(np.arange(count), *[1 << row_bits] * lanes, *[2] * lanes)
    inputs = np.zeros((count, channels), np.int64)
    for lane, (row, value) in enumerate(zip(digits[:lanes], digits[lanes:], strict=True)):
        inputs[np.arange(count), np.minimum(row * lanes + lane, channels - 1)] += value
        h.limit(dut.rows[lane] < channels // lanes)
    sums = convolve(conv, torch.as_tensor(inputs), 1).numpy()
    delay, index = geometry.delay(weight_bits), Cat(dut.rows, dut.values)
    came = h.delayed(1, delay, "came")
    for channel in range(channels):
        right = h.delayed(table(sums[:, channel].tolist(), 16, index), delay, f"right_{channel}")
        total = Signal(signed(16), name=f"total_{channel}")
        h.m.d.comb += total.eq(dut.deltas[channel] + dut.carries[channel])
        h.must(f"neuron {channel} gets what its group's channels sum up to",
               ~came | (total == right.as_signed()))
    return h


def _depthwise(parts: Parts) -> Harness:
    return _groups(parts, 4, 4, 4, 1)


def _blocks(parts: Parts) -> Harness:
    return _groups(parts, 4, 2, 2, 1)


def _wide_blocks(parts: Parts) -> Harness:
    return _groups(parts, 4, 2, 2, 8)


def _binary(parts: Parts) -> Harness:
    return _synapse(parts, 1, 1, 4)


def _graded(parts: Parts) -> Harness:
    return _synapse(parts, 3, 1, 2)


def _wide(parts: Parts) -> Harness:
    return _synapse(parts, 1, 8, 2)


def _pipelined_binary(parts: Parts) -> Harness:
    return _synapse(parts, 1, 1, 4, pipelined=True)


def _pipelined_wide(parts: Parts) -> Harness:
    return _synapse(parts, 1, 8, 2, pipelined=True)


def _words(parts: Parts, pipelined: bool = False) -> Harness:
    """Two words of five inputs, two neurons side by side in two folds."""
    lanes = 5
    weights = np.random.default_rng(8).choice([-1, 1], (4, 2 * lanes)).astype(np.int8)
    synapse = Dense(weights, np.ones(4, bool))
    geometry = DenseWords.flat(2 * lanes, lanes, 4, lanes, 2)
    dut = parts("word_synapse").WordSynapseArray(geometry, synapse, pipelined=pipelined)
    h = Harness(dut=dut)
    h.drive(("fold", dut.tap), ("row", dut.rows), ("spikes", dut.values))
    h.show("deltas", dut.deltas)
    h.show("carries", dut.carries)
    count = 2 << lanes
    spikes = (np.arange(count)[:, None] >> np.arange(lanes)) & 1
    inputs = np.zeros((count, 2, lanes), np.int64)
    inputs[np.arange(count), np.arange(count) >> lanes] = spikes
    sums = _sums_of(synapse, inputs.reshape(count, -1), 1)
    delay = geometry.delay(1) + pipelined
    came = h.delayed(1, delay, "came")
    for position in range(2):
        right = table(sums[:, position::2].T.ravel().tolist(), 8,
                      Cat(dut.values, dut.rows, dut.tap))
        total = Signal(signed(8), name=f"total_{position}")
        h.m.d.comb += total.eq(dut.deltas[position] + dut.carries[position])
        h.must(f"neuron {position} of each fold gets the sum of the reference",
               ~came | (total == h.delayed(right, delay, f"right_{position}").as_signed()))
    return h


def _pipelined_words(parts: Parts) -> Harness:
    return _words(parts, pipelined=True)


def _accumulator(parts: Parts, rows: int, block: bool, pipelined: bool = False) -> Harness:
    """Rows of one sum in any order; ``connected`` of the first channel alone is False."""
    width = 3
    raster, ahead = Raster(Shape(rows), 1), 1 + block * (1 + pipelined)
    connected = np.arange(rows) != 0 if rows > 1 else np.ones(1, bool)
    dut = parts("accumulator").Accumulator(connected, raster, timesteps=1, width=width,
                                           delta_shape=signed(2), block=block,
                                           pipelined=pipelined)
    h = Harness(dut=dut)
    op = dut.op
    h.drive(("next_row", dut.next_row), ("charge", op.charge), ("step", op.step),
            ("clear", op.clear), ("delta", dut.deltas), ("carry", dut.carries))
    h.limit(dut.next_row < rows)
    added = Signal(signed(width))
    h.m.d.comb += added.eq(dut.deltas[0] + dut.carries[0])
    h.limit(op.charge | (added == 0))
    # What a memory shows before it was read first is not defined.
    h.limit(h.delayed(1, ahead, "awake") | ~(op.charge | op.step))
    m = h.m
    row = h.delayed(dut.next_row, ahead, "row")
    m.d.comb += [op.row.eq(row), op.fold.eq(row)]
    for name, value in (("row", row), ("sums", dut.sums)):
        h.show(name, value)

    sums = [Signal(signed(width), name=f"right_{i}") for i in range(rows)]
    now = Array(sums)[row]
    reaches = (row != 0) if rows > 1 else 1
    for i, each in enumerate(sums):
        with m.If((row == i) & op.charge & reaches):
            m.d.sync += each.eq(each + added)
        with m.If((row == i) & op.step & op.clear):
            m.d.sync += each.eq(0)
    # A walk goes over all folds, so no row comes again before all others have.
    for age in range(1, min(5 if pipelined else 3, rows) if block else 1):
        both = (op.charge | op.step) & h.delayed(op.charge | op.step, age, f"worked_{age}")
        h.limit(~both | (row != h.delayed(row, age, f"row_before_{age}")))
    stepped = h.register(op.step, "stepped")
    before = Signal(signed(width))
    m.d.sync += before.eq(now + Mux(op.charge & reaches, added, 0))
    h.must("a step sees the row's sum of all that came since it was cleared, its own among it",
           ~stepped | (dut.sums[0] == before))
    return h


def _state_rows(parts: Parts) -> Harness:
    return _accumulator(parts, 3, False)


def _one_row(parts: Parts) -> Harness:
    return _accumulator(parts, 1, True)


def _two_rows(parts: Parts) -> Harness:
    return _accumulator(parts, 2, True)


def _pipelined_row(parts: Parts) -> Harness:
    return _accumulator(parts, 1, True, True)


def _pipelined_rows(parts: Parts) -> Harness:
    return _accumulator(parts, 2, True, True)


PROOFS = (
    Proof("popcount", _popcount, Fault(
        "popcount", "left = popcount(m, f\"{name}_l\", bits[:half], delay - 1)",
        "left = popcount(m, f\"{name}_l\", bits[:half - 1] + bits[:1], delay - 1)")),
    Proof("synapses, spikes", _binary, Fault(
        "synapse", "carries.eq(words[0])", "carries.eq(~words[0])")),
    Proof("synapses, values of 2 bits", _graded, Fault(
        "synapse", "words[0][i] ^ words[1][i], unlike", "words[0][i] & words[1][i], unlike")),
    Proof("synapses, weights of 8 bits", _wide, Fault(
        "synapse", "Mux(value, weight, 0)", "Mux(value, weight, 1)")),
    Proof("synapses, spikes, pipelined", _pipelined_binary, Fault(
        "synapse", "geometry.banks_delay(self._bits) + pipelined",
        "geometry.banks_delay(self._bits)")),
    Proof("synapses, weights of 8 bits, pipelined", _pipelined_wide, Fault(
        "synapse", "delayed(m, value, 1,", "delayed(m, value, 0 if self._pipelined else 1,")),
    Proof("synapses of words", _words, Fault(
        "word_synapse", "Cat(~odd, ~half)", "Cat(odd, ~half)")),
    Proof("synapses of words, pipelined", _pipelined_words, Fault(
        "word_synapse", "read.data, int(self._pipelined),", "read.data, 0,")),
    Proof("synapses of a depthwise convolution", _depthwise, Fault(
        "group_synapse", "[value if block == table[0] else None for block in blocks]",
        "[value if block == 0 else None for block in blocks]")),
    Proof("synapses of groups side by side", _blocks, Fault(
        "group_synapse", "given.eq(Mux(at == block, value, 0))", "given.eq(value)")),
    Proof("synapses of groups, weights of 8 bits", _wide_blocks, Fault(
        "group_synapse", "Mux(late, weight, 0)", "Mux(late, weight, 1)")),
    Proof("accumulator in registers", _state_rows, Fault(
        "accumulator", "empty.eq(self.op.step & self.op.clear)", "empty.eq(self.op.clear)")),
    Proof("accumulator with forwarding, 1 row", _one_row, Fault(
        "accumulator", "for hit, written in reversed(fresh)", "for hit, written in fresh")),
    Proof("accumulator with forwarding, 2 rows", _two_rows, Fault(
        "accumulator", "if self._event_folds <= age:", "if self._event_folds < age:")),
    Proof("accumulator, pipelined, 1 row", _pipelined_row, Fault(
        "accumulator", "5 if self._pipelined else 3", "4 if self._pipelined else 3")),
    Proof("accumulator, pipelined, 2 rows", _pipelined_rows, Fault(
        "accumulator", "5 if self._pipelined else 3", "4 if self._pipelined else 3")),
)
