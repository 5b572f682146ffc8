"""Spikes that are joined behind neurons: which layer gives what comes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bsnn_hw.convert.graph import (
    Affine,
    Input,
    Node,
    Norm,
    Pool,
    Product,
    Reshape,
    Spikes,
    Sum,
    Synapse,
)
from bsnn_hw.convert.terms import described, pooling
from bsnn_hw.convert.trace import TraceError

__all__ = ["SpikeJoins", "each_alone", "inverted", "spiking", "unweighted"]

JOINS = (Sum, Product)


def inverted(node: Any) -> Node | None:
    """What ``node`` is 1 minus of; None where it is no such thing."""
    if isinstance(node, Affine) and np.all(node.scale == -1) and np.all(node.shift == 1):
        return node.source
    return None


def spiking(node: Any) -> bool:
    """Whether a node is made of spikes alone, by joins and maxima of windows."""
    if isinstance(node, JOINS):
        return spiking(node.left) and spiking(node.right)
    if isinstance(node, Reshape) or (isinstance(node, Pool) and node.kind == "max"):
        return spiking(node.source)
    below = inverted(node)
    return isinstance(node, Spikes) if below is None else spiking(below)


def unweighted(term: Node) -> bool:
    """Whether neurons get spikes or the network's input as they are, pooled, scaled or not."""
    node: Any = term
    while isinstance(node, (Affine, Norm, Pool, Reshape)) and not spiking(node):
        node = node.source
    return isinstance(node, Input) or spiking(node)


def each_alone(term: Node) -> Synapse:
    """Spikes, or the network's input, as the current of one weight of 1 for each channel, which of
    a vector is each place."""
    channels = term.shape[0]
    shape = (*term.shape[:1], *(1,) * (3 - len(term.shape)), *term.shape[1:])
    source = term if term.shape == shape else Reshape(shape=shape, varies=term.varies, source=term)
    return Synapse(shape=shape, varies=term.varies, source=source, path="", bias=None,
                   weight=np.ones((channels, 1, 1, 1)), groups=channels)


class _Operand(NamedTuple):
    """``pool`` of ``given``, 1 minus that where it is ``inverted``."""

    given: Node
    pool: Pool | None
    inverted: bool


class SpikeJoins:
    """The layer that gives each join is the later one of both that it joins.

    Parameters
    ----------
    neurons : in the order of their layers
    needed : all nodes that the scores need
    """

    def __init__(self, neurons: Iterable[Spikes], needed: Iterable[Node]) -> None:
        self._order = {spikes: number for number, spikes in enumerate(neurons)}
        self._given: dict[Spikes, Node] = {}
        self._owners: dict[Node, Spikes] = {}
        self._wrong: dict[Node, TraceError] = {}
        for node in needed:
            if isinstance(node, Synapse):
                self._look(node.source)

    def joins(self, node: Node) -> bool:
        """Whether some weights read this join of spikes."""
        return isinstance(node, JOINS) and (node in self._owners or node in self._wrong)

    def owner(self, node: Node) -> Spikes:
        """The neurons of the layer that gives ``node``, spikes or a join of them.

        Raises
        ------
        TraceError
            No layer gives it, as the neurons' layer gives something else.
        """
        if node in self._wrong:
            raise self._wrong[node]
        if node not in self._owners:
            self._owners[node] = self._claimed(node)
        return self._owners[node]

    def join(self, spikes: Spikes, names: Mapping[str, str]) -> dict[str, Any] | None:
        """The key ``join`` of a layer, None where it has none; ``names`` as in `Assembled`."""
        node = self._given.get(spikes, spikes)
        if not isinstance(node, JOINS):
            return None
        own, other = self._sides(node)
        written = {"kind": _kind(node, own, other), "from": names[self.owner(other.given).path]}
        return written | ({"pool": pooling(other.pool, single="max")} if other.pool else {})

    def _look(self, node: Any) -> None:
        """Find the owner of the join that weights read, if they read one."""
        while isinstance(node, (Pool, Reshape)) or (
                isinstance(node, Affine) and inverted(node) is None):
            node = node.source
        if isinstance(node, Spikes) or (isinstance(node, JOINS) and spiking(node)):
            try:
                self.owner(node)
            except TraceError as error:
                self._wrong[node] = error

    def _claimed(self, node: Node) -> Spikes:
        own = node if isinstance(node, Spikes) else self._sides(node)[0].given
        assert isinstance(own, Spikes)
        if self._given.setdefault(own, node) is not node:
            raise TraceError(f"takes spikes of module {own.path!r} that are joined with others, "
                             "where they are also taken without that, or joined otherwise; a layer "
                             "gives its spikes or one join of them, so give one of both neurons of "
                             "its own")
        return own

    def _sides(self, node: Any) -> tuple[_Operand, _Operand]:
        """The side that the owner's neurons are, and the other."""
        sides = [_operand(node.left), _operand(node.right)]
        sides.sort(key=lambda side: self._order[self._last(side.given)])
        other, own = sides
        if not isinstance(own.given, Spikes) or own.pool is not None:
            raise TraceError("takes spikes of several layers, of which the last are joined or "
                             "pooled already; join those of one layer after the other")
        if own.given is other.given:
            raise TraceError("joins spikes with themselves")
        self.owner(other.given)
        return own, other

    def _last(self, node: Node) -> Spikes:
        """The later layer's neurons."""
        return node if isinstance(node, Spikes) else self.owner(node)


def _operand(node: Any) -> _Operand:
    """A side of a join.  A maximum of what is inverted is none of what is not, and is refused."""
    turned, pool = False, None
    while not isinstance(node, (Spikes, *JOINS)):
        below = inverted(node)
        if below is not None and not turned and pool is None:
            node, turned = below, True
        elif isinstance(node, Pool) and (pool is None or not pool.moves):
            node, pool = node.source, node if node.moves else pool
        elif isinstance(node, Reshape) and pool is None:
            node = node.source
        else:
            raise TraceError(f"joins spikes with {described(node)}")
    return _Operand(node, pool, turned)


def _kind(node: Node, own: _Operand, other: _Operand) -> str:
    if isinstance(node, Sum):
        if own.inverted or other.inverted:
            raise TraceError("adds spikes that are inverted; only ADD, AND and IAND can be said")
        return "add"
    match own.inverted, other.inverted:
        case False, False:
            return "and"
        case True, False:
            return "iand"
        case False, True:
            return "inhibit"
    raise TraceError("joins spikes that are both inverted (NOR); only ADD, AND and IAND can be "
                     "said")
