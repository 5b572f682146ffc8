"""A bundle whose neurons step in units of their own: read again, exact, and said what it is."""

import json
import shutil
from dataclasses import replace

import pytest

from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.errors import InputError
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.reference.network import run
from bsnn_hw.reporting.activity import count
from bsnn_hw.reporting.toggles import toggled
from bsnn_hw.sim.cocotb_run import run_cocotb
from bsnn_hw.verification.native import build_model, verify_native
from tests.bundles import make_map_bundle
from tests.for_each import for_each
from tests.reporting.test_toggles import by_rows

# c1 has 4 channels, 3 of them side by side: a position's second word has one neuron.
PARALLEL, UNITS = (3, 3, 2, 3, 2), (1, None, 1, None, None)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_map_bundle(tmp_path_factory.mktemp("units") / "out", PARALLEL, UNITS)


def test_it_is_read_again(bundle):
    again = open_bundle(bundle.folder)
    assert tuple(plan.units for plan in again.schedule.layers) == UNITS
    assert again.layout.layers == bundle.design.layout.layers
    assert "| 3, in units of 1 |" in (bundle.folder / "README.md").read_text(encoding="utf-8")


@for_each("units", [0, 2, True, "1"])
def test_units_that_cannot_be_are_refused(bundle, tmp_path, units):
    copy = shutil.copytree(bundle.folder, tmp_path / f"{units!r}")
    facts = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    facts["layers"][0]["units"] = units
    (copy / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(InputError, match="units"):
        open_bundle(copy)


def test_bits_that_change_are_those_of_units_and_words(bundle):
    trace = run(bundle.network, bundle.inputs[:3])
    found = toggled(bundle.design.layout, bundle.inputs[:3], trace)[0]
    block, bounds = bundle.design.layout.layers[0], bundle.design.layout.hidden_bounds[0]
    seen = trace.hidden[0]
    assert found.membranes == by_rows(seen.charged, block.neurons.raster, bounds.charged.width)
    assert found.spikes == by_rows(seen.sent.astype(int), block.neurons.words, 1)
    assert block.neurons.raster.width == 1 and block.neurons.words.width == 3


def test_sums_that_are_handed_over_are_counted(bundle):
    """c1 has 96 neurons, and its sums are read and written once more in both timesteps."""
    plain = replace(bundle.schedule, layers=tuple(
        replace(plan, units=None) for plan in bundle.schedule.layers))
    activity = measure_activity(bundle.network, bundle.inputs, run(bundle.network, bundle.inputs))
    before, after = (count(build_layout(bundle.network, schedule), activity)[0]
                     for schedule in (plain, bundle.schedule))
    width = bundle.design.layout.hidden_bounds[0].acc.width
    assert after.state_bits - before.state_bits == 2 * 2 * 96 * width


@pytest.mark.wide
def test_it_is_exact_at_native_speed(bundle, tmp_path):
    verify_native(bundle.design, build_model(bundle.design, tmp_path / "build"), bundle.inputs)


@pytest.mark.slow
def test_its_bench_finds_it_exact(bundle, tmp_path):
    result = run_cocotb(bundle.design.verilog.paths, bundle.design.verilog.top, "bench",
                        bundle.folder, tmp_path / "build", brief=True)
    assert len(result.tests) == 4
