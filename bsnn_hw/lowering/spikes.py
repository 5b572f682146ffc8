"""Where spikes come from in integers: those that a join adds come as spikes of each layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bsnn_hw.ir.network import Hidden, Readout, SpikeJoin, Summand
from bsnn_hw.lowering.fold import pool_of, pooling_of
from bsnn_hw.lowering.graph import Graph
from bsnn_hw.model.description import Layer, SynapseShortcut

__all__ = ["placed", "spike_join", "summands"]

H = TypeVar("H", Hidden, Readout)


def placed(graph: Graph, number: int, folded: H) -> H:
    """The integer layer ``number`` with where its spikes come from."""
    layer = graph.model.layers[number]
    return replace(folded, back=number - graph.source(layer),
                   summands=summands(graph, number, layer))


def spike_join(graph: Graph, number: int) -> SpikeJoin | None:
    """What the spikes of layer ``number`` are joined with, but for what is added to them."""
    join = graph.model.layers[number].join
    if join is None or join.kind is None:
        return None
    return SpikeJoin(join.kind, number - graph.number(join.source),
                     pooling_of(join.feed.pool) if join.feed.pool else None)


def summands(graph: Graph, number: int, part: Layer | SynapseShortcut) -> tuple[Summand, ...]:
    """What is added to the spikes of the layer that ``part``, of layer ``number``, reads."""
    *further, _ = graph.streams(graph.source(part))
    return tuple(Summand(number - source, pool_of(part) if pool is None else pooling_of(pool))
                 for source, pool in further)
