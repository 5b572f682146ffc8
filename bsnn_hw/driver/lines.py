"""Serial lines by their address: a port of this machine, or a pseudo-terminal."""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import Protocol

from bsnn_hw.errors import InputError, ToolError

__all__ = ["DEFAULT_BAUD", "Line", "open_line"]

DEFAULT_BAUD = 115_200


class Line(Protocol):
    """Bytes both ways."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""

    def close(self) -> None:
        """Give the line back."""


class PtyLine:
    """A pseudo-terminal, behind which a simulated board may be."""

    def __init__(self, path: Path):
        import termios
        import tty

        try:
            self._file = os.open(path, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self._file)
        except (OSError, termios.error) as error:
            raise ToolError(f"{path}: must be a pseudo-terminal, {error}; is what "
                            "offers it running?") from None

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        while data:
            data = data[os.write(self._file, data):]

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        return os.read(self._file, 1 << 16) if ready else b""

    def close(self) -> None:
        """Give the line back."""
        os.close(self._file)


class SerialLine:
    """A serial port, by pyserial."""

    def __init__(self, port: str, baud: int):
        try:
            import serial
        except ImportError:
            raise ToolError("pyserial: must be installed for serial ports; pip install pyserial") \
                from None
        try:
            self._port = serial.Serial(port, baud, timeout=0, write_timeout=10, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise ToolError(f"{port}: must be a serial port that nobody else uses, {error}") \
                from None

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        self._port.write(data)

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""
        self._port.timeout = seconds
        first = self._port.read(1)
        return first + self._port.read(self._port.in_waiting) if first else b""

    def close(self) -> None:
        """Give the line back."""
        self._port.close()


def open_line(address: str, baud: int | None = None) -> Line:
    """The line at ``serial:PORT`` or ``pty:PATH``.

    Raises
    ------
    InputError
        The address is of no such kind.
    ToolError
        The line is not there, or somebody else has it.
    """
    kind, colon, place = address.partition(":")
    match kind if colon and place else "":
        case "serial":
            return SerialLine(place, baud or DEFAULT_BAUD)
        case "pty":
            return PtyLine(Path(place))
        case _:
            raise InputError(f"address: must be serial:PORT or pty:PATH, not "
                             f"{address[:80]!r}")
