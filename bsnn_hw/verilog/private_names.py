"""Names for signals that have none in the design: ``state_is_2``, ``count_next``, ``count_enable``.

Runs in the child process of `bsnn_hw.verilog.write` only.
"""

from pyosys import libyosys as ys

__all__ = ["name_private"]

_PORTS = {"\\D": "next", "\\EN": "enable"}


def _whole_wire(signal, public):
    """The wire that ``signal`` is all of, if it is public (or private) as asked, else None."""
    if not signal.is_wire():
        return None
    wire = signal.as_wire()
    return wire if wire.name.str().startswith("\\") == public else None


def _suggestion(cell):
    """Signals that ``cell`` gives a name for, with that name."""
    ports = {port.str(): signal for port, signal in cell.connections_.items()}
    if cell.type.str() == "$eq" and ports["\\B"].is_fully_const():
        subject = _whole_wire(ports["\\A"], public=True)
        if subject is not None and subject.width <= 16:
            value = ports["\\B"].as_int()
            yield ports["\\Y"], f"{subject.name.str()}_is_{value}"
    elif cell.is_builtin_ff():
        subject = _whole_wire(ports["\\Q"], public=True)
        if subject is not None:
            for port, suffix in _PORTS.items():
                if port in ports:
                    yield ports[port], f"{subject.name.str()}_{suffix}"


def name_private(module):
    """Rename private wires after the register or the comparison that they belong to."""
    pairs = [pair for cell in module.cells_.values() for pair in _suggestion(cell)]
    # What a comparison says is worth more than that a register uses it.
    for signal, name in sorted(pairs, key=lambda pair: ("_is_" not in pair[1], pair[1])):
        wire = _whole_wire(signal, public=False)
        if wire is not None and not module.count_id(ys.IdString(name)):
            module.rename(wire, ys.IdString(name))
