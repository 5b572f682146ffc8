"""A NIR file to a document of docs/model.md; what it leaves open is asked for, never assumed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from bsnn_hw.convert.assemble import assemble
from bsnn_hw.convert.document import Entry, document_of
from bsnn_hw.convert.graph import Affine, Graph, Input, Node, Pool, Reshape, Spikes, Sum, Synapse
from bsnn_hw.convert.nir_conventions import conventions, needed, neuron_of
from bsnn_hw.convert.nir_reading import flat, read
from bsnn_hw.convert.scores import scores_of
from bsnn_hw.errors import InputError, ModelError

__all__ = ["nir"]

NEURONS = ("LIF", "IF", "CubaLIF")
REFUSED = {
    "CubaLI": "a second-order integrator without spikes",
    "LI": "an integrator without spikes as a layer of its own",
    "I": "an integrator without spikes as a layer of its own",
    "Threshold": "a threshold without a membrane",
    "Delay": "a delay",
    "Conv1d": "a convolution over one axis; write it as a Conv2d with a kernel of height 1",
}


def nir(source_file: str | os.PathLike | Any, timesteps: int, *, coding: str,
        bits: int | None = None, scale: float | Sequence[float] | None = None,
        offset: float | Sequence[float] = 0.0,
        readout: str | None = None, source: str | None = None, dt: float | None = None,
        decay: str | None = None, reset: str | None = None, comparison: str | None = None,
        norm_input: bool | None = None, spikes: str | None = None,
        synaptic: str | None = None, refractory: bool | None = None, output_node: str | None = None,
        name: str | None = None, classes: Sequence[str] | None = None) -> dict[str, Any]:
    """A document for ``bsnn_hw.model.format.save``.

    Parameters
    ----------
    source_file : path of a ``.nir`` file, or a ``nir.NIRGraph``
    timesteps, coding, bits, scale, offset : as of the other converters; a file has none of them
    readout : "spike_count" of spikes, or "mean", "sum", "last" or "max" of currents
    source : "snntorch", "spikingjelly", "sinabs", "norse" or "lava", whose conventions hold
    dt, decay, reset, comparison, norm_input, spikes, synaptic, refractory : see ``Conventions``; in
        place of ``source``, or of what it does not say
    output_node : which of several output nodes has the scores, by name; what it does not depend on
        is left out

    Raises
    ------
    InputError
        An option is missing, by its name.
    ModelError
        What no model file can say, node by node.
    """
    entry = Entry(timesteps, coding, bits, scale, offset, readout)
    graph, title = read(source_file)
    nodes, edges = _needed(*flat(graph), output_node)
    rules = conventions(source, dt=dt, decay=decay, reset=reset, comparison=comparison,
                        norm_input=norm_input, spikes=spikes, synaptic=synaptic,
                        refractory=refractory)
    problems = [f"node {path!r}: {REFUSED[type(node).__name__]}" for path, node in nodes.items()
                if type(node).__name__ in REFUSED and not _at_once(node)]
    if problems:
        raise ModelError(problems)
    kinds = {type(node).__name__ for node in nodes.values()} & set(NEURONS)
    made, neurons, output = _graph(nodes, edges)
    recurrent = {id(each.module) for each in neurons.values() if each.recurrent is not None}
    if missing := needed(rules, kinds, bool(recurrent)):
        raise InputError(f"{title}: NIR does not say " + ", ".join(f"`{each}`" for each in missing)
                         + f"; give {'it' if len(missing) == 1 else 'them'}"
                         + ("" if source else ", or the framework that wrote the file as `source`"))
    scores = scores_of(output, timesteps, readout)
    assembled = assemble(scores, neurons,
                         lambda node: neuron_of(node, rules, id(node) in recurrent), timesteps)
    return document_of(assembled, entry, made.shape, scores, name or title, classes)


def _needed(nodes: dict[str, Any], edges: list[tuple[str, str]], output: str | None
            ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The nodes that an output depends on, the output and the input among them, and their edges.

    nir itself puts an output behind each node that nothing takes.
    """
    starts = {start for start, _ in edges}
    last = [name for name, node in nodes.items()
            if type(node).__name__ == "Output" and name not in starts]
    if output is None and len(last) != 1:
        raise InputError(f"nodes: must have one output, not {len(last)}" + (
            f"; say `output_node`, one of {', '.join(last)}" if last else ""))
    if output is not None and output not in last:
        raise InputError(f"`output_node`: must be one of {', '.join(last) or 'none'}, not "
                         f"{output!r}")
    found, waiting = set[str](), [output or last[0]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [start for start, end in edges if end == name]
    return ({name: node for name, node in nodes.items() if name in found},
            [edge for edge in edges if edge[0] in found and edge[1] in found])


def _at_once(node: Any) -> bool:
    """Whether a delay is none."""
    return type(node).__name__ == "Delay" and not np.any(node.delay)


def _graph(nodes: dict[str, Any], edges: list[tuple[str, str]]
           ) -> tuple[Input, dict[str, Spikes], Node]:
    """Our graph, its neurons in order, and what the file's output gives."""
    before = {name: [start for start, end in edges if end == name] for name in nodes}
    after = {name: [end for start, end in edges if start == name] for name in nodes}
    first = [name for name, node in nodes.items()
             if type(node).__name__ == "Input" and not before[name]]
    last = next(name for name in nodes if not after[name])
    if len(first) != 1:
        raise InputError(f"nodes: the output must depend on one input, not on {len(first)}"
                         + (f", {', '.join(first)}" if first else ""))
    graph = Graph()
    made: dict[str, Any] = {}
    neurons: dict[str, Spikes] = {}
    back = _recurrences(nodes, before, after)
    for name in _ordered(before):
        if name not in first and not before[name]:
            raise InputError(f"node {name!r}: must get something, and no edge leads to it")
        sources = [made[start] for start in before[name]]
        made[name] = _node(graph, name, nodes[name], sources, back.get(name))
        if isinstance(made[name], Spikes) and type(nodes[name]).__name__ in NEURONS:
            neurons[name] = made[name]
    entry = made[first[0]]
    assert isinstance(entry, Input)
    return entry, neurons, made[last]


def _recurrences(nodes: dict[str, Any], before: dict[str, list[str]],
                 after: dict[str, list[str]]) -> dict[str, Any]:
    """The linear node that brings a neuron's spikes back to it, by the neuron's name; these nodes
    and their edges are taken out of ``before``."""
    found = {}
    for name, node in nodes.items():
        ends = before[name], after[name]
        if type(node).__name__ not in ("Linear", "Affine") or ends[0] != ends[1] or len(
                ends[0]) != 1 or type(nodes[ends[0][0]]).__name__ not in NEURONS:
            continue
        neuron, = ends[0]
        if neuron in found:
            raise InputError(f"node {neuron!r}: must get its own spikes back through one node, and "
                             f"{name!r} is a second one; add their weights")
        found[neuron] = node
        before[neuron] = [start for start in before[neuron] if start != name]
        del before[name]
    return found


def _ordered(before: dict[str, list[str]]) -> list[str]:
    """Names so that each comes behind what it takes; edges come in any order."""
    order: list[str] = []
    while len(order) < len(before):
        ready = [name for name, starts in before.items()
                 if name not in order and all(start in order for start in starts)]
        if not ready:
            rest = [name for name in before if name not in order]
            raise InputError(f"node {rest[0]!r}: must not take what depends on itself, but by one "
                             "Linear or Affine from a neuron back to it; longer ways round, a "
                             "recurrent layer of several neurons, are not supported")
        order += ready
    return order


def _node(graph: Graph, name: str, node: Any, sources: list[Node], back: Any = None) -> Node:
    """Our node of ``node``; ``back`` is the one that brings its spikes back to it, if any."""
    kind = type(node).__name__
    if kind == "Input" and not sources:
        return graph.make(Input, shape=_sides(name, node.input_type["input"]), varies=True)
    source = sources[0]
    for other in sources[1:]:
        if other.shape != source.shape:
            raise InputError(f"node {name!r}: must get values of one shape, not {source.shape} and "
                             f"{other.shape}")
        source = graph.make(Sum, shape=source.shape, varies=True, left=source, right=other)
    if kind not in _NODES:
        known = ", ".join(sorted(_NODES.keys() - REFUSED))
        raise InputError(f"node {name!r}: must be one of {known}, not a {kind}")
    if back is not None:
        return _neuron(graph, name, node, source, back)
    return _NODES[kind](graph, name, node, source)


def _sides(name: str, shape: Any) -> tuple[int, ...]:
    sides = np.atleast_1d(np.asarray(shape))
    if sides.dtype == object or not sides.size or not _whole(sides) or (sides < 1).any():
        raise InputError(f"node {name!r}: must have a shape of whole numbers of 1 or more, not "
                         f"{shape}")
    return tuple(int(side) for side in sides)


def _whole(values: np.ndarray) -> bool:
    return values.dtype.kind in "iu" or (
        values.dtype.kind == "f" and bool((values == np.floor(values)).all()))


def _numbers(name: str, values: Any) -> np.ndarray:
    """Weights, a bias or a scale as float64."""
    found = np.asarray(values)
    if found.dtype.kind not in "biuf":
        raise InputError(f"node {name!r}: must have real numbers, not {found.dtype}")
    return found.astype(float)


def _end(graph: Graph, name: str, node: Any, source: Node) -> Node:
    """What changes nothing: an output, or an end of an inner graph."""
    kind = "output_type" if type(node).__name__ == "Output" else "input_type"
    _check_shape(name, next(iter(getattr(node, kind).values())), source.shape)
    return source


def _check_shape(name: str, written: Any, shape: tuple[int, ...]) -> None:
    """That a node gets what the file says of it, where it says so: the order of what is flattened
    is the same whatever the shape."""
    if written is not None and int(np.prod(_sides(name, written))) != int(np.prod(shape)):
        raise InputError(f"node {name!r}: must get values of the shape {_sides(name, written)} "
                         f"that the file says, not {shape}")


def _check_map(name: str, source: Node) -> None:
    if len(source.shape) != 3:
        raise InputError(f"node {name!r}: must get a map (channels, height, width), not "
                         f"{source.shape}")


def _check_fit(name: str, sides: tuple[int, ...]) -> None:
    if min(sides) < 1:
        raise InputError(f"node {name!r}: must fit the padded map, and gives one of {sides}")


def _linear(graph: Graph, name: str, node: Any, source: Node) -> Node:
    weight = _numbers(name, node.weight)
    if weight.ndim != 2:
        raise InputError(f"node {name!r}: must have weights (neurons, values), not {weight.shape}")
    if source.shape != weight.shape[1:]:
        raise InputError(f"node {name!r}: must get {weight.shape[1]} values in a row, not "
                         f"{source.shape}; flatten in front of it")
    return graph.make(Synapse, shape=weight.shape[:1], varies=True, source=source, path=name,
                      weight=weight, bias=_bias(name, node, len(weight)))


def _bias(name: str, node: Any, channels: int) -> np.ndarray | None:
    """One value for each channel; one for all of them is repeated."""
    if getattr(node, "bias", None) is None:
        return None
    bias = _numbers(name, node.bias)
    if bias.size != 1 and bias.shape != (channels,):
        raise InputError(f"node {name!r}: must have a bias of shape ({channels},), or one value, "
                         f"not {bias.shape}")
    return np.broadcast_to(bias.reshape(-1), (channels,)).copy()


def _conv2d(graph: Graph, name: str, node: Any, source: Node) -> Node:
    weight = _numbers(name, node.weight)
    _check_map(name, source)
    if weight.ndim != 4:
        raise InputError(f"node {name!r}: must have weights (channels out, channels in, height, "
                         f"width), not {weight.shape}")
    if node.input_shape is not None:
        _check_shape(name, (source.shape[0], *np.atleast_1d(node.input_shape)), source.shape)
    stride, dilation = (_pair(name, sides) for sides in (node.stride, node.dilation))
    padding = _padding(name, node.padding, weight.shape[2:], dilation)
    sides = tuple((side + 2 * pad - hole * (across - 1) - 1) // step + 1
                  for side, pad, hole, across, step in
                  zip(source.shape[1:], padding, dilation, weight.shape[2:], stride))
    _check_fit(name, sides)
    return graph.make(Synapse, shape=(weight.shape[0], *sides), varies=True, source=source,
                      path=name, weight=weight, bias=_bias(name, node, len(weight)), stride=stride,
                      padding=padding, dilation=dilation, groups=int(node.groups))


def _padding(name: str, padding: Any, kernel: tuple[int, ...], dilation: tuple[int, int]
             ) -> tuple[int, int]:
    if not isinstance(padding, (str, bytes)):
        return _pair(name, padding, least=0)
    if padding in ("valid", b"valid"):
        return (0, 0)
    sides = [hole * (across - 1) for across, hole in zip(kernel, dilation)]
    if any(side % 2 for side in sides):
        raise InputError(f"node {name!r}: padding must be the same on both sides; 'same' with an "
                         "even kernel is not")
    return (sides[0] // 2, sides[1] // 2)


def _pool(graph: Graph, name: str, node: Any, source: Node) -> Node:
    _check_map(name, source)
    size, stride, padding = (_pair(name, sides, least) for sides, least in (
        (node.kernel_size, 1), (node.stride, 1), (node.padding, 0)))
    sides = tuple((side + 2 * pad - across) // step + 1 for side, pad, across, step in
                  zip(source.shape[1:], padding, size, stride))
    _check_fit(name, sides)
    return graph.make(Pool, shape=(source.shape[0], *sides), varies=True, source=source,
                      kind="sum" if type(node).__name__ == "SumPool2d" else "avg", size=size,
                      stride=stride, padding=padding, ceil=False)


def _flatten(graph: Graph, name: str, node: Any, source: Node) -> Node:
    _check_shape(name, node.input_type["input"], source.shape)
    count = int(np.prod(source.shape))
    shape = (count,) if len(source.shape) > 1 else source.shape
    return graph.make(Reshape, shape=shape, varies=True, source=source)


def _same(graph: Graph, name: str, node: Any, source: Node) -> Node:
    return source


def _scale(graph: Graph, name: str, node: Any, source: Node) -> Node:
    scale = _numbers(name, node.scale)
    if np.shape(node.scale) != source.shape and np.size(node.scale) != 1:
        raise InputError(f"node {name!r}: must scale values of the shape {source.shape} that it "
                         f"gets, or all alike, not {np.shape(node.scale)}")
    return graph.make(Affine, shape=source.shape, varies=True, source=source,
                      scale=scale, shift=np.array(0.0))


def _neuron(graph: Graph, name: str, node: Any, source: Node, back: Any = None) -> Node:
    shape = np.shape(node.v_threshold)
    if shape not in (source.shape, (), (1,), (source.shape[0], *[1] * (len(source.shape) - 1))):
        raise InputError(f"node {name!r}: must have parameters of the shape {source.shape} that it "
                         f"gets, or one for all, not {shape}")
    if back is None:
        return graph.make(Spikes, shape=source.shape, varies=True, source=source, path=name,
                          module=node)
    weight = _numbers(name, back.weight)
    if weight.shape != 2 * source.shape:
        raise InputError(f"node {name!r}: must get its own spikes back through weights of shape "
                         f"{2 * source.shape}, not {weight.shape}; only linear layers do")
    return graph.make(Spikes, shape=source.shape, varies=True, source=source, path=name,
                      module=node, recurrent=weight, bias=_bias(name, back, len(weight)))


def _pair(name: str, sides: Any, least: int = 1) -> tuple[int, int]:
    flat = np.atleast_1d(np.asarray(sides))
    if flat.size not in (1, 2) or not _whole(flat) or (flat < least).any():
        raise InputError(f"node {name!r}: stride, dilation, padding and sizes must be one whole "
                         f"number of {least} or more, or two, not {sides}")
    return (int(flat[0]), int(flat[-1]))


_NODES = {"Affine": _linear, "Linear": _linear, "Conv2d": _conv2d, "SumPool2d": _pool,
          "AvgPool2d": _pool, "Flatten": _flatten, "Scale": _scale, "Input": _end, "Output": _end,
          "Delay": _same,
          **dict.fromkeys(NEURONS, _neuron)}
