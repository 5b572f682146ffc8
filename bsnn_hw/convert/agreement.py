"""Does the model do what the module does?  Every spike and score of random samples is compared.

Neurons decide by comparing sums of floating-point numbers, whose last bits depend on the order
of adding.  A decision that differs counts as a tie where, with the very same spikes before it,
the potential is at the threshold up to such rounding; any other difference is an error of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch

from bsnn_hw.model.currents import currents, given_back, join, scaled, sums
from bsnn_hw.model.description import Coding, Comparison, Layer, Model, Reset
from bsnn_hw.model.joined_spikes import joined_spikes
from bsnn_hw.model.real import RealTrace

__all__ = ["Agreement", "Recorded", "compare"]

# Module weights are float32 numbers, of which the model keeps one scale per channel.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Recorded:
    """What the module did.

    spikes : per layer name bool (N, T, neurons); scores : float64 (N, classes)
    """

    spikes: dict[str, np.ndarray]
    scores: np.ndarray


@dataclass(frozen=True)
class Agreement:
    """Counts of a comparison.

    spikes, scores, samples : int, how many were compared
    spikes_differ, scores_differ : int, when both run on their own
    ties : int, decisions that differ with the same spikes before them, all at the threshold
    wrong : str, empty, or the first decision or score that differs and is no tie
    """

    samples: int
    spikes: int
    scores: int
    spikes_differ: int
    scores_differ: int
    ties: int
    wrong: str

    def __str__(self) -> str:
        text = (f"{self.spikes_differ:,} of {self.spikes:,} spikes and {self.scores_differ:,} of "
                f"{self.scores:,} scores differ on {self.samples} random samples")
        if self.ties:
            text += f"; {self.ties:,} decisions at the threshold, which rounding decides"
        return text


def compare(model: Model, inputs: np.ndarray, seen: Recorded, own: RealTrace,
            neurons: dict[str, np.ndarray]) -> Agreement:
    """Compare what the module did with ``own``, the run of the model on the same inputs.

    neurons : the model's spikes by layer name, bool (N, T, neurons)
    """
    reach = max(1e-300, float(np.abs(seen.scores).max(initial=0.0)))
    apart = np.abs(own.scores - seen.scores) > ROUNDING * reach
    differ = sum(int((seen.spikes[name] != neurons[name]).sum()) for name in seen.spikes)
    ties, wrong = _decisions(model, inputs, seen)
    if apart.any() and not differ and not wrong:
        sample, number = np.argwhere(apart)[0]
        wrong = (f"score {number} of sample {sample} is {seen.scores[sample, number]:g} in the "
                 f"module and {own.scores[sample, number]:g} in the model, with the same spikes")
    return Agreement(len(inputs), sum(each.size for each in seen.spikes.values()),
                     seen.scores.size, differ, int(apart.sum()), ties, wrong)


def _decisions(model: Model, inputs: np.ndarray, seen: Recorded) -> tuple[int, str]:
    """Ties, and the first decision that differs and is none, each from the module's own spikes."""
    fired = {name: torch.from_numpy(spikes) for name, spikes in seen.spikes.items()}
    sent: dict[str, torch.Tensor] = {}  # what layers give of them
    given: dict[str, torch.Tensor] = {}
    ties = 0
    for layer in model.layers:
        if layer.name not in fired:
            continue
        if layer.feed.source is not None:
            own = currents(layer, sums(layer, sent[layer.feed.source]))
        else:
            values = torch.from_numpy(np.array(inputs, dtype=np.uint8))
            values = values if model.input.coding is Coding.EVENTS else values[:, None]
            each = sums(layer, scaled(model.input, values)).expand(-1, model.timesteps, -1)
            own = currents(layer, each, model.input)
        given[layer.name] = given_back(layer, join(layer, own, sent, given), fired[layer.name])
        sent[layer.name] = joined_spikes(layer, fired[layer.name], sent)
        margin = _margins(layer, given[layer.name], fired[layer.name])
        scale = float(given[layer.name].abs().max()) + float(np.max(_of(layer, "threshold")))
        wrong = margin > ROUNDING * scale
        if wrong.any():
            sample, t, neuron = np.argwhere(wrong.numpy())[0]
            return ties, (f"layer {layer.name!r}, sample {sample}, timestep {t + 1}, neuron "
                          f"{neuron}: the module and the model decide differently, with the "
                          f"potential {float(margin[sample, t, neuron]):g} from the threshold")
        ties += int((margin >= 0).sum())
    return ties, ""


def _margins(layer: Layer, current: torch.Tensor, fired: torch.Tensor) -> torch.Tensor:
    """How far from the threshold a potential is where the decision differs; -1 elsewhere."""
    neuron = layer.neuron
    assert neuron is not None
    leak, threshold, scale = (torch.from_numpy(_of(layer, name))
                              for name in ("leak", "threshold", "input_scale"))
    reset_by = torch.from_numpy(_of(layer, "reset_amount"))
    current_leak = torch.from_numpy(_of(layer, "current_leak"))
    held = potential = torch.zeros_like(current[:, 0])
    margins = torch.full_like(current, -1.0)
    for t in range(current.shape[1]):
        held = current_leak * held + current[:, t]
        charged = leak * potential + scale * held
        if neuron.refractory and t:
            charged = torch.where(fired[:, t - 1], 0.0, charged)
        match neuron.comparison:
            case Comparison.AT_LEAST:
                above = charged >= threshold
            case Comparison.ABOVE:
                above = charged > threshold
            case _:
                assert_never(neuron.comparison)
        margins[:, t] = torch.where(above == fired[:, t], -1.0, (charged - threshold).abs())
        match neuron.reset:
            case Reset.HARD:
                potential = torch.where(fired[:, t], 0.0, charged)
            case Reset.SOFT:
                potential = charged - reset_by * fired[:, t]
            case _:
                assert_never(neuron.reset)
        if neuron.min_potential is not None:
            potential = potential.maximum(torch.from_numpy(_of(layer, "min_potential")))
    return margins


def _of(layer: Layer, name: str) -> np.ndarray:
    """A parameter for each neuron, or one for all."""
    value = np.array(getattr(layer.neuron, name), dtype=float)
    if value.ndim == 0 or value.size == layer.shape.size:
        return value.reshape(-1)
    return np.repeat(value, layer.shape.size // value.size)
