"""The table of parts."""

import pytest

from bsnn_hw.devices.targets import TARGETS, find_target
from bsnn_hw.errors import InputError
from tests.for_each import for_each


@for_each("target", TARGETS)
def test_rows_are_found_by_name_and_say_something(target):
    assert find_target(target.name) is target
    assert target.logic.bel in {"TRELLIS_COMB", "ICESTORM_LC", "CPE_LT", "OXIDE_COMB", "LUT4"}
    assert all(resource.capacity > 0 for resource in target.resources)
    assert target.router.function == "run_" + target.router.package[7:].replace("-", "_")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"one of ecp5-25k, .*.*gowin-9, not 'ecp5-12k'"):
        find_target("ecp5-12k")
