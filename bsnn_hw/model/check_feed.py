"""Where a synapse's values come from: which earlier layer, through which pooling."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.model.description import Feed, Input, Pooling, PoolingKind, Shape
from bsnn_hw.model.values import Table, listed, shown

__all__ = ["MAX_KERNEL", "Incoming", "Known", "Seen", "check_feed", "pooled", "read_pool",
           "sides"]

MAX_SIDE = 4096  # of a map that a kernel or window moves over
MAX_KERNEL = 64  # sides and strides of kernels and windows

POOL_HINTS = {
    "padding": "windows of currents lie inside of the map",
    "dilation": "windows have no holes",
    "ceil_mode": "windows lie inside of the map",
    "kernel_size": "it is size",
}


@dataclass(frozen=True)
class Known:
    """The network's input, or an earlier layer.

    name : str, empty for the input; title : str, for messages
    shape : Shape, None after a problem
    largest : float, largest absolute value that goes out
    reach : float, largest absolute sum of a neuron's current over all timesteps
    of_windows : bool, whether its current is the largest of a window
    own_gate : bool, each sample makes the gate of its current
    sums_windows : bool, spikes of windows are among those that it adds
    """

    name: str
    title: str
    shape: Shape | None
    largest: float = 1.0
    reach: float = 0.0
    of_windows: bool = False
    own_gate: bool = False
    sums_windows: bool = False


@dataclass(frozen=True)
class Incoming:
    """What a synapse gets.

    feed : Feed, None after a problem
    producer : str, who gives it, for messages; largest : float, largest absolute value of it
    shifted : bool, whether a value of 0 is worth something else than 0, as spikes never are
    scaled : bool, whether channels have scales of their own
    """

    feed: Feed | None
    producer: str
    largest: float
    shifted: bool = False
    scaled: bool = False


class Seen:
    """What stands before a layer, and what of it is used.

    Members
    -------
    entry : Input, None after a problem
    room : int, weights that the limit on the whole network still allows
    unsure : bool, whether a problem hides what some layer uses
    """

    def __init__(self, entry: Input | None, names: list[str], room: int) -> None:
        self.entry, self.room, self.unsure = entry, room, False
        self._names = names
        self._known: list[Known] = []
        self._used: set[str] = set()

    def add(self, layer: Known) -> None:
        """A layer that later ones may use."""
        self._known.append(layer)

    @property
    def unused(self) -> list[Known]:
        """The layers so far that nothing uses."""
        return [layer for layer in self._known if layer.name not in self._used]

    def before(self) -> Known:
        """The layer before, which is thereby used; the input where there is none."""
        if self._known:
            self._used.add(self._known[-1].name)
            return self._known[-1]
        if self.entry is None:
            return Known("", "the input", None)
        largest = np.max(self.entry.scale * (2**self.entry.bits - 1) + np.abs(self.entry.offset))
        return Known("", "the input", self.entry.shape, float(largest))

    def find(self, table: Table, key: str) -> Known | None:
        """The earlier layer that ``key`` names, which is thereby used; None after a problem."""
        name = table.raw(key)
        for layer in self._known if isinstance(name, str) else ():
            if layer.name == name:
                self._used.add(name)
                return layer
        self.unsure = True
        if table.has(key):
            table.problem(key, self._why_not(name))
        return None

    def _why_not(self, name: object) -> str:
        names = [layer.name for layer in self._known]
        accepted = f", one of {listed(names)}" if names else "; here there is none"
        known = name if isinstance(name, str) else ""
        close = difflib.get_close_matches(known[:64], names, 1)
        why = ("; that layer is not earlier" if known in self._names else
               f"; did you mean {close[0]!r}?" if close else "")
        return f"must name an earlier layer with neurons{accepted}, not {shown(name)}{why}"


def check_feed(table: Table, seen: Seen, first: bool) -> Incoming:
    """What comes into a layer.

    table : the layer; first : bool, whether it is the first one, which takes the network's input
    """
    if not first:
        source = seen.find(table, "input") if table.has("input") else seen.before()
        return pooled(table, source)
    if table.has("input"):
        table.problem("input", "must be absent in the first layer, which takes the network's "
                               f"input, not {shown(table.raw('input'))}")
    if table.has("pool"):
        table.problem("pool", "must be absent in the first layer: spikes are pooled, not the "
                              "network's input; pool the samples before they come in")
    source, entry = seen.before(), seen.entry
    feed = Feed(None, None, source.shape) if source.shape else None
    return Incoming(feed, source.title, source.largest,
                    entry is not None and bool(np.any(entry.offset)),
                    entry is not None and isinstance(entry.scale, np.ndarray))


def pooled(table: Table, source: Known | None) -> Incoming:
    """The spikes of ``source`` behind the pooling of ``table``, a layer or shortcut."""
    pool, usable = (read_pool(table, "pool", ("stride", "padding")) if table.has("pool") else
                    (None, True))
    if source is None:
        return Incoming(None, "", 1.0)
    if not usable or source.shape is None:
        return Incoming(None, source.title, 1.0)
    shape = source.shape
    if pool:
        if max(shape.height, shape.width) > MAX_SIDE:
            table.problem("pool", f"must stand on a map with sides of at most {MAX_SIDE}, not "
                                  f"{sides(shape)}")
            return Incoming(None, source.title, 1.0)
        wrong = _unfit(pool, source.title, shape) or _unfit_sums(pool, source)
        if wrong:
            table.problem("pool", wrong)
            return Incoming(None, source.title, 1.0)
        shape = pool.shape(shape)
    feed = Feed(source.name, pool, shape)
    if feed.source_shape != source.shape:
        feed = replace(feed, whole=source.shape)
    most = source.largest * (pool.max_value if pool else 1) / feed.divisor
    return Incoming(feed, source.title, most)


def _unfit_sums(pool: Pooling, source: Known) -> str | None:
    """What the pooling of sums of spikes must be, unless it is."""
    if source.largest > 1 and pool.kind is PoolingKind.MAX:
        return (f"kind must be 'avg' or 'sum' behind {source.title}, whose join adds spikes: what "
                "is added comes as events of each layer, and the largest of sums is no sum of "
                "theirs; pool in front of the join")
    if source.sums_windows:
        return (f"must be absent behind {source.title}, whose join adds spikes that are pooled "
                "themselves: events are pooled once; take a layer between, or pool in front of "
                "each layer that reads them")
    return None


def _unfit(pool: Pooling, producer: str, source: Shape) -> str | None:
    """What windows of spikes must be, unless they are; and fit the map."""
    if pool.kind is not PoolingKind.MAX and (pool.step or pool.padding != (0, 0)):
        return (f"stride must be size, {list(pool.size)}, and padding 0 where kind is "
                f"{shown(pool.kind.value)}: windows whose spikes are counted lie side by side; "
                "'max' takes any")
    if any(padding >= min(size, step) for padding, size, step in zip(
            pool.padding, pool.size, pool.stride, strict=True)):
        return (f"padding must be less than size and stride, {list(pool.size)} and "
                f"{list(pool.stride)}, not {list(pool.padding)}: several windows would end at one "
                "place, or hold none")
    if min(pool.shape(source).height, pool.shape(source).width) < 1:
        return f"size {list(pool.size)} must fit the map of {producer}, {sides(source)}"
    return None


def read_pool(table: Table, key: str, more: tuple[str, ...] = ("stride",)
              ) -> tuple[Pooling | None, bool]:
    """The pooling at ``key``, None where it changes nothing, and whether it has no problem.

    more : the keys that are optional
    """
    pool = table.inner(key, required=("kind", "size"), optional=more, hints=POOL_HINTS)
    kind = pool.choice("kind", {kind.value: kind for kind in PoolingKind})
    size = pool.pair("size", 1, MAX_KERNEL, 1)
    stride = pool.pair("stride", 1, MAX_KERNEL, 1) if pool.has("stride") else size
    padding = pool.pair("padding", 0, MAX_KERNEL - 1, 0)
    if not kind or not size or not stride or not padding or not pool.has("size"):
        return None, False
    if size == stride == (1, 1) and padding == (0, 0):
        return None, True
    return Pooling(kind, size, None if stride == size else stride, padding), True


def sides(shape: Shape) -> str:
    """A shape for a message."""
    return f"{shape.channels} x {shape.height} x {shape.width}"
