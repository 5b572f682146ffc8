"""What a plan costs and how fast it is, before anything is synthesized."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.families import Cost, Family
from bsnn_hw.devices.parts import Rows
from bsnn_hw.ir.bounds import HiddenBounds, ReadoutBounds, network_bounds
from bsnn_hw.ir.byte_port import Port
from bsnn_hw.ir.network import Network, SynapseShortcut
from bsnn_hw.ir.schedule import Schedule, network_geometries, shortcut_geometries
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.structure import (
    engine_parts,
    layer_delay,
    neuron_parts,
    output_margin,
    total,
    weight_parts,
)
from bsnn_hw.planning.supply import supply_parts
from bsnn_hw.planning.throughput import throughput

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
    times = throughput(network, schedule, activity)
    costs = LayerCosts(network, family, activity[0].feed.port)
    return Forecast(costs.of(schedule), times.layers, times.cycles)


class LayerCosts:
    """What the layers of plans take of a part of ``family``; each is worked out once.

    port : of the network's input
    """

    def __init__(self, network: Network, family: Family, port: Port | None = None):
        hidden, readout = network_bounds(network)
        self._network, self._family, self._port = network, family, port
        self._bounds: tuple[HiddenBounds | ReadoutBounds, ...] = (*hidden, readout)
        self._margins: list[int] = []
        self._known: dict[tuple, Cost] = {}

    def of(self, schedule: Schedule) -> tuple[Cost, ...]:
        """Cost of each layer, the readout last; the input port belongs to the first."""
        geometries = network_geometries(self._network, schedule)
        shortcuts = (*shortcut_geometries(self._network, schedule), ())
        self._margins = [
            output_margin(layer, layer_delay(layer, geometry, others))
            for layer, geometry, others in zip(self._network.hidden, geometries, shortcuts,
                                               strict=False)]
        return tuple(self._layer(schedule, number, geometry, others)
                     for number, (geometry, others) in enumerate(zip(geometries, shortcuts,
                                                                     strict=True)))

    def _layer(self, schedule, number, geometry, others):
        layer, bounds = self._network.layers[number], self._bounds[number]
        # Everything that its parts depend on.
        rows = Rows(schedule.block_rows, schedule.constant_rows)
        key = (number, rows, schedule.layers[number], geometry.source_width,
               self._margin(number, layer),
               tuple(other and other.source_width for other in others),
               tuple(self._margin(number, each)
                     for each in getattr(layer, "shortcuts", ())))
        if key in self._known:
            return self._known[key]
        parts = [*self._engine(schedule, number, layer, bounds.acc, geometry),
                 neuron_parts(layer, bounds, geometry.raster, rows)]
        for shortcut, other, sums in zip(getattr(layer, "shortcuts", ()), others,
                                         getattr(bounds, "shortcuts", ()), strict=True):
            if isinstance(shortcut, SynapseShortcut) and other is not None:
                parts += self._engine(schedule, number, shortcut, sums, other)
        self._known[key] = self._family.cost(total(parts))
        return self._known[key]

    def _engine(self, schedule, number, reader, sums, geometry):
        margin = self._margin(number, reader)
        rows = Rows(schedule.block_rows, schedule.constant_rows)
        return [supply_parts(self._network, number, geometry, margin, reader, self._port),
                engine_parts(self._network, number, reader.synapse, sums, geometry, rows),
                weight_parts(reader.synapse, geometry)]

    def _margin(self, number, reader):
        giver = number - reader.back
        return self._margins[giver] if giver >= 0 else 0
