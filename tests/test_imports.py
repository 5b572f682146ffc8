"""Import arrows of the house: which parts of the package a part may know."""

import ast
import functools
from pathlib import Path

from tests.for_each import for_each

ROOT = Path(__file__).parents[1]
FOLDERS = ("bsnn_hw", "hdl", "sim")
SOURCES = sorted(path for top in FOLDERS for path in (ROOT / top).glob("**/*.py"))
# What any wing may know that touches files, processes or people: it knows nothing above itself.
HELPERS = {"__version__", "archive", "arrays", "callables", "checkpoint", "child", "cluster",
           "errors", "guard", "processes", "progress", "scratch", "text"}
ARROWS = {
    "ir": {"errors"},  # nothing but the words for what a user can cause
    "reference": {"ir"},
    "devices": {"ir", "errors"},
    "engines": {"ir", "devices"},
    "ports": {"ir", "devices", "engines"},
    "layout": {"ir", "devices", "engines", "ports", "callables"},
    "link": set(),  # a host without the rest of the program needs it
    "driver": {"link", "errors", "child", "processes"},
    "hdl": {"ir", "engines", "ports", "layout", "link"},
    "model": {"ir", *HELPERS},
    "nn": {"ir", "model", *HELPERS},
    "lowering": {"ir", "model", "reference", *HELPERS},
    "planning": {"ir", "reference", "devices", "engines", "ports", "layout", *HELPERS},
    "verilog": HELPERS,
    "sim": {"ir", "verilog", *HELPERS},
    "emission": {"ir", "reference", "engines", "ports", "layout", "link", "hdl", "planning",
                 "verilog", "sim", "samples", *HELPERS},
    "verification": {"ir", "reference", "model", "ports", "layout", "planning", "emission", "sim",
                     "events", "samples", "summary", *HELPERS},
    "synthesis": {"reference", "devices", "planning", "emission", "verilog", "verification",
                  *HELPERS},
    "reporting": {"ir", "reference", "devices", "engines", "ports", "layout", "planning",
                  "plan_report", "emission", "sim", "verification", "synthesis", "samples",
                  *HELPERS},
    "exploration": {"ir", "reference", "devices", "planning", "lowering", "nn", "emission", "sim",
                    "synthesis", "reporting", "samples", "pipeline", *HELPERS},
    "pictures": {"ir", "reference", "emission", "verification", "samples", "pipeline", *HELPERS},
    "boards": {"ir", "reference", "devices", "ports", "hdl", "link", "planning", "driver",
               "emission", "sim", "verilog", "synthesis", "pipeline", *HELPERS},
    "soc": {"ir", "ports", "hdl", "link", "emission", "sim", "verilog", *HELPERS},
    "convert": {"model", *HELPERS},
    "events": {"ir", "model", "samples", *HELPERS},
}


def nodes_of(source):
    """What the tests below ask of: imports, at the top or inside functions, and comparisons."""
    return [node for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.Import, ast.ImportFrom, ast.Compare))]


@functools.cache
def nodes_in(path):
    return nodes_of(path.read_text())


def _targets(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def our_imports(nodes):
    """Parts of bsnn_hw that are imported."""
    names = (target.split(".") for target in _targets(nodes))
    return {name[1] for name in names if name[0] == "bsnn_hw" and len(name) > 1}


@for_each("part", ARROWS)
def test_arrows(part):
    folder = ROOT / part if part in FOLDERS else ROOT / "bsnn_hw" / part
    files = [path for path in sorted(folder.glob("**/*.py")) if path.stem != "__main__"]
    assert files  # a verb may know everything
    for path in files:
        foreign = our_imports(nodes_in(path)) - ARROWS[part] - {part}
        assert not foreign, f"{part}/{path.name} must not import bsnn_hw.{min(foreign)}"


def test_every_wing_is_guarded():
    wings = {path.name for path in (ROOT / "bsnn_hw").iterdir() if list(path.glob("*.py"))}
    assert wings | {"hdl", "sim"} == set(ARROWS)


def test_no_wing_knows_one_that_knows_it():
    for part in ARROWS:
        seen, waiting = set(), [part]
        while waiting:
            new = (ARROWS.get(waiting.pop(), set())) - seen
            seen |= new
            waiting += new
        assert part not in seen, part


def test_an_arrow_that_points_up_is_seen():
    source = "def late():\n    from bsnn_hw.hdl import neuron\nimport bsnn_hw.model.format\n"
    assert our_imports(nodes_of(source)) == {"hdl", "model"}


BLIND = ("layout", "ports", "planning", "emission", "verification", "synthesis", "sim", "reporting",
         "boards")
SHARED = ("network", "layer", "readout", "frontend", "byte_port", "sequencer", "accumulator")


def test_engines_are_met_through_their_interface_only():
    """So that a further one is a file in both folders, and a line in both registries."""
    paths = [path for path in SOURCES for wing in BLIND if wing in path.parts]
    paths += [ROOT / "hdl" / f"{name}.py" for name in SHARED]
    common = {"engine", "events", "feed", "costs", "registry"}
    assert len(list((ROOT / "bsnn_hw/engines").glob("*.py"))) >= len(common) + 3
    for path in paths:
        named = {target.split(".")[2] for target in _targets(nodes_in(path))
                 if target.startswith("bsnn_hw.engines.")} - common
        assert not named, f"{path.name} must not know {min(named)}"


def test_no_wing_asks_which_port_it_is():
    """So that a further one is a file in both folders, and a line in both registries."""
    for path in (path for path in SOURCES if "ports" not in path.parts):
        for node in nodes_in(path):
            if isinstance(node, ast.Compare):
                asked = any(isinstance(side, ast.Attribute) and isinstance(side.value, ast.Name)
                            and side.value.id == "Port" for side in (node.left, *node.comparators))
                assert not asked, f"{path.name}, line {node.lineno}: ask PORTS, not which it is"


def test_nothing_imports_evidence():
    """It is in the checkout, and not in what is installed."""
    for path in SOURCES:
        targets = {target.split(".")[0] for target in _targets(nodes_in(path))}
        assert not targets & {"evidence", "tests"}, path.name


def test_no_relative_imports():
    for path in SOURCES:
        for node in nodes_in(path):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}, line {node.lineno}: write bsnn_hw.…"
