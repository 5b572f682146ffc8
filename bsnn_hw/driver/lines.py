"""Lines by their address: a serial port, SPI, a pseudo-terminal, a virtual board."""

from __future__ import annotations

import os
import select
import sys
from contextlib import ExitStack
from pathlib import Path

from bsnn_hw.child import environment
from bsnn_hw.driver.line import Line, gone
from bsnn_hw.driver.spi import EchoPort, SpiLine, open_port
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.link.bridge import Bridge
from bsnn_hw.processes import started

__all__ = ["DEFAULT_BAUD", "Line", "open_line"]

DEFAULT_BAUD = 115_200
WRITE_PATIENCE = 10  # seconds in which a line must take some bytes


class PtyLine:
    """A pseudo-terminal, behind which a simulated board may be."""

    def __init__(self, path: Path):
        import fcntl
        import termios
        import tty

        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise ToolError(_no_terminal(path, error)) from None
        try:
            tty.setraw(self._file)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (OSError, termios.error) as error:
            os.close(self._file)
            if isinstance(error, BlockingIOError):
                raise ToolError(f"{path}: must be a pseudo-terminal that nobody else uses; end "
                                "the other program") from None
            raise ToolError(_no_terminal(path, error)) from None

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        while data:
            _, ready, _ = select.select([], [self._file], [], WRITE_PATIENCE)
            if not ready:
                raise ToolError(f"{self._path}: must take bytes, and has taken none for "
                                f"{WRITE_PATIENCE} s; is what offers it running?")
            with gone(self._path):
                data = data[os.write(self._file, data):]

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        with gone(self._path):
            data = os.read(self._file, 1 << 16) if ready else b""
            if ready and not data:
                raise OSError("its other end is closed")
        return data

    def close(self) -> None:
        """Give the line back."""
        os.close(self._file)


def _no_terminal(path: Path, error: Exception) -> str:
    return f"{path}: must be a pseudo-terminal, {error}; is what offers it running?"


class SerialLine:
    """A serial port, by pyserial."""

    def __init__(self, port: str, baud: int):
        try:
            import serial
        except ImportError:
            raise ToolError("pyserial: must be installed for serial ports; pip install pyserial") \
                from None
        self._name = port
        try:
            self._port = serial.Serial(port, baud, timeout=0, write_timeout=WRITE_PATIENCE,
                                       exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise ToolError(f"{port}: must be a serial port that nobody else uses, {error}") \
                from None

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        with gone(self._name):
            self._port.write(data)

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""
        with gone(self._name):
            self._port.timeout = seconds
            first = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""

    def close(self) -> None:
        """Give the line back."""
        self._port.close()


class VirtualLine(PtyLine):
    """A board's folder, simulated by a child process of this one."""

    def __init__(self, folder: Path):
        self._running = ExitStack()
        try:
            super().__init__(self._started(folder))
        except BaseException:
            self._running.close()
            raise

    def _started(self, folder: Path) -> Path:
        """Its pseudo-terminal."""
        command = [sys.executable, "-m", "bsnn_hw.virtual", "-q", str(folder.absolute())]
        child = self._running.enter_context(started(command, env=environment()))
        assert child.stdout is not None and child.stderr is not None
        self._child = child.pid
        for line in child.stdout:
            word, _, name = line.strip().partition(" ")
            if word == "device":
                return Path(name.strip())
        reason = child.stderr.read().strip().rpartition("\n")[2]
        raise ToolError(reason.partition("bsnn_hw.virtual: ")[2] or
                        f"{folder}: must start as a virtual board, {reason or 'said nothing'}")

    def close(self) -> None:
        """End the board."""
        super().close()
        self._running.close()


def open_line(address: str, baud: int | None = None, bridge: Bridge = Bridge.UART) -> Line:
    """The line at ``serial:PORT``, ``spi:PORT``, ``pty:PATH`` or ``virtual:FOLDER``.

    baud : bits a second; of SPI at most
    bridge : of the board

    Raises
    ------
    InputError
        The address is of no such kind, or not of the board's bridge.
    ToolError
        The line is not there, or somebody else has it.
    """
    kind, colon, place = address.partition(":")
    spi = bridge is Bridge.SPI
    if kind == ("serial" if spi else "spi"):
        raise InputError(f"address: must be {'spi' if spi else 'serial'}:PORT, pty:PATH or "
                         f"virtual:FOLDER for this board, which is behind "
                         f"{'SPI' if spi else 'a serial line'}, not {address[:80]!r}")
    match kind if colon and place else "":
        case "serial":
            return SerialLine(place, baud or DEFAULT_BAUD)
        case "spi":
            return SpiLine(open_port(place, baud or DEFAULT_BAUD))
        case "pty":
            line: Line = PtyLine(Path(place))
        case "virtual":
            line = VirtualLine(Path(place))
        case _:
            raise InputError(f"address: must be serial:PORT, spi:PORT, pty:PATH or "
                             f"virtual:FOLDER, not {address[:80]!r}")
    return SpiLine(EchoPort(line)) if spi else line
