"""All engines, and the layers of a network laid out for those that a plan names."""

from __future__ import annotations

from collections.abc import Sequence

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_unrolled import DenseUnrolled
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.network import Network, Pool, Shape, Synapse, SynapseShortcut
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Engine, LayerPlan, Schedule

__all__ = ["ENGINES", "engine_problem", "engines_of", "find_engine", "geometry_of",
           "network_geometries", "shortcut_geometries", "source_raster", "takes_events"]

ENGINES: tuple[type[Geometry], ...] = (DenseEvents, ConvEvents, DenseWords, ConvLines,
                                      ConvGroups, DenseUnrolled)


def engine_problem(network: Network, number: int, engine: Engine) -> str | None:
    """Why layer ``number`` cannot have ``engine``; None where it can."""
    problems = [each.problem(network, number) for each in ENGINES if each.takes is engine]
    return None if None in problems else problems[0]


def find_engine(network: Network, number: int, engine: Engine) -> type[Geometry]:
    """What ``engine`` is for layer ``number``, which can have it."""
    return next(each for each in ENGINES
                if each.takes is engine and each.problem(network, number) is None)


def engines_of(network: Network, number: int) -> list[Engine]:
    """Every engine that layer ``number`` can have, that of events first."""
    return [engine for engine in Engine if engine_problem(network, number, engine) is None]


def takes_events(synapse: Synapse) -> type[Geometry]:
    """What takes the events of ``synapse``, which any other engine of it agrees with on what the
    parallel neurons may be and how many folds an event reaches."""
    return next(each for each in ENGINES if each.takes is Engine.EVENTS and each.weighs(synapse))


def geometry_of(synapse: Synapse, source: Raster, plan: LayerPlan) -> Geometry:
    """Synapses laid out whose spikes come in the order ``source``."""
    kind = next(each for each in ENGINES if each.takes is plan.engine and each.weighs(synapse)
                and each.many_places == (plan.places > 1))
    return kind.of(synapse, source, plan)


def source_raster(network: Network, parallel: Sequence[int], lanes: int, number: int,
                  back: int = 1, pool: Pool | None = None) -> Raster:
    """Order of the spikes that layer ``number`` gets from ``back`` layers before, pooled.

    The network's input has words as wide as the first layer has lanes: an event slot per lane.

    parallel : neurons updated per cycle, of each layer; lanes : of the first layer
    """
    producer = number - back
    width = parallel[producer] if producer >= 0 else lanes
    shape = network.features(producer)
    if producer < 0 and len(network.layers[0].synapse.weights.shape) == 2:
        shape = Shape(shape.size)  # nothing but its index counts
    bits = network.input.max_value.bit_length() if producer < 0 else 1
    return Raster(pool.shape(shape) if pool else shape, width, bits)


def network_geometries(network: Network, schedule: Schedule) -> tuple[Geometry, ...]:
    """Every layer of ``network`` laid out, the readout last."""
    return tuple(geometry_of(layer.synapse, _source(network, schedule, number, layer.back,
                                                    layer.pool), plan)
                 for number, (layer, plan) in enumerate(zip(network.layers, schedule.layers,
                                                            strict=True)))


def shortcut_geometries(network: Network,
                        schedule: Schedule) -> tuple[tuple[Geometry | None, ...], ...]:
    """Per hidden layer and shortcut its synapses laid out, None where it has none.

    A shortcut's synapses take events in one lane, and have the layer's own parallel neurons.
    """
    return tuple(
        tuple(geometry_of(shortcut.synapse,
                          _source(network, schedule, number, shortcut.back, shortcut.pool),
                          LayerPlan(1, schedule.layers[number].parallel))
              if isinstance(shortcut, SynapseShortcut) else None for shortcut in layer.shortcuts)
        for number, layer in enumerate(network.hidden))


def _source(network: Network, schedule: Schedule, number: int, back: int,
            pool: Pool | None) -> Raster:
    return source_raster(network, [plan.parallel for plan in schedule.layers],
                         schedule.layers[0].lanes, number, back, pool)
