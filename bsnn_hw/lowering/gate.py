"""A layer whose gate every sample makes, to integers for given bits (docs/ir.md).

The mean of Y over all neurons is linear in what comes in.  Its weights are rounded to a few bits,
its sum is cut to the index of a table, and the table holds alpha times the sigmoid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import gate_total_bounds, hidden_bounds, pooled_value, step_bounds
from bsnn_hw.ir.check import WORD_BITS
from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import Hidden, NeuronSpec, Synapse
from bsnn_hw.lowering.fold import (
    affine,
    counting,
    pool_of,
    synapse_of,
    with_used_floors,
    with_used_resets,
)
from bsnn_hw.lowering.rounding import (
    LIMIT,
    check_range,
    check_saturation,
    check_width,
    rounded,
    steady_leak,
    threshold_integers,
    with_floor,
)
from bsnn_hw.model.description import Input, Layer

__all__ = ["USUAL_BITS", "USUAL_RANGE", "GateBits", "Mean", "fold_gated", "mean_of"]

SILENT_BITS = 8  # of the threshold of a neuron that its inputs do not reach
MARGIN = 0.25  # of the range of means that was seen, on either side
MOST_FACTOR_BITS = 62
USUAL_RANGE = (-8.0, 8.0)  # beyond, the sigmoid is 0 or 1 within 3e-4


@dataclass(frozen=True)
class GateBits:
    """Bits of a gate's weights, of its table's index, and of its factors."""

    weights: int
    index: int
    factor: int


USUAL_BITS = GateBits(6, 6, 8)  # where nothing is measured


@dataclass(frozen=True)
class Mean:
    """The mean of Y over all neurons: ``weights`` of one output channel, summed over its map over
    what comes in, plus ``shift``; float64."""

    weights: np.ndarray
    shift: float


def mean_of(layer: Layer, source: Input | None) -> Mean:
    """What the mean of a layer's Y is made of; ``source`` as in `affine`."""
    channel = affine(layer, source)
    border = channel.border.mean if channel.border else 0.0
    return Mean(np.tensordot(channel.scale, channel.weights, 1) / layer.shape.size,
                float(channel.shift.mean()) + border)


def fold_gated(layer: Layer, source: Input | None, *, max_value: int, fraction_bits: int,
               leak_bits: int, bits: GateBits = USUAL_BITS,
               means: tuple[float, float] = USUAL_RANGE) -> Hidden:
    """A spiking layer with a gate of the sample's in integers, in the first normal form.

    means : the least and the largest mean of Y that the table tells apart, and a margin

    Raises
    ------
    InputError
        The layer would need potentials of more than 48 bits, or products of more than 64.
    """
    neuron = layer.neuron
    assert neuron is not None
    channel = affine(layer, source)
    with np.errstate(over="ignore", divide="ignore"):
        least = neuron.threshold / neuron.input_scale  # a current that fires at once
        weights, connected, unit = counting(layer, channel, least / layer.gate.max(), max_value)
        # What has no count to be a unit takes a share of its threshold, or of its shift.
        unit = np.where(connected, unit,
                        np.ldexp(np.maximum(np.abs(channel.shift), least), -SILENT_BITS))
        bias, threshold, reset_by = (np.ldexp(value / unit, fraction_bits) for value in (
            channel.shift, least, neuron.reset_amount / neuron.input_scale))
        floor = None if neuron.min_potential is None else np.ldexp(
            neuron.min_potential / neuron.input_scale / unit, fraction_bits)
        whole = np.ldexp((channel.shift + channel.border.extra) / unit,
                         fraction_bits) if channel.border else bias
    if np.abs(whole).max() >= LIMIT:
        check_width(layer.name, LIMIT.bit_length())
    spec = with_floor(
        _spec(layer, rounded(bias), threshold, rounded(reset_by), fraction_bits, leak_bits), floor)
    if channel.border:
        spec = replace(spec, border=channel.border.integers(spec.bias, rounded(whole)))
    check_saturation(layer.name, spec)
    synapse = synapse_of(layer, weights, connected)
    gate = _gate(layer, mean_of(layer, source), synapse,
                 pooled_value(pool_of(layer), max_value), bits, means)
    folded = _reduced(Hidden(layer.name, synapse, spec, pool=pool_of(layer), gate=gate), max_value)
    _check_product(folded, max_value)
    return folded


def _spec(layer: Layer, bias: np.ndarray, threshold: np.ndarray, reset_by: np.ndarray,
          fraction_bits: int, leak_bits: int) -> NeuronSpec:
    """Constants (channels,), the same in every timestep, as the gate is not in them."""
    neuron, timesteps = layer.neuron, len(layer.gate)
    assert neuron is not None
    leak, current_leak = (steady_leak(value, (timesteps, len(bias)), leak_bits, neuron.stateful)
                          for value in (neuron.leak, neuron.current_leak))

    def rows(values: np.ndarray) -> np.ndarray:
        return np.repeat(values[None], timesteps, axis=0)

    return NeuronSpec(fraction_bits, leak_bits, leak, rows(bias),
                      rows(threshold_integers(threshold, neuron.comparison)),
                      neuron.reset, neuron.comparison, reset_by=rows(reset_by),
                      current_leak=current_leak if current_leak.any() else None,
                      stateful=neuron.stateful, refractory=neuron.refractory,
                      saturation=neuron.saturate)


def _gate(layer: Layer, mean: Mean, synapse: Synapse, max_value: int, bits: GateBits,
          means: tuple[float, float]) -> SampleGate:
    largest = (1 << bits.weights - 1) - 1
    step = float(np.abs(mean.weights).max()) / largest or 1.0  # of the mean, for a count of one
    weights = rounded(mean.weights / step).astype(np.int8)
    reach = gate_total_bounds(synapse, weights, max_value)
    margin = MARGIN * (means[1] - means[0])
    ends = np.floor((means[0] - margin - mean.shift) / step), np.ceil(
        (means[1] + margin - mean.shift) / step)
    low, high = (min(max(int(end), reach.low), reach.high)
                 for end in np.clip(ends, -LIMIT, LIMIT))
    span = max(1, high - low + 1)
    index_bits = min(bits.index, (span - 1).bit_length())
    shift = (-(-span >> index_bits) - 1).bit_length()
    offset = (((1 << index_bits + shift) - span) >> 1) - low
    middles = (np.arange(1 << index_bits) + 0.5) * (1 << shift) - 0.5 - offset
    table, factor_bits = _table(layer.gate, step * middles + mean.shift, bits.factor)
    return SampleGate(weights, bits.weights, offset, shift, table, factor_bits)


def _table(alpha: np.ndarray, means: np.ndarray, width: int) -> tuple[np.ndarray, int]:
    """alpha times the sigmoid of the means, int64 (T, entries), of ``width`` bits, and how many of
    these are behind the point."""
    values = alpha[:, None] * (1 + np.tanh(means / 2)) / 2
    factor_bits = min(max(0, width - int(np.frexp(values.max())[1])), MOST_FACTOR_BITS)
    table = rounded(np.ldexp(values, factor_bits))
    return np.minimum(table, (1 << width) - 1) if factor_bits else table, factor_bits


def _check_product(layer: Hidden, max_value: int) -> None:
    """Refuse what the reference cannot compute: the factor may take away again what makes a
    current wide, and then potentials fit."""
    bounds = hidden_bounds(layer, max_value).gate
    assert bounds is not None
    if bounds.product.width > WORD_BITS:
        raise InputError(
            f"layer '{layer.name}': a current times its gate's factor must fit {WORD_BITS} bits, "
            f"not {bounds.product.width}; give fewer fraction bits")


def _reduced(layer: Hidden, max_value: int) -> Hidden:
    """The same spikes from smaller integers: thresholds beyond what a neuron can reach become the
    nearest that says the same, and one that no input moves gets constants and no current."""
    spec, above = layer.neuron, layer.neuron.comparison.excess
    ranges = step_bounds(layer, max_value)
    low, high = (np.array([step.charged[end] for step in ranges]) for end in (0, 1))
    always, never = spec.threshold + above <= low, spec.threshold + above > high
    fixed = np.asarray((never | always).all(axis=0))
    for _, *kinds in ranges:
        for ends in kinds:
            check_range(layer.name, *(end[~fixed] for end in ends), stateful=spec.stateful)
    threshold = np.where(fixed, np.where(always, -above, 1 - above), spec.threshold)
    beyond = never & ~fixed
    threshold[beyond] = (high[beyond] + 1 - above).astype(np.int64)
    reset_by = None if spec.reset_by is None else np.where(fixed, 0, spec.reset_by)
    spec = replace(spec, bias=np.where(fixed, 0, spec.bias), threshold=threshold,
                   border=spec.border.without(fixed) if spec.border else None,
                   reset_by=reset_by,
                   leak=np.zeros_like(spec.leak) if fixed.all() else spec.leak,
                   current_leak=None if fixed.all() else spec.current_leak,
                   refractory=spec.refractory and not fixed.all())
    connected = layer.synapse.connected & ~fixed
    spec = with_used_floors(with_used_resets(spec, ~never | fixed), ranges, ~fixed)
    return replace(layer, synapse=replace(layer.synapse, connected=connected), neuron=spec)
