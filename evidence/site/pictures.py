"""The pictures of docs/concepts.md, from the code that they explain.

``python -m evidence.site.pictures`` writes them into docs/pictures/.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evidence.site.svg import arrow, box, label, line, picture, polyline

__all__ = ["PICTURES", "main"]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
SUMS = (2, 1, 3, 0, 4, 1, 1, 2)  # of one neuron, per timestep
THRESHOLD = 4
KINDS = ("one", "two", "three")


def promise() -> str:
    """From real numbers to the comparison of reference and circuit."""
    def stage(x: int, y: int, name: str, what: str, kind: str = "box") -> Iterator[str]:
        yield box(x, y, 128, 52, kind)
        yield label(x + 64, y + 22, name, "bold")
        yield label(x + 64, y + 40, what, "soft")

    parts = [*stage(16, 84, "model", "real numbers"), arrow(144, 110, 264, 110),
             label(204, 100, "lower", "bold"), label(204, 132, "what is lost", "soft"),
             label(204, 150, "is measured", "soft"), *stage(266, 84, "network", "integers", "one"),
             label(330, 156, "nothing is lost", "soft"), label(330, 174, "from here on", "soft"),
             arrow(394, 100, 460, 60), arrow(394, 120, 460, 162),
             *stage(462, 24, "reference", "torch"), *stage(462, 144, "circuit", "Verilog"),
             arrow(590, 60, 638, 100), arrow(590, 162, 638, 120),
             *stage(640, 84, "verify", "all equal", "three")]
    return picture(784, 220, "Lowering is measured; circuit and reference are equal", parts)


def _potentials() -> list[tuple[float, bool, float]]:
    """(charged, fired, settled) of the reference's neuron at each of `SUMS`, leak a half."""
    import torch

    from bsnn_hw.ir.network import Comparison, NeuronSpec, Reset
    from bsnn_hw.reference.neuron import advance, at_rest, charge

    steps = len(SUMS)
    spec = NeuronSpec(1, 1, np.array([0] + [1] * (steps - 1)), np.zeros((steps, 1), np.int64),
                      np.full((steps, 1), 2 * THRESHOLD), Reset.HARD, Comparison.AT_LEAST)
    state, found = at_rest(torch.zeros((1, 1), dtype=torch.int64)), []
    for timestep, total in enumerate(SUMS):
        current = charge(spec, timestep, torch.tensor([[total]]))
        charged, state = advance(spec, timestep, state, current)
        found.append((charged.item() / 2, bool(state.fired.item()), state.potential.item() / 2))
    return found


def neuron() -> str:
    """A membrane potential over the timesteps."""
    left, wide, floor, unit = 96, 76, 200, 32
    parts = [line(left, floor, left + wide * len(SUMS), floor),
             line(left, floor - THRESHOLD * unit, left + wide * len(SUMS),
                  floor - THRESHOLD * unit, "mark"),
             label(left - 8, floor - THRESHOLD * unit + 4, "threshold 4", anchor="end"),
             label(left - 8, floor + 4, "0", anchor="end"),
             label(left - 8, floor + 24, "timestep", "soft", "end"),
             label(left - 8, floor + 44, "sum", "soft", "end"),
             label(left - 8, floor + 64, "spike", "soft", "end")]
    points = [(float(left), float(floor))]
    for timestep, (charged, fired, settled) in enumerate(_potentials()):
        middle, end = left + wide * timestep + wide / 2, left + wide * (timestep + 1)
        points += [(middle - 12, points[-1][1]), (middle, floor - charged * unit),
                   (middle + 12, floor - settled * unit), (end, floor - settled * unit)]
        parts += [label(middle, floor + 24, str(timestep), "soft"),
                  label(middle, floor + 44, f"+{SUMS[timestep]}"),
                  label(middle, floor + 64, "1" if fired else "0", "bold" if fired else "soft")]
        if fired:
            parts += [line(middle, 40, middle, 20, "mark"), label(middle + 6, 34, "spike",
                                                                 anchor="start")]
    return picture(left + wide * len(SUMS) + 20, floor + 80,
                   "The potential leaks by half, takes the sum, fires at the threshold",
                   [*parts, polyline(points)])


def lanes() -> str:
    """Inputs dealt to lanes, neurons in folds, by the engine's own address map."""
    from bsnn_hw.engines.dense_events import DenseEvents

    layer = DenseEvents.flat(inputs=8, source_width=8, neurons=6, lanes=2, parallel=3)
    lane, row = (found.tolist() for found in layer.lane_row(np.arange(layer.inputs)))
    parts = [label(60, 28, "inputs", "bold")]
    for index in range(layer.inputs):
        y = 44 + 28 * index
        parts += [box(24, y, 72, 20, KINDS[lane[index]]), label(60, y + 15, f"input {index}")]
    for number in range(layer.lanes):
        parts += list(_bank(layer, number, [index for index in range(layer.inputs)
                                            if lane[index] == number], row))
    parts += list(_neurons(layer))
    return picture(772, 320, "Two lanes, three parallel neurons, two folds", parts)


def _bank(layer, number: int, inputs: list[int], row: list[int]) -> Iterator[str]:
    """The weight memory of a lane: a word of ``parallel`` weights for each input and fold."""
    top, left = 44 + 122 * number, 180
    kind = KINDS[number]
    yield label(left + 120, top - 16, f"lane {number}: its weights", "bold")
    yield arrow(100, top + 46, left - 28, top + 46)
    for index in inputs:
        y = top + 22 * row[index]
        for fold in range(layer.folds):
            for place in range(layer.parallel):
                yield box(left + 124 * fold + 36 * place, y, 34, 18,
                          kind if fold == 0 and row[index] == 1 else "box")
        yield label(left - 12, y + 14, str(index), "soft")
    for fold in range(layer.folds if number == layer.lanes - 1 else 0):
        yield label(left + 124 * fold + 53, top + 108, f"fold {fold}", "soft")
    yield arrow(left + 240, top + 46, 480, 150)


def _neurons(layer) -> Iterator[str]:
    yield box(484, 104, 92, 92)
    yield label(530, 134, "Σ ±1", "bold")
    yield label(530, 156, "2 lanes by", "soft")
    yield label(530, 174, "3 parallel", "soft")
    yield arrow(576, 150, 612, 150)
    yield label(682, 60, "sums of neurons", "bold")
    for neuron in range(layer.neurons):
        fold, place = divmod(neuron, layer.parallel)
        x, y = 620 + 66 * fold, 78 + 52 * place
        yield box(x, y, 58, 40, "three" if fold == 0 else "box")
        yield label(x + 29, y + 25, f"n {neuron}")
    for fold in range(layer.folds):
        yield label(649 + 66 * fold, 248, f"fold {fold}", "soft")
    yield label(386, 304, "Coloured: what one cycle reads and adds, events of inputs 2 and 3 at "
                "fold 0", "soft")


def pipeline() -> str:
    """Timesteps of the digits example's layers over time."""
    names, spans = _spans()
    last = max(end for layer in spans for _, end, _ in layer)
    left, wide = 84, 640
    parts = [label(left + wide, 190, f"{last:,.0f} cycles", "soft", "end"),
             label(left, 190, "0", "soft"), arrow(left, 170, left + wide, 170)]
    for number, (name, layer) in enumerate(zip(names, spans, strict=True)):
        y = 24 + 46 * number
        parts.append(label(left - 10, y + 21, name, "bold", "end"))
        for start, end, words in layer:
            x, width = left + wide * start / last, wide * (end - start) / last
            parts.append(box(x, y, max(width - 1, 1), 32, KINDS[number]))
            if width > 30:
                parts.append(label(x + width / 2, y + 21, words))
    return picture(left + wide + 20, 208, "Layers work on different timesteps at once", parts)


def _spans() -> tuple[list[str], list[list[tuple[float, float, str]]]]:
    """Layer names, and of each layer (start, end, words) in cycles: a layer begins a timestep
    when the layer before has ended it."""
    import bsnn_hw
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.cycles import walk
    from bsnn_hw.reference.network import run

    lowered = bsnn_hw.lower(bsnn_hw.load(ROOT / "examples" / "digits_fc.pt"))
    blocks = bsnn_hw.layout(lowered, bsnn_hw.plan(lowered, target="ecp5-25k",
                                                  goal="fps=50000")).blocks
    network, samples = lowered.network, lowered.calibration
    assert samples is not None
    activity = measure_activity(network, samples, run(network, samples))
    spans: list[list[tuple[float, float, str]]] = []
    for block, seen in zip(blocks, activity, strict=True):
        geometry = block.synapses.geometry
        walks = (walk(geometry, seen.feed).mean(axis=0) * geometry.folds).tolist()
        before = [end for _, end, words in spans[-1] if words != "sums"] if spans else []
        spans.append(list(_layer(walks, geometry.raster.rows, before, network.timesteps)))
    return [layer.name for layer in network.layers], spans


def _layer(walks: list[float], rows: int, before: list[float],
           timesteps: int) -> Iterator[tuple[float, float, str]]:
    now = 0.0
    if len(walks) < timesteps:  # static input: its sums are made once
        yield 0.0, walks[0], "sums"
        now, walks = walks[0], [0.0] * timesteps
    for timestep, walked in enumerate(walks):
        start = max(now, before[timestep] if before else 0.0)
        now = start + walked + rows
        yield start, now, f"t={timestep}"


PICTURES = {"promise": promise, "neuron": neuron, "lanes": lanes, "pipeline": pipeline}


def main() -> int:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"concept_{name}.svg").write_text(draw(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
