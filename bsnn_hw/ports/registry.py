"""All ports."""

from __future__ import annotations

from bsnn_hw.ir.schedule import Port
from bsnn_hw.ports.bytes import BytePort
from bsnn_hw.ports.events import EventPort
from bsnn_hw.ports.port import PortKind

__all__ = ["PORTS"]

PORTS: dict[Port, PortKind] = {each.port: each for each in (EventPort(), BytePort())}
