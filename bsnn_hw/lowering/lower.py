"""The real-valued model to the integer network, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Dense, Input, Network
from bsnn_hw.lowering.fold import fold_hidden, fold_readout
from bsnn_hw.lowering.precision import Precision, choose_hidden, choose_readout
from bsnn_hw.lowering.rounding import MAX_FRACTION_BITS, MAX_LEAK_BITS
from bsnn_hw.model.description import Input as Source
from bsnn_hw.model.description import Model
from bsnn_hw.model.real import check_inputs
from bsnn_hw.reference import synapse
from bsnn_hw.reference.network import run_hidden

__all__ = ["Lowered", "PrecisionRequest", "lower"]

# Without calibration data: fine enough for every network measured so far (docs/precision.md).
DEFAULT_FRACTION_BITS = 6
DEFAULT_LEAK_BITS = 8


@dataclass(frozen=True)
class PrecisionRequest:
    """What the user asks for; what is None or missing is chosen from calibration data.

    tolerance : share of a layer's spikes that integers may change
    fraction_bits : one number for all layers; leak_bits : likewise
    per_layer : layer name to fraction bits, stronger than ``fraction_bits``
    """

    tolerance: float = 0.01
    fraction_bits: int | None = None
    leak_bits: int | None = None
    per_layer: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Lowered:
    """The integer network and, per layer, how its precision was found."""

    network: Network
    precision: tuple[Precision, ...]


def lower(model: Model, calibration: np.ndarray | None = None,
          request: PrecisionRequest | None = None) -> Lowered:
    """Turn the model into integers.

    Parameters
    ----------
    model : Model
    calibration : integers or None
        Samples to choose precision on: (N, size) for direct coding, (N, T, size) for events.

    Raises
    ------
    InputError
        ``per_layer`` names a layer that the model does not have, bits or tolerance are out of
        range, the calibration samples do not fit, or a layer needs too wide potentials.
    """
    request = request or PrecisionRequest()
    _check_request(model, request)
    if calibration is not None:
        calibration = _checked(model, calibration)
    model = _fold_timesteps(model)
    max_value = (1 << model.input.bits) - 1
    spikes = None if calibration is None else torch.as_tensor(calibration)
    source: Source | None = model.input
    hidden, precision = [], []
    for layer in model.layers[:-1]:
        wanted = _fraction_bits(layer, request)
        accs = _sums(layer, spikes, model.timesteps, max_value)
        if accs is None:
            bits = DEFAULT_FRACTION_BITS if wanted is None else wanted
            leak_bits = DEFAULT_LEAK_BITS if request.leak_bits is None else request.leak_bits
            folded = fold_hidden(layer, source, max_value=max_value, fraction_bits=bits,
                                 leak_bits=leak_bits)
            chosen = Precision(bits, leak_bits, None)
        else:
            folded, chosen = choose_hidden(
                layer, source, accs, max_value=max_value, tolerance=request.tolerance,
                fraction_bits=wanted, leak_bits=request.leak_bits)
            spikes = _fire(folded, spikes, model.timesteps, max_value)
        hidden.append(folded)
        precision.append(chosen)
        source, max_value = None, 1

    readout, chosen = _readout(model, source, spikes, max_value, request)
    entry = Input(model.input.coding, model.input.size, model.input.bits, model.input.scale,
                  model.input.offset)
    network = Network(model.name, model.timesteps, entry, tuple(hidden), readout, model.classes)
    return Lowered(network, (*precision, chosen))


def _readout(model, source, spikes, max_value, request):
    layer, wanted = model.layers[-1], _fraction_bits(model.layers[-1], request)
    accs = _sums(layer, spikes, model.timesteps, max_value)
    if accs is None:
        bits = DEFAULT_FRACTION_BITS if wanted is None else wanted
        return fold_readout(layer, source, timesteps=model.timesteps, max_value=max_value,
                            gain_bits=bits), Precision(bits, None, None)
    return choose_readout(layer, source, accs, timesteps=model.timesteps, max_value=max_value,
                          tolerance=request.tolerance / 2, gain_bits=wanted)


def _fold_timesteps(model):
    """A direct-coded readout without hidden layers sees the same in every timestep: take one."""
    if len(model.layers) > 1 or model.input.coding is not Coding.DIRECT:
        return model
    last = model.layers[0]
    return replace(model, timesteps=1,
                   layers=(replace(last, gate=np.array([last.gate.mean()])),))


def _fraction_bits(layer, request):
    return (request.per_layer or {}).get(layer.name, request.fraction_bits)


def _check_request(model, request):
    names = [layer.name for layer in model.layers]
    per_layer = request.per_layer or {}
    unknown = sorted(set(per_layer) - set(names))
    if unknown:
        raise InputError(f"fraction bits: no layer is called {', '.join(unknown)}; "
                         f"the model has {', '.join(names)}")
    for bits in (request.fraction_bits, *per_layer.values()):
        _check_bits("fraction bits", bits, MAX_FRACTION_BITS)
    _check_bits("leak bits", request.leak_bits, MAX_LEAK_BITS)
    if not 0 <= request.tolerance <= 1:
        raise InputError(f"tolerance: must be a share from 0 to 1, not {request.tolerance}")


def _check_bits(what, bits, most):
    if bits is not None and not 0 <= bits <= most:
        raise InputError(f"{what}: must be from 0 to {most}, not {bits}")


def _checked(model, calibration):
    calibration = check_inputs(model.input, model.timesteps, calibration)
    if not len(calibration):
        raise InputError("calibration: must have at least one sample, has none; give samples, or "
                         "give the fraction bits")
    return calibration


def _sums(layer, inputs, timesteps, max_value):
    """Sums of the layer's signs (N, T, neurons) over spikes (N, T, n) or samples (N, n)."""
    if inputs is None:
        return None
    weights = np.where(layer.synapse.weight >= 0, 1, -1).astype(np.int8)
    signs = Dense(weights, np.ones(len(weights), bool))
    return synapse.sums(signs, inputs, timesteps, max_value)


def _fire(folded, inputs, timesteps, max_value):
    """Spikes of the integer layer (N, T, neurons)."""
    return run_hidden(folded, synapse.sums(folded.synapse, inputs, timesteps, max_value))[1]
