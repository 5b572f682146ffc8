"""What a layout needs of memory: bits of each kind, and about how many block RAMs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bsnn_hw.ir.memory import BLOCK_ROWS, block_rams
from bsnn_hw.layout.blocks import Carry, Gate, Layer, Output, StateRows, Synapses
from bsnn_hw.layout.build import Layout

__all__ = ["LayerMemory", "layer_memories"]


@dataclass(frozen=True)
class LayerMemory:
    """Bits of one layer; ``blocks`` is about how many block RAMs hold them.

    weights : of all synapses, unused addresses included
    accumulators, potentials : of all neurons
    constants : biases, thresholds, reset amounts, floors, gains, leaks per channel, and gates'
        tables
    queues : spikes on their way to this layer
    carried : currents and spikes of earlier layers that wait to be added or joined
    """

    weights: int
    accumulators: int
    potentials: int
    constants: int
    queues: int
    carried: int
    blocks: int

    @property
    def bits(self) -> int:
        """Of all kinds together."""
        return (self.weights + self.accumulators + self.potentials + self.constants + self.queues
                + self.carried)


def layer_memories(layout: Layout) -> list[LayerMemory]:
    """The memories of every layer, the readout last."""
    found = []
    for block in layout.blocks:
        bits = dict.fromkeys(("weights", "accumulators", "potentials", "constants", "queues",
                              "carried"), 0)
        blocks = 0
        for kind, rows, width, readers, in_blocks in _memories(block):
            bits[kind] += rows * width
            blocks += block_rams(rows, width, readers, block_rows=0) if in_blocks else 0
        found.append(LayerMemory(**bits, blocks=blocks))
    return found


_Found = tuple[str, int, int, int, bool]  # kind, rows, bits of a row, readers, in block RAM


def _memories(block: Layer | Output) -> Iterator[_Found]:
    beside = block.shortcuts if isinstance(block, Layer) else ()
    joined = [block.join.carry] if isinstance(block, Layer) and block.join else []
    for each in (block.synapses, *beside, *joined):
        if isinstance(each, Carry):
            yield "carried", each.depth - 1, each.width, 1, each.depth > BLOCK_ROWS
        else:
            yield from _of_engine(each)
    if isinstance(block, Layer):
        neurons = block.neurons
        yield from _state("accumulators", neurons.held.store if neurons.held else None)
        yield from _state("potentials", neurons.potentials)
        yield from _state("potentials", neurons.synaptic.store if neurons.synaptic else None)
        for _, table in neurons.tables:
            if table.rows > 1:
                width = neurons.raster.width * table.value_width
                yield "constants", table.rows, width, 1, table.block
        if block.gate is not None:
            yield from _of_gate(block.gate)


def _of_gate(gate: Gate) -> Iterator[_Found]:
    for rows, width, readers in gate.geometry.weight_memories(gate.weight_bits):
        yield "weights", rows, width, readers, rows >= BLOCK_ROWS
    if gate.rows > 1:
        yield "constants", gate.rows, gate.factor_width, 1, gate.block


def _of_engine(synapses: Synapses) -> Iterator[_Found]:
    for _ in range(synapses.geometry.places):
        for rows, width, readers in synapses.geometry.weight_memories(synapses.weight_bits):
            yield "weights", rows, width, readers, rows >= BLOCK_ROWS
        yield from _state("accumulators", synapses.sums)
    for link in synapses.links:
        for width in synapses.geometry.queue_widths:
            yield "queues", link.depth - 1, width, 1, link.depth > BLOCK_ROWS


def _state(kind: str, state: StateRows | None) -> Iterator[_Found]:
    if state is not None:
        yield kind, state.rows, state.width, 1, state.block
