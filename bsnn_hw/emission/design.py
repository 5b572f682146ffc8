"""The integer network and its schedule to Verilog files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.ir.bounds import HiddenBounds, ReadoutBounds, network_bounds
from bsnn_hw.ir.byte_port import BytePort, Port, byte_port, sample_bytes
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.ports import PortLayout, port_layout
from bsnn_hw.ir.schedule import Geometry, Schedule, network_geometries
from bsnn_hw.sim.stimulus import Stimulus, pack
from bsnn_hw.verilog.write import Observed, Verilog, to_verilog

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
    """Emitted Verilog and what one must know to drive it.

    ports : of the network with event slots; where ``port`` is bytes, they are inside
    """

    network: Network
    schedule: Schedule
    ports: PortLayout
    geometries: tuple[Geometry, ...]
    hidden_bounds: tuple[HiddenBounds, ...]
    readout_bounds: ReadoutBounds
    verilog: Verilog
    probes: tuple[LayerProbe, ...]
    port: Port = Port.EVENTS

    @property
    def byte_port(self) -> BytePort | None:
        """The narrow ports, None where the top level has those of ``ports``."""
        return byte_port(self.network) if self.port is Port.BYTES else None

    def stimulus(self, inputs: np.ndarray) -> Stimulus:
        """Beats of samples, a packet each, as the top level takes them.

        inputs : integers, (N, size) for direct coding or (N, T, size) for events
        """
        if self.port is Port.EVENTS:
            return pack(self.geometries[0], slot_width=self.ports.slot_width,
                        value_width=self.ports.value_width, inputs=inputs)
        values = sample_bytes(self.network, inputs)
        last, mark = np.zeros(values.shape, bool), np.zeros(values.size, bool)
        last[:, -1, -1] = True
        return Stimulus(values.reshape(-1, 1), last.ravel(), mark)


def top_name(network: Network) -> str:
    """A Verilog identifier made of the network's name."""
    name = re.sub(r"[^a-z0-9]+", "_", network.name.lower()).strip("_")
    return f"bsnn_{name}" if name else "bsnn"


def emit_verilog(network: Network, schedule: Schedule, folder: Path,
                 top: str | None = None, port: Port = Port.EVENTS) -> Design:
    """Write the network's Verilog into ``folder``, one file per module.

    Raises
    ------
    ToolError
        Yosys failed.
    """
    from bsnn_hw.hdl.byte_port import ByteTop
    from bsnn_hw.hdl.network import NetworkTop
    from bsnn_hw.verilog.rtlil import to_rtlil

    top = top or top_name(network)
    narrow = port is Port.BYTES
    component = ByteTop(network, schedule) if narrow else NetworkTop(network, schedule)
    text = to_rtlil(component, top)
    inside = f"{top}.network" if narrow else top
    modules = {layer.name: f"{inside}.layer_{layer.name}.neurons" for layer in network.hidden}
    signals = ("firing", "charged", "fired")
    verilog = to_verilog(text, folder, top, [(module, signal) for module in modules.values()
                                             for signal in signals])
    probes = tuple(LayerProbe(name, *(verilog.observed[module, signal] for signal in signals))
                   for name, module in modules.items())
    hidden, readout = network_bounds(network)
    return Design(network, schedule, port_layout(network, schedule),
                  network_geometries(network, schedule), hidden, readout, verilog, probes, port)
