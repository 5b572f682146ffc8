"""Gates of constants per timestep, as `bsnn_hw.nn.binarize` puts them behind layers.

A gate is a module with ``timestep_factors()``; what goes in comes out times the factor of its
timestep.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from bsnn_hw.convert.graph import Gate
from bsnn_hw.convert.registry import array
from bsnn_hw.convert.trace import Tracer

__all__ = ["gates_of", "leaf", "reset"]


def gates_of(module: torch.nn.Module) -> dict[str, Any]:
    """The gates of a module, by path."""
    return {path: part for path, part in module.named_modules()
            if hasattr(part, "timestep_factors")}


def leaf(trace: Tracer, path: str, module: Any, args: Any, out: Any) -> None:
    """Follow what a gate gives; see ``Tracer.watching``."""
    value = trace.value(args[0])
    if value is None:
        return
    try:
        factors = array(module.timestep_factors())
    except ValueError as error:
        raise trace.refusal(f"is a gate of no constants: {error}") from error
    if factors.shape != (trace.timesteps,):
        raise trace.refusal(f"is a gate of {factors.shape} factors, and must have one for each of "
                            f"{trace.timesteps} timesteps")
    node = trace.graph.make(Gate, shape=value.node.shape, varies=value.node.varies,
                            source=value.node, factors=factors)
    trace.follow(out, replace(value, node=node))


def reset(module: torch.nn.Module) -> None:
    """Have all gates begin with the first timestep."""
    for gate in gates_of(module).values():
        gate.reset()
