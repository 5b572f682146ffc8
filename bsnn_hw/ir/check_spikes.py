"""Whether spikes that are pooled, added or joined fit together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bsnn_hw.ir.bounds import pooled_value
from bsnn_hw.ir.network import (
    Hidden,
    Network,
    Pool,
    PoolKind,
    Readout,
    Shape,
    SpikeJoin,
    SynapseShortcut,
)

__all__ = ["sides", "unfit_join", "unfit_summands", "unfit_windows"]


def unfit_windows(pool: Pool, source: Shape) -> Iterator[str]:
    """What of a pooling does not fit a map."""
    window = f"{pool.height} x {pool.width}"
    if min(pool.height, pool.width, *pool.stride) < 1 or min(pool.padding) < 0 or min(
            pool.shape(source).height, pool.shape(source).width) < 1:
        yield f"windows of {window} must fit a map of {source.height} x {source.width}"
    elif not pool.tiles and pool.kind is not PoolKind.MAX:
        yield f"windows of {window} whose spikes are summed must lie side by side"
    elif any(padding >= min(step, size) for padding, step, size in zip(
            pool.padding, pool.stride, (pool.height, pool.width), strict=True)):
        yield f"padding of windows must be less than their size and stride, not {pool.padding}"


def unfit_summands(network: Network, number: int,
                   part: Hidden | Readout | SynapseShortcut) -> Iterator[str]:
    """What of further layers' spikes does not fit to those that they are added to."""
    backs = [*(each.back for each in part.summands), part.back]
    if not part.summands:
        return
    if not part.back or any(one <= two for one, two in itertools.pairwise(backs)):
        yield ("summands must come from layers before those that they are added to, each once "
               f"and the earliest first, not {backs} layers back")
        return
    came = network.features(number - part.back)
    came = part.pool.shape(came) if part.pool else came
    for each in part.summands:
        shape = network.features(number - each.back)
        if each.pool is not None:
            yield from unfit_windows(each.pool, shape)
            shape = each.pool.shape(shape)
        if shape != came:
            yield (f"spikes that are added must have the shape {sides(came)} of those that come "
                   f"in, not {sides(shape)}")
        elif pooled_value(each.pool, 1) != pooled_value(part.pool, 1):
            yield "spikes that are added must all be summed over windows of one size, or none"


def unfit_join(layer: Hidden, join: SpikeJoin, source: Shape) -> Iterator[str]:
    """What of a join does not fit the layer, or the map that is joined."""
    if layer.recurrences:
        yield "a join must be in a layer without recurrence"
    if join.pool is not None:
        if join.pool.kind is not PoolKind.MAX:
            yield "a join's pool must be a maximum"
        yield from unfit_windows(join.pool, source)
        source = join.pool.shape(source)
    if source != layer.shape:
        yield (f"what is joined must have the shape {sides(layer.shape)} of the layer, "
               f"not {sides(source)}")


def sides(shape: Shape) -> str:
    """A map for a message."""
    return f"{shape.channels} x {shape.height} x {shape.width}"
