"""The network as a picture: a box for each layer from top to bottom, and an arc for every way past
the layers between."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.emission.design import Design
from bsnn_hw.ir.network import CurrentShortcut, SpikeShortcut
from bsnn_hw.text import feature_map, synapse_kind

__all__ = ["Arc", "Box", "Drawing", "draw"]

WIDTH, BOX, GAP = 640, 62, 22
LEFT, WIDE = 8, 500
NEAREST, FARTHEST = 30, 120  # of an arc from the boxes


@dataclass(frozen=True)
class Box:
    """A layer, or the input: its name and lines of text below."""

    y: float
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Arc:
    """From one box's right side to another's; ``bend`` is how far it goes out."""

    start: float
    end: float
    bend: float
    words: str


@dataclass(frozen=True)
class Drawing:
    """Boxes of one width, the arrows between neighbours, and the arcs."""

    width: int
    height: int
    left: int
    wide: int
    box: int
    boxes: tuple[Box, ...]
    arrows: tuple[tuple[float, float], ...]
    arcs: tuple[Arc, ...]


def draw(design: Design) -> Drawing:
    """The picture of a design's network and plan."""
    network, entry = design.network, design.network.input
    boxes = [Box(GAP / 2, "input", (
        f"{feature_map(entry.features)}, {entry.bits} bit, {entry.coding.value} coding",
        f"{design.port.value} at the port, {network.timesteps} timestep(s)"))]
    boxes += [Box(GAP / 2 + (number + 1) * (BOX + GAP), layer.name, tuple(_lines(design, number)))
              for number, layer in enumerate(network.layers)]
    read = {number: number - layer.back for number, layer in enumerate(network.layers)}
    arrows = tuple((boxes[number].y + BOX, boxes[number + 1].y) for number in read
                   if read[number] == number - 1)
    return Drawing(WIDTH, int(len(boxes) * (BOX + GAP)), LEFT, WIDE, BOX, tuple(boxes), arrows,
                   tuple(_arcs(network, boxes)))


def _lines(design, number):
    layer, geometry = design.network.layers[number], design.geometries[number]
    synapse, plan = layer.synapse, design.schedule.layers[number]
    yield (f"{synapse_kind(synapse, layer.pool)}, {feature_map(geometry.source.shape)} to "
           f"{feature_map(synapse.shape)}, {synapse.weights.size:,} weights of "
           f"{synapse.weight_bits} bit")
    hidden = number < len(design.network.hidden)
    bounds = design.hidden_bounds[number] if hidden else design.readout_bounds
    state = f"membranes {bounds.charged.width}" if hidden else f"scores {bounds.score.width}"
    yield (f"{plan.engine.value}: {geometry.lanes} lane(s) x {geometry.parallel} parallel, "
           f"{geometry.folds} fold(s); sums {bounds.acc.width} bit, {state} bit")


def _arcs(network, boxes):
    for number, layer in enumerate(network.layers):
        ways = [(layer.back, "spikes")] if layer.back > 1 else []
        for shortcut in getattr(layer, "shortcuts", ()):
            what = ("current" if isinstance(shortcut, CurrentShortcut) else
                    "spikes" if isinstance(shortcut, SpikeShortcut) else
                    synapse_kind(shortcut.synapse, shortcut.pool))
            ways.append((shortcut.back, f"adds {what}"))
        for place, (back, words) in enumerate(ways):
            giver = boxes[number + 1 - back]
            yield Arc(giver.y + BOX * 0.6, boxes[number + 1].y + BOX * (0.3 + 0.15 * place),
                      min(FARTHEST, NEAREST + 14 * back), f"{words} of {giver.name}")
