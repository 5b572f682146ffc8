"""Lanes and parallel neurons of every layer, as a user gives them: checked, and laid out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Conv, CurrentShortcut, Network, SpikeShortcut
from bsnn_hw.ir.schedule import (
    Geometry,
    LayerGeometry,
    LayerPlan,
    Schedule,
    geometry_of,
    source_raster,
)

__all__ = ["joins", "layer_layout", "make_schedule", "most_lanes",
           "most_parallel", "plan_of"]

BLOCK_RAM_BITS = 16 * 1024


def make_schedule(network: Network, lanes: Sequence[int], parallel: Sequence[int]) -> Schedule:
    """The schedule that the user asks for.

    Raises
    ------
    InputError
        A count is missing or is one that its layer cannot have; all of them are named.
    """
    layers = network.layers
    problems = [f"{what}: must have one number per layer, {len(layers)} "
                f"({', '.join(layer.name for layer in layers)}), not {len(numbers)}"
                for what, numbers in (("lanes", lanes), ("parallel", parallel))
                if len(numbers) != len(layers)]
    problems = problems or list(_problems(network, lanes, parallel))
    if problems:
        raise InputError("\n".join(problems))
    return Schedule(tuple(plan_of(layer_layout(network, number, count, parallel))
                          for number, count in enumerate(lanes)))


def _problems(network: Network, lanes: Sequence[int], parallel: Sequence[int]) -> Iterator[str]:
    for number, layer in enumerate(network.layers):
        width, source = most_lanes(network, number, parallel)
        if not 1 <= lanes[number] <= width:
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


def layer_layout(network: Network, number: int, lanes: int,
                 parallel: Sequence[int]) -> Geometry:
    """Geometry of layer ``number`` with so many lanes, the layers' parallel neurons being given.

    Lanes are shared where the copies of the weights fit a block RAM each and one encoder keeps up.
    """
    layer = network.layers[number]
    source = source_raster(network, Schedule(tuple(LayerPlan(lanes, p) for p in parallel)),
                           number, layer.back, layer.pool)
    shared = geometry_of(layer.synapse, source, LayerPlan(lanes, parallel[number], True))
    if (isinstance(shared, LayerGeometry) and number >= layer.back
            and 1 < lanes <= shared.folds
            and shared.depth * parallel[number] * layer.synapse.weight_bits <= BLOCK_RAM_BITS):
        return shared
    return geometry_of(layer.synapse, source, LayerPlan(lanes, parallel[number]))


def plan_of(geometry: Geometry) -> LayerPlan:
    """The plan that leads to ``geometry``."""
    return LayerPlan(geometry.lanes, geometry.parallel, geometry.shared)
