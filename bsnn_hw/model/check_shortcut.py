"""What is added to a layer's current: earlier currents, earlier spikes, further synapses, and the
layer's own spikes of the timestep before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bsnn_hw.model.check_feed import Incoming, Seen, pooled, sides
from bsnn_hw.model.check_norm import check_scaling
from bsnn_hw.model.check_synapse import KINDS, check_weights
from bsnn_hw.model.description import (
    CurrentShortcut,
    Feed,
    Shape,
    Shortcut,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.model.values import Table, listed, shown, word

__all__ = ["Added", "check_shortcuts"]

MAX_SHORTCUTS = 16  # of one layer
RECURRENT = "recurrent"
ACCEPTED = ("current", "spikes", *KINDS, RECURRENT)

# SEW-ResNet's connections, by the names that SpikingJelly and others give them.
SEW = ("add", "and", "iand", "or", "sew")


@dataclass(frozen=True)
class Added:
    """A shortcut, None after a problem; reach : float, as `Known.reach`."""

    shortcut: Shortcut | None
    reach: float = 0.0


def check_shortcuts(table: Table, seen: Seen, output: Shape | None, timesteps: int | None
                    ) -> Iterator[Added]:
    """The shortcuts of a layer.

    output : Shape of the layer's own output, None after a problem
    """
    given = table.raw("shortcuts")
    if not table.has("shortcuts"):
        return
    if not isinstance(given, (list, tuple)) or len(given) > MAX_SHORTCUTS:
        table.problem("shortcuts", f"must be a list of at most {MAX_SHORTCUTS} dictionaries, not "
                                   f"{shown(given)}")
        seen.unsure = True
        return
    for index, value in enumerate(given):
        kind = word(value, "kind")
        if kind in KINDS:
            yield _synapse(table, index, kind, seen, output, timesteps)
        elif kind == RECURRENT:
            yield _recurrent(table, index, seen, output, timesteps)
        elif kind in ACCEPTED:
            yield _plain(table, index, kind, seen, output, timesteps)
        else:
            seen.unsure = True
            _refuse(table, index, kind)


def _refuse(table: Table, index: int, kind: str | None) -> None:
    accepted = f"accepted are {listed(ACCEPTED)}, which add to the current before the neuron"
    if kind is None:
        table.problem(f"shortcuts[{index}]", "must be a dictionary with the keys 'kind' and "
                                             f"'from'; {accepted}")
    elif kind.lower() in SEW:
        table.problem(f"shortcuts[{index}].kind", f"{shown(kind)} is refused: SEW's connections "
                      "join spikes behind the neuron, and are the layer's key 'join'; "
                      f"{accepted}")
    else:
        table.problem(f"shortcuts[{index}].kind", f"must be one of {listed(ACCEPTED)}, not "
                                                  f"{shown(kind)}")


def _plain(table: Table, index: int, kind: str, seen: Seen, output: Shape | None,
           timesteps: int | None) -> Added:
    """A shortcut without weights: an earlier layer's current or spikes."""
    spikes = kind == "spikes"
    item = table.inner("shortcuts", index, required=("kind", "from"),
                       optional=("scale",) if spikes else (),
                       hints={} if spikes else {"scale": "a current is added as it is"})
    source = seen.find(item, "from")
    scale = item.number("scale", "a finite number above 0", above=0) if spikes else 1.0
    if source is None:
        return Added(None)
    _check_shape(item, source.title, source.shape, output)
    if spikes:
        if source.sums_windows:
            item.problem("from", f"must not be {source.title}, whose join adds spikes that are "
                                 "pooled: rows of spikes are carried as their layer gives them")
        return Added(SpikeShortcut(source.name, scale),
                     scale * source.largest * (timesteps or 1))
    if source.of_windows:
        item.problem("from", f"must not be {source.title}, whose neurons get the largest current "
                             "of a window each; its spikes can be joined")
    if source.own_gate:
        item.refuse("from", f"must not name a layer whose gate is of kind 'sample', as "
                            f"{source.title} is: what is joined has the same unit in every "
                            "sample; accepted is 'constant', with the running average of training")
    return Added(CurrentShortcut(source.name), source.reach)


def _synapse(table: Table, index: int, kind: str, seen: Seen, output: Shape | None,
             timesteps: int | None) -> Added:
    """A shortcut through weights of its own."""
    item = table.inner("shortcuts", index, required=("kind", "from", "weight"), hints={
        "scale": "norm has gamma", "neuron": "the layer's own neuron follows",
        **KINDS[kind].hints}, optional=("pool", "weight_bits", "bias", "norm", "gate",
                                        *KINDS[kind].keys))
    incoming = pooled(item, seen.find(item, "from"))
    weights = check_weights(item, kind, incoming, seen)
    scaling = check_scaling(item, weights.channels, KINDS[kind].per, timesteps, spiking=True,
                            constant_in="a shortcut")
    _check_shape(item, "it", weights.shape, output)
    if weights.values is None or weights.shape is None or scaling is None or not incoming.feed:
        return Added(None)
    synapse = weights.synapse(scaling.bias)
    return Added(SynapseShortcut(incoming.feed, synapse, scaling.norm, scaling.gate),
                 scaling.reach(synapse, incoming.largest))


def _recurrent(table: Table, index: int, seen: Seen, output: Shape | None,
               timesteps: int | None) -> Added:
    """The layer's own spikes of the timestep before, through weights."""
    item = table.inner("shortcuts", index, required=("kind", "weight"), hints={
        "from": "they are the layer's own spikes", "scale": "norm has gamma",
        **KINDS["linear"].hints}, optional=("weight_bits", "bias", "norm", "gate"))
    if output is not None and output.positions > 1:
        item.problem("kind", "must not be 'recurrent' in a layer with a map, here of "
                             f"{sides(output)}: only linear layers get their own spikes back")
        output = None
    feed = Feed(str(table.raw("name")), None, output) if output else None
    weights = check_weights(item, "linear", Incoming(feed, "the layer itself", 1.0), seen)
    scaling = check_scaling(item, weights.channels, KINDS["linear"].per, timesteps, spiking=True,
                            constant_in="a shortcut")
    _check_shape(item, "it", weights.shape, output)
    if weights.values is None or weights.shape is None or scaling is None or not feed:
        return Added(None)
    synapse = weights.synapse(scaling.bias)
    return Added(SynapseShortcut(feed, synapse, scaling.norm, scaling.gate),
                 scaling.reach(synapse, 1.0))


def _check_shape(item: Table, who: str, given: Shape | None, output: Shape | None) -> None:
    if given and output and given != output:
        item.problem("", f"must have the shape of the layer's output, {sides(output)}, but {who} "
                         f"gives {sides(given)}; a 'conv2d' shortcut changes channels (1 x 1) and "
                         "sides (stride, or pool before it)")
