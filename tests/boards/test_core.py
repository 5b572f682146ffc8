"""A bundle behind a serial line: the emitted Verilog, driven as a host drives it."""

import json
from pathlib import Path

import numpy as np
import pytest

from bsnn_hw.boards.core import TOP, divisor_of, open_core, write_core
from bsnn_hw.boards.description import find_board
from bsnn_hw.boards.pins import clock_verilog, pins_verilog
from bsnn_hw.boards.proof import pll_model
from bsnn_hw.devices.clocks import choose_clock
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.errors import InputError
from bsnn_hw.ir.schedule import Port
from bsnn_hw.link.bridge import Bridge
from bsnn_hw.reference.network import run
from bsnn_hw.sim.cocotb_run import run_cocotb
from bsnn_hw.sim.lint import lint
from bsnn_hw.verilog.write import yosys_reads
from evidence.bridges import measure
from tests.bundles import make_bundle
from tests.emission.readers import icarus, slang
from tests.for_each import for_each, quick


@pytest.mark.wide
def test_no_linter_objects(board, spi_board):
    for folder in (board[2], spi_board):
        assert lint(verilog(folder), TOP) == [] and yosys_reads(verilog(folder), TOP) == []


@pytest.mark.wide
def test_slang_and_icarus_have_nothing_to_say(board, spi_board, tmp_path):
    for folder in (board[2], spi_board):
        assert slang(verilog(folder), TOP) == (0, 0)
        assert icarus(verilog(folder), TOP, tmp_path) == (0, [])


def verilog(folder):
    return sorted((folder / "rtl").glob("*.v"))


@pytest.mark.wide
@for_each("name, megahertz, bridge", [
    ("crosslink-nx-evn", 12, Bridge.UART), ("crosslink-nx-evn", 6, Bridge.SPI),
    ("icebreaker", 36, Bridge.SPI), ("tang-nano-9k", 54, Bridge.UART),
    ("ulx3s-85f", 50, Bridge.UART)])
def test_tops_with_pins(board, spi_board, tmp_path, name, megahertz, bridge):
    """Without a clock cell, divided, with an inverted and with several lights, behind PLLs."""
    known = find_board(name)
    clocking = choose_clock(known.oscillator, known.pll, megahertz, lambda _: True)
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    (tmp_path / "pll.v").write_text(pll_model(clocking), encoding="utf-8")
    paths = [*verilog(spi_board if bridge is Bridge.SPI else board[2]),
             *pins_verilog(known, bridge, 8, rtl).paths,
             *clock_verilog(known, bridge, clocking, tmp_path),
             *([tmp_path / "pll.v"] if clocking.cell else [])]
    assert icarus(paths, known.top, tmp_path) == (0, [])
    assert slang(paths, known.top) == (0, 0)


@pytest.mark.slow
def test_scores_over_the_line_are_the_reference_s(board, tmp_path):
    network, inputs, folder = board
    facts = BoardFacts.read(folder)
    trace, shape = run(network, inputs, potentials=False), facts.shape
    samples = [sample.ljust(shape.blocks * shape.block, b"\0")
               for sample in facts.sample_bytes(inputs)]
    case = tmp_path / "case.json"
    case.write_text(json.dumps({"divisor": 4, "hello": shape.hello().hex(), "samples": [
        ([list(sample[at:at + shape.block]) for at in range(0, len(sample), shape.block)],
         b"".join([*(int(score).to_bytes(facts.score_bytes, "little", signed=True)
                     for score in scores),
                   int(answer).to_bytes(facts.class_bytes, "little")]).hex())
        for sample, scores, answer in zip(samples, trace.scores, trace.classes, strict=True)]}))
    for _, result in json.loads(case.read_text())["samples"][:1]:
        np.testing.assert_array_equal(facts.scores(bytes.fromhex(result))[0], trace.scores[0])
    run_cocotb(sorted((folder / "rtl").glob("*.v")), TOP, "bench_core", Path(__file__).parent,
               tmp_path / "build", variables={"CASE": str(case)}, brief=True)


@pytest.mark.slow
def test_scores_over_spi_are_the_reference_s(board, spi_board, tmp_path):
    network, inputs, _ = board
    found = measure(spi_board, network, inputs, tmp_path, Bridge.SPI)
    assert found.sent > 46 * BoardFacts.read(spi_board).shape.blocks
    assert found.cycles > 64 * found.sent


@pytest.mark.slow
def test_cocotbext_uart_is_answered(board, tmp_path):
    pytest.importorskip("cocotbext.uart")
    network, inputs, folder = board
    found = measure(folder, network, inputs, tmp_path, Bridge.UART)
    assert found.sent < 46 * BoardFacts.read(folder).shape.blocks + 30 and found.heard < 50


def test_what_cannot_be_a_board(board, direct_bundle, tmp_path):
    folder = board[2]
    with pytest.raises(InputError, match="must have ports of bytes; generate it with `port` bytes"):
        write_core(direct_bundle.folder, tmp_path / "b", clock=12, baud=1_000_000)
    with pytest.raises(InputError, match="must not exist; give another `out`"):
        write_core(folder.parent / "bundle", folder, clock=12, baud=1_000_000)
    assert not list(tmp_path.iterdir())


@quick(0, wide=2)
@for_each("top, board", [
    ("bsnn_board", TOP), ("Bsnn_Board_link", TOP), ("bsnn_pins", TOP), ("bsnn_divider", TOP),
    ("board_icebreaker", "board_icebreaker")])
def test_a_top_level_called_as_what_is_around_it(tmp_path, top, board):
    """A model called "board" is one."""
    make_bundle(32, tmp_path / "b", port=Port.BYTES, top=top)
    with pytest.raises(InputError, match=rf"not called as .* around it, {top}; generate it with "
                                         "another `top`"):
        open_core(tmp_path / "b", board=board)


@pytest.mark.wide
def test_other_top_levels_are_taken(tmp_path):
    make_bundle(32, tmp_path / "b", port=Port.BYTES, top="bsnn_boards")
    assert open_core(tmp_path / "b").verilog.top == "bsnn_boards"


@for_each("clock, baud, divisor", [
    (12, 1_000_000, 12), (12, 3_000_000, 4), (25, 115_200, 217), (48, 2_000_000, 24)])
def test_divisors(clock, baud, divisor):
    assert divisor_of(clock, baud) == divisor


@for_each("baud", [4_000_000, 2_700_000])
def test_speeds_that_do_not_suit_the_clock(baud):
    with pytest.raises(InputError, match=r"^`baud`: must be "):
        divisor_of(12, baud)
