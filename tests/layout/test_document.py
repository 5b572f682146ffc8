"""layout.json: docs/layout.md's code runs and names every block; all numbers are plain."""

import json
import re
from pathlib import Path

from bsnn_hw.layout.build import build_layout
from bsnn_hw.layout.document import layout_document
from tests.emission.circuits import gated_layout, random_layout
from tests.for_each import for_each
from tests.planning.test_schedule import network

PAGE = Path(__file__).parents[2] / "docs" / "layout.md"


def blocks_of(value):
    """The names of all blocks in a document."""
    if isinstance(value, list):
        return {name for each in value for name in blocks_of(each)}
    if isinstance(value, dict):
        return {*([value["type"]] if "type" in value else []),
                *blocks_of(list(value.values()))}
    return set()


def test_the_code_of_the_page_runs():
    code, = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    scope = {"network": network()}
    exec(compile(code, str(PAGE), "exec"), scope)
    assert scope["link"].depth > scope["link"].margin


@for_each("seed", range(6))
def test_plain_and_the_same_each_time(seed):
    document = layout_document(random_layout(seed))
    assert json.loads(json.dumps(document)) == document == layout_document(random_layout(seed))


def test_every_block_is_named():
    layouts = [*map(random_layout, range(12)), *map(gated_layout, range(2))]
    names = {name for layout in layouts for name in blocks_of(layout_document(layout))}
    assert "Gate" in names
    text = PAGE.read_text(encoding="utf-8")
    small = {"Slots", "StateRows", "TableSize", "Gain", "Pool"}  # sizes inside of a block
    assert not [name for name in names - small if f"`{name}`" not in text]


def test_numbers_of_a_link_by_hand():
    """7 neurons in rows of 4 are 2 words in each of 2 timesteps; the margin is 3 + 2 of banks and
    terms, 5 of current and step, and a register."""
    layout = build_layout(network(), _schedule())
    link = layout.output.synapses.source
    assert (link.words, link.margin, link.depth) == (2, 3 + 5 + 1, 17)


def _schedule():
    from bsnn_hw.ir.schedule import LayerPlan, Schedule

    return Schedule((LayerPlan(2, 4), LayerPlan(2, 3)))
