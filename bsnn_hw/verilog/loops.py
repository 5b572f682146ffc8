"""Splitting wires that only look as if they fed themselves.

``w[2] = w[1]`` and ``w[1:0] = a + b`` is no loop, but a simulator that keeps ``w`` in one
variable sees one: Verilator's UNOPTFLAT, which stops a build for cocotb. Every wire of such a
circle that has several drivers becomes one wire per driver.

Runs in the child process of `bsnn_hw.verilog.write` only.
"""

from collections import defaultdict

from pyosys import libyosys as ys

from bsnn_hw.verilog.netlist import is_read

__all__ = ["split_circles"]


def _bits(signal):
    return [(bit.wire.name.str(), bit.offset) for bit in signal.bits() if bit.is_wire()]


def _wires(signal):
    if signal.is_wire():
        return {signal.as_wire().name.str()}
    return {name for name, _ in _bits(signal)}


def _is_stateful(cell, design):
    """Whether no combinational path goes through ``cell``, as far as one module can tell."""
    if cell.is_builtin_ff() or design.module(cell.type) is not None:
        return True
    return cell.is_mem_cell() and cell.getParam(ys.IdString("\\RD_CLK_ENABLE")).is_fully_ones()


def _wire_bits(signal):
    """Wire -> offsets of its bits in ``signal``."""
    by_wire: dict[str, list[int]] = defaultdict(list)
    for name, offset in _bits(signal):
        by_wire[name].append(offset)
    return by_wire


def _survey(module):
    """(wire -> wires that it depends on, wire -> its cells' slices, bit -> bit it is assigned)."""
    depends: dict[str, set[str]] = defaultdict(set)
    slices: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for cell in module.cells_.values():
        sides: dict[bool, list] = {True: [], False: []}
        for port, signal in cell.connections_.items():
            sides[is_read(cell, port, module.design)].append(signal)
        stateful = _is_stateful(cell, module.design)
        read = set() if stateful else set().union(*map(_wires, sides[True]))
        for signal in sides[False]:
            for name, offsets in _wire_bits(signal).items():
                slices[name].append(tuple(sorted(offsets)))
                depends[name] |= read
    assigned = {}
    for target, source in module.connections_:
        read = _wires(source)
        for name in _wires(target):
            depends[name] |= read
        for to, given in zip(target.bits(), source.bits(), strict=True):
            assigned[to.wire.name.str(), to.offset] = given
    return depends, slices, assigned


def _may_circle(depends):
    """Wires that depend on none outside of a circle, over and over, left out: few stay, mostly."""
    users = defaultdict(list)
    for name, others in depends.items():
        for other in others:
            users[other].append(name)
    open_inputs = {name: len(others) for name, others in depends.items()}
    pending = [name for name in users if not open_inputs.get(name)]
    while pending:
        for user in users[pending.pop()]:
            open_inputs[user] -= 1
            if not open_inputs[user]:
                pending.append(user)
    return {name for name, inputs in open_inputs.items() if inputs}


def _reaches_itself(name, depends):
    pending, seen = list(depends[name]), set()
    while pending:
        other = pending.pop()
        if other == name:
            return True
        if other not in seen:
            seen.add(other)
            pending.extend(depends.get(other, ()))
    return False


def _piece(module, wire, offsets, whole):
    """A new wire for the bits ``offsets`` of ``wire``, named after it, with their initial value."""
    name = wire.name.str()
    stem = name if name.startswith("\\") else f"$piece{name}"
    plain = ys.IdString(f"{stem}_{'value' if whole else offsets[0]}")
    piece = module.addWire(module.uniquify(plain), len(offsets))
    piece.is_signed = wire.is_signed
    if wire.has_attribute(ys.IdString("\\init")):
        init = wire.attributes[ys.IdString("\\init")]
        bits = init.as_string()[::-1]  # a string has its highest bit first
        attributes = piece.attributes
        attributes[ys.IdString("\\init")] = ys.Const.from_string(
            "".join(bits[offset] for offset in reversed(offsets)))
        piece.attributes = attributes
    return piece


def _key(bit):
    return (bit.wire.name.str(), bit.offset) if bit.is_wire() else None


def _mapped(signal, places):
    """``signal`` with the bits in ``places`` replaced."""
    if not any(bit in places for bit in _bits(signal)):
        return signal
    result = ys.SigSpec()
    for bit in signal.bits():
        result.append(ys.SigSpec(places.get(_key(bit), bit), 1))
    return result


def _replace(module, places, gone):
    """Put ``places`` into all cells and assignments, and leave out assignments to ``gone``."""
    for cell in module.cells_.values():
        for port, signal in list(cell.connections_.items()):
            cell.setPort(port, _mapped(signal, places))
    connections = []
    for target, source in list(module.connections_):
        left, right = ys.SigSpec(), ys.SigSpec()
        for to, given in zip(target.bits(), source.bits(), strict=True):
            if to.wire.name.str() not in gone:
                left.append(ys.SigSpec(to, 1))
                right.append(ys.SigSpec(given, 1))
        if left.size():
            connections.append((left, _mapped(right, places)))
    module.new_connections(ys.SigsigVector(connections))


def split_circles(module):
    """Give each driver of a wire in a circle its own wire; see the module's docstring."""
    depends, slices, assigned = _survey(module)
    places, split = {}, []
    for name in sorted(_may_circle(depends)):
        wire = module.wire(ys.IdString(name))
        own = {offset: assigned[name, offset] for offset in range(wire.width)
               if (name, offset) in assigned}
        drivers = len(slices[name]) + bool(own)
        if drivers < 2 or wire.port_input or not _reaches_itself(name, depends):
            continue
        split.append(wire)
        places.update({(name, offset): given for offset, given in own.items()})
        for offsets in slices[name]:
            piece = _piece(module, wire, offsets, len(slices[name]) == 1)
            for index, offset in enumerate(offsets):
                places[name, offset] = ys.SigSpec(piece, index, 1).as_bit()
    if not split:
        return
    for key in places:  # an assigned bit may have been assigned from another
        while _key(places[key]) in places:
            places[key] = places[_key(places[key])]
    _replace(module, places, {wire.name.str() for wire in split})
    for wire in split:
        if wire.port_output or wire.get_bool_attribute(ys.IdString("\\keep")):
            whole = ys.SigSpec()
            for offset in range(wire.width):
                whole.append(ys.SigSpec(places[wire.name.str(), offset], 1))
            module.connect(ys.SigSpec(wire), whole)
        else:
            module.remove(ys.WirePtrPool({wire}))
