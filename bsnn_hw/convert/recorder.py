"""A module run on samples in float64, its neurons' spikes kept."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert import gates
from bsnn_hw.convert.axes import LAST, Lead
from bsnn_hw.convert.family import Family
from bsnn_hw.convert.trace import InDouble, in_double
from bsnn_hw.errors import ModelError

__all__ = ["Run", "double_copy", "record"]


def double_copy(module: torch.nn.Module) -> torch.nn.Module:
    """A copy in float64 and in inference mode; the module stays as it is.  What torch.compile has
    wrapped is copied as it was written."""
    module = getattr(module, "_orig_mod", module)
    memo: dict[int, Any] = {}
    for part in module.modules():
        for value in [*vars(part).values(), *vars(part).get("_buffers", {}).values(),
                      *vars(part).get("_memories", {}).values()]:
            # A state that training left behind belongs to a graph, which cannot be copied.
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    copied = copy.deepcopy(module, memo).cpu().double().eval()
    for part in list(copied.modules()):
        for name, inner in part.named_children():
            if hasattr(inner, "_orig_mod"):
                setattr(part, name, inner._orig_mod)
    return copied


class Run:
    """How a module is called for samples.

    Parameters
    ----------
    module : in float64; families : Family of its neurons
    timesteps : int
    stepped : bool, whether a call is one timestep
    lead : leading axes of an input that has all timesteps, None where the input has no time
    """

    def __init__(self, module: torch.nn.Module, families: tuple[Family, ...], timesteps: int,
                 stepped: bool, lead: Lead | None) -> None:
        self.module, self.families, self.timesteps = module, families, timesteps
        self.stepped, self.lead = stepped, lead

    def arranged(self, values: torch.Tensor) -> torch.Tensor:
        """Real inputs (N, T, ...) as the module takes them, laid out as a loader of samples does: a
        forward may take a view of them."""
        if self.lead is None:
            return values[:, 0].contiguous()
        if self.lead == ("T", "N"):
            return values.transpose(0, 1).contiguous()
        if self.lead == LAST:
            return values.movedim(1, -1).contiguous()
        return values.contiguous() if len(self.lead) == 2 else values.flatten(0, 1)

    def outputs(self, values: torch.Tensor) -> list[Any]:
        """What the module gives for (N, T, ...): once, or once for each timestep."""
        for family in self.families:
            family.reset(self.module)
        gates.reset(self.module)
        with torch.no_grad(), InDouble():
            if not self.stepped:
                return [self.module(self.arranged(values))]
            found: list[Any] = []
            for step in range(self.timesteps):
                state = _state(found[-1]) if found else None
                more = () if state is None else (state,)
                found.append(self.module(values[:, step].contiguous(), *more))
        return found


def _state(output: Any) -> Any:
    """A state that a module of one timestep gave back, to be given in at the next."""
    if isinstance(output, tuple) and len(output) == 2 and not isinstance(output[1], torch.Tensor):
        return output[1]
    return None


def record(run: Run, values: torch.Tensor, neurons: dict[str, str], leads: dict[str, Lead]
           ) -> tuple[dict[str, np.ndarray], list[Any]]:
    """Spikes by layer name, bool (N, T, neurons), and the outputs.

    values : float64 (N, T, ...); neurons : layer names by module path
    leads : leading axes of what each gives in a call

    Raises
    ------
    ModelError
        A neuron gives something else than spikes.
    """
    seen: dict[str, list[torch.Tensor]] = {path: [] for path in neurons}
    with _watching(run.module, seen):
        outputs = run.outputs(values)
    samples = len(values)
    spikes = {}
    for path, name in neurons.items():
        calls = seen[path]
        whole = torch.stack(calls) if len(calls) > 1 else calls[0]
        spikes[name] = _by_sample(whole, samples, run.timesteps, leads[path])
    return spikes, outputs


def _by_sample(spikes: torch.Tensor, samples: int, timesteps: int, lead: Lead) -> np.ndarray:
    """(T, N, ...), (N, T, ...) or (N*T, ...) to (N, T, neurons)."""
    if lead in (("N", "T"), ("NT",)):
        spikes = spikes.reshape(samples, timesteps, -1)
    else:
        spikes = spikes.reshape(timesteps, samples, -1).transpose(0, 1)
    return np.array((spikes != 0).numpy())


def _check_spikes(path: str, spikes: torch.Tensor) -> None:
    odd = spikes[(spikes != 0) & (spikes != 1)]
    if odd.numel():
        raise ModelError([f"module {path!r}: must give spikes of 0 and 1, and gives "
                          f"{float(odd.flatten()[0]):g}; a hook of yours changes them, or its "
                          "surrogate is not spiking. Scale the weights of the next layer instead"])


@contextmanager
def _watching(module: torch.nn.Module, seen: dict[str, list[torch.Tensor]]) -> Iterator[None]:
    """Keep what the neurons of these paths give, and hand it on in float64."""
    def hook(path: str) -> Any:
        def keep(part: Any, args: Any, out: Any) -> Any:
            spikes = out[0] if isinstance(out, tuple) else out
            _check_spikes(path, spikes)
            seen[path].append(spikes.detach().clone())
            return in_double(out)
        return keep

    with ExitStack() as stack:
        for path in seen:
            part = module.get_submodule(path)
            stack.callback(part.register_forward_hook(hook(path)).remove)
        yield
