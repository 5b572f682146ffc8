"""The site builds without a warning, and its notebooks run; both where their extra is installed."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from evidence.browser import CHROMIUM, browser
from tests.docs.pages import DOCS, ROOT
from tests.for_each import for_each

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def needs(*packages):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs") / "site"
    result = subprocess.run([sys.executable, "-m", "sphinx", "-E", "-W", "--keep-going", "-q", "-b",
                             "html", DOCS, folder], cwd=ROOT, text=True, capture_output=True,
                            env={**os.environ, "FORCE_COLOR": "1"})
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.slow
@needs("sphinx", "furo", "myst_parser")
def test_the_site_builds_without_a_warning(site):
    verbs = (site / "verbs.html").read_text(encoding="utf-8")
    assert "--no-circuit" in verbs and "leave the running circuit out" in verbs
    assert "\x1b" not in verbs, "help is not coloured, not even where that is forced"
    api = (site / "api.html").read_text(encoding="utf-8")
    assert "bsnn_hw.pipeline.lower" in api and (site / "searchindex.js").exists()


@pytest.mark.slow
@needs("sphinx", "furo", "myst_parser", "axe_core_python")
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_everybody_can_read_the_site(site):
    """No serious finding of axe, by day and by night, at a desk and on a phone."""
    found = {}
    with browser() as chromium:
        for name in ("index", "tutorial", "concepts", "verbs", "api", "results"):
            for width in (1280, 390):
                chromium.open(site / f"{name}.html", width)
                if complaints := chromium.findings():
                    found[name, width] = complaints
    assert not found


@for_each("path", NOTEBOOKS)
def test_nothing_that_a_notebook_printed_is_stored(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.slow
@needs("nbclient", "ipykernel", "sklearn", "matplotlib")
@for_each("path", NOTEBOOKS)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=1800, kernel_name="python3",
                   resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output["data"] for cell in notebook.cells for output in cell.get("outputs", ())
             if "data" in output]
    assert sum("text/html" in data for data in shown) >= 2
