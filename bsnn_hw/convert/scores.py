"""What a module's output is: which layer gives the scores, and how they are taken over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bsnn_hw.convert.graph import Affine, Node, Over, Pool, Reshape, Spikes, Vote
from bsnn_hw.convert.trace import TraceError

__all__ = ["READOUTS", "Scores", "scores_of"]

READOUTS = ("spike_count", "mean", "sum", "last", "max")


@dataclass(frozen=True)
class Scores:
    """The scores are ``factor`` times those of a model with this readout.

    node : Spikes; the current of a layer without neurons; or the Membrane of neurons that are
        never reset
    kind : one of READOUTS; group : int, neurons that vote for a class
    factor : float, above 0
    over : whether the module itself takes them over time
    """

    node: Node
    kind: str
    group: int
    factor: float
    over: bool


def scores_of(output: Node, timesteps: int, readout: str | None) -> Scores:
    """Read the output's node.

    readout : what the user says of an output of single timesteps, None if nothing

    Raises
    ------
    TraceError
        It is nothing that scores can be, or what it leaves open is not said.
    """
    observed: str | None = None
    node: Any = output
    factor, group = 1.0, 1
    while not isinstance(node, Spikes):
        if isinstance(node, Over) and observed is None:
            if node.kind in ("sum", "mean") and node.steps != frozenset(range(timesteps)):
                raise TraceError(f"`output`: must be over all {timesteps} timesteps, not over "
                                 f"{len(node.steps)} of them")
            node, observed = node.source, node.kind
        elif isinstance(node, Vote) and group == 1:
            node, group = node.source, node.group
        elif isinstance(node, Pool) and group == 1 and _of_whole_maps(node):
            group = node.size[0] * node.size[1]
            node, factor = node.source, factor * (group if node.kind == "sum" else 1)
        elif isinstance(node, Reshape):
            node = node.source
        elif isinstance(node, Affine) and _scalar(node) and (observed or _settled(node)):
            node, factor = node.source, factor * float(node.scale.flat[0])
        else:
            break
    return _decided(node, observed, readout, factor, group, timesteps)


def _settled(node: Any) -> bool:
    """Whether scores over time come in, or votes of spikes, so that what stands here is behind
    them."""
    voted = False
    while isinstance(node, (Affine, Vote, Reshape, Pool)):
        voted |= isinstance(node, (Vote, Pool))
        node = node.source
    return isinstance(node, Over) or (voted and isinstance(node, Spikes))


def _of_whole_maps(pool: Pool) -> bool:
    """Whether spikes, or their sums over time, are averaged or summed over each channel's map: its
    neurons vote."""
    below: Any = pool.source
    while isinstance(below, (Over, Reshape)):
        below = below.source
    return (isinstance(below, Spikes) and pool.kind != "max" and pool.size == pool.source.shape[1:]
            and pool.padding == (0, 0))


def _over_time(node: Node) -> bool:
    """Whether something over time is what a node is computed from."""
    seen, waiting = set[Node](), [node]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += node.sources
    return any(isinstance(each, Over) for each in seen)


def _scalar(node: Affine) -> bool:
    return node.scale.size == 1 and float(node.scale.flat[0]) > 0 and not np.any(node.shift)


def _decided(node: Node, observed: str | None, readout: str | None, factor: float, group: int,
             timesteps: int) -> Scores:
    spiking = isinstance(node, Spikes)
    accepted = ("spike_count",) if spiking else READOUTS[1:]
    if observed is None and not spiking and _over_time(node):
        raise TraceError("`output`: computes with what was taken over time already, which has no "
                         "counterpart in a model file; layers behind a sum or a mean over time are "
                         "linear ones, and a maximum or a last value comes after all else")
    if observed is None and readout not in accepted:
        given = "left out" if readout is None else repr(readout)
        raise TraceError(f"`readout`: must be {' or '.join(map(repr, accepted))}, as forward gives "
                         f"{'spikes' if spiking else 'currents'} of single timesteps, not {given}")
    kind = observed or str(readout)
    if observed and readout not in (None, observed, *(("spike_count",) if spiking else ())):
        raise TraceError(f"`readout`: must be {observed!r} or left out, as forward itself takes "
                         f"it, not {readout!r}")
    if spiking:
        if observed in ("last", "max"):
            raise TraceError(f"`output`: must be the sum or mean of spikes, not their {observed} "
                             "value over time")
        mean = timesteps if observed == "mean" else 1
        return Scores(node, "spike_count", group, factor / mean / group, observed is not None)
    if group > 1:
        raise TraceError("`output`: neurons that vote must spike, not give currents")
    if kind == "sum" and np.isclose(factor * timesteps, 1, rtol=1e-12):
        kind, factor = "mean", 1.0
    return Scores(node, kind, 1, factor, observed is not None)
