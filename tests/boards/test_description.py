"""Boards as data: those that are listed, a user's file, and what is wrong with one."""

import importlib

import pytest

from bsnn_hw.boards.constraints import constraints
from bsnn_hw.boards.description import find_board, known_boards
from bsnn_hw.errors import InputError
from bsnn_hw.link.bridge import INPUTS, OUTPUTS, RESTS_HIGH, Bridge
from tests.for_each import for_each

SMALL = """
target = "ecp5-45k"
nextpnr = { package = "CABGA256", speed = "7" }
clock = { pin = "A1", megahertz = 50 }
serial = { rx = "B1", tx = "C1" }
"""


def described(tmp_path, text, name="mine"):
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return find_board(str(path))


def test_the_listed_boards():
    known = known_boards()
    assert {"icebreaker", "ulx3s-85f", "orangecrab-85f", "colorlight-i5", "tang-nano-9k",
            "crosslink-nx-evn", "gatemate-evb"} == set(known)
    for name, board in known.items():
        assert find_board(name) == board
        assert board.leds and board.loader and board.title != name
        assert all(board.line(bridge) for bridge in Bridge) and board.line(Bridge.SPI).connector
        assert not board.part.harness


# Where amaranth-boards has a board: its platform, and what it calls clock, line and LEDs there.
AMARANTH = {
    "icebreaker": ("icebreaker", "ICEBreakerPlatform", "clk12"),
    "ulx3s-85f": ("ulx3s", "ULX3S_85F_Platform", "clk25"),
    "orangecrab-85f": ("orangecrab_r0_2", "OrangeCrabR0_2_85FPlatform", "clk"),
    "tang-nano-9k": ("tang_nano_9k", "TangNano9kPlatform", "clk27"),
}


def names(resource, part=None):
    """Pins of a resource, or of its part of that name, and whether they are inverted."""
    from amaranth.build.dsl import Pins

    found = [io for io in resource.ios if part in (None, getattr(io, "name", None))]
    pins = next(each for io in found for each in getattr(io, "ios", [io]) if isinstance(each, Pins))
    return list(pins.names), pins.invert


# Pins of a connector of amaranth-boards: cs_n, mosi, miso, sck.
SPI = {
    "icebreaker": ("pmod", 0, ("1", "2", "3", "4")),
    "ulx3s-85f": ("gpio", 0, ("0+", "1+", "2+", "3+")),
    "orangecrab-85f": ("io", 0, ("10", "copi", "cipo", "sck")),
}


@pytest.mark.wide
@for_each("name", SPI)
def test_spi_is_on_a_connector_of_amaranth_boards(name):
    pytest.importorskip("amaranth_boards")
    module, platform, _ = AMARANTH[name]
    found = getattr(importlib.import_module(f"amaranth_boards.{module}"), platform)
    kind, number, places = SPI[name]
    pins, = (each.mapping for each in found.connectors
             if (each.name, each.number) == (kind, number))
    given = find_board(name).line(Bridge.SPI).pins
    assert [given[port] for port in ("cs_n", "mosi", "miso", "sck")] == [
        pins[place] for place in places]


@pytest.mark.wide
@for_each("name", AMARANTH)
def test_pins_are_those_of_amaranth_boards(name):
    module, platform, clock = AMARANTH[name]
    pytest.importorskip("amaranth_boards")
    found = getattr(importlib.import_module(f"amaranth_boards.{module}"), platform)
    resources = {(each.name, each.number): each for each in found.resources}
    board = find_board(name)
    assert names(resources[clock, 0])[0] == [board.clock]
    period = resources[clock, 0].clock.period  # a number of seconds up to Amaranth 0.5
    frequency = 1 / period if isinstance(period, float) else period.hertz
    assert frequency == pytest.approx(board.oscillator * 1e6)
    if name == "orangecrab-85f":
        pins = found.connectors[0].mapping
        assert board.line(Bridge.UART).pins == {"rx": pins["0"], "tx": pins["1"]}
        led = resources["rgb_led", 0]
        assert [names(led, part) for part in "grb"] == [([pin], True) for pin in board.leds]
        return
    for port, pin in board.line(Bridge.UART).pins.items():
        assert names(resources["uart", 0], port)[0] == [pin]
    leds = [names(resources["led", number]) for number in range(len(board.leds))]
    assert leds == [([pin], board.inverted) for pin in board.leds]


def test_a_user_s_board(tmp_path):
    board = described(tmp_path, SMALL)
    assert (board.name, board.title, board.top) == ("mine", "mine", "board_mine")
    assert board.part.router.arguments == ("--45k", "--package", "CABGA256", "--speed", "7")
    assert board.part.part == "Lattice LFE5U-45F, package CABGA256, speed 7"
    assert constraints(board) == """\
# mine
LOCATE COMP "clk" SITE "A1";
IOBUF PORT "clk" IO_TYPE=LVCMOS33;
LOCATE COMP "rx" SITE "B1";
IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;
LOCATE COMP "tx" SITE "C1";
IOBUF PORT "tx" IO_TYPE=LVCMOS33;
FREQUENCY PORT "clk" 50 MHZ;
"""


@for_each("name, lines", [
    ("icebreaker", ["set_io clk 35", "set_io lights[1] 37", "set_io -pullup yes rx 6",
                    "set_frequency clk 12"]),
    ("colorlight-i5", ['LOCATE COMP "lights" SITE "U16";']),
    ("crosslink-nx-evn", ["ldc_set_location -site {E17} [get_ports {lights[0]}]",
                          "create_clock -period 83.333 [get_ports {clk}]"]),
    ("tang-nano-9k", ["// Sipeed Tang Nano 9K", 'IO_LOC "lights[5]" 16;',
                      'IO_PORT "rx" IO_TYPE=LVCMOS33 PULL_MODE=UP;']),
    ("gatemate-evb", ['Net "rx" Loc = "IO_NB_A2" | PULLUP=true;']),
])
def test_pins_in_the_words_of_each_family(name, lines):
    assert set(lines) <= set(constraints(find_board(name)).splitlines())


def test_pins_of_spi():
    lines = constraints(find_board("icebreaker"), Bridge.SPI).splitlines()
    assert lines[4:] == ["set_io sck 45", "set_io mosi 2", "set_io -pullup yes cs_n 4",
                         "set_io miso 47", "set_frequency clk 12"]
    assert find_board("icebreaker").line(Bridge.SPI).words() == (
        "sck 45, mosi 2, cs_n 4, miso 47, on PMOD 1A, pins 1 to 4")


def test_a_board_with_spi_alone(tmp_path):
    spi = 'spi = { sck = "B1", mosi = "B2", cs_n = "B3", miso = "B4" }'
    board = described(tmp_path, SMALL.replace('serial = { rx = "B1", tx = "C1" }', spi))
    assert board.line(Bridge.SPI).words() == "sck B1, mosi B2, cs_n B3, miso B4"
    with pytest.raises(InputError, match=r"^`bridge`: must be spi for mine, whose file names no "
                                         r"pins for uart; add `serial` to it, docs/board\.md$"):
        constraints(board)
    both = described(tmp_path, SMALL + spi)  # never both at a time
    assert both.lines == {**described(tmp_path, SMALL).lines, **board.lines}


@for_each("bridge", Bridge)
def test_the_ports_are_those_of_the_circuit(bridge):
    from amaranth.lib.wiring import In

    from bsnn_hw.hdl.bridges import wire_pins

    pins = wire_pins(bridge)
    assert [*INPUTS[bridge]] == [name for name, pin in pins.items() if pin.flow == In]
    assert [*OUTPUTS[bridge]] == [name for name, pin in pins.items() if pin.flow != In]
    assert {name for name in INPUTS[bridge] if name in RESTS_HIGH} == {
        name for name in INPUTS[bridge] if pins[name].init}


def test_a_board_that_nobody_knows():
    with pytest.raises(InputError, match=(
            r"^`board`: must be one of colorlight-i5, .*ulx3s-85f, or a file NAME\.toml that "
            r"describes another \(docs/board\.md\), not 'icestick'$")):
        find_board("icestick")


@for_each("change, message", [
    ('target = "ecp5-45k"', r'target must be one of ecp5-25k, .*, not None'),
    ('pin = "A1", ', "clock.pin must be the name of a pin, not None"),
    (", megahertz = 50", "clock.megahertz must be MHz, 1..1000, not None"),
    ('rx = "B1", ', "serial.rx must be the name of a pin, not None"),
])
def test_what_a_file_must_say(tmp_path, change, message):
    with pytest.raises(InputError, match=f"mine.toml: {message}; see docs/board.md"):
        described(tmp_path, SMALL.replace(change, ""))


@for_each("line, message", [
    ('pll = "PLL"', "pll must be one of SB_PLL40_PAD, SB_PLL40_CORE, EHXPLLL, rPLL, not 'PLL'"),
    ('pll = "rPLL"', "pll must be a cell of ecp5-45k, not rPLL, which is of gowin parts"),
    ('pll = "SB_PLL40_PAD"', "pll must be a cell of ecp5-45k, not SB_PLL40_PAD"),
    ('leds = { pins = ["A1"] }', "a pin must be used once, A1 is used more often"),
    ('leds = { pins = "D1" }', "leds.pins must be a list of pins, not 'D1'"),
    ('leds = { pins = ["D1"], inverted = 1 }', "leds.inverted must be true or false, not 1"),
    ('standard = "LVCMOS33; rm"', "standard must be a name of letters"),
    ('flash = "-x"', "flash must be a name of letters"),
    ('led = ["D1"]', "must have no 'led'"),
    ('leds = { pin = "D1" }', "must have no 'leds.pin'"),
    ('spi = { sck = "B1", mosi = "B2", cs_n = "B3" }',
     "spi.miso must be the name of a pin, not None"),
    ('spi = { sck = "A1", mosi = "B2", cs_n = "B3", miso = "B4" }',
     "a pin must be used once, A1 is used more often"),
    ('spi = { clk = "B1" }', "must have no 'spi.clk'"),
    ('spi = 3', "spi.sck must be the name of a pin, not None"),
    ('title = "a\\nb"', "title must be a line of text"),
    ('clock = "A1"', "must be TOML, Cannot overwrite a value"),
])
def test_what_a_file_must_not_say(tmp_path, line, message):
    with pytest.raises(InputError) as caught:
        described(tmp_path, SMALL + line)
    assert message in str(caught.value)
    assert "docs/board.md" in str(caught.value)


def test_all_problems_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        described(tmp_path, "target = 3\nclock = 4\n")
    assert len(str(caught.value).splitlines()) == 5


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"no\.toml: must be a file that .* board, No such"):
        find_board(f"{tmp_path}/no.toml")
    with pytest.raises(InputError, match="must be called a name of letters"):
        described(tmp_path, SMALL, "a b")
