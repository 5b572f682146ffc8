"""``--help`` of every verb is there at once: nothing heavy is imported."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.for_each import for_each

ROOT = Path(__file__).parents[1]
VERBS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("bsnn_hw", "evidence") for path in (ROOT / folder).glob("*.py")
    if '__name__ == "__main__":\n    sys.exit(main())' in path.read_text()
    and path.stem != "__main__")

CODE = """
import runpy, sys
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_module(sys.argv[0], run_name="__main__")
except SystemExit as end:
    assert end.code == 0, end.code
heavy = {"torch", "amaranth", "pyosys", "sklearn", "cocotb", "jinja2", "matplotlib"}
heavy &= set(sys.modules)
print(*heavy, file=sys.stderr)
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


@for_each("verb", VERBS)
def test_help_is_light(verb):
    result = subprocess.run([sys.executable, "-c", CODE, verb], text=True, capture_output=True,
                            env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert result.returncode == 0, result.stderr
    assert f"usage: python -m {verb} " in result.stdout
    assert not result.stderr.split()
