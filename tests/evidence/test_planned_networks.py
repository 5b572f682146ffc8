"""Every part and goal comes up, and a few plans are exact."""

from bsnn_hw.devices.chips import CHIPS
from evidence.planned_networks import GOALS, check_one
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [3, 8])
def test_exact_in_rtl(seed):
    """A network of maps with ports of bytes, and a fully connected one."""
    line = check_one(seed, lint=False)
    assert line.endswith(": exact")
    assert CHIPS[seed % len(CHIPS)].name in line
    assert ("bytes" in line) == (seed == 3)


def test_every_part_meets_every_goal():
    met = {(seed % len(CHIPS), seed // len(CHIPS) % len(GOALS)) for seed in range(60)}
    assert len(met) == len(CHIPS) * len(GOALS)
