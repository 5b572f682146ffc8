"""Pages in a real browser: what the circuit in them answers, and what it looks like to it."""

import importlib.util
from pathlib import Path

import pytest

from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.ir.schedule import Port
from bsnn_hw.reporting.circuit import compiler_missing
from bsnn_hw.reporting.page import Request, write_page
from tests.bundles import make_bundle, make_map_bundle, make_words_bundle
from tests.for_each import for_each
from tests.reporting.browser import CHROMIUM, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium"),
    pytest.mark.skipif(compiler_missing() is not None, reason="no ziglang")]

EXAMPLES = Path(__file__).parents[2] / "examples"
READY = "document.documentElement.dataset.circuit === 'ready'"
ANSWERED = "document.getElementById('status').textContent.includes('answer: ')"
MOST_BYTES = 3_000_000

# A stroke from corner to corner, as a mouse makes it.
STROKE = """(async () => {
  const paper = document.getElementById("paper"), box = paper.getBoundingClientRect();
  page.clear();
  const silent = JSON.stringify(page.classify(page.current).scores);
  for (let step = 0; step <= 20; step++) {
    paper.dispatchEvent(new PointerEvent(step ? "pointermove" : "pointerdown", {
      buttons: 1, clientX: box.left + box.width * step / 20,
      clientY: box.top + box.height * step / 20}));
  }
  paper.dispatchEvent(new PointerEvent("pointerup"));
  return silent !== JSON.stringify(page.classify(page.current).scores);
})()"""


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


def example(name, folder):
    import bsnn_hw

    model = EXAMPLES / f"{name}.pt"
    bsnn_hw.generate(model, folder)
    return write_page(Request(folder, model=model, data=str(EXAMPLES / "fashion_mnist_sample.npz")))


@for_each("name, rate", [("fashion_mnist_fc", 5), ("fashion_mnist_conv", 0)])
def test_an_example(chromium, name, rate, tmp_path):
    page = example(name, tmp_path / "b")
    assert page.stat().st_size < MOST_BYTES
    chromium.errors.clear()
    chromium.requests.clear()
    chromium.open(page)
    chromium.wait(f"{READY} && {ANSWERED}", 30)
    found = chromium.value("page.compareAll()", 300)
    assert (found["equal"], found["count"], found["first"]) == (64, 64, None)
    assert found["rate"] >= rate
    assert chromium.value(STROKE), "a stroke must change the scores"
    assert chromium.errors == []
    assert chromium.requests == [page.as_uri()]


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
    chromium.wait(f"{READY} && {ANSWERED}", 30)
    found = chromium.value("page.compareAll()", 120)
    assert (found["equal"], found["first"]) == (len(bundle.inputs), None)
    assert chromium.errors == []
    _check_access(chromium)


def test_a_difference_is_named(chromium, tmp_path):
    """Where the stored answers are another network's."""
    bundle = make_bundle(24, tmp_path / "b")
    page = write_page(Request(bundle.folder))
    chromium.open(page)
    chromium.wait(READY, 30)
    chromium.value("data.scores[3][1] += 1, data.layers[0].firedSums[5] ^= 1")
    chromium.value("page.circuit.layers[0].firedSums = data.layers[0].firedSums, 0")
    found = chromium.value("page.compareAll()", 120)
    assert found["equal"] == len(bundle.inputs) - 2
    assert found["first"].startswith("sample 3, score of class 1: circuit ")


def test_steps(chromium, tmp_path):
    bundle = make_bundle(24, tmp_path / "b")
    chromium.open(write_page(Request(bundle.folder)))
    chromium.wait(f"{READY} && {ANSWERED}", 30)
    chromium.value("document.getElementById('step-cycle').click()")
    assert chromium.value("page.circuit.cycles") == 1
    steps = open_bundle(bundle.folder).network.timesteps
    for done in range(1, steps):
        chromium.value("document.getElementById('step-time').click()")
        assert chromium.value("page.circuit.layers[0].timestepsDone") == done


def _check_access(chromium):
    """No serious finding of axe, where it is installed, by day and by night."""
    spec = importlib.util.find_spec("axe_core_python")
    if spec is None:
        return
    (folder,) = spec.submodule_search_locations
    chromium.value((Path(folder) / "axe.min.js").read_text(encoding="utf-8") + "; 0")
    for scheme in ("light", "dark"):
        chromium.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])
        found = chromium.value("axe.run().then(result => result.violations.filter(each => "
                               "['serious', 'critical'].includes(each.impact)).map(each => "
                               "each.id + ': ' + each.nodes[0].html))", 60)
        assert found == []
