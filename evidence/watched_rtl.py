"""Sequencers, sums, neurons and memories of a Verilated design, watched while samples stream in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.emission.design import Design
from bsnn_hw.hdl.formats import index_width, operation, spike_word
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import Layer, Synapses
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.reporting.toggles import Toggles
from bsnn_hw.sim.native import Group, build_native
from bsnn_hw.sim.native_run import run_native
from bsnn_hw.verification.native import input_beats
from bsnn_hw.verilog.write import Observed

__all__ = ["Tally", "count_rtl"]


@dataclass(frozen=True)
class Tally:
    """Of a layer and all samples.

    toggles : from neuron step to neuron step
    rows : of sums that are read and written for events
    every_cycle : bits that change, from one cycle to the next, in what the adders of sums give and
        in what the neurons' adders give; None of the reference, and where there are no neurons
    """

    operations: int
    words: int
    steps: int
    toggles: Toggles
    rows: int
    every_cycle: tuple[int | None, int | None] = (None, None)

    @property
    def exact(self) -> tuple[int | Toggles, ...]:
        """What is the same in RTL and reference."""
        return self.operations, self.words, self.steps, self.toggles


def count_rtl(design: Design, inputs: np.ndarray, folder: Path) -> list[Tally]:
    """Of every layer, the readout last, for all ``inputs``.

    folder : Path, where the simulation is built
    """
    groups = [group for number in range(len(design.network.layers))
              for group in (*_sequencers(design, number), _adders(design, number),
                            *_potentials(design, number))]
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


def _adders(design: Design, number: int) -> Group:
    """In every cycle, as the output port never waits: sums, and what the neurons do."""
    engine, layer = design.layout.blocks[number].synapses, _layer(design, number)
    raster = engine.geometry.raster
    place = f"{layer}.{'accumulator' if engine.geometry.places == 1 else 'places'}"
    signals = [_see(design, place, "op", _operation(engine).size),
               _see(design, place, "sums", raster.width * engine.sum_width)]
    if number < len(design.network.hidden):
        raster, probe = design.layout.layers[number].neurons.raster, design.probes[number]
        neurons = f"{layer}.neurons"
        word = spike_word(parallel=raster.width, rows=raster.rows).size
        signals += [probe.firing, probe.charged, _see(design, neurons, "words_valid", 1),
                    _see(design, neurons, "words", word)]
    return Group(f"{number} adders", _see(design, design.verilog.top, "m_axis_tready", 1),
                 tuple(signals))


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
    adders = seen[f"{number} adders"]
    return Tally(operations, words, parts[0][3],
                 _toggles(design, number, adders, seen.get(f"{number} potentials")), rows,
                 (_each_cycle(adders["sums"]),
                  _each_cycle(adders["charged"]) if "charged" in adders else None))


def _engine(block: Synapses, seen: dict[str, np.ndarray]) -> tuple[int, int, int, int]:
    """Operations, words of weights, rows of sums, and neuron steps of one engine."""
    op = seen["op"][:, 0]
    neurons = _in_fold(block.geometry.raster)[_field(block, op, "fold").astype(np.int64)]
    charging, stepping = _field(block, op, "charge") == 1, _steps(block, op)
    active = _active(seen["values"][charging], block)
    return (int((active * neurons[charging]).sum()), int(active.sum()), int(charging.sum()),
            int(neurons[stepping].sum()))


def _field(block: Synapses, op: np.ndarray, name: str) -> np.ndarray:
    part = _operation(block)[name]
    return op >> np.uint64(part.offset) & np.uint64((1 << part.width) - 1)


def _steps(block: Synapses, op: np.ndarray) -> np.ndarray:
    """Whether each operation lets its neurons step, bool (cycles,)."""
    return (_field(block, op, "step") == 1) & (_field(block, op, "sweep") == 0)


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


def _toggles(design: Design, number: int, adders: dict[str, np.ndarray],
             writes: dict[str, np.ndarray] | None) -> Toggles:
    assert (np.diff(adders["cycle"][:, 0]) == 1).all()
    engine = design.layout.blocks[number].synapses
    # Sums leave a cycle behind their operation.
    stepped = np.flatnonzero(_steps(engine, adders["op"][:, 0])) + 1
    sums = _by_rows(adders["sums"][stepped], engine.geometry.raster, engine.sum_width)
    if number == len(design.network.hidden):
        return Toggles(sums)
    raster = design.layout.layers[number].neurons.raster
    charged = adders["charged"][adders["firing"][:, 0] == 1]
    words = adders["words"][adders["words_valid"][:, 0] == 1]
    return Toggles(sums, _by_rows(charged, raster,
                                  design.layout.hidden_bounds[number].charged.width),
                   _by_rows(words, raster, 1),
                   None if writes is None else _stored(design, number, writes))


def _each_cycle(words: np.ndarray) -> int:
    """Bits of 64-bit words (cycles, words) that change from one cycle to the next."""
    return int(np.bitwise_count(words[1:] ^ words[:-1]).sum())


def _by_rows(words: np.ndarray, raster: Raster, width: int) -> int:
    """Bits that change from one step's row to the next, of neurons that there are; steps go over
    all rows in order.

    words : 64-bit words (steps, words), with ``width`` bits for each neuron of a row
    """
    bits = _there(words, raster, width, np.arange(len(words)))
    return int((bits[1:] ^ bits[:-1]).sum())


def _there(words: np.ndarray, raster: Raster, width: int, rows: np.ndarray) -> np.ndarray:
    """Bits (writes, bits of a row), 0 where a row has no neuron."""
    there = np.arange(raster.width) < _in_fold(raster)[rows % raster.folds, None]
    bits = _bits(words, raster.width * width).reshape(len(words), raster.width, width)
    return (bits & there[:, :, None]).reshape(len(words), -1)


def _stored(design: Design, number: int, writes: dict[str, np.ndarray]) -> int:
    """Bits that the writes change, of neurons that there are."""
    data, row = (writes.get(name) for name in ("write__data", "write__addr"))
    data = writes["write_data"] if data is None else data
    rows = np.zeros(len(data), np.int64) if row is None else row[:, 0].astype(np.int64)
    order = np.argsort(rows, kind="stable")
    ordered = _there(data, design.layout.layers[number].neurons.raster,
                     design.layout.hidden_bounds[number].carried.width, rows)[order]
    before = np.concatenate([np.zeros_like(ordered[:1]), ordered[:-1]])
    before[np.diff(rows[order], prepend=-1) != 0] = 0
    return int((ordered ^ before).sum())
