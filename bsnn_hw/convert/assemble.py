"""A graph to a document of docs/model.md: each neuron with what it takes becomes a layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.family import NeuronError
from bsnn_hw.convert.graph import (
    Affine,
    Input,
    Membrane,
    Node,
    Norm,
    Pool,
    Reshape,
    Spikes,
    Sum,
    Synapse,
)
from bsnn_hw.convert.kernels import over_average
from bsnn_hw.convert.last_layer import as_linear
from bsnn_hw.convert.readout import hold, readout
from bsnn_hw.convert.scores import Scores
from bsnn_hw.convert.spike_joins import SpikeJoins, each_alone, unweighted
from bsnn_hw.convert.terms import (
    channelled,
    core,
    described,
    gain_of,
    gain_through,
    in_weights,
    is_input,
    own_synapse,
    pooling,
    scaled,
    terms_of,
)
from bsnn_hw.convert.trace import TraceError
from bsnn_hw.convert.weights import MAX_BITS, WeightsError, bits_of, quantised
from bsnn_hw.errors import ModelError
from bsnn_hw.model.names import KEYWORDS

__all__ = ["Assembled", "assemble"]

class Assembled:
    """The layers of a document.

    Members
    -------
    layers : list of dict
    names : dict, from a neuron's module path to its layer's name
    scale, offset, shape : what forward itself does to the input; (1, 1, 1) or (channels, 1, 1)
    """

    def __init__(self) -> None:
        self.layers: list[dict[str, Any]] = []
        self.names: dict[str, str] = {}
        self.scale = np.ones((1, 1, 1))
        self.offset = np.zeros((1, 1, 1))
        self.shape: tuple[int, ...] | None = None


def assemble(scores: Scores, neurons: dict[str, Spikes],
             read: Callable[[Any], dict[str, Any]], timesteps: int) -> Assembled:
    """The layers that the scores need.

    neurons : by module path, in the order of their first calls
    read : from a neuron module to its ``neuron`` in the document; raises NeuronError

    Raises
    ------
    ModelError
        Every problem of every layer.
    """
    last = scores.node
    if isinstance(last, Membrane):
        last = last.source.source
    needed = _reachable(last)
    kept = {path: spikes for path, spikes in neurons.items() if spikes in needed}
    builder = _Builder(Assembled(), [], {}, SpikeJoins(kept.values(), needed))
    for path, spikes in kept.items():
        builder.layer(spikes.source, path, partial(read, spikes.module), spikes,
                      last=spikes is scores.node)
    if not isinstance(scores.node, Spikes):
        builder.layer(last, None, lambda: readout(scores, read), last=True)
        builder.try_last(lambda layer: hold(layer, timesteps))
    builder.join(kept)
    if builder.problems:
        raise ModelError(builder.problems)
    return builder.made


def _reachable(node: Node) -> dict[Node, None]:
    """All nodes that ``node`` needs, each once and always in the same order."""
    found, waiting = dict[Node, None](), [node]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = None
            waiting += node.sources
    return found


def _recurrence(spikes: Spikes) -> dict[str, Any]:
    """The shortcut that brings a layer's own spikes back."""
    assert spikes.recurrent is not None
    try:
        found = quantised(spikes.recurrent)
    except WeightsError as error:
        raise WeightsError(f"what its own spikes come back through: {error}") from error
    written: dict[str, Any] = {"kind": "recurrent", "weight": torch.from_numpy(found.levels)}
    if found.bits > 1:
        written["weight_bits"] = found.bits
    synapse = Synapse(shape=spikes.shape, varies=True, source=spikes, path=spikes.path,
                      weight=spikes.recurrent, bias=spikes.bias)
    return written | scaled(synapse, synapse, found.scale)


class _Builder:
    """The document in the making; ``currents`` are the whole currents of layers so far."""

    def __init__(self, made: Assembled, problems: list[str], currents: dict[Node, str],
                 joins: SpikeJoins) -> None:
        self.made, self.problems, self.currents = made, problems, currents
        self.laid: dict[int, Synapse] = {}  # of weights as they are written, by their id
        self.joins = joins

    def join(self, neurons: dict[str, Spikes]) -> None:
        """Write how the spikes of ``neurons``, by module path, are joined."""
        layers = {layer["name"]: layer for layer in self.made.layers}
        for path, spikes in neurons.items():
            layer = layers.get(self.made.names.get(path, ""))
            if layer is not None:
                self._try(f"module {path!r}", partial(self._join, layer, spikes))

    def _join(self, layer: dict[str, Any], spikes: Spikes) -> None:
        found = self.joins.join(spikes, self.made.names)
        layer.update({"join": found} if found else {})

    def layer(self, current: Node, path: str | None, neuron: Callable[[], dict[str, Any]],
              spikes: Spikes | None = None, *, last: bool = False) -> None:
        """Add the layer whose neurons, of module ``path``, get ``current`` and emit ``spikes``."""
        terms = terms_of(current, lambda node: node in self.currents or self.joins.joins(node))
        own = self._own(terms)
        if own is None and (plain := next(filter(unweighted, terms), None)) is not None:
            own = each_alone(plain)
            terms[terms.index(plain)] = own
        where = f"module {path!r}" if path is not None else "output"
        if own is None:
            if path is not None:
                self.made.names[path] = path  # later layers may still be judged
            self.problems.append(f"{where}: must get the current of a linear layer or a "
                                 f"convolution, not {described(core(terms[0]))}")
            return
        synapse, pool = own_synapse(own)
        assert synapse is not None
        name = self._name(synapse.path, path)
        neurons, where = where, f"module {synapse.path or path or 'output'!r}"
        layer: dict[str, Any] = {"name": name}
        self._try(where, lambda: layer.update(self._synapse(own, "type")))
        self._try(neurons, lambda: layer.update(
            neuron=channelled(neuron(), current.shape)))
        if pool is not None and pool.moves:
            layer["current_pool"] = pooling(pool, single="avg")  # which takes any stride
        terms.remove(own)
        if terms and path is None:
            self.problems.append(f"{where}: adds currents of several layers, or takes spikes of "
                                 "several (torch.cat), and the last layer takes those of one; put "
                                 "a layer with neurons in front of it, or neurons behind it, whose "
                                 "spikes are counted")
        if terms:
            layer["shortcuts"] = [each for each in (self._shortcut(where, term) for term in terms)
                                  if each]
        if last and layer.get("type") == "conv2d":
            self._try(where, lambda: self._as_linear(layer, pool))
        if spikes is not None and spikes.recurrent is not None:
            self._try(neurons, lambda: layer.setdefault("shortcuts", []).append(
                _recurrence(spikes)))
        if path is not None:
            self.made.names[path] = name
        self.currents.setdefault(current, name)
        self.made.layers.append(layer)

    def _as_linear(self, layer: dict[str, Any], pool: Pool | None) -> None:
        """The last layer as a linear one, its further synapses too."""
        more = layer.get("shortcuts", [])
        if all(each["kind"] == "conv2d" for each in more):
            for part in (layer, *more):
                as_linear(part, self.laid[id(part["weight"])], pool if part is layer else None)

    def try_last(self, act: Callable[[dict[str, Any]], None]) -> None:
        """Do something to the last layer."""
        if self.made.layers:
            self._try("output", lambda: act(self.made.layers[-1]))

    def _own(self, terms: list[Node]) -> Node | None:
        """The term that is the layer's own current: a pooled one, as a shortcut cannot be, else
        the first."""
        found = [term for term in terms
                 if own_synapse(term)[0] is not None and term not in self.currents]
        return next((term for term in found if own_synapse(term)[1] is not None),
                    found[0] if found else None)

    def _try(self, where: str, act: Callable[[], Any]) -> None:
        try:
            act()
        except (WeightsError, NeuronError, TraceError) as error:
            self.problems.append(f"{where}: {error}")

    def _name(self, synapse: str, neuron: str | None) -> str:
        """A name from the module's, which stands in files and Verilog."""
        text = re.sub(r"\W+", "_", synapse or neuron or "fc", flags=re.ASCII).strip("_")
        if not text[:1].isalpha():
            text = f"layer_{text}"
        taken = {layer["name"].casefold() for layer in self.made.layers} | KEYWORDS
        name, number = text[:60], 1
        while name.casefold() in taken:
            number += 1
            name = f"{text[:58]}_{number}"
        return name

    def _shortcut(self, where: str, term: Node) -> dict[str, Any] | None:
        if term in self.currents:
            return {"kind": "current", "from": self.currents[term]}
        written: dict[str, Any] = {}
        below = core(term)
        if isinstance(below, Pool) and unweighted(below):
            self._try(where, lambda: written.update(self._synapse(each_alone(term), "kind")))
            written["from"] = written.pop("input", None)
        elif isinstance(below, Synapse):
            self._try(where, lambda: written.update(self._synapse(term, "kind")))
            written["from"] = written.pop("input", None)
        elif isinstance(below, Spikes) or self.joins.joins(below):
            self._try(where, lambda: written.update(
                kind="spikes", **{"from": self.made.names[self.joins.owner(below).path]},
                scale=gain_through(term)))
        else:
            what = ("a second current that is pooled: pool spikes, in front of its weights"
                    if own_synapse(term)[0] is not None else described(below))
            self.problems.append(f"{where}: must join currents or spikes, not {what}")
        return written

    def _synapse(self, term: Node, key: str) -> dict[str, Any]:
        """Weights, what comes into them and what becomes of their sums."""
        synapse, _ = own_synapse(term)
        assert synapse is not None
        found = quantised(synapse.weight)
        fed, gain, laid = self._feed(replace(synapse, weight=found.levels.astype(float)))
        bits = bits_of(laid.weight)
        if bits > MAX_BITS:
            raise WeightsError(f"the windows that are averaged in front of the weights add them up "
                               f"to {np.abs(laid.weight).max():.0f}, and 127 is the most; take "
                               "smaller windows, or have them lie side by side")
        written = {key: "conv2d" if laid.weight.ndim == 4 else "linear",
                   "weight": torch.from_numpy(laid.weight.astype(np.int8)), **fed,
                   **scaled(term, synapse, found.scale * gain)}
        self.laid[id(written["weight"])] = laid
        if bits > 1:
            written["weight_bits"] = bits
        if laid.weight.ndim == 4:
            written |= {"stride": list(laid.stride), "padding": list(laid.padding)}
            written |= {"groups": laid.groups} if laid.groups != 1 else {}
            written |= {"dilation": list(laid.dilation)} if laid.dilation != (1, 1) else {}
        return written

    def _feed(self, synapse: Synapse) -> tuple[dict[str, Any], float, Synapse]:
        """Where the values come from, by what the weights are multiplied for it, and the weights
        with what no pooling of a layer can say."""
        node: Any = synapse.source
        gain, pool = 1.0, None
        inner = node.shape
        while not (isinstance(node, (Spikes, Input)) or self.joins.joins(node)):
            if isinstance(node, Pool) and pool is None and in_weights(node):
                synapse = over_average(synapse, node)
                gain /= 1 if node.kind == "sum" else node.size[0] * node.size[1]
            elif isinstance(node, Pool) and pool is None:
                pool, inner = node, node.source.shape
            elif isinstance(node, Affine) and not is_input(node):
                gain *= gain_of(node)
            elif isinstance(node, (Affine, Norm)) and is_input(node):
                break
            elif isinstance(node, Synapse):
                raise TraceError(f"must take spikes or the input, not currents of module "
                                 f"{node.path!r}: two layers of weights need neurons between them, "
                                 "or are one layer, trained as one")
            elif isinstance(node, Sum):
                raise TraceError("takes a sum of more than spikes; spikes as they are can be added "
                                 "(SEW's ADD), and currents in front of the neuron")
            elif not isinstance(node, Reshape) or (
                    pool and _sides(node.source.shape) != _sides(inner)):
                raise TraceError(f"must take spikes or the input, not {described(node)}")
            node = node.source
        if is_input(node):
            self._input(node, synapse.source.shape if synapse.weight.ndim == 4 else None)
            written: dict[str, Any] = {}
        else:
            written = {"input": self.made.names[self.joins.owner(node).path]}
        if pool and pool.moves:
            written["pool"] = pooling(pool, single="max")  # which takes any stride
        return written, gain, synapse

    def _input(self, node: Any, shape: tuple[int, ...] | None) -> None:
        """What forward does to the input in front of the first layer's weights."""
        scale, offset = np.ones((1, 1, 1)), np.zeros((1, 1, 1))
        while not isinstance(node, Input):
            if not isinstance(node, Reshape):
                # node = a * x + b, and what is above it is scale * node + offset.
                factor, shift = (_by_channel(each, node.shape, shape) for each in _affine(node))
                offset, scale = offset + scale * shift, scale * factor
                if scale.min() <= 0:
                    raise TraceError("scales the input by a number that is not positive")
            node = node.source
        if self.made.layers:
            raise TraceError("takes the network's input, which only the first layer can; make one "
                             "layer of both, whose spikes are split (x.chunk(2, 1)). Its current "
                             "can be added to that of a later layer, as it is and without a factor")
        self.made.scale, self.made.offset, self.made.shape = scale, offset, shape


def _sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Channels, height and width; of a signal the height is 1."""
    return (shape[0], 1, shape[1]) if len(shape) == 2 else shape


def _affine(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Factor and summand of what normalises or scales."""
    if isinstance(node, Norm):
        shape = (-1, *[1] * (len(node.shape) - 1))
        factor = node.gamma / np.sqrt(node.var + node.eps)
        return factor.reshape(shape), (node.beta - node.mean * factor).reshape(shape)
    if not isinstance(node, Affine):
        raise TraceError(f"must take spikes or the input, not {described(node)}")
    return node.scale, node.shift


def _by_channel(constant: np.ndarray, shape: tuple[int, ...],
                map_shape: tuple[int, ...] | None) -> np.ndarray:
    """A number of the input, (1, 1, 1), or one for each channel of its map, (channels, 1, 1).

    shape : of what is scaled; map_shape : of what the first layer takes, None unless it is a
        convolution
    """
    if constant.size == 1:
        return constant.reshape(1, 1, 1)
    if len(shape) == 3 and map_shape is not None and shape[0] == map_shape[0]:
        whole = np.broadcast_to(constant, shape)
        if (whole == whole[:, :1, :1]).all():
            return whole[:, :1, :1]
    raise TraceError("scales the input by something else than a number, or one for each channel "
                     "in front of a convolution")
