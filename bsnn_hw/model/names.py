"""Names that end up in file names, Verilog and comments, and therefore have few characters."""

from __future__ import annotations

import keyword
import re
from itertools import pairwise

from bsnn_hw.model.values import Table, shown

__all__ = ["KEYWORDS", "check_distinct", "check_layer_name", "check_model_name"]

_LAYER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,63}")

# IEEE 1364-2005 and the words that 1800-2017 adds: legal names must survive every tool.
_VERILOG_KEYWORDS = """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle
    checker class clocking cmos config const constraint context continue cover covergroup
    coverpoint cross deassign default defparam design disable dist do edge else end endcase
    endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface
    endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable
    endtask enum event eventually expect export extends extern final first_match for force foreach
    forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins
    illegal_bins implements implies import incdir include initial inout input inside instance int
    integer interconnect interface intersect join join_any join_none large let liblist library
    local localparam logic longint macromodule matches medium modport module nand negedge nettype
    new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter
    pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real
    realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1
    s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
    showcancelled signed small soft solve specify specparam static string strong strong0 strong1
    struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout
    time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef
    union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""
KEYWORDS = frozenset([*_VERILOG_KEYWORDS.split(), *keyword.kwlist])


def check_model_name(table: Table) -> str:
    """The model's name."""
    name = table.text("name")
    if isinstance(table.raw("name"), str) and not _MODEL_NAME.fullmatch(name):
        table.problem("name", "must be 1 to 64 letters, digits, spaces or . _ + -, beginning with "
                              f"a letter or digit, not {shown(name)}")
    return name


def check_layer_name(table: Table) -> str:
    """The layer's name: an identifier in Verilog and in Python."""
    name = table.text("name")
    if isinstance(table.raw("name"), str) and not _LAYER_NAME.fullmatch(name):
        table.problem("name", "must be a letter and then at most 62 letters, digits or _, not "
                              f"{shown(name)}")
    elif name in KEYWORDS:
        table.problem("name", f"must be no keyword of Verilog or Python, not {shown(name)}; "
                              f"{shown(name + '_1')} would do")
    return name


def check_distinct(names: list[str], table: Table) -> None:
    """Layer names become files, and some file systems do not tell upper from lower case."""
    for one, two in pairwise(sorted(names, key=str.casefold)):
        if one.casefold() == two.casefold():
            table.problem("layers", "must have distinct names, also without regard to case, not "
                                    f"{shown(one)} and {shown(two)}")
