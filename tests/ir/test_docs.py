"""docs/ir.md: the worked example is right, and every key of the JSON is named."""

import json
import re
from pathlib import Path

import numpy as np
import random_maps
from networks import random_network

from bsnn_hw.ir.network import Coding
from bsnn_hw.ir.store import to_json
from tests.reference.gates import with_gates

PAGE = Path(__file__).parents[2] / "docs" / "ir.md"


def test_the_code_of_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    scope = {}
    exec(compile(blocks[0], str(PAGE), "exec"), scope)
    assert scope["trace"].classes.tolist() == [0, 0, 0]


def keys_of(value):
    """All keys of JSON, at any depth."""
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item)}
    return {*value, *keys_of(list(value.values()))} if isinstance(value, dict) else set()


def test_every_key_is_named():
    document = json.loads(to_json(random_network(0, Coding.DIRECT, (4, 3, 2))))
    documents = [document]
    for seed in range(30):
        rng = np.random.default_rng(seed)
        network = random_maps.random_network(rng)
        documents += [json.loads(to_json(each)) for each in (network, with_gates(rng, network))]
    keys = {key for document in documents for key in keys_of(document)}
    text = PAGE.read_text(encoding="utf-8")
    assert not [key for key in keys if f"`{key}`" not in text]
