"""What a plan costs and how fast it is, before anything is synthesized."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.families import Cost, Family
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Port, Schedule
from bsnn_hw.layout.blocks import Layer, Output
from bsnn_hw.layout.build import Builder
from bsnn_hw.planning.activity import Activity, port_of
from bsnn_hw.planning.throughput import layout_throughput

__all__ = ["Forecast", "LayerCosts", "forecast"]


@dataclass(frozen=True)
class Forecast:
    """Of a whole plan.

    layers : Cost of each, the readout last; the input port belongs to the first
    layer_cycles : mean cycles per inference that each is busy
    cycles : mean cycles per inference, back to back
    """

    layers: tuple[Cost, ...]
    layer_cycles: tuple[float, ...]
    cycles: float

    @property
    def cost(self) -> Cost:
        """Of all layers."""
        return sum(self.layers, Cost())

    def speed(self, clock: float) -> float:
        """Inferences per second at ``clock`` MHz."""
        return clock * 1e6 / self.cycles


def forecast(network: Network, schedule: Schedule, activity: Activity,
             family: Family) -> Forecast:
    """What ``schedule`` takes of a part of ``family``, and its cycles at this activity."""
    layout = Builder(network, port_of(activity)).layout(schedule)
    times = layout_throughput(layout, activity)
    costs = tuple(family.cost(block.parts()) for block in layout.blocks)
    return Forecast(costs, times.layers, times.cycles)


class LayerCosts:
    """What the layers of plans take of a part of ``family``; each is worked out once."""

    def __init__(self, network: Network, family: Family, port: Port = Port.EVENTS):
        self._builder, self._family = Builder(network, port), family
        self._known: dict[Layer | Output, Cost] = {}

    def of(self, schedule: Schedule) -> tuple[Cost, ...]:
        """Cost of each layer, the readout last; the input port belongs to the first."""
        return tuple(self._cost(block) for block in self._builder.layout(schedule).blocks)

    def _cost(self, block: Layer | Output) -> Cost:
        if block not in self._known:
            self._known[block] = self._family.cost(block.parts())
        return self._known[block]
