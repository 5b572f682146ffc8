"""SPI by its address: Linux's spidev, an FTDI adapter, or a board behind a pseudo-terminal."""

from __future__ import annotations

import math
import time
from typing import Any, Protocol

from bsnn_hw.driver.line import Line, gone
from bsnn_hw.errors import ToolError
from bsnn_hw.link.frames import END

__all__ = ["EchoPort", "FtdiPort", "SpiLine", "SpiPort", "SpidevPort", "open_port"]

READ = 32  # bytes that are asked for at a time
LONGEST = 1024  # bytes of an exchange: spidev's buffer, and a pseudo-terminal's, have 4096
ECHO_PATIENCE = 10  # seconds in which a virtual board must give back some bytes


class SpiPort(Protocol):
    """A controller's SPI, mode 0, most significant bit first, with a chip select."""

    def exchange(self, data: bytes) -> bytes:
        """The bytes that come while ``data`` goes out, `LONGEST` at most."""

    def close(self) -> None:
        """Give it back."""


class SpiLine:
    """A board behind SPI as a line: it is asked, by bytes that say nothing, for what it has."""

    def __init__(self, port: SpiPort):
        self._port, self._heard = port, b""

    def write(self, data: bytes) -> None:
        """Send all of ``data``; what comes meanwhile is read later."""
        for place in range(0, len(data), LONGEST):
            self._heard += self._port.exchange(data[place:place + LONGEST])

    def read(self, seconds: float) -> bytes:
        """What has come; the board is asked once, however many ``seconds`` there are."""
        heard, self._heard = self._heard + self._port.exchange(bytes([END] * READ)), b""
        return heard

    def close(self) -> None:
        """Give the port back."""
        self._port.close()


class EchoPort:
    """A line that gives back a byte for each that it takes, as a virtual board with SPI does."""

    def __init__(self, line: Line):
        self._line = line

    def exchange(self, data: bytes) -> bytes:
        """The bytes that come while ``data`` goes out."""
        self._line.write(data)
        heard, end = b"", time.monotonic() + ECHO_PATIENCE
        while len(heard) < len(data):
            if time.monotonic() > end:
                raise ToolError(f"virtual board: must give a byte for each, and gave {len(heard)} "
                                f"for {len(data)} in {ECHO_PATIENCE} s; is it one with SPI?")
            heard += self._line.read(ECHO_PATIENCE)
        return heard

    def close(self) -> None:
        """Give the line back."""
        self._line.close()


class SpidevPort:
    """A device of Linux's spidev driver, ``/dev/spidevBUS.CS``, by the package of that name."""

    def __init__(self, path: str, hertz: int):
        import fcntl

        try:
            import spidev
        except ImportError:
            raise _missing("spidev") from None
        self._name, self._port = path, spidev.SpiDev()
        try:
            self._port.open_path(path)
            # Linux lets any number of programs open it.
            fcntl.flock(self._port.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._port.mode, self._port.max_speed_hz = 0, hertz
        except (OSError, TypeError, OverflowError) as error:
            self._port.close()
            raise _refused(path, error) from None

    def exchange(self, data: bytes) -> bytes:
        """The bytes that come while ``data`` goes out."""
        with gone(self._name):
            return bytes(self._port.xfer2(list(data)))

    def close(self) -> None:
        """Give the device back."""
        self._port.close()


class FtdiPort:
    """An FTDI adapter, ``ftdi://…`` as pyftdi names them; chip select is ADBUS3."""

    def __init__(self, url: str, hertz: int):
        try:
            from pyftdi.spi import SpiController
            from pyftdi.usbtools import UsbToolsError
        except ImportError:
            raise _missing("pyftdi") from None
        self._name, self._controller = url, SpiController()
        try:
            self._controller.configure(url)
            self._port: Any = self._controller.get_port(
                0, freq=_divided(self._controller.frequency_max, hertz), mode=0)
        except (OSError, ValueError, UsbToolsError) as error:  # FtdiError is an OSError
            self._controller.close()
            raise _refused(url, error) from None

    def exchange(self, data: bytes) -> bytes:
        """The bytes that come while ``data`` goes out."""
        with gone(self._name):
            return bytes(self._port.exchange(data, duplex=True))

    def close(self) -> None:
        """Give the adapter back."""
        self._controller.close()


def _divided(clock: float, hertz: float) -> float:
    """The fastest whole part of ``clock`` up to ``hertz``; pyftdi itself takes the nearest."""
    return clock / max(1, math.ceil(clock / hertz))


def _missing(package: str) -> ToolError:
    return ToolError(f"{package}: must be installed for this address; pip install {package}")


def _refused(name: str, error: Exception) -> ToolError:
    return ToolError(f"{name}: must be SPI that nobody else uses, {error}")


def open_port(place: str, hertz: int) -> SpiPort:
    """The SPI at ``/dev/spidevBUS.CS`` or ``ftdi://…``.

    hertz : of SCK, at most

    Raises
    ------
    ToolError
        It is not there, somebody else has it, or a package is missing.
    """
    kind = FtdiPort if place.startswith("ftdi:") else SpidevPort
    return kind(place, hertz)
