"""ECP5's carry chains of our own: equal to Yosys's adders, and no cell at either end of a chain."""

import subprocess
import sys
from importlib.resources import files

import pytest

from tests.for_each import for_each, quick

SOURCE = """
module top(input {sign} [{w}-1:0] a, input {sign} [{v}-1:0] b, input c, input [1:0] k,
           output {sign} [{w}:0] plus, output {sign} [{w}:0] minus, output [{w}-1:0] carried,
           output less, output most, output [{w}-1:0] next, output {sign} [{w}-1:0] either);
  assign plus = a + b;
  assign minus = a - b;
  assign carried = {{a, 1'b1}} + {{b, c}} >> 1;
  assign less = a < b;
  assign most = a >= {constant};
  assign next = a + 1'b1;
  assign either = c ? a + b : a - b;
endmodule
"""

PROOF = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for command in sys.stdin.read().splitlines():
    ys.run_pass("tee -q " + command, design)
"""
COMMANDS = """
read_verilog top.v
hierarchy -top top
proc
alumacc
opt_clean
design -save gold
techmap -map carry.v t:$alu
select -assert-min 2 t:CCU2C
techmap
read_verilog -icells -lib -overwrite models.v
techmap -map models.v t:CCU2C
opt_clean
select -assert-none t:CCU2C
design -stash gate
design -copy-from gold -as gold top
design -copy-from gate -as gate top
miter -equiv -flatten -make_outputs gold gate miter
hierarchy -top miter
techmap
opt
sat -verify -prove trigger 0 -show-inputs miter
"""
# Lattice's cell as it is in the manual: a half cell passes the carry on where its LUT is 1.
MODEL = """
module CCU2C(input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
  parameter [15:0] INIT0 = 0, INIT1 = 0;
  parameter INJECT1_0 = "YES", INJECT1_1 = "YES";
  wire first = INIT0[{D0, C0, B0, A0}], second = INIT1[{D1, C1, B1, A1}];
  wire middle = first ? CIN : INIT0[{2'b00, B0, A0}];
  assign S0 = first ^ CIN;
  assign S1 = second ^ middle;
  assign COUT = second ? middle : INIT1[{2'b00, B1, A1}];
endmodule
"""


def prove(folder, source, carry):
    (folder / "top.v").write_text(source)
    (folder / "carry.v").write_text(carry)
    (folder / "models.v").write_text(MODEL)
    return subprocess.run([sys.executable, "-c", PROOF], input=COMMANDS.strip(), text=True,
                          cwd=folder, capture_output=True)


def carry_text():
    return files("bsnn_hw.synthesis").joinpath("ecp5_carry.v").read_text(encoding="utf-8")


@quick(0, wide=5)
@for_each("sign", ["", "signed"])
@for_each("width, other, constant", [(5, 5, 3), (6, 4, 17), (7, 7, 64), (8, 6, 1), (9, 9, 200)])
def test_equal_to_yosys_s_adders(tmp_path, sign, width, other, constant):
    source = SOURCE.format(w=width, v=other, sign=sign, constant=constant)
    result = prove(tmp_path, source, carry_text())
    assert result.returncode == 0, (result.stdout[-800:], result.stderr[-800:])


@pytest.mark.wide
def test_a_wrong_carry_is_found(tmp_path):
    wrong = carry_text().replace("CIN ? (INVERTED ? 4'b1011", "CIN ? (INVERTED ? 4'b1010")
    assert wrong != carry_text()
    source = SOURCE.format(w=6, v=6, sign="", constant=3)
    assert prove(tmp_path, source, wrong).returncode != 0
