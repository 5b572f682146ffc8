"""Sums and factors: joins of two values, constants, and sums over time made one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from bsnn_hw.convert.axes import LAST
from bsnn_hw.convert.graph import Affine, Gate, Node, Over, Product, Sum
from bsnn_hw.convert.pieces import of_terms
from bsnn_hw.convert.registry import array, followed, of, same
from bsnn_hw.convert.spike_joins import spiking
from bsnn_hw.convert.trace import Tracer, Value


@of("add", "__add__", "__radd__", "add_", "__iadd__")
def _add(trace: Tracer, out: Any, left: Any, right: Any, *, alpha: float = 1) -> Any:
    if alpha != 1:
        raise trace.refusal("adds with an alpha; multiply in a step of its own")
    a, b = trace.value(left), trace.value(right)
    if a is None or b is None:
        return _affine(trace, out, *((right, left) if a is None else (left, right)), 1, +1)
    if a.node is b.node and (a.step, b.step) != (None, None) and a.step != b.step:
        return _partial(trace, out, a, b)
    if isinstance(a.node, Over) and a.node.source is b.node:
        return _partial(trace, out, a, b)
    return _met(trace, out, Sum, a, b)


def _met(trace: Tracer, out: Any, kind: type[Sum | Product], a: Value, b: Value) -> Any:
    """A sum or a product of two values of one shape."""
    step = _step(trace, a, b)
    if a.lead != b.lead or a.node.shape != b.node.shape:
        what = "adds" if kind is Sum else "joins"
        raise trace.refusal(f"{what} {b.node.shape} to {a.node.shape}; both must have one shape")
    node = trace.graph.make(kind, shape=a.node.shape, varies=a.node.varies or b.node.varies,
                            left=a.node, right=b.node)
    trace.follow(out, Value(node, a.lead, step))
    return out


def _step(trace: Tracer, *values: Value) -> int | None:
    """The timestep of values that meet."""
    steps = {value.step for value in values if value.node.varies}
    if len(steps) > 1:
        raise trace.refusal(f"joins values of timesteps {sorted(steps, key=str)}, a recurrent or "
                            "delayed connection; a layer takes what earlier layers give at the "
                            "same timestep")
    return steps.pop() if steps else None


def _partial(trace: Tracer, out: Any, a: Value, b: Value) -> Any:
    """A sum over timesteps that is made one by one."""
    node = a.node if isinstance(a.node, Over) else None
    seen = node.steps if node else frozenset([_known(trace, a)])
    more = frozenset([_known(trace, b)])
    if (node and node.kind != "sum") or seen & more:
        raise trace.refusal("adds a timestep twice, or to a mean; sum each timestep once")
    made = trace.graph.make(Over, shape=b.node.shape, varies=False, source=b.node, kind="sum",
                            steps=seen | more)
    trace.follow(out, Value(made, b.lead))
    return out


def _known(trace: Tracer, value: Value) -> int:
    if value.step is None:
        raise trace.refusal("adds what is the same at each timestep over time; multiply instead")
    return value.step


@of("sub", "__sub__", "sub_", "__isub__")
def _sub(trace: Tracer, out: Any, left: Any, right: Any, *, alpha: float = 1) -> Any:
    if alpha != 1 or trace.value(right) is not None:
        raise trace.refusal("subtracts values of the network; only sums of them can be computed")
    return _affine(trace, out, left, right, 1, -1)


@of("rsub", "__rsub__")
def _rsub(trace: Tracer, out: Any, x: Any, constant: Any, *, alpha: float = 1) -> Any:
    if alpha != 1 or trace.value(x) is None:
        raise trace.refusal("subtracts values of the network; only sums of them can be computed")
    return _affine(trace, out, x, constant, -1, +1)


@of("neg", "negative", "__neg__", "neg_")
def _neg(trace: Tracer, out: Any, x: Any) -> Any:
    return _affine(trace, out, x, 0, -1, 1)


@of("mul", "__mul__", "__rmul__", "mul_", "__imul__")
def _mul(trace: Tracer, out: Any, left: Any, right: Any) -> Any:
    a, b = trace.value(left), trace.value(right)
    if a is not None and b is not None:
        if not (spiking(a.node) and spiking(b.node)):
            raise trace.refusal("multiplies two values of the network that are not both spikes "
                                "(attention, or a mask); one factor must be a constant")
        return _met(trace, out, Product, a, b)
    return _affine(trace, out, *((left, right) if b is None else (right, left)), array, 0)


@of("div", "__truediv__", "true_divide", "div_", "__itruediv__")
def _div(trace: Tracer, out: Any, left: Any, right: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode is not None or trace.value(right) is not None:
        raise trace.refusal("divides by what the network computes, or rounds; only constants can "
                            "divide")
    return _affine(trace, out, left, right, lambda divisor: 1 / array(divisor), 0)


def _affine(trace: Tracer, out: Any, x: Any, constant: Any, scale: Any, sign: int) -> Any:
    """``x * scale + sign * constant``, or ``x * scale(constant)``."""
    value = trace.value(x)
    assert value is not None
    factor = np.array(float(scale)) if isinstance(scale, int) else scale(constant)
    shift = sign * array(constant)
    if np.all(factor == 1) and np.all(shift == 0):
        return same(trace, out, x)
    if value.lead == LAST and max(factor.size, shift.size) > 1:
        raise trace.refusal("has a constant that is no number, for values with the timesteps as "
                            "last axis; take single timesteps first, x[..., t]")
    if out.shape != x.shape:
        raise trace.refusal(f"makes {tuple(out.shape)} of {tuple(x.shape)} by a constant that is "
                            "larger; constants must be numbers or one value per channel or neuron")
    timed = _timed(trace, factor, value)
    if timed is not None and not shift.any():
        node = trace.graph.make(Gate, shape=value.node.shape, varies=True, source=value.node,
                                factors=timed)
        return followed(trace, out, node, value)
    scale, shift = _inner(trace, factor, value), _inner(trace, shift, value)

    def first(term: Node) -> Node:
        made: Node = trace.graph.make(Affine, shape=term.shape, varies=term.varies, source=term,
                                      scale=scale, shift=shift)
        return made

    return followed(trace, out, of_terms(trace, value.node, first, scale), value)


def _timed(trace: Tracer, constant: np.ndarray, value: Value) -> np.ndarray | None:
    """The factors of a constant that has one for each timestep, as SpikingJelly's TEBN; else
    None."""
    if "T" not in value.lead or constant.size != trace.timesteps or trace.timesteps == 1:
        return None
    sides = len(value.lead) + len(value.node.shape)
    own = [1] * (sides - constant.ndim) + list(constant.shape)
    alone = own[value.lead.index("T")] == trace.timesteps
    return constant.reshape(-1) if alone and (constant != constant.flat[0]).any() else None


def _inner(trace: Tracer, constant: np.ndarray, value: Value) -> np.ndarray:
    """A constant without the leading axes, which must not change it."""
    depth = len(value.node.shape)
    leading = constant.shape[:-depth] if depth and constant.ndim > depth else ()
    found = constant.reshape(-1, *constant.shape[len(leading):])
    if (found != found[:1]).any():
        raise trace.refusal("has a constant of its own for each sample or timestep")
    return found[0]
