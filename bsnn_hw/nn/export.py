"""A torch network as the plain dictionary of ``model.pt`` (docs/model.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bsnn_hw.errors import ModelError
from bsnn_hw.nn.estimators import weights_of
from bsnn_hw.nn.gate import AGMMGate, ConstantGate
from bsnn_hw.nn.layer import (
    CurrentShortcut,
    Layer,
    Readout,
    Recurrence,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.nn.network import Network
from bsnn_hw.nn.neuron import LIF
from bsnn_hw.nn.synapse import FewBitConv2d, FewBitLinear, pair
from bsnn_hw.nn.timed import TimedGate

if TYPE_CHECKING:
    from bsnn_hw.nn.training import Trainer

__all__ = ["document", "save_model", "save_trained"]


def save_model(path: str | Path, network: Network, *, input: Mapping[str, Any], name: str | None
               = None, classes: Sequence[str] = (), recipe: Mapping[str, Any] | None = None
               ) -> None:
    """Write `network` as a model file that the compiler reads; parameters as `document`.

    `name` is the file's stem where it is not given.
    """
    from bsnn_hw.model.format import save

    save(path, document(network, input=input, name=name or Path(path).stem, classes=classes,
                        recipe=recipe))


def save_trained(path: str | Path, trainer: Trainer, accuracy: float, name: str | None = None
                 ) -> None:
    """Write what a finished training made, with its recipe; ``accuracy`` is of the test set."""
    recipe, dataset = trainer.recipe, trainer.dataset
    # Pixels that became spikes, a thermometer over time, are one bit wide.
    spikes = recipe.coding == "events" and dataset.timesteps is None
    bits = 1 if spikes else recipe.bits
    described = {"shape": list(recipe.input_shape(dataset.shape)), "bits": bits,
                 "scale": 1 / ((1 << bits) - 1), "offset": 0.0}
    if trainer.used is not None:
        described |= {"shape": [math.prod(dataset.shape)], "used": trainer.used.cpu()}
    save_model(path, trainer.network, input=described, name=name, classes=dataset.classes,
               recipe=recipe.as_dict() | {"test_accuracy": accuracy})


def document(network: Network, *, input: Mapping[str, Any], name: str, classes: Sequence[str] = (),
             recipe: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe a trained network with tensors and primitives only.

    Parameters
    ----------
    network : `Network`, of own layers or of torch modules inside `Layer` and `Readout`
    input : {"shape": [size] or [channels, height, width], "bits": 1..8, "scale": float,
        "offset": float}, and as docs/model.md has it "used"; the real input is
        ``scale * integer + offset``; of a network with
        events coding "bits" is 1, spikes, where it is left out
    classes : names of the classes, in order
    recipe : primitives that say how it was trained

    Raises
    ------
    ModelError
        When a layer is none that the file can hold; all of them at once.
    """
    problems: list[str] = []
    layers = [_layer(layer, block, problems) for layer, block in network.layers().items()]
    if problems:
        raise ModelError(problems)
    written = {"format": "bsnn-hw/model", "version": 1, "name": name,
               "timesteps": network.timesteps,
               "input": _input(network.coding.value, input), "layers": layers}
    if classes:
        written["classes"] = list(classes)
    if recipe:
        written["recipe"] = dict(recipe)
    return written


def _input(coding: str, given: Mapping[str, Any]) -> dict[str, Any]:
    written = {"coding": coding, "scale": 1.0, "offset": 0.0, **given,
               "shape": list(given["shape"])}
    if coding == "events" and given.get("bits", 1) == 1:  # spikes, which are 0 and 1
        return {key: value for key, value in written.items() if key != "bits"} | {
            "scale": 1.0, "offset": 0.0}
    return written


def _layer(name: str, block: Layer | Readout, problems: list[str]) -> dict[str, Any]:
    written = {"name": name, **_branch(f"layer {name!r}", block, problems),
               "neuron": _neuron(name, block, problems)}
    if block.source is not None:
        written["input"] = block.source
    shortcuts = [_shortcut(f"layer {name!r}, shortcut {index}", shortcut, problems)
                 for index, shortcut in enumerate(block.shortcuts)]
    return written | ({"shortcuts": shortcuts} if shortcuts else {})


def _shortcut(where: str, shortcut: nn.Module, problems: list[str]) -> dict[str, Any]:
    if isinstance(shortcut, CurrentShortcut):
        return {"kind": "current", "from": shortcut.source}
    if isinstance(shortcut, SpikeShortcut):
        return {"kind": "spikes", "from": shortcut.source, "scale": shortcut.scale}
    if isinstance(shortcut, SynapseShortcut):
        written = _branch(where, shortcut, problems)
        return {"kind": written.pop("type", None), "from": shortcut.source, **written}
    if isinstance(shortcut, Recurrence):
        written = _branch(where, shortcut, problems) | {"kind": "recurrent"}
        return {key: value for key, value in written.items() if key != "type"}
    problems.append(f"{where}: must be CurrentShortcut, SpikeShortcut, SynapseShortcut or "
                    f"Recurrence, not {type(shortcut).__name__}; add to the current, not to the "
                    f"spikes")
    return {}


def _branch(where: str, branch: Any, problems: list[str]) -> dict[str, Any]:
    """Describe what leads from spikes to a current: pool, synapse, norm and gate."""
    synapse = branch.synapse
    weight = getattr(synapse, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() not in (2, 4):
        problems.append(f"{where}: synapse must have a weight of (neurons, fan_in) or (channels, "
                        f"channels_in, rows, columns), {type(synapse).__name__} has none; use "
                        f"BinaryLinear, BinaryConv2d or their like in torch.nn")
        return {}
    if not getattr(synapse, "binary", True):
        problems.append(f"{where}: weights must be binary, not those of a full-precision twin; "
                        f"train with binary weights")
        return {}
    levels, scale, bits = _levels(synapse)
    written: dict[str, Any] = {"type": "linear" if weight.dim() == 2 else "conv2d",
                               "weight": levels}
    if bits > 1:
        written["weight_bits"] = bits
    if weight.dim() == 4:
        written |= _geometry(where, synapse, problems)
    if branch.gate_first and branch.norm is not None and branch.gate is not None:
        problems.append(f"{where}: gate must stand behind the norm, not before it; train with the "
                        f"gate behind")
    if branch.pool is not None:
        written["pool"] = {"kind": branch.pool.kind, "size": list(branch.pool.size)}
    written |= {"norm": _norm(where, branch.norm, weight.shape[0], scale, problems),
                "gate": _gate(where, branch.gate, problems)}
    bias = getattr(synapse, "bias", None)
    return written if bias is None else written | {"bias": _plain(bias) / scale}


def _levels(synapse: Any) -> tuple[Tensor, float, int]:
    """Return the integers of the weights, what one of them is, and their bits."""
    found = weights_of(synapse)
    if found is not None:
        return found
    if isinstance(synapse, FewBitLinear | FewBitConv2d):
        return synapse.integers().cpu(), 1.0, synapse.weight_bits
    return _signs(synapse.weight), 1.0, 1


def _geometry(where: str, synapse: Any, problems: list[str]) -> dict[str, Any]:
    mode = getattr(synapse, "padding_mode", "zeros")
    if mode != "zeros" or isinstance(synapse.padding, str):
        problems.append(f"{where}: padding must be numbers of zeros, not {synapse.padding!r} of "
                        f"{mode}; state the rows and columns")
        return {}
    written = {"stride": list(pair(synapse.stride)), "padding": list(pair(synapse.padding))}
    groups, dilation = getattr(synapse, "groups", 1), list(pair(getattr(synapse, "dilation", 1)))
    return (written | ({"groups": groups} if groups != 1 else {})
            | ({"dilation": dilation} if dilation != [1, 1] else {}))


def _signs(weight: Tensor) -> Tensor:
    # Eight bits per sign instead of 32: only the sign counts, and the file stays small.
    return torch.where(weight.detach() >= 0, 1, -1).to(torch.int8).cpu()


def _norm(where: str, norm: Any, neurons: int, scale: float, problems: list[str]
          ) -> dict[str, Any] | None:
    """Describe a norm of sums of integers, each of which is `scale`."""
    if norm is None and scale == 1:
        return None
    if norm is None:
        zero = torch.zeros(neurons)
        return {"gamma": zero + scale, "beta": zero, "mean": zero, "var": zero + 1, "eps": 0.0}
    mean, var = getattr(norm, "running_mean", None), getattr(norm, "running_var", None)
    if mean is None or var is None:
        problems.append(f"{where}: norm must keep a running mean and variance, "
                        f"{type(norm).__name__} keeps none; use BatchNorm")
        return None
    gamma = torch.ones(1) if norm.weight is None else norm.weight
    beta = torch.zeros(1) if norm.bias is None else norm.bias
    tensors = {"gamma": gamma * scale, "beta": beta, "mean": mean / scale, "var": var}
    # A shared scale is written once per class, which is what it means.
    return {key: _plain(value.expand(neurons)) for key, value in tensors.items()
            } | {"eps": float(norm.eps)}


def _gate(where: str, gate: nn.Module | None, problems: list[str]) -> dict[str, Any] | None:
    if gate is None:
        return None
    gate = gate.gate if isinstance(gate, TimedGate) else gate
    if isinstance(gate, AGMMGate) and gate.channels is not None:
        problems.append(f"{where}: gate must be one per timestep, not one for each of "
                        f"{gate.channels} channels; train with channels=None")
        return None
    if isinstance(gate, AGMMGate) and gate.inference == "sample":
        return {"kind": "sample", "alpha": _plain(gate.alpha)}
    if isinstance(gate, AGMMGate | ConstantGate):
        return {"kind": "constant", "value": _plain(gate.values())}
    problems.append(f"{where}: gate must be AGMMGate, ConstantGate or None, not "
                    f"{type(gate).__name__}; give its constants as ConstantGate")
    return None


def _neuron(name: str, block: Layer | Readout, problems: list[str]) -> dict[str, Any]:
    neuron = block.neuron
    if isinstance(block, Readout):
        return {"type": "readout"}
    if not isinstance(neuron, LIF):
        problems.append(f"layer {name!r}: neuron must be LIF or IF, not {type(neuron).__name__}; "
                        f"state its leak, threshold, reset and comparison as LIF")
        return {}
    leak = {} if neuron.leak == 1 else {"leak": neuron.leak}
    return {"type": "lif" if leak else "if", **leak, "threshold": neuron.threshold,
            "reset": neuron.reset.value, "comparison": neuron.comparison.value,
            "input_scale": neuron.input_scale}


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().to(device="cpu", copy=True).contiguous()
