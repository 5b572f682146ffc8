"""Flip-flops behind ECP5's block RAMs and multipliers become these cells' own output registers.

A block RAM takes 5.8 ns from its clock to its output, or 1.0 ns with its own register; a multiplier
takes 3.9.  Yosys maps to neither.  Moved are flip-flops that feed nothing but further flip-flops,
as pipelined plans have them: then a whole cycle is left for the wires on either side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

__all__ = ["move_registers"]

Cell = dict[str, Any]
Bit = int | str  # the number of a net, or a constant
LOW, HIGH = "0", "1"


class _Reader(NamedTuple):
    """Who reads a net; a port of the module has no cell."""

    cell: str
    port: str


def move_registers(module: Cell) -> int:
    """Move what can be moved in a flat module of Yosys's JSON netlist; returns how many flip-flops.

    A cell's outputs are moved together: each that is read at all goes to the data input of one
    flip-flop and nowhere else, all with the cell's clock and one enable, none with a reset or
    another first value than 0.
    """
    readers = _readers(module)
    names: dict[Bit, Bit] = {}
    for name, cell in list(module["cells"].items()):
        for group in _groups(cell):
            names |= _move(module["cells"], readers, name, group)
    for net in module["netnames"].values():
        net["bits"] = [names.get(bit, bit) for bit in net["bits"]]
    return len(names)


class _Group(NamedTuple):
    """Outputs of a cell that have one register.

    outputs : names of ports
    clock, resets : what the cell has, None for a clock that it does not have yet
    clocks, enables : ports that the flip-flops' clock and enable go to
    parameters : that the register sets
    """

    outputs: Sequence[str]
    clock: Bit | None
    resets: Sequence[Bit]
    clocks: Sequence[str]
    enables: Sequence[str]
    parameters: dict[str, str]


def _groups(cell: Cell) -> Iterator[_Group]:
    ports, parameters = cell["connections"], cell["parameters"]
    if cell["type"] == "MULT18X18D" and "CLK0" not in ports:
        yield _Group([f"P{bit}" for bit in range(36)], None, (), ("CLK0",), ("CE0",),
                     {"REG_OUTPUT_CLK": "CLK0"})
    elif cell["type"] == "DP16KD":
        # What port B reads of 36 bits leaves through the outputs of both; A may have no clock.
        both = int(parameters["DATA_WIDTH_B"], 2) == 36
        for sides in ("AB",) if both else ("A", "B"):
            clock = ports[f"CLK{sides[-1]}"][0]
            if all(ports[f"CLK{side}"][0] in ((clock, LOW) if both else (clock,))
                   and parameters[f"CLK{side}MUX"] == f"CLK{side}"
                   and parameters[f"REGMODE_{side}"] == "NOREG" for side in sides):
                yield _Group([f"DO{side}{bit}" for side in sides for bit in range(18)],
                             clock, [ports[f"RST{side}"][0] for side in sides],
                             [f"CLK{side}" for side in sides], [f"OCE{side}" for side in sides],
                             {f"REGMODE_{side}": "OUTREG" for side in sides})


def _move(cells: dict[str, Cell], readers: dict[Bit, list[_Reader]], name: str,
          group: _Group) -> dict[Bit, Bit]:
    """Move the flip-flops of a group if all can be; returns net -> its flip-flop's, as what the
    cell drove is then another name of that."""
    cell = cells[name]
    outputs = {port: cell["connections"][port][0] for port in group.outputs
               if readers.get(cell["connections"].get(port, [""])[0])}
    flip_flops = {}
    for port, bit in outputs.items():
        found = _flip_flop(cells, readers, bit)
        if found is None:
            return {}
        flip_flops[port] = found
    kinds = {kind for each in flip_flops.values() if (kind := _kind(cells[each]))}
    if len(kinds) != 1 or any(reset != LOW for reset in group.resets):
        return {}
    (clock, enable), = kinds
    if group.clock not in (None, clock):
        return {}
    names = {}
    for port, each in flip_flops.items():
        names[outputs[port]] = cells.pop(each)["connections"]["Q"][0]
        cell["connections"][port] = [names[outputs[port]]]
    cell["parameters"].update(group.parameters)
    given = dict.fromkeys(group.clocks, clock) | dict.fromkeys(group.enables, enable)
    if group.clock is None:
        given["RST0"] = LOW
    for port, bit in given.items():
        cell["connections"][port] = [bit]
        cell["port_directions"][port] = "input"
        if bit not in (LOW, HIGH):
            readers[bit].append(_Reader(name, port))
    return names


def _readers(module: Cell) -> dict[Bit, list[_Reader]]:
    """Of each net."""
    found: dict[Bit, list[_Reader]] = defaultdict(list)
    for port in module["ports"].values():
        if port["direction"] != "input":
            for bit in port["bits"]:
                found[bit].append(_Reader("", ""))
    for name, cell in module["cells"].items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "output":
                for bit in bits:
                    found[bit].append(_Reader(name, port))
    return found


def _flip_flop(cells: dict[str, Cell], readers: dict[Bit, list[_Reader]],
               bit: Bit) -> str | None:
    """The plain flip-flop that alone reads ``bit`` and that flip-flops alone read."""
    if len(readers[bit]) != 1:
        return None
    (name, port), = readers[bit]
    if not _is_data(cells, name, port):
        return None
    after = readers[cells[name]["connections"]["Q"][0]]
    plain = _kind(cells[name]) is not None
    return name if plain and after and all(_is_data(cells, *each) for each in after) else None


def _is_data(cells: dict[str, Cell], name: str, port: str) -> bool:
    """Whether this is a flip-flop's data input."""
    return bool(name) and cells[name]["type"] == "TRELLIS_FF" and port == "DI"


def _kind(flip_flop: Cell) -> tuple[Bit, Bit] | None:
    """Clock and enable of one without a reset that is 0 at first; None of any other."""
    ports, parameters = flip_flop["connections"], flip_flop["parameters"]
    # A string that could be a binary number has a space behind it, in Yosys's JSON.
    enables = {"1 ": HIGH, "CE": ports.get("CE", [HIGH])[0]}
    if (parameters["CLKMUX"], parameters["REGSET"], ports["LSR"][0]) != ("CLK", "RESET", LOW):
        return None
    return None if parameters["CEMUX"] not in enables else (
        ports["CLK"][0], enables[parameters["CEMUX"]])

