"""Which functions of torch are followed: by name, each with what it does to traced values.

A function is called with the tracer, what torch gave, and its arguments, and returns what torch
gave; one that is not here is refused with its line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.graph import Node, Over, Pool
from bsnn_hw.convert.spike_joins import spiking
from bsnn_hw.convert.trace import Tracer, Value, plain

__all__ = ["FUNCTIONS", "array", "followed", "of", "only", "pooled", "same", "under_time"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}


def of(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function for these names."""
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def array(tensor: Any) -> np.ndarray:
    """A constant in float64."""
    return np.array(torch.as_tensor(plain(tensor)).detach().cpu().double().numpy())


def followed(trace: Tracer, out: Any, node: Any, like: Value) -> Any:
    """``out`` holds ``node`` from now on, with the axes and the timestep of ``like``."""
    trace.follow(out, replace(like, node=node))
    return out


def under_time(trace: Tracer, node: Node, kinds: tuple[str, ...],
               make: Callable[[Node, int], Node]) -> Node:
    """``make(node, 1)``; of what is taken over time, in one of these ``kinds``, the same taken over
    what ``make`` gives of each timestep, told of how many what it adds is the sum."""
    if not isinstance(node, Over) or node.kind not in kinds:
        return make(node, 1)
    inner = make(node.source, len(node.steps) if node.kind == "sum" else 1)
    found: Node = trace.graph.make(Over, shape=inner.shape, varies=False, source=inner,
                                   kind=node.kind, steps=node.steps)
    return found


def pooled(trace: Tracer, node: Node, shape: tuple[int, ...], kind: str, size: tuple[int, ...],
           stride: tuple[int, ...], padding: tuple[int, int] = (0, 0), *, ceil: bool = False
           ) -> Node:
    """``node`` pooled to ``shape``."""
    def of_each(inner: Node, _: int) -> Node:
        made: Node = trace.graph.make(Pool, shape=shape, varies=inner.varies, source=inner,
                                      kind=kind, size=size, stride=stride, padding=padding,
                                      ceil=ceil)
        return made

    return under_time(trace, node, ("max",) if kind == "max" else ("sum", "mean"), of_each)


def only(trace: Tracer, value: Any, what: str) -> Value:
    """The traced value of a tensor; ``what`` says what a constant would be."""
    found = trace.value(value)
    if found is None:
        raise trace.refusal(f"{what}, which is not followed")
    return found


@of("bool", "int", "long", "byte")
def _whole_numbers(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """The same values, of spikes."""
    value = trace.value(x)
    if value is not None and not spiking(value.node):
        raise trace.refusal("makes whole numbers of what is no spikes; a circuit has its own bits")
    return same(trace, out, x)


@of("clone", "detach", "detach_", "contiguous", "to", "float", "double", "requires_grad_",
     "data", "cpu", "type_as", "_to_copy")
def same(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """The same values."""
    value = trace.value(x)
    if value is not None:
        trace.follow(out, value)
    return out
