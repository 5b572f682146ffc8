"""What vendors' tools are told of a memory or a product, each in its own words.

Yosys and Vivado read ``ram_style`` and ``rom_style``, which stand in the design where the layout
has chosen.  Synplify and what stems from it (Lattice, Gowin, Microchip) read names of their own.
Products of `LEAST_PRODUCT` bits or more are to take a multiplier, and count as one in forecasts.

Runs in the child process of `bsnn_hw.verilog.write` only.
"""

from pyosys import libyosys as ys

__all__ = ["LEAST_PRODUCT", "say_to_vendors"]

LEAST_PRODUCT = 9  # bits, no fewer than any `devices.families.Family.least_product`

_SYNONYMS = {
    ("ram_style", "block"): ("syn_ramstyle", "block_ram"),
    ("rom_style", "block"): ("syn_romstyle", "block_rom"),
    ("rom_style", "logic"): ("syn_romstyle", "logic"),
}
_PRODUCT = {"use_dsp": "yes", "syn_multstyle": "block_mult"}


def _id(name):
    return ys.IdString(f"\\{name}")


def _wires(signal):
    return {bit.wire.name.str(): bit.wire for bit in signal.bits() if bit.is_wire()}.values()


def say_to_vendors(module):
    """Add the attributes to the memories of ``module``, and to the wires of its products."""
    for cell in module.cells_.values():
        if cell.is_mem_cell():
            for (name, value), (other, word) in _SYNONYMS.items():
                if cell.get_string_attribute(_id(name)) == value:
                    cell.set_string_attribute(_id(other), word)
        elif cell.type.str() == "$mul" and cell.getPort(_id("Y")).size() >= LEAST_PRODUCT:
            for wire in _wires(cell.getPort(_id("Y"))):
                for name, word in _PRODUCT.items():
                    wire.set_string_attribute(_id(name), word)
