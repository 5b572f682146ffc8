"""Values of several layers side by side, and parts of one's: weights behind them are taken apart.

W·[a, b] is W_a·a + W_b·b, and weights behind a part of a layer's channels are weights of all of
them that are 0 at the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bsnn_hw.convert.graph import (
    Affine,
    Cat,
    Node,
    Norm,
    Pool,
    Reshape,
    Slice,
    Spikes,
    Sum,
    Synapse,
)
from bsnn_hw.convert.registry import pooled
from bsnn_hw.convert.terms import own_synapse, sums_currents, terms_of
from bsnn_hw.convert.trace import Tracer

__all__ = ["Piece", "of_terms", "part_of", "pieces_of", "undivided", "ungrouped", "weighted"]


class Piece(NamedTuple):
    """``node`` from ``start`` on, ``size`` of its channels."""

    node: Node
    start: int
    size: int


def pieces_of(trace: Tracer, node: Any) -> list[Piece]:
    """What a node is side by side, in order; itself alone where it is nothing of the kind."""
    if isinstance(node, Cat):
        return [piece for part in node.parts for piece in pieces_of(trace, part)]
    if isinstance(node, Slice):
        return _cut(pieces_of(trace, node.source), node.start, node.shape[0])
    if isinstance(node, (Reshape, Pool, Affine)):
        below = pieces_of(trace, node.source)
        made = [_same(trace, node, piece) for piece in below]
        if below[0].node is not node.source and all(made):
            return [piece for piece in made if piece]
    return [Piece(node, 0, node.shape[0])]


def _cut(pieces: list[Piece], start: int, size: int) -> list[Piece]:
    """``size`` channels from ``start`` on."""
    found, before = [], 0
    for piece in pieces:
        first, last = max(start, before), min(start + size, before + piece.size)
        if first < last:
            found.append(Piece(piece.node, piece.start + first - before, last - first))
        before += piece.size
    return found


def _same(trace: Tracer, node: Any, piece: Piece) -> Piece | None:
    """A piece of ``node.source``, with what ``node`` does to it; None where that is not said."""
    inner, start, size = piece
    if isinstance(node, Pool):
        shape = (inner.shape[0], *node.shape[1:])
        return Piece(pooled(trace, inner, shape, node.kind, node.size, node.stride, node.padding,
                            ceil=node.ceil), start, size)
    if isinstance(node, Affine):
        if node.scale.size > 1 or node.shift.size > 1:
            return None
        return Piece(trace.graph.make(Affine, shape=inner.shape, varies=inner.varies, source=inner,
                                      scale=node.scale, shift=node.shift), start, size)
    old, new = math.prod(inner.shape[1:]), math.prod(node.shape[1:])
    if any(each * old % new for each in (inner.shape[0], start, size)):
        return None
    whole = trace.shaped(inner, (inner.shape[0] * old // new, *node.shape[1:]))
    return Piece(whole, start * old // new, size * old // new)


def weighted(trace: Tracer, source: Node, weight: np.ndarray,
             make: Callable[[Node, np.ndarray, bool], Node]) -> Node:
    """``make(source, weight, True)``, or the sum of that of each piece.

    weight : (channels, fan_in, ...); make : from a node, its weights, and whether it is the first,
        which has the bias
    """
    pieces = pieces_of(trace, source)
    if undivided(pieces):
        return make(source, weight, True)
    found: list[Node] = []
    before = 0
    for node, start, size in pieces:
        whole = np.zeros((weight.shape[0], node.shape[0], *weight.shape[2:]))
        whole[:, start:start + size] = weight[:, before:before + size]
        found.append(make(node, whole, not found))
        before += size
    for node in found[1:]:
        found[0] = trace.graph.make(Sum, shape=node.shape, varies=node.varies, left=found[0],
                                    right=node)
    return found[0]


def undivided(pieces: list[Piece]) -> bool:
    """Whether pieces are one, which is a node itself."""
    return len(pieces) == 1 and (pieces[0].start, pieces[0].size) == (0, pieces[0].node.shape[0])


def ungrouped(weight: np.ndarray, groups: int) -> np.ndarray:
    """The weights of a convolution in groups as those of one without, zeros between groups."""
    outputs, inputs, *kernel = weight.shape
    whole = np.zeros((outputs, inputs * groups, *kernel))
    each = outputs // groups
    for group in range(groups):
        rows = slice(group * each, (group + 1) * each)
        whole[rows, group * inputs:(group + 1) * inputs] = weight[rows]
    return whole


def of_terms(trace: Tracer, node: Node, first: Callable[[Node], Node], factor: np.ndarray
             ) -> Node:
    """What ``first`` makes of a node; of a sum of currents the sum of what it makes of one, and of
    the others times ``factor``, which is the same."""
    terms = terms_of(node, lambda _: False)
    own = next((term for term in terms if own_synapse(term)[0] is not None), None)
    if len(terms) == 1 or own is None:
        return first(node)
    made = [first(term) if term is own else trace.graph.make(
        Affine, shape=term.shape, varies=term.varies, source=term, scale=factor,
        shift=np.array(0.0)) for term in terms]
    total = made[0]
    for term in made[1:]:
        total = trace.graph.make(Sum, shape=node.shape, varies=total.varies or term.varies,
                                 left=total, right=term)
    return total


def part_of(trace: Tracer, node: Any, start: int, size: int) -> Node:
    """Channels ``start`` to ``start + size`` of a node: of currents those of a layer of fewer
    weights, of anything else a `Slice`."""
    if (start, size) == (0, node.shape[0]):
        return node
    shape, within = (size, *node.shape[1:]), slice(start, start + size)
    if isinstance(node, Synapse) and node.groups == 1:
        bias = None if node.bias is None else node.bias[within]
        return _made(trace, node, shape=shape, weight=node.weight[within], bias=bias)
    if isinstance(node, (Norm, Affine, Pool)) and not isinstance(_origin(node), Spikes):
        below = part_of(trace, node.source, start, size)
        shared = {"shape": shape, "source": below}
        if isinstance(node, Norm):
            shared |= {key: getattr(node, key)[within] for key in ("gamma", "beta", "mean", "var")}
        if isinstance(node, Affine):
            shared |= {key: _within(getattr(node, key), node.shape, within)
                       for key in ("scale", "shift")}
        return _made(trace, node, **shared)
    if isinstance(node, Sum) and sums_currents(node):
        left, right = (part_of(trace, side, start, size) for side in (node.left, node.right))
        return _made(trace, node, shape=shape, left=left, right=right)
    made: Node = trace.graph.make(Slice, shape=shape, varies=node.varies, source=node, start=start)
    return made


def _origin(node: Any) -> Node:
    while isinstance(node, (Norm, Affine, Pool, Reshape)):
        node = node.source
    found: Node = node
    return found


def _made(trace: Tracer, node: Node, **members: Any) -> Node:
    """``node`` with other members."""
    found: Node = trace.graph.make(type(node), **vars(replace(node, **members)))
    return found


def _within(constant: np.ndarray, shape: tuple[int, ...], within: slice) -> np.ndarray:
    """A constant of these channels, where it has one for each."""
    if constant.ndim < len(shape) or constant.shape[-len(shape)] == 1:
        return constant
    return np.take(constant, range(within.start, within.stop), axis=-len(shape))
