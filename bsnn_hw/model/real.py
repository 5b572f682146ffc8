"""The real-valued network in torch, float64: what training meant, before any rounding.

The equations are those of bsnn_hw/model/description.py, in their order of operations. Sums over
synapses are sums of integers and exact, so that a result does not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.model.description import Coding, Comparison, Input, Layer, Model, Reset

if TYPE_CHECKING:
    import torch

__all__ = ["RealTrace", "check_inputs", "currents", "run", "spikes"]

KEEP = ("spikes", "membranes")


@dataclass(frozen=True)
class RealTrace:
    """What the real-valued network did with N samples.

    spikes : per hidden layer bool (N, T, neurons); None if not kept
    membranes : per hidden layer float64 (N, T, neurons), V after the reset; None if not kept
    scores : float64 (N, classes), mean over T of the gated readout current
    classes : int64 (N,), the largest score's index, the lowest on a tie
    """

    spikes: tuple[np.ndarray, ...] | None
    membranes: tuple[np.ndarray, ...] | None
    scores: np.ndarray
    classes: np.ndarray


def run(model: Model, inputs: np.ndarray | torch.Tensor, keep: Collection[str] | None = KEEP,
        batch: int = 256) -> RealTrace:
    """Evaluate the network.

    Parameters
    ----------
    model : Model
    inputs : integers, (N, size) in 0..2**bits-1 for direct coding, (N, T, size) in 0..1 for
        events; N may be 0
    keep : any of "spikes", "membranes"; None keeps neither, only scores and classes
    batch : int, samples at a time; changes memory and speed, no result

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
    count, hidden = len(inputs), model.layers[:-1]
    kept_spikes = _room(hidden, count, model.timesteps, bool) if "spikes" in wanted else None
    membranes = _room(hidden, count, model.timesteps, float) if "membranes" in wanted else None
    scores = np.zeros((count, model.layers[-1].synapse.weight.shape[0]))
    signs = [_signs(layer) for layer in model.layers]
    with torch.inference_mode():
        for start in range(0, count, batch):
            part = slice(start, min(start + batch, count))
            sums = _input_sums(model, signs[0], inputs[part])
            source: Input | None = model.input
            for index, layer in enumerate(hidden):
                fired, settled = spikes(layer, currents(layer, sums, source))
                if kept_spikes is not None:
                    kept_spikes[index][part] = fired.numpy()
                if membranes is not None:
                    membranes[index][part] = settled.numpy()
                sums, source = _sums(fired, signs[index + 1]), None
            scores[part] = currents(model.layers[-1], sums, source).mean(dim=1).numpy()
    return RealTrace(kept_spikes, membranes, scores, scores.argmax(axis=1))


def currents(layer: Layer, sums: torch.Tensor, source: Input | None = None) -> torch.Tensor:
    """G = gate * BN(sums + bias), float64 (N, T, neurons).

    sums : (N, T, neurons), integers: the layer's signs summed over spikes or input values
    source : Input of a first layer, whose scale and offset stand outside of the sum; None where
        spikes come in
    """
    import torch

    if source is not None:
        ones = np.where(layer.synapse.weight >= 0, 1.0, -1.0).sum(axis=1)
        sums = source.scale * sums.double() + source.offset * torch.from_numpy(ones)
    norm = layer.norm
    mean, deviation, gamma, beta, bias, gate = (torch.tensor(array) for array in (
        norm.mean, np.sqrt(norm.var + norm.eps), norm.gamma, norm.beta, layer.synapse.bias,
        layer.gate))
    return gate[:, None] * ((sums.double() + bias - mean) / deviation * gamma + beta)


def spikes(layer: Layer, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes (bool) and settled membranes V of all timesteps, each (N, T, neurons).

    currents : float64 (N, T, neurons), G of a layer with neurons
    """
    import torch

    neuron = layer.neuron
    assert neuron is not None
    potential = torch.zeros_like(currents[:, 0])
    fired_all, settled_all = [], []
    for now in currents.unbind(dim=1):
        charged = neuron.leak * potential + neuron.input_scale * now
        if neuron.comparison is Comparison.AT_LEAST:
            fired = charged >= neuron.threshold
        else:
            fired = charged > neuron.threshold
        if neuron.reset is Reset.HARD:
            potential = torch.where(fired, 0.0, charged)
        else:
            potential = charged - neuron.threshold * fired
        fired_all.append(fired)
        settled_all.append(potential)
    return torch.stack(fired_all, dim=1), torch.stack(settled_all, dim=1)


def check_inputs(spec: Input, timesteps: int, inputs: Any) -> np.ndarray:
    """Samples as an integer array of the right shape and range.

    Raises
    ------
    InputError
        The inputs have another shape, type or range.
    """
    array = np.asarray(inputs)
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
    return tuple(np.zeros((count, timesteps, layer.synapse.weight.shape[0]), dtype)
                 for layer in layers)


def _signs(layer: Layer) -> torch.Tensor:
    """The binary weights, float64 -1 or +1, transposed to (fan_in, neurons); sign(0) = +1."""
    import torch

    return torch.from_numpy(np.where(layer.synapse.weight >= 0, 1.0, -1.0).T.copy())


def _sums(values: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
    """Sum of ±1 times integer over the synapses: exact, far below 2**53."""
    return values.double() @ signs


def _input_sums(model: Model, signs: torch.Tensor, inputs: np.ndarray) -> torch.Tensor:
    """Synaptic sums of the first layer, (B, T, neurons); a direct input is the same at every t."""
    import torch

    sums = _sums(torch.from_numpy(np.array(inputs, dtype=np.float64)), signs)
    if model.input.coding is Coding.EVENTS:
        return sums
    return sums[:, None, :].expand(-1, model.timesteps, -1)
