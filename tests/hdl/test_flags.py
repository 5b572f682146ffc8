"""Flags of components are single bits: a stream's handshake, and what says that a word is there."""

import re

from amaranth.hdl import Fragment, Value

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.axi_top import AxiTop
from bsnn_hw.hdl.byte_port import ByteTop
from bsnn_hw.hdl.line_walk import LineWalk
from bsnn_hw.hdl.row_gather import RowGather
from bsnn_hw.hdl.row_parts import RowParts
from bsnn_hw.ir.schedule import LayerPlan, Port, Schedule
from bsnn_hw.layout.build import build_layout
from bsnn_hw.link.frames import LinkShape
from bsnn_hw.link.registers import register_map
from evidence.proofs.small import dense, small_network, spiking
from tests.engines.test_conv_lines import CASES, lines_of
from tests.for_each import for_each

FLAG = re.compile(r"(.*_t?)?(valid|ready|last|load|advance|whole)")


def narrow():
    """A network behind ports of bytes."""
    network = small_network(3, spiking("fc", dense(2, 3)))
    return build_layout(network, Schedule((LayerPlan(1, 1), LayerPlan(1, 1))), Port.BYTES)


@for_each("make, count", [
    (lambda: RowGather(width=2, rows=6, gathered=2, words=3), 2),
    (lambda: RowParts(DenseWords.flat(10, 5, 6, 2, 3)), 4),
    (lambda: LineWalk(lines_of(CASES[0])[1]), 3),
    (lambda: ByteTop(narrow()), 6),
    (lambda: AxiTop(narrow(), register_map(LinkShape(bytes(8), 6, 2), ("fc", "out"))), 6),
])
def test_flags_are_single_bits(make, count):
    component = make()
    Fragment.get(component, None)
    flags = {path: len(Value.cast(value)) for path, _, value
             in component.signature.flatten(component) if FLAG.fullmatch(str(path[-1]))}
    assert len(flags) >= count and set(flags.values()) == {1}, flags
