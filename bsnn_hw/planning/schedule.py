"""Lanes and parallel neurons of every layer, as a user gives them: checked, and laid out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.registry import (
    ENGINES,
    engine_problem,
    engines_of,
    find_engine,
    geometry_of,
    source_raster,
    takes_events,
)
from bsnn_hw.errors import InputError
from bsnn_hw.ir.layer import synapse_shortcuts
from bsnn_hw.ir.network import Conv, CurrentShortcut, Hidden, Network, Readout, SpikeShortcut
from bsnn_hw.ir.schedule import Engine, LayerPlan, Schedule
from bsnn_hw.layout.held import units_problem

__all__ = ["engine_problems", "joined_layers", "joins", "layer_layout", "make_schedule",
           "most_parallel", "parallel_problem"]


def make_schedule(network: Network, lanes: Sequence[int], parallel: Sequence[int],
                  engines: Sequence[Engine] | None = None,
                  places: Sequence[int] | None = None,
                  units: Sequence[int | None] | None = None) -> Schedule:
    """The schedule that the user asks for.

    engines : one per layer, events where not given; places : one per layer, 1 where not given
    units : one per layer, None where not given

    Raises
    ------
    InputError
        A count is missing or is one that its layer cannot have; all of them are named.
    """
    layers = network.layers
    engines = [Engine.EVENTS for _ in layers] if engines is None else engines
    places = [1 for _ in layers] if places is None else places
    units = [None for _ in layers] if units is None else units
    problems = [f"{what}: must have one {unit} per layer, {len(layers)} "
                f"({', '.join(layer.name for layer in layers)}), not {len(given)}"
                for what, unit, given in (("lanes", "number", lanes),
                                          ("parallel", "number", parallel),
                                          ("engine", "name", engines),
                                          ("places", "number", places),
                                          ("units", "number", units))
                if len(given) != len(layers)]
    problems = problems or [*_problems(network, lanes, parallel, engines),
                            *place_problems(network, engines, places),
                            *_unit_problems(network, parallel, units)]
    if problems:
        raise InputError("\n".join(problems))
    return Schedule(tuple(
        replace(layer_layout(network, number, count, parallel, engine, each).plan, units=own)
        for number, (count, engine, each, own) in enumerate(zip(
            lanes, engines, places, units, strict=True))))


def engine_problems(network: Network, engines: Sequence[Engine | None]) -> Iterator[str]:
    """Layers that cannot take what they are asked to; None asks for nothing."""
    for number, (layer, engine) in enumerate(zip(network.layers, engines, strict=True)):
        why = engine and engine_problem(network, number, engine)
        if engine and why:
            others = " or ".join(each.value for each in engines_of(network, number))
            yield f"layer '{layer.name}': engine must be {others}, not {engine.value}, as {why}"


def place_problems(network: Network, engines: Sequence[Engine],
                   places: Sequence[int]) -> Iterator[str]:
    """Layers that cannot charge so many places per cycle."""
    for number, (layer, engine, count) in enumerate(zip(network.layers, engines, places,
                                                        strict=True)):
        if engine_problem(network, number, engine) is None:
            choices = find_engine(network, number, engine).place_choices(network, number)
            if count not in choices:
                yield (f"layer '{layer.name}': places must be {' or '.join(map(str, choices))}, "
                       f"the output places of a line that one of its {engine.value} reaches, "
                       f"not {count}")


def _unit_problems(network: Network, parallel: Sequence[int],
                   units: Sequence[int | None]) -> Iterator[str]:
    """Layers whose neurons cannot step so many at a time, on sums that are held."""
    for number, (layer, wanted, count) in enumerate(zip(network.layers, parallel, units,
                                                        strict=True)):
        if count is None:
            continue
        if why := units_problem(network, number):
            yield f"layer '{layer.name}': units must not be given, as {why}"
        elif not 1 <= count <= wanted or wanted % count:
            yield (f"layer '{layer.name}': units must be a divisor of its parallel neurons, "
                   f"{wanted}, not {count}")


def _problems(network: Network, lanes: Sequence[int], parallel: Sequence[int],
              engines: Sequence[Engine]) -> Iterator[str]:
    yield from engine_problems(network, engines)
    for number, layer in enumerate(network.layers):
        if not engine_problem(network, number, engines[number]):
            kind = find_engine(network, number, engines[number])
            wanted = kind.lanes_problem(network, number, lanes[number], parallel)
            if wanted:
                yield (f"layer '{layer.name}': {kind.lanes_of} must be {wanted}, "
                       f"not {lanes[number]}")
        most = most_parallel(network, number)
        if not 1 <= parallel[number] <= most:
            what = "output channels" if isinstance(layer.synapse, Conv) else "neurons"
            yield (f"layer '{layer.name}': parallel must be 1..{most}, its {what}, "
                   f"not {parallel[number]}")
        elif wanted := parallel_problem(layer, parallel[number], engines[number]):
            yield f"layer '{layer.name}': parallel must {wanted}, not {parallel[number]}"
    for number, producer, why in joins(network):
        if parallel[number] != parallel[producer]:
            yield (f"layer '{network.layers[number].name}': parallel must be {parallel[producer]}, "
                   f"that of '{network.layers[producer].name}', as {why}, not {parallel[number]}")


def most_parallel(network: Network, number: int) -> int:
    """Neurons of layer ``number`` that can be updated side by side."""
    return network.layers[number].synapse.shape.channels


def parallel_problem(layer: Hidden | Readout, parallel: int,
                     engine: Engine | None = None) -> str | None:
    """What a layer's parallel neurons must be for its engines, unless they are.

    engine : of the layer's own synapses, None for any
    """
    found = [takes_events(part.synapse).parallel_problem(part.synapse, parallel)
             for part in (layer, *synapse_shortcuts(layer))]
    found += [kind.parallel_problem(layer.synapse, parallel) for kind in ENGINES
              if kind.takes is engine and kind.weighs(layer.synapse)]
    return next(filter(None, found), None)


def joins(network: Network) -> Iterator[tuple[int, int, str]]:
    """(layer, earlier layer, why) of those that must have the same parallel neurons: rows are
    carried from one to the other, or spikes of both come to one synapse."""
    words = {CurrentShortcut: "current", SpikeShortcut: "spikes"}
    for number, layer in enumerate(network.layers):
        for shortcut in layer.shortcuts:
            if type(shortcut) in words:
                yield (number, number - shortcut.back,
                       f"it adds its {words[type(shortcut)]} row by row")
        if isinstance(layer, Hidden) and layer.join:
            yield number, number - layer.join.back, "spikes of both are joined row by row"
        for part in (layer, *synapse_shortcuts(layer)):
            for each in part.summands:
                yield (number - part.back, number - each.back,
                       f"'{layer.name}' takes spikes of both")


def joined_layers(network: Network) -> list[list[int]]:
    """Layers that must have the same parallel neurons, in order of the first of each group."""
    group = list(range(len(network.layers)))
    for number, producer, _ in joins(network):
        old, new = group[number], group[producer]
        group = [new if each == old else each for each in group]
    together: dict[int, list[int]] = {}
    for number, each in enumerate(group):
        together.setdefault(each, []).append(number)
    return list(together.values())


def layer_layout(network: Network, number: int, lanes: int, parallel: Sequence[int],
                 engine: Engine = Engine.EVENTS, places: int = 1) -> Geometry:
    """Layer ``number`` laid out with so many lanes, the layers' parallel neurons being given.

    Lanes are shared where that is as fast and the copies of the weights are affordable.
    """
    layer = network.layers[number]
    source = source_raster(network, parallel, lanes, number, layer.back, layer.pool)
    plan = LayerPlan(lanes, parallel[number], engine=engine, places=places)
    geometry = geometry_of(layer.synapse, source, plan)
    if number >= layer.back and lanes > 1:
        shared = geometry_of(layer.synapse, source, replace(plan, shared=True))
        if shared.worth_sharing(layer.synapse.weight_bits):
            return shared
    return geometry
