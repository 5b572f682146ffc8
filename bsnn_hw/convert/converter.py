"""A trained module of a framework to a document of docs/model.md, compared before it is given."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert import gates, quantisers
from bsnn_hw.convert.agreement import Agreement, Recorded, compare
from bsnn_hw.convert.assemble import Assembled, assemble
from bsnn_hw.convert.axes import LAST, Lead
from bsnn_hw.convert.document import Entry, document_of
from bsnn_hw.convert.family import Family, NeuronError
from bsnn_hw.convert.graph import Node, Over
from bsnn_hw.convert.outputs import key_of, one_of, parts_of
from bsnn_hw.convert.recorder import Run, double_copy, record
from bsnn_hw.convert.scores import Scores, scores_of
from bsnn_hw.convert.trace import Tracer, Value, place_of
from bsnn_hw.errors import BsnnError, InputError, ModelError
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import RealTrace, run

__all__ = ["Converter"]


@dataclass(frozen=True)
class _Task(Entry):
    """What is asked for, checked."""

    shape: tuple[int, ...]
    output: int | str | None
    sequence: bool | str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.shape or min(self.shape) < 1:
            raise InputError("`input_shape`: must be positive sides of one sample, without batch "
                             f"and time, not {self.shape}")
        if self.sequence not in (False, True, "batch_first", "time_last"):
            raise InputError("`sequence`: must be False, True, 'batch_first' or 'time_last', not "
                             f"{self.sequence!r}")


@dataclass(frozen=True)
class _Seen:
    """How what a module does is seen.

    run : how it is called; leads : leading axes of what each of its neurons gives in a call
    lead : of what it gives itself
    """

    run: Run
    leads: dict[str, Lead]
    lead: Lead


@dataclass(frozen=True)
class Converter:
    """Converts modules whose neurons are those of ``families``."""

    name: str
    families: tuple[Family, ...]

    def __call__(self, module: torch.nn.Module, input_shape: Sequence[int], timesteps: int, *,
                 coding: str, bits: int | None = None,
                 scale: float | Sequence[float] | None = None,
                 offset: float | Sequence[float] = 0.0, readout: str | None = None,
                 output: int | str | None = None, sequence: bool | str = False,
                 name: str = "network",
                 classes: Sequence[str] | None = None, samples: int = 16, seed: int = 0
                 ) -> dict[str, Any]:
        """A document for ``bsnn_hw.model.format.save``.

        The module's own forward is run, in float64, and followed; the result is run beside it on
        random samples, and a line on standard error says how many spikes and scores differ.

        Parameters
        ----------
        module : trained, on any device; it stays as it is, but for the states of its neurons
        input_shape : of one sample at one timestep, (784,) or (channels, height, width)
        timesteps : int
        coding, bits, scale, offset : ``input`` of docs/model.md; real inputs, as the module takes
            them, are scale * integer + offset, each a number or one per channel
        readout : where forward gives single timesteps: "spike_count" of spikes, "mean", "sum",
            "last" or "max" of currents
        output : int or str, which of several outputs has the scores, by its place or its name;
            where there are several, it must be said
        sequence : whether forward takes all timesteps at once, along the framework's time axis;
            "batch_first" where samples come before them, "time_last" where they are the last axis
        name, classes : of the document
        samples, seed : of the comparison

        Raises
        ------
        ModelError, InputError
            What the module does that no model file can say, each with the module that does it.
        """
        task = _Task(timesteps, coding, bits, scale, offset, readout,
                     tuple(int(side) for side in input_shape), output,
                     sequence or self.families[0].lead == ("N", "T"))
        if not isinstance(module, torch.nn.Module):
            raise InputError(f"module: must be a torch.nn.Module, not {type(module).__name__}")
        self._refuse(module)
        copy = double_copy(module)
        lead = self._lead(copy, task)
        tracer, parts = self._trace(copy, task, lead)
        stepped = self._stepped(tracer, task)
        key = self._output(tracer, parts, task)
        value = tracer.value(parts[key])
        assert value is not None
        scores = scores_of(value.node if stepped else _taken_last(tracer, value),
                           task.timesteps, task.readout)
        task = replace(task, output=key)
        made = assemble(scores, tracer.neurons, self._neuron, task.timesteps)
        document = document_of(made, task, task.shape, scores, name, classes)
        seen = _Seen(Run(copy, self.families, task.timesteps, stepped, lead), tracer.leads,
                     value.lead)
        agreement = self._compare(document, made, scores, task, seen, samples, seed)
        print(f"converted {name} from {self.name}: {agreement}", file=sys.stderr)
        document["recipe"] = {"converted": self._origin(agreement)}
        return document

    def _refuse(self, module: torch.nn.Module) -> None:
        """Every neuron that cannot be said, before anything runs."""
        problems = []
        for path, part in module.named_modules():
            if isinstance(part, torch.jit.ScriptModule):
                raise ModelError([f"module {path!r}: is compiled by torch.jit, and its forward "
                                  "cannot be followed; give the module that it was made from"])
            try:
                if any(family.is_neuron(part) and not _whole(family, part)
                       for family in self.families):
                    self._neuron(part)
            except NeuronError as error:
                problems.append(f"module {path!r}: {error}")
        if problems:
            raise ModelError(problems)

    def _neuron(self, module: torch.nn.Module) -> dict[str, Any]:
        family = next(family for family in self.families if family.is_neuron(module))
        return family.neuron(module)

    def _lead(self, module: torch.nn.Module, task: _Task) -> Lead | None:
        """The leading axes of what the module takes; None where it takes no time."""
        if not task.sequence:
            return None
        kinds = {type(part).__name__ for part in module.modules()}
        squeezes = any(kind.endswith("Squeeze") for kind in kinds)
        # sinabs' layers that squeeze take both in one axis, where nothing makes one of two before.
        if squeezes and task.sequence is True and "FlattenTime" not in kinds:
            return ("NT",)
        return {"batch_first": ("N", "T"), "time_last": LAST}.get(
            str(task.sequence), self.families[0].lead)

    def _trace(self, module: torch.nn.Module, task: _Task, lead: Lead | None
               ) -> tuple[Tracer, dict[Any, Any]]:
        samples = _batch(module) or (2 if task.timesteps != 2 else 3)
        tracer = Tracer(module, samples, task.timesteps)
        tracer.levels = np.unique(np.arange(1 << (task.bits or 1)) * task.factor + task.summand)
        run = Run(module, self.families, task.timesteps, lead is None, lead)
        for family in self.families:
            family.reset(module)
        gates.reset(module)
        values = torch.rand(samples, task.timesteps, *task.shape, dtype=torch.float64,
                            generator=torch.Generator().manual_seed(0))
        entry = run.arranged(values).clone()
        tracer.enter(entry, task.shape, lead or ("N",), task.coding == "events")
        leaves = {path: family.leaf for path, part in module.named_modules()
                  for family in self.families
                  if family.is_neuron(part) or _whole(family, part)}
        leaves |= dict.fromkeys(gates.gates_of(module), gates.leaf)
        leaves |= dict.fromkeys(quantisers.quantisers_of(module), quantisers.leaf)
        try:
            with tracer.watching(leaves):
                out = module(entry)
        except BsnnError:
            raise
        except Exception as error:  # the user's own code, or torch's
            words = (str(error) or type(error).__name__).strip().split("\n", 1)[0][:200]
            raise InputError(f"`input_shape`: forward must run on inputs of shape "
                             f"{tuple(entry.shape)}, and fails{place_of(error)} with "
                             f"{type(error).__name__}: {words}") from error
        parts = parts_of(out)
        if not tracer.neurons:
            for each in parts.values():
                tracer.value(each)
            raise InputError(f"module: must have neurons of {self.name} that the input reaches; "
                             f"known are {', '.join(self._known())}")
        return tracer, parts

    def _known(self) -> list[str]:
        return [name for family in self.families for name in family.neurons]

    def _stepped(self, tracer: Tracer, task: _Task) -> bool:
        """Whether a call of the module is one timestep; all its neurons must say the same."""
        if task.sequence or task.timesteps == 1:
            return not task.sequence
        odd = [path for path in tracer.neurons if tracer.calls[path] != task.timesteps]
        once = [path for path in odd if tracer.calls[path] == 1]
        if odd and once != list(tracer.neurons):
            raise InputError(f"module {odd[0]!r}: must compute {task.timesteps} timesteps in one "
                             f"forward, or all neurons one, and computes {tracer.calls[odd[0]]}; "
                             "say the number of timesteps that forward computes")
        return bool(odd)

    def _output(self, tracer: Tracer, outputs: dict[Any, Any], task: _Task) -> Any:
        """The key of the output that has the scores."""
        followed = [key for key, part in outputs.items() if tracer.follows(part)]
        if not followed:
            raise InputError("`output`: must depend on the input, as a tensor, or a tuple, a "
                             "dictionary or a dataclass of them")
        if task.output is None and len(followed) > 1:
            values = [tracer.value(outputs[key]) for key in followed]
            if [value and value.step for value in values] == list(range(task.timesteps)):
                raise InputError("`output`: must be a tensor of all timesteps, not a list of them; "
                                 "return torch.stack(list)")
            raise InputError(f"`output`: must be said, one of {followed}: forward gives "
                             f"{len(outputs)} values, of which one has the scores")
        key = followed[0] if task.output is None else key_of(outputs, task.output)
        if key not in followed:
            raise InputError(f"`output`: must be one of {followed}, which depend on the input, not "
                             f"{key!r}")
        return key

    def _compare(self, document: dict[str, Any], made: Assembled, scores: Scores, task: _Task,
                 how: _Seen, samples: int, seed: int) -> Agreement:
        model = describe(document, document["name"])
        samples = _batch(how.run.module) or samples
        inputs = _random(task, samples, seed)
        shape = (samples, task.timesteps, *task.shape)
        whole = np.broadcast_to(inputs.reshape(samples, -1, *task.shape), shape)
        real = torch.from_numpy((whole.reshape(*shape[:2], -1, *_plane(task.shape))
                                 * task.factor + task.summand).reshape(shape))
        spikes, outputs = record(how.run, real, made.names, how.leads)
        seen = Recorded(spikes, _taken(outputs, scores, task, how))
        flat = inputs.reshape(samples, *(() if task.coding == "direct" else (task.timesteps,)), -1)
        own = run(model, flat, keep=("spikes",))
        agreement = compare(model, flat, seen, own, _named(model, own))
        if agreement.wrong:
            raise InputError(f"module: must compute what was traced, and does not: "
                             f"{agreement.wrong}; please report this network")
        return agreement

    def _origin(self, agreement: Agreement) -> dict[str, Any]:
        """Where the document is from, and how it was compared."""
        return {"from": self.name, "version": _version(self.name),
                "samples": agreement.samples, "spikes": agreement.spikes,
                "spikes_differ": agreement.spikes_differ, "scores": agreement.scores,
                "scores_differ": agreement.scores_differ, "ties": agreement.ties}


def _plane(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a sample that may be a map; the rest of it are channels."""
    return (shape[1], shape[2]) if len(shape) == 3 else (1, 1)


def _taken_last(tracer: Tracer, value: Value) -> Node:
    """What forward gives: one that itself runs over all timesteps may give the last alone."""
    if value.lead != ("N",) or value.step is None:
        return value.node
    if value.step != tracer.timesteps - 1:
        raise InputError(f"`output`: must be over all {tracer.timesteps} timesteps, or the last of "
                         f"them, not timestep {value.step + 1} alone")
    return tracer.graph.make(Over, shape=value.node.shape, varies=False, source=value.node,
                             kind="last", steps=frozenset([value.step]))


def _whole(family: Family, part: torch.nn.Module) -> bool:
    return family.owns(type(part)) and type(part).__name__ in family.wholes


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _batch(module: torch.nn.Module) -> int | None:
    """The number of samples that a module is fixed to, as sinabs' squeezing layers can be."""
    sizes = [getattr(part, "batch_size", -1) for part in module.modules()
             if type(part).__name__.endswith(("Squeeze", "UnflattenTime"))]
    return max(sizes, default=-1) if max(sizes, default=-1) > 0 else None


def _random(task: _Task, samples: int, seed: int) -> np.ndarray:
    """Integers from silent to saturated, (N, ...) or (N, T, ...)."""
    generator = np.random.default_rng(seed)
    time = () if task.coding == "direct" else (task.timesteps,)
    shape = (samples, *time, *task.shape)
    values = generator.integers(1, 1 << (task.bits or 1), shape, dtype=np.uint8)
    share = np.linspace(0.05, 1, samples).reshape(-1, *[1] * (values.ndim - 1))
    return values * (generator.random(values.shape) < share)


def _taken(outputs: list[Any], scores: Scores, task: _Task, how: _Seen) -> np.ndarray:
    """The module's scores, float64 (N, classes), in the model's units."""
    values = torch.stack([one_of(out, task.output).double() for out in outputs])
    if scores.over:
        values = values[0]
    elif how.run.stepped:
        values = _reduced(values, scores.kind)
    else:
        inner = values[0]
        if how.lead == ("NT",):
            inner = inner.unflatten(0, (-1, task.timesteps))
        elif how.lead == ("TN",):
            inner = inner.unflatten(0, (task.timesteps, -1))
        axis = -1 if how.lead == LAST else 1 if how.lead in (("NT",), ("N", "T")) else 0
        values = _reduced(inner.movedim(axis, 0), scores.kind)
    return np.array((values.flatten(1) / scores.factor).numpy())


def _reduced(values: torch.Tensor, kind: str) -> torch.Tensor:
    """(T, N, classes) to (N, classes)."""
    if kind in ("sum", "spike_count"):
        return values.sum(0)
    return {"mean": values.mean(0), "last": values[-1], "max": values.amax(0)}[kind]


def _named(model: Any, own: RealTrace) -> dict[str, np.ndarray]:
    assert own.spikes is not None
    return {layer.name: spikes for layer, spikes in zip(
        (layer for layer in model.layers if layer.neuron), own.spikes, strict=True)}

