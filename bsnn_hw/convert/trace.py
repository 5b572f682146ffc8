"""A module's own forward, run once on real tensors; what it does with them becomes a graph.

Python's control flow over constants (a loop over timesteps) simply runs.  Where a value of the
network would decide (``if spikes.sum() > 0``), or a function has no counterpart, the line is named.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from bsnn_hw.convert.axes import LAST, Lead, inner_of, lead_of, sides
from bsnn_hw.convert.graph import Graph, Input, Node, Over, Reshape, Spikes, Sum
from bsnn_hw.errors import InputError

__all__ = ["InDouble", "TraceError", "Tracer", "Value", "in_double", "place_of",
           "plain"]

# Properties and methods that say what a tensor is and not what it holds.
ASIDE = {"shape", "dtype", "device", "ndim", "is_sparse", "is_cuda", "requires_grad", "layout",
         "grad_fn", "is_leaf", "is_quantized", "is_meta", "names", "grad", "is_nested", "is_cpu",
         "is_mkldnn", "is_mps", "is_xpu", "is_complex", "is_floating_point", "size", "dim",
         "numel", "nelement", "__len__", "stride", "is_contiguous", "get_device", "type",
         "_is_view", "__hash__", "ndimension", "element_size", "has_names",
         "zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full",
         "new_empty"}
# What hands a value to Python, which may then decide by it.
READS = {"__bool__", "__int__", "__float__", "__index__", "item", "tolist", "numpy", "__array__",
         "__contains__", "equal", "allclose", "nonzero", "is_nonzero", "__repr__", "__format__"}


PRODUCTS = {"linear", "bilinear", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "matmul",
            "__matmul__", "mm", "bmm", "addmm", "baddbmm", "einsum", "tensordot"}
# NumPy's words, which torch takes too.
WORDS = {"axis": "dim", "keepdims": "keepdim"}
CASTS = {"float", "to", "type", "half", "bfloat16", "type_as"}


class TraceError(InputError):
    """The network does something that no model file can say."""


@dataclass(frozen=True)
class Value:
    """What a traced tensor holds.

    lead : its axes of samples and timesteps (axes.py); the rest is ``node.shape``
    step : int, its timestep; None where all are in it, or where it is the same at each
    """

    node: Node
    lead: Lead
    step: int | None = None


class Tracer(TorchFunctionMode):
    """Follows tensors through the functions that a module calls.

    Parameters
    ----------
    samples, timesteps : int; ``samples`` is neither 1 nor ``timesteps``, so that axes are told
        apart, except where a module has a fixed batch
    root : the module, for the names of its parts

    Members
    -------
    graph : Graph; path : str, the part that runs now, "" for the module itself
    calls : dict, timesteps that each neuron module was called for, by path
    neurons : dict, its spikes
    leads : dict, the leading axes of what each neuron module gives in a call
    levels : float64, all values that the network's input can have, the smallest first
    written : dict, what was written into a tensor, by its id and the timestep
    """

    def __init__(self, root: torch.nn.Module, samples: int, timesteps: int) -> None:
        super().__init__()
        self.samples, self.timesteps = samples, timesteps
        self.graph = Graph()
        self.path = ""
        self.calls: dict[str, int] = {}
        self.neurons: dict[str, Spikes] = {}
        self.leads: dict[str, Lead] = {}
        self.levels = np.array([0.0, 1.0])
        self.written: dict[int, dict[int, Value]] = {}
        self._root = root
        self._values: dict[int, tuple[torch.Tensor, Value | TraceError]] = {}
        self._leaf = 0
        self._states: dict[str, list[torch.Tensor]] = {}

    def enter(self, tensor: torch.Tensor, shape: tuple[int, ...], lead: Lead, varies: bool) -> None:
        """Follow ``tensor`` as the network's input."""
        node = self.graph.make(Input, shape=shape, varies=varies)
        step = 0 if varies and not any("T" in axis for axis in lead) else None
        self.follow(tensor, Value(node, lead, step))

    def follow(self, tensor: torch.Tensor, value: Value) -> None:
        """``tensor`` holds ``value`` from now on."""
        if self.timesteps == 1:
            value = replace(value, lead=tuple("T" if axis == "1" else axis for axis in value.lead))
        expected = sides(value.lead, value.node.shape, self.samples, self.timesteps)
        if tuple(tensor.shape) != expected:
            raise self.refusal(f"makes a tensor of shape {tuple(tensor.shape)} where {expected} "
                               f"was expected (axes {value.lead}, of values {value.node.shape})")
        self._values[id(tensor)] = tensor, value  # kept, so that no other takes its id

    def leave(self, tensor: torch.Tensor, why: str) -> None:
        """``tensor`` cannot be used, or not yet."""
        self._values[id(tensor)] = tensor, self.refusal(why)

    def value(self, item: Any) -> Value | None:
        """What a tensor holds, None where it does not depend on the input.

        Raises
        ------
        TraceError
            It holds what has no counterpart; says where that was computed.
        """
        found = self._values.get(id(item)) if isinstance(item, torch.Tensor) else None
        if found and isinstance(found[1], TraceError):
            raise found[1]
        return found[1] if found and isinstance(found[1], Value) else None

    def follows(self, item: Any) -> bool:
        """Whether an item is a tensor that depends on the input."""
        return id(item) in self._values

    @contextmanager
    def watching(self, leaves: dict[str, Any]) -> Iterator[None]:
        """Follow every function; ``leaves`` are modules by path that are taken as a whole:
        ``leaves[path](tracer, path, module, args, out)`` says what comes out of them."""
        with ExitStack() as stack:
            for path, module in self._root.named_modules():
                leaf = leaves.get(path)
                before, after = self._hooks(path, leaf)
                stack.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
                stack.callback(module.register_forward_hook(after, with_kwargs=True).remove)
            stack.enter_context(torch.no_grad())
            stack.enter_context(InDouble())
            stack.enter_context(self)
            yield

    def _hooks(self, path: str, leaf: Any) -> tuple[Any, Any]:
        callers: list[str] = []

        def before(module: Any, args: Any, kwargs: Any) -> None:
            callers.append(self.path)
            self.path = path
            self._leaf += leaf is not None
            if leaf is not None and self._leaf == 1:
                self._check_states(path, module)

        def after(module: Any, args: Any, kwargs: Any, out: Any) -> Any:
            if leaf is not None and self._leaf == 1:
                self._states[path] = _states(module)
            self._leaf -= leaf is not None
            if leaf is not None and self._leaf == 0:
                out = in_double(out)
                leaf(self, path, module, (*args, *kwargs.values()), out)
            self.path = callers.pop()
            return out

        return before, after

    def _check_states(self, path: str, module: torch.nn.Module) -> None:
        """The states that a neuron keeps must be those that it had when it was last called."""
        if path not in self._states:
            return
        before, now = self._states[path], _states(module)
        if len(before) != len(now) or not all(map(torch.equal, before, now)):
            raise self.refusal("has its state changed or reset between timesteps; a neuron starts "
                               "anew for each sample, and nothing else changes its state")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._leaf or not any(id(item) in self._values for item in _tensors((args, kwargs))):
            return func(*args, **kwargs)
        name = _name(func)
        if name in READS:
            raise self.refusal("must not decide by what the network computes, but "
                               f"{name.strip('_')}() reads it; a circuit has no such control flow")
        before = args
        if _in_place(name) and isinstance(args[0], torch.Tensor) and not self.follows(args[0]):
            before = (args[0].clone(), *args[1:])  # a constant, which is overwritten
        out = self._run(func, args, kwargs)
        if name in ASIDE:
            return out
        try:
            found = self._followed(name, *map(_plain_all, (out, before, kwargs)))
            return out if plain(out) is not out else found
        except TraceError as error:
            # What is only logged does no harm: whoever uses it raises this.
            for tensor in _tensors(args[0] if name == "__setitem__" else out):
                self._values[id(tensor)] = tensor, error
                self.written.pop(id(tensor), None)
            return out

    def _run(self, func: Any, args: Any, kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        except RuntimeError:
            for tensor in _tensors((args, kwargs)):
                self.value(tensor)  # what could not be followed may be what torch does not take
            raise

    def _followed(self, name: str, out: Any, args: Any, kwargs: Any) -> Any:
        from bsnn_hw.convert.functions import FUNCTIONS, HINTS, TIME_LAST

        written = name == "__setitem__" and id(args[0]) in self.written
        values = [self.value(tensor) for tensor in _tensors((args[written:], kwargs))]
        if name not in TIME_LAST and any(value and value.lead == LAST for value in values):
            raise self.refusal(f"calls torch's {name} on values with the timesteps as last axis; "
                               "take single timesteps, x[..., t], or move that axis to the front, "
                               "x.movedim(-1, 0)")
        if name not in FUNCTIONS:
            advice = HINTS.get(name, "docs/convert.md lists what has")
            if name not in PRODUCTS and all(
                    isinstance(value.node, Input) for value in values if value):
                advice = ("encode samples outside of the module, and have it take their spikes "
                          "(coding='events'), or take them as they are (coding='direct')")
            raise self.refusal(f"calls torch's {name}, which has no counterpart in a model file; "
                               f"{advice}")
        said = {WORDS.get(word, word): value for word, value in kwargs.items()}
        return FUNCTIONS[name](self, out, *args, **said)

    def reshaped(self, value: Value, shape: tuple[int, ...]) -> Value:
        """``value`` in another shape, its values in the same order."""
        count = torch.Size(value.node.shape).numel()
        lead = lead_of(value.lead, tuple(shape), count, self.samples, self.timesteps)
        if lead is None:
            raise self.refusal(f"makes {tuple(shape)} of {value.node.shape} per sample and "
                               "timestep, which mixes samples or timesteps")
        inner = inner_of(lead, tuple(shape))
        return Value(self.shaped(value.node, inner), lead, value.step)

    def shaped(self, node: Node, shape: tuple[int, ...]) -> Node:
        """``node`` in another shape, its values in the same order."""
        from bsnn_hw.convert.terms import sums_currents

        while isinstance(node, Reshape):
            node = node.source
        if node.shape == shape:
            return node
        if isinstance(node, Sum) and sums_currents(node):
            left, right = self.shaped(node.left, shape), self.shaped(node.right, shape)
            total: Node = self.graph.make(Sum, shape=shape, varies=node.varies, left=left,
                                          right=right)
            return total
        if isinstance(node, Over):  # of each timestep, and then over them
            made: Node = self.graph.make(
                Over, shape=shape, varies=False, source=self.shaped(node.source, shape),
                kind=node.kind, steps=node.steps)
            return made
        made = self.graph.make(Reshape, shape=shape, varies=node.varies, source=node)
        return made

    def refusal(self, what: str) -> TraceError:
        """An error at the line of the user's that runs now."""
        where = _line(traceback.extract_stack()) or "forward"
        part = f"module {self.path!r}" if self.path else "the module itself"
        return TraceError(f"{where}: {part} {what}")


class InDouble(TorchFunctionMode):
    """Lets no value become float32: modules call ``.float()`` on inputs and spikes, and make
    weights of ``torch.where(weight >= 0, 1.0, -1.0)``."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = _name(func), kwargs or {}
        if name in PRODUCTS:
            args, kwargs = (tuple(map(in_double, args)),
                            {key: in_double(value) for key, value in kwargs.items()})
        out = func(*args, **kwargs)
        return in_double(out) if name in CASTS else out


def in_double(out: Any) -> Any:
    """What a neuron gives, its spikes in float64; frameworks make them float32."""
    if type(out) is tuple:
        return (in_double(out[0]), *out[1:])
    if isinstance(out, torch.Tensor) and out.dtype != torch.float64 and out.is_floating_point():
        return out.double()
    return out


def place_of(error: Exception) -> str:
    """" at FILE, line N" of the code that an error came from, which is neither ours nor torch's; ""
    where there is none."""
    where = _line(traceback.extract_tb(error.__traceback__))
    return f" at {where}" if where else ""


def _line(frames: traceback.StackSummary) -> str:
    """The innermost line that is neither ours nor torch's."""
    own, library = Path(__file__).parent, Path(torch.__file__).parent
    users = [frame for frame in frames if not Path(frame.filename).is_relative_to(own)
             and not Path(frame.filename).is_relative_to(library)
             and frame.name not in ("__torch_function__",)]
    return f"{Path(users[-1].filename).name}, line {users[-1].lineno}" if users else ""


def plain(item: Any) -> Any:
    """A tensor itself; of Brevitas' quantised tensors, which are tuples, what they hold."""
    value = getattr(item, "value", None) if isinstance(item, tuple) else None
    return value if isinstance(value, torch.Tensor) else item


def _plain_all(item: Any) -> Any:
    """``plain`` of all that is in arguments."""
    if plain(item) is not item:
        return plain(item)
    if type(item) in (tuple, list):
        return type(item)(map(_plain_all, item))
    if isinstance(item, dict):
        return {key: _plain_all(value) for key, value in item.items()}
    return item


def _states(module: torch.nn.Module) -> list[torch.Tensor]:
    """Copies of what a neuron keeps from one timestep to the next."""
    return [value.clone() for part in module.modules()
            for value in [*vars(part).values(), *vars(part).get("_buffers", {}).values(),
                          *vars(part).get("_memories", {}).values()]
            if isinstance(value, torch.Tensor)]


def _in_place(name: str) -> bool:
    """Whether a function overwrites its first argument."""
    return name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))


def _name(func: Any) -> str:
    """The function's name; of a property, the property's."""
    name = getattr(func, "__name__", str(func))
    return getattr(func.__self__, "__name__", name) if name == "__get__" else name


def _tensors(item: Any) -> Iterator[torch.Tensor]:
    if isinstance(item, torch.Tensor):
        yield item
    elif isinstance(item, (list, tuple)):
        for part in item:
            yield from _tensors(part)
    elif isinstance(item, dict):
        yield from _tensors(list(item.values()))
