"""The network as a picture: a box for each layer from top to bottom, and an arc for every way past
the layers between."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.emission.design import Design
from bsnn_hw.ir.layer import summed
from bsnn_hw.ir.network import CurrentShortcut, Hidden, SpikeShortcut, SynapseShortcut
from bsnn_hw.ir.wording import (
    feature_map,
    join_words,
    lane_count,
    layer_kind,
    parallel_count,
    synapse_kind,
)

__all__ = ["Arc", "Box", "Drawing", "draw"]

WIDTH, BOX, GAP = 490, 94, 22
LEFT, WIDE = 8, 340
NEAREST, FARTHEST = 30, 120  # of an arc from the boxes


@dataclass(frozen=True)
class Line:
    """Text at a height within its box."""

    y: int
    text: str


@dataclass(frozen=True)
class Box:
    """A layer, or the input: its name and lines of text below."""

    y: float
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Arc:
    """From one box's right side to another's, as an SVG path."""

    path: str
    words: str


@dataclass(frozen=True)
class Drawing:
    """Boxes of one size, the arrows between neighbours in their ``middle``, and the arcs."""

    width: int
    height: int
    left: int
    wide: int
    box: int
    middle: int
    boxes: tuple[Box, ...]
    arrows: tuple[tuple[float, float], ...]
    arcs: tuple[Arc, ...]


def draw(design: Design) -> Drawing:
    """The picture of a design's network and plan."""
    network, entry = design.network, design.network.input
    boxes = [_box(0, "input", (
        f"{feature_map(entry.features)}, {entry.bits} bit", f"{entry.coding.value} coding",
        f"{design.port.value} at the port", f"{network.timesteps} timestep(s)"))]
    boxes += [_box(number, layer.name, _texts(design, number - 1))
              for number, layer in enumerate(network.layers, 1)]
    read = {number: number - layer.back for number, layer in enumerate(network.layers)}
    arrows = tuple((boxes[number].y + BOX, boxes[number + 1].y) for number in read
                   if read[number] == number - 1)
    return Drawing(WIDTH, len(boxes) * (BOX + GAP), LEFT, WIDE, BOX, LEFT + WIDE // 2,
                   tuple(boxes), arrows, tuple(_arcs(network, boxes)))


def _box(place, name, texts):
    lines = tuple(Line(38 + 16 * number, text) for number, text in enumerate(texts))
    return Box(GAP // 2 + place * (BOX + GAP), name, lines)


def _texts(design, number):
    layer, geometry = design.network.layers[number], design.geometries[number]
    synapse, plan = layer.synapse, design.schedule.layers[number]
    yield f"{layer_kind(layer)}, {feature_map(geometry.source.shape)} to {feature_map(layer.shape)}"
    yield f"{synapse.weights.size:,} weights of {synapse.weight_bits} bit"
    hidden = number < len(design.network.hidden)
    bounds = design.layout.hidden_bounds[number] if hidden else design.layout.readout_bounds
    state = f"membranes {bounds.charged.width}" if hidden else f"scores {bounds.score.width}"
    yield (f"{plan.engine.value}: {lane_count(geometry.lanes, geometry.places)} lane(s) x "
           f"{parallel_count(plan.parallel, plan.units)} parallel, {geometry.folds} fold(s)")
    yield f"sums {bounds.acc.width} bit, {state} bit"


def _arcs(network, boxes):
    for number, layer in enumerate(network.layers):
        ways = [(back, "takes spikes") for back in summed(layer) if back > 1]
        for shortcut in layer.shortcuts:
            what = ("current" if isinstance(shortcut, CurrentShortcut) else
                    "spikes" if isinstance(shortcut, SpikeShortcut) else
                    synapse_kind(shortcut.synapse, shortcut.pool))
            further = (shortcut.summands if isinstance(shortcut, SynapseShortcut) else ())
            ways += [(back, f"adds {what}") for back in
                     (shortcut.back, *(each.back for each in further))]
        if isinstance(layer, Hidden) and layer.join:
            ways.append((layer.join.back, f"gives {join_words(layer.join)}"))
        for place, (back, words) in enumerate(ways):
            producer = boxes[number + 1 - back]
            start = producer.y + 2 * BOX // 3
            down = boxes[number + 1].y + BOX // 4 + 9 * place - start
            bend = min(FARTHEST, NEAREST + 14 * back)
            whose = producer.name if back else "its own spikes, a timestep back"
            yield Arc(f"M{LEFT + WIDE} {start}h8c{bend} 0 {bend} {down} 0 {down}h-8",
                      f"{layer.name} {words} of {whose}")
