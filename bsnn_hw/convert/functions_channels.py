"""Channels of several layers side by side, and some of a layer's channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bsnn_hw.convert.axes import LAST
from bsnn_hw.convert.graph import Cat
from bsnn_hw.convert.pieces import part_of
from bsnn_hw.convert.registry import followed, of, only, pooled
from bsnn_hw.convert.trace import Tracer, Value

__all__ = ["beside", "cut", "spelled_out"]


def beside(trace: Tracer, out: Any, values: list[Value], dim: int) -> Any:
    """``out`` holds ``values`` side by side."""
    first = values[0]
    steps = {value.step for value in values if value.node.varies}
    if len(steps) > 1:
        raise trace.refusal(f"concatenates {len(values)} values, which are not one of each of the "
                            f"{trace.timesteps} timesteps, in order, nor of one timestep")
    if (dim % out.ndim != len(first.lead) or {value.lead for value in values} != {first.lead}
            or len({value.node.shape[1:] for value in values}) > 1):
        raise trace.refusal("concatenates values along another axis than timesteps or channels")
    node = trace.graph.make(
        Cat, shape=tuple(out.shape[len(first.lead):]),
        varies=any(value.node.varies for value in values),
        parts=tuple(value.node for value in values))
    trace.follow(out, Value(node, first.lead, steps.pop() if steps else None))
    return out


def spelled_out(parts: list[Any], ndim: int) -> list[Any]:
    """An index of all axes, whose dots are slices."""
    dots = [number for number, part in enumerate(parts) if part is Ellipsis]
    rest = [slice(None)] * (ndim - len(parts) + len(dots[:1]))
    return [*parts[:dots[0]], *rest, *parts[dots[0] + 1:]] if dots else [*parts, *rest]


def cut(trace: Tracer, out: Any, value: Value, parts: list[Any], ndim: int) -> Any:
    """Channels that an index takes, those that lie side by side."""
    axis, whole = len(value.lead), spelled_out(parts, ndim)
    found = [number for number, part in enumerate(whole) if part != slice(None)]
    if (steps := _skipped(value, whole)) is not None:
        shape = tuple(out.shape[axis:])
        return followed(trace, out, pooled(trace, value.node, shape, "max", (1, 1), steps), value)
    if value.lead == LAST or found != [axis] or not isinstance(whole[axis], slice):
        raise trace.refusal("takes a part of a value; only single timesteps can be taken, and "
                            f"channels that lie side by side, of axes {value.lead} (N: samples, T: "
                            'timesteps; samples come first with sequence="batch_first", timesteps '
                            'last with sequence="time_last")')
    start, stop, step = whole[axis].indices(value.node.shape[0])
    if step != 1 or stop <= start:
        raise trace.refusal("takes channels that do not lie side by side")
    return followed(trace, out, part_of(trace, value.node, start, stop - start), value)


def _skipped(value: Value, whole: list[Any]) -> tuple[int, int] | None:
    """The steps of an index that takes some rows and columns of a map, from the first on; None of
    any other."""
    axis = len(value.lead)
    if value.lead == LAST or len(value.node.shape) != 3:
        return None
    places = whole[axis + 1:]
    if any(part != slice(None) for part in whole[:axis + 1]) or not all(
            isinstance(part, slice) and part.start in (None, 0) and part.stop is None
            and (part.step is None or part.step > 0) for part in places):
        return None
    rows, columns = places
    return rows.step or 1, columns.step or 1


@of("chunk", "split", "tensor_split", "split_with_sizes")
def _split(trace: Tracer, out: Any, x: Any, *_: Any, dim: int | None = None, **__: Any) -> Any:
    """Parts along the axis in which they are smaller."""
    value, axis = only(trace, x, "takes constants apart"), len(only(trace, x, "").lead)
    start = 0
    for part in out:
        if value.lead == LAST or part.shape[:axis] != x.shape[:axis] or (
                part.shape[axis + 1:] != x.shape[axis + 1:]):
            raise trace.refusal("splits an axis other than the channels'")
        node = part_of(trace, value.node, start, part.shape[axis])
        trace.follow(part, replace(value, node=node))
        start += part.shape[axis]
    return out


@of("narrow")
def _narrow(trace: Tracer, out: Any, x: Any, dim: int, start: int, length: int) -> Any:
    value = only(trace, x, "takes a part of constants")
    place = [slice(None)] * x.ndim
    place[dim] = slice(start, start + length)
    return cut(trace, out, value, place, x.ndim)
