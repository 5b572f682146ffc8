"""Shapes and time: reshaping, one value per timestep, and what is taken over all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.graph import Affine, Over, Vote
from bsnn_hw.convert.registry import of, only, same
from bsnn_hw.convert.trace import Tracer, Value


@of("flatten", "reshape", "view", "unflatten", "squeeze", "unsqueeze", "_unsafe_view")
def _reshape(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    trace.follow(out, trace.reshaped(only(trace, x, "reshapes constants"), tuple(out.shape)))
    return out


@of("repeat", "expand", "expand_as", "tile")
def _repeat(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Once for each timestep: an axis of one becomes the time."""
    value = only(trace, x, "repeats constants")
    if tuple(out.shape) == tuple(x.shape):
        return same(trace, out, x)
    inner = tuple(out.shape[2:])
    for lead, axis in ((("T", "N"), 0), (("N", "T"), 1)):
        sides = [trace.timesteps, trace.samples] if axis == 0 else [trace.samples, trace.timesteps]
        if (not value.node.varies and out.ndim == x.ndim and x.shape[axis] == 1
                and list(out.shape[:2]) == sides and tuple(x.shape[2:]) == inner):
            found = trace.reshaped(replace(value, lead=("N",)), (trace.samples, *inner))
            trace.follow(out, replace(found, lead=lead))
            return out
    raise trace.refusal(f"repeats {tuple(x.shape)} to {tuple(out.shape)}; only a sample can be "
                        "repeated, once for each timestep")


@of("transpose", "permute", "movedim", "swapaxes", "swapdims", "moveaxis")
def _transpose(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Samples and timesteps change places; nothing else may."""
    value = only(trace, x, "transposes constants")
    turned = value.lead[::-1]
    moved = torch.arange(x.numel()).reshape(x.shape).transpose(0, 1)
    if len(value.lead) == 2 and moved.shape == out.shape and moved.stride() == out.stride():
        trace.follow(out, replace(value, lead=turned))
        return out
    raise trace.refusal("moves axes other than those of samples and timesteps; a model file keeps "
                        "channels, rows and columns in their order")


@of("stack")
def _stack(trace: Tracer, out: Any, tensors: Any, dim: int = 0) -> Any:
    """One value of every timestep, in order, becomes a sequence."""
    values = [only(trace, tensor, "stacks constants") for tensor in tensors]
    return _sequence(trace, out, values, dim, "stacks")


@of("cat", "concat", "concatenate")
def _cat(trace: Tracer, out: Any, tensors: Any, dim: int = 0) -> Any:
    """The same of values that have an axis of one for the time already."""
    values = [only(trace, tensor, "concatenates constants") for tensor in tensors]
    if len(values) == 1:
        return same(trace, out, tensors[0])
    sides = {tensor.shape[dim] for tensor in tensors}
    if sides != {1} or dim not in (0, 1) or {value.lead for value in values} != {
            ("1", "N") if dim == 0 else ("N",)}:
        raise trace.refusal("concatenates values of the network; only the values of one layer over "
                            "its timesteps can be, a layer takes the spikes of one other")
    inner = tuple(out.shape[2:])
    alone = [replace(trace.reshaped(value, (trace.samples, *inner)), lead=("N",))
             for value in values]
    return _sequence(trace, out, alone, dim, "concatenates")


def _sequence(trace: Tracer, out: Any, values: list[Value], dim: int, what: str) -> Any:
    """``out`` holds all timesteps, in axis ``dim``; each of ``values`` is one."""
    first = values[0]
    steps = [value.step for value in values]
    wanted = [list(range(trace.timesteps)), [None] * trace.timesteps]
    if (any(value.node is not first.node or value.lead != ("N",) for value in values)
            or steps not in wanted or dim not in (0, 1)):
        raise trace.refusal(f"{what} {len(values)} values, which are not one of each of the "
                            f"{trace.timesteps} timesteps, in order, as first or second axis")
    trace.follow(out, Value(first.node, ("T", "N") if dim == 0 else ("N", "T")))
    return out


@of("__setitem__")
def _setitem(trace: Tracer, out: Any, record: Any, place: Any, given: Any) -> None:
    """A tensor that was made for all timesteps is a sequence once each is written."""
    value = only(trace, given, "writes constants into a value of the network")
    parts = list(place) if isinstance(place, tuple) else [place]
    while len(parts) > 1 and (parts[-1] is Ellipsis or _all_of(parts[-1])):
        parts.pop()
    dim = len(parts) - 1
    if dim > 1 or not isinstance(parts[-1], int) or any(part != slice(None) for part in parts[:-1]):
        raise trace.refusal("writes into a part of a tensor that is no timestep; write record[t], "
                            "or append to a list and torch.stack it")
    written = trace.written.setdefault(id(record), {})
    if parts[-1] in written or not 0 <= parts[-1] < trace.timesteps:
        raise trace.refusal(f"writes timestep {parts[-1] + 1} of {trace.timesteps} a second time, "
                            "or there is none; write each once")
    written[parts[-1]] = value
    if len(written) == trace.timesteps:
        _sequence(trace, record, [written[step] for step in sorted(written)], dim, "writes")
    else:
        trace.leave(record, "reads a tensor into which only some of the timesteps were written")


@of("__getitem__", "select")
def _getitem(trace: Tracer, out: Any, x: Any, place: Any, *more: Any) -> Any:
    value = only(trace, x, "indexes constants")
    if more:  # select(dim, index)
        place = (*[slice(None)] * place, more[0])
    parts = list(place) if isinstance(place, tuple) else [place]
    if all(part is None or part is Ellipsis or _all_of(part) for part in parts):
        return _reshape(trace, out, x)  # None makes an axis of one
    while parts and (parts[-1] is Ellipsis or _all_of(parts[-1])):
        parts.pop()
    axis = value.lead.index("T") if "T" in value.lead else None
    index = parts[-1] if parts else None
    if (axis is None or len(parts) != axis + 1 or not isinstance(index, int)
            or not all(map(_all_of, parts[:-1]))):
        raise trace.refusal("takes a part of a value; only single timesteps can be taken, of axes "
                            f"{value.lead} (N: samples, T: timesteps; samples come first with "
                            'sequence="batch_first")')
    return _at(trace, out, value, index % trace.timesteps)


def _all_of(part: Any) -> bool:
    """Whether an index takes all of an axis."""
    return isinstance(part, slice) and part == slice(None)


def _at(trace: Tracer, out: Any, value: Value, step: int) -> Any:
    lead = tuple(letter for letter in value.lead if letter != "T")
    trace.follow(out, Value(value.node, lead, step if value.node.varies else None))
    return out


@of("unbind", "__iter__")
def _unbind(trace: Tracer, out: Any, x: Any, dim: int = 0) -> Any:
    value = only(trace, x, "takes constants apart")
    if dim >= len(value.lead) or value.lead[dim] != "T":
        raise trace.refusal("takes an axis other than the time apart")
    parts = list(out)
    for step, part in enumerate(parts):
        _at(trace, part, value, step)
    return iter(parts) if not isinstance(out, (tuple, list)) else out


def _over(trace: Tracer, out: Any, x: Any, dim: Any, kind: str) -> Any:
    value = only(trace, x, "reduces constants")
    axes = [dim] if isinstance(dim, int) else list(dim or [])
    if out.ndim == x.ndim:
        raise trace.refusal(f"takes the {kind} over time and keeps the axis; leave keepdim out")
    if axes in ([-1], [x.ndim - 1]) and kind != "max" and len(value.node.shape) == 2:
        return _vote(trace, out, value, kind)
    if len(axes) != 1 or axes[0] % x.ndim >= len(value.lead) or value.lead[axes[0]] != "T":
        raise trace.refusal(f"takes the {kind} over something else than the timesteps (dim {dim}); "
                            "scores are sums, means, maxima or last values over time")
    lead = tuple(letter for letter in value.lead if letter != "T")
    node = trace.graph.make(Over, shape=value.node.shape, varies=False, source=value.node,
                            kind=kind, steps=frozenset(range(trace.timesteps)))
    trace.follow(out, Value(node, lead))
    return out


def _vote(trace: Tracer, out: Any, value: Value, kind: str) -> Any:
    """Of each class the sum or mean of its neurons, which stand side by side: a population."""
    classes, group = value.node.shape
    node = trace.graph.make(Vote, shape=(classes,), varies=value.node.varies, source=value.node,
                            group=group)
    if kind == "sum":
        node = trace.graph.make(Affine, shape=node.shape, varies=node.varies, source=node,
                                scale=np.array(float(group)), shift=np.array(0.0))
    trace.follow(out, replace(value, node=node))
    return out


@of("sum")
def _sum(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    return _over(trace, out, x, dim, "sum")


@of("mean")
def _mean(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    return _over(trace, out, x, dim, "mean")


@of("amax")
def _amax(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return _over(trace, out, x, dim, "max")


@of("max")
def _max(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    if not isinstance(dim, int):
        raise trace.refusal("takes the maximum of everything; only that over time is a score")
    _over(trace, out[0], x, dim, "max")
    return out
