"""RTLIL to Verilog: no warning anywhere, the same bytes, readable names, one-line errors."""

import re

import pytest

from bsnn_hw.errors import ToolError
from bsnn_hw.sim.lint import lint
from bsnn_hw.verilog.write import _tidy, to_verilog, yosys_reads
from tests.verilog.designs import Mixed


def _rtlil():
    from amaranth.back import rtlil

    return rtlil.convert(Mixed(), name="mixed", emit_src=False)


def test_lint_finds_nothing(emitted):
    assert lint(emitted.paths, emitted.top) == []


def test_no_waiver_and_no_build_is_named(emitted):
    for path in emitted.paths:
        assert not re.search(r"lint_off|Yosys|Amaranth|src *=|\\", path.read_text()), path.name


def test_yosys_reads_it_without_warning(emitted):
    assert yosys_reads(emitted.paths, emitted.top) == []


def test_one_file_per_module_named_after_it(emitted):
    assert {path.stem for path in emitted.paths} == set(emitted.modules.values())
    assert emitted.modules["mixed.table"] == "mixed_table"
    for path in emitted.paths:
        assert re.findall(r"^module (\w+)", path.read_text(), re.MULTILINE) == [path.stem]


def test_same_bytes(emitted, tmp_path):
    again = to_verilog(_rtlil(), tmp_path, "mixed", emitted.observed)
    assert [p.read_bytes() for p in again.paths] == [p.read_bytes() for p in emitted.paths]


def test_registers_and_states_keep_their_names(emitted, tmp_path):
    text = next(p for p in emitted.paths if p.stem == "mixed_neuron").read_text()
    assert "reg signed [11:0] charged;\n  initial charged = 12'h000;" in text
    assert "fsm_state_is_2" in text
    place = emitted.observed["mixed.neuron", "charged"]
    assert (place.path, place.signal, place.width) == ("mixed.neuron", "charged", 12)


def test_ports_of_the_top_level(emitted):
    text = next(p for p in emitted.paths if p.stem == "mixed").read_text()
    header = re.search(r"^module .*?;", text, re.MULTILINE)[0]
    assert header.startswith("module mixed(clk, rst, m_axis_tdata, m_axis_tlast, m_axis_tready")


def test_lint_sees_a_warning(emitted, tmp_path):
    path = tmp_path / "narrow.v"
    path.write_text("module narrow(input [3:0] a, output [1:0] b);\n  assign b = a;\nendmodule\n")
    assert any("WIDTHTRUNC" in line for line in lint([path], "narrow"))


def test_lint_of_nonsense(tmp_path):
    path = tmp_path / "broken.v"
    path.write_text("module broken(input a;\n")
    with pytest.raises(ToolError, match=r"--lint-only: must accept broken, but %Error"):
        lint([path], "broken")


def test_yosys_error_is_one_line(tmp_path):
    with pytest.raises(ToolError, match=r"yosys: RTLIL to Verilog failed with code") as caught:
        to_verilog("module \\top\n  nonsense\nend\n", tmp_path, "top")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_unknown_observed_signal(tmp_path):
    with pytest.raises(ToolError, match=r"must exist in the design, not mixed\.pool\.nothing"):
        to_verilog(_rtlil(), tmp_path, "mixed", [("mixed.pool", "nothing")])


def test_memories_are_initialised_in_short_blocks():
    """Yosys reads a block of n rows in a time that grows with n squared."""
    rows = "".join(f"    m[{row}] = 4'h{row % 16:x};\n" for row in range(200))
    text = _tidy(f"module a;\n  reg [3:0] m [199:0];\n  initial begin\n{rows}  end\nendmodule\n")
    blocks = text.split("initial begin\n")[1:]
    assert [block.count("m[") for block in blocks] == [64, 64, 64, 8]
    assert text.count("  end\n") == 4
    assert [line for line in text.splitlines() if "m[" in line] == rows.splitlines()
