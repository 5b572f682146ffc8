"""The quick conversion against Amaranth's own."""

import pytest
from amaranth.back import rtlil

from bsnn_hw.hdl.network import NetworkTop
from bsnn_hw.layout.build import build_layout
from bsnn_hw.verilog.rtlil import to_rtlil
from tests.hdl.nets import random_network, random_schedule


@pytest.mark.parametrize("seed", range(3))
def test_the_same_text_as_amaranth(seed):
    network = random_network(seed)
    schedule = random_schedule(seed, network)
    assert to_rtlil(NetworkTop(build_layout(network, schedule)), "top") == rtlil.convert(
        NetworkTop(build_layout(network, schedule)), name="top", emit_src=False)
