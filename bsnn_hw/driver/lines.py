"""Serial lines by their address: a port of this machine, a pseudo-terminal, a virtual board."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from bsnn_hw.child import environment
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.link.bridge import Bridge
from bsnn_hw.link.frames import END
from bsnn_hw.processes import started

__all__ = ["DEFAULT_BAUD", "Line", "open_line"]

DEFAULT_BAUD = 115_200
READ = 32  # bytes that SPI is asked for at a time
WRITE_PATIENCE = 10  # seconds in which a line must take some bytes


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
            with _gone(self._path):
                data = data[os.write(self._file, data):]

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        with _gone(self._path):
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
        with _gone(self._name):
            self._port.write(data)

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""
        with _gone(self._name):
            self._port.timeout = seconds
            first = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""

    def close(self) -> None:
        """Give the line back."""
        self._port.close()


@contextmanager
def _gone(name: Path | str) -> Iterator[None]:
    """What a line says when it is unplugged, or what offers it has ended."""
    try:
        yield
    except OSError as error:
        raise ToolError(f"{name}: must stay connected, {error}; plug it in, or start the board "
                        "again") from None


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


class SpiLine:
    """SPI behind a line that gives back a byte for each that it takes, as a virtual board does."""

    def __init__(self, line: Line):
        self._line = line

    def write(self, data: bytes) -> None:
        """Send all of ``data``; what comes meanwhile is read later."""
        self._line.write(data)

    def read(self, seconds: float) -> bytes:
        """What comes for as many bytes that say nothing."""
        self._line.write(bytes([END] * READ))
        return self._line.read(seconds)

    def close(self) -> None:
        """Give the line back."""
        self._line.close()


def open_line(address: str, baud: int | None = None, bridge: Bridge = Bridge.UART) -> Line:
    """The line at ``serial:PORT``, ``pty:PATH`` or ``virtual:FOLDER``.

    bridge : of the board; SPI is there behind a virtual board's pseudo-terminal only

    Raises
    ------
    InputError
        The address is of no such kind, or SPI is not to be had there.
    ToolError
        The line is not there, or somebody else has it.
    """
    kind, colon, place = address.partition(":")
    if bridge is Bridge.SPI:
        if kind == "serial":
            raise InputError("address: must be pty:PATH or virtual:FOLDER for a board behind SPI; "
                             "a real one is a microcontroller's, with the C driver")
        return SpiLine(open_line(address))
    match kind if colon and place else "":
        case "serial":
            return SerialLine(place, baud or DEFAULT_BAUD)
        case "pty":
            return PtyLine(Path(place))
        case "virtual":
            return VirtualLine(Path(place))
        case _:
            raise InputError(f"address: must be serial:PORT, pty:PATH or "
                             f"virtual:FOLDER, not {address[:80]!r}")
