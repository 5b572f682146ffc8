"""Flip-flops that become output registers of ECP5's block RAMs and multipliers, or stay."""

from copy import deepcopy

from bsnn_hw.synthesis.ecp5_registers import move_registers
from tests.for_each import for_each

CLOCK, ENABLE, RESET = 2, 3, 4
PLAIN = {"CEMUX": "1 ", "CLKMUX": "CLK", "REGSET": "RESET"}


def cell(kind, parameters, inputs, outputs):
    return {"type": kind, "parameters": dict(parameters),
            "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output"),
            "connections": {port: [bit] for port, bit in (inputs | outputs).items()}}


def flip_flop(data, out, reset="0", enable=None, **parameters):
    ports = {"CLK": CLOCK, "LSR": reset, "DI": data} | ({"CE": enable} if enable else {})
    return cell("TRELLIS_FF", PLAIN | parameters | ({"CEMUX": "CE"} if enable else {}), ports,
                {"Q": out})


def block_ram(outputs, width_b=18, reset="0", clock=CLOCK):
    sides = {f"{name}{side}": value for side in "AB" for name, value in
             (("CLK", clock), ("RST", reset), ("OCE", "1"))}
    parameters = {"DATA_WIDTH_B": f"{width_b:032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG",
                  "CLKAMUX": "CLKA", "CLKBMUX": "CLKB"}
    unread = {f"DO{side}{bit}": 900 + 18 * at + bit
              for at, side in enumerate("AB") for bit in range(18)}
    return cell("DP16KD", parameters, sides, unread | outputs)


def multiplier(outputs):
    return cell("MULT18X18D", {}, {"A0": 80}, {f"P{bit}": 950 + bit for bit in range(36)} | outputs)


def module(source, *flip_flops, read=()):
    """A cell and what is behind it; nets of ``read`` leave the module."""
    cells = {"source": source} | {f"ff_{n}": each for n, each in enumerate(flip_flops)}
    return {"cells": cells, "ports": {"out": {"direction": "output", "bits": list(read)}},
            "netnames": {"word": {"bits": [10, 11, 12]}}}


def two_words(source, **first):
    """Two bits of ``source``, each through two flip-flops."""
    return module(source, flip_flop(10, 20, **first), flip_flop(11, 21, **first),
                  flip_flop(20, 30), flip_flop(21, 31), read=(30, 31))


@for_each("enable", [None, ENABLE])
@for_each("side", "AB")
def test_flip_flops_behind_a_block_ram_become_its_register(side, enable):
    netlist = two_words(block_ram({f"DO{side}3": 10, f"DO{side}7": 11}), enable=enable)
    assert move_registers(netlist) == 2
    source, other = netlist["cells"]["source"], "AB".replace(side, "")
    assert sorted(netlist["cells"]) == ["ff_2", "ff_3", "source"]
    assert (source["connections"][f"DO{side}3"], source["connections"][f"DO{side}7"]) == (
        [20], [21])
    assert source["parameters"][f"REGMODE_{side}"] == "OUTREG"
    assert source["parameters"][f"REGMODE_{other}"] == "NOREG"
    assert source["connections"][f"OCE{side}"] == [enable or "1"]
    assert netlist["netnames"]["word"]["bits"] == [20, 21, 12]
    assert move_registers(netlist) == 0


def test_a_word_of_36_bits_has_the_registers_of_both_ports():
    netlist = two_words(block_ram({"DOA0": 10, "DOB0": 11}, width_b=36))
    assert move_registers(netlist) == 2
    parameters = netlist["cells"]["source"]["parameters"]
    assert (parameters["REGMODE_A"], parameters["REGMODE_B"]) == ("OUTREG", "OUTREG")


def test_flip_flops_behind_a_multiplier_become_its_register():
    netlist = two_words(multiplier({"P0": 10, "P35": 11}), enable=ENABLE)
    assert move_registers(netlist) == 2
    source = netlist["cells"]["source"]
    assert source["parameters"]["REG_OUTPUT_CLK"] == "CLK0"
    assert {port: source["connections"][port] for port in ("CLK0", "CE0", "RST0", "P0")} == {
        "CLK0": [CLOCK], "CE0": [ENABLE], "RST0": ["0"], "P0": [20]}
    assert source["port_directions"]["CLK0"] == "input"
    assert move_registers(netlist) == 0


# What a netlist has that stays as it is.
RAM = {"DOA0": 10, "DOA1": 11}
STAYING = {
    "a reset": two_words(block_ram(RAM), reset=RESET),
    "a first value of 1": two_words(block_ram(RAM), REGSET="SET"),
    "the other edge": two_words(block_ram(RAM), CLKMUX="INV"),
    "an enable that is inverted": two_words(block_ram(RAM), CEMUX="INV"),
    "a block RAM that is reset": two_words(block_ram(RAM, reset=RESET)),
    "another clock": two_words(block_ram(RAM, clock=5)),
    "two enables": module(block_ram(RAM), flip_flop(10, 20, enable=ENABLE), flip_flop(11, 21),
                          flip_flop(20, 30), flip_flop(21, 31), read=(30, 31)),
    "a bit without a flip-flop": module(block_ram(RAM), flip_flop(10, 20), flip_flop(20, 30),
                                        read=(11, 30)),
    "a bit that is read twice": module(block_ram(RAM), flip_flop(10, 20), flip_flop(11, 21),
                                       flip_flop(20, 30), flip_flop(21, 31), read=(10, 30, 31)),
    "logic behind a flip-flop": module(block_ram(RAM), flip_flop(10, 20), flip_flop(11, 21),
                                       flip_flop(20, 30), read=(21, 30)),
    "nothing that reads": module(block_ram({})),
}


@for_each("what", STAYING)
def test_all_else_stays(what):
    netlist = deepcopy(STAYING[what])
    assert move_registers(netlist) == 0
    assert netlist == STAYING[what]
