"""Norse: ``LIFCell``, ``LIFBoxCell`` and ``IAFCell``; Euler steps, spikes where the potential is
above."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.family import (
    Family,
    NeuronError,
    called,
    integrated,
    integrator,
    numbers,
    shifted,
)
from bsnn_hw.convert.graph import Synapse
from bsnn_hw.convert.trace import Tracer

__all__ = ["NORSE"]


def _facts(parameters: Any, facts: dict[str, Any], reset: str) -> dict[str, Any]:
    facts |= {"threshold": numbers(parameters.v_th), "comparison": ">"}
    rest = numbers(parameters.v_reset)
    if not isinstance(rest, float):
        raise NeuronError("a v_reset per neuron; give all of them one")
    facts = shifted(facts, rest) if reset == "hard" else facts
    return facts | {"reset": reset}


def _box(module: Any) -> dict[str, Any]:
    """Source: norse/torch/functional/lif_box.py, 1.1."""
    parameters, rate = module.p, _rate(module, "tau_mem_inv")
    method = getattr(parameters.reset_method, "__name__", str(parameters.reset_method))
    if method not in ("reset_value", "reset_subtract"):
        raise NeuronError(f"the reset {method}; known are reset_value and reset_subtract")
    leak, rest = numbers(parameters.v_leak), numbers(parameters.v_reset)
    reset = "hard" if method == "reset_value" else "soft"
    if leak != (rest if reset == "hard" else 0.0):
        raise NeuronError("a v_leak other than where the membrane is reset to; the membrane must "
                          "rest where it is reset to, v_leak = v_reset")
    facts = {"type": "lif", "leak": 1 - rate, "input_scale": rate}
    return _facts(parameters, facts, reset)


def _rate(module: Any, name: str) -> float | torch.Tensor:
    """dt times the inverse of a time constant: what a timestep takes away."""
    rate = numbers(module.dt * getattr(module.p, name))
    if isinstance(rate, float) and not 0 < rate < 1:
        raise NeuronError(f"dt * {name} = {rate:g}, and must be above 0 and below 1")
    return rate


def _current_based(module: Any) -> dict[str, Any]:
    """Source: norse/torch/functional/lif.py, 1.1: the membrane takes the current of the same
    timestep, which leaks behind it."""
    parameters, rate = module.p, _rate(module, "tau_mem_inv")
    if numbers(parameters.v_leak) != numbers(parameters.v_reset):
        raise NeuronError("a v_leak other than v_reset; the membrane must rest where it is reset "
                          "to")
    facts = {"type": "lif", "leak": 1 - rate, "input_scale": rate,
             "current_leak": 1 - _rate(module, "tau_syn_inv")}
    return _facts(parameters, facts, "hard")


def _integrate(module: Any) -> dict[str, Any]:
    return _facts(module.p, {"type": "if"}, "hard")


def _integrator(module: Any) -> dict[str, Any]:
    """Source: norse/torch/functional/leaky_integrator.py and leaky_integrator_box.py, 1.1: as
    `LIFCell`'s and `LIFBoxCell`'s membrane, but for the reset."""
    if numbers(module.p.v_leak) != 0.0:
        raise NeuronError("a v_leak other than 0 of a leaky integrator; scores are membranes that "
                          "rest at 0")
    synaptic = hasattr(module.p, "tau_syn_inv")
    return integrator(1 - _rate(module, "tau_mem_inv"),
                      1 - _rate(module, "tau_syn_inv") if synaptic else None)


def _integrates(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    """The voltage that comes out is the membrane of the state."""
    value, kind = trace.value(args[0]), type(module).__name__
    state = args[1] if len(args) > 1 else None
    if kind == "LILinearCell" and value is not None:
        weight = np.array(module.input_weights.detach().double().numpy())
        if value.node.shape != weight.shape[1:]:
            raise trace.refusal(f"takes {value.node.shape}; flatten in front of it")
        node = trace.graph.make(
            Synapse, shape=weight.shape[:1], varies=value.node.varies, source=value.node, path=path,
            weight=weight, bias=None)
        value = replace(value, node=node)
    integrated(trace, path, module, value, ("T", "N") if kind == "LI" else ("N",), out[0],
               _rate(module, "tau_mem_inv"), getattr(state, "v", None),
               (getattr(out[1], "i", None), getattr(state, "i", None)))


def _leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    if type(module).__name__ in INTEGRATORS:
        return _integrates(trace, path, module, args, out)
    lead = ("T", "N") if type(module).__name__ in WHOLE else ("N",)
    state = args[1] if len(args) > 1 else None
    called(trace, path, module, trace.value(args[0]), lead, out[0],
           getattr(out[1], "v", None), getattr(state, "v", None),
           synaptic=(getattr(out[1], "i", None), getattr(state, "i", None)))


WHOLE = {"IAF", "LIF"}
INTEGRATORS = ("LI", "LICell", "LILinearCell", "LIBoxCell")
NORSE = Family(
    "norse", {"LIFBoxCell": _box, "LIFCell": _current_based, "LIF": _current_based,
              "IAFCell": _integrate, "IAF": _integrate,
              **dict.fromkeys(INTEGRATORS, _integrator)},
    {"LIFRecurrentCell": "a recurrent layer of second-order neurons",
     "LIFRecurrent": "a recurrent layer of second-order neurons",
     "LSNNCell": "an adaptive threshold (LSNN)", "LSNN": "an adaptive threshold (LSNN)",
     "LSNNRecurrentCell": "an adaptive threshold (LSNN), and recurrent",
     "LSNNRecurrent": "an adaptive threshold (LSNN), and recurrent",
     "LIFAdExCell": "an adaptive exponential neuron", "LIFExCell": "an exponential neuron",
     "LIFRefracCell": "a refractory period", "IzhikevichCell":
     "Izhikevich's neuron, quadratic, with a recovery variable"},
    ("SNNCell", "SNN", "SNNRecurrentCell", "SNNRecurrent", "LSNNCell", "LICell"), _leaf)
