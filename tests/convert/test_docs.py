"""The page of each framework: its script trains, converts, and ends in RTL that is exact."""

import re
from pathlib import Path

import pytest

from bsnn_hw.model.format import load
from tests.for_each import for_each

DOCS = Path(__file__).parents[2] / "docs"
PACKAGES = {"snntorch": ["snntorch"], "spikingjelly": ["spikingjelly.activation_based"],
            "sinabs": ["sinabs.layers"], "norse": ["norse.torch"],
            "brevitas": ["brevitas.nn", "snntorch"]}


def blocks(page):
    for package in PACKAGES[page]:
        pytest.importorskip(package)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(found) == 2
    return found


def run(page, code, names):
    exec(compile(code, f"{page}.md", "exec"), names)


@for_each("page", PACKAGES)
def test_it_trains_and_converts(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train, convert = blocks(page)
    names = {}
    run(page, train, names)
    assert names["loss"] < 1.2 if "loss" in names else True
    run(page, re.sub(r"(?m)^(bsnn_hw\.generate|print).*$", "", convert), names)
    [path] = tmp_path.glob("*.pt")
    assert load(path).layers
    added = [line for line in convert.splitlines() if line and not line.startswith("    ")
             and not re.match(r"import|from|.*generate|.*verify| {4,}", line)]
    assert len(added) <= 5


@pytest.mark.slow
@for_each("page", PACKAGES)
def test_the_whole_page(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in blocks(page):
        run(page, code, names)
    assert "inferences=32" in capsys.readouterr().out
