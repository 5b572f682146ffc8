"""The netlist's proof: mapped cells, simulated, give the reference's scores.

Yosys's share folder has models of most cells. It has none of ECP5's block RAM and multiplier;
those are here, as far as Yosys maps to them. What the manufacturer leaves open, a row that one
port reads in the cycle in which the other writes it, comes out inverted, so that a design that
uses it cannot pass.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from bsnn_hw.devices.targets import Target
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.synthesis.netlist import Netlist
from bsnn_hw.verification.native import Outcome, build_model, verify_native

__all__ = ["cell_models", "simulate_netlist"]

_INCLUDE = re.compile(r'^`include "([\w.]+)"$', re.MULTILINE)
_BLOCK_RAM = re.compile(r"\(\* blackbox \*\)\s*module DP16KD\(.*?\nendmodule", re.DOTALL)


def _bits(name: str, width: int) -> str:
    return ", ".join(f"{name}{bit}" for bit in reversed(range(width)))


def _block_ram() -> str:
    initial = "\n".join(
        f"    for (i = 0; i < 16; i = i + 1) mem[{16 * row} + i] = INITVAL_{row:02X}[20 * i +: 18];"
        for row in range(64))
    parameters = "\n".join(f"  parameter INITVAL_{row:02X} = 320'b0;" for row in range(64))
    inputs = ", ".join(f"{_bits(f'DI{p}', 18)}, {_bits(f'AD{p}', 14)}, CE{p}, OCE{p}, CLK{p}, "
                       f"WE{p}, RST{p}, {_bits(f'CS{p}', 3)}" for p in "AB")
    outputs = ", ".join(_bits(f"DO{port}", 18) for port in "AB")
    return _BLOCK_RAM_TEXT.format(
        inputs=inputs, outputs=outputs, parameters=parameters, initial=initial,
        **{f"{kind}{port}": f"{{{_bits(kind.upper() + port, width)}}}"
           for kind, width in (("di", 18), ("ad", 14), ("do", 18)) for port in "AB"})


# Rows of 18 bits; a narrow port sees the 8 bits below the parity bit of each 9. A port of 36 bits
# is both halves: A writes, B reads (DOA is its low half).
_BLOCK_RAM_TEXT = """\
module DP16KD (input {inputs}, output {outputs});
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC", GSR = "DISABLED", INIT_DATA = "STATIC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
{parameters}

  reg [17:0] mem [0:1023];
  integer i;
  initial begin
{initial}
  end

  wire [13:0] ada = {adA}, adb = {adB};
  wire [17:0] dia = {diA}, dib = {diB};
  reg [35:0] outa = 0, outb = 0;
  reg [17:0] rega = 0, regb = 0;  // the outputs' own registers

  // Bits of a row that an access of this width at this address means.
  function [17:0] mask(input integer width, input [13:0] address);
    case (width)
      1: mask = 18'h1 << (9 * address[3] + address[2:0]);
      2: mask = 18'h3 << (9 * address[3] + 2 * address[2:1]);
      4: mask = 18'hf << (9 * address[3] + 4 * address[2]);
      9: mask = 18'h1ff << (9 * address[3]);
      default: mask = {{{{9{{address[1]}}}}, {{9{{address[0]}}}}}};
    endcase
  endfunction
  function integer offset(input integer width, input [13:0] address);
    case (width)
      1: offset = 9 * address[3] + address[2:0];
      2: offset = 9 * address[3] + 2 * address[2:1];
      4: offset = 9 * address[3] + 4 * address[2];
      9: offset = 9 * address[3];
      default: offset = 0;
    endcase
  endfunction

  wire [9:0] rowa = DATA_WIDTH_A == 36 ? {{ada[13:5], 1'b0}} : ada[13:4];
  wire [9:0] rowb = DATA_WIDTH_B == 36 ? {{adb[13:5], 1'b0}} : adb[13:4];
  wire writea = CEA && WEA && !RSTA, writeb = CEB && WEB && !RSTB;
  wire [17:0] maska = writea ? mask(DATA_WIDTH_A, ada) : 18'h0;
  wire [17:0] upper = writea && DATA_WIDTH_A == 36 ? {{{{9{{ada[3]}}}}, {{9{{ada[2]}}}}}} : 18'h0;
  wire [17:0] maskb = writeb ? mask(DATA_WIDTH_B, adb) : 18'h0;

  // Bits of `row` that the other port writes now.
  function [17:0] spoilt_by_a(input [9:0] row);
    spoilt_by_a = (row == rowa ? maska : 18'h0)
                | (DATA_WIDTH_A == 36 && row == (rowa | 10'h1) ? upper : 18'h0);
  endfunction

  always @(posedge CLKA) begin
    if (RSTA) outa <= 0;
    else if (CEA) begin
      if (!WEA || WRITEMODE_A == "READBEFOREWRITE")
        outa <= {{18'h0, (mem[rowa] ^ (rowa == rowb ? maskb : 18'h0))
                       >> offset(DATA_WIDTH_A, ada)}};
      else if (WRITEMODE_A == "WRITETHROUGH")
        outa <= {{18'h0, ((mem[rowa] & ~maska) | ((dia << offset(DATA_WIDTH_A, ada)) & maska))
                       >> offset(DATA_WIDTH_A, ada)}};
    end
    if (writea) begin
      mem[rowa] <= (mem[rowa] & ~maska) | ((dia << offset(DATA_WIDTH_A, ada)) & maska);
      if (DATA_WIDTH_A == 36)
        mem[rowa | 10'h1] <= (mem[rowa | 10'h1] & ~upper) | (dib & upper);
    end
  end
  always @(posedge CLKB) begin
    if (RSTB) outb <= 0;
    else if (CEB) begin
      if (!writeb || WRITEMODE_B == "READBEFOREWRITE")
        outb <= {{mem[rowb | 10'h1] ^ spoilt_by_a(rowb | 10'h1),
                 (mem[rowb] ^ spoilt_by_a(rowb)) >> offset(DATA_WIDTH_B, adb)}};
      else if (WRITEMODE_B == "WRITETHROUGH")
        outb <= {{18'h0, ((mem[rowb] & ~maskb) | ((dib << offset(DATA_WIDTH_B, adb)) & maskb))
                       >> offset(DATA_WIDTH_B, adb)}};
    end
    if (writeb)
      mem[rowb] <= (mem[rowb] & ~maskb) | ((dib << offset(DATA_WIDTH_B, adb)) & maskb);
  end

  wire [17:0] doa = DATA_WIDTH_B == 36 ? outb[17:0] : outa[17:0];
  wire [17:0] dob = DATA_WIDTH_B == 36 ? outb[35:18] : outb[17:0];
  always @(posedge CLKA) if (RSTA) rega <= 0; else if (OCEA) rega <= doa;
  always @(posedge CLKB) if (RSTB) regb <= 0; else if (OCEB) regb <= dob;
  assign {doA} = REGMODE_A == "OUTREG" ? rega : doa;
  assign {doB} = REGMODE_B == "OUTREG" ? regb : dob;
endmodule
"""


def _multiplier() -> str:
    names = {letter: _bits(letter, width) for letter, width in
             (("A", 18), ("B", 18), ("C", 18), ("P", 36))}
    return f"""\
module MULT18X18D (input {names['A']}, {names['B']}, {names['C']},
                   input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
                   output {names['P']});
  parameter REG_OUTPUT_CLK = "NONE";
  wire signed [18:0] a = {{SIGNEDA & A17, {names['A']}}};
  wire signed [18:0] b = {{SIGNEDB & B17, {names['B']}}};
  wire signed [37:0] product = a * b;
  reg [35:0] kept = 0;
  always @(posedge CLK0) if (RST0) kept <= 0; else if (CE0) kept <= product[35:0];
  assign {{{names['P']}}} = REG_OUTPUT_CLK == "CLK0" ? kept : product[35:0];
endmodule
"""


def cell_models(target: Target) -> str:
    """Verilog of the family's cells, in one text.

    Raises
    ------
    InputError
        The family has no models that a simulator reads.
    ToolError
        Yosys's share folder lacks them.
    """
    if not target.simulation:
        raise InputError(f"`simulate`: must be for a family with cell models, {target.name} has "
                         "none; leave it out")
    import pyosys

    path = Path(pyosys.__file__).parent / "share" / target.simulation
    try:
        # The two includes that NO_INCLUDES leaves out hold cells that Yosys reads, never writes.
        text = "`define NO_INCLUDES\n" + _INCLUDE.sub(
            lambda match: path.with_name(match[1]).read_text(encoding="utf-8"),
            path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ToolError(f"{error.filename}: must be there, {error.strerror}; "
                        "pip install --force-reinstall pyosys") from None
    if "DP16KD" in text:
        text = "\n".join([_BLOCK_RAM.sub("", text), _block_ram(), _multiplier()])
    return text


def simulate_netlist(design: Design, netlist: Netlist, target: Target, inputs: np.ndarray,
                     folder: Path) -> Outcome:
    """Stream ``inputs`` through the simulated netlist and compare every score.

    Raises
    ------
    MismatchError
        Names the first difference.
    """
    models = folder / "cells.v"
    models.write_text(cell_models(target), encoding="utf-8")
    mapped = replace(design, probes=(),
                     verilog=replace(design.verilog, paths=(models, netlist.verilog)))
    # A few images in thousands of cells: the compiler's time is what counts.
    model = build_model(mapped, folder / "netlist", probes=False, optimize="-O0")
    return verify_native(mapped, model, inputs)
