"""snnTorch: ``Leaky``, with every reset; spikes where the potential is above the threshold."""

from __future__ import annotations

from typing import Any

import torch

from bsnn_hw.convert.family import Family, NeuronError, called, numbers
from bsnn_hw.convert.graph import Spikes
from bsnn_hw.convert.recurrence import linear_map
from bsnn_hw.convert.trace import Tracer

__all__ = ["SNNTORCH"]


def _leaky(module: Any) -> dict[str, Any]:
    """Source: snntorch/_neurons/leaky.py, versions 0.8 to 1.0."""
    if module.inhibition:
        raise NeuronError("inhibition (only the largest membrane fires) needs a comparison of "
                          "all neurons; set inhibition=False")
    if module.state_quant:
        raise NeuronError("a quantised state; set state_quant=False, the compiler chooses its "
                          "own bits")
    if numbers(module.graded_spikes_factor) != 1.0:
        raise NeuronError("graded spikes (graded_spikes_factor other than 1); scale the weights "
                          "of the next layer instead")
    beta = torch.as_tensor(module.beta).detach().clamp(0, 1)
    facts = {"type": "lif", "leak": numbers(beta), "threshold": numbers(module.threshold),
             "comparison": ">"}
    mechanism = module.reset_mechanism
    if mechanism == "zero":
        return facts | {"reset": "hard"}
    if mechanism == "none":
        return facts | {"reset": "soft", "reset_by": 0.0}
    if not getattr(module, "reset_delay", True):
        raise NeuronError("'subtract' with reset_delay=False subtracts a second time, before it "
                          "compares, where a membrane is still above the threshold after its "
                          "reset; train with reset_delay=True, the default, or with 'zero'")
    if bool((beta == 0).any()):
        raise NeuronError("'subtract' with beta 0, which subtracts from the next current; use a "
                          "beta above 0, or 'zero'")
    # U[t] = beta*U[t-1] + I - theta*S[t-1] is U - theta/beta*S[t-1], leaked.
    threshold = torch.as_tensor(module.threshold).detach().double()
    return facts | {"reset": "soft", "reset_by": numbers(threshold / beta.double())}


def _recurrent_leaky(module: Any) -> dict[str, Any]:
    """Source: snntorch/_neurons/rleaky.py, versions 0.8 to 1.0."""
    if module.reset_mechanism == "zero":
        raise NeuronError("RLeaky's 'zero', which also drops the whole current of the timestep "
                          "after a spike; train with 'subtract', the default, or 'none'")
    if not module.all_to_all:
        raise NeuronError("RLeaky with all_to_all=False, whose V brings each neuron's spikes back "
                          "to itself alone; train with all_to_all=True and few-bit weights")
    if getattr(module, "linear_features", None) is None:
        raise NeuronError("RLeaky with a convolution that brings its spikes back; only linear "
                          "layers (linear_features) get theirs")
    return _leaky(module)


def _leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    if type(module).__name__ == "RLeaky":
        return _recurrent_leaf(trace, path, module, args, out)
    spikes, membrane = out if isinstance(out, tuple) else (out, None)
    state = args[1] if len(args) > 1 else None
    called(trace, path, module, trace.value(args[0]), ("N",), spikes, membrane, state)


def _recurrent_leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    """An RLeaky, which is given its spikes and its membrane, or keeps both."""
    spikes, membrane = out if isinstance(out, tuple) else (out, None)
    given = args[1] if len(args) > 1 else None
    _check_spikes(trace, path, given)
    called(trace, path, module, trace.value(args[0]), ("N",), spikes, membrane,
           args[2] if len(args) > 2 else None,
           linear_map(module.recurrent, int(module.linear_features)))


def _check_spikes(trace: Tracer, path: str, given: Any) -> None:
    """The spikes that are given in must be the neuron's own of the timestep before."""
    value, number = trace.value(given), trace.calls.get(path, 0)
    own = value is not None and isinstance(value.node, Spikes) and value.node.path == path
    if value is not None and (not own or value.step != number - 1):
        raise trace.refusal("gets spikes back that are not its own of the timestep before")
    if value is None and isinstance(given, torch.Tensor) and (
            number or (given.numel() and bool((given != 0).any()))):
        raise trace.refusal("gets spikes back that are not its own; it must start without any, "
                            "once for each sample")


def _reset(module: torch.nn.Module) -> None:
    part: Any
    for part in module.modules():
        if type(part).__module__.startswith("snntorch.") and hasattr(part, "reset_mem"):
            part.reset_mem()


SECOND = "a second-order neuron ({}), whose synaptic current is a state of its own"
RECURRENT = "a recurrent layer ({}), whose spikes come back at the next timestep"
SNNTORCH = Family(
    "snntorch", {"Leaky": _leaky, "RLeaky": _recurrent_leaky},
    {"Synaptic": SECOND.format("synaptic conductance"), "Alpha": SECOND.format("alpha"),
     "RSynaptic": RECURRENT.format("RSynaptic") + ", of second-order neurons",
     "SLSTM": "a spiking LSTM, with gates that multiply two values",
     "SConv2dLSTM": "a spiking convolutional LSTM, with gates that multiply two values",
     "Lapicque": "Lapicque's neuron, in units of R and C; Leaky with beta = 1 - dt/(R*C) and the "
                 "weights times dt/C is the same",
     "LeakyParallel": "a neuron without reset that is computed by convolution over time, and adds "
                      "recurrence between its neurons"},
    ("SpikingNeuron", "LIF"), _leaf, reset=_reset)
