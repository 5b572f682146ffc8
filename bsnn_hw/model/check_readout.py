"""Where class scores come from: the readout's currents over time, or spikes of the last layer."""

from __future__ import annotations

import itertools

import numpy as np

from bsnn_hw.model.description import Feed, Layer, Linear, Norm
from bsnn_hw.model.scoring import PerChannel, ScoreKind, Scoring
from bsnn_hw.model.values import Table, listed, shown, word

__all__ = ["check_scoring", "check_spike_count", "counting_layer"]

KINDS = {kind.value: kind for kind in ScoreKind}
# What is refused, and why.
NOT_SCORES = {"first_spike": "the class of the first spike is no score"}
HINTS = dict.fromkeys(
    ("threshold", "reset", "reset_by", "comparison", "input_scale"),
    "a readout does not fire; spikes of the last layer are counted where the model has the key "
    "'readout', {'type': 'spike_count'}")


def check_scoring(layer: Table, channels: int | None) -> Scoring | None:
    """What the neuron of type 'readout' says of the scores; None after a problem."""
    table = layer.inner("neuron", required=("type",), optional=("score", "leak"), hints=HINTS)
    score = word(layer.raw("neuron"), "score")
    if score in NOT_SCORES:
        table.refuse("score", f"{shown(score)} is refused: {NOT_SCORES[score]}; accepted are "
                              f"{listed(KINDS)}")
        return None
    kind = table.choice("score", KINDS) if table.has("score") else ScoreKind.MEAN
    leak: PerChannel = 0.0
    if table.has("leak"):
        leak = table.number_or_vector("leak", "a number from 0 to 1", length=channels,
                                      per="class", least=0, most=1)
    return None if kind is None else Scoring(kind, leak)


def check_spike_count(model: Table) -> int | None:
    """How many neurons of the last layer vote for a class; None where the readout is a layer."""
    if not model.has("readout"):
        return None
    table = model.inner("readout", required=("type",), optional=("group",))
    table.choice("type", {"spike_count": True})
    return (table.integer("group", 1, 1 << 24) or 1) if table.has("group") else 1


def counting_layer(layers: tuple[Layer, ...], group: int, timesteps: int) -> Layer:
    """A readout behind spiking ``layers``: a class's score is the number of spikes of its
    ``group`` neurons, which stand side by side."""
    last, taken = layers[-1], {layer.name.casefold() for layer in layers}
    name = next(name for number in itertools.count(1)
                for name in [f"spike_count_{number}" if number > 1 else "spike_count"]
                if name not in taken)
    neurons = last.shape.size
    weight = np.repeat(np.eye(neurons // group), group, axis=1)
    zero, one = np.zeros(len(weight)), np.ones(len(weight))
    return Layer(name, Linear(weight, zero, weight_bits=2), Norm(one, zero, zero, one, 0.0),
                 np.ones(timesteps), None, Feed(last.name, None, last.shape),
                 scoring=Scoring(ScoreKind.SUM))
