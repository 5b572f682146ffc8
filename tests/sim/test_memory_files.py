"""Memories' words in files: the same words in the simulation, and small ones left as they are."""

import numpy as np
import pytest

from bsnn_hw.errors import ToolError
from bsnn_hw.sim import lint as linting
from bsnn_hw.sim.memory_files import with_memory_files
from bsnn_hw.sim.native import build_native
from bsnn_hw.sim.native_run import Beats, run_native
from tests.for_each import for_each

ROWS = 150


def _memory(name, words, width, rows_per_block=64):
    """As `bsnn_hw.verilog.write` writes it."""
    lines = [f"  reg [{width - 1}:0] {name} [{len(words) - 1}:0];"]
    for start in range(0, len(words), rows_per_block):
        lines.append("  initial begin")
        lines += [f"    {name}[{row}] = {width}'h{words[row]:x};"
                  for row in range(start, min(start + rows_per_block, len(words)))]
        lines.append("  end")
    return "\n".join(lines) + "\n"


def _words(count, width):
    rng = np.random.default_rng(1)
    return [int(word) for word in rng.integers(0, 1 << width, count, dtype=np.uint64)]


def _lookup(folder):
    deep, shallow = _words(ROWS, 33), _words(16, 31)
    path = folder / "lookup.v"
    path.write_text(f"""
module lookup(
  input clk, input rst, input [7:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready,
  output [63:0] m_axis_tdata, output m_axis_tvalid, output m_axis_tlast,
  input m_axis_tready);
{_memory("deep", deep, 33)}{_memory("shallow", shallow, 31)}
  assign s_axis_tready = m_axis_tready;
  assign m_axis_tvalid = s_axis_tvalid;
  assign m_axis_tlast = 1;
  assign m_axis_tdata = {{deep[s_axis_tdata], shallow[s_axis_tdata[3:0]]}};
endmodule
""")
    return path, deep, shallow


@pytest.mark.wide
def test_the_simulation_reads_the_same_words(tmp_path):
    path, deep, shallow = _lookup(tmp_path)
    model = build_native([path], "lookup", tmp_path / "build")
    rows = np.arange(ROWS, dtype=np.uint64)
    beats = Beats(rows[:, None], np.ones(ROWS, bool), np.zeros(ROWS, bool))
    found = run_native(model, beats, ROWS).output.data[:, 0]
    assert found.tolist() == [deep[row] << 31 | shallow[row % 16] for row in range(ROWS)]
    assert [file.name for file in (tmp_path / "build").glob("*.hex")] == ["lookup.deep.hex"]


@pytest.mark.wide
def test_a_lost_file_of_words_stops_the_simulation(tmp_path):
    path, _, _ = _lookup(tmp_path)
    model = build_native([path], "lookup", tmp_path / "build")
    (tmp_path / "build" / "lookup.deep.hex").unlink()
    beats = Beats(np.zeros((1, 1), np.uint64), np.ones(1, bool), np.zeros(1, bool))
    with pytest.raises(ToolError, match=r"lookup\.deep\.hex"):
        run_native(model, beats, 1)


@for_each("width", [1, 31, 32, 33, 64])
def test_words_of_any_width_as_yosys_writes_them(width, tmp_path):
    from amaranth import Module, Signal
    from amaranth.back import rtlil
    from amaranth.lib import memory

    from bsnn_hw.verilog.write import to_verilog

    words = _words(ROWS, width) if width < 64 else [(1 << 64) - 1 - row for row in range(ROWS)]
    m, row, word = Module(), Signal(8), Signal(width)
    m.submodules.rom = rom = memory.Memory(shape=width, depth=ROWS, init=words)
    read = rom.read_port()
    m.d.comb += [read.addr.eq(row), word.eq(read.data)]
    written = to_verilog(rtlil.convert(m, name="top", ports=[row, word], emit_src=False), tmp_path,
                         "top")
    (tmp_path / "build").mkdir()
    with_memory_files(written.paths, tmp_path / "build")
    (file,) = (tmp_path / "build").glob("*.hex")
    assert [int(line, 16) for line in file.read_text().split()] == words


def test_copies_keep_names_lines_and_the_original(tmp_path):
    path, *_ = _lookup(tmp_path)
    text = path.read_text()
    ((copy, original),) = with_memory_files([path], tmp_path).items()
    assert (copy.name, original, path.read_text()) == ("lookup.v", path, text)
    lines = copy.read_text().splitlines()
    assert len(lines) == len(text.splitlines())
    assert lines[-2:] == text.splitlines()[-2:]


def test_what_is_left_alone(tmp_path):
    out_of_order = _memory("odd", [1] * ROWS, 8).replace("odd[70]", "odd[71]", 1)
    for name, text in {"small": _memory("small", [1] * 64, 8), "odd": out_of_order,
                       "none": "module none; endmodule\n"}.items():
        path = tmp_path / f"{name}.v"
        path.write_text(text)
        assert with_memory_files([path], tmp_path / "copies") == {path: path}
    assert not (tmp_path / "copies").exists()


def test_a_warning_of_the_build_names_the_file_and_line_that_were_given(tmp_path, monkeypatch):
    def only_the_build(tool, top, arguments):
        return [] if "--lint-only" in arguments else warnings_of(tool, top, arguments)

    warnings_of = linting._warnings
    monkeypatch.setattr(linting, "_warnings", only_the_build)
    path = tmp_path / "circle.v"
    path.write_text(f"""module circle(input [7:0] row, output [7:0] word, output [1:0] out);
{_memory("deep", _words(ROWS, 8), 8)}  assign word = deep[row];
  /* verilator lint_off WIDTHTRUNC */
  wire [1:0] x;
  assign x = {{x[0], ~x[1] & word[0]}};
  assign out = x;
endmodule
""")
    warnings = linting.lint([path], "circle")
    line = path.read_text().splitlines().index("  wire [1:0] x;") + 1
    assert warnings and all(f"{path}:{line}:" in warning for warning in warnings), warnings
