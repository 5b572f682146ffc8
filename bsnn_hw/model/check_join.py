"""How a layer's spikes are joined with those of an earlier layer, behind its neurons."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.ir.network import JoinKind
from bsnn_hw.model.check_feed import Known, Seen, pooled, sides
from bsnn_hw.model.description import (
    Pooling,
    PoolingKind,
    Shape,
    Shortcut,
    SpikeJoin,
    SynapseShortcut,
)
from bsnn_hw.model.values import Table, listed, shown, word

__all__ = ["ADD", "Joined", "check_join"]

ADD = "add"
KINDS: dict[str, JoinKind | None] = {ADD: None, **{kind.value: kind for kind in JoinKind}}
MAX_SUM = 16  # layers whose spikes are added
HINTS = {"scale": "spikes are joined as they are",
         "weight": "a projection is a layer of its own, whose spikes are joined"}


@dataclass(frozen=True)
class Joined:
    """A join, None without one or after a problem; ``largest`` and ``sums_windows`` as in
    `Known`."""

    join: SpikeJoin | None = None
    largest: float = 1.0
    sums_windows: bool = False


def check_join(table: Table, seen: Seen, output: Shape | None,
               shortcuts: tuple[Shortcut, ...]) -> Joined:
    """The join of a layer.

    table : the layer; output : Shape of its neurons, None after a problem
    """
    if not table.has("join"):
        return Joined()
    item = table.inner("join", required=("kind", "from"), optional=("pool",), hints=HINTS)
    if word(table.raw("join"), "kind") == "or":
        item.problem("kind", f"must be one of {listed(KINDS)}, not 'or'; spikes that exclude each "
                             "other can be added")
        seen.unsure = True
        return Joined()
    kind = item.choice("kind", {name: name for name in KINDS})
    source = seen.find(item, "from")
    if any(isinstance(each, SynapseShortcut) and each.source == table.raw("name")
           for each in shortcuts):
        table.problem("join", "must be absent in a layer with a recurrence, which gets its own "
                              "spikes back; take a layer between")
    feed = pooled(item, source).feed
    if kind is None or source is None or feed is None:
        return Joined()
    _check_operand(item, kind, source, feed.pool)
    if output and feed.shape != output:
        item.problem("", f"must have the shape of the layer's output, {sides(output)}, but "
                         f"{source.title} gives {sides(feed.shape)}")
    join = SpikeJoin(KINDS[kind], feed)
    if KINDS[kind] is not None:
        return Joined(join)
    return Joined(join, 1 + source.largest, source.sums_windows or feed.pool is not None)


def _check_operand(item: Table, kind: str, source: Known, pool: Pooling | None) -> None:
    if pool and pool.kind is not PoolingKind.MAX:
        item.problem("pool.kind", f"must be 'max', not {shown(pool.kind.value)}: what is joined "
                                  "are spikes")
    if source.largest == 1:
        return
    if kind != ADD:
        item.problem("from", f"must not be {source.title}, which adds spikes: {kind!r} joins "
                             "spikes, 0 or 1, and a sum of them can be 2")
    elif source.largest >= MAX_SUM:
        item.problem("from", f"must add the spikes of at most {MAX_SUM} layers with this one")
