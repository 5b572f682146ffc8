"""``import bsnn_hw``: seven functions, imported when used, that go from file to verdict."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bsnn_hw
from bsnn_hw import pipeline
from bsnn_hw.__main__ import VERBS, main
from bsnn_hw.command import _as_flags
from bsnn_hw.errors import InputError
from bsnn_hw.layout.document import layout_document
from tests.for_each import for_each

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "examples" / "digits_fc.pt"


@pytest.mark.wide
def test_six_lines(tmp_path):
    model = bsnn_hw.load(MODEL)
    network = bsnn_hw.lower(model)
    plan = bsnn_hw.plan(network, target="ecp5-25k", goal="fps=50000")
    bsnn_hw.emit(network, plan, tmp_path / "digits_hw", vectors=3)
    written = json.loads((tmp_path / "digits_hw" / "layout.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(layout_document(bsnn_hw.layout(network, plan)))) == written
    assert bsnn_hw.verify(tmp_path / "digits_hw").inferences == 3


@pytest.mark.wide
def test_verbs_are_functions_too(tmp_path):
    from bsnn_hw import generate, verify

    assert generate.main and verify.main
    built = bsnn_hw.generate(MODEL, tmp_path / "out", vectors=2, lanes=(4, 4, 2),
                             parallel=(8, 4, 2))
    assert built.design.verilog.top == "bsnn_digits_fc"
    assert bsnn_hw.verify(tmp_path / "out").inferences == 2


def test_light_import():
    code = ("import sys, bsnn_hw; heavy = {'torch', 'numpy', 'amaranth', 'pyosys'}"
            " & set(sys.modules); assert not heavy, heavy; assert 'generate' in dir(bsnn_hw)")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_no_such_function():
    with pytest.raises(AttributeError, match="has no attribute 'compile'"):
        _ = bsnn_hw.compile


def test_every_public_function_is_documented():
    for name in bsnn_hw.__all__:
        assert "Raises" in (getattr(pipeline, name).__doc__ or ""), name


@for_each("verb", VERBS)
def test_console_verbs(verb, capsys):
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    assert end.value.code == 0
    assert f"python -m bsnn_hw.{verb}" in capsys.readouterr().out


def test_console_script(capsys):
    assert main(["--version"]) == 0 and bsnn_hw.__version__ in capsys.readouterr().out
    assert main([]) == 0 and "generate" in capsys.readouterr().out
    assert main(["gnerate"]) == 2 and "not 'gnerate'" in capsys.readouterr().err


@pytest.mark.wide
def test_parameters_are_flags_on_the_command_line(tmp_path):
    with pytest.raises(InputError, match=r"^`goal`: must come with `target`"):
        bsnn_hw.plan(bsnn_hw.lower(bsnn_hw.load(MODEL)), goal="fastest")
    assert _as_flags("`block_rows`: must be 2") == "--block-rows: must be 2"
