"""Training steps that a GPU replays from a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

__all__ = ["Replayed", "own_stream"]

_EAGER_STEPS = 3  # of an optimizer that makes its state, and of libraries that choose a kernel


class Replayed:
    """A function of tensors on a GPU, recorded once and then replayed.

    The kernels of a small network take longer to launch than to run; a graph launches all of
    them at once.  What it returns is overwritten by the next call.

    Parameters
    ----------
    step : function of tensors of a fixed shape, which waits for nothing from the GPU; called
        on a stream of its own (`own_stream`)
    """

    def __init__(self, step: Callable[..., Any]):
        self._step = step
        self._inputs: tuple[Tensor, ...] = ()
        self._result: Any = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._calls = 0

    def __call__(self, *inputs: Tensor) -> Any:
        """Run the step, or replay it."""
        self._calls += 1
        if self._calls <= _EAGER_STEPS:
            return self._step(*inputs)
        if self._graph is None:
            self._graph = self._record(inputs)
        for held, given in zip(self._inputs, inputs, strict=True):
            held.copy_(given)
        self._graph.replay()
        return self._result

    def _record(self, inputs: tuple[Tensor, ...]) -> torch.cuda.CUDAGraph:
        self._inputs = tuple(given.clone() for given in inputs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=torch.cuda.current_stream(),
                              capture_error_mode="thread_local"):
            self._result = self._step(*self._inputs)
        return graph


def own_stream(device: str) -> AbstractContextManager:
    """Return a stream other than the default one, whose backward pass cannot be recorded."""
    if device != "cuda":
        return nullcontext()
    torch.cuda.synchronize()
    return torch.cuda.stream(torch.cuda.Stream())
