"""What a layer's current is made of: terms, each a synapse or spikes with what is around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.family import NeuronError
from bsnn_hw.convert.graph import (
    Affine,
    Cat,
    Gate,
    Input,
    Membrane,
    Node,
    Norm,
    Over,
    Pool,
    Product,
    Reshape,
    Slice,
    Spikes,
    Sum,
    Synapse,
)
from bsnn_hw.convert.trace import TraceError

__all__ = [
    "channelled",
    "core",
    "described",
    "gain_of",
    "gain_through",
    "in_weights",
    "is_input",
    "own_synapse",
    "pooling",
    "scaled",
    "sums_currents",
    "terms_of",
]

NORMS = (Norm, Affine, Gate)


def terms_of(node: Node, whole: Callable[[Node], bool]) -> list[Node]:
    """What is summed to a current; a sum that is ``whole`` stays one term."""
    if not isinstance(node, Sum):
        return [node]
    return [term for side in (node.left, node.right)
            for term in ([side] if whole(side) else terms_of(side, whole))]


def core(node: Node) -> Any:
    """What is normalised and scaled."""
    while isinstance(node, (*NORMS, Reshape)):
        node = node.source
    return node


def own_synapse(term: Node) -> tuple[Synapse | None, Pool | None]:
    """The synapse that a term is the current of, None where it is none, and what pools between
    synapse and neuron."""
    node, pool = core(term), None
    if isinstance(node, Pool):
        node, pool = core(node.source), node
    return (node, pool) if isinstance(node, Synapse) else (None, None)


def sums_currents(node: Node) -> bool:
    """Whether a sum has a term that is the current of a synapse, so that it is one itself."""
    return any(own_synapse(term)[0] is not None for term in terms_of(node, lambda _: False))


def is_input(node: Node) -> bool:
    """Whether it is the network's input, scaled or not."""
    return isinstance(core(node), Input)


def in_weights(pool: Pool) -> bool:
    """Whether an average or a sum in front of weights is one that no pooling of a layer is: of
    windows that overlap or are padded, of the network's input, or of what is pooled already."""
    if pool.ceil or not pool.moves or (pool.kind == "max" and pool.size != (1, 1)):
        return False
    below: Any = pool.source
    while isinstance(below, (*NORMS, Reshape)):
        below = below.source
    lies_beside = pool.stride == pool.size and pool.padding == (0, 0)
    skips = pool.size == (1, 1) and pool.padding == (0, 0)
    return isinstance(below, (Input, Pool)) or not (lies_beside or skips)


def gain_through(term: Node) -> float:
    """The one number that a term is multiplied with."""
    gain, node = 1.0, term
    while isinstance(node, (*NORMS, Reshape)):
        if isinstance(node, Norm):
            raise TraceError("normalises spikes; normalise currents, in front of the neuron")
        if isinstance(node, Gate):
            raise TraceError("gates spikes; gate currents, in front of the neuron")
        gain *= gain_of(node) if isinstance(node, Affine) else 1.0
        node = node.source
    return gain


def gain_of(node: Affine) -> float:
    """The one positive number that all spikes are multiplied with."""
    factors = np.unique(node.scale)
    if factors.size != 1 or not factors[0] > 0 or np.any(node.shift):
        raise TraceError("scales spikes by something else than one positive number; scale the "
                         "currents, in front of the neuron")
    return float(factors[0])


def scaled(term: Node, synapse: Synapse, scale: np.ndarray) -> dict[str, Any]:
    """``bias``, ``norm`` and ``gate``: what becomes of the sums of levels, times ``scale``."""
    steps: list[Norm | Affine | Gate] = []
    node: Any = term
    while node is not synapse:
        if isinstance(node, NORMS):
            steps.insert(0, node)
        elif isinstance(node, Pool):
            _commutes(node, steps, synapse.shape)
        node = node.source
    gates = [step for step in steps if isinstance(step, Gate)]
    if gates and gates != steps[-1:]:
        raise TraceError("normalises or scales gated currents; gate them last")
    written = _normed([step for step in steps if not isinstance(step, Gate)], synapse, scale)
    for gate in gates:
        written["gate"] = _tensors({"kind": "constant", "value": gate.factors})
    return written


def _commutes(pool: Pool, behind: list[Norm | Affine | Gate], shape: tuple[int, ...]) -> None:
    """Refuse what stands behind a pooling and is something else before it."""
    for step in behind:
        if isinstance(step, Gate):
            continue
        factor, shift = _per_channel(step, shape)
        if pool.kind == "max" and (factor < 0).any():
            raise TraceError("normalises or scales the largest currents by a negative factor, "
                             "which makes them the smallest; normalise in front of the pooling")
        if pool.kind == "sum" and shift.any():
            raise TraceError("shifts sums of currents; normalise in front of the pooling, or "
                             "take their average")


def _normed(steps: list[Norm | Affine], synapse: Synapse, scale: np.ndarray) -> dict[str, Any]:
    channels = len(scale)
    bias = np.zeros(channels) if synapse.bias is None else synapse.bias
    if len(steps) == 1 and isinstance(steps[0], Norm):
        norm = steps[0]
        written = {"norm": {"gamma": norm.gamma * scale, "beta": norm.beta,
                            "mean": norm.mean / scale, "var": norm.var, "eps": norm.eps}}
        written |= {"bias": bias / scale} if bias.any() else {}
        return _tensors(written)
    if not steps and (scale == 1).all():
        return _tensors({"bias": bias} if bias.any() else {})
    factor, shift = np.ones(channels), bias
    for step in steps:
        more, added = _per_channel(step, synapse.shape)
        factor, shift = factor * more, shift * more + added
    return _tensors({"norm": {"gamma": factor * scale, "beta": shift, "mean": 0 * scale,
                              "var": 0 * scale + 1, "eps": 0.0}})


def _per_channel(step: Norm | Affine, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(step, Norm):
        factor = step.gamma / np.sqrt(step.var + step.eps)
        return factor, step.beta - step.mean * factor
    found = []
    for constant in (step.scale, step.shift):
        whole = np.broadcast_to(constant, step.shape).reshape(shape[0], -1)
        if (whole != whole[:, :1]).any():
            raise TraceError("scales or shifts currents by other numbers than one per channel")
        found.append(whole[:, 0])
    return found[0], found[1]


def channelled(neuron: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """The neuron with one value per channel for each tensor, which broadcasts to ``shape``."""
    found = dict(neuron)
    for key, value in neuron.items():
        if not isinstance(value, torch.Tensor):
            continue
        if not bool(torch.isfinite(value).all()):
            raise NeuronError(f"a {key} that is not finite; did the training diverge?")
        while value.ndim > len(shape) and value.shape[0] == 1:
            value = value[0]
        try:
            whole = torch.broadcast_to(value, shape).reshape(shape[0], -1)
        except RuntimeError:
            raise NeuronError(f"a {key} of shape {tuple(value.shape)} for neurons of shape "
                              f"{shape}") from None
        if bool((whole != whole[:, :1]).any()):
            raise NeuronError(f"a {key} of its own for each place of a map; give it one per "
                              "channel, of shape (channels, 1, 1)")
        found[key] = whole[:, 0].clone()
    return found


def _tensors(written: dict[str, Any]) -> dict[str, Any]:
    """With tensors for arrays."""
    return {key: _tensors(value) if isinstance(value, dict) else
            torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value
            for key, value in written.items()}


def pooling(pool: Pool, single: str) -> dict[str, Any]:
    """The pooling; what the model file does not know is written for its check to refuse.

    single : kind that is written of windows of one place, where all are the same
    """
    kind = single if pool.size == (1, 1) else pool.kind
    written: dict[str, Any] = {"kind": kind, "size": list(pool.size)}
    if pool.stride != pool.size:
        written["stride"] = list(pool.stride)
    if pool.padding != (0, 0):
        written["padding"] = list(pool.padding)
    if pool.ceil:
        written["ceil_mode"] = True
    return written


def described(node: Node) -> str:
    words: dict[type[Node], str] = {
        Input: "the network's input itself", Pool: "pooled values that are no current",
        Membrane: "a membrane", Spikes: "spikes without weights",
        Sum: "a sum that is normalised or reshaped behind the join",
        Product: "joined spikes without weights",
        Synapse: "currents",
        Norm: "normalised spikes", Over: "what was taken over time",
        Cat: "what torch.cat puts side by side; give each its own neurons, and concatenate their "
             "spikes",
        Slice: "some channels of what is no spikes and no current"}
    return words.get(type(node), f"a {type(node).__name__.lower()}")
