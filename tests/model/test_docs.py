"""docs/model.md: its code runs and its hand-worked numbers are right."""

import re
from pathlib import Path

from bsnn_hw.model.format import load

PAGE = Path(__file__).parents[2] / "docs" / "model.md"


def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    scope = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), scope)
    assert scope["trace"].classes.tolist() == [0]
    assert load(tmp_path / "mine.pt").timesteps == 4
