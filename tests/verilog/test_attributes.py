"""What vendors' tools are told: of every memory that has a place, and of products."""

import re

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.emission.constructs import check_constructs
from bsnn_hw.sim.lint import lint
from bsnn_hw.verilog.rtlil import to_rtlil
from bsnn_hw.verilog.write import to_verilog, yosys_reads
from tests.for_each import for_each


class Looked(wiring.Component):
    """A row of a memory, times another number."""

    def __init__(self, attributes, width):
        self._attributes, self._width = attributes, width
        super().__init__({"row": In(5), "factor": In(signed(width)), "product": Out(2 * width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.store = store = memory.Memory(
            shape=signed(self._width), depth=32, attrs=self._attributes,
            init=[row * 7 % (1 << (self._width - 1)) for row in range(32)])
        read = store.read_port()
        product = Signal(signed(2 * self._width))
        m.d.comb += [read.addr.eq(self.row), self.product.eq(product)]
        m.d.sync += product.eq(read.data * self.factor)
        return m


def _attributes(folder, attributes, width):
    verilog = to_verilog(to_rtlil(Looked(attributes, width), "top"), folder, "top")
    assert lint(verilog.paths, "top") == yosys_reads(verilog.paths, "top") == []
    check_constructs(verilog.paths)
    text = "".join(path.read_text() for path in verilog.paths)
    return dict(re.findall(r'^  \(\* (\w+) = "(\w+)" \*\)$', text, re.MULTILINE))


@for_each("given, said", [
    ({}, {}),
    ({"ram_style": "block"}, {"syn_ramstyle": "block_ram"}),
    ({"rom_style": "block"}, {"syn_romstyle": "block_rom"}),
    ({"rom_style": "logic"}, {"syn_romstyle": "logic"})])
def test_memories(given, said, tmp_path):
    assert _attributes(tmp_path, given, 4) == given | said


@for_each("width, said", [(4, {}), (5, {"use_dsp": "yes", "syn_multstyle": "block_mult"})])
def test_products(width, said, tmp_path):
    """Of 9 bits or more, as forecasts count them."""
    assert _attributes(tmp_path, {}, width) == said
