"""What a layout needs of memory: bits of each kind, and about how many block RAMs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bsnn_hw.ir.memory import BLOCK_ROWS, block_rams
from bsnn_hw.layout.blocks import Carry, Layer, Link, Output, StateRows, Synapses
from bsnn_hw.layout.build import Layout

__all__ = ["LayerMemory", "layer_memories"]


@dataclass(frozen=True)
class LayerMemory:
    """Bits of one layer; ``blocks`` is about how many block RAMs hold them.

    weights : of all synapses, unused addresses included
    accumulators, potentials : of all neurons
    constants : biases, thresholds, reset amounts, gains, and leaks per channel
    queues : spikes on their way to this layer
    carried : currents and spikes of earlier layers that wait to be added
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
    least = {"accumulators": layout.schedule.block_rows, "potentials": layout.schedule.block_rows,
             "constants": layout.schedule.constant_rows}
    found = []
    for block in layout.blocks:
        bits = dict.fromkeys(("weights", "accumulators", "potentials", "constants", "queues",
                              "carried"), 0)
        blocks = 0
        for kind, rows, width, readers in _memories(block):
            bits[kind] += rows * width
            blocks += block_rams(rows, width, readers, block_rows=least.get(kind, BLOCK_ROWS))
        found.append(LayerMemory(**bits, blocks=blocks))
    return found


def _memories(block: Layer | Output) -> Iterator[tuple[str, int, int, int]]:
    """(kind, rows, bits of a row, readers) of each memory."""
    beside = block.shortcuts if isinstance(block, Layer) else ()
    for each in (block.synapses, *beside):
        if isinstance(each, Carry):
            yield "carried", each.depth - 1, each.width, 1
        else:
            yield from _of_engine(each)
    if isinstance(block, Layer):
        neurons = block.neurons
        yield from _state("potentials", neurons.potentials)
        gains = [each.table for each in (neurons.gain, *neurons.shortcut_gains) if each]
        for table in (neurons.bias, neurons.threshold, neurons.reset_by, neurons.leak, *gains):
            if table is not None and table.rows > 1:
                yield "constants", table.rows, neurons.raster.width * table.value_width, 1


def _of_engine(synapses: Synapses) -> Iterator[tuple[str, int, int, int]]:
    for rows, width, readers in synapses.geometry.weight_memories(synapses.weight_bits):
        yield "weights", rows, width, readers
    yield from _state("accumulators", synapses.sums)
    if isinstance(synapses.source, Link):
        for width in synapses.geometry.queue_widths:
            yield "queues", synapses.source.depth - 1, width, 1


def _state(kind: str, state: StateRows | None) -> Iterator[tuple[str, int, int, int]]:
    if state is not None:
        yield kind, state.rows, state.width, 1
