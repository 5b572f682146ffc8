"""A board's folder behind a pseudo-terminal, met as a user meets it."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from bsnn_hw import virtual
from bsnn_hw.boards.virtual import virtual_board
from bsnn_hw.driver import Device, DeviceError
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.driver.lines import PtyLine
from bsnn_hw.driver.spi import EchoPort
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.reference.network import run
from tests.driver import spi_packages
from tests.for_each import for_each


def processor_seconds(process):
    """Of a process and its threads, so far."""
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alive(process):
    """Whether it runs; what has ended and waits to be asked for does not."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_scores_are_the_reference_s(board):
    network, inputs, folder = board
    with Device.open(f"virtual:{folder}") as device:
        np.testing.assert_array_equal(device.scores(inputs),
                                      run(network, inputs, potentials=False).scores)
        child = device._line._child
        assert alive(child)
    assert not alive(child)


def test_scores_over_spi(board, spi_board):
    network, inputs, _ = board
    with Device.open(f"virtual:{spi_board}") as device:
        np.testing.assert_array_equal(device.scores(inputs),
                                      run(network, inputs, potentials=False).scores)
        assert device.statistics.damaged_in == 0
    with pytest.raises(InputError, match=r"must be spi:PORT, pty:PATH or virtual:FOLDER for this"):
        Device.open("serial:/dev/ttyUSB0", spi_board)


@for_each("package", ["spidev", "pyftdi"])
def test_scores_over_a_controller_s_package(board, spi_board, monkeypatch, package):
    """The calls of spidev and pyftdi are taken by the virtual board."""
    network, inputs, _ = board
    with virtual_board(spi_board) as running:
        pins = EchoPort(PtyLine(running.device))
        modules = getattr(spi_packages, package)(pins.exchange)
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        place = "ftdi://ftdi:232h/1" if package == "pyftdi" else spi_board / "link.json"
        with Device.open(f"spi:{place}", spi_board) as device:
            np.testing.assert_array_equal(device.scores(inputs),
                                          run(network, inputs, potentials=False).scores)
            assert device.statistics.damaged_in == device.statistics.timeouts == 0
        pins.close()


def test_the_verb_prints_a_device_that_another_program_opens(board):
    network, inputs, folder = board
    child = subprocess.Popen([sys.executable, "-m", "bsnn_hw.virtual", str(folder)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first, second = child.stdout.readline(), child.stdout.readline()
        assert first.startswith(f"board     circuit {BoardFacts.read(folder).identifier}, 4 clock")
        word, name = second.split()
        assert word == "device"
        for _ in range(2):  # programs come and go
            with Device.open(f"pty:{name}", folder) as device:
                assert device.classify(inputs[:1]).tolist() == run(
                    network, inputs[:1], potentials=False).classes.tolist()
        child.terminate()
        _, complaints = child.communicate(timeout=10)
        assert child.returncode == 143 and complaints == (
            "python -m bsnn_hw.virtual: interrupted\n")
    finally:
        child.kill()
        child.communicate()


@pytest.mark.wide
def test_it_sleeps_until_something_comes(board):
    folder = board[2]
    with virtual_board(folder) as running:
        time.sleep(0.5)
        before = processor_seconds(running.process.pid)
        time.sleep(1)
        assert processor_seconds(running.process.pid) - before < 0.2
        with Device.open(f"pty:{running.device}", folder):
            pass  # it said hello


def test_a_board_that_ends_is_a_line_of_error(board):
    _, inputs, folder = board
    with virtual_board(folder) as running:
        device = Device.open(f"pty:{running.device}", folder)
        running.process.kill()
        running.process.wait()
        with pytest.raises(ToolError, match=r"must stay connected, .*plug it in, or start the"):
            device.scores(inputs)


def test_a_terminal_that_somebody_else_has(board):
    folder = board[2]
    with virtual_board(folder) as running, Device.open(f"pty:{running.device}", folder), \
            pytest.raises(ToolError, match="must be a pseudo-terminal that nobody else uses"):
        PtyLine(running.device)


def test_another_circuit_than_the_folder_s(board, tmp_path):
    facts = BoardFacts.read(board[2])
    BoardFacts(**{**facts.__dict__, "identifier": "00" * 8}).write(tmp_path)
    with virtual_board(board[2]) as running, \
            pytest.raises(DeviceError, match=f"must hold the circuit {'00' * 8} of this folder"):
        Device.open(f"pty:{running.device}", tmp_path)


def test_what_is_no_board(board, tmp_path, capsys):
    assert virtual.main([str(tmp_path)]) == 1
    assert f"{tmp_path}: must be a board's folder with link.json" in capsys.readouterr().err
    BoardFacts.read(board[2]).write(tmp_path)
    with pytest.raises(ToolError, match="rtl: must hold the board's Verilog, and holds none"):
        Device.open(f"virtual:{tmp_path}")
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl/bsnn_board.v").write_text(
        "module bsnn_board();\ninitial $system(\"ls\");\nendmodule\n", encoding="utf-8")
    with pytest.raises(ToolError, match=r"bsnn_board\.v, line 2: must hold only what this program"):
        Device.open(f"virtual:{tmp_path}")
    with pytest.raises(InputError, match="folder: must be that of the board"):
        Device.open("pty:/dev/null")
