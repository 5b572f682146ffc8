"""Every tool that is here reads what is emitted, of every engine and port, without a warning."""

from functools import cache

import pytest

from bsnn_hw.hdl.ports import top_level
from bsnn_hw.sim.lint import lint
from bsnn_hw.verilog.rtlil import to_rtlil
from bsnn_hw.verilog.write import to_verilog, yosys_reads
from tests.emission.circuits import random_layout
from tests.emission.readers import icarus, slang
from tests.for_each import for_each, quick

SEEDS = (0, 2, 3, 4, 9)  # both ports; events of fully connected layers and of maps, words


@pytest.fixture(scope="module")
def circuits(tmp_path_factory):
    """Of a seed the paths of its Verilog, whose top level is ``top``."""
    @cache
    def of(seed):
        text = to_rtlil(top_level(random_layout(seed))[0], "top")
        return to_verilog(text, tmp_path_factory.mktemp(f"circuit_{seed}"), "top").paths
    return of


def test_the_circuits_are_of_every_kind():
    layouts = [random_layout(seed) for seed in SEEDS]
    assert {layout.port.value for layout in layouts} == {"events", "bytes"}
    engines = {type(geometry).__name__ for layout in layouts for geometry in layout.geometries}
    assert engines == {"DenseEvents", "ConvEvents", "DenseWords"}


@quick(0, wide=2)
@for_each("seed", SEEDS)
def test_verilator(circuits, seed):
    assert lint(circuits(seed), "top") == []


@quick(0, wide=2)
@for_each("seed", SEEDS)
def test_yosys(circuits, seed):
    assert yosys_reads(circuits(seed), "top") == []


@quick(0, wide=2)
@for_each("seed", SEEDS)
def test_slang(circuits, seed):
    assert slang(circuits(seed), "top") == (0, 0)


def test_slang_sees_an_error(tmp_path):
    pytest.importorskip("pyslang")
    path = tmp_path / "top.v"
    path.write_text("module top(input a, output [1:0] b);\n  assign b = {a, c};\nendmodule\n")
    assert slang([path], "top") == (1, 0)


@quick(0, wide=2)
@for_each("seed", SEEDS)
def test_icarus(circuits, seed, tmp_path):
    assert icarus(circuits(seed), "top", tmp_path) == (0, [])


def test_icarus_sees_a_warning(tmp_path):
    path = tmp_path / "top.v"
    path.write_text("module top(input [1:0] a, output b);\n  one u(.a(a), .b(b));\nendmodule\n"
                    "module one(input a, output b);\n  assign b = a;\nendmodule\n")
    code, said = icarus([path], "top", tmp_path)
    assert code == 0 and any("expects 1 bits, got 2" in line for line in said)
