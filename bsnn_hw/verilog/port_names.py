"""Names for ports that carry bits of a signal: ``groups__payload.rows`` for ``port$1111$0``.

Where a module takes or gives a part of a signal, or what several cells drive, Amaranth names the
port by the number of a cell.  After ``proc`` every name of its bits is still there.

Runs in the child process of `bsnn_hw.verilog.write` only.
"""

import re

from pyosys import libyosys as ys

__all__ = ["port_names"]

_PORT = re.compile(r"\\port\$\d+\$\d+")
_NUMBER = re.compile(r"\$\d+")


def _bits(signal):
    return [(bit.wire.name.str(), bit.offset) if bit.is_wire() else None for bit in signal.bits()]


def _values(module):
    """Named wire -> its bits, as what drives them."""
    drivers = {bit: driver for target, source in module.connections_
               for bit, driver in zip(_bits(target), _bits(source), strict=True)}

    def driver(bit):
        while bit in drivers:
            bit = drivers[bit]
        return bit

    wires = ((wire.name.str(), _bits(ys.SigSpec(wire))) for wire in module.wires_.values()
             if wire.name.str().startswith("\\"))
    return {name: tuple(map(driver, bits)) for name, bits in wires}


def _start(part, whole):
    """Where ``part`` begins in ``whole``, None where it does not stand there side by side."""
    starts = range(len(whole) - len(part) + 1)
    return next((start for start in starts if whole[start:start + len(part)] == part), None)


def _name(value, values):
    """A signal or field of just these bits, else bits of the narrowest; None without one."""
    found = []
    for name, other in values.items():
        start = _start(value, other)
        if start is not None:
            bits = "" if len(value) == len(other) else f"[{start + len(value) - 1}:{start}]"
            found.append((len(other), len(name), _NUMBER.sub("", name) + bits))
    return min(found)[-1] if found else None


def port_names(design):
    """(module, port) -> its name, of all ports that Amaranth has named by a number."""
    names = {}
    for module in design.modules_.values():
        ports = [name.str() for name, wire in module.wires_.items()
                 if wire.port_id and _PORT.fullmatch(name.str())]
        values = _values(module) if ports else {}
        named = {name: bits for name, bits in values.items() if not _PORT.fullmatch(name)}
        for port in ports:
            names[module.name.str(), port] = _name(values[port], named)
    return {key: name for key, name in names.items() if name is not None}
