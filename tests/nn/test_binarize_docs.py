"""docs/binarize.md: its code runs, where its framework is installed."""

import importlib.util
import re
from pathlib import Path

import pytest

from bsnn_hw.model.format import load
from tests.for_each import for_each

PAGE = Path(__file__).parents[2] / "docs" / "binarize.md"


@for_each("number, package",
                         [(0, "snntorch"), (1, "spikingjelly"), (2, "torch")])
def test_code_of_the_page_runs(number, package, tmp_path, monkeypatch, capsys):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    exec(compile(blocks[number], "binarize.md", "exec"), {"__name__": "page"})
    assert "per_step" in capsys.readouterr().out
    [path] = tmp_path.glob("*.pt")
    *hidden, last = load(path).layers
    largest = [int(abs(layer.synapse.weight).max()) for layer in (*hidden, last)]
    assert largest == [127, 1, 127]
