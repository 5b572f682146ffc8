"""What a board's host is connected by."""

from __future__ import annotations

import enum

__all__ = ["INPUTS", "OUTPUTS", "RESTS_HIGH", "SPI_CYCLES", "Bridge"]

SPI_CYCLES = 8  # of a board's clock in a period of SCK, at least


class Bridge(enum.StrEnum):
    """Each carries the same frames, link/frames.py."""

    UART = "uart"  # a serial line, 8 data bits, no parity, one stop bit
    SPI = "spi"  # mode 0, the board as the peripheral


# A board's ports for each; hdl/bridges.py makes them.
INPUTS = {Bridge.UART: ("rx",), Bridge.SPI: ("sck", "mosi", "cs_n")}
OUTPUTS = {Bridge.UART: ("tx",), Bridge.SPI: ("miso",)}
RESTS_HIGH = ("rx", "cs_n")  # inputs that are 1 while nobody says anything
