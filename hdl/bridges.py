"""All bridges in Amaranth, by the name that a user calls them."""

from __future__ import annotations

from bsnn_hw.hdl.spi import SpiWire
from bsnn_hw.hdl.uart import UartWire
from bsnn_hw.hdl.wire import Wire
from bsnn_hw.link.bridge import Bridge

__all__ = ["make_wire"]


def make_wire(bridge: Bridge, divisor: int) -> Wire:
    """The wire of ``bridge``; divisor : int, clock cycles of a bit on a serial line."""
    match bridge:
        case Bridge.UART:
            return UartWire(divisor)
        case Bridge.SPI:
            return SpiWire()
