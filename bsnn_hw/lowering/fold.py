"""One real-valued layer to integers, for given fraction bits; equations in docs/ir.md.

A channel's unit is the real-valued worth of one accumulator count: ``gate * input_scale * |a|``
with ``Y = a * acc + b``.  Divided by it, the synapse is a pure count, and scale, shift, gate and
threshold become per-channel, per-timestep constants.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace

import numpy as np
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import Interval, accumulator_bounds, neuron_bounds, readout_bounds
from bsnn_hw.ir.network import Comparison, Dense, Hidden, NeuronSpec, Readout, Reset
from bsnn_hw.model import real
from bsnn_hw.model.description import Input, Layer

__all__ = ["MAX_FRACTION_BITS", "MAX_LEAK_BITS", "NEGLIGIBLE", "Affine", "affine", "fold_hidden",
           "fold_readout"]

# A channel whose whole synaptic reach is at most this share of its shift or threshold counts as
# disconnected: it would need potentials this much wider than everybody else's.
NEGLIGIBLE = 2.0 ** -16

MAX_WIDTH = 48  # bits of a potential or score
MAX_LEAK_BITS = 16  # with these a product of potential and leak factor still fits 64 bits
MAX_FRACTION_BITS = 32
LIMIT = 1 << 61  # what real numbers beyond it become
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
    neuron = layer.neuron
    assert neuron is not None
    # What leaves the range of float64 becomes infinite, then the largest integer, and is then
    # either a threshold that cannot be reached or too wide.
    with np.errstate(over="ignore", divide="ignore"):
        channel = affine(layer, source)
        gate = layer.gate * neuron.input_scale
        synapse, unit = _synapse(channel, neuron.threshold / gate.max(), max_value)
        bias = _round(np.ldexp(np.where(synapse.connected, channel.shift / unit, 0), fraction_bits))
        threshold = np.ldexp(neuron.threshold / gate[:, None] / unit, fraction_bits)
        leak = _leak(neuron.leak, layer.gate, leak_bits)
    if np.abs(bias).max() >= LIMIT:
        _check_width(layer.name, LIMIT.bit_length())
    up = neuron.comparison is Comparison.AT_LEAST
    spec = NeuronSpec(
        fraction_bits=fraction_bits, leak_bits=leak_bits, leak=leak,
        bias=np.broadcast_to(bias, threshold.shape).copy(),
        threshold=_ceil(threshold) if up else _floor(threshold),
        reset=neuron.reset, comparison=neuron.comparison)
    return _reduced(Hidden(layer.name, synapse, spec), max_value, _idle_spikes(layer, source))


def fold_readout(layer: Layer, source: Input | None, *, timesteps: int, max_value: int,
                 gain_bits: int) -> Readout:
    """The readout in integers: ``score * scale`` is the mean over the timesteps of gate * Y.

    gain_bits : int, 0 or more
        If all gains are equal, they become 2**gain_bits; else the largest has gain_bits + 1 bits.
    """
    channel = affine(layer, source)
    gain = layer.gate[:, None] * channel.scale / timesteps
    bias = layer.gate.sum() * channel.shift / timesteps
    # Around 1, where no quotient leaves the range of float64; powers of two change no digit.
    exponent = int(np.frexp(max(np.abs(gain).max(), np.abs(bias).max()))[1])
    gain, bias = np.ldexp(gain, -exponent), np.ldexp(bias, -exponent)
    # Biases far beyond all gains decide alone; they set the unit, and scores stay narrow.
    reach = _reach(channel.weights.shape[1], max_value) * timesteps
    dominant = np.abs(bias).max() * NEGLIGIBLE / reach
    unit = float(max(np.abs(gain).max(), dominant)) / (1 << gain_bits) or 1.0
    folded = Readout(layer.name, Dense(channel.weights, np.ones(len(channel.scale), bool)),
                     gain=_round(gain / unit), bias=_round(bias / unit),
                     scale=max(math.ldexp(unit, exponent), sys.float_info.min))
    _check_width(layer.name, readout_bounds(folded, max_value, timesteps, timesteps).score.width)
    return folded


def _synapse(affine, threshold, max_value):
    """Synapses of positive scale, and the real worth of one count, (neurons,).

    threshold : the lowest of all timesteps, in the unit of Y
    """
    reach = np.abs(affine.scale) * _reach(affine.weights.shape[1], max_value)
    connected = reach > NEGLIGIBLE * np.maximum(np.abs(affine.shift), threshold)
    # A negative scale flips the weights.
    weights = np.where(affine.scale[:, None] < 0, -affine.weights, affine.weights)
    return Dense(weights.astype(np.int8), connected), np.where(connected, np.abs(affine.scale), 1.0)


def _idle_spikes(layer, source):
    """Spikes of the real-valued neurons without input events, bool (T, neurons)."""
    idle = torch.zeros((1, len(layer.gate), len(layer.synapse.weight)))
    return real.spikes(layer, real.currents(layer, idle, source))[0][0].numpy()


def _reach(fan_in, max_value):
    return float(fan_in * max_value)


def _leak(leak, gate, leak_bits):
    """Factor per timestep; the potential stored at t-1 is in t-1's unit, so gates divide."""
    ratio = np.concatenate([[0.0], gate[:-1] / gate[1:]])
    return _round(np.ldexp(leak * ratio, leak_bits))


def _reduced(layer, max_value, idle):
    """The same spikes from smaller integers.

    Thresholds beyond what a neuron can reach become the nearest that says the same. A neuron on
    which its inputs have no influence gets constants for its spikes and nothing else; without a
    connection these are ``idle``, (T, neurons).
    """
    spec, above = layer.neuron, int(layer.neuron.comparison is Comparison.ABOVE)
    ranges = list(neuron_bounds(spec, *accumulator_bounds(layer.synapse, max_value)))
    always = np.array([spec.threshold[t] + above <= ranges[t][1][0] for t in range(len(ranges))])
    never = np.array([spec.threshold[t] + above > ranges[t][1][1] for t in range(len(ranges))])
    connected = layer.synapse.connected & ~(never | always).all(axis=0)
    threshold = spec.threshold.copy()
    for t, (_, (low, high), settled, carried) in enumerate(ranges):
        for ends in ((low, high), settled, carried):
            _check_range(layer.name, connected, *ends)
        _replace(threshold[t], never[t] & connected, high + 1 - above)
        if spec.reset is Reset.HARD:  # a soft reset subtracts it, so there it must stay
            _replace(threshold[t], always[t] & connected, low - above)
    spec = replace(spec, threshold=threshold, bias=spec.bias.copy(),
                   leak=spec.leak if connected.any() else np.zeros_like(spec.leak))
    _script(spec, ~connected, np.where(layer.synapse.connected, always, idle))
    return Hidden(layer.name, Dense(layer.synapse.weights, connected), spec)


def _script(spec, chosen, fires):
    """Change the chosen neurons' constants so that they fire as ``fires`` (T, neurons) says.

    H is 0 in every timestep, and fires or not by its threshold alone.
    """
    above = int(spec.comparison is Comparison.ABOVE)
    potential = np.zeros(len(chosen), np.int64)
    for t, leak in enumerate(spec.leak.tolist()):
        threshold = np.where(fires[t], -above, 1 - above)
        spec.bias[t, chosen] = -((potential * leak) >> spec.leak_bits)[chosen]
        spec.threshold[t, chosen] = threshold[chosen]
        potential = np.where(fires[t] & (spec.reset is Reset.SOFT), -threshold, 0)


def _replace(row, chosen, values):
    # Python integers, of which those not chosen may be too large for int64.
    row[chosen] = values[chosen].astype(np.int64)


def _check_range(name, kept, low, high):
    if kept.any():
        _check_width(name, Interval(low[kept].min(), high[kept].max()).width)


def _check_width(name, width):
    if width > MAX_WIDTH:
        raise InputError(
            f"layer '{name}': potentials and scores must fit {MAX_WIDTH} bits, not {width}; its "
            "BatchNorm scales, gate and threshold span too many orders of magnitude: fewer "
            "fraction bits help by one bit each")


def _to_int(values):
    return np.clip(values, -LIMIT, LIMIT).astype(np.int64)


def _round(values):
    return _to_int(np.floor(values + 0.5))


def _ceil(values):
    # Above 0, however small: at 0 a neuron would fire without a current.
    return np.maximum(_to_int(np.ceil(_snapped(values))), 1)


def _floor(values):
    return _to_int(np.floor(_snapped(values)))


def _snapped(values):
    values = np.minimum(values, 2.0 * LIMIT)
    near = np.round(values)
    return np.where(np.abs(values - near) <= SNAP * near, near, values)
