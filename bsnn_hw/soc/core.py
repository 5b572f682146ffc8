"""A bundle's circuit with AXI4 streams and registers: Verilog, and texts about it."""

from __future__ import annotations

import os
from pathlib import Path

from bsnn_hw.emission.design import Design
from bsnn_hw.emission.opened import check_edits, open_bundle
from bsnn_hw.errors import InputError
from bsnn_hw.link.frames import LinkShape
from bsnn_hw.link.registers import RegisterMap, register_map
from bsnn_hw.ports.bytes import byte_counts
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.progress import step
from bsnn_hw.scratch import removed_after
from bsnn_hw.soc import TOP
from bsnn_hw.soc.texts import write_texts
from bsnn_hw.verilog.rtlil import to_rtlil
from bsnn_hw.verilog.write import Verilog, to_verilog

__all__ = ["registers_of", "write_axi"]


def registers_of(design: Design) -> RegisterMap:
    """The registers of a design with ports of bytes."""
    network, port = design.network, byte_counts(design.network)
    shape = LinkShape(bytes.fromhex(design.identifier), port.step * port.timesteps, port.output,
                      network.stateful)
    return register_map(shape, tuple(layer.name for layer in network.layers))


def write_axi(bundle: Path, out: Path) -> tuple[Verilog, RegisterMap]:
    """Write ``out``: rtl/, and the registers as SystemRDL, a C header and a table.

    The layers are the bundle's, module by module; what counts stands beside them.

    Raises
    ------
    InputError
        The bundle has ports of event slots, or ``out`` is there or cannot be written.
    """
    from bsnn_hw.hdl.axi_top import AxiTop

    design = open_bundle(bundle)
    check_edits(bundle, False)
    if PORTS[design.port].packet_bytes(design.network) is None:
        raise InputError(f"{bundle}: must have ports of bytes; generate it with `port` bytes")
    if out.exists():
        raise InputError(f"{out}: must not exist; give another `out`")
    registers = registers_of(design)
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        with removed_after(out.absolute().with_name(f".{out.name}.{os.getpid()}")) as draft:
            rtl = draft / "rtl"
            rtl.mkdir(parents=True)
            with step("Verilog and texts written"):
                verilog = to_verilog(to_rtlil(AxiTop(design.layout, registers), TOP), rtl, TOP)
                write_texts(design, registers, draft)
            draft.rename(out)
    except OSError as error:
        raise InputError(f"{out}: must be a folder that can be written, {error.strerror or error}; "
                         "give another `out` or free some space") from None
    return verilog, registers
