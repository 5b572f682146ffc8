"""What torch's functions do to traced values, by the function's name.

Each is called with the tracer, what the function gave, and its arguments, and returns what it
gave; a function that is not here is refused with its line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.graph import Affine, Norm, Over, Pool, Sum, Synapse
from bsnn_hw.convert.trace import Tracer, Value

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _of(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def _array(tensor: Any) -> np.ndarray:
    """A constant in float64; Brevitas' quantised tensors have it in ``value``."""
    tensor = tensor.value if isinstance(tensor, tuple) and hasattr(tensor, "value") else tensor
    return np.array(torch.as_tensor(tensor).detach().cpu().double().numpy())


def _followed(trace: Tracer, out: Any, node: Any, like: Value) -> Any:
    trace.follow(out, replace(like, node=node))
    return out


def _only(trace: Tracer, value: Any, what: str) -> Value:
    """The traced value of a tensor; ``what`` says what a constant would be."""
    found = trace.value(value)
    if found is None:
        raise trace.refusal(f"{what}, which is not followed")
    return found


def _weights(trace: Tracer, *tensors: Any) -> None:
    if any(trace.value(tensor) for tensor in tensors):
        raise trace.refusal("multiplies two values of the network (attention, or weights that "
                            "depend on the sample); weights must be constants")


@_of("linear")
def _linear(trace: Tracer, out: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    _weights(trace, weight, bias)
    value = _only(trace, x, "multiplies constants")
    if len(value.node.shape) != 1:
        raise trace.refusal(f"applies a linear layer to the last axis of {value.node.shape}; "
                            "flatten in front of it")
    return _followed(trace, out, _synapse(trace, value, (weight.shape[0],), weight, bias), value)


def _synapse(trace: Tracer, value: Value, shape: tuple[int, ...], weight: Any, bias: Any,
             **geometry: Any) -> Any:
    return trace.graph.make(
        Synapse, shape=shape, varies=value.node.varies, source=value.node, path=trace.path,
        weight=_array(weight), bias=None if bias is None else _array(bias), **geometry)


@_of("matmul", "__matmul__", "mm")
def _matmul(trace: Tracer, out: Any, x: Any, weight: Any) -> Any:
    if trace.value(weight) or weight.ndim != 2:
        _weights(trace, weight)
        raise trace.refusal(f"multiplies by {tuple(weight.shape)}; weights must be a matrix")
    return _linear(trace, out, x, weight.T)


@_of("conv2d")
def _conv2d(trace: Tracer, out: Any, x: Any, weight: Any, bias: Any = None, stride: Any = 1,
            padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    _weights(trace, weight, bias)
    value = _only(trace, x, "convolves constants")
    if isinstance(padding, str):
        sides = [0 if padding == "valid" else step * (side - 1) / 2
                 for side, step in zip(weight.shape[2:], _pair(dilation))]
        if any(side % 1 for side in sides):
            raise trace.refusal("pads one side more than the other ('same' and an even kernel); "
                                "pad by numbers")
        padding = tuple(int(side) for side in sides)
    node = _synapse(trace, value, tuple(out.shape[1:]), weight, bias, stride=_pair(stride),
                    padding=_pair(padding), dilation=_pair(dilation), groups=int(groups))
    return _followed(trace, out, node, value)


@_of("batch_norm")
def _batch_norm(trace: Tracer, out: Any, x: Any, mean: Any, var: Any, weight: Any = None,
                bias: Any = None, training: bool = False, momentum: float = 0.1,
                eps: float = 1e-5) -> Any:
    value = _only(trace, x, "normalises constants")
    if training or mean is None:
        raise trace.refusal("normalises by the statistics of the batch; only running statistics "
                            "can be computed")
    ones = np.ones(mean.shape)
    node = trace.graph.make(
        Norm, shape=value.node.shape, varies=value.node.varies, source=value.node,
        gamma=ones if weight is None else _array(weight),
        beta=0 * ones if bias is None else _array(bias), mean=_array(mean), var=_array(var),
        eps=float(eps))
    return _followed(trace, out, node, value)


def _pair(sides: Any) -> tuple[int, int]:
    sides = tuple(sides) if isinstance(sides, (tuple, list)) else (sides, sides)
    return (int(sides[0]), int(sides[-1]))


def _pooled(trace: Tracer, out: Any, x: Any, kind: str, size: Any, stride: Any = None,
            padding: Any = 0, ceil: bool = False) -> Any:
    value = _only(trace, x, "pools constants")
    node = trace.graph.make(
        Pool, shape=tuple(out.shape[len(value.lead):]), varies=value.node.varies,
        source=value.node, kind=kind, size=_pair(size),
        stride=_pair(size if stride is None or stride == [] else stride), padding=_pair(padding),
        ceil=bool(ceil))
    return _followed(trace, out, node, value)


@_of("max_pool2d", "_max_pool2d")
def _max_pool2d(trace: Tracer, out: Any, x: Any, kernel_size: Any, stride: Any = None,
                padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
                return_indices: bool = False) -> Any:
    if _pair(dilation) != (1, 1) or return_indices:
        raise trace.refusal("pools with holes or for indices; windows have none")
    return _pooled(trace, out, x, "max", kernel_size, stride, padding, ceil_mode)


@_of("avg_pool2d")
def _avg_pool2d(trace: Tracer, out: Any, x: Any, kernel_size: Any, stride: Any = None,
                padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True,
                divisor_override: int | None = None) -> Any:
    height, width = _pair(kernel_size)
    if divisor_override not in (None, 1, height * width):
        raise trace.refusal(f"divides windows by {divisor_override}; an average divides by their "
                            "places, a sum by 1")
    kind = "sum" if divisor_override == 1 and height * width > 1 else "avg"
    return _pooled(trace, out, x, kind, kernel_size, stride, padding, ceil_mode)


@_of("adaptive_avg_pool2d")
def _adaptive_avg_pool2d(trace: Tracer, out: Any, x: Any, output_size: Any) -> Any:
    sides, wanted = x.shape[-2:], out.shape[-2:]
    if any(side % want for side, want in zip(sides, wanted)):
        raise trace.refusal(f"averages {tuple(sides)} to {tuple(wanted)}, by windows of several "
                            "sizes; choose an output that divides the map")
    return _pooled(trace, out, x, "avg", [side // want for side, want in zip(sides, wanted)])


@_of("lp_pool2d")
def _lp_pool2d(trace: Tracer, out: Any, x: Any, norm_type: float, kernel_size: Any,
               stride: Any = None, ceil_mode: bool = False) -> Any:
    if norm_type != 1:
        raise trace.refusal(f"pools by the norm {norm_type}; only sums (1) can be computed")
    return _pooled(trace, out, x, "sum", kernel_size, stride, 0, ceil_mode)


@_of("dropout", "dropout2d", "feature_dropout", "alpha_dropout", "dropout_")
def _dropout(trace: Tracer, out: Any, x: Any, p: float = 0.5, training: bool = True,
             inplace: bool = False) -> Any:
    if training:
        raise trace.refusal("drops values at random; call .eval() on the module, or drop in "
                            "training only")
    return _same(trace, out, x)


@_of("clone", "detach", "detach_", "contiguous", "to", "float", "double", "requires_grad_",
     "data", "cpu", "type_as", "_to_copy")
def _same(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """The same values."""
    value = trace.value(x)
    if value is not None:
        trace.follow(out, value)
    return out


@_of("flatten", "reshape", "view", "unflatten", "squeeze", "unsqueeze", "_unsafe_view")
def _reshape(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    trace.follow(out, trace.reshaped(_only(trace, x, "reshapes constants"), tuple(out.shape)))
    return out


@_of("repeat", "expand", "expand_as", "tile")
def _repeat(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Once for each timestep: an axis of one becomes the time."""
    value = _only(trace, x, "repeats constants")
    if tuple(out.shape) == tuple(x.shape):
        return _same(trace, out, x)
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


@_of("transpose", "permute", "movedim", "swapaxes", "swapdims", "moveaxis")
def _transpose(trace: Tracer, out: Any, x: Any, *_: Any, **__: Any) -> Any:
    """Samples and timesteps change places; nothing else may."""
    value = _only(trace, x, "transposes constants")
    turned = value.lead[::-1]
    moved = torch.arange(x.numel()).reshape(x.shape).transpose(0, 1)
    if len(value.lead) == 2 and moved.shape == out.shape and moved.stride() == out.stride():
        trace.follow(out, replace(value, lead=turned))
        return out
    raise trace.refusal("moves axes other than those of samples and timesteps; a model file keeps "
                        "channels, rows and columns in their order")


@_of("add", "__add__", "__radd__", "add_", "__iadd__")
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
    step = _step(trace, a, b)
    if a.lead != b.lead or a.node.shape != b.node.shape:
        raise trace.refusal(f"adds {b.node.shape} to {a.node.shape}; both must have one shape")
    node = trace.graph.make(Sum, shape=a.node.shape, varies=a.node.varies or b.node.varies,
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


@_of("sub", "__sub__", "sub_", "__isub__")
def _sub(trace: Tracer, out: Any, left: Any, right: Any, *, alpha: float = 1) -> Any:
    if alpha != 1 or trace.value(right) is not None:
        raise trace.refusal("subtracts values of the network; only sums of them can be computed")
    return _affine(trace, out, left, right, 1, -1)


@_of("mul", "__mul__", "__rmul__", "mul_", "__imul__")
def _mul(trace: Tracer, out: Any, left: Any, right: Any) -> Any:
    a, b = trace.value(left), trace.value(right)
    if a is not None and b is not None:
        raise trace.refusal("multiplies two values of the network (attention, a mask, or spikes "
                            "joined by AND); one factor must be a constant")
    return _affine(trace, out, *((left, right) if b is None else (right, left)), _array, 0)


@_of("div", "__truediv__", "true_divide", "div_", "__itruediv__")
def _div(trace: Tracer, out: Any, left: Any, right: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode is not None or trace.value(right) is not None:
        raise trace.refusal("divides by what the network computes, or rounds; only constants can "
                            "divide")
    return _affine(trace, out, left, right, lambda divisor: 1 / _array(divisor), 0)


def _affine(trace: Tracer, out: Any, x: Any, constant: Any, scale: Any, sign: int) -> Any:
    """``x * scale + sign * constant``, or ``x * scale(constant)``."""
    value = trace.value(x)
    assert value is not None
    factor = np.array(float(scale)) if isinstance(scale, int) else scale(constant)
    shift = sign * _array(constant)
    if np.all(factor == 1) and np.all(shift == 0):
        return _same(trace, out, x)
    if out.shape != x.shape:
        raise trace.refusal(f"makes {tuple(out.shape)} of {tuple(x.shape)} by a constant that is "
                            "larger; constants must be numbers or one value per channel or neuron")
    node = trace.graph.make(
        Affine, shape=value.node.shape, varies=value.node.varies, source=value.node,
        scale=_inner(trace, factor, value), shift=_inner(trace, shift, value))
    return _followed(trace, out, node, value)


def _inner(trace: Tracer, constant: np.ndarray, value: Value) -> np.ndarray:
    """A constant without the leading axes, which must not change it."""
    depth = len(value.node.shape)
    leading = constant.shape[:-depth] if depth and constant.ndim > depth else ()
    if any(side != 1 for side in leading):
        raise trace.refusal("has a constant of its own for each sample or timestep")
    return constant.reshape(constant.shape[len(leading):])


@_of("stack")
def _stack(trace: Tracer, out: Any, tensors: Any, dim: int = 0) -> Any:
    """One value of every timestep, in order, becomes a sequence."""
    values = [_only(trace, tensor, "stacks constants") for tensor in tensors]
    first = values[0]
    steps = [value.step for value in values]
    wanted = [list(range(trace.timesteps)), [None] * trace.timesteps]
    if (any(value.node is not first.node or value.lead != ("N",) for value in values)
            or steps not in wanted or dim not in (0, 1)):
        raise trace.refusal(f"stacks {len(values)} values, which are not one of each of the "
                            f"{trace.timesteps} timesteps, in order, as first or second axis")
    lead = ("T", "N") if dim == 0 else ("N", "T")
    trace.follow(out, Value(first.node, lead))
    return out


@_of("__getitem__", "select")
def _getitem(trace: Tracer, out: Any, x: Any, place: Any, *more: Any) -> Any:
    value = _only(trace, x, "indexes constants")
    if more:  # select(dim, index)
        place = (*[slice(None)] * place, more[0])
    parts = place if isinstance(place, tuple) else (place,)
    axis = value.lead.index("T") if "T" in value.lead else None
    index = parts[-1]
    if (axis is None or len(parts) != axis + 1 or not isinstance(index, int)
            or any(part != slice(None) for part in parts[:-1])):
        raise trace.refusal("takes a part of a value; only single timesteps can be taken")
    return _at(trace, out, value, index % trace.timesteps)


def _at(trace: Tracer, out: Any, value: Value, step: int) -> Any:
    lead = tuple(letter for letter in value.lead if letter != "T")
    trace.follow(out, Value(value.node, lead, step if value.node.varies else None))
    return out


@_of("unbind", "__iter__")
def _unbind(trace: Tracer, out: Any, x: Any, dim: int = 0) -> Any:
    value = _only(trace, x, "takes constants apart")
    if dim >= len(value.lead) or value.lead[dim] != "T":
        raise trace.refusal("takes an axis other than the time apart")
    parts = list(out)
    for step, part in enumerate(parts):
        _at(trace, part, value, step)
    return iter(parts) if not isinstance(out, (tuple, list)) else out


def _over(trace: Tracer, out: Any, x: Any, dim: Any, kind: str) -> Any:
    value = _only(trace, x, "reduces constants")
    axes = [dim] if isinstance(dim, int) else list(dim or [])
    if out.ndim == x.ndim:
        raise trace.refusal(f"takes the {kind} over time and keeps the axis; leave keepdim out")
    if len(axes) != 1 or axes[0] % x.ndim >= len(value.lead) or value.lead[axes[0]] != "T":
        raise trace.refusal(f"takes the {kind} over something else than the timesteps (dim {dim}); "
                            "scores are sums, means, maxima or last values over time")
    lead = tuple(letter for letter in value.lead if letter != "T")
    node = trace.graph.make(Over, shape=value.node.shape, varies=False, source=value.node,
                            kind=kind, steps=frozenset(range(trace.timesteps)))
    trace.follow(out, Value(node, lead))
    return out


@_of("sum")
def _sum(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    return _over(trace, out, x, dim, "sum")


@_of("mean")
def _mean(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    return _over(trace, out, x, dim, "mean")


@_of("amax")
def _amax(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return _over(trace, out, x, dim, "max")


@_of("max")
def _max(trace: Tracer, out: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    if not isinstance(dim, int):
        raise trace.refusal("takes the maximum of everything; only that over time is a score")
    _over(trace, out[0], x, dim, "max")
    return out

