"""Brevitas' quantisers of activations, as `QuantIdentity` has them: of spikes and of the network's
input each is a factor and a summand, where what comes in takes few values.

A quantiser is a function of single values, so it is asked for each value that can come in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.graph import Affine, Input, Node, Pool, Reshape
from bsnn_hw.convert.spike_joins import spiking
from bsnn_hw.convert.terms import described, is_input
from bsnn_hw.convert.trace import Tracer, plain

__all__ = ["leaf", "quantisers_of"]

CLOSE = 1e-6  # scales are float32


def quantisers_of(module: torch.nn.Module) -> dict[str, Any]:
    """The quantisers of activations of a module, by path."""
    return {path: part for path, part in module.named_modules()
            if any(kind.__name__ == "ActQuantProxyFromInjectorBase"
                   and kind.__module__.startswith("brevitas.") for kind in type(part).__mro__)}


def leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    """Follow what a quantiser gives; see ``Tracer.watching``."""
    given, out = plain(args[0]), plain(out)
    value = trace.value(given)
    if value is None or out is given:  # none is switched on
        return
    levels = _levels(value.node, trace.levels)
    if levels is None:
        raise trace.refusal(f"quantises {described(value.node)}; only spikes and the network's "
                            "input can be quantised: leave it out there, membranes get their bits "
                            "from the compiler")
    found = np.array([_at(trace, module, given, level) for level in levels])
    scale = (found[-1] - found[0]) / (levels[-1] - levels[0])
    shift = found[0] - scale * levels[0]
    apart = np.abs(levels * scale + shift - found) > CLOSE * np.abs(found).max()
    if apart.any():
        what, else_ = ("the network's input", "have it in the quantiser's own steps by `scale` and "
                       "`bits`, or ") if is_input(value.node) else ("pooled spikes", "")
        raise trace.refusal(f"makes {found[apart][0]:g} of {levels[apart][0]:g} and {found[-1]:g} "
                            f"of {levels[-1]:g} in {what}, which is not one factor for all values; "
                            f"{else_}leave it out there")
    shift = 0.0 if abs(shift) <= CLOSE * np.abs(found).max() else shift
    node = trace.graph.make(Affine, shape=value.node.shape, varies=value.node.varies,
                            source=value.node, scale=np.array(scale), shift=np.array(shift))
    trace.follow(out, replace(value, node=node))


def _levels(node: Any, inputs: np.ndarray) -> np.ndarray | None:
    """The values that a node can have, float64, the smallest first; None where they are many."""
    if spiking(node):
        return np.array([0.0, 1.0])
    below = _levels(node.source, inputs) if isinstance(node, (Affine, Pool, Reshape)) else None
    match node:
        case Input():
            return inputs
        case Reshape() | Pool(kind="max"):
            return below
        case Affine() if below is not None and node.scale.size == node.shift.size == 1:
            return np.sort(below * float(node.scale) + float(node.shift))
        case Pool() if spiking(_unshaped(node.source)):
            count = node.size[0] * node.size[1]
            return np.arange(count + 1) / (count if node.kind == "avg" else 1)
    return None


def _unshaped(node: Node) -> Node:
    while isinstance(node, Reshape):
        node = node.source
    return node


def _at(trace: Tracer, module: Any, like: torch.Tensor, level: float) -> float:
    """What the quantiser makes of a value, whatever stands beside it."""
    whole = torch.full_like(like, level)
    beside = whole.clone()
    beside.view(-1)[::2] += 1
    found = torch.cat([plain(module(each))[each == level] for each in (whole, beside)])
    if found.unique().numel() != 1:
        raise trace.refusal("quantises by a scale of each channel or of each batch; only one "
                            "scale, set in training, can be computed")
    return float(found[0])
