"""What a plan needs of memory: bits of each kind, and about how many block RAMs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.memory import bank_parts, bank_readers, block_rams
from bsnn_hw.ir.network import (
    CurrentShortcut,
    Hidden,
    Network,
    SpikeShortcut,
    Synapse,
    SynapseShortcut,
)
from bsnn_hw.ir.schedule import (
    BLOCK_ROWS,
    Geometry,
    Schedule,
    most_queued,
    network_geometries,
    shortcut_geometries,
)
from bsnn_hw.ir.words import WordGeometry

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
        """All together."""
        return (self.weights + self.accumulators + self.potentials + self.constants + self.queues
                + self.carried)


def layer_memories(network: Network, schedule: Schedule) -> list[LayerMemory]:
    """The memories of every layer, the readout last."""
    hidden_bounds, readout = network_bounds(network)
    geometries = network_geometries(network, schedule)
    shortcuts = (*shortcut_geometries(network, schedule), ())
    found = []
    for number, (layer, geometry) in enumerate(zip(network.layers, geometries, strict=True)):
        # (rows, bits per row), and readers where there are two
        parts: dict[str, list[tuple[int, ...]]] = {
            "weights": _banks(layer.synapse, geometry),
            "queues": list(_queue(network, geometry)) if number >= layer.back else [],
            "potentials": [], "constants": [], "carried": [], "accumulators": [],
        }
        rows, parallel = geometry.raster.rows, geometry.parallel
        if isinstance(layer, Hidden):
            bounds = hidden_bounds[number]
            parts["potentials"].append((rows, parallel * bounds.settled.width))
            parts["constants"] += _constants(layer, geometry)
            parts["accumulators"].append((rows, parallel * bounds.acc.width))
            for shortcut, other, sums in zip(layer.shortcuts, shortcuts[number], bounds.shortcuts,
                                             strict=True):
                if isinstance(shortcut, SynapseShortcut) and other is not None:
                    parts["weights"] += _banks(shortcut.synapse, other)
                    parts["queues"] += _queue(network, other)
                    parts["accumulators"].append((rows, parallel * sums.width))
                elif isinstance(shortcut, SpikeShortcut | CurrentShortcut):
                    width = sums.width if isinstance(shortcut, CurrentShortcut) else 1
                    # A timestep per layer between lets all of them work at the same time.
                    parts["carried"].append((rows * shortcut.back, parallel * width))
        else:
            parts["accumulators"].append((rows, parallel * readout.acc.width))
        bits = {name: sum(deep * wide for deep, wide, *_ in memories)
                for name, memories in parts.items()}
        least = {"accumulators": schedule.block_rows, "potentials": schedule.block_rows,
                 "constants": schedule.constant_rows}
        blocks = sum(block_rams(rows, width, *readers, block_rows=least.get(name, BLOCK_ROWS))
                     for name, memories in parts.items() for rows, width, *readers in memories)
        found.append(LayerMemory(**bits, blocks=blocks))
    return found


def _banks(synapse: Synapse, geometry: Geometry) -> list[tuple[int, ...]]:
    width = geometry.parallel * synapse.weight_bits
    if isinstance(geometry, WordGeometry):
        return [(geometry.depth, geometry.lanes * width)]
    return [(rows, width, readers)
            for readers in bank_readers(geometry.lanes, geometry.shared)
            for rows in bank_parts(geometry.depth, width, readers)]


def _queue(network: Network, geometry: Geometry) -> Iterator[tuple[int, int]]:
    """A convolution's queue, or a bank's: its share of a word, the word's number and a mark; of
    words also whether they have a spike."""
    if isinstance(geometry, WordGeometry) and geometry.parts == 1:
        words = min(geometry.rows * network.timesteps, most_queued(geometry.source))
        yield words, geometry.lanes + geometry.rows.bit_length() + 2
        return
    words = min(geometry.source.rows * network.timesteps, most_queued(geometry.source))
    queues = 1 if isinstance(geometry, ConvGeometry) else geometry.banks
    width = -(-geometry.source_width // queues) + geometry.source.rows.bit_length() + 1
    for _ in range(queues):
        yield words, width


def _constants(layer: Hidden, geometry: Geometry) -> list[tuple[int, int]]:
    """ROMs of biases, thresholds, reset amounts and gains: a row per timestep and fold, one per
    fold where no timestep differs, and none for a single row."""
    neuron = layer.neuron
    tables = [neuron.bias, neuron.threshold]
    tables += [table for table in (neuron.gain, neuron.separate_reset_by) if table is not None]
    tables += [neuron.next_leak] if neuron.shared_leak is None else []
    tables += [shortcut.gain for shortcut in layer.shortcuts
               if isinstance(shortcut, SpikeShortcut | SynapseShortcut)]
    found = []
    for table in tables:
        rows = geometry.folds * (1 if (table == table[0]).all() else len(table))
        if rows > 1:
            found.append((rows, geometry.parallel * (int(abs(table).max()).bit_length() + 1)))
    return found
