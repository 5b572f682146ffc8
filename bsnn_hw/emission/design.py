"""The integer network and its schedule to Verilog files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.ir.bounds import HiddenBounds, ReadoutBounds, network_bounds
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.ports import PortLayout, port_layout
from bsnn_hw.ir.schedule import Geometry, Schedule, network_geometries
from bsnn_hw.sim.verilog import Observed, Verilog, to_verilog

__all__ = ["Design", "LayerProbe", "emit_verilog", "top_name"]


@dataclass(frozen=True)
class LayerProbe:
    """Where a spiking layer's neuron rows are seen in the Verilog.

    While ``firing`` is 1, ``charged`` holds ``parallel`` membrane potentials and ``fired`` as
    many spikes, of one row.  Rows come in the order of the layer's ``Raster``, timestep after
    timestep.
    """

    layer: str
    firing: Observed
    charged: Observed
    fired: Observed


@dataclass(frozen=True)
class Design:
    """Emitted Verilog and what one must know to drive it."""

    network: Network
    schedule: Schedule
    ports: PortLayout
    geometries: tuple[Geometry, ...]
    hidden_bounds: tuple[HiddenBounds, ...]
    readout_bounds: ReadoutBounds
    verilog: Verilog
    probes: tuple[LayerProbe, ...]


def top_name(network: Network) -> str:
    """A Verilog identifier made of the network's name."""
    name = re.sub(r"[^a-z0-9]+", "_", network.name.lower()).strip("_")
    return f"bsnn_{name}" if name else "bsnn"


def emit_verilog(network: Network, schedule: Schedule, folder: Path,
                 top: str | None = None) -> Design:
    """Write the network's Verilog into ``folder``, one file per module.

    Raises
    ------
    ToolError
        Yosys failed.
    """
    from bsnn_hw.emission.rtlil import to_rtlil
    from bsnn_hw.hdl.network import NetworkTop

    top = top or top_name(network)
    component = NetworkTop(network, schedule)
    text = to_rtlil(component, top)
    modules = {layer.name: f"{top}.layer_{layer.name}.neurons" for layer in network.hidden}
    signals = ("firing", "charged", "fired")
    verilog = to_verilog(text, folder, top, [(module, signal) for module in modules.values()
                                             for signal in signals])
    probes = tuple(LayerProbe(name, *(verilog.observed[module, signal] for signal in signals))
                   for name, module in modules.items())
    hidden, readout = network_bounds(network)
    return Design(network, schedule, port_layout(network, schedule),
                  network_geometries(network, schedule), hidden, readout, verilog, probes)
