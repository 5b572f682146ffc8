"""The parts of a page: every part's forecast, what was placed, and other plans."""

import json
import shutil
from pathlib import Path

import pytest

from bsnn_hw.devices.chips import CHIPS
from bsnn_hw.emission.results import write_results
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.reference.network import run
from bsnn_hw.reporting.parts import front, parts, placed
from bsnn_hw.synthesis.report import FORMAT, VERSION, sources_digest
from tests.for_each import for_each


@pytest.fixture(scope="module")
def activity(direct_bundle):
    network, inputs = direct_bundle.network, direct_bundle.inputs
    return measure_activity(network, inputs, run(network, inputs))


@pytest.fixture
def folder(direct_bundle, tmp_path):
    return Path(shutil.copytree(direct_bundle.folder, tmp_path / "b"))


def figures(bundle, **changes):
    return {"format": FORMAT, "version": VERSION, "target": "ecp5-25k", "part": "a part",
            "sources_sha256": sources_digest(bundle.design.verilog.paths), "megahertz": 120.5,
            "cycles_per_inference": 40.0, "inferences_per_second": 3e6, "netlist_simulated": 4,
            "resources": {"TRELLIS_COMB": {"used": 700}, "DP16KD": {"used": 0}}} | changes


def test_every_part_has_a_forecast(direct_bundle, activity):
    found = parts(direct_bundle.design, activity)
    assert [part.name for part in found] == [chip.name for chip in CHIPS]
    assert all(part.fits and part.speed > 0 for part in found)


@pytest.mark.wide
def test_the_bundles_own_plan_is_among_the_plans(direct_bundle, activity):
    found = front(direct_bundle.folder, direct_bundle.design, activity)
    kinds = [point.kind for point in found.plot.points]
    assert found.part == "ecp5-85k"
    assert kinds.count("point chosen") == 1 and len(kinds) > 1
    assert found.plot.points[0].words.startswith("lanes 3,4, parallel 5,2: ")


def test_what_was_placed(direct_bundle, folder):
    assert placed(folder, direct_bundle.design) == ()
    write_results(folder / "synth", {"synth_ecp5-25k.json":
                                     json.dumps(figures(direct_bundle)).encode()})
    (part,) = placed(folder, direct_bundle.design)
    assert (part.name, part.used, part.megahertz) == ("ecp5-25k", "700 TRELLIS_COMB", 120.5)


STALE = {
    "another circuit": {"sources_sha256": "0" * 64},
    "another version": {"version": VERSION + 1},
    "no number": {"megahertz": "<b>"},
    "no table": {"resources": [7]},
}


@for_each("kind", STALE)
def test_anything_else_is_not_shown(direct_bundle, folder, kind):
    content = json.dumps(figures(direct_bundle, **STALE[kind])).encode()
    write_results(folder / "synth", {"synth_ecp5-25k.json": content})
    assert placed(folder, direct_bundle.design) == ()


def test_edited_results_are_not_shown(direct_bundle, folder):
    write_results(folder / "synth", {"a.json": json.dumps(figures(direct_bundle)).encode()})
    (folder / "synth" / "a.json").write_text(json.dumps(figures(direct_bundle, megahertz=999.0)))
    assert placed(folder, direct_bundle.design) == ()
