"""What a module computes in one timestep, as a graph: the same expression is the same node."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Affine", "Cat", "Gate", "Graph", "Input", "Membrane", "Node", "Norm", "Over", "Pad",
           "Pool", "Product", "Reshape", "Slice", "Spikes", "Sum", "Synapse", "SynapticCurrent",
           "Vote"]


@dataclass(frozen=True, eq=False)
class Node:
    """What one sample has at one timestep.

    shape : tuple of int, without the sample and the time
    varies : bool, whether it can differ between timesteps
    """

    shape: tuple[int, ...]
    varies: bool

    @property
    def sources(self) -> tuple[Node, ...]:
        """The nodes that it is computed from."""
        whole = [value if isinstance(value, tuple) else (value,) for value in vars(self).values()]
        return tuple(each for value in whole for each in value if isinstance(each, Node))


@dataclass(frozen=True, eq=False)
class Input(Node):
    """The network's input, in real values."""


@dataclass(frozen=True, eq=False)
class Synapse(Node):
    """A product with weights.

    path : str, the module that it is in
    weight, bias : float64, as torch has them; ``bias`` may be None
    stride, padding, dilation : (vertical, horizontal); groups : int; of a convolution
    """

    source: Node
    path: str
    weight: np.ndarray
    bias: np.ndarray | None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


@dataclass(frozen=True, eq=False)
class Norm(Node):
    """Batch normalisation; each array has one value per channel."""

    source: Node
    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    var: np.ndarray
    eps: float


@dataclass(frozen=True, eq=False)
class Affine(Node):
    """``source * scale + shift``; numbers, or arrays that broadcast to the shape."""

    source: Node
    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, eq=False)
class Gate(Node):
    """``source`` times a factor of each timestep; ``factors`` is (T,)."""

    source: Node
    factors: np.ndarray


@dataclass(frozen=True, eq=False)
class Reshape(Node):
    """The same values in the same order."""

    source: Node


@dataclass(frozen=True, eq=False)
class Pad(Node):
    """Zeros around ``source``; ``sides`` are (before, after) of rows, then of columns."""

    source: Node
    sides: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Pool(Node):
    """``kind`` is "max", "avg" or "sum"; ``ceil`` whether a window may stand across the border."""

    source: Node
    kind: str
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    ceil: bool

    @property
    def moves(self) -> bool:
        """Whether it changes anything; windows of one position, each next to the other, do not."""
        return (self.size, self.stride) != ((1, 1), (1, 1))


@dataclass(frozen=True, eq=False)
class Spikes(Node):
    """What the neurons of module ``path`` emit; ``module`` says which neurons they are.

    source : their current, but for what a recurrence adds
    recurrent, bias : float64, weights (neurons, neurons) and bias through which the spikes of the
        timestep before are added; None without them
    """

    source: Node
    path: str
    module: Any = field(repr=False)
    recurrent: np.ndarray | None = field(default=None, repr=False)
    bias: np.ndarray | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Membrane(Node):
    """The membrane potential behind the reset of ``source``, of which it is the state."""

    source: Spikes


@dataclass(frozen=True, eq=False)
class SynapticCurrent(Node):
    """The synaptic current of the second-order neurons ``source``, of which it is a state."""

    source: Spikes


@dataclass(frozen=True, eq=False)
class Sum(Node):
    """``left + right``."""

    left: Node
    right: Node


@dataclass(frozen=True, eq=False)
class Product(Node):
    """``left * right``, both of spikes."""

    left: Node
    right: Node


@dataclass(frozen=True, eq=False)
class Cat(Node):
    """``parts`` side by side: their channels, one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Slice(Node):
    """Channels of ``source``, from ``start`` on."""

    source: Node
    start: int


@dataclass(frozen=True, eq=False)
class Over(Node):
    """``source`` over timesteps: "sum", "mean", "max" or "last" of ``steps``."""

    source: Node
    kind: str
    steps: frozenset[int]


@dataclass(frozen=True, eq=False)
class Vote(Node):
    """The mean of ``group`` neurons that stand side by side."""

    source: Node
    group: int


class Graph:
    """Makes nodes, each expression once."""

    def __init__(self) -> None:
        self._made: dict[Any, Node] = {}

    def make(self, kind: Callable[..., Node], /, **members: Any) -> Any:
        """The node of these members, the one made before where there is one."""
        key = (kind, *((name, _key(value)) for name, value in sorted(members.items())))
        if key not in self._made:
            self._made[key] = kind(**members)
        return self._made[key]


def _key(value: Any) -> Any:
    """What two equal members share."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, hashlib.sha256(value.tobytes()).digest()
    plain = isinstance(value, (int, float, str, tuple, frozenset, type(None)))
    return value if plain else id(value)
