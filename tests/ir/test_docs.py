"""docs/ir.md: the worked example is right, and every key of the JSON is named."""

import json
import re
from pathlib import Path

from networks import random_network

from bsnn_hw.ir.network import Coding
from bsnn_hw.ir.store import to_json

PAGE = Path(__file__).parents[2] / "docs" / "ir.md"


def test_the_code_of_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    scope = {}
    exec(compile(blocks[0], str(PAGE), "exec"), scope)
    assert scope["trace"].classes.tolist() == [0, 0, 0]


def test_every_key_is_named():
    document = json.loads(to_json(random_network(0, Coding.DIRECT, (4, 3, 2))))
    keys = {*document, *document["input"], *document["hidden"][0], *document["readout"]}
    text = PAGE.read_text(encoding="utf-8")
    assert not [key for key in keys if f"`{key}`" not in text]
