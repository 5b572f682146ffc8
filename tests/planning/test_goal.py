"""What a goal is called."""

import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.planning.goal import Goal, Objective, parse_goal
from tests.for_each import for_each


@for_each("text, goal", [
    ("smallest", Goal(Objective.SMALLEST)), ("fastest", Goal(Objective.FASTEST)),
    ("fps=20000", Goal(Objective.RATE, 20000)), ("fps=1e6", Goal(Objective.RATE, 1e6))])
def test_goals(text, goal):
    assert parse_goal(text) == goal
    assert parse_goal(str(goal)) == goal


@for_each("text", ["", "fast", "fps", "fps=", "fps=x", "fps=0", "fps=-1", "fps=inf",
               "fps=nan", "rate=3", "area=3", "smallest=3"])
def test_others(text):
    with pytest.raises(InputError, match=r"^`goal`: must be smallest, fastest or fps=N with"):
        parse_goal(text)
