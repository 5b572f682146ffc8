"""Plain names for Verilog: no escapes, no reserved words, no dots of the hierarchy.

Amaranth separates scopes with ``.``, copies with ``$`` and array elements with ``[]``; a name
that becomes a reserved word of Verilog, SystemVerilog or C++ gets a trailing underscore.
"""

import re
from collections.abc import Iterable

__all__ = ["RESERVED", "plain_names"]

_VERILOG = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class
clocking cmos config const constraint context continue cover covergroup coverpoint cross deassign
default defparam design disable dist do edge else end endcase endchecker endclass endclocking
endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram
endproperty endsequence endspecify endtable endtask enum event eventually expect export extends
extern final first_match for force foreach forever fork forkjoin function generate genvar global
highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include
initial inout input inside instance int integer interconnect interface intersect join join_any
join_none large let liblist library local localparam logic longint macromodule matches medium
modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence
rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct
super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order
wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""

# What Verilator would print into C++ code.
_CPP = """
alignas alignof asm auto bitand bitor bool catch char compl concept constexpr const_cast decltype
delete double dynamic_cast explicit false float friend goto inline long mutable namespace noexcept
nullptr operator private public register reinterpret_cast requires short sizeof static_assert
static_cast switch template thread_local throw true try typeid typename using volatile wchar_t
"""

RESERVED = frozenset((_VERILOG + _CPP).split())


def _plain(name: str) -> str:
    name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "anonymous"
    return f"_{name}" if name[0].isdigit() else name


def plain_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Map each of ``names`` to a plain identifier; two never share one, nor differ in case only.

    A name that is plain already keeps itself, but for one that differs in case only from one
    before it. The result depends on the set of names only, not on their order.
    """
    names = sorted(set(names))
    used = {name.casefold() for name in (*RESERVED, *taken)}
    free = {name.casefold(): name for name in reversed(names)
            if _plain(name) == name and name not in RESERVED}
    result = {name: name for name in sorted(free.values())}
    used |= set(free)
    for name in names:
        if name not in result:
            plain = candidate = _plain(name)
            number = 0
            while candidate.casefold() in used:
                number += 1
                candidate = f"{plain}_" if number == 1 else f"{plain}_{number}"
            used |= {candidate.casefold()}
            result[name] = candidate
    return result
