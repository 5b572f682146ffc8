"""One real-valued layer to integers, for given fraction bits; equations in docs/ir.md.

A channel's unit is the real-valued worth of one accumulator count: ``gate * input_scale * |a|``
with ``Y = a * acc + b``.  Divided by it, the synapse is a pure count, and scale, shift, gate and
threshold become per-channel, per-timestep constants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import Interval, accumulator_bounds, neuron_bounds, readout_bounds
from bsnn_hw.ir.network import Comparison, Dense, Hidden, NeuronSpec, Readout, Reset
from bsnn_hw.model.description import Input, Layer

__all__ = ["NEGLIGIBLE", "Affine", "affine", "fold_hidden", "fold_readout"]

# A channel whose whole synaptic reach is below this share of its shift or threshold counts as
# disconnected: it would need potentials this much wider than everybody else's.
NEGLIGIBLE = 2.0 ** -16

MAX_WIDTH = 48  # bits; products of potentials and leak factors stay inside int64
SNAP = 1e-9  # a threshold this close to an integer, relatively, is that integer


@dataclass(frozen=True)
class Affine:
    """A layer's ``Y = scale * acc + shift`` in real numbers, each (neurons,); acc counts +-1."""

    weights: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


def affine(layer: Layer, source: Input | None) -> Affine:
    """Fold input scaling, synaptic bias and BatchNorm of ``layer`` into one scale and shift.

    source : Input of a first layer, None where spikes come in
    """
    weights = np.where(layer.synapse.weight >= 0, 1, -1).astype(np.int8)
    norm = layer.norm
    slope = norm.gamma / np.sqrt(norm.var + norm.eps)
    scale, offset = (source.scale, source.offset) if source else (1.0, 0.0)
    constant = layer.synapse.bias + offset * weights.sum(axis=1)
    return Affine(weights, slope * scale, slope * (constant - norm.mean) + norm.beta)


def fold_hidden(layer: Layer, source: Input | None, *, max_value: int, fraction_bits: int,
                leak_bits: int) -> Hidden:
    """A spiking layer in integers.

    Raises
    ------
    InputError
        The layer would need potentials of more than 48 bits.
    """
    real, neuron = affine(layer, source), layer.neuron
    gate = layer.gate * neuron.input_scale
    reach = _reach(real.weights.shape[1], max_value)
    connected = (np.abs(real.scale) * reach
                 > NEGLIGIBLE * np.maximum(np.abs(real.shift), neuron.threshold / gate.max()))
    # A negative scale flips the weights.
    weights = np.where(real.scale[:, None] < 0, -real.weights, real.weights).astype(np.int8)
    unit = np.where(connected, np.abs(real.scale),
                    _silent_unit(real.shift, neuron.threshold / gate.max()))

    one = float(1 << fraction_bits)
    bias = _round(real.shift / unit * one)
    threshold = neuron.threshold / (gate[:, None] * unit) * one
    up = neuron.comparison is Comparison.AT_LEAST
    spec = NeuronSpec(
        fraction_bits=fraction_bits, leak_bits=leak_bits,
        leak=_leak(neuron.leak, layer.gate, leak_bits),
        bias=np.broadcast_to(bias, threshold.shape).copy(),
        threshold=_ceil(threshold) if up else _floor(threshold),
        reset=neuron.reset, comparison=neuron.comparison)
    folded = Hidden(layer.name, Dense(weights, connected), spec)
    return _clamp_thresholds(folded, max_value)


def fold_readout(layer: Layer, source: Input | None, *, timesteps: int, max_value: int,
                 gain_bits: int) -> Readout:
    """The readout in integers: ``score * scale`` is the mean over the timesteps of gate * Y.

    gain_bits : int, 0 or more
        If all gains are equal, they become 2**gain_bits; else the largest has gain_bits + 1 bits.
    """
    real = affine(layer, source)
    gain = layer.gate[:, None] * real.scale / timesteps
    bias = layer.gate.sum() * real.shift / timesteps
    largest = np.abs(gain).max()
    # Biases far beyond all gains decide alone; they set the unit, and scores stay narrow.
    reach = _reach(real.weights.shape[1], max_value) * timesteps
    dominant = np.abs(bias).max() * NEGLIGIBLE / reach
    unit = max(largest, dominant) / (1 << gain_bits) or 1.0
    folded = Readout(layer.name, Dense(real.weights, np.ones(len(real.scale), bool)),
                     gain=_round(gain / unit), bias=_round(bias / unit), scale=float(unit))
    _check_width(layer.name, readout_bounds(folded, max_value, timesteps, timesteps).score.width)
    return folded


def _reach(fan_in, max_value):
    return float(fan_in * max_value)


def _silent_unit(shift, threshold):
    """A unit for a channel without synapses: threshold and shift fit in about 16 bits, and
    shifts that are simple fractions of the threshold stay exact."""
    larger = np.maximum(np.abs(shift) / threshold, 1.0)
    return threshold * 2.0 ** (np.ceil(np.log2(larger)) - 8)


def _leak(leak, gate, leak_bits):
    """Factor per timestep; the potential stored at t-1 is in t-1's unit, so gates divide."""
    ratio = np.concatenate([[0.0], gate[:-1] / gate[1:]])
    return _round(leak * ratio * (1 << leak_bits))


def _clamp_thresholds(layer, max_value):
    """Thresholds beyond what a neuron can reach become the nearest that says the same."""
    spec = layer.neuron
    threshold = spec.threshold.copy()
    acc = accumulator_bounds(layer.synapse, max_value)
    above = int(spec.comparison is Comparison.ABOVE)
    for t, (_, (low, high), _, carried) in enumerate(neuron_bounds(spec, *acc)):
        _check_width(layer.name, Interval(min(low.min(), carried[0].min()),
                                          max(high.max(), carried[1].max())).width)
        low, high = low.astype(np.int64), high.astype(np.int64)
        never = threshold[t] + above > high
        threshold[t] = np.where(never, high + 1 - above, threshold[t])
        if spec.reset is Reset.HARD:  # a soft reset subtracts it, so it must stay
            always = threshold[t] + above <= low
            threshold[t] = np.where(always, low - above, threshold[t])
    return replace(layer, neuron=replace(spec, threshold=threshold))


def _check_width(name, width):
    if width > MAX_WIDTH:
        raise InputError(
            f"layer '{name}': potentials and scores must fit {MAX_WIDTH} bits, not {width}; its "
            "BatchNorm scales, gate and threshold span too many orders of magnitude: fewer "
            "fraction bits help by one bit each")


def _to_int(values):
    if np.abs(values).max(initial=0) >= 2.0 ** 62:
        return np.clip(values, -2.0 ** 61, 2.0 ** 61).astype(np.int64)
    return values.astype(np.int64)


def _round(values):
    return _to_int(np.floor(values + 0.5))


def _ceil(values):
    return _to_int(np.ceil(_snapped(values)))


def _floor(values):
    return _to_int(np.floor(_snapped(values)))


def _snapped(values):
    near = np.round(values)
    return np.where(np.abs(values - near) <= SNAP * np.maximum(np.abs(near), 1.0), near, values)
