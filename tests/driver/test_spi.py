"""SPI from Python: the packages' calls, and one line of error where there is nothing behind them.

tests/boards/test_virtual.py puts the emitted Verilog behind the same calls.
"""

import fcntl
import inspect
import sys
import time

import numpy as np
import pytest

from bsnn_hw.driver import Device, DeviceError
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.driver.lines import open_line
from bsnn_hw.driver.spi import EchoPort, SpiLine, _divided
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.link.bridge import Bridge
from tests.driver import spi_packages
from tests.driver.test_device import FACTS, Board, wanted
from tests.for_each import for_each

SPI_FACTS = BoardFacts(**{**FACTS.__dict__, "bridge": Bridge.SPI, "baud": 1_500_000})
FTDI = "ftdi://ftdi:232h/1"


def exchange_of(board):
    """What a controller does with a board in Python: a byte for each, END where there is none."""
    waiting = bytearray()

    def exchange(data):
        found = bytes(waiting[:len(data)])
        del waiting[:len(data)]
        board.write(data)
        waiting.extend(board.read(0))
        return found.ljust(len(data), b"\xc0")
    return exchange


def install(monkeypatch, modules):
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return next(iter(modules.values()))


@pytest.fixture
def folder(tmp_path):
    SPI_FACTS.write(tmp_path)
    return tmp_path


@for_each("package", ["spidev", "pyftdi"])
def test_scores(folder, monkeypatch, package):
    install(monkeypatch, getattr(spi_packages, package)(exchange_of(Board(SPI_FACTS))))
    (folder / "device").touch()
    samples = np.random.default_rng(0).integers(0, 16, (5, 3, 2, 2))
    with Device.open(f"spi:{FTDI if package == 'pyftdi' else folder / 'device'}", folder) as device:
        np.testing.assert_array_equal(device.scores(samples), wanted(samples))
        assert device.statistics.timeouts == device.statistics.damaged_in == 0


def test_what_comes_while_a_frame_goes_out_is_kept():
    line = SpiLine(EchoPort(Loop()))
    line.write(b"abc" * 2000)
    assert line.read(1) == b"abc" * 2000 + b"\xc0" * 32


class Loop:
    """A line that gives its bytes back."""

    def __init__(self):
        self.held = b""

    def write(self, data):
        self.held += data

    def read(self, seconds):
        data, self.held = self.held[:100], self.held[100:]
        return data

    def close(self):
        pass


def test_a_virtual_board_that_gives_back_too_little(monkeypatch):
    monkeypatch.setattr("bsnn_hw.driver.spi.ECHO_PATIENCE", 0.05)
    loop = Loop()
    loop.write = lambda data: setattr(loop, "held", data[1:])
    with pytest.raises(ToolError, match=r"must give a byte for each, and gave 2 for 3 in 0.05 s"):
        SpiLine(EchoPort(loop)).write(b"abc")


@for_each("clock, hertz, found", [(30e6, 1.5e6, 1.5e6), (30e6, 4.3125e6, 30e6 / 7),
                                  (6e6, 4.3125e6, 3e6), (6e6, 30e6, 6e6)])
def test_an_adapter_is_never_faster_than_the_board_takes(clock, hertz, found):
    assert _divided(clock, hertz) == pytest.approx(found)


def test_less_speed_for_long_wires(folder, monkeypatch):
    module = install(monkeypatch, spi_packages.pyftdi(exchange_of(Board(SPI_FACTS))))
    Device.open(f"spi:{FTDI}", folder, hertz=400_000).close()
    assert module.frequency == 400_000 and module.closed
    for hertz in (0, -1, 1_500_001):
        with pytest.raises(InputError, match=rf"hertz: must be 1\.\.1500000 with .* not {hertz}"):
            Device.open(f"spi:{FTDI}", folder, hertz=hertz)
    FACTS.write(folder)
    with pytest.raises(InputError, match=r"hertz: must be .*absent with a serial line"):
        Device.open("serial:/dev/ttyUSB0", folder, hertz=1000)


@for_each("byte", [0x00, 0xFF, 0xC0])
def test_nobody_there(byte):
    """An open MISO reads as one level; a board that only says END is silent."""
    line = SpiLine(type("Port", (), {"exchange": lambda self, data: bytes([byte]) * len(data)})())
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"^board: must answer, and does not, asked 3 times"):
        Device(line, SPI_FACTS, patience=0.05, attempts=3)
    assert time.monotonic() - started < 2


def test_an_adapter_that_is_unplugged(folder, monkeypatch):
    there, board = [True], exchange_of(Board(SPI_FACTS))

    def exchange(data):
        if not there:
            raise OSError(19, "No such device")
        return board(data)

    install(monkeypatch, spi_packages.pyftdi(exchange))
    device = Device.open(f"spi:{FTDI}", folder)
    there.clear()
    with pytest.raises(ToolError, match=rf"^{FTDI}: must stay connected, .*No such device; plug"):
        device.scores(np.zeros((1, 12), int))


def test_another_program_has_it(folder, monkeypatch):
    install(monkeypatch, spi_packages.spidev(None))
    with (folder / "device").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ToolError, match="must be SPI that nobody else uses"):
            Device.open(f"spi:{folder / 'device'}", folder)


def test_nothing_there(folder, monkeypatch):
    install(monkeypatch, spi_packages.spidev(None))
    install(monkeypatch, modules := spi_packages.pyftdi(None))
    with pytest.raises(ToolError, match=r"must be SPI that nobody else uses, .*No such file"):
        open_line(f"spi:{folder}/none", bridge=Bridge.SPI)
    with pytest.raises(ToolError, match="must be SPI that nobody else uses, No USB device"):
        open_line("spi:ftdi://ftdi:4232h/1", bridge=Bridge.SPI)
    assert modules["pyftdi"].closed


@for_each("package", ["spidev", "pyftdi.spi"])
def test_a_package_that_is_missing(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    name = package.split(".")[0]
    with pytest.raises(ToolError, match=rf"^{name}: must be installed .*pip install {name}$"):
        open_line(f"spi:{FTDI if name == 'pyftdi' else '/dev/spidev0.0'}", bridge=Bridge.SPI)


@for_each("address, bridge, message", [
    ("spi:/dev/spidev0.0", Bridge.UART, r"must be serial:PORT, .*which is behind a serial line"),
    ("serial:/dev/ttyUSB0", Bridge.SPI, r"must be spi:PORT, .*which is behind SPI"),
    ("spi:", Bridge.SPI, r"must be serial:PORT, spi:PORT, pty:PATH or virtual:FOLDER")])
def test_addresses(address, bridge, message):
    with pytest.raises(InputError, match=rf"^address: {message}"):
        open_line(address, bridge=bridge)


@pytest.mark.wide
def test_the_real_spidev_finds_no_spi():
    pytest.importorskip("spidev")
    with pytest.raises(ToolError, match=r"^/dev/null: must be SPI that nobody else uses"):
        open_line("spi:/dev/null", bridge=Bridge.SPI)


@pytest.mark.wide
def test_the_real_pyftdi_finds_no_adapter():
    spi = pytest.importorskip("pyftdi.spi")
    inspect.signature(spi.SpiPort.exchange).bind(None, b"", duplex=True)
    inspect.signature(spi.SpiController.get_port).bind(None, 0, freq=1e6, mode=0)
    assert isinstance(spi.SpiController.frequency_max, property)
    with pytest.raises(ToolError, match="must be SPI that nobody else uses"):
        open_line("spi:ftdi://ftdi:232h:no-such-serial/1", bridge=Bridge.SPI)
