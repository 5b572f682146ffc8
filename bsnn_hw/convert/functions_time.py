"""Shapes and time: reshaping, one value per timestep, and what is taken over all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bsnn_hw.convert.axes import LAST, Lead, time_axis
from bsnn_hw.convert.functions_channels import beside, cut, spelled_out
from bsnn_hw.convert.graph import Affine, Over, Reshape, Spikes, Vote
from bsnn_hw.convert.registry import of, only, pooled, same
from bsnn_hw.convert.trace import Tracer, Value


@of("flatten", "reshape", "view", "unflatten", "squeeze", "unsqueeze", "_unsafe_view")
def _reshape(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    trace.follow(out, trace.reshaped(only(trace, x, "reshapes constants"), tuple(out.shape)))
    return out


@of("repeat", "expand", "expand_as", "tile")
def _repeat(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Once for each timestep: an axis of one, or a new one in front, becomes the time."""
    value = only(trace, x, "repeats constants")
    if tuple(out.shape) == tuple(x.shape):
        return same(trace, out, x)
    if (value.lead == ("N",) and not value.node.varies
            and tuple(out.shape) == (trace.timesteps, *x.shape)):
        trace.follow(out, replace(value, lead=("T", "N")))
        return out
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


# How the timesteps move from the second axis to where a lead has them.
MOVES: dict[Lead, tuple[int, int]] = {("N", "T"): (1, 1), ("T", "N"): (1, 0), LAST: (1, -1)}


@of("transpose", "permute", "movedim", "swapaxes", "swapdims", "moveaxis")
def _transpose(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Axes of samples and timesteps change places; nothing else may."""
    value = only(trace, x, "transposes constants")
    for lead in MOVES if value.lead in MOVES else ():
        # Samples first, timesteps second, and from there as ``lead`` has them.
        moved = x.movedim(*(MOVES[value.lead][::-1])).movedim(*MOVES[lead])
        if moved.shape == out.shape and moved.stride() == out.stride():
            trace.follow(out, replace(value, lead=lead))
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
    """The same of values that have an axis of one for the time already; else channels of several
    layers, side by side."""
    values = [only(trace, tensor, "concatenates constants") for tensor in tensors]
    if len(values) == 1:
        return same(trace, out, tensors[0])
    sides, last = {tensor.shape[dim] for tensor in tensors}, dim % out.ndim == out.ndim - 1
    if sides != {1} or not (last or dim in (0, 1)) or {value.lead for value in values} != {
            ("1", "N") if dim == 0 else ("N",)} or _apart(trace, values):
        return beside(trace, out, values, dim)
    inner = tuple(out.shape[1:-1]) if last else tuple(out.shape[2:])
    alone = [replace(trace.reshaped(value, (trace.samples, *inner)), lead=("N",))
             for value in values]
    return _sequence(trace, out, alone, dim, "concatenates")


def _apart(trace: Tracer, values: list[Value]) -> bool:
    """Whether values are of several layers, at one timestep."""
    return len({value.node for value in values}) > 1 and len({each.step for each in values}) == 1


def _sequence(trace: Tracer, out: Any, values: list[Value], dim: int, what: str) -> Any:
    """``out`` holds all timesteps, in axis ``dim``; each of ``values`` is one."""
    first = values[0]
    steps = [value.step for value in values]
    wanted = [list(range(trace.timesteps)), [None] * trace.timesteps]
    lead: Lead | None = {0: ("T", "N"), 1: ("N", "T"), out.ndim - 1: LAST}.get(dim % out.ndim)
    if (any(value.node is not first.node or value.lead != ("N",) for value in values)
            or steps not in wanted or lead is None):
        raise trace.refusal(f"{what} {len(values)} values, which are not one of each of the "
                            f"{trace.timesteps} timesteps, in order, as first, second or last axis")
    trace.follow(out, Value(first.node, lead))
    return out


@of("__setitem__")
def _setitem(trace: Tracer, out: Any, record: Any, place: Any, given: Any) -> None:
    """A tensor that was made for all timesteps is a sequence once each is written."""
    value = only(trace, given, "writes constants into a value of the network")
    dim, step = _single(place, record.ndim) or (-1, 0)
    if dim not in (0, 1, record.ndim - 1):
        raise trace.refusal("writes into a part of a tensor that is no timestep; write record[t], "
                            "or append to a list and torch.stack it")
    written = trace.written.setdefault(id(record), {})
    if step in written or not 0 <= step < trace.timesteps:
        raise trace.refusal(f"writes timestep {step + 1} of {trace.timesteps} a second time, "
                            "or there is none; write each once")
    written[step] = value
    if len(written) == trace.timesteps:
        _sequence(trace, record, [written[step] for step in sorted(written)], dim, "writes")
    else:
        trace.leave(record, "reads a tensor into which only some of the timesteps were written")


@of("__getitem__", "select")
def _getitem(trace: Tracer, out: Any, x: Any, place: Any, *more: Any) -> Any:
    value = only(trace, x, "indexes constants")
    if more:  # select(dim, index)
        place = (*[slice(None)] * (place % x.ndim), more[0])
    parts = list(place) if isinstance(place, tuple) else [place]
    if all(part is None or part is Ellipsis or _all_of(part) for part in parts):
        return _reshape(trace, out, x)  # None makes an axis of one
    axis, index = _single(place, x.ndim) or (-1, 0)
    if axis == time_axis(value.lead, x.ndim):
        return _at(trace, out, value, index % trace.timesteps)
    if value.lead in (("T", "N"), ("N", "T")) and trace.timesteps > 1:
        whole, axis = spelled_out(parts, x.ndim), value.lead.index("T")
        if isinstance(whole[axis], slice) and all(map(_all_of, whole[:axis] + whole[axis + 1:])):
            return _alone(trace, out, value, range(trace.timesteps)[whole[axis]])
    return cut(trace, out, value, parts, x.ndim)


def _alone(trace: Tracer, out: Any, value: Value, steps: range) -> Any:
    """A single timestep whose axis is kept."""
    if len(steps) != 1:
        raise trace.refusal(f"takes {len(steps)} timesteps at once; only single ones can be taken")
    lead = tuple("1" if axis == "T" else axis for axis in value.lead)
    trace.follow(out, Value(value.node, lead, steps[0] if value.node.varies else None))
    return out


def _single(place: Any, ndim: int) -> tuple[int, int] | None:
    """The axis of which an index takes one place, and the place; None of any other index."""
    parts = spelled_out(list(place) if isinstance(place, tuple) else [place], ndim)
    found = [(axis, part) for axis, part in enumerate(parts) if not _all_of(part)]
    if len(found) != 1 or not isinstance(found[0][1], (int, np.integer)):
        return None
    return found[0][0], int(found[0][1])


def _all_of(part: Any) -> bool:
    """Whether an index takes all of an axis."""
    return isinstance(part, slice) and part == slice(None)


def _at(trace: Tracer, out: Any, value: Value, step: int) -> Any:
    trace.follow(out, Value(value.node, _timeless(value.lead), step if value.node.varies else None))
    return out


def _timeless(lead: Lead) -> Lead:
    """The axes that are left where that of the timesteps goes."""
    return tuple(axis for axis in lead if axis not in ("T", "..."))


@of("unbind", "__iter__")
def _unbind(trace: Tracer, out: Any, x: Any, dim: int = 0) -> Any:
    value = only(trace, x, "takes constants apart")
    if dim % x.ndim != time_axis(value.lead, x.ndim):
        raise trace.refusal("takes an axis other than the time apart")
    parts = list(out)
    for step, part in enumerate(parts):
        _at(trace, part, value, step)
    return iter(parts) if not isinstance(out, (tuple, list)) else out


def _over(trace: Tracer, out: Any, x: Any, dim: Any, kind: str) -> Any:
    value = only(trace, x, "reduces constants")
    axes = [dim] if isinstance(dim, int) else list(dim or [])
    places = sorted(axis % x.ndim for axis in axes)
    if places == [x.ndim - 2, x.ndim - 1] and len(value.node.shape) == 3 and value.lead != LAST:
        return _over_map(trace, out, value, kind)
    if out.ndim == x.ndim:
        raise trace.refusal(f"takes the {kind} over time and keeps the axis; leave keepdim out")
    timed = len(axes) == 1 and axes[0] % x.ndim == time_axis(value.lead, x.ndim)
    if not timed and axes in ([-1], [x.ndim - 1]) and kind != "max" and len(value.node.shape) == 2:
        return _vote(trace, out, value, kind)
    if not timed:
        raise trace.refusal(f"takes the {kind} over something else than the timesteps (dim {dim}); "
                            "scores are sums, means, maxima or last values over time")
    lead = _timeless(value.lead)
    node = trace.graph.make(Over, shape=value.node.shape, varies=False, source=value.node,
                            kind=kind, steps=frozenset(range(trace.timesteps)))
    trace.follow(out, Value(node, lead))
    return out


def _vote(trace: Tracer, out: Any, value: Value, kind: str) -> Any:
    """Of each class the sum or mean of its neurons, which stand side by side: a population, or the
    places of a channel's map that was flattened."""
    classes, group = value.node.shape
    below = value.node.source if isinstance(value.node, Reshape) else value.node
    signals = isinstance(below, Spikes) or not isinstance(value.node, Reshape)
    if below.shape == (classes, group) and signals:  # of channels, each of some length
        below = trace.shaped(below, (classes, 1, group))
    if len(below.shape) == 3 and below.shape[0] == classes:
        return _over_map(trace, out, replace(value, node=below), kind)
    node = trace.graph.make(Vote, shape=(classes,), varies=value.node.varies, source=value.node,
                            group=group)
    if kind == "sum":
        node = trace.graph.make(Affine, shape=node.shape, varies=node.varies, source=node,
                                scale=np.array(float(group)), shift=np.array(0.0))
    trace.follow(out, replace(value, node=node))
    return out


def _over_map(trace: Tracer, out: Any, value: Value, kind: str) -> Any:
    """Sum, mean or maximum of each channel's map, as adaptive pooling to one place has it."""
    size = value.node.shape[1:]
    node = pooled(trace, value.node, (value.node.shape[0], 1, 1), "avg" if kind == "mean" else kind,
                  size, size)
    trace.follow(out, trace.reshaped(replace(value, node=node), tuple(out.shape)))
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
