"""A board's pins as nextpnr reads them, in the format of each family."""

from __future__ import annotations

from bsnn_hw.boards.description import Board
from bsnn_hw.link.bridge import RESTS_HIGH, Bridge

__all__ = ["constraints"]

# suffix -> (a line's sign of a comment, lines of a pin, of one that is pulled up, of the clock)
_FORMATS = {
    ".pcf": ("#", "set_io {port} {pin}", "set_io -pullup yes {port} {pin}",
             "set_frequency {port} {megahertz:g}"),
    ".lpf": ("#", 'LOCATE COMP "{port}" SITE "{pin}";\n'
             'IOBUF PORT "{port}" IO_TYPE={standard};',
             'LOCATE COMP "{port}" SITE "{pin}";\n'
             'IOBUF PORT "{port}" IO_TYPE={standard} PULLMODE=UP;',
             'FREQUENCY PORT "{port}" {megahertz:g} MHZ;'),
    ".cst": ("//", 'IO_LOC "{port}" {pin};\nIO_PORT "{port}" IO_TYPE={standard};',
             'IO_LOC "{port}" {pin};\nIO_PORT "{port}" IO_TYPE={standard} PULL_MODE=UP;', ""),
    ".pdc": ("#", "ldc_set_location -site {{{pin}}} [get_ports {{{port}}}]\n"
             "ldc_set_port -iobuf {{IO_TYPE={standard}}} [get_ports {{{port}}}]",
             "ldc_set_location -site {{{pin}}} [get_ports {{{port}}}]\n"
             "ldc_set_port -iobuf {{IO_TYPE={standard} PULLMODE=UP}} [get_ports {{{port}}}]",
             "create_clock -period {period:.3f} [get_ports {{{port}}}]"),
    ".ccf": ("#", 'Net "{port}" Loc = "{pin}";', 'Net "{port}" Loc = "{pin}" | PULLUP=true;', ""),
}


def constraints(board: Board, bridge: Bridge = Bridge.UART) -> str:
    """The text of the board's file of pins, for the ports of templates/board_top.v.j2."""
    comment, plain, pulled, timed = _FORMATS[board.part.pins_suffix]
    lights = {f"lights[{index}]" if len(board.leds) > 1 else "lights": pin
              for index, pin in enumerate(board.leds)}
    lines = [f"{comment} {board.title}"]
    pins = {"clk": board.clock, **lights, **board.line(bridge).pins}
    for port, pin in pins.items():
        form = pulled if port in RESTS_HIGH else plain  # where nobody is connected
        lines.append(form.format(port=port, pin=pin, standard=board.standard))
    if timed:
        lines.append(timed.format(port="clk", megahertz=board.oscillator,
                                  period=1e3 / board.oscillator))
    return "\n".join(lines) + "\n"
