"""``python -m evidence.operations_rtl``: what the RTL does for an inference, counted in it.

Samples of each example stream through the Verilated design, back to back, while its sequencers and
its memories of potentials are watched.  Synaptic operations, words of weights read for an event,
neuron steps and bits that change in the potentials must be what the reference counts.  A row of
sums is read and written for a group of events; the reference counts full groups, and an engine that
is quicker than what feeds it may take some that are not, so there it is a lower end.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, MismatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from bsnn_hw.emission.design import Design
    from bsnn_hw.ir.raster import Raster
    from bsnn_hw.layout.blocks import Synapses
    from bsnn_hw.reference.network import Trace
    from bsnn_hw.sim.native import Group
    from bsnn_hw.verilog.write import Observed

__all__ = ["Tally", "check", "count_rtl", "main", "reference_tallies"]

ROOT = Path(__file__).parents[1]
EXAMPLES = ("digits_fc", "fashion_mnist_fc", "fashion_mnist_conv")
MOST_ROWS = 1.05  # of the reference's


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


def reference_tallies(design: Design, inputs: np.ndarray, trace: Trace) -> list[Tally]:
    """Of every layer, the readout last."""
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.cycles import passes, walk
    from bsnn_hw.reporting.activity import count, engines, weight_words
    from bsnn_hw.reporting.toggles import toggled

    network, samples = design.network, len(inputs)
    activity = measure_activity(network, inputs, trace, design.port)
    changes: list[int | None] = list(toggled(design.layout, trace)) if network.timesteps > 1 else []
    changes += [None] * (len(network.layers) - len(changes))
    found = []
    for number, counts in enumerate(count(design.layout, activity)):
        fed = list(engines(design.layout, activity, number))
        neurons = fed[0][0].geometry.raster.shape.size
        found.append(Tally(
            round(counts.operations * samples),
            round(sum(weight_words(*each) for each in fed) * samples),
            passes(network, number) * neurons * samples, changes[number],
            round(sum(float(walk(engine.geometry, feed).sum()) * engine.geometry.folds
                      for engine, feed in fed))))
    return found


def count_rtl(design: Design, inputs: np.ndarray, folder: Path) -> list[Tally]:
    """The same, seen in the Verilated design; built in ``folder``."""
    from bsnn_hw.ports.registry import PORTS
    from bsnn_hw.sim.native import build_native
    from bsnn_hw.sim.native_run import run_native
    from bsnn_hw.verification.native import input_beats

    groups = [group for number in range(len(design.network.layers))
              for group in (*_sequencers(design, number), *_potentials(design, number))]
    model = build_native(design.verilog.paths, design.verilog.top, folder, groups)
    seen = run_native(model, input_beats(design, inputs), len(inputs),
                      packet_beats=PORTS[design.port].answer_beats(design.network)).groups
    return [_tally(design, number, seen) for number in range(len(design.network.layers))]


def _blocks(design: Design, number: int) -> Iterator[tuple[str, Synapses]]:
    """Each engine of a layer, with what its components' names end with."""
    from bsnn_hw.layout.blocks import Layer, Synapses

    block = design.layout.blocks[number]
    yield "", block.synapses
    for place, each in enumerate(block.shortcuts if isinstance(block, Layer) else ()):
        if isinstance(each, Synapses):
            yield f"_{place}", each


def _see(design: Design, place: str, signal: str, width: int) -> Observed:
    from bsnn_hw.verilog.write import Observed

    return Observed(place, design.verilog.modules[place], signal, width)


def _layer(design: Design, number: int) -> str:
    """A layer's path in the Verilog."""
    name = f".layer_{design.network.layers[number].name}"
    return next(path for path in design.verilog.modules if path.endswith(name))


def _operation(block: Synapses):
    from bsnn_hw.hdl.formats import operation

    raster = block.geometry.raster
    return operation(folds=raster.folds, timesteps=block.timesteps, rows=raster.rows)


def _sequencers(design: Design, number: int) -> Iterator[Group]:
    """What each engine starts in a cycle, and the values of its lanes."""
    from bsnn_hw.sim.native import Group

    for suffix, block in _blocks(design, number):
        place = f"{_layer(design, number)}.sequencer{suffix}"
        values = block.geometry.lanes * block.max_value.bit_length()
        yield Group(f"{number}{suffix}", _see(design, place, "advance", 1),
                    (_see(design, place, "op", _operation(block).size),
                     _see(design, place, "values", values)))


def _potentials(design: Design, number: int) -> Iterator[Group]:
    """What a layer's memory of potentials is written with."""
    from bsnn_hw.hdl.formats import index_width
    from bsnn_hw.sim.native import Group

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
    import numpy as np

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
    import numpy as np

    return np.minimum(raster.width,
                      raster.shape.channels - np.arange(raster.folds) * raster.width)


def _active(values: np.ndarray, block: Synapses) -> np.ndarray:
    """Lanes with an event, (cycles,), of ``values``, 64-bit words (cycles, words)."""
    lanes, bits = block.geometry.lanes, block.max_value.bit_length()
    return _bits(values, lanes * bits).reshape(len(values), lanes, bits).any(axis=2).sum(axis=1)


def _bits(words: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` bits of rows of 64-bit words, low end first."""
    import numpy as np

    octets = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
    return np.unpackbits(octets.reshape(len(words), -1), axis=1, bitorder="little")[:, :count]


def _toggles(design: Design, number: int, writes: dict[str, np.ndarray]) -> int:
    """Bits that the writes change, of neurons that there are."""
    import numpy as np

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


def check(design: Design, inputs: np.ndarray, folder: Path) -> list[tuple[Tally, Tally]]:
    """(RTL, reference) of every layer.

    Raises
    ------
    MismatchError
        A count is not the reference's.
    """
    from bsnn_hw.reference.network import run

    found = list(zip(count_rtl(design, inputs, folder),
                     reference_tallies(design, inputs, run(design.network, inputs)), strict=True))
    for layer, (rtl, reference) in zip(design.network.layers, found, strict=True):
        if rtl.exact != reference.exact:
            raise MismatchError(f"layer {layer.name}: RTL {rtl}, reference {reference}")
        if not reference.rows <= rtl.rows <= MOST_ROWS * reference.rows:
            raise MismatchError(f"layer {layer.name}: rows of sums must be {reference.rows:,} or "
                                f"up to {MOST_ROWS} times as many, not {rtl.rows:,} in RTL")
    return found


def _report(model: Path, count: int, folder: Path) -> list[str]:
    """Lines about one example."""
    from bsnn_hw import emit, load, lower, plan
    from bsnn_hw.text import table

    lowered = lower(load(model))
    design = emit(lowered, plan(lowered), folder / "bundle", vectors=1)
    assert lowered.calibration is not None  # an example has samples
    inputs = lowered.calibration[:count]
    rows = [["layer", "operations", "weight words", "neuron steps", "bits changed", "sum rows",
             "reference"]]
    for layer, (rtl, reference) in zip(design.network.layers,
                                       check(design, inputs, folder / "build"), strict=True):
        toggles = "" if rtl.toggles is None else f"{rtl.toggles / count:,.2f}"
        rows.append([layer.name, *(f"{each / count:,.2f}" for each in
                                   (rtl.operations, rtl.words, rtl.steps)), toggles,
                     f"{rtl.rows / count:,.2f}", f"{reference.rows / count:,.2f}"])
    return [f"{model.stem}: {count} samples, counted in RTL, per inference; synaptic operations, "
            "words of weights, neuron steps and changed bits of potentials are the reference's",
            table(rows)]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder

    if options.samples < 1:
        raise BsnnError(f"--samples: must be 1 or more, not {options.samples}")
    for model in options.model or [ROOT / f"examples/{name}.pt" for name in EXAMPLES]:
        with scratch_folder() as folder:
            print("\n".join(_report(model, options.samples, folder)), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.operations_rtl",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", type=Path, action="append", metavar="FILE",
                        help="model file, may be given again (default: the examples "
                             f"{', '.join(EXAMPLES)})")
    parser.add_argument("--samples", type=int, default=100, metavar="N",
                        help="of each (default: 100)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
