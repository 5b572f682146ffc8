"""The real-valued network in torch, float64: what training meant, before any rounding.

The equations are those of bsnn_hw/model/description.py, in their order of operations. Sums over
synapses are sums of integers and exact, so that a result does not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, assert_never

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.model.currents import added, currents, in_sequence, join, scaled, sums
from bsnn_hw.model.description import (
    Coding,
    Comparison,
    Input,
    Layer,
    Model,
    PerChannel,
    Reset,
    ScoreKind,
)
from bsnn_hw.model.joined_spikes import joined_spikes

if TYPE_CHECKING:
    import torch

__all__ = ["RealTrace", "added", "check_inputs", "currents", "join", "recurred", "run", "score",
           "spikes", "sums"]

KEEP = ("spikes", "membranes")
MAX_BATCH = 256  # samples
BATCH_VALUES = 1 << 19  # float64 potentials of one layer, all timesteps



class State(NamedTuple):
    """What a timestep leaves to the next, each (N, neurons): V float64, spikes bool, I float64."""

    potential: torch.Tensor
    fired: torch.Tensor
    synaptic: torch.Tensor


@dataclass(frozen=True)
class RealTrace:
    """What the real-valued network did with N samples.

    Neuron (c, y, x) of a map has the index (c * height + y) * width + x.

    spikes : per hidden layer its neurons' own, bool (N, T, neurons); None if not kept
    membranes : per hidden layer float64 (N, T, neurons), V after the reset; None if not kept
    scores : float64 (N, classes), as the readout's `Scoring` says
    classes : int64 (N,), the largest score's index, the lowest on a tie
    state : of a stateful model, by the layer's name, what the next sample starts from
    """

    spikes: tuple[np.ndarray, ...] | None
    membranes: tuple[np.ndarray, ...] | None
    scores: np.ndarray
    classes: np.ndarray
    state: Mapping[str, State] = field(default_factory=dict)


def run(model: Model, inputs: np.ndarray | torch.Tensor, keep: Collection[str] | None = KEEP,
        batch: int | None = None, resets: np.ndarray | None = None,
        state: Mapping[str, State] | None = None) -> RealTrace:
    """Evaluate the network.

    Parameters
    ----------
    model : Model
    inputs : integers, (N, size) in 0..2**bits-1 for direct coding, (N, T, size) in 0..1 for
        events; N may be 0
    keep : any of "spikes", "membranes"; None keeps neither, only scores and classes
    batch : int or None, samples at a time; changes memory and speed, no result
    resets : bool (N,), of a stateful model: the state is 0 before these samples; None for none
    state : that the first sample starts from, of the run before; None for 0

    Raises
    ------
    InputError
        The inputs have another shape, type or range.
    """
    import torch

    wanted = frozenset(keep or ())
    if not wanted <= frozenset(KEEP):
        raise ValueError(f"keep must name some of {KEEP}, not {sorted(wanted)}")
    inputs = check_inputs(model.input, model.timesteps, inputs)
    hidden, count = model.layers[:-1], len(inputs)
    kept_spikes = _room(hidden, count, model.timesteps, bool) if "spikes" in wanted else None
    membranes = _room(hidden, count, model.timesteps, float) if "membranes" in wanted else None
    scores = np.zeros((count, model.layers[-1].shape.size))
    batch = batch or _batch(model)
    left = dict(state or {})
    with torch.inference_mode():
        for part in _parts(count, batch, resets if model.stateful else None):
            if resets is not None and resets[part.start]:
                left.clear()
            fired: dict[str, torch.Tensor] = {}
            given: dict[str, torch.Tensor] = {}
            for index, layer in enumerate(hidden):
                own = _own_currents(model, layer, inputs[part], fired)
                before = left.get(layer.name)
                given[layer.name] = recurred(layer, join(layer, own, fired, given), before)
                emitted, settled, after = spikes(layer, given[layer.name], before)
                fired[layer.name] = joined_spikes(layer, emitted, fired)
                if model.stateful:
                    left[layer.name] = after
                if kept_spikes is not None:
                    kept_spikes[index][part] = emitted.numpy()
                if membranes is not None:
                    membranes[index][part] = settled.numpy()
            last = _own_currents(model, model.layers[-1], inputs[part], fired)
            scores[part] = score(model.layers[-1], last).numpy()
    return RealTrace(kept_spikes, membranes, scores, scores.argmax(axis=1), left)


def _parts(count: int, batch: int, resets: np.ndarray | None) -> list[slice]:
    """All samples, ``batch`` at a time at most, and none behind one that starts from 0."""
    starts = {*range(0, count, batch), *([] if resets is None else np.flatnonzero(resets).tolist())}
    ordered = sorted(starts)
    return [slice(*ends) for ends in zip(ordered, [*ordered[1:], count], strict=False)]


def _own_currents(model: Model, layer: Layer, inputs: np.ndarray,
                  fired: dict[str, torch.Tensor]) -> torch.Tensor:
    """Currents of a layer's own synapse, (B, T, neurons); ``fired`` is what layers gave so far."""
    import torch

    if layer.feed.source is not None:
        return currents(layer, sums(layer, fired[layer.feed.source]))
    values = torch.from_numpy(np.array(inputs, dtype=np.uint8))
    values = scaled(model.input, values)
    if model.input.coding is Coding.EVENTS:
        return currents(layer, sums(layer, values), model.input)
    # The same at every timestep.
    once = sums(layer, values[:, None])
    return currents(layer, once.expand(-1, model.timesteps, -1), model.input)


def spikes(layer: Layer, currents: torch.Tensor,
           state: State | None = None) -> tuple[torch.Tensor, torch.Tensor, State]:
    """Spikes (bool) and settled membranes V of all timesteps, each (N, T, neurons), and the state
    that is left.

    currents : float64 (N, T, neurons), G of a layer with neurons; where it is stateful, samples
        start from what the one before left, the first from ``state``
    """
    import torch

    neuron = _expanded(layer, currents.shape[-1])
    given = in_sequence(neuron.stateful, currents)
    fired = torch.empty(given.shape, dtype=torch.bool)
    settled = torch.empty_like(given)
    state = state or _at_rest(given[:, 0])
    for t, now in enumerate(given.unbind(dim=1)):
        state = _step(neuron, state, now)
        fired[:, t], settled[:, t] = state.fired, state.potential
    return fired.reshape(currents.shape), settled.reshape(currents.shape), state


def recurred(layer: Layer, given: torch.Tensor, state: State | None = None) -> torch.Tensor:
    """G, float64 (N, T, neurons): ``given``, and what the layer's own spikes of the timestep
    before add, none in the first but those of ``state``."""
    import torch

    if not layer.recurrences:
        return given
    neuron = _expanded(layer, given.shape[-1])
    whole = in_sequence(neuron.stateful, given)
    state = state or _at_rest(whole[:, 0])
    steps = []
    for t, now in enumerate(whole.unbind(dim=1)):
        for shortcut in layer.recurrences:
            at = t % len(shortcut.gate)
            now = now + currents(replace(shortcut, gate=shortcut.gate[at:at + 1]),
                                 sums(shortcut, state.fired[:, None]))[:, 0]
        state = _step(neuron, state, now)
        steps.append(now)
    return torch.stack(steps, dim=1).reshape(given.shape)


def _at_rest(like: torch.Tensor) -> State:
    """The state before all timesteps; ``like`` : (N, neurons)."""
    import torch

    none = torch.zeros_like(like, dtype=torch.float64)
    return State(none, none > 0, none)


def _step(neuron: Any, state: State, now: torch.Tensor) -> State:
    """What one timestep leaves, from the one before and the current G; the neuron is
    `_expanded`."""
    held = neuron.current_leak * state.synaptic + now if neuron.second_order else now
    charged = (neuron.leak * state.potential).add_(neuron.input_scale * held)
    if neuron.refractory:
        charged.masked_fill_(state.fired, 0.0)
    match neuron.comparison:
        case Comparison.AT_LEAST:
            fired = charged >= neuron.threshold
        case Comparison.ABOVE:
            fired = charged > neuron.threshold
        case _:
            assert_never(neuron.comparison)
    match neuron.reset:
        case Reset.HARD:
            settled = charged.masked_fill_(fired, 0.0)
        case Reset.SOFT:
            settled = charged.sub_(fired.double().mul_(neuron.reset_amount))
        case _:
            assert_never(neuron.reset)
    if neuron.min_potential is not None:
        settled = settled.clamp_(min=neuron.min_potential)
    return State(settled, fired, held)


def _expanded(layer: Layer, neurons: int) -> Any:
    """The layer's neuron with numbers for all neurons, or tensors of one each."""
    neuron = layer.neuron
    assert neuron is not None
    return replace(neuron, leak=_each(neuron.leak, neurons),
                   threshold=_each(neuron.threshold, neurons),
                   input_scale=_each(neuron.input_scale, neurons),
                   reset_by=_each(neuron.reset_amount, neurons),
                   current_leak=_each(neuron.current_leak, neurons),
                   min_potential=_each(neuron.min_potential, neurons))


def _each(value: PerChannel | None, neurons: int) -> Any:
    """``value`` as a number for all neurons, or as a tensor of one each."""
    import torch

    if isinstance(value, np.ndarray):
        return torch.tensor(value).repeat_interleave(neurons // len(value))
    return value


def score(layer: Layer, currents: torch.Tensor) -> torch.Tensor:
    """Scores (N, classes) of the readout from its ``currents``, float64 (N, T, classes)."""
    import torch

    scoring = layer.scoring
    leak = _each(scoring.leak, currents.shape[-1])
    steps = [currents[:, 0]]
    for now in currents.unbind(dim=1)[1:]:
        steps.append(leak * steps[-1] + now)
    potentials = torch.stack(steps, dim=1)
    match scoring.kind:
        case ScoreKind.MEAN:
            return potentials.mean(dim=1)
        case ScoreKind.SUM:
            return potentials.sum(dim=1)
        case ScoreKind.LAST:
            return potentials[:, -1]
        case ScoreKind.MAX:
            return potentials.amax(dim=1)


def check_inputs(spec: Input, timesteps: int, inputs: Any) -> np.ndarray:
    """Samples as an integer array of the right shape and range; of whole ones the values that are
    used.

    Raises
    ------
    InputError
        The inputs have another shape, type or range.
    """
    array = np.asarray(inputs)
    if spec.used is not None and array.ndim and array.shape[-1] == spec.used.shape.size:
        array = spec.used.pick(array)
    shape = (spec.size,) if spec.coding is Coding.DIRECT else (timesteps, spec.size)
    if array.ndim != 1 + len(shape) or array.shape[1:] != shape:
        wanted = ", ".join(map(str, shape))
        raise InputError(f"inputs: must have shape (N, {wanted}), not {array.shape}")
    if array.dtype.kind not in "uib":
        raise InputError(f"inputs: must be integers, as uint8, not {array.dtype}")
    if array.size and (array.min() < 0 or array.max() >= 1 << spec.bits):
        raise InputError(f"inputs: must be integers from 0 to {(1 << spec.bits) - 1}, not "
                         f"{array.min()} to {array.max()}")
    return array


def _room(layers: tuple[Layer, ...], count: int, timesteps: int, dtype: type
          ) -> tuple[np.ndarray, ...]:
    return tuple(np.zeros((count, timesteps, layer.shape.size), dtype) for layer in layers)


def _batch(model: Model) -> int:
    """Samples that together keep the largest layer's potentials in the cache, or near it."""
    widest = max(layer.shape.size for layer in model.layers)
    return max(1, min(MAX_BATCH, BATCH_VALUES // (widest * model.timesteps)))
