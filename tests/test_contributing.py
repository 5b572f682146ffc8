"""CONTRIBUTING names files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_file_that_is_named_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`((?:bsnn_hw|hdl|evidence|tests)/[\w/.]*)`", text))
    assert len(names) > 8
    missing = [name for name in names if "NAME" not in name and not (ROOT / name).exists()]
    assert not missing
