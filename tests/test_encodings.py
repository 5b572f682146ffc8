"""Text is written and read as UTF-8 whatever the locale: every call of ours says so."""

import ast
from pathlib import Path

from tests.for_each import for_each

ROOT = Path(__file__).parents[1]


def undecided(source):
    """Lines of ``source`` that leave the encoding of text to the locale."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        text = (name in ("read_text", "write_text")
                or (name == "open" and isinstance(node.func, ast.Name) and not _binary(node))
                or (name == "fdopen" and not _binary(node))
                or "universal_newlines" in given or getattr(given.get("text"), "value", False))
        if text and "encoding" not in given:
            yield node.lineno


def _binary(call):
    return any(isinstance(argument, ast.Constant) and "b" in str(argument.value)
               for argument in call.args[1:2])


@for_each("path", [
    path for folder in ("bsnn_hw", "hdl", "sim", "evidence")
    for path in sorted((ROOT / folder).glob("**/*.py"))])
def test_encoding_is_named(path):
    found = list(undecided(path.read_text(encoding="utf-8")))
    assert not found, f"{path}, line {found[0]}: name the encoding, encoding=\"utf-8\""


def test_calls_without_one_are_seen():
    source = ("p.read_text()\np.write_text(t)\nopen(n)\nopen(n, 'w')\nrun(c, text=True)\n"
              "open(n, 'rb')\np.read_text(encoding='utf-8')\nzip.open(n)\n")
    assert list(undecided(source)) == [1, 2, 3, 4, 5]
