"""Amaranth reads a signal's name from the assignment to it, and Python 3.13 hides two in one."""

import ast
from pathlib import Path

from tests.for_each import for_each

ROOT = Path(__file__).parents[2]


@for_each("path", sorted((ROOT / "hdl").glob("**/*.py")))
def test_a_signal_is_assigned_alone(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
                and isinstance(node.targets[0], ast.Tuple)):
            calls = [value for value in node.value.elts if isinstance(value, ast.Call)
                     and ast.unparse(value.func).endswith(("Signal", "_port"))
                     and "name" not in {keyword.arg for keyword in value.keywords}]
            assert not calls, f"{path.name}, line {node.lineno}: another name in Python 3.13"
