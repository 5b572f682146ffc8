"""The integer network and its schedule to Verilog files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.emission.notes import module_notes
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Port, Schedule
from bsnn_hw.layout.build import Layout, build_layout
from bsnn_hw.ports.port import Stimulus
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.verilog.write import Observed, Verilog, to_verilog

__all__ = ["Design", "LayerProbe", "emit_verilog", "top_name"]


@dataclass(frozen=True)
class LayerProbe:
    """Where a spiking layer's neuron rows are seen in the Verilog.

    While ``firing`` is 1, ``charged`` holds the membrane potentials of a row and ``fired`` its
    spikes.  Rows come in the order of the neurons' ``Raster``, timestep after timestep.
    """

    layer: str
    firing: Observed
    charged: Observed
    fired: Observed


@dataclass(frozen=True)
class Design:
    """Emitted Verilog and what one must know to drive it."""

    layout: Layout
    verilog: Verilog
    probes: tuple[LayerProbe, ...]

    @property
    def network(self) -> Network:
        """What it computes."""
        return self.layout.network

    @property
    def schedule(self) -> Schedule:
        """The plan that it follows."""
        return self.layout.schedule

    @property
    def port(self) -> Port:
        """Of the top level."""
        return self.layout.port

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """Every layer laid out, the readout last."""
        return self.layout.geometries

    @property
    def identifier(self) -> str:
        """16 hexadecimal digits, of the Verilog: what a board says that it holds."""
        text = b"".join(path.read_bytes() for path in self.verilog.paths)
        return hashlib.sha256(text).hexdigest()[:16]

    def stimulus(self, inputs: np.ndarray, resets: np.ndarray | None = None) -> Stimulus:
        """Beats of samples, a packet each, as the top level takes them.

        inputs : integers, (N, size) for direct coding or (N, T, size) for events
        resets : bool (N,), before which samples a stateful network's state is reset; None for none
        """
        port, slots = PORTS[self.port], self.layout.slots
        found = port.stimulus(self.network, self.geometries[0], slots, inputs)
        if not self.network.stateful:
            return found
        resets = np.zeros(len(inputs), bool) if resets is None else resets
        return found.with_resets(resets, port.reset_bit(slots))


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
    from bsnn_hw.hdl.ports import top_level
    from bsnn_hw.verilog.rtlil import to_rtlil

    top = top or top_name(network)
    layout = build_layout(network, schedule, port)
    component, inside = top_level(layout)
    text = to_rtlil(component, top)
    modules = {layer.name: f"{top}{inside}.layer_{layer.name}.neurons" for layer in network.hidden}
    signals = ("firing", "charged", "fired")
    verilog = to_verilog(text, folder, top, [(module, signal) for module in modules.values()
                                             for signal in signals],
                         module_notes(layout, top, inside))
    probes = tuple(LayerProbe(name, *(verilog.observed[module, signal] for signal in signals))
                   for name, module in modules.items())
    return Design(layout, verilog, probes)
