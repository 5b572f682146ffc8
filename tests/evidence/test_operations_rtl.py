"""What the RTL does for an inference, counted in it: the reference's counts."""

from dataclasses import replace

import pytest

from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.errors import MismatchError
from evidence import operations_rtl
from evidence.operations_rtl import check
from tests.bundles import make_bundle, make_map_bundle
from tests.for_each import for_each

pytestmark = pytest.mark.slow
KINDS = {"direct": lambda folder: make_bundle(24, folder),
         "events": lambda folder: make_bundle(32, folder), "maps": make_map_bundle}


def made(kind, folder):
    bundle = KINDS[kind](folder / "b")
    (folder / "rtl").mkdir()
    return bundle, emit_verilog(bundle.network, bundle.schedule, folder / "rtl")


@for_each("kind", KINDS)
def test_counts_are_equal(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(operations_rtl, "MOST_ROWS", 2)  # tiny layers wait for their producers
    bundle, design = made(kind, tmp_path)
    for rtl, reference in check(design, bundle.inputs, tmp_path / "build"):
        assert rtl.exact == reference.exact and rtl.steps > 0 and rtl.toggles.sums > 0
        assert rtl.every_cycle[0] >= rtl.toggles.sums
        assert (rtl.every_cycle[1] or 0) >= (rtl.toggles.membranes or 0)


@for_each("change", [
    lambda tally: replace(tally, words=tally.words + 1),
    lambda tally: replace(tally, toggles=replace(tally.toggles, sums=tally.toggles.sums - 1))])
def test_a_count_that_differs_is_named(change, tmp_path, monkeypatch):
    bundle, design = made("direct", tmp_path)
    wanted = operations_rtl.reference_tallies

    def wrong(*given):
        first, *rest = wanted(*given)
        return [change(first), *rest]

    monkeypatch.setattr(operations_rtl, "reference_tallies", wrong)
    name = bundle.network.layers[0].name
    with pytest.raises(MismatchError, match=f"layer {name}: RTL Tally"):
        check(design, bundle.inputs, tmp_path / "build")
