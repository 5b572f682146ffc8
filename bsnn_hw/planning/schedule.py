"""Lanes and parallel neurons of every layer, as a user gives them: checked, and laid out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.memory import bank_parts, block_rams
from bsnn_hw.ir.network import Conv, CurrentShortcut, Network, SpikeShortcut
from bsnn_hw.ir.schedule import (
    Engine,
    Geometry,
    LayerGeometry,
    LayerPlan,
    Schedule,
    geometry_of,
    source_raster,
)
from bsnn_hw.ir.words import WordGeometry
from bsnn_hw.planning.words import lanes_problem, words_problem

__all__ = ["engine_problems", "joined_layers", "joins", "layer_layout", "make_schedule",
           "most_lanes", "most_parallel", "plan_of"]

BLOCK_RAM_BITS = 16 * 1024
COPY_BLOCKS = 16  # block RAMs that the further copies of a convolution's weights may take
ENCODER_SLACK = 1.1  # of a convolution's cycles, where events reach fewer places than it has lanes


def make_schedule(network: Network, lanes: Sequence[int], parallel: Sequence[int],
                  engines: Sequence[Engine] | None = None) -> Schedule:
    """The schedule that the user asks for.

    engines : one per layer, events where not given

    Raises
    ------
    InputError
        A count is missing or is one that its layer cannot have; all of them are named.
    """
    layers = network.layers
    engines = [Engine.EVENTS for _ in layers] if engines is None else engines
    problems = [f"{what}: must have one {unit} per layer, {len(layers)} "
                f"({', '.join(layer.name for layer in layers)}), not {len(given)}"
                for what, unit, given in (("lanes", "number", lanes),
                                          ("parallel", "number", parallel),
                                          ("engine", "name", engines))
                if len(given) != len(layers)]
    problems = problems or list(_problems(network, lanes, parallel, engines))
    if problems:
        raise InputError("\n".join(problems))
    return Schedule(tuple(plan_of(layer_layout(network, number, count, parallel, engine))
                          for number, (count, engine) in enumerate(zip(lanes, engines,
                                                                       strict=True))))


def engine_problems(network: Network, engines: Sequence[Engine | None]) -> Iterator[str]:
    """Layers that cannot take what they are asked to; None asks for nothing."""
    for number, (layer, engine) in enumerate(zip(network.layers, engines, strict=True)):
        why = words_problem(network, number) if engine is Engine.WORDS else None
        if why:
            yield f"layer '{layer.name}': engine must be events, not words, as {why}"


def _problems(network: Network, lanes: Sequence[int], parallel: Sequence[int],
              engines: Sequence[Engine]) -> Iterator[str]:
    yield from engine_problems(network, engines)
    for number, layer in enumerate(network.layers):
        width, source = most_lanes(network, number, parallel)
        if engines[number] is Engine.WORDS:
            wanted = lanes_problem(network, number, lanes[number], parallel)
            if wanted:
                yield (f"layer '{layer.name}': lanes of words must be {wanted}, "
                       f"not {lanes[number]}")
        elif not 1 <= lanes[number] <= width:
            yield (f"layer '{layer.name}': lanes must be 1..{width}, the {source}, "
                   f"not {lanes[number]}")
        most = most_parallel(network, number)
        if not 1 <= parallel[number] <= most:
            what = "output channels" if isinstance(layer.synapse, Conv) else "neurons"
            yield (f"layer '{layer.name}': parallel must be 1..{most}, its {what}, "
                   f"not {parallel[number]}")
    for number, giver, what in joins(network):
        if parallel[number] != parallel[giver]:
            yield (f"layer '{network.layers[number].name}': parallel must be {parallel[giver]}, "
                   f"that of '{network.layers[giver].name}', as it adds its {what} row by row, "
                   f"not {parallel[number]}")


def most_lanes(network: Network, number: int, parallel: Sequence[int]) -> tuple[int, str]:
    """How many lanes layer ``number`` can have, and what these are."""
    layer = network.layers[number]
    giver = number - layer.back
    if giver >= 0:
        return max(1, parallel[giver]), f"parallel neurons of '{network.layers[giver].name}'"
    if isinstance(layer.synapse, Conv):
        return network.input.features.channels, "input's channels"
    return network.input.size, "inputs"


def most_parallel(network: Network, number: int) -> int:
    """Neurons of layer ``number`` that can be updated side by side."""
    return network.layers[number].synapse.shape.channels


def joins(network: Network) -> Iterator[tuple[int, int, str]]:
    """(layer, giver, what it adds) of the shortcuts that carry rows, so that both layers must have
    the same parallel neurons."""
    words = {CurrentShortcut: "current", SpikeShortcut: "spikes"}
    for number, layer in enumerate(network.hidden):
        for shortcut in layer.shortcuts:
            if type(shortcut) in words:
                yield number, number - shortcut.back, words[type(shortcut)]


def joined_layers(network: Network) -> list[list[int]]:
    """Layers that must have the same parallel neurons, in order of the first of each group."""
    group = list(range(len(network.layers)))
    for number, giver, _ in joins(network):
        old, new = group[number], group[giver]
        group = [new if each == old else each for each in group]
    together: dict[int, list[int]] = {}
    for number, each in enumerate(group):
        together.setdefault(each, []).append(number)
    return list(together.values())


def layer_layout(network: Network, number: int, lanes: int, parallel: Sequence[int],
                 engine: Engine = Engine.EVENTS) -> Geometry:
    """Geometry of layer ``number`` with so many lanes, the layers' parallel neurons being given.

    Lanes are shared where one encoder keeps up and the copies of the weights are affordable.
    """
    layer = network.layers[number]
    source = source_raster(network, Schedule(tuple(LayerPlan(lanes, p) for p in parallel)),
                           number, layer.back, layer.pool)
    if engine is Engine.WORDS:
        return geometry_of(layer.synapse, source, LayerPlan(lanes, parallel[number], engine=engine))
    if number >= layer.back and lanes > 1:
        shared = geometry_of(layer.synapse, source, LayerPlan(lanes, parallel[number], True))
        assert not isinstance(shared, WordGeometry)
        if _keeps_up(shared) and _affordable(shared, layer.synapse.weight_bits):
            return shared
    return geometry_of(layer.synapse, source, LayerPlan(lanes, parallel[number]))


def _keeps_up(geometry: LayerGeometry | ConvGeometry) -> bool:
    """Whether an encoder that gives an event a cycle keeps shared lanes busy."""
    if isinstance(geometry, LayerGeometry):
        return geometry.lanes <= geometry.folds
    walks = geometry.reach * geometry.folds
    waits = np.maximum(walks, geometry.lanes * (walks > 0))
    return bool(waits.sum() <= ENCODER_SLACK * walks.sum())


def _affordable(geometry: Geometry, weight_bits: int) -> bool:
    """Whether shared lanes may have their copies of the weights, one for two lanes."""
    width = geometry.parallel * weight_bits
    if isinstance(geometry, LayerGeometry):
        return geometry.depth * width <= BLOCK_RAM_BITS
    copies = -(-geometry.lanes // 2) - 1
    return copies * sum(block_rams(part, width, 2) for part in
                        bank_parts(geometry.depth, width, 2)) <= COPY_BLOCKS


def plan_of(geometry: Geometry) -> LayerPlan:
    """The plan that leads to ``geometry``."""
    engine = Engine.WORDS if isinstance(geometry, WordGeometry) else Engine.EVENTS
    return LayerPlan(geometry.lanes, geometry.parallel, geometry.shared, engine)
