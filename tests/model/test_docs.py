"""docs/model.md: its code runs and its hand-worked numbers are right."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "model.md"


def test_the_code_of_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    scope = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), scope)
    assert scope["trace"].classes.tolist() == [0]
