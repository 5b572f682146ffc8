"""Pages in a real browser: what the circuit in them answers, and what it looks like to it."""

from pathlib import Path

import pytest

from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.ir.schedule import Port
from bsnn_hw.reporting import page as pages
from bsnn_hw.reporting.circuit import compiler_missing
from bsnn_hw.reporting.page import Request, write_page
from evidence.browser import AXE, CHROMIUM, browser
from evidence.pages import EXAMPLES, READY, look, problems
from tests.bundles import make_bundle, make_map_bundle, make_words_bundle
from tests.for_each import for_each
from tests.reporting.example import NAMES, with_name

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium"),
    pytest.mark.skipif(compiler_missing() is not None, reason="no ziglang")]

FOLDER = Path(__file__).parents[2] / "examples"
ANSWERED = "document.getElementById('status').textContent.includes('answer: ')"


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


def example(name, folder):
    import bsnn_hw

    model = FOLDER / f"{name}.pt"
    bsnn_hw.generate(model, folder)
    return write_page(Request(folder, model=model, data=str(FOLDER / "fashion_mnist_sample.npz")))


@for_each("name", EXAMPLES)
def test_an_example(chromium, name, tmp_path):
    """Exact in every stored sample, quick, alone with itself, and drawn for everybody."""
    page = example(name, tmp_path / "b")
    assert list(problems(name, page, look(chromium, page))) == []


BUNDLES = {
    "direct": lambda folder: make_bundle(24, folder),
    "events": lambda folder: make_bundle(32, folder),
    "brief": lambda folder: make_bundle(34, folder),
    "maps": make_map_bundle,
    "words": make_words_bundle,
    "bytes": lambda folder: make_bundle(32, folder, port=Port.BYTES),
    "bytes of maps": lambda folder: make_map_bundle(folder, port=Port.BYTES),
}


@for_each("kind", BUNDLES)
def test_every_kind_of_port(chromium, kind, tmp_path):
    bundle = BUNDLES[kind](tmp_path / "b")
    page = write_page(Request(bundle.folder))
    chromium.errors.clear()
    chromium.open(page)
    chromium.wait(f"{READY} && {ANSWERED}")
    found = chromium.value("page.compareAll()")
    assert (found["equal"], found["first"]) == (len(bundle.inputs), None)
    assert chromium.errors == []
    assert AXE is None or chromium.findings() == []


def test_a_difference_is_named(chromium, tmp_path):
    """Where the stored answers are another network's."""
    bundle = make_bundle(24, tmp_path / "b")
    page = write_page(Request(bundle.folder))
    chromium.open(page)
    chromium.wait(READY)
    chromium.value("data.scores[3][1] += 1, data.layers[0].firedSums[5] ^= 1")
    chromium.value("page.circuit.layers[0].firedSums = data.layers[0].firedSums, 0")
    found = chromium.value("page.compareAll()")
    assert found["equal"] == len(bundle.inputs) - 2
    assert found["first"].startswith("sample 3, score of class 1: circuit ")


def test_steps(chromium, tmp_path):
    bundle = make_bundle(24, tmp_path / "b")
    chromium.open(write_page(Request(bundle.folder)))
    chromium.wait(f"{READY} && {ANSWERED}")
    chromium.value("document.getElementById('step-cycle').click()")
    assert chromium.value("page.circuit.cycles") == 1
    steps = open_bundle(bundle.folder).network.timesteps
    for done in range(1, steps):
        chromium.value("document.getElementById('step-time').click()")
        assert chromium.value("page.circuit.layers[0].timestepsDone") == done


@for_each("kind", NAMES)
def test_a_strange_name_breaks_nothing(chromium, kind, tmp_path, monkeypatch):
    """It is text, the circuit runs, and the page is no wider than a phone."""
    bundle, name = make_bundle(24, tmp_path / "b"), NAMES[kind]
    classes, data = [name] * len(bundle.network.classes), pages.page_data
    monkeypatch.setattr(pages, "page_data", lambda *given: {**data(*given), "classes": classes})
    facts = pages.gather
    monkeypatch.setattr(pages, "gather", lambda *given: with_name(facts(*given), name))
    chromium.errors.clear()
    chromium.open(write_page(Request(bundle.folder)), 390)
    chromium.wait(f"{READY} && {ANSWERED}")
    assert chromium.value("document.getElementById('status').textContent").endswith(name)
    assert chromium.value("document.documentElement.scrollWidth") == 390
    assert chromium.errors == []


def test_paper(chromium, tmp_path):
    """Ink is dark by night too, and no table is wider than a page."""
    bundle = make_map_bundle(tmp_path / "b")
    chromium.open(write_page(Request(bundle.folder)), 700)
    chromium.wait(f"{READY} && {ANSWERED}")
    chromium.call("Emulation.setEmulatedMedia", media="print", features=[
        {"name": "prefers-color-scheme", "value": "dark"}])
    try:
        assert chromium.value("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
        assert chromium.value("[...document.querySelectorAll('.wide')].filter("
                              "each => each.scrollWidth > each.clientWidth).length") == 0
    finally:
        chromium.call("Emulation.setEmulatedMedia", media="")
