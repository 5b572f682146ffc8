"""``--help`` of every verb is there at once: nothing heavy is imported."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bsnn_hw.nn.data import DATASETS
from bsnn_hw.nn.recipe import default_recipe
from evidence.site.verbs import describe
from tests.for_each import for_each

ROOT = Path(__file__).parents[1]
VERBS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("bsnn_hw", "evidence") for path in (ROOT / folder).glob("*.py")
    if '__name__ == "__main__":\n    sys.exit(main())' in path.read_text()
    and path.stem != "__main__")

# All in one process, as what one of them imports may only be light for the next.
CODE = """
import contextlib, io, runpy, sys, warnings
warnings.simplefilter("ignore", RuntimeWarning)  # of a module that another verb has imported
heavy = {"torch", "amaranth", "pyosys", "sklearn", "cocotb", "jinja2", "matplotlib"}
for verb in sys.argv[1:]:
    sys.argv, shown = [verb, "--help"], io.StringIO()
    with contextlib.redirect_stdout(shown):
        try:
            runpy.run_module(verb, run_name="__main__")
        except SystemExit as end:
            assert end.code == 0, (verb, end.code)
    assert f"usage: python -m {verb} " in shown.getvalue(), verb
    assert not heavy & set(sys.modules), (verb, heavy & set(sys.modules))
"""


def test_all_verbs_are_found():
    assert {"bsnn_hw.generate", "bsnn_hw.verify", "bsnn_hw.train",
            "evidence.faults"} <= set(VERBS)


@for_each("verb", VERBS)
def test_no_option_is_abbreviated(verb, capsys):
    """--lane would be taken for --lanes, and an option of a later version for another."""
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(verb).main(["x", "--hel"])
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err


@for_each("verb", [*VERBS, "bsnn_hw.events.__main__", "evidence.proofs.__main__"])
def test_every_verb_says_as_much_as_is_asked_for(verb, monkeypatch, capsys):
    """As README.md and docs/verbs.md say; and nothing is coloured, not even where it is asked."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(verb).main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "-v, --verbose" in shown
    assert "-q, --quiet" in shown
    assert "\x1b" not in shown


@for_each("verb", ["generate", "precision", "report", "show", "train", "verify"])
def test_every_data_set_is_named(verb):
    said = next(option for option in describe(f"bsnn_hw.{verb}").options
                if "mnist" in option.words + option.text)
    assert all(name in said.words + said.text for name in DATASETS)


@for_each("option, field", [("--hidden N,N", "hidden"), ("--bits BITS", "bits"),
                            ("--epochs EPOCHS", "epochs"), ("--validation N", "validation")])
@for_each("name", DATASETS)
def test_help_knows_the_defaults_of_a_data_set(option, field, name):
    """`(128,96; digits 128,64)`: the first is that of all others; then come kinds of networks."""
    text = next(each.text for each in describe("bsnn_hw.train").options if each.words == option)
    usual, *others = re.search(r"\((\d.*?)\)", text)[1].split("; ")
    own = dict(each.split(" ", 1) for each in others)
    default = getattr(default_recipe(name), field)
    value = ",".join(map(str, default)) if field == "hidden" else str(default)
    assert own.get(name, own.get(name.split("-")[0], usual)) == value


def test_help_is_light():
    result = subprocess.run([sys.executable, "-c", CODE, *VERBS], text=True, capture_output=True,
                            env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (result.returncode, result.stderr) == (0, "")
