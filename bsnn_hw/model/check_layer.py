"""One layer of a document: linear synapse, norm, gate and neuron, each problem named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.model.description import Comparison, Layer, Linear, Neuron, Norm, Reset
from bsnn_hw.model.names import check_layer_name
from bsnn_hw.model.values import Problems, Table, equals, shown, word

__all__ = ["MAX_WEIGHTS", "Checked", "Place", "check_layer"]

# Weights become float64, and layers of a damaged file may share one tensor: 512 MiB in all.
MAX_WEIGHTS = 1 << 26

# Keys of other frameworks, and what they are here.
NEURON_HINTS = {
    "beta": "snnTorch's beta is leak",
    "tau": "leak = 1 - 1/tau; with decay_input also input_scale = 1/tau",
    "decay_input": "input_scale = 1/tau where the input decays, else 1",
    "v_threshold": "it is threshold",
    "v_th": "it is threshold",
    "reset_mechanism": "snnTorch's 'subtract' is reset 'soft', 'zero' is 'hard'",
    "v_leak": "only a rest potential of 0 can be computed",
    "refractory": "neurons have no refractory period",
}
LINEAR_HINTS = dict.fromkeys(
    ("dilation", "stride", "padding", "groups", "kernel_size"),
    "a linear layer has none; convolutions are not in this version")


@dataclass(frozen=True)
class Place:
    """Where a layer stands.

    index : int, from 0
    last : bool
    timesteps : int, None after a problem
    fan_in : int, None after a problem
    giver : str, who gives the fan_in inputs, for messages
    largest : float, largest absolute input
    room : int, weights that the limit on the whole network still allows
    """

    index: int
    last: bool
    timesteps: int | None
    fan_in: int | None
    giver: str
    largest: float
    room: int


@dataclass(frozen=True)
class Checked:
    """``layer`` and ``neurons`` are None after a problem; ``title`` is for messages."""

    layer: Layer | None
    title: str
    neurons: int | None
    weights: int


def check_layer(value: object, place: Place, problems: Problems) -> Checked:
    """One layer, or its problems."""
    before = len(problems.invalid) + len(problems.unsupported)
    name = value.get("name") if isinstance(value, dict) else None
    title = f"layer {shown(name)}" if isinstance(name, str) else f"layer number {place.index + 1}"
    kind = value.get("type") if isinstance(value, dict) else None
    if kind is not None and not equals(kind, "linear"):
        problems.add(title, "type must be 'linear', the only one in this version, not "
                            f"{shown(kind)}")
        return Checked(None, title, None, 0)
    table = Table(title, "", value, problems, hints=LINEAR_HINTS, optional=(
        "bias", "norm", "gate"), required=("name", "type", "weight", "neuron"))
    if not table.usable:
        return Checked(None, title, None, 0)
    check_layer_name(table)
    weight, neurons = _weight(table, place)
    bias = table.vector("bias", neurons, "neuron") if table.has("bias") else _full(neurons, 0.0)
    norm = _norm(table, neurons, title, problems)
    gate = _gate(table, place, title, problems)
    neuron = _neuron(table, place, title, problems)
    count = weight.size if weight is not None else 0
    wrong = len(problems.invalid) + len(problems.unsupported) > before
    # No problem of its own, and still None: the gate, where the model's timesteps are unknown.
    if wrong or weight is None or bias is None or norm is None or gate is None:
        return Checked(None, title, neurons, count)
    layer = Layer(str(name), Linear(weight, bias), norm, gate, neuron)
    if not _bounded(layer, place):
        table.problem("", "currents must be finite, but with these parameters they can leave the "
                          "range of float64; rescale the layer")
    return Checked(layer, title, neurons, count)


def _weight(table: Table, place: Place) -> tuple[np.ndarray | None, int | None]:
    """Weight and number of neurons, each None after a problem that leaves it unknown."""
    if not table.has("weight") or not table.check_tensor("weight"):
        return None, None
    weight = table.raw("weight")
    shape = tuple(weight.shape)
    if len(shape) != 2:
        table.problem("weight", f"must have 2 dimensions (neurons, fan_in), not shape {shape}")
        return None, None
    if 0 in shape:
        table.problem("weight", f"must have at least one neuron and one input, not shape {shape}")
        return None, None
    if weight.untyped_storage().nbytes() < weight.numel() * weight.element_size():
        table.problem("weight", f"must hold each of its values, but shape {shape} repeats fewer; "
                                "save a contiguous tensor")
        return None, None
    if weight.numel() > place.room:
        table.problem("weight", f"must fit the limit of {MAX_WEIGHTS} weights in all layers, and "
                                f"shape {shape} goes beyond it")
        return None, None
    if str(weight.dtype).startswith("torch.uint"):
        table.problem("weight", f"must have a signed type, not {str(weight.dtype)[6:]}: without "
                                "negative values every synapse would be +1; write 0 as -1")
        return None, shape[0]
    if place.fan_in is not None and shape[1] != place.fan_in:
        table.problem("weight", f"must be (neurons, {place.fan_in}) because {place.giver} gives "
                                f"{place.fan_in} values, not shape {shape}")
        return None, shape[0]
    values = table.finite("weight")
    if values is not None and np.array_equal(np.unique(values), (0.0, 1.0)):
        table.problem("weight", "must have -1 or any negative value for a weight of -1, not only 0 "
                                "and 1: sign(0) is +1 here, so all would be +1; write 2 * w - 1")
    return values, shape[0]


def _norm(table: Table, neurons: int | None, title: str, problems: Problems) -> Norm | None:
    """The BatchNorm, the identity where the file has none; None after a problem."""
    if not table.has("norm"):
        if neurons is None:
            return None
        zero, one = _full(neurons, 0.0), _full(neurons, 1.0)
        assert zero is not None and one is not None
        return Norm(one, zero, zero, one, 0.0)
    norm = Table(title, "norm.", table.raw("norm"), problems,
                 required=("gamma", "beta", "mean", "var", "eps"))
    eps = norm.number("eps", "a finite number, 0 or more", least=0)
    gamma, beta, mean, var = (norm.vector(key, neurons, "neuron")
                              for key in ("gamma", "beta", "mean", "var"))
    if var is not None and norm.has("eps"):
        bad = np.flatnonzero(var + eps <= 0)
        if bad.size:
            norm.problem("var", f"plus eps must be above 0, but is not for {bad.size} of "
                                f"{var.size} neurons, first neuron {bad[0]} with {var[bad[0]]}")
            return None
    if gamma is None or beta is None or mean is None or var is None:
        return None
    return Norm(gamma, beta, mean, var, eps)


def _gate(table: Table, place: Place, title: str, problems: Problems) -> np.ndarray | None:
    """The gate per timestep, ones where the file has none; None after a problem."""
    if not table.has("gate"):
        return _full(place.timesteps, 1.0)
    given = table.raw("gate")
    kind = word(given, "kind")
    data = "alpha" if kind == "sample" else "value"
    gate = Table(title, "gate.", given, problems, required=("kind", data))
    gate.choice("kind", {"constant": True, "sample": True})
    if kind not in ("constant", "sample"):
        return None
    values = gate.vector(data, place.timesteps, "timestep")
    if kind == "sample":
        gate.refuse("kind", "'sample' is refused: g would have to be computed from each sample "
                            "at inference, and the hardware holds constants; accepted is "
                            "'constant', with the running average of training")
        return None
    if values is None or place.last:
        return values
    bad = np.flatnonzero(values <= 0)
    if bad.size:
        gate.problem("value", f"must be above 0, but timestep {bad[0] + 1} has {values[bad[0]]}; "
                              "a gate of zero or below has no positive scale to divide by")
        return None
    return values


def _neuron(table: Table, place: Place, title: str, problems: Problems) -> Neuron | None:
    """The neuron; None in the readout or after a problem."""
    if not table.has("neuron"):
        return None
    given = table.raw("neuron")
    kind = word(given, "type")
    if kind == "readout":
        Table(title, "neuron.", given, problems, required=("type",), hints=dict.fromkeys(
            ("threshold", "reset", "leak", "comparison", "input_scale"),
            "a readout has no membrane; its score is the mean over the timesteps"))
        if not place.last:
            table.problem("neuron", "must be 'lif' or 'if', not 'readout', which stands only in "
                                    "the last layer")
        return None
    common = ("threshold", "reset", "comparison")
    neuron = Table(title, "neuron.", given, problems, hints=NEURON_HINTS,
                   required=("type", *(("leak",) if kind == "lif" else ()), *common),
                   optional=("input_scale", "reset_delay", "v_reset",
                             *(() if kind == "lif" else ("leak",))))
    accepted = {"lif": True, "if": True, "readout": True}
    if neuron.usable and neuron.choice("type", accepted) and place.last:
        table.problem("neuron", "must be 'readout' in the last layer, whose mean over the "
                                f"timesteps are the scores, not {shown(kind)}; accepted before "
                                "it are 'lif' and 'if'")
    return _spiking(neuron, kind)


def _spiking(neuron: Table, kind: str | None) -> Neuron | None:
    leak = 1.0
    if kind == "lif":
        leak = neuron.number("leak", "a number above 0 and at most 1", above=0, most=1)
    elif kind == "if" and neuron.has("leak"):
        neuron.problem("leak", "must be absent for 'if', which does not leak; 'lif' has one")
    threshold = neuron.number("threshold", "a finite number above 0", above=0)
    scale = neuron.number("input_scale", "a finite number above 0", above=0)
    reset = neuron.choice("reset", {kind.value: kind for kind in Reset})
    comparison = neuron.choice("comparison", {kind.value: kind for kind in Comparison})
    if neuron.has("reset_delay") and neuron.raw("reset_delay") is not False:
        neuron.problem("reset_delay", "must be False or absent, not "
                       f"{shown(neuron.raw('reset_delay'))}: snnTorch's default True resets one "
                       "timestep late, which gives other spikes; train with reset_delay=False")
    rest = neuron.raw("v_reset")
    if rest is not None and not equals(rest, 0):
        neuron.problem("v_reset", f"must be 0 or absent, not {shown(rest)}: a hard reset goes to "
                                  "0; subtract the rest potential from threshold and membrane")
    if reset is None or comparison is None:
        return None
    return Neuron(leak, threshold, reset, comparison, scale)


def _full(length: int | None, value: float) -> np.ndarray | None:
    if length is None:
        return None
    array = np.full(length, value)
    array.setflags(write=False)
    return array


def _bounded(layer: Layer, place: Place) -> bool:
    """Whether no membrane can overflow float64 in any sample (a leak only makes it smaller)."""
    norm, neuron = layer.norm, layer.neuron
    with np.errstate(over="ignore", invalid="ignore"):
        largest = place.largest * layer.synapse.weight.shape[1] + np.abs(layer.synapse.bias)
        scale = np.maximum(np.abs(norm.gamma), 1) / np.sqrt(norm.var + norm.eps)
        current = (largest + np.abs(norm.mean)) * scale + np.abs(norm.beta)
        charge = current * np.abs(layer.gate).sum() * (neuron.input_scale if neuron else 1.0)
        return bool(np.isfinite(charge + (neuron.threshold if neuron else 0.0)).all())
