"""What counts as forecast rightly."""


from evidence.predictions import PLANS, Compared
from tests.for_each import for_each


@for_each("forecast, found, tolerance, right", [
    (115, 100, 0.151, True), (116, 100, 0.15, False), (84, 100, 0.15, False), (7, 7, 0, True),
    (8, 7, 0, False), (0, 0, 0, True), (1, 0, 0, False)])
def test_tolerances(forecast, found, tolerance, right):
    assert Compared("cells", forecast, found, tolerance).right == right


def test_there_are_twelve_plans_of_three_families():
    assert len(PLANS) >= 12
    assert len({target.split("-")[0] for _, target, *_ in PLANS}) == 3
