"""What counts as forecast rightly."""


from evidence.predictions import PLANS, Compared, Measured, Memory
from tests.for_each import for_each


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
