"""sinabs: ``LIF`` and ``IAF`` with SingleSpike; spikes from the threshold on, soft reset."""

from __future__ import annotations

from typing import Any

import torch

from bsnn_hw.convert.family import (
    Family,
    NeuronError,
    called,
    integrated,
    integrator,
    numbers,
)
from bsnn_hw.convert.trace import Tracer

__all__ = ["SINABS"]


def _facts(module: Any) -> dict[str, Any]:
    """Source: sinabs/layers/functional/lif.py, 3.1."""
    kind = getattr(module.spike_fn, "__name__", type(module.spike_fn).__name__)
    if kind != "SingleSpike":
        raise NeuronError(f"a neuron of several spikes per timestep (spike_fn {kind}, sinabs' "
                          "default is MultiSpike); train with spike_fn=SingleSpike")
    facts = {"threshold": numbers(module.spike_threshold), "comparison": ">="}
    return facts | _reset_of(module.reset_fn) | _floor_of(module.min_v_mem)


def _floor_of(least: Any) -> dict[str, Any]:
    """``min_v_mem``: behind the reset, whether or not the neuron fired."""
    if least is None:
        return {}
    if bool((least > 0).any()):
        raise NeuronError(f"a floor of the membrane above 0 (min_v_mem {float(least.max()):g}), "
                          "where membranes start")
    return {"min_potential": numbers(least)}


def _reset_of(reset: Any) -> dict[str, Any]:
    kind = type(reset).__name__
    if kind == "MembraneSubtract":
        amount = reset.subtract_value
        return {"reset": "soft"} | ({} if amount is None else {"reset_by": numbers(amount)})
    if kind == "MembraneReset" and reset.reset_value == 0:
        return {"reset": "hard"}
    raise NeuronError(f"the reset {reset!r}; known are MembraneSubtract and MembraneReset to 0")


def _leaky(module: Any) -> dict[str, Any]:
    alpha = module.alpha_mem_calculated.detach()
    scale = 1 - alpha if module.norm_input else torch.ones(())
    return {"type": "lif", "leak": numbers(alpha)} | _synaptic(module, scale) | _facts(module)


def _integrate(module: Any) -> dict[str, Any]:
    return {"type": "if"} | _synaptic(module, torch.ones(())) | _facts(module)


def _synaptic(module: Any, scale: torch.Tensor) -> dict[str, Any]:
    """What the input is scaled with, and of a second-order neuron the leak of its current.

    i[t] = alpha * (i[t-1] + x[t]) is alpha times a current that takes x[t] as it is.
    """
    alpha = module.alpha_syn_calculated
    if alpha is None:
        return {} if bool((scale == 1).all()) else {"input_scale": numbers(scale)}
    alpha = alpha.detach()
    return {"current_leak": numbers(alpha), "input_scale": numbers(alpha * scale)}


def _exponential(module: Any) -> dict[str, Any]:
    """Source: sinabs/layers/exp_leak.py, 3.1: an LIF without spikes and reset."""
    if module.min_v_mem is not None:
        raise NeuronError("a floor of a membrane that is read out (min_v_mem), which scores do not "
                          "have; say min_v_mem=None, and train so")
    return integrator(numbers(module.alpha_mem_calculated.detach()))


def _leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    lead = ("NT",) if type(module).__name__.endswith("Squeeze") else ("N", "T")
    if type(module).__name__.startswith("ExpLeak"):
        alpha = module.alpha_mem_calculated.detach()
        return integrated(trace, path, module, trace.value(args[0]), lead, out,
                          1 - alpha if module.norm_input else 1.0)
    called(trace, path, module, trace.value(args[0]), lead, out)


def _reset(module: torch.nn.Module) -> None:
    part: Any
    for part in module.modules():
        if type(part).__module__.startswith("sinabs.") and hasattr(part, "reset_states"):
            part.reset_states()


SINABS = Family(
    "sinabs", {"LIF": _leaky, "LIFSqueeze": _leaky, "IAF": _integrate, "IAFSqueeze": _integrate,
               "ExpLeak": _exponential, "ExpLeakSqueeze": _exponential},
    {"ALIF": "an adaptive threshold (ALIF)", "ALIFRecurrent": "an adaptive threshold (ALIF), and "
     "recurrent", "LIFRecurrent": "a recurrent layer, whose spikes come back at the next timestep",
     "IAFRecurrent": "a recurrent layer, whose spikes come back at the next timestep",
     "LIFRecurrentSqueeze": "a recurrent layer, whose spikes come back at the next timestep"},
    ("StatefulLayer",), _leaf, lead=("N", "T"), reset=_reset)
