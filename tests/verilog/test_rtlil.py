"""The quick conversion against Amaranth's own, and what it says of each module."""

import re

from amaranth.back import rtlil

from bsnn_hw.hdl.network import NetworkTop
from bsnn_hw.layout.build import build_layout
from bsnn_hw.verilog.rtlil import to_rtlil
from tests.for_each import for_each, quick
from tests.hdl.nets import random_network, random_schedule


@quick(1, wide=None)
@for_each("seed", range(3))
def test_the_same_text_as_amaranth(seed):
    network = random_network(seed)
    schedule = random_schedule(seed, network)
    text = to_rtlil(NetworkTop(build_layout(network, schedule)), "top")
    assert re.sub(r"^attribute \\about .*\n", "", text, flags=re.MULTILINE) == rtlil.convert(
        NetworkTop(build_layout(network, schedule)), name="top", emit_src=False)


def test_a_module_is_described_by_its_component():
    network = random_network(1)
    text = to_rtlil(NetworkTop(build_layout(network, random_schedule(1, network))), "top")
    assert 'attribute \\about "The pipeline of all layers."\nmodule \\top\n' in text
    described = re.findall(r'attribute \\about "[A-Z].*\."\nmodule', text)
    assert len(described) == text.count("\nmodule ")
