"""Which layer reads which, by number, and which layers share one unit of their currents."""

from __future__ import annotations

from bsnn_hw.ir.network import Shape
from bsnn_hw.model.description import (
    CurrentShortcut,
    Layer,
    Model,
    Neuron,
    Pooling,
    SynapseShortcut,
)

__all__ = ["INPUT", "Graph"]

INPUT = -1  # the number of the network's input


class Graph:
    """The layers of a model, numbered in order; the readout is the last.

    Members
    -------
    model : Model
    groups : tuple of tuples of int, ascending: layers joined by current shortcuts, directly or
        through others; a layer with other shortcuts only is a group of its own, and a layer
        without any, whose current none carries on, is in none
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._numbers = {layer.name: number for number, layer in enumerate(model.layers)}
        self.groups = self._find_groups()

    def neuron(self, number: int) -> Neuron:
        """The neuron of a layer that is not the readout."""
        neuron = self.model.layers[number].neuron
        assert neuron is not None
        return neuron

    def source(self, part: Layer | SynapseShortcut) -> int:
        """Number of the layer whose spikes come in, `INPUT` for the network's input."""
        name = part.feed.source
        return INPUT if name is None else self.number(name)

    def number(self, name: str) -> int:
        """Number of the layer of this name."""
        return self._numbers[name]

    def streams(self, number: int) -> list[tuple[int, Pooling | None]]:
        """The layers whose spikes, pooled, are added to what layer ``number`` gives, the earliest
        first and itself last; itself alone where its join adds nothing."""
        join = self.model.layers[number].join if number >= 0 else None
        if join is None or join.kind is not None:
            return [(number, None)]
        source = self.number(join.source)
        before = self.streams(source) if join.feed.pool is None else [(source, join.feed.pool)]
        return [*before, (number, None)]

    def sources(self, number: int) -> list[int]:
        """All earlier layers whose spikes or currents come in, or `INPUT`."""
        layer = self.model.layers[number]
        taken = [self.source(layer), *(self.number(each.source) for each in layer.shortcuts
                                       if each.source != layer.name
                                       and not isinstance(each, CurrentShortcut))]
        joined = ([self.number(layer.join.source)]
                  if layer.join is not None and layer.join.kind is not None else [])
        spikes = [each for source in taken for each, _ in self.streams(source)]
        return [*spikes, *joined, *self.carried(number)]

    def carried(self, number: int) -> list[int]:
        """The layers whose current the layer adds, in order."""
        return [self.number(shortcut.source) for shortcut in self.model.layers[number].shortcuts
                if isinstance(shortcut, CurrentShortcut)]

    def last_use(self, number: int) -> int:
        """The last layer that reads layer ``number``; its own number where none does."""
        return max((other for other in range(len(self.model.layers))
                    if number in self.sources(other)), default=number)

    def max_value(self, number: int) -> int:
        """Largest value that layer ``number``, or the `INPUT`, gives."""
        return len(self.streams(number)) if number >= 0 else self.model.input.largest

    def shape(self, number: int) -> Shape:
        """What layer ``number``, or the `INPUT`, gives."""
        return self.model.layers[number].shape if number >= 0 else self.model.input.shape

    def _find_groups(self) -> tuple[tuple[int, ...], ...]:
        groups: list[set[int]] = []
        for number, layer in enumerate(self.model.layers):
            if layer.shortcuts:
                together = {number, *self.carried(number)}
                touched = [group for group in groups if group & together]
                groups = [group for group in groups if not group & together]
                groups.append(together.union(*touched))
        return tuple(tuple(sorted(group)) for group in sorted(groups, key=min))
