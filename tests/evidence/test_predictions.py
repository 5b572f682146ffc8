"""What counts as forecast rightly."""


import pytest

from bsnn_hw.devices.chips import find_chip
from bsnn_hw.devices.families import Cost
from bsnn_hw.ir.schedule import Schedule
from bsnn_hw.planning.forecast import Forecast
from bsnn_hw.planning.plan import Plan
from evidence.predictions import PLANS, Compared, Measured, Memory, compare
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program


@for_each("forecast, found, tolerance, right", [
    (115, 100, 0.151, True), (116, 100, 0.15, False), (84, 100, 0.15, False), (7, 7, 0, True),
    (8, 7, 0, False), (0, 0, 0, True), (1, 0, 0, False)])
def test_tolerances(forecast, found, tolerance, right):
    assert Compared("cells", forecast, found, tolerance).right == right


def test_there_are_twenty_plans_of_five_families():
    assert len(PLANS) >= 20
    assert len({case.target.split("-")[0] for case in PLANS}) == 5


def test_what_was_measured_is_remembered_of_its_verilog_alone(tmp_path):
    found = Measured("abc", {"logic cells": 7}, 99.5, 12.25)
    assert Memory(None).of(PLANS[0], "abc") is None
    Memory(None).keep(PLANS[0], found)
    Memory(tmp_path / "kept").keep(PLANS[0], found)
    Memory(tmp_path / "kept").keep(PLANS[-1], found)
    memory = Memory(tmp_path / "kept")
    assert memory.of(PLANS[0], "abc") == memory.of(PLANS[-1], "abc") == found
    assert memory.of(PLANS[0], "abd") is None and memory.of(PLANS[1], "abc") is None


@for_each("part, cells, clock", [
    ("ecp5-25k", 0.15, 0.10), ("gowin-9", float("inf"), 0.10), ("gatemate-a1", 0.15, float("inf"))])
def test_what_a_family_is_bound_to(part, cells, clock):
    """All of it, but for the cells of Gowin and the clock of GateMate."""
    chip = find_chip(part)
    plan = Plan(Schedule(()), chip, forecast=Forecast((Cost(100, 50, 3, 2),), (1.0,), 70.0))
    used = {resource.words: 3 for resource in chip.target.resources}
    found = list(compare(plan, Measured("", used, 99.5, 71.0)))
    assert (found[0].forecast, found[0].found, found[0].tolerance) == (100, 3, cells)
    assert [each.tolerance for each in found if each.words.startswith("block RAMs")] == [0.0]
    assert [each.tolerance for each in found if each.words == "flip-flops"] == [float("inf")]
    assert (found[-2].words, found[-2].found, found[-2].tolerance) == ("cycles/inf.", 71.0, 0.05)
    assert (found[-1].words, found[-1].found, found[-1].tolerance) == ("MHz", 99.5, clock)
    assert found[-1].forecast == chip.likely_clock(plan.forecast.cost)
