"""Sequencers and memories of potentials of a Verilated design, watched while samples stream in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.emission.design import Design
from bsnn_hw.hdl.formats import index_width, operation
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import Layer, Synapses
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.sim.native import Group, build_native
from bsnn_hw.sim.native_run import run_native
from bsnn_hw.verification.native import input_beats
from bsnn_hw.verilog.write import Observed

__all__ = ["Tally", "count_rtl"]


@dataclass(frozen=True)
class Tally:
    """Of a layer and all samples; ``toggles`` is None where it keeps no potentials."""

    operations: int
    words: int
    steps: int
    toggles: int | None
    rows: int

    @property
    def exact(self) -> tuple[int | None, ...]:
        """What is the same in RTL and reference."""
        return self.operations, self.words, self.steps, self.toggles


def count_rtl(design: Design, inputs: np.ndarray, folder: Path) -> list[Tally]:
    """Of every layer, the readout last, for all ``inputs``.

    folder : Path, where the simulation is built
    """
    groups = [group for number in range(len(design.network.layers))
              for group in (*_sequencers(design, number), *_potentials(design, number))]
    model = build_native(design.verilog.paths, design.verilog.top, folder, groups)
    seen = run_native(model, input_beats(design, inputs), len(inputs),
                      packet_beats=PORTS[design.port].answer_beats(design.network)).groups
    return [_tally(design, number, seen) for number in range(len(design.network.layers))]


def _blocks(design: Design, number: int) -> Iterator[tuple[str, Synapses]]:
    """Each engine of a layer, with what its components' names end with."""
    block = design.layout.blocks[number]
    yield "", block.synapses
    for place, each in enumerate(block.shortcuts if isinstance(block, Layer) else ()):
        if isinstance(each, Synapses):
            yield f"_{place}", each


def _see(design: Design, place: str, signal: str, width: int) -> Observed:
    return Observed(place, design.verilog.modules[place], signal, width)


def _layer(design: Design, number: int) -> str:
    """A layer's path in the Verilog."""
    name = f".layer_{design.network.layers[number].name}"
    return next(path for path in design.verilog.modules if path.endswith(name))


def _operation(block: Synapses):
    raster = block.geometry.raster
    return operation(folds=raster.folds, timesteps=block.timesteps, rows=raster.rows)


def _sequencers(design: Design, number: int) -> Iterator[Group]:
    """What each engine starts in a cycle, and the values of its lanes."""
    for suffix, block in _blocks(design, number):
        place = f"{_layer(design, number)}.sequencer{suffix}"
        values = block.geometry.lanes * block.max_value.bit_length()
        yield Group(f"{number}{suffix}", _see(design, place, "advance", 1),
                    (_see(design, place, "op", _operation(block).size),
                     _see(design, place, "values", values)))


def _potentials(design: Design, number: int) -> Iterator[Group]:
    """What a layer's memory of potentials is written with."""
    place = f"{_layer(design, number)}.neurons.potentials"
    if place not in design.verilog.modules:
        return
    raster = design.layout.layers[number].neurons.raster
    width = raster.width * design.layout.hidden_bounds[number].carried.width
    names = {"en": "write__en", "addr": "write__addr", "data": "write__data"}
    if raster.rows == 1:
        names = {"en": "write_enable", "data": "write_data"}
    signals = [_see(design, place, names["data"], width)]
    if raster.rows > 1:
        signals.append(_see(design, place, names["addr"], index_width(raster.rows)))
    yield Group(f"{number} potentials", _see(design, place, names["en"], 1), tuple(signals))


def _tally(design: Design, number: int, seen: dict[str, dict[str, np.ndarray]]) -> Tally:
    parts = [_engine(block, seen[f"{number}{suffix}"])
             for suffix, block in _blocks(design, number)]
    operations, words, rows = (sum(each[place] for each in parts) for place in range(3))
    writes = seen.get(f"{number} potentials")
    toggles = None if writes is None else _toggles(design, number, writes)
    return Tally(operations, words, parts[0][3], toggles, rows)


def _engine(block: Synapses, seen: dict[str, np.ndarray]) -> tuple[int, int, int, int]:
    """Operations, words of weights, rows of sums, and neuron steps of one engine."""
    layout, op = _operation(block), seen["op"][:, 0]

    def field(name: str) -> np.ndarray:
        part = layout[name]
        return op >> np.uint64(part.offset) & np.uint64((1 << part.width) - 1)

    neurons = _in_fold(block.geometry.raster)[field("fold").astype(np.int64)]
    charging, stepping = field("charge") == 1, (field("step") == 1) & (field("sweep") == 0)
    active = _active(seen["values"][charging], block)
    return (int((active * neurons[charging]).sum()), int(active.sum()), int(charging.sum()),
            int(neurons[stepping].sum()))


def _in_fold(raster: Raster) -> np.ndarray:
    """Neurons of each fold; the last one's positions may be more than they."""
    return np.minimum(raster.width,
                      raster.shape.channels - np.arange(raster.folds) * raster.width)


def _active(values: np.ndarray, block: Synapses) -> np.ndarray:
    """Lanes with an event, (cycles,), of ``values``, 64-bit words (cycles, words)."""
    lanes, bits = block.geometry.lanes, block.max_value.bit_length()
    return _bits(values, lanes * bits).reshape(len(values), lanes, bits).any(axis=2).sum(axis=1)


def _bits(words: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` bits of rows of 64-bit words, low end first."""
    octets = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
    return np.unpackbits(octets.reshape(len(words), -1), axis=1, bitorder="little")[:, :count]


def _toggles(design: Design, number: int, writes: dict[str, np.ndarray]) -> int:
    """Bits that the writes change, of neurons that there are."""
    raster = design.layout.layers[number].neurons.raster
    width = design.layout.hidden_bounds[number].carried.width
    data, row = (writes.get(name) for name in ("write__data", "write__addr"))
    data = writes["write_data"] if data is None else data
    rows = np.zeros(len(data), np.int64) if row is None else row[:, 0].astype(np.int64)
    there = np.arange(raster.width) < _in_fold(raster)[rows % raster.folds, None]
    bits = _bits(data, raster.width * width).reshape(len(data), raster.width, width)
    bits &= there[:, :, None].astype(np.uint8)
    order = np.argsort(rows, kind="stable")
    ordered, starts = bits[order].reshape(len(data), -1), np.diff(rows[order], prepend=-1) != 0
    before = np.concatenate([np.zeros_like(ordered[:1]), ordered[:-1]])
    before[starts] = 0
    return int((ordered ^ before).sum())
