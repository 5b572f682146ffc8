"""One real-valued layer to the first normal form, for given fraction bits (docs/ir.md).

A channel's unit is the real-valued worth of one accumulator count: ``gate * input_scale * |a|``
with ``Y = a * acc + b``.  Divided by it, the synapse is a pure count, and scale, shift, gate and
threshold become per-channel, per-timestep constants.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bsnn_hw.ir.bounds import (
    StepEnds,
    accumulator_bounds,
    neuron_bounds,
    pooled_value,
    readout_bounds,
)
from bsnn_hw.ir.network import (
    Conv,
    Dense,
    Hidden,
    NeuronSpec,
    Peak,
    Pool,
    PoolKind,
    Readout,
    Synapse,
)
from bsnn_hw.lowering.border import BorderShift, border_shift, whole_offsets
from bsnn_hw.lowering.rounding import (
    LIMIT,
    check_range,
    check_saturation,
    check_width,
    rounded,
    threshold_integers,
    with_floor,
)
from bsnn_hw.model import real
from bsnn_hw.model.description import (
    Conv2d,
    Input,
    Layer,
    Pooling,
    PoolingKind,
    ScoreKind,
    SynapseShortcut,
)
from bsnn_hw.model.scoring import PerChannel

__all__ = ["NEGLIGIBLE", "Affine", "affine", "counting", "current_pool_of", "fold_hidden",
           "fold_readout", "pool_of", "pooling_of", "synapse_of", "with_used_floors",
           "with_used_resets"]

# A channel whose whole synaptic reach is at most this share of its shift or threshold counts as
# disconnected: it would need potentials this much wider than everybody else's.
NEGLIGIBLE = 2.0 ** -16
IDLE_BITS = 8  # of the threshold of a neuron that no input reaches, and that keeps its state


@dataclass(frozen=True)
class Affine:
    """A synapse's ``Y = scale * acc + shift`` in real numbers, each (channels,).

    weights : int8, -1 or +1 or of few bits, in the shape of the model's; acc sums them
    border : what is added to the shift depending on the place, None where nothing is
    """

    weights: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    border: BorderShift | None = None

    @property
    def spread(self) -> np.ndarray | float:
        """By how much the shift differs at a place, of each channel."""
        return 0.0 if self.border is None else self.border.spread


def affine(part: Layer | SynapseShortcut, source: Input | None) -> Affine:
    """Fold input scaling, averages, synaptic bias and BatchNorm into one scale and shift.

    part : what has a synapse and a norm
    source : Input of a first layer, None where spikes come in
    """
    weights = part.synapse.coefficients
    norm = part.norm
    slope = norm.gamma / np.sqrt(norm.var + norm.eps)
    if source is None:
        scale, offsets = 1 / part.feed.divisor, np.zeros(len(weights))
    else:
        assert not isinstance(source.scale, np.ndarray)  # `with_factors` comes first
        scale, offsets = source.scale, whole_offsets(part, source)
    border = border_shift(part, source, slope) if isinstance(part, Layer) else None
    shift = slope * (part.synapse.bias + offsets - norm.mean) + norm.beta
    return Affine(weights, slope * scale, shift, border)


def synapse_of(part: Layer | SynapseShortcut, weights: np.ndarray,
               connected: np.ndarray) -> Synapse:
    """The integer synapse of ``part`` with these weights."""
    synapse = part.synapse
    if isinstance(synapse, Conv2d):
        return Conv(weights, connected, part.feed.shape, synapse.stride, synapse.padding,
                    synapse.weight_bits, synapse.groups)
    return Dense(weights, connected, synapse.weight_bits)


def pool_of(part: Layer | SynapseShortcut) -> Pool | None:
    """The integer pooling of ``part``: an average is a sum, its divisor is in the scale."""
    return None if part.feed.pool is None else pooling_of(part.feed.pool)


def pooling_of(pool: Pooling) -> Pool:
    """A pooling of spikes in integers."""
    return Pool(PoolKind.MAX if pool.kind is PoolingKind.MAX else PoolKind.SUM, *pool.size,
                pool.step, pool.padding)


def current_pool_of(layer: Layer) -> Pool | None:
    """The integer pooling of the layer's sums, a maximum: behind a positive scale, currents have
    theirs where sums have.  Averages are wider kernels by now."""
    pool = layer.current_pool
    assert pool is None or pool.kind is PoolingKind.MAX
    return None if pool is None else Pool(PoolKind.MAX, *pool.size)


def fold_hidden(layer: Layer, source: Input | None, *, max_value: int, fraction_bits: int,
                leak_bits: int) -> Hidden:
    """A spiking layer in integers.

    Raises
    ------
    InputError
        The layer would need potentials of more than 48 bits.
    """
    neuron = layer.neuron
    assert neuron is not None
    # What leaves the range of float64 becomes infinite, then the largest integer, and is then
    # either a threshold that cannot be reached or too wide.
    with np.errstate(over="ignore", divide="ignore"):
        channel = affine(layer, source)
        gate = layer.gate[:, None] * neuron.input_scale  # (T, channels), or (T, 1)
        least = neuron.threshold / gate.max(axis=0)
        weights, connected, unit = counting(layer, channel, least, max_value)
        if neuron.stateful:
            unit = np.where(connected, unit, _idle_unit(channel.shift, least))

        def shifted(shift: np.ndarray) -> np.ndarray:
            moved = connected | neuron.stateful
            return rounded(np.ldexp(np.where(moved, shift / unit, 0), fraction_bits))

        bias = shifted(channel.shift)
        whole = shifted(channel.shift + channel.border.extra) if channel.border else bias
        threshold, reset_by = (np.ldexp(value / gate / unit, fraction_bits)
                               for value in (neuron.threshold, neuron.reset_amount))
        floor = None if neuron.min_potential is None else np.ldexp(
            neuron.min_potential / gate / unit, fraction_bits)
        leak, current_leak = (_leak(value, layer.gate, leak_bits, len(unit), neuron.stateful)
                              for value in (neuron.leak, neuron.current_leak))
    if max(np.abs(bias).max(), np.abs(whole).max()) >= LIMIT:
        check_width(layer.name, LIMIT.bit_length())
    bias = np.broadcast_to(bias, threshold.shape).copy()
    spec = with_floor(NeuronSpec(
        fraction_bits=fraction_bits, leak_bits=leak_bits, leak=leak, bias=bias,
        threshold=threshold_integers(threshold, neuron.comparison),
        reset=neuron.reset, comparison=neuron.comparison, reset_by=rounded(reset_by),
        border=channel.border.integers(bias, whole) if channel.border else None,
        current_leak=current_leak if current_leak.any() else None, stateful=neuron.stateful,
        refractory=neuron.refractory, saturation=neuron.saturate), floor)
    check_saturation(layer.name, spec)
    folded = Hidden(layer.name, synapse_of(layer, weights, connected), spec, pool=pool_of(layer),
                    current_pool=current_pool_of(layer))
    return _reduced(folded, max_value, _idle_spikes(layer, source))


def fold_readout(layer: Layer, source: Input | None, *, timesteps: int, max_value: int,
                 gain_bits: int, leak_bits: int = 0) -> Readout:
    """The readout in integers: ``score * scale`` is what its scoring makes of gate * Y.

    gain_bits : int, 0 or more
        If all gains are equal, they become 2**gain_bits; else the largest has gain_bits + 1 bits.
    leak_bits : int, of the membrane whose largest value is the score; no other keeps one
    """
    channel, largest = affine(layer, source), layer.scoring.kind is ScoreKind.MAX
    gain, bias = (_peak_terms if largest else _summed_terms)(layer, channel, timesteps)
    # Around 1, where no quotient leaves the range of float64; powers of two change no digit.
    exponent = int(np.frexp(max(np.abs(gain).max(), np.abs(bias).max()))[1])
    gain, bias = np.ldexp(gain, -exponent), np.ldexp(bias, -exponent)
    # Biases far beyond all gains decide alone; they set the unit, and scores stay narrow.
    reach = _reach(layer, max_value) * timesteps
    dominant = np.abs(bias).max() * NEGLIGIBLE / reach
    unit = float(max(np.abs(gain).max(), dominant)) / (1 << gain_bits) or 1.0
    synapse = Dense(channel.weights, np.ones(len(channel.scale), bool), layer.synapse.weight_bits)
    bias = rounded(bias / unit)
    leak = np.broadcast_to(layer.scoring.leak, len(channel.scale))
    folded = Readout(layer.name, synapse, gain=rounded(gain / unit),
                     bias=np.zeros_like(bias[0]) if largest else bias,
                     scale=max(math.ldexp(unit, exponent), sys.float_info.min),
                     pool=pool_of(layer),
                     peak=Peak(rounded(np.ldexp(leak, leak_bits)), leak_bits, bias)
                     if largest else None)
    check_width(layer.name, readout_bounds(folded, max_value, timesteps, timesteps).score.width)
    return folded


def _summed_terms(layer: Layer, channel: Affine,
                  timesteps: int) -> tuple[np.ndarray, np.ndarray]:
    """Gains (T, classes) and biases (classes,) of scores that are weighted sums over time."""
    shares, divisor = layer.scoring.weights(timesteps), layer.scoring.divisor(timesteps)
    gate = (layer.gate * shares.T).T  # (T,), or (T, classes)
    return (gate.reshape(timesteps, -1) * channel.scale / divisor,
            gate.sum(axis=0) * channel.shift / divisor)


def _peak_terms(layer: Layer, channel: Affine,
                timesteps: int) -> tuple[np.ndarray, np.ndarray]:
    """Gains and biases of a membrane at each timestep, (T, classes)."""
    gate = layer.gate[:, None]
    return gate * channel.scale, gate * channel.shift


def counting(layer: Layer, affine: Affine, threshold: np.ndarray | float,
             max_value: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights for a positive scale, what is connected, and the real worth of one count; of each
    channel.

    threshold : the lowest of all timesteps, in the unit of Y, for all channels or one each
    """
    reach = np.abs(affine.scale) * _reach(layer, max_value) + affine.spread
    # A synaptic current gathers what comes in, inputs and shift alike.
    assert layer.neuron is not None
    lowest = threshold / layer.neuron.gathered(len(layer.gate))
    connected = reach > NEGLIGIBLE * np.maximum(np.abs(affine.shift), lowest)
    # A negative scale flips the weights.
    signs = np.where(affine.scale < 0, -1, 1).reshape(-1, *[1] * (affine.weights.ndim - 1))
    return ((affine.weights * signs).astype(np.int8), connected,
            np.where(connected, np.abs(affine.scale), 1.0))


def _idle_spikes(layer: Layer, source: Input | None) -> np.ndarray:
    """Spikes of the real-valued neurons without input events, bool (T, channels)."""
    idle = torch.zeros((1, len(layer.gate), len(layer.synapse.weight)))
    alone = replace(layer, current_pool=None)  # all currents of a window are the same
    if isinstance(layer.synapse, Conv2d):  # and of all places
        alone = replace(alone, synapse=replace(layer.synapse, padding=(0, 0)))
    return real.spikes(alone, real.currents(alone, idle, source))[0][0].numpy()


def _reach(layer: Layer, max_value: int) -> float:
    """Largest sum of a neuron over inputs of up to ``max_value``, before the pooling."""
    return float(layer.synapse.reach * pooled_value(pool_of(layer), max_value))


def _idle_unit(shift: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Of a neuron without a count to be a unit: a share of its threshold, or of its shift."""
    found: np.ndarray = np.ldexp(np.maximum(np.abs(shift), threshold), -IDLE_BITS)
    return found


def _leak(leak: PerChannel, gate: np.ndarray, leak_bits: int, channels: int,
          stateful: bool) -> np.ndarray:
    """Factor per timestep and channel; the potential stored at t-1 is in t-1's unit, so gates
    divide."""
    first = gate[-1] / gate[0] if stateful else 0.0
    ratio = np.concatenate([[first], gate[:-1] / gate[1:]])[:, None]
    return rounded(np.ldexp(ratio * np.broadcast_to(leak, channels), leak_bits))


def _reduced(layer: Hidden, max_value: int, idle: np.ndarray) -> Hidden:
    """The same spikes from smaller integers.

    Thresholds beyond what a neuron can reach become the nearest that says the same. A neuron on
    which its inputs have no influence gets constants for its spikes and nothing else; without a
    connection these are ``idle``, (T, neurons).  Where the layer is stateful, that is so only if it
    fires always or never: else its spikes need not repeat with every inference.
    """
    spec, above = layer.neuron, layer.neuron.comparison.excess
    acc = accumulator_bounds(layer.synapse, max_value, layer.pool)
    ranges = list(neuron_bounds(spec, *acc))
    always = np.array([spec.threshold[t] + above <= ranges[t][1][0] for t in range(len(ranges))])
    never = np.array([spec.threshold[t] + above > ranges[t][1][1] for t in range(len(ranges))])
    if spec.stateful:
        moved = np.asarray(~(never.all(axis=0) | always.all(axis=0)))
        connected, fires = layer.synapse.connected & moved, always
    else:
        moved = connected = layer.synapse.connected & ~(never | always).all(axis=0)
        fires = np.where(layer.synapse.connected, always, idle)
    threshold = spec.threshold.copy()
    for t, (_, (low, high), *others) in enumerate(ranges):
        for ends in ((low, high), *others):
            check_range(layer.name, *(end[moved] for end in ends), stateful=spec.stateful)
        _replace(threshold[t], never[t] & moved, high + 1 - above)
        if spec.reset_by is None:  # else a table may serve for both
            _replace(threshold[t], always[t] & moved, low - above)
    spec = replace(spec, threshold=threshold, bias=spec.bias.copy(),
                   border=spec.border.without(~moved) if spec.border else None,
                   leak=spec.leak if moved.any() else np.zeros_like(spec.leak),
                   current_leak=spec.current_leak if moved.any() else None,
                   refractory=spec.refractory and bool(moved.any()))
    _script(spec, ~moved, fires)
    spec = with_used_floors(with_used_resets(spec, ~never & moved), ranges, moved)
    return replace(layer, synapse=replace(layer.synapse, connected=connected), neuron=spec)


def with_used_resets(spec: NeuronSpec, used: np.ndarray) -> NeuronSpec:
    """The same spikes, where a soft reset's amounts matter only where ``used`` (T, channels) says:
    elsewhere they become the threshold, so that one table may serve both."""
    if spec.reset_by is None:
        return spec
    return replace(spec, reset_by=np.where(used, spec.reset_by, spec.threshold))


def with_used_floors(spec: NeuronSpec, ranges: Sequence[StepEnds],
                     moved: np.ndarray | None = None) -> NeuronSpec:
    """The same potentials, with no floor where none of them reaches it, and in a channel of which
    none does one that is as low as it needs to be.

    ranges : of each timestep; moved : bool (channels,), which are not scripted, None for all
    """
    if spec.floor is None:
        return spec
    low = np.array([step.charged[0] for step in ranges])
    cut = np.asarray(low < spec.floor, bool)
    if not spec.carries:
        cut[-1] = False  # what is kept then starts nothing
    reached = cut.any(axis=0) & (True if moved is None else moved)
    lowest = np.minimum(np.array([step.settled[0] for step in ranges]), spec.room).min(axis=0)
    floor = np.where(reached, spec.floor, np.minimum(lowest, 0)).astype(np.int64)
    return replace(spec, floor=floor if reached.any() else None)


def _script(spec: NeuronSpec, chosen: np.ndarray, fires: np.ndarray) -> None:
    """Change the chosen neurons' constants so that they fire as ``fires`` (T, neurons) says.

    H is 0 in every timestep, and fires or not by its threshold alone.
    """
    above = spec.comparison.excess
    potential = synaptic = np.zeros(len(chosen), np.int64)
    for t, leak in enumerate(spec.leak):
        threshold = np.where(fires[t], -above, 1 - above)
        kept = (0 if spec.current_leak is None else
                (synaptic * spec.current_leak[t]) >> spec.leak_bits)
        synaptic = -((potential * leak) >> spec.leak_bits)
        spec.bias[t, chosen] = (synaptic - kept)[chosen]
        spec.threshold[t, chosen] = threshold[chosen]
        potential = np.where(fires[t] & (spec.reset_by is not None), -threshold, 0)


def _replace(row: np.ndarray, chosen: np.ndarray, values: np.ndarray) -> None:
    # Python integers, of which those not chosen may be too large for int64.
    row[chosen] = values[chosen].astype(np.int64)
