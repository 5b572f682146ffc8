"""All ports in Amaranth, by the name that a user calls them."""

from __future__ import annotations

from amaranth.lib import wiring

from bsnn_hw.hdl.byte_port import ByteTop
from bsnn_hw.hdl.network import NetworkTop
from bsnn_hw.hdl.stateful import StatefulTop
from bsnn_hw.ir.schedule import Port
from bsnn_hw.layout.build import Layout

__all__ = ["top_level"]

# The top level, and where the network is in it.
_TOPS = {Port.EVENTS: (NetworkTop, ""), Port.BYTES: (ByteTop, ".network")}


def top_level(layout: Layout, *, counted: bool = False) -> tuple[wiring.Component, str]:
    """The circuit of ``layout``, and what the path of its network ends with.

    counted : bool, with ``activity``
    """
    component, inside = _TOPS[layout.port]
    top = component(layout, counted=counted)
    return (StatefulTop(top), f".network{inside}") if layout.network.stateful else (top, inside)
