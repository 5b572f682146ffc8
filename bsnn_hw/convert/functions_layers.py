"""Layers: products with weights, normalisation, pooling, dropout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bsnn_hw.convert.graph import Node, Norm, Pad, Synapse
from bsnn_hw.convert.kernels import evened
from bsnn_hw.convert.pieces import of_terms, pieces_of, undivided, ungrouped, weighted
from bsnn_hw.convert.registry import array, followed, of, only, pooled, same, under_time
from bsnn_hw.convert.spike_joins import unweighted
from bsnn_hw.convert.trace import Tracer, Value


def _weights(trace: Tracer, *tensors: Any) -> None:
    if any(trace.value(tensor) for tensor in tensors):
        raise trace.refusal("multiplies two values of the network (attention, or weights that "
                            "depend on the sample); weights must be constants")


@of("linear")
def _linear(trace: Tracer, out: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    _weights(trace, weight, bias)
    value = only(trace, x, "multiplies constants")
    if len(value.node.shape) != 1:
        raise trace.refusal(f"applies a linear layer to the last axis of {value.node.shape}; "
                            "flatten in front of it")
    return followed(trace, out, _synapse(trace, value, (weight.shape[0],), weight, bias), value)


def _synapse(trace: Tracer, value: Value, shape: tuple[int, ...], weight: Any, bias: Any,
             **geometry: Any) -> Any:
    def of_each(source: Node, times: int) -> Node:
        whole, shared = array(weight), geometry
        if geometry.get("groups", 1) > 1 and not undivided(pieces_of(trace, source)):
            whole, shared = ungrouped(whole, geometry["groups"]), geometry | {"groups": 1}

        def of_piece(piece: Node, part: np.ndarray, first: bool) -> Node:
            own = array(bias) / times if first and bias is not None else None
            made: Node = trace.graph.make(
                Synapse, shape=shape, varies=piece.varies, source=piece, path=trace.path,
                weight=part, bias=own, **shared)
            return made

        return weighted(trace, source, whole, of_piece)

    return under_time(trace, value.node, ("mean", "sum"), of_each)


@of("matmul", "__matmul__", "mm")
def _matmul(trace: Tracer, out: Any, x: Any, weight: Any) -> Any:
    if trace.value(weight) or weight.ndim != 2:
        _weights(trace, weight)
        raise trace.refusal(f"multiplies by {tuple(weight.shape)}; weights must be a matrix")
    return _linear(trace, out, x, weight.T)


@of("addmm")
def _addmm(trace: Tracer, out: Any, bias: Any, x: Any, weight: Any, *, beta: float = 1,
           alpha: float = 1) -> Any:
    if (beta, alpha) != (1, 1):
        raise trace.refusal("adds with an alpha or a beta; multiply in a step of its own")
    _weights(trace, weight, bias)
    return _linear(trace, out, x, weight.T, bias)


@of("conv2d")
def _conv2d(trace: Tracer, out: Any, x: Any, weight: Any, bias: Any = None, stride: Any = 1,
            padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    _weights(trace, weight, bias)
    value, around = only(trace, x, "convolves constants"), ((0, 0), (0, 0))
    if isinstance(pad := value.node, Pad):
        value, around = replace(value, node=pad.source), pad.sides
    own = _sides(padding, weight.shape[2:], _pair(dilation))
    sides = [(more[0] + side[0], more[1] + side[1]) for more, side in zip(around, own)]
    kernel, dilation, padding = evened(array(weight), sides, value.node.shape[1:], _pair(stride),
                                       _pair(dilation))
    node = _synapse(trace, value, tuple(out.shape[1:]), kernel, bias, stride=_pair(stride),
                    padding=padding, dilation=dilation, groups=int(groups))
    return followed(trace, out, node, value)


@of("conv1d")
def _conv1d(trace: Tracer, out: Any, x: Any, weight: Any, bias: Any = None, stride: Any = 1,
            padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    steps, gaps = (1, _pair(stride)[0]), (1, _pair(dilation)[0])
    around = padding if isinstance(padding, str) else (0, _pair(padding)[0])
    return _of_signals(trace, out, x, lambda line, found: _conv2d(
        trace, found, line, weight.unsqueeze(2), bias, steps, around, gaps, groups))


def _of_signals(trace: Tracer, out: Any, x: Any, act: Callable[[Any, Any], Any]) -> Any:
    """What ``act`` does to maps of a height of 1, which signals are: (..., channels, length)."""
    value = only(trace, x, "takes constants")
    if len(value.node.shape) != 2:
        raise trace.refusal(f"takes {value.node.shape} as signals, which are (channels, length)")
    channels, length = value.node.shape
    line, found = x.unsqueeze(-2), out.unsqueeze(-2)
    trace.follow(line, replace(value, node=trace.shaped(value.node, (channels, 1, length))))
    act(line, found)
    made = only(trace, found, "")
    node = trace.shaped(made.node, (made.node.shape[0], made.node.shape[2]))
    return followed(trace, out, node, made)


def _sides(padding: Any, kernel: Any, dilation: tuple[int, int]) -> list[tuple[int, int]]:
    """Zeros before and after rows, and columns, as torch pads."""
    if padding == "valid":
        return [(0, 0), (0, 0)]
    if padding == "same":  # and one more behind where they are odd
        whole = [step * (side - 1) for side, step in zip(kernel, dilation)]
        return [(more // 2, more - more // 2) for more in whole]
    return [(side, side) for side in _pair(padding)]


@of("batch_norm")
def _batch_norm(trace: Tracer, out: Any, x: Any, mean: Any, var: Any, weight: Any = None,
                bias: Any = None, training: bool = False, momentum: float = 0.1,
                eps: float = 1e-5) -> Any:
    value = only(trace, x, "normalises constants")
    if training or mean is None:
        raise trace.refusal("normalises by the statistics of the batch; only running statistics "
                            "can be computed")
    ones = np.ones(mean.shape)

    gamma, beta = (given if constant is None else array(constant)
                   for constant, given in ((weight, ones), (bias, 0 * ones)))
    factor = gamma / np.sqrt(array(var) + eps)

    def of_each(source: Node, times: int) -> Node:
        def first(term: Node) -> Node:
            made: Node = trace.graph.make(
                Norm, shape=term.shape, varies=term.varies, source=term, gamma=gamma,
                beta=beta / times, mean=array(mean) / times, var=array(var), eps=float(eps))
            return made

        return of_terms(trace, source, first, factor.reshape(-1, *[1] * (len(source.shape) - 1)))

    return followed(trace, out, under_time(trace, value.node, ("mean", "sum"), of_each), value)


def _pair(sides: Any) -> tuple[int, int]:
    sides = tuple(sides) if isinstance(sides, (tuple, list)) else (sides, sides)
    return (int(sides[0]), int(sides[-1]))


@of("pad")
def _pad(trace: Tracer, out: Any, x: Any, pad: Any, mode: str = "constant", value: Any = None
         ) -> Any:
    """Zeros around a map, which are the convolution's that takes it."""
    before = only(trace, x, "pads constants")
    left, right, top, bottom, front, back, *rest = (*(int(side) for side in pad), *[0] * 6)
    if (mode != "constant" or value not in (None, 0) or any(rest) or len(before.node.shape) != 3
            or min(left, right, top, bottom, front, back) < 0):
        raise trace.refusal("pads by something else than zeros around a map; pad so, or have the "
                            "convolution do it")
    if front or back:
        if any((left, right, top, bottom)) or not unweighted(before.node):
            raise trace.refusal("makes more channels of currents, or a wider border too; only "
                                "spikes that pass a block by can have channels of zeros more")
        return _more_channels(trace, out, before, front, back)
    inner: Any = before.node
    if isinstance(inner, Pad):
        (more_top, more_bottom), (more_left, more_right) = inner.sides
        top, bottom, left, right = (top + more_top, bottom + more_bottom, left + more_left,
                                    right + more_right)
        inner = inner.source
    node = trace.graph.make(Pad, shape=tuple(out.shape[len(before.lead):]),
                            varies=before.node.varies, source=inner,
                            sides=((top, bottom), (left, right)))
    return followed(trace, out, node, before)


def _more_channels(trace: Tracer, out: Any, value: Value, front: int, back: int) -> Any:
    """Channels of zeros before and behind those of spikes, as ResNet's shortcuts without weights
    have them: a weight of 1 for each that there was."""
    channels = value.node.shape[0]
    weight = np.eye(front + channels + back, channels, -front)[..., None, None]
    node = trace.graph.make(Synapse, shape=(len(weight), *value.node.shape[1:]), bias=None,
                            varies=value.node.varies, source=value.node, path=trace.path,
                            weight=weight)
    return followed(trace, out, node, value)


def _pooled(trace: Tracer, out: Any, x: Any, kind: str, size: Any, stride: Any = None,
            padding: Any = 0, ceil: bool = False) -> Any:
    value = only(trace, x, "pools constants")
    size, padding = _pair(size), _pair(padding)
    stride = _pair(size if stride is None or stride == [] else stride)
    inside = tuple((side + 2 * more - across) // step + 1 for side, more, across, step in
                   zip(x.shape[-2:], padding, size, stride))
    node = pooled(trace, value.node, tuple(out.shape[len(value.lead):]), kind, size, stride,
                  padding, ceil=bool(ceil) and tuple(out.shape[-2:]) != inside)
    return followed(trace, out, node, value)


@of("max_pool2d", "_max_pool2d")
def _max_pool2d(trace: Tracer, out: Any, x: Any, kernel_size: Any, stride: Any = None,
                padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
                return_indices: bool = False) -> Any:
    if _pair(dilation) != (1, 1) or return_indices:
        raise trace.refusal("pools with holes or for indices; windows have none")
    return _pooled(trace, out, x, "max", kernel_size, stride, padding, ceil_mode)


@of("avg_pool2d")
def _avg_pool2d(trace: Tracer, out: Any, x: Any, kernel_size: Any, stride: Any = None,
                padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True,
                divisor_override: int | None = None) -> Any:
    height, width = _pair(kernel_size)
    if divisor_override not in (None, 1, height * width):
        raise trace.refusal(f"divides windows by {divisor_override}; an average divides by their "
                            "places, a sum by 1")
    if not count_include_pad and any(_pair(padding)):
        raise trace.refusal("divides windows at the border by fewer places than others "
                            "(count_include_pad=False); count zeros too, or pad nothing")
    kind = "sum" if divisor_override == 1 and height * width > 1 else "avg"
    return _pooled(trace, out, x, kind, kernel_size, stride, padding, ceil_mode)


@of("max_pool1d")
def _max_pool1d(trace: Tracer, out: Any, x: Any, kernel_size: Any, stride: Any = None,
                padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
                return_indices: bool = False) -> Any:
    size, step, more = _in_line(kernel_size, stride, padding)
    return _of_signals(trace, out, x, lambda line, found: _max_pool2d(
        trace, found, line, size, step, more, dilation, ceil_mode, return_indices))


@of("avg_pool1d")
def _avg_pool1d(trace: Tracer, out: Any, x: Any, kernel_size: Any, stride: Any = None,
                padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True) -> Any:
    size, step, more = _in_line(kernel_size, stride, padding)
    return _of_signals(trace, out, x, lambda line, found: _avg_pool2d(
        trace, found, line, size, step, more, ceil_mode, count_include_pad))


def _in_line(size: Any, stride: Any, padding: Any) -> tuple[Any, Any, Any]:
    """Of windows of signals those of maps of a height of 1."""
    step = size if stride is None or stride == [] else stride
    return (1, _pair(size)[0]), (1, _pair(step)[0]), (0, _pair(padding)[0])


@of("adaptive_avg_pool1d")
def _adaptive_avg_pool1d(trace: Tracer, out: Any, x: Any, output_size: Any) -> Any:
    return _of_signals(trace, out, x, lambda line, found: _adapted(trace, found, line, "avg"))


@of("adaptive_max_pool1d", "_adaptive_max_pool1d")
def _adaptive_max_pool1d(trace: Tracer, out: Any, x: Any, output_size: Any,
                         return_indices: bool = False) -> Any:
    return _of_signals(trace, out, x, lambda line, found: _adapted(trace, found, line, "max"))


@of("adaptive_avg_pool2d")
def _adaptive_avg_pool2d(trace: Tracer, out: Any, x: Any, output_size: Any) -> Any:
    return _adapted(trace, out, x, "avg")


@of("adaptive_max_pool2d", "_adaptive_max_pool2d")
def _adaptive_max_pool2d(trace: Tracer, out: Any, x: Any, output_size: Any,
                         return_indices: bool = False) -> Any:
    return _adapted(trace, out, x, "max")


def _adapted(trace: Tracer, out: Any, x: Any, kind: str) -> Any:
    sides, wanted = x.shape[-2:], out.shape[-2:]
    if any(side % want for side, want in zip(sides, wanted)):
        raise trace.refusal(f"pools {tuple(sides)} to {tuple(wanted)}, by windows of several "
                            "sizes; choose an output that divides the map")
    return _pooled(trace, out, x, kind, [side // want for side, want in zip(sides, wanted)])


@of("lp_pool2d")
def _lp_pool2d(trace: Tracer, out: Any, x: Any, norm_type: float, kernel_size: Any,
               stride: Any = None, ceil_mode: bool = False) -> Any:
    if norm_type != 1:
        raise trace.refusal(f"pools by the norm {norm_type}; only sums (1) can be computed")
    return _pooled(trace, out, x, "sum", kernel_size, stride, 0, ceil_mode)


@of("dropout", "dropout2d", "feature_dropout", "alpha_dropout", "dropout_")
def _dropout(trace: Tracer, out: Any, x: Any, p: float = 0.5, training: bool = True,
             inplace: bool = False) -> Any:
    if training:
        raise trace.refusal("drops values at random; call .eval() on the module, or drop in "
                            "training only")
    return same(trace, out, x)
