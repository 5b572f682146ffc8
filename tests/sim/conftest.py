"""A native simulation of one emitted design for all tests of sim/."""

import pytest


@pytest.fixture(scope="session")
def native(emitted, tmp_path_factory):
    """A native simulation of `emitted` that writes down a group ``neuron``."""
    from bsnn_hw.sim.native import Group, build_native

    place = {signal: observed for (_, signal), observed in emitted.observed.items()}
    group = Group("neuron", place["spikes__valid"],
                  (place["charged"], place["fired"], place["accumulators"]))
    return build_native(emitted.paths, emitted.top, tmp_path_factory.mktemp("native"), [group],
                        "-O0")
