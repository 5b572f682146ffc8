"""The page: what it says first, that it needs nothing, and that names are text in it."""

import base64
import errno
import hashlib
import html
import json
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from bsnn_hw import report
from bsnn_hw.reporting import facts
from bsnn_hw.reporting import page as pages
from bsnn_hw.reporting.facts import as_script, gather
from bsnn_hw.reporting.page import CircuitFacts, Request, page_text, write_page
from bsnn_hw.verification.record import Check, record
from tests.for_each import for_each, for_each_in
from tests.reporting.example import NAMES, with_name

MISSING = CircuitFacts(None, missing="not asked for")
VOID = {"meta", "br", "link", "input"}
class Structure(HTMLParser):
    """Elements in order; checks that each one ends, and gathers text and attributes."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.text, self.attributes = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(text):
    structure = Structure()
    structure.feed(text)
    structure.close()
    assert structure.open == []
    return structure


@pytest.fixture
def folder(direct_bundle, tmp_path):
    return Path(shutil.copytree(direct_bundle.folder, tmp_path / "b"))


@pytest.fixture(autouse=True)
def no_search(monkeypatch):
    """Plans are not searched for; tests/reporting/test_parts.py does it."""
    monkeypatch.setattr(facts, "front", lambda *_: None)


@pytest.fixture
def plain(direct_bundle):
    return facts_of(direct_bundle)


def facts_of(bundle, folder=None):
    return gather(folder or bundle.folder, bundle.design, bundle.inputs, "vectors")


@pytest.mark.wide
@for_each_in("bundles", "bundle")
def test_every_kind_of_network_has_a_page(bundle):
    structure = parsed(page_text(facts_of(bundle), MISSING))
    text = "".join(structure.text)
    for layer in bundle.network.layers:
        assert layer.name in text
    assert "never verified as it lies here" in text


def test_the_verdict_comes_first(direct_bundle, folder):
    check = Check("bench", "python -m bsnn_hw.verify b", 24, "the bundle's vectors")
    for found, kind, words in ((check, "exact", "every spike, every membrane potential"),
                               (replace(check, difference="layer fc1, neuron 3"), "different",
                                "layer fc1, neuron 3")):
        record(folder, found)
        text = page_text(facts_of(direct_bundle, folder), MISSING)
        assert f'<section class="verdict {kind}"' in text and words in text
        assert text.index('id="verdict"') < text.index('id="circuit"') < text.index("Network and")


@for_each_in("bundles", "bundle")
def test_nothing_is_loaded(bundle):
    text = page_text(facts_of(bundle), CircuitFacts(Markup("{}"), "7", "Draw"))
    assert not re.search(r"https?:|//cdn|@import|url\((?!#)", text)
    assert not {"link", "img", "iframe", "base", "object"} & set(parsed(text).tags)
    names = {name for name, _ in parsed(text).attributes}
    assert not {"src", "href", "action", "onload", "onclick"} & names


def test_the_policy_names_the_script(plain):
    text = page_text(plain, CircuitFacts(Markup("{}"), "7", "Draw"))
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}' 'wasm-unsafe-eval'" in text
    assert "default-src 'none'" in text


@for_each("kind", NAMES)
def test_names_are_text(plain, kind):
    """Wherever a name of somebody's may stand."""
    name = NAMES[kind]
    data = Markup(as_script({"classes": [name]}))
    before = parsed(page_text(plain, CircuitFacts(Markup("{}"), "7", "Draw")))
    text = page_text(with_name(plain, name), CircuitFacts(data, "7", "Draw"))
    after = parsed(text)
    assert after.tags == before.tags
    assert name in "".join(after.text)
    found = re.search(r'id="circuit-data">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(html.unescape(found)) == {"classes": [name]}


def test_missing_compiler(folder, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = write_page(Request(folder))
    assert path == folder / "report" / "report.html"
    assert "pip install &#39;bsnn-hw[report]&#39;" in path.read_text()
    assert "WebAssembly" not in path.read_text().partition("The circuit is not")[0]


def test_without_the_circuit(folder, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert report.main([str(folder), "--no-circuit", "--out", str(out), "-v"]) == 0
    shown, said = capsys.readouterr()
    assert f"written   {out} (0." in shown
    for step in ("bundle read", "samples read", "reference run and plans weighed"):
        assert f"{step}: " in said
    assert "it was not asked for" in out.read_text()
    first = out.read_bytes()
    assert report.main([str(folder), "--no-circuit", "--out", str(out)]) == 0
    assert out.read_bytes() == first


WRONG = {
    "no bundle": (lambda b: shutil.rmtree(b / "rtl") or (b / "manifest.json").unlink(), (),
                  "must be a bundle with a manifest.json"),
    "edited": (lambda b: (b / "network.json").write_text(
        (b / "network.json").read_text() + "\n"), (), "network.json was edited; give --edited"),
    "samples": (lambda b: None, ("--samples", "0"), "--samples: must be 1..1000, not 0"),
    "out": (lambda b: None, ("--no-circuit", "--out", "/none/x.html"),
            "/none/x.html: must be a file that can be written, No such file or directory; give"),
    "out below a file": (lambda b: None, ("--no-circuit", "--out", "/dev/null/x.html"),
                         "/dev/null/x.html: must be a file that can be written, Not a directory"),
    "out is a folder": (lambda b: None, ("--no-circuit", "--out", "/tmp"),
                        "/tmp: must be a file that can be written, "),
}


@for_each("kind", WRONG)
def test_wrong(kind, direct_bundle, tmp_path, capsys):
    spoil, options, message = WRONG[kind]
    folder = Path(shutil.copytree(direct_bundle.folder, tmp_path / "b"))
    spoil(folder)
    assert report.main([str(folder), *options]) == 1
    assert message in capsys.readouterr().err


@for_each("into", [("--out", "{folder}/page.html"), ()])
def test_a_full_disk(into, folder, monkeypatch, capsys):
    """One line, and nothing is left behind."""
    def full(path, content):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    before = sorted(folder.iterdir())
    options = [word.format(folder=folder) for word in into]
    assert report.main([str(folder), "--no-circuit", *options]) == 1
    error = capsys.readouterr().err
    assert "No space left on device" in error and error.count("\n") == 1
    assert [*folder.glob("report/*"), *folder.glob("report/.*")] == []
    assert sorted(each for each in folder.iterdir() if each.name != "report") == before


def test_an_edited_bundle_is_shown_when_asked(folder):
    with (folder / "network.json").open("a") as file:
        file.write("\n")
    assert report.main([str(folder), "--no-circuit", "--edited"]) == 0


def test_few_samples_of_large_maps(folder, monkeypatch):
    monkeypatch.setattr(pages, "MOST_VALUES", 1)
    path = write_page(Request(folder, circuit=False))
    assert "Measured by the reference on 4 of the bundle&#39;s vectors" in path.read_text()
