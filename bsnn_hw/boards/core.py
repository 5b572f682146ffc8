"""A bundle's circuit behind a serial line, as Verilog without pins: clk, rst, rx, tx, lights."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bsnn_hw.boards import DIVIDER, PINS, TOP
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.opened import check_edits, open_bundle
from bsnn_hw.errors import InputError
from bsnn_hw.link.bridge import SPI_CYCLES, Bridge
from bsnn_hw.ports.bytes import byte_counts
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.progress import step
from bsnn_hw.scratch import removed_after
from bsnn_hw.verilog.rtlil import to_rtlil
from bsnn_hw.verilog.write import Verilog, to_verilog

__all__ = ["TOP", "board_facts", "core_verilog", "divisor_of", "line_speed", "open_core", "suits",
           "write_core", "written_whole"]

MOST_OFF = 0.02  # of the line's speed, that a divisor may miss


def divisor_of(clock: float, baud: int) -> int:
    """Cycles of a bit, at ``clock`` MHz.

    Raises
    ------
    InputError
        No whole number comes near.
    """
    from bsnn_hw.hdl.uart import LEAST_DIVISOR

    divisor = round(clock * 1e6 / baud)
    if not suits(Bridge.UART, baud, clock):
        raise InputError(f"`baud`: must be {clock * 1e6 / max(LEAST_DIVISOR, divisor):,.0f} or "
                         f"another whole part of the clock, {LEAST_DIVISOR} cycles and more for a "
                         f"bit, not {baud:,}")
    return divisor


def suits(bridge: Bridge, baud: int, clock: float) -> bool:
    """Whether a whole number of cycles at ``clock`` MHz comes near to a bit; of SPI, always."""
    from bsnn_hw.hdl.uart import LEAST_DIVISOR

    if bridge is Bridge.SPI:
        return True
    divisor = round(clock * 1e6 / baud)
    return divisor >= LEAST_DIVISOR and abs(divisor * baud / (clock * 1e6) - 1) <= MOST_OFF


def line_speed(bridge: Bridge, clock: float, baud: int) -> tuple[int, int]:
    """Bits a second on the line, at most, and clock cycles of a bit, at ``clock`` MHz.

    baud : of a serial line; SPI is as fast as the clock lets it
    """
    match bridge:
        case Bridge.UART:
            return baud, divisor_of(clock, baud)
        case Bridge.SPI:
            return int(clock * 1e6 / SPI_CYCLES), SPI_CYCLES


def board_facts(design: Design, baud: int, divisor: int,
                bridge: Bridge = Bridge.UART) -> BoardFacts:
    """What a host must know of a board with this circuit."""
    network, shape = design.network, design.network.input.features
    port, used = byte_counts(network), network.input.used
    return BoardFacts(
        design.identifier, network.input.size, port.timesteps, network.input.max_value,
        (shape.channels, shape.height, shape.width), design.geometries[0].values_shape[0] > 1,
        port.score, port.answer, network.classes, network.readout.scale,
        baud, divisor, bridge, network.stateful,
        *(() if used is None else (used.places, used.shape.size)))


def open_core(bundle: Path, edited: bool = False, board: str = TOP) -> Design:
    """The design of a bundle that can be put behind a line.

    board : the module with the pins

    Raises
    ------
    InputError
        It is no bundle, was edited and is not to be, has ports of event slots, or its top level is
        called as what is put around it.
    """
    design = open_bundle(bundle)
    check_edits(bundle, edited)
    if PORTS[design.port].packet_bytes(design.network) is None:
        raise InputError(f"{bundle}: must have ports of bytes; generate it with `port` bytes")
    # Its modules are called after its top level, and lie beside those that are put around it.
    around = (TOP, PINS, DIVIDER, board)
    if f"{design.verilog.top}_".casefold().startswith(tuple(f"{name}_" for name in around)):
        raise InputError(f"{bundle}: must have a top level that is not called as what is put "
                         f"around it, {design.verilog.top}; generate it with another `top`")
    return design


@step("Verilog written")
def core_verilog(design: Design, facts: BoardFacts, rtl: Path) -> Verilog:
    """Write the design's Verilog and the module `TOP` around it into the folder ``rtl``."""
    from bsnn_hw.hdl.board_core import BoardCore
    from bsnn_hw.hdl.bridges import make_wire

    core = BoardCore(facts.shape, divisor=facts.divisor, network=design.verilog.top,
                     class_bits=8 * facts.class_bytes,
                     wire=make_wire(facts.bridge, facts.divisor))
    verilog = to_verilog(to_rtlil(core, TOP), rtl, TOP)
    copies = [Path(shutil.copy(path, rtl)) for path in design.verilog.paths]
    return replace(verilog, paths=(*verilog.paths, *copies))


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A folder to write into, which becomes ``out`` at the end of the block, or goes.

    Raises
    ------
    InputError
        ``out`` is there or cannot be written.
    """
    if out.exists():
        raise InputError(f"{out}: must not exist; give another `out`")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        with removed_after(out.absolute().with_name(f".{out.name}.{os.getpid()}")) as draft:
            draft.mkdir()
            yield draft
            draft.rename(out)
    except OSError as error:
        raise InputError(f"{out}: must be a folder that can be written, {error.strerror or error}; "
                         "give another `out` or free some space") from None


def write_core(bundle: Path, out: Path, *, clock: float, baud: int,
               bridge: Bridge = Bridge.UART) -> tuple[Verilog, BoardFacts]:
    """Write ``out``: rtl/ with the bundle's circuit and what stands around it, and link.json.

    clock : MHz; baud : bits a second on a serial line; of SPI it is the fastest SCK

    Raises
    ------
    InputError
        The bundle has ports of event slots, the line's speed does not suit the clock, or ``out``
        is there or cannot be written.
    """
    design = open_core(bundle)
    facts = board_facts(design, *line_speed(bridge, clock, baud), bridge)
    with written_whole(out) as draft:
        rtl = draft / "rtl"
        rtl.mkdir()
        verilog = core_verilog(design, facts, rtl)
        facts.write(draft)
    return verilog, facts
