"""What an engine is in Amaranth: the components that a layer laid out for it is built of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar

from amaranth import Module, Signal, Value
from amaranth.lib import data, wiring

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.hdl.buffer import StreamRegister
from bsnn_hw.hdl.formats import event_group, index_width
from bsnn_hw.hdl.walk import FoldWalk
from bsnn_hw.ir.network import Synapse

__all__ = ["Between", "Hardware", "below"]


G = TypeVar("G", bound=Geometry)


def below(number: Value, limit: int) -> Value:
    """``number < limit`` without comparing more bits than it takes."""
    width = (limit - 1).bit_length()
    low = 1 if limit == 1 << width else number[:width] < limit
    return ~number[width:].any() & low


class Between(NamedTuple):
    """A component, its name, and its two streams of groups."""

    name: str
    component: wiring.Component
    given: Any
    taken: Any


class Hardware(ABC, Generic[G]):
    """The components of an engine; ``hdl/engines/registry.py`` finds them by the geometry."""

    # At the sequencer.

    def group(self, geometry: G, value_width: int) -> data.StructLayout:
        """What the synapses take at a time."""
        return event_group(lanes=geometry.lanes, row_width=index_width(geometry.rows),
                           value_width=value_width, row_count=geometry.row_count)

    def walk(self, geometry: G) -> wiring.Component:
        """Which rows an operation visits: all folds."""
        return FoldWalk(geometry.folds)

    @abstractmethod
    def synapses(self, geometry: G, synapse: Synapse, max_value: int,
                 pipelined: bool = False) -> wiring.Component:
        """What weighs a group's events."""

    # Behind another layer.

    @abstractmethod
    def link(self, geometry: G, *, depth: int, margin: int,
             pipelined: bool = False) -> wiring.Component:
        """Spike words to groups."""

    # Behind the network's input port.

    def entry_group(self, geometry: G, value_width: int) -> data.StructLayout:
        """What the input queue holds."""
        return self.group(geometry, value_width)

    def slot(self, geometry: G, slots: data.View, lane: int) -> tuple[data.View, Value]:
        """The slot of a beat that is a lane's, and the lane's value in it."""
        return slots[lane], slots[lane].value

    def entry_row(self, m: Module, geometry: G, lane: int, slots: data.View,
                  pushed: data.View) -> tuple[Value, Value]:
        """The row in its lane's bank of what a slot says, and whether there is such an input."""
        slot, _ = self.slot(geometry, slots, lane)
        # The last row is not full where the lanes do not divide the inputs evenly.
        return slot.row, below(slot.row, len(range(lane, geometry.inputs, geometry.lanes)))

    def entry(self, geometry: G, value_width: int,
              factors: tuple[int, ...] = ()) -> Between | None:
        """What stands between the input queue and the sequencer: the end of a walk, late in its
        cycle, says whether the layer is ready for a group.

        factors : by which values are multiplied there, one per channel of a map; empty for none
        """
        assert not factors
        if not geometry.port_register:
            return None
        register = StreamRegister(self.group(geometry, value_width))
        return Between("first", register, register.source, register.words)

    # Behind a port of bytes.

    def value_row(self, geometry: G) -> Signal:
        """A counter of the rows of values that come one after the other."""
        _, channels = geometry.values_shape
        return Signal(range(-(-channels // geometry.lanes)), name="row")

    def value_place(self, geometry: G) -> list[tuple[Signal, int]]:
        """Counters of the position that coming values belong to, and their limits, the fastest
        first."""
        return []

