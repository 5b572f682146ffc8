"""Messages: short, whatever is quoted in them."""

import ast
import re
from pathlib import Path

from bsnn_hw.errors import BsnnError, InputError, ModelError
from bsnn_hw.text import listed, shown
from tests.for_each import for_each

ROOT = Path(__file__).parents[1]


def test_a_line_keeps_its_ends():
    text = str(InputError(f"--goal: must be smallest, not {'x' * 10**6}; change it\nnext line"))
    first, second = text.split("\n")
    assert len(first) <= 1200 and second == "next line"
    assert first.startswith("--goal: must be smallest, not xxx")
    assert first.endswith("xxx; change it") and "x...x" in first


def test_short_messages_are_as_they_are():
    assert str(BsnnError("a: b, c; d\n")) == "a: b, c; d\n"
    assert str(ModelError(["a", "b"])) == "a\nb"


def test_what_files_hold_moves_no_terminal():
    text = str(ModelError(["magic \x1b[2J\r\x00ä \udc80", "next"]))
    assert text == "magic \\x1b[2J\\r\\x00ä \\udc80\nnext"


def endless(depth=60):
    shared = ["a"]
    for _ in range(depth):
        shared = [shared] * 20
    return shared


@for_each("value", [
    "x" * 10**6, 10**10**4, endless(), {"a": endless()}, [10**300] * 4, float("nan"), object(),
    tuple(range(10**5)), b"x" * 10**6, {1, 2}])
def test_every_value_has_a_short_name(value):
    assert 0 < len(shown(value)) < 100
    assert len(listed([value] * 1000)) < 1300
    assert listed([value] * 1000).endswith(" and 988 more")


def test_the_library_names_parameters_and_no_flags():
    """`` `out` `` and not ``--out``: the verbs turn the one into the other."""
    for path in sorted((ROOT / "bsnn_hw").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            continue  # a verb
        raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
        texts = [part.value for node in raised for part in ast.walk(node)
                 if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        flags = [text for text in texts if re.search(r"(?<![\w-])--[a-z]", text)
                 and "pip install" not in text]
        assert not flags, f"{path.relative_to(ROOT)}: {flags}"
