"""One layer of a document: what comes in, synapse, norm, gate, neuron and shortcuts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bsnn_hw.model.check_current_pool import (
    check_current_pool,
    check_wider_kernel,
    pooled_shape,
)
from bsnn_hw.model.check_feed import Incoming, Known, Seen, check_feed
from bsnn_hw.model.check_join import Joined, check_join
from bsnn_hw.model.check_neuron import check_neuron, membrane_reach
from bsnn_hw.model.check_norm import Scaling, check_scaling
from bsnn_hw.model.check_shortcut import Added, check_shortcuts
from bsnn_hw.model.check_synapse import KINDS, Weights, check_weights
from bsnn_hw.model.description import Layer, Neuron, Pooling, PoolingKind, Shape
from bsnn_hw.model.names import check_layer_name
from bsnn_hw.model.scoring import Scoring
from bsnn_hw.model.values import Problems, Table, equals, listed, shown, word

__all__ = ["Checked", "Place", "check_layer"]

# Modules that are layers elsewhere, and what they are here.
TYPE_HINTS = {
    "pool": "pooling of spikes is the key 'pool' of the layer behind it, of currents the key "
            "'current_pool' of their layer",
    "flatten": "a linear layer flattens what comes in",
    "norm": "a norm is the key 'norm' of its layer",
    "conv1d": "a convolution over one axis is a 'conv2d' with a kernel of height 1",
    "depthwise": "a depthwise convolution is a 'conv2d' with as many 'groups' as channels",
    "residual": "a residual connection is an entry of 'shortcuts'",
}
_SHORTCUTS = "a residual connection is an entry of 'shortcuts'"
_SEW = "SEW's connections are the key 'join', of kind 'add', 'and', 'iand' or 'inhibit'"
HINTS = {"residual": _SHORTCUTS, "shortcut": _SHORTCUTS, "downsample": _SHORTCUTS,
         "recurrent": "a recurrence is an entry of 'shortcuts' of kind 'recurrent'",
         "connect_f": _SEW, "cnf": _SEW, "from": "it is 'input'"}
BORDER = ("kind 'max' is refused in a first layer that pads an input with an offset, as neurons at "
          "the border have another bias, and the largest current of a window is found before it "
          "is added; accepted are 'avg' and 'sum', an offset of 0, or no padding")
OPTIONAL = ("input", "pool", "current_pool", "weight_bits", "bias", "norm", "gate",
            "shortcuts", "join")


@dataclass(frozen=True)
class Place:
    """Where a layer stands.

    index : int, from 0; last : bool
    readout : bool, the last layer where its spikes are not counted
    timesteps : int, None after a problem
    """

    index: int
    last: bool
    readout: bool
    timesteps: int | None


@dataclass(frozen=True)
class Checked:
    """``layer`` is None after a problem; ``known`` is what later layers may use of it."""

    layer: Layer | None
    known: Known


def check_layer(value: object, place: Place, seen: Seen, problems: Problems) -> Checked:
    """One layer, or its problems."""
    before = problems.count
    name = value.get("name") if isinstance(value, dict) else None
    title = f"layer {shown(name)}" if isinstance(name, str) else f"layer number {place.index + 1}"
    known = Known(name if isinstance(name, str) else "", title, None)
    kind = _kind(value, title, place.last, problems)
    table = Table(title, "", value, problems, hints=HINTS | KINDS[kind].hints,
                  required=("name", "type", "weight", "neuron"),
                  optional=(*KINDS[kind].keys, *OPTIONAL)) if kind else None
    if kind is None or table is None or not table.usable:
        seen.unsure = True
        return Checked(None, known)
    check_layer_name(table)
    incoming = check_feed(table, seen, first=place.index == 0)
    weights = check_weights(table, kind, incoming, seen)
    scaling = check_scaling(table, weights.channels, KINDS[kind].per, place.timesteps,
                            spiking=not place.readout, constant_in=_ungated(table, place))
    neuron = check_neuron(table, place.readout, weights.channels, KINDS[kind].per)
    pool = check_current_pool(table, kind, place.readout, weights.shape)
    if pool and pool.kind is PoolingKind.MAX and incoming.shifted and weights.pads:
        table.problem("current_pool", BORDER)
    shape = pooled_shape(pool, weights.shape)
    added = _shortcuts(table, place, seen, shape)
    joined = _joined(table, place, seen, shape, added)
    if problems.count > before or scaling is None or incoming.feed is None:
        return Checked(None, Known(known.name, title, shape))
    return _built(table, known, incoming, weights, scaling, neuron, added, joined, pool)


def _ungated(table: Table, place: Place) -> str:
    """What a layer has or is that lets no sample make its gate; "" where one may."""
    return "the readout" if place.readout else next(
        (f"a layer with {key}" for key in ("shortcuts", "current_pool") if table.has(key)), "")


def _kind(value: object, title: str, last: bool, problems: Problems) -> str | None:
    """The layer's type, 'linear' where it is missing; None after a problem."""
    given = value.get("type") if isinstance(value, dict) else None
    if given is None:
        return "linear"
    kind = word(value, "type") or ""
    if kind not in KINDS:
        hints = [hint for part, hint in TYPE_HINTS.items() if part in kind.lower()]
        problems.add(title, f"type must be one of {listed(KINDS)}, not {shown(given)}"
                            + (f"; {hints[0]}" if hints else ""))
        return None
    if last and not equals(kind, "linear"):
        problems.add(title, f"type must be 'linear' in the last layer, whose outputs are the "
                            f"classes, not {shown(kind)}")
        return None
    return kind


def _shortcuts(table: Table, place: Place, seen: Seen, shape: Shape | None) -> list[Added]:
    if place.readout and table.has("shortcuts"):
        table.problem("shortcuts", "must be absent in the readout; they stand before a neuron")
        seen.unsure = True
        return []
    return list(check_shortcuts(table, seen, shape, place.timesteps))


def _joined(table: Table, place: Place, seen: Seen, shape: Shape | None,
            added: list[Added]) -> Joined:
    if place.readout and table.has("join"):
        table.problem("join", "must be absent in the readout, which has no spikes")
        seen.unsure = True
        return Joined()
    return check_join(table, seen, shape, tuple(each.shortcut for each in added if each.shortcut))


def _built(table: Table, known: Known, incoming: Incoming, weights: Weights, scaling: Scaling,
           neuron: Neuron | Scoring | None, added: list[Added], joined: Joined,
           pool: Pooling | None) -> Checked:
    """The layer of parts without a problem, unless its currents are too large."""
    assert incoming.feed is not None
    synapse = weights.synapse(scaling.bias)
    check_wider_kernel(table, synapse, pool)
    shortcuts = tuple(each.shortcut for each in added if each.shortcut)
    spiking = neuron if isinstance(neuron, Neuron) else None
    layer = Layer(known.name, synapse, scaling.norm, scaling.gate, spiking, incoming.feed,
                  shortcuts, neuron if isinstance(neuron, Scoring) else Scoring(), pool,
                  scaling.own_gate, joined.join)
    # A leak only makes membranes smaller, so this bounds them in any sample.
    summed = pool.positions if pool and pool.kind is PoolingKind.SUM else 1
    reach = (summed * scaling.reach(synapse, incoming.largest)
             + sum(each.reach for each in added))
    timesteps = len(scaling.gate)
    if not math.isfinite(membrane_reach(spiking, reach, timesteps) if spiking
                         else reach * timesteps):
        table.problem("", "currents must be finite, but with these parameters they can leave the "
                          "range of float64; rescale the layer")
        reach = 0.0
    return Checked(layer, Known(known.name, known.title, layer.shape, joined.largest, reach,
                                of_windows=pool is not None and pool.kind is PoolingKind.MAX,
                                own_gate=scaling.own_gate, sums_windows=joined.sums_windows))
