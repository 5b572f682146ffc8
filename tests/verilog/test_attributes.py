"""What vendors' tools are told: of every memory that has a place, and of products."""

import re

import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.devices.families import Family
from bsnn_hw.emission.constructs import check_constructs
from bsnn_hw.sim.lint import lint
from bsnn_hw.verilog.rtlil import to_rtlil
from bsnn_hw.verilog.write import to_verilog, yosys_reads
from tests.for_each import for_each, quick


class Looked(wiring.Component):
    """A row of a memory, times another number."""

    def __init__(self, attributes, width, other):
        self._attributes, self._width, self._product = attributes, width, width + other
        super().__init__({"row": In(5), "factor": In(signed(other)),
                          "product": Out(width + other)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.store = store = memory.Memory(
            shape=signed(self._width), depth=32, attrs=self._attributes,
            init=[row * 7 % (1 << (self._width - 1)) for row in range(32)])
        read = store.read_port()
        product = Signal(signed(self._product))
        m.d.comb += [read.addr.eq(self.row), self.product.eq(product)]
        m.d.sync += product.eq(read.data * self.factor)
        return m


def _attributes(folder, attributes, *widths):
    verilog = to_verilog(to_rtlil(Looked(attributes, *widths), "top"), folder, "top")
    assert lint(verilog.paths, "top") == yosys_reads(verilog.paths, "top") == []
    check_constructs(verilog.paths)
    text = "".join(path.read_text() for path in verilog.paths)
    return dict(re.findall(r'^  \(\* (\w+) = "(\w+)" \*\)$', text, re.MULTILINE))


@quick(1, wide=None)
@for_each("given, said", [
    ({}, {}),
    ({"ram_style": "block"}, {"syn_ramstyle": "block_ram"}),
    ({"rom_style": "block"}, {"syn_romstyle": "block_rom"}),
    ({"rom_style": "logic"}, {"syn_romstyle": "logic"})])
def test_memories(given, said, tmp_path):
    assert _attributes(tmp_path, given, 4, 4) == given | said


@pytest.mark.wide
@for_each("other, said", [(4, {}), (5, {"use_dsp": "yes", "syn_multstyle": "block_mult"})])
def test_products(other, said, tmp_path):
    """Of as many bits as forecasts count them from."""
    assert 4 + other >= Family.least_product or not said
    assert _attributes(tmp_path, {}, 4, other) == said
