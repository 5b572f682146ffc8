"""One emitted design and one native simulation of it for all tests of sim/."""

import pytest


@pytest.fixture(scope="session")
def emitted(tmp_path_factory):
    """The design `Mixed` as Verilog, with some observed signals."""
    from amaranth.back import rtlil

    from bsnn_hw.sim.verilog import to_verilog
    from tests.sim.designs import Mixed

    text = rtlil.convert(Mixed(), name="mixed", emit_src=False)
    observed = [
        ("mixed.neuron", "charged"), ("mixed.neuron", "fired"), ("mixed.neuron", "spikes__valid"),
        ("mixed.pool", "accumulators"),
    ]
    return to_verilog(text, tmp_path_factory.mktemp("rtl"), "mixed", observed)


@pytest.fixture(scope="session")
def native(emitted, tmp_path_factory):
    """A native simulation of `emitted` that writes down a group ``neuron``."""
    from bsnn_hw.sim.native import Group, build_native

    place = {signal: observed for (_, signal), observed in emitted.observed.items()}
    group = Group("neuron", place["spikes__valid"],
                  (place["charged"], place["fired"], place["accumulators"]))
    return build_native(emitted.paths, emitted.top, tmp_path_factory.mktemp("native"), [group])
