"""The comment at the head of a file: what it says, and that no name can end it."""

import ast
from pathlib import Path

from bsnn_hw import __version__
from bsnn_hw.verilog.header import HEADER, YOURS, file_header, plain_text
from tests.for_each import for_each

HDL = sorted((Path(__file__).parents[2] / "hdl").glob("**/*.py"))


def test_known_answer():
    assert file_header("net_layer_fc1", "A spiking layer.", "Layer fc1: 4 inputs.") == (
        "// Module net_layer_fc1: A spiking layer.\n"
        "// Layer fc1: 4 inputs.\n"
        f"// Written by bsnn-hw {__version__}; what it writes {YOURS}.\n")


def test_nothing_known():
    assert file_header("m", "", "").startswith("// Module m\n// Written by bsnn-hw ")


@for_each("name", [
    "x */ initial $finish; /*", "x\n`include \"/etc/passwd\"", "x\\", "x\r\nmodule y;", "é\u2028y",
    "x\x00y", "synthesis translate_off", "verilator lint_off WIDTH"])
def test_no_name_ends_the_comment(name):
    text = file_header("m", name, f"Layer {name}")
    assert HEADER.fullmatch(text)
    assert [line.split()[1] for line in text.splitlines()] == ["Module", "Layer", "Written"]
    assert all(line.startswith("// ") and line.isascii() for line in text.splitlines())


@for_each("path", HDL)
def test_a_component_is_described_in_a_line(path):
    """What a header takes of a docstring loses nothing but quotes of code."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if (isinstance(node, ast.ClassDef) and node.name[0] != "_"
                and "wiring.Component" in map(ast.unparse, node.bases)):
            line = (ast.get_docstring(node) or "").split("\n\n")[0]
            assert line.endswith("."), f"{path.name}, {node.name}: {line}"
            assert plain_text(line) == " ".join(line.replace("`", "").split()), node.name
