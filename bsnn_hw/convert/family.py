"""What a framework's neurons are to us: found by the names of their classes, never imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.graph import Affine, Membrane, Spikes, SynapticCurrent
from bsnn_hw.convert.trace import Tracer, Value
from bsnn_hw.errors import InputError

__all__ = ["Family", "NeuronError", "called", "comparison_of", "integrated", "integrator",
           "numbers", "shifted"]

Reader = Callable[[Any], dict[str, Any]]


class NeuronError(InputError):
    """A neuron that no model file can say; the message is the reason."""


@dataclass(frozen=True)
class Family:
    """One framework.

    package : str, that its classes are in
    neurons : by class name, from a module to its ``neuron`` of docs/model.md
    refused : by class name, what it is
    bases : class names; any other class below them is refused too
    leaf : says what comes out of a neuron, see ``Tracer.watching``
    lead : leading axes of an input that has all timesteps
    wholes : class names of other modules that ``leaf`` knows
    stateless : class names below ``bases`` that are no neurons, and are followed
    reset : sets the states of all neurons of a module to their start
    """

    package: str
    neurons: dict[str, Reader]
    refused: dict[str, str]
    bases: tuple[str, ...]
    leaf: Callable[..., None]
    lead: tuple[str, ...] = ("T", "N")
    wholes: tuple[str, ...] = ()
    stateless: tuple[str, ...] = ()
    reset: Callable[[torch.nn.Module], None] = lambda module: None

    def owns(self, kind: type) -> bool:
        """Whether the class is the framework's own."""
        return kind.__module__.split(".")[0] == self.package

    def names(self, module: torch.nn.Module) -> list[str]:
        """The framework's classes that ``module`` is an instance of, its own class first."""
        return [kind.__name__ for kind in type(module).__mro__ if self.owns(kind)]

    def is_neuron(self, module: torch.nn.Module) -> bool:
        """Whether a module has a state of neurons, supported or not."""
        names = self.names(module)
        if names[:1] and names[0] in self.stateless:
            return False
        known = {*self.neurons, *self.refused, *self.bases}
        return bool(known.intersection(names))

    def neuron(self, module: torch.nn.Module) -> dict[str, Any]:
        """What the neuron is in a model file.

        Raises
        ------
        NeuronError
            It is none that a model file can say.
        """
        kind, names = type(module), self.names(module)
        if kind.__name__ in self.refused and self.owns(kind):
            raise NeuronError(self.refused[kind.__name__])
        if not self.owns(kind) or kind.__name__ not in self.neurons:
            of = f", a class of your own on {names[0]}," if not self.owns(kind) else ""
            raise NeuronError(f"{kind.__name__}{of} is not known here; known are "
                              f"{', '.join(sorted(self.neurons))}")
        return self.neurons[kind.__name__](module)


def called(trace: Tracer, path: str, module: Any, value: Value | None, lead: tuple[str, ...],
           spikes: Any, membrane: Any = None, state: Any = None,
           back: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
           synaptic: tuple[Any, Any] = (None, None)) -> None:
    """Follow what a neuron module gives.

    value : of its input; lead : the leading axes that it takes
    membrane : the tensor of its state behind the reset, None where it gives none
    state : the tensor that was given as its state, None where it keeps its own
    back : weights and bias of the way back to it of its spikes, see ``Spikes``
    synaptic : of a second-order neuron, as ``membrane`` and ``state``
    """
    number = trace.calls.get(path, 0)
    whole = "T" in "".join(lead)
    trace.calls[path] = number + (trace.timesteps if whole else 1)
    if value is None:
        raise trace.refusal("gets what does not depend on the network's input")
    if value.lead != lead:
        raise trace.refusal(f"gets values with the leading axes {value.lead}, and takes {lead} "
                            "(N: samples, T: timesteps)")
    if number >= trace.timesteps:
        raise trace.refusal(f"is called more often in one forward than the {trace.timesteps} "
                            "timesteps; if forward takes all timesteps at once, say sequence=True")
    if not whole and value.node.varies and value.step is not None and value.step < number:
        raise trace.refusal(f"gets at timestep {number + 1} what timestep {value.step + 1} gave, "
                            "a recurrent or delayed connection")
    if (whole and number) or (not whole and value.node.varies and value.step != number):
        raise trace.refusal(f"is called {number + 1} times, with timestep {value.step} now; a "
                            "neuron takes one value per timestep, in order, and starts anew for "
                            "each sample")
    _check_state(trace, path, number, state, Membrane)
    _check_state(trace, path, number, synaptic[1], SynapticCurrent)
    node = trace.graph.make(Spikes, shape=value.node.shape, varies=True, source=value.node,
                            path=path, module=module, recurrent=back[0], bias=back[1])
    step = None if whole else number
    trace.follow(spikes, Value(node, lead, step))
    for kind, tensor in ((Membrane, membrane), (SynapticCurrent, synaptic[0])):
        if isinstance(tensor, torch.Tensor) and tensor.shape == spikes.shape:
            kept = trace.graph.make(kind, shape=node.shape, varies=True, source=node)
            trace.follow(tensor, Value(kept, lead, step))
    trace.leads[path] = lead
    made = trace.neurons.setdefault(path, node)
    if made is not node:
        raise trace.refusal("takes other values than at the timestep before; its input must be "
                            "the same function of the network's input at each timestep")


def integrator(leak: Any, current_leak: Any = None) -> dict[str, Any]:
    """What `integrated` neurons are in a model file, the last of which they must be."""
    held = {} if current_leak is None else {"current_leak": current_leak}
    return {"type": "lif", "leak": leak, "threshold": 1.0, "reset": "soft", "reset_by": 0.0,
            "comparison": ">", **held}


def integrated(trace: Tracer, path: str, module: Any, value: Value | None, lead: tuple[str, ...],
               membrane: Any, scale: Any = 1.0, state: Any = None,
               synaptic: tuple[Any, Any] = (None, None)) -> None:
    """Follow what a leaky integrator gives, its membrane, which takes the current times ``scale``;
    the other parameters as of `called`."""
    factor = np.array(torch.as_tensor(scale).detach().double().numpy())
    if value is not None and (factor != 1).any():
        node = trace.graph.make(Affine, shape=value.node.shape, varies=value.node.varies,
                                source=value.node, scale=factor, shift=np.array(0.0))
        value = replace(value, node=node)
    called(trace, path, module, value, lead, membrane, membrane, state, synaptic=synaptic)


def _check_state(trace: Tracer, path: str, number: int, state: Any,
                 kind: type[Membrane | SynapticCurrent]) -> None:
    """The state of this kind that is given in must be the neuron's own of the timestep before."""
    if not isinstance(state, torch.Tensor):
        return
    value = trace.value(state)
    if value is None:
        if number or (state.numel() and bool((state != 0).any())):
            raise trace.refusal("starts from a state that is given in; it must start at rest, "
                                "once for each sample")
        return
    own = isinstance(value.node, kind) and value.node.source.path == path
    if not own or value.step != number - 1:
        raise trace.refusal("gets a state that is not its own of the timestep before")


def comparison_of(surrogate: Callable[[torch.Tensor], torch.Tensor]) -> str:
    """">=" or ">": whether a surrogate, which may be the user's own, fires at the threshold.

    Raises
    ------
    NeuronError
        It gives other values than 0 below and 1 above.
    """
    try:
        with torch.no_grad():
            below, at, above = map(float, surrogate(torch.tensor([-1.0, 0.0, 1.0])))
    except Exception as error:  # the user's own code
        raise NeuronError(f"a surrogate that fails with {type(error).__name__} on three "
                          "potentials") from None
    if (below, above) != (0.0, 1.0) or at not in (0.0, 1.0):
        raise NeuronError(f"a surrogate that gives {below:g}, {at:g} and {above:g} below, at and "
                          "above the threshold; spikes must be 0 or 1 (SpikingJelly's "
                          "spiking=True)")
    return ">=" if at else ">"


def numbers(values: Any) -> float | torch.Tensor:
    """A parameter: a number where all its values are one, else a tensor of its shape."""
    tensor = torch.as_tensor(values).detach().cpu().double()
    if tensor.numel() and bool((tensor == tensor.flatten()[0]).all()):
        return float(tensor.flatten()[0])
    return tensor.clone()


def shifted(facts: dict[str, Any], rest: float) -> dict[str, Any]:
    """A neuron that rests, starts and is reset at ``rest``: measured from there, at 0."""
    return facts | {"threshold": facts["threshold"] - rest}
