"""Verilog that makes a tool do more than read it is refused, by file and line."""

from pathlib import Path

import pytest

from bsnn_hw.emission.constructs import check_constructs
from bsnn_hw.errors import InputError
from tests.for_each import for_each, for_each_in

MODULE = """\
module m(clk, a, y);
  input clk;
  wire clk;
  input [3:0] a;
  wire [3:0] a;
  output y;
  reg y;
  initial y = 1'h0;
  {}
endmodule
"""

FOREIGN = {
    "$system": 'initial $system("id");',
    "$fopen": 'initial y = $fopen("x");',
    "$readmemh": 'initial $readmemh("/etc/passwd", y);',
    "$c": '$c("exit(0)");',
    "`include": '`include "/etc/passwd"',
    "`define": "`define a b",
    "`systemc_header": "`systemc_header",
    "import": 'import "DPI-C" function int system(input string s);',
    "export": 'export "DPI-C" function f;',
    "bind": "bind m other o(.a(a));",
    "for": "always @(posedge clk) for (;;) y <= a;",
    "case": "always @(posedge clk) case (a) 0: y <= 1; endcase",
    "function": "function f; endfunction",
    "//": "// verilator lint_off WIDTH",
    "/*": "/* synthesis translate_off */",
    "(*": "(* blackbox *) wire z;",
    '"x': 'assign y = "x";',
    "#": "initial #5 y = 1;",
    "\\bad": "wire \\bad ;",
    "other": "other part (.a(a));",
    "array": "array part [3:0] (.a(a));",
    "escaped": "escaped \\part[0] (.a(a));",
    "é": "wire é;",
}


# What is named, where it is not what the case is called.
FOUND = {"é": "\ufffd"}


@for_each("what", FOREIGN)
def test_what_is_refused(tmp_path, what):
    path = tmp_path / "m.v"
    path.write_text(MODULE.format(FOREIGN[what]), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        check_constructs([path])
    assert str(caught.value) == (
        f"{path}, line 9: must hold only what this program writes, not {FOUND.get(what, what)!r}; "
        "take it out, or generate the bundle again")


def test_the_line_behind_a_memory(tmp_path):
    path = tmp_path / "m.v"
    rows = "".join(f"    store[{row}] = 8'h{row:02x};\n" for row in range(90))
    path.write_text(MODULE.format(f"initial begin\n{rows}  end\n  initial $finish;"))
    with pytest.raises(InputError, match=r"line 101: .*\$finish"):
        check_constructs([path])


HEADER = "// Module m: what it is.\n// Written by bsnn-hw 1.2; what it writes is yours.\n"


def test_the_header_passes(tmp_path):
    (tmp_path / "m.v").write_text(HEADER + MODULE.format(""))
    check_constructs([tmp_path / "m.v"])


@for_each("header, line", [
    ("// synthesis translate_off\n", 1), ("// verilator lint_off WIDTH\n", 1),
    ("/* Module m */\n", 1), ("// Module m `include x\n", 1), ("// Module m \\\n", 1),
    ("// Module m\r`include x\n", 1), ("// Module m */ $system\n", 1), ("//Module m\n", 1),
    (HEADER + "// Nothing of ours\n", 3), (HEADER + "\n" + HEADER, 4),
    (HEADER[:-1] + " initial $finish;\n", 2)])
def test_other_comments_are_refused(header, line, tmp_path):
    (tmp_path / "m.v").write_text(header + MODULE.format(""), newline="")
    with pytest.raises(InputError, match=f"line {line}: must hold only what this program writes"):
        check_constructs([tmp_path / "m.v"])


@for_each("line", [
    "(* init = 32'd0 *) wire [31:0] z;", '(* rom_style = "logic" *) reg [3:0] z [7:0];',
    "reg [1:0] \\z[3:2] ;", "assign y = $signed(a) >>> 2'h1;"])
def test_what_may_be_written_passes(tmp_path, line):
    (tmp_path / "m.v").write_text(MODULE.format(line))
    check_constructs([tmp_path / "m.v"])


@for_each_in("bundles", "bundle")
def test_what_is_written_passes(bundle):
    check_constructs(bundle.design.verilog.paths)


def test_an_instance_of_another_file(tmp_path):
    (tmp_path / "m.v").write_text(MODULE.format("other part (.a(a));"))
    (tmp_path / "other.v").write_text("module other(a);\n  input a;\nendmodule\n")
    check_constructs([tmp_path / "m.v", tmp_path / "other.v"])
    with pytest.raises(InputError, match="not 'other'"):
        check_constructs([Path(tmp_path / "m.v")])
