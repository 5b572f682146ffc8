"""snnTorch: ``Leaky``, ``Lapicque`` and ``Synaptic``, with their spikes back too, with every reset
that can be said; spikes where the potential is above the threshold."""

from __future__ import annotations

from typing import Any

import torch

from bsnn_hw.convert.family import Family, NeuronError, called, comparison_of, numbers
from bsnn_hw.convert.graph import Spikes
from bsnn_hw.convert.recurrence import linear_map
from bsnn_hw.convert.trace import Tracer

__all__ = ["SNNTORCH"]


def _leaky(module: Any) -> dict[str, Any]:
    """Source: snntorch/_neurons/leaky.py, versions 0.8 to 1.0."""
    return _decaying(module, torch.as_tensor(module.beta).detach().clamp(0, 1))


def _lapicque(module: Any) -> dict[str, Any]:
    """Source: snntorch/_neurons/lapicque.py, version 1.0; R and C are used, beta only to find
    them."""
    time, resistance, capacity = (torch.as_tensor(each).detach()
                                  for each in (module.time_step, module.R, module.C))
    leak = 1 - time / (resistance * capacity)
    if bool(((leak < 0) | (leak > 1)).any()):
        raise NeuronError(f"a timestep longer than R*C: 1 - time_step / (R*C) is {numbers(leak)}, "
                          "and must lie within 0 and 1")
    scale = resistance * (1 / (resistance * capacity)) * time
    return _decaying(module, leak) | _late(module) | {"input_scale": numbers(scale)}


def _synaptic(module: Any) -> dict[str, Any]:
    """Source: snntorch/_neurons/synaptic.py, versions 0.8 to 1.0."""
    alpha = torch.as_tensor(module.alpha).detach().clamp(0, 1)
    return _leaky(module) | _late(module) | {"current_leak": numbers(alpha)}


def _recurrent_leaky(module: Any) -> dict[str, Any]:
    """Source: snntorch/_neurons/rleaky.py, versions 0.8 to 1.0."""
    _check_recurrence(module)
    return _leaky(module) | _late(module)


def _recurrent_synaptic(module: Any) -> dict[str, Any]:
    """Source: snntorch/_neurons/rsynaptic.py, versions 0.8 to 1.0."""
    _check_recurrence(module)
    if module.init_hidden and not module.reset_delay:
        raise NeuronError("RSynaptic with reset_delay=False and init_hidden=True, whose forward "
                          "fails in snnTorch itself; leave reset_delay out, which changes nothing "
                          "in RSynaptic")
    return _synaptic(module)


def _decaying(module: Any, leak: torch.Tensor) -> dict[str, Any]:
    """Neurons with a ``leak`` from 0 to 1, whose 'zero' leaves nothing to reset late."""
    if module.inhibition:
        raise NeuronError("inhibition (only the largest membrane fires) needs a comparison of "
                          "all neurons; set inhibition=False")
    if module.state_quant:
        raise NeuronError("a quantised state; set state_quant=False, the compiler chooses its "
                          "own bits")
    if numbers(module.graded_spikes_factor) != 1.0:
        raise NeuronError("graded spikes (graded_spikes_factor other than 1); scale the weights "
                          "of the next layer instead")
    facts = {"type": "lif", "leak": numbers(leak), "threshold": numbers(module.threshold),
             "comparison": comparison_of(module.spike_grad)}
    mechanism = module.reset_mechanism
    if mechanism == "zero":
        return facts | {"reset": "hard"}
    if mechanism == "none":
        return facts | {"reset": "soft", "reset_by": 0.0}
    if not _delayed(module):
        raise NeuronError("'subtract' with reset_delay=False subtracts a second time, before it "
                          "compares, where a membrane is still above the threshold after its "
                          "reset; train with reset_delay=True, the default, or with 'zero'")
    if bool((leak == 0).any()):
        raise NeuronError("'subtract' with beta 0, which subtracts from the next current; use a "
                          "beta above 0, or 'zero'")
    # U[t] = beta*U[t-1] + I - theta*S[t-1] is U - theta/beta*S[t-1], leaked.
    threshold = torch.as_tensor(module.threshold).detach().double()
    return facts | {"reset": "soft", "reset_by": numbers(threshold / leak.double())}


def _late(module: Any) -> dict[str, Any]:
    """Of a neuron whose 'zero', with reset_delay, sets the whole membrane of the timestep after a
    spike to 0, current and all; Leaky's only what is left of that of the spike."""
    late = module.reset_mechanism == "zero" and _delayed(module)
    return {"refractory": True} if late else {}


def _delayed(module: Any) -> bool:
    """Whether the membrane is reset in the timestep after a spike.  RSynaptic's always is: what it
    resets at once, with reset_delay=False, is a membrane that it does not keep."""
    return type(module).__name__ == "RSynaptic" or getattr(module, "reset_delay", True)


def _check_recurrence(module: Any) -> None:
    kind = type(module).__name__
    if not module.all_to_all:
        raise NeuronError(f"{kind} with all_to_all=False, whose V brings each neuron's spikes back "
                          "to itself alone; train with all_to_all=True and few-bit weights")
    if getattr(module, "linear_features", None) is None:
        raise NeuronError(f"{kind} with a convolution that brings its spikes back; only linear "
                          "layers (linear_features) get theirs")


def _leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    """A neuron that is given its states, its own spikes, synaptic current and membrane as far as it
    has them, or keeps them."""
    kind = type(module).__name__
    back: tuple[Any, Any] = (None, None)
    value, *states = args
    spikes, *kept = out if isinstance(out, tuple) else (out,)
    if kind in ("RLeaky", "RSynaptic"):
        _check_spikes(trace, path, next(iter(states), None))
        back, states = linear_map(module.recurrent, int(module.linear_features)), states[1:]
    second = kind in ("Synaptic", "RSynaptic")
    (*synaptic, membrane), (*held, state) = (
        [*each, *[None] * (1 + second)][:1 + second] for each in (kept, states))
    called(trace, path, module, trace.value(value), ("N",), spikes, membrane, state, back,
           (synaptic[0], held[0]) if second else (None, None))


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


SNNTORCH = Family(
    "snntorch", {"Lapicque": _lapicque, "Leaky": _leaky, "RLeaky": _recurrent_leaky,
                 "Synaptic": _synaptic, "RSynaptic": _recurrent_synaptic},
    {"Alpha": "a neuron of two synaptic currents (Alpha), one that excites and one that inhibits; "
              "Synaptic has one",
     "SLSTM": "a spiking LSTM, with gates that multiply two values",
     "SConv2dLSTM": "a spiking convolutional LSTM, with gates that multiply two values",
     "LeakyParallel": "a neuron without reset that is computed by convolution over time, and adds "
                      "recurrence between its neurons"},
    ("SpikingNeuron", "LIF"), _leaf, reset=_reset)
