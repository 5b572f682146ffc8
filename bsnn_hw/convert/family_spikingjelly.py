"""SpikingJelly: ``IFNode``, ``LIFNode``, ``ParametricLIFNode``, ``CUBALIFNode``; spikes from the
threshold on."""

from __future__ import annotations

import math
from typing import Any

import torch

from bsnn_hw.convert.family import (
    Family,
    NeuronError,
    called,
    comparison_of,
    integrated,
    integrator,
    shifted,
)
from bsnn_hw.convert.graph import Over, Synapse, Vote
from bsnn_hw.convert.recurrence import linear_map
from bsnn_hw.convert.trace import Tracer, Value

__all__ = ["SPIKINGJELLY"]


def _facts(module: Any, facts: dict[str, Any]) -> dict[str, Any]:
    """Charge, fire, reset. Source: spikingjelly/activation_based/functional/neuron.py, 2.0."""
    facts |= {"threshold": float(module.v_threshold),
              "comparison": comparison_of(module.surrogate_function)}
    if module.v_reset is None:
        return facts | {"reset": "soft"}
    rest = float(module.v_reset)
    if module.v_threshold <= rest:
        raise NeuronError(f"a reset to {rest:g}, not below the threshold {module.v_threshold:g}: "
                          "it would fire for ever; give it a v_threshold above v_reset")
    return shifted(facts, rest) | {"reset": "hard"}


def _integrate(module: Any) -> dict[str, Any]:
    return _facts(module, {"type": "if"})


def _leaky(module: Any) -> dict[str, Any]:
    return _facts(module, _decay(module, 1 / float(module.tau)))


def _parametric(module: Any) -> dict[str, Any]:
    weight = float(module.w.detach().double())
    return _facts(module, _decay(module, 1 / (1 + math.exp(-weight))))


def _decay(module: Any, rate: float) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": "lif", "leak": 1 - rate}
    return facts | ({"input_scale": rate} if module.decay_input else {})


def _synaptic(module: Any) -> dict[str, Any]:
    if module.v_reset:
        raise NeuronError(f"CUBALIFNode with a reset to {float(module.v_reset):g}, whose membrane "
                          "decays to 0; give it a v_reset of 0, or None")
    return _facts(module, {"type": "lif", "leak": float(module.v_decay),
                           "current_leak": float(module.c_decay)})


def _integrator(module: Any) -> dict[str, Any]:
    """Source: spikingjelly/activation_based/neuron/base_node.py, 2.0."""
    if module.decode not in (None, *DECODED):
        raise NeuronError(f"an integrator without spikes that gives {module.decode!r}; known are "
                          f"{', '.join(map(repr, DECODED))} and all timesteps (None)")
    return integrator(1 - 1 / float(module.tau) if hasattr(module, "tau") else 1.0)


def _integrates(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    """The membranes of all timesteps, or what `decode` takes of them."""
    value = trace.value(args[0])
    whole = torch.zeros_like(args[0])
    integrated(trace, path, module, value, ("T", "N"), whole, 1 / float(getattr(module, "tau", 1)))
    made = trace.value(whole)
    assert made is not None
    if module.decode is None:
        for step, membrane in enumerate(out):
            trace.follow(membrane, Value(made.node, ("N",), step))
        return
    node = trace.graph.make(Over, shape=made.node.shape, varies=False, source=made.node,
                            kind=DECODED[module.decode],
                            steps=frozenset(range(trace.timesteps)))
    trace.follow(out, Value(node, ("N",)))


def _leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    if type(module).__name__ == "VotingLayer":
        return _vote(trace, module, args, out)
    if type(module).__name__ in INTEGRATORS:
        return _integrates(trace, path, module, args, out)
    if type(module).__name__ == "LinearRecurrentContainer":
        return _container(trace, path, module, args, out)
    lead = ("T", "N") if module.step_mode == "m" else ("N",)
    called(trace, path, module, trace.value(args[0]), lead, out)


def _container(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    """rc, a linear layer, takes the input and the neurons' spikes of the timestep before."""
    neuron = module.sub_module
    if type(neuron).__name__ not in SPIKINGJELLY.neurons or not SPIKINGJELLY.owns(type(neuron)):
        raise trace.refusal("contains something else than one layer of neurons; known are "
                            f"{', '.join(sorted(SPIKINGJELLY.neurons))}")
    value, neurons = trace.value(args[0]), int(module.sub_module_out_features)
    if value is None or len(value.node.shape) != 1:
        raise trace.refusal("gets something else than a vector that depends on the network's input")
    inputs = value.node.shape[0]
    weight, bias = linear_map(module.rc, inputs + neurons)
    current = trace.graph.make(
        Synapse, shape=(neurons,), varies=value.node.varies, source=value.node, path=path,
        weight=weight[:, :inputs], bias=bias)
    lead = ("T", "N") if module.step_mode == "m" else ("N",)
    called(trace, path, neuron, Value(current, value.lead, value.step), lead, out,
           back=(weight[:, inputs:], None))


def _vote(trace: Tracer, module: Any, args: Any, out: Any) -> None:
    value = trace.value(args[0])
    if value is None or len(value.node.shape) != 1:
        raise trace.refusal("votes over something else than the neurons of a linear layer")
    size = int(module.voting_size)
    node = trace.graph.make(Vote, shape=(value.node.shape[0] // size,), varies=value.node.varies,
                            source=value.node, group=size)
    trace.follow(out, Value(node, value.lead, value.step))


def _reset(module: torch.nn.Module) -> None:
    part: Any
    for part in module.modules():
        if type(part).__module__.startswith("spikingjelly.") and hasattr(part, "reset"):
            part.reset()


INTEGRATORS = ("NonSpikingIFNode", "NonSpikingLIFNode")
DECODED = {"max-mem": "max", "mean-mem": "mean", "last_mem": "last"}
SPIKINGJELLY = Family(
    "spikingjelly", {"IFNode": _integrate, "LIFNode": _leaky, "ParametricLIFNode": _parametric,
                     "SimpleIFNode": _integrate, "SimpleLIFNode": _leaky,
                     "CUBALIFNode": _synaptic, **dict.fromkeys(INTEGRATORS, _integrator)},
    {"KLIFNode": "KLIF, with a ReLU and a learned scale on the membrane",
     "GatedLIFNode": "GLIF, which mixes two leaks and two resets",
     "ComplementaryLIFNode": "CLIF, with a second membrane for the reset",
     "IzhikevichNode": "Izhikevich's neuron, quadratic, with a recovery variable",
     "QIFNode": "a quadratic neuron, which multiplies the membrane with itself",
     "EIFNode": "an exponential neuron", "LIAFNode": "LIAF, whose output is no spike",
     "ILIFNode": "a neuron of several spikes per timestep",
     "TernaryIFNode": "a neuron with negative spikes", "TernaryLIFNode":
     "a neuron with negative spikes", "STBIFNode": "a neuron with negative spikes",
     "RAFNode": "a resonator, with a complex state",
     "MPBNLIFNode": "a neuron that normalises its membrane by the batch",
     "PSN": "a parallel neuron, whose spikes depend on all timesteps at once",
     "MaskedPSN": "a parallel neuron, whose spikes depend on several timesteps at once",
     "SlidingPSN": "a parallel neuron, whose spikes depend on several timesteps at once",
     "SynapseFilter": "a synaptic current with a time constant of its own (second order)",
     "ElementWiseRecurrentContainer": "a recurrent layer, whose spikes come back at the next "
                                      "timestep",
     "Delay": "a delay of several timesteps",
     "SpikingSelfAttention": "spiking self-attention, which multiplies two values"},
    ("BaseNode", "SimpleBaseNode", "MemoryModule", "NonSpikingBaseNode"), _leaf,
    wholes=("VotingLayer", "LinearRecurrentContainer"),
    # Their mask, which they keep over time, is of training alone.
    stateless=("Dropout", "Dropout2d"), reset=_reset)
