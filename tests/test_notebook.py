"""What a notebook shows of the stages' results: each a table, and every name in it text."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

import bsnn_hw
from bsnn_hw.notebook import MOST_ROWS, TABLES, html_table
from bsnn_hw.verification.native import Outcome
from tests.for_each import for_each
from tests.test_public import MODEL

NAMES = {
    "html": "<script>alert(1)</script>",
    "quotes": """a"b'c` onload=x""",
    "right to left": "\u202e\u05d0\u05d1",
    "control": "a\x00b\nc\u2028d",
    "long": "w" * 10_000,
}


class Structure(HTMLParser):
    """Tags in order, each ended, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert attrs == []
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    model = bsnn_hw.load(MODEL)
    lowered = bsnn_hw.lower(model)
    plan = bsnn_hw.plan(lowered, target="ecp5-25k", lanes=(4, 4, 2), parallel=(8, 4, 2))
    design = bsnn_hw.emit(lowered, plan, tmp_path_factory.mktemp("n") / "hw", vectors=1)
    found = [model, lowered.network, lowered, plan, design.layout, design, Outcome(7, 12.5, None)]
    return {type(each).__name__: each for each in found}


@pytest.mark.wide
def test_every_result_has_a_table(results):
    assert {kind.__name__ for kind in TABLES} == set(results)
    words = {"Model": "real-valued", "Network": "8,192", "Lowered": "fraction bits",
             "Plan": "ecp5-25k at 100 MHz", "Layout": "folds", "Design": "bsnn_digits_fc",
             "Outcome": "12.5"}
    for name, each in results.items():
        found = Structure(each._repr_html_())
        assert found.tags[0] == "table" and words[name] in found.text, name


@pytest.mark.wide
def test_a_plan_for_no_part(results):
    plan = replace(results["Plan"], chip=None, forecast=None, clock=None)
    assert "a plan for no part" in Structure(plan._repr_html_()).text


@pytest.mark.wide
@for_each("kind", NAMES)
def test_names_are_text(kind, results):
    network = results["Network"]
    before = Structure(network._repr_html_())
    hidden = (replace(network.hidden[0], name=NAMES[kind]), *network.hidden[1:])
    after = Structure(replace(network, name=NAMES[kind], hidden=hidden)._repr_html_())
    assert after.tags == before.tags and len(after.text) < 1000
    assert NAMES[kind][:10].replace("\x00", "�").replace("\n", "�").replace(
        "\u2028", "�").replace("\u202e", "�") in after.text


@for_each("bundle_name", ["maps_bundle", "words_bundle", "brief_bundle"])
def test_every_kind_of_network(bundle_name, request):
    bundle = request.getfixturevalue(bundle_name)
    for each in (bundle.network, bundle.design.layout, bundle.design):
        assert Structure(each._repr_html_()).tags


def test_long_tables_end():
    text = Structure(html_table("x", [["a", "b"], *[[n, n] for n in range(1000)]])).text
    assert f"and {1000 - MOST_ROWS} more" in text
