"""Netlists of a tiny bundle, made once for all tests that only look."""

import pytest

from tests import once


@pytest.fixture(scope="session")
def design(events_bundle):
    """The tiny network as it lies on disk."""
    from bsnn_hw.emission.opened import open_bundle

    return open_bundle(events_bundle.folder)


@pytest.fixture(scope="session", params=[
    "ecp5-25k", pytest.param("ice40-hx8k", marks=pytest.mark.wide)])
def mapped(request, design, run_folder):
    """(target, netlist) of each family."""
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.synthesis.netlist import synthesize

    target = find_target(request.param)

    def make(folder):
        folder.mkdir()
        return synthesize(design, target, folder)

    return target, once.made_once(run_folder / f"netlist_{request.param}", make)
