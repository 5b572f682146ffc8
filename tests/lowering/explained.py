"""Which disagreements between a real-valued layer and its integers rounding explains."""

import numpy as np
import torch

from bsnn_hw.ir.network import Reset
from bsnn_hw.lowering.fold import NEGLIGIBLE, affine
from bsnn_hw.model import real


def unexplained(model, index, sums, fired, fraction_bits, leak_bits):
    """(sample, timestep, neuron) where integers ``fired`` otherwise than real numbers without
    being within rounding of the threshold; a neuron counts until its first disagreement.

    sums : (N, T, neurons), the layer's signs summed over its inputs
    fired : bool (N, T, neurons), spikes of the integer layer

    The error of a potential grows per timestep by the rounding of the bias (half a unit of the
    last place), the floor after the leak (one), the rounding of the leak factor (half a unit of
    its last place times the potential), and what a channel that counts as disconnected leaves out.
    """
    layer, source = model.layers[index], model.input if index == 0 else None
    neuron, folded = layer.neuron, affine(layer, source)
    largest = (1 << model.input.bits) - 1 if index == 0 else 1
    reach = np.abs(folded.scale) * layer.synapse.weight.shape[1] * largest
    gate = layer.gate[:, None] * neuron.input_scale
    level = np.maximum(np.abs(folded.shift), neuron.threshold / gate.max(axis=0))
    silent = reach <= NEGLIGIBLE * level
    unit = np.where(silent, 0.0, np.abs(folded.scale))
    step = 1.5 * 2.0 ** -fraction_bits * unit + np.where(silent, reach, 0)
    currents = real.currents(layer, torch.as_tensor(sums), source)
    wanted, settled = (each.numpy() for each in real.spikes(layer, currents)[:2])
    currents = neuron.input_scale * currents.numpy()
    error, potential, bad = np.zeros(sums[:, 0].shape), np.zeros(sums[:, 0].shape), []
    alive = np.ones(sums[:, 0].shape, bool)
    for t in range(model.timesteps):
        charged = neuron.leak * potential + currents[:, t]
        ratio = gate[t] / gate[t - 1] if t else 0.0
        error = (neuron.leak + ratio * 2.0 ** -leak_bits) * error + gate[t] * step + (
            ratio * 2.0 ** -(leak_bits + 1) * np.abs(potential))
        noise = 1e-9 * neuron.threshold + 1e-13 * (t + 1) * np.abs(currents[:, :t + 1]).max(axis=1)
        error = error + noise + gate[t] * 1e-13 * (
            np.abs(layer.norm.mean * folded.scale) + np.abs(layer.norm.beta) + reach)
        differs = alive & (wanted[:, t] != fired[:, t])
        wrong = differs & (np.abs(charged - neuron.threshold) > error)
        bad += [(int(n), t, int(i)) for n, i in np.argwhere(wrong)]
        alive &= ~differs
        potential = settled[:, t]
        if neuron.reset is Reset.HARD:
            error = np.where(wanted[:, t], 0.0, error)
        else:  # an amount subtracted as an integer is up to half a unit of the last place off
            error = error + gate[t] * unit * 2.0 ** -(fraction_bits + 1) * wanted[:, t]
    return bad
