"""Names for signals that Amaranth has numbered: ``link_fc1_groups__payload`` for
``groups__payload$17``.

What would be called like another signal of its module gets a number there, which any change of the
module changes.  Most such signals join parts of the module, and are named after one of them.

Runs in the child process of `bsnn_hw.verilog.write` only.
"""

import re
from collections import defaultdict
from itertools import chain, count
from typing import NamedTuple

from pyosys import libyosys as ys

from bsnn_hw.verilog.netlist import instances, is_read

__all__ = ["name_numbered"]

_NAME = re.compile(r"(?P<base>\\(?P<stem>\$?[^.$\[]+)(?:\$(?P<number>\d+))?)(?P<rest>.*)",
                   re.DOTALL)


class _End(NamedTuple):
    """A part of the module, an instance or a memory, where a signal ends.

    other : its port is called otherwise than the signal; reads : it does not drive the signal
    port : what it calls the signal, if that is all that it drives
    """

    other: bool
    reads: bool
    part: str
    port: str

    def name(self, stem):
        """What the signal ``stem`` is called after this part."""
        return f"{self.part}_{stem if self.reads else self.port or stem}"


def _split(name):
    """A public ``name`` as `_NAME` has it."""
    match = _NAME.fullmatch(name)
    assert match, name
    return match


def _stem(name):
    return _split(name)["stem"]


def _ends(module):
    """Signal, by its name without fields -> its ends."""
    ends = defaultdict(list)
    for cell in module.cells_.values():
        memory = cell.is_mem_cell()
        if not memory and module.design.module(cell.type) is None:
            continue
        part = cell.getParam(ys.IdString("\\MEMID")).decode_string() if memory else cell.name.str()
        for port, signal in cell.connections_.items():
            reads = is_read(cell, port, module.design)
            at = "" if memory else _stem(port.str())
            for name in {bit.wire.name.str() for bit in signal.bits() if bit.is_wire()}:
                if name.startswith("\\"):
                    match = _split(name)
                    ends[match["base"]].append(_End(at not in ("", match["stem"]), reads, part[1:],
                                                    at if signal.is_wire() else ""))
    return ends


def _groups(module):
    """Stem -> signals of that name, those of ports first, where there are numbers to get rid of."""
    groups: dict[str, dict[str, tuple[bool, int]]] = defaultdict(dict)
    for name, wire in module.wires_.items():
        if name.str().startswith("\\") and not wire.get_bool_attribute(ys.IdString("\\keep")):
            match = _split(name.str())
            order = not (wire.port_id and not match["rest"]), int(match["number"] or 0)
            known = groups[match["stem"]]
            known[match["base"]] = min(order, known.get(match["base"], order))
    return {stem: sorted(orders, key=orders.__getitem__) for stem, orders in sorted(groups.items())
            if any("$" in base for base in orders)}


def _plain(name):
    return re.sub(r"\W+", "_", name.removeprefix("\\")).casefold()


def _new_names(module):
    """Signal, by its name without fields -> its name."""
    groups, ends = _groups(module), _ends(module)
    changing = {base for bases in groups.values() for base in bases}
    objects = (*module.wires_, *module.cells_, *module.memories)
    public = [name.str() for name in objects if name.str().startswith("\\")]
    taken = {_plain(name) for name in public if _split(name)["base"] not in changing}
    names = {}
    for stem, bases in groups.items():
        for number, base in enumerate(bases):
            wire = module.wire(ys.IdString(base))
            is_port = number == 0 and wire is not None and wire.port_id
            wanted = [] if is_port or base not in ends else [min(ends[base]).name(stem)]
            numbered = (f"{stem}_{index}" for index in count(2))
            name = next(name for name in chain(wanted, [stem], numbered)
                        if _plain(name) not in taken)
            taken.add(_plain(name))
            names[base] = f"\\{name}"
    return names


def _rename(module, names, cells):
    """Wires of ``module``, and its ports at ``cells``, its instances; old and new names may be
    the same ones in another order."""
    wires = [(module.wire(ys.IdString(old)), ys.IdString(new)) for old, new in names.items()]
    for number, (wire, _) in enumerate(wires):
        module.rename(wire, ys.IdString(f"$renamed{number}"))
    for wire, new in wires:
        module.rename(wire, new)
    for cell in cells:
        ports = [(port, signal) for port, signal in cell.connections_.items()
                 if port.str() in names]
        for port, _ in ports:
            cell.unsetPort(port)
        for port, signal in ports:
            cell.setPort(ys.IdString(names[port.str()]), signal)


def _apart(module, names):
    """``names``, old -> new, with a number behind what two would have, or what something else in
    ``module`` has: the pieces that `split_circles` makes of ``sum`` and ``sum$7`` are such."""
    objects = (*module.wires_, *module.cells_, *module.memories)
    taken = {name.str() for name in objects} - set(names)
    found = {}
    for old, new in names.items():
        found[old] = next(name for name in chain([new], (f"{new}_{number}" for number in count(2)))
                          if name not in taken)
        taken.add(found[old])
    return found


def name_numbered(design, ports):
    """Give every numbered signal and port a name without the number; those that are pinned by the
    attribute ``keep`` stay.

    ports : (module, port) -> its name, see `port_names`
    """
    users = instances(design)
    # Parts first, as their ports' names are what signals around them are called after.
    for module in sorted(design.modules_.values(), key=lambda module: -len(module.name.str())):
        name, cells = module.name.str(), [cell for _, cell in users[module.name.str()]]
        given = {old: new for (where, old), new in ports.items()
                 if where == name and module.wire(ys.IdString(old)) is not None}
        _rename(module, _apart(module, given), cells)
        bases = _new_names(module)
        wires = [wire.str() for wire in module.wires_ if wire.str().startswith("\\")]
        names = {old: bases[match["base"]] + match["rest"] for old in wires
                 for match in [_split(old)] if match["base"] in bases}
        _rename(module, _apart(module, {old: new for old, new in names.items() if old != new}),
                cells)
