"""Amaranth reads a signal's name from the assignment to it, and Python 3.13 hides two in one."""

import ast
from pathlib import Path

from tests.for_each import for_each

ROOT = Path(__file__).parents[2]


def _is_traced(value):
    """Whether what ``value`` makes is called as what it is assigned to."""
    return (isinstance(value, ast.Call)
            and ast.unparse(value.func).endswith(("Signal", "Signal.like", "_port", ".create"))
            and "name" not in {keyword.arg for keyword in value.keywords})


def hidden(node):
    """Whether the assignment ``node`` stores two names in one instruction."""
    targets, value = node.targets, node.value
    if isinstance(value, ast.Tuple) and isinstance(targets[0], ast.Tuple):
        return any(map(_is_traced, value.elts))
    return _is_traced(value) and len(targets) > 1 and isinstance(targets[0], ast.Name)


@for_each("path", sorted((ROOT / "hdl").glob("**/*.py")))
def test_a_signal_is_assigned_alone(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign):
            assert not hidden(node), f"{path.name}, line {node.lineno}: another name in Python 3.13"


def test_what_hides_names():
    lines = {"a, b = Signal(), m.read_port()": True, "a, b = s.create(), 3": True,
             "a = b = Signal.like(c)": True, "a = self.b = Signal()": True,
             "self.b = a = Signal()": False, "a = Signal()": False,
             "a, b = Signal(name='x'), f()": False}
    assert {line: hidden(ast.parse(line).body[0]) for line in lines} == lines
