"""The last layer where it does not spike: currents, or membranes that are never reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.graph import Membrane
from bsnn_hw.convert.scores import Scores
from bsnn_hw.convert.trace import TraceError

__all__ = ["hold", "readout"]

HELD = "held"  # between `readout` and `hold` only


def readout(scores: Scores, read: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """The neuron of a last layer that does not spike: currents, or the membrane of neurons that
    integrate and are never reset."""
    found: dict[str, Any] = {"type": "readout"}
    if scores.kind != "mean":
        found["score"] = scores.kind
    if not isinstance(scores.node, Membrane):
        return found
    path = scores.node.source.path
    if scores.node.source.recurrent is not None:
        raise TraceError(f"the scores are the membrane of {path!r}, which gets its own spikes "
                         "back; return the spikes, or follow it with a layer of its own")
    neuron = read(scores.node.source.module)
    if neuron.get("reset_by") != 0.0 or "input_scale" in neuron:
        raise TraceError(f"the scores are the membrane of {path!r}, which spikes reset; return the "
                         "spikes, leave the last neurons out, or have them not reset "
                         "(reset_mechanism='none')")
    if "current_leak" not in neuron:
        return found | {"leak": neuron.get("leak", 1.0)}
    if scores.kind == "max":
        raise TraceError(f"the scores are the largest membranes over time of {path!r}, which are "
                         "second-order neurons; take their last value, their sum or their mean, or "
                         "first-order neurons (Norse's LIBoxCell)")
    return found | {HELD: (neuron.get("leak", 1.0), neuron["current_leak"], scores.kind)}


def hold(layer: dict[str, Any], timesteps: int) -> None:
    """Write the membranes of second-order neurons as a factor of each timestep's current: their sum
    over time, and their last value, are sums over time of the currents, each times a number."""
    neuron = layer.get("neuron", {})
    if HELD not in neuron:
        return
    leak, current_leak, kind = neuron.pop(HELD)
    if not isinstance(leak, float) or not isinstance(current_leak, float):
        raise TraceError("the scores are membranes of second-order neurons with leaks of their "
                         "own; give all of them one")
    held = membrane = 0.0
    after = []  # what is left of a current of 1, each timestep later
    for step in range(timesteps):
        held = current_leak * held + (step == 0)
        membrane = leak * membrane + held
        after.append(membrane)
    if kind == "last":
        neuron["score"] = "sum"
    factors = np.array(after if kind == "last" else np.cumsum(after))[::-1]
    given = layer.get("gate")
    factors = factors * (1.0 if given is None else given["value"].numpy())
    layer["gate"] = {"kind": "constant", "value": torch.from_numpy(factors.copy())}
