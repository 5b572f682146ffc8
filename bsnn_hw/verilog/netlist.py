"""What a Yosys design needs before ``write_verilog`` prints code that no linter objects to.

Runs in the child process of `bsnn_hw.verilog.write` only, on objects of ``pyosys.libyosys``.

=================  ==============================================================================
Verilator warning  what prevents it here
=================  ==============================================================================
WIDTHEXPAND        `match_widths`: operands are extended to the width at which they are used
WIDTHTRUNC         `match_widths`: shifts get a result as wide as their operand; a logical
                   negation of several bits becomes a comparison with zero
UNUSEDSIGNAL       ``opt_clean -purge``, `drop_unread_ports`; what must stay (an input of the top
                   level, the middle of a bus) is read by `sink_unread` in one wire ``unused``
=================  ==============================================================================
"""

from pyosys import libyosys as ys

__all__ = ["drop_unread_ports", "instances", "is_read", "keep_only", "match_widths", "sink_unread"]

_MODULAR = {"$add", "$sub", "$mul", "$and", "$or", "$xor", "$xnor", "$not", "$neg"}
_DIVISION = {"$div", "$mod", "$divfloor", "$modfloor"}
_COMPARISON = {"$eq", "$ne", "$eqx", "$nex", "$lt", "$le", "$gt", "$ge"}
_RIGHT_SHIFT = {"$shr", "$sshr", "$shift", "$shiftx"}
_LOGIC = {"$logic_and", "$logic_or"}

# Attributes that a synthesizer reads; all others describe the generator.
_ATTRIBUTES = {"\\init", "\\keep", "\\ram_style", "\\rom_style", "\\ram_block", "\\syn_ramstyle",
               "\\syn_romstyle", "\\use_dsp", "\\syn_multstyle"}


def _id(name):
    return ys.IdString(name)


def _set_operand(cell, port, signal):
    cell.setPort(_id(f"\\{port}"), signal)
    cell.setParam(_id(f"\\{port}_WIDTH"), ys.Const(signal.size()))


def _fit(cell, port, width):
    """Extend operand ``port`` to ``width`` bits as its sign says, or drop the bits above."""
    signal = ys.SigSpec(cell.getPort(_id(f"\\{port}")))
    if signal.size() < width:
        signal.extend_u0(width, cell.getParam(_id(f"\\{port}_SIGNED")).as_bool())
    elif signal.size() > width:
        signal = signal.extract(0, width)
    _set_operand(cell, port, signal)


def _size(cell, port):
    return cell.getPort(_id(f"\\{port}")).size()


def _operands(cell):
    return [port for port in "AB" if cell.hasPort(_id(f"\\{port}"))]


def _widen_result(module, cell, width):
    """Give ``cell`` a result of ``width`` bits, of which the lowest become the old result."""
    result = ys.SigSpec(cell.getPort(_id("\\Y")))
    wide = ys.SigSpec(module.addWire(_id(f"$wide{cell.name.str()}"), width))
    _set_operand(cell, "Y", wide)
    module.connect(result, wide.extract(0, result.size()))


def _fit_modular(cell):
    """A sum may be one bit wider than both operands (the carry), a product as wide as their sum."""
    kind, operands, width = cell.type.str(), _operands(cell), _size(cell, "Y")
    widest = max(_size(cell, port) for port in operands)
    if kind == "$mul" and width == sum(_size(cell, port) for port in operands):
        return
    if kind in {"$add", "$sub"} and width == widest + 1:
        width = widest
    for port in operands:
        _fit(cell, port, width)


def _is_zero(cell):
    """``!a`` of several bits, as ``a == 0``."""
    cell.type = _id("$eq")
    _set_operand(cell, "B", ys.SigSpec(0, _size(cell, "A")))
    cell.setParam(_id("\\B_SIGNED"), cell.getParam(_id("\\A_SIGNED")))


def _fit_right_shift(module, cell):
    signed_amount = cell.getParam(_id("\\B_SIGNED")).as_bool()
    if cell.type.str() in {"$shift", "$shiftx"} and not signed_amount:
        cell.type = _id("$shr")  # the same for amounts that are never negative
    width = max(_size(cell, "A"), _size(cell, "Y"))
    _fit(cell, "A", width)
    if width > _size(cell, "Y"):
        _widen_result(module, cell, width)


def _match_cell(module, cell):
    kind = cell.type.str()
    if kind in _MODULAR:
        _fit_modular(cell)
    elif kind in _COMPARISON:
        width = max(_size(cell, "A"), _size(cell, "B"))
        _fit(cell, "A", width)
        _fit(cell, "B", width)
    elif kind == "$logic_not" and _size(cell, "A") > 1:
        _is_zero(cell)
    elif kind in _LOGIC:
        for port in _operands(cell):
            signal = ys.SigSpec(cell.getPort(_id(f"\\{port}")))
            if signal.size() > 1:
                name = _id(f"$any{port}{cell.name.str()}")
                _set_operand(cell, port, module.ReduceBool(name, signal))
    elif kind in {"$shl", "$sshl"}:
        _fit(cell, "A", _size(cell, "Y"))
    elif kind in _RIGHT_SHIFT:
        _fit_right_shift(module, cell)
    elif kind in _DIVISION:
        width = max(_size(cell, port) for port in "ABY")
        _fit(cell, "A", width)
        _fit(cell, "B", width)
        if width > _size(cell, "Y"):
            _widen_result(module, cell, width)
    elif kind == "$pos":
        _fit(cell, "A", _size(cell, "Y"))
        module.connect(cell.getPort(_id("\\Y")), cell.getPort(_id("\\A")))
        module.remove(cell)


def match_widths(module):
    """Write every extension and truncation that Verilog would make silently into the operands."""
    for cell in list(module.cells_.values()):
        _match_cell(module, cell)


def is_read(cell, port, design):
    """Whether ``cell`` reads ``port``, as far as its type is known; an unknown type reads all."""
    child = design.module(cell.type)
    if child is not None:
        return child.wire(port).port_input
    return not cell.known() or cell.input(port)


def _add_bits(bits, signal):
    if signal.is_wire():  # most are, and this is where the time goes
        wire = signal.as_wire()
        name = wire.name.str()
        bits.update((name, offset) for offset in range(wire.width))
        return
    for bit in signal.bits():
        if bit.is_wire():
            bits.add((bit.wire.name.str(), bit.offset))


def _read_bits(module):
    """Bits (wire name, offset) that something in ``module`` reads, its output ports included."""
    bits: set[tuple[str, int]] = set()
    for cell in module.cells_.values():
        for port, signal in cell.connections_.items():
            if is_read(cell, port, module.design):
                _add_bits(bits, signal)
    for _, source in module.connections_:
        _add_bits(bits, source)
    for wire in module.wires_.values():
        if wire.port_output:
            bits.update((wire.name.str(), offset) for offset in range(wire.width))
    return bits


def instances(design):
    """Module name -> (parent, cell) of each instance."""
    found: dict[str, list] = {name.str(): [] for name in design.modules_}
    for parent in design.modules_.values():
        for cell in parent.cells_.values():
            kind = cell.type.str()
            if kind in found:
                found[kind].append((parent, cell))
    return found


def _has_bit(wire, bits):
    return any((wire.name.str(), offset) in bits for offset in range(wire.width))


def _drop_port(users, wire):
    wire.port_input = wire.port_output = False
    wire.module.fixup_ports()
    for _, cell in users:
        cell.unsetPort(wire.name)


def drop_unread_ports(design, top):
    """Remove ports of sub-modules that nobody reads; return whether there were any."""
    changed = False
    read = {name.str(): _read_bits(module) for name, module in design.modules_.items()}
    all_instances = instances(design)
    for name, module in list(design.modules_.items()):
        if name.str() == top:
            continue
        users = all_instances[name.str()]
        for wire in [w for w in module.wires_.values() if w.port_input or w.port_output]:
            if wire.port_input:
                needed = _has_bit(wire, read[name.str()])
            else:
                needed = any(
                    bit.is_wire() and (bit.wire.name.str(), bit.offset) in read[parent.name.str()]
                    for parent, cell in users
                    for bit in cell.getPort(wire.name).bits()
                )
            if not needed:
                _drop_port(users, wire)
                changed = True
    return changed


def sink_unread(module):
    """Read what nothing reads in one wire ``unused``, so that a linter knows it is meant."""
    read = _read_bits(module)
    unread = ys.SigSpec()
    for wire in sorted(module.wires_.values(), key=lambda wire: wire.name.str()):
        for offset in range(wire.width):
            if (wire.name.str(), offset) not in read:
                unread.append(ys.SigSpec(wire, offset, 1))
    if unread.size():
        wire = module.addWire(_id("\\unused"), 1)
        module.addReduceAnd(_id("$unused"), unread, ys.SigSpec(wire))


def keep_only(module, attributes=frozenset(_ATTRIBUTES)):
    """Drop all attributes but those that a synthesizer reads."""
    owners = [module, *module.wires_.values(), *module.cells_.values(), *module.memories.values()]
    for owner in owners:
        kept = ys.IdstringToConstDict()
        for key, value in owner.attributes.items():
            if key.str() in attributes:
                kept[key] = value
        owner.attributes = kept
